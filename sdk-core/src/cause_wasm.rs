//! In WebAssembly errors have no source: what a host says stands in the message.

use std::error::Error;
use std::sync::Arc;

use serde::ser::{Serialize as _, Serializer};

pub(crate) type Source = Arc<dyn Error + Send + Sync>;

pub(crate) fn underneath(_: &str, _: &(dyn Error + 'static)) -> Option<Source> {
    None
}

pub(crate) fn mask(_: &mut Option<Source>, _: impl Fn(&mut String)) {}

#[expect(clippy::ref_option, reason = "serde hands over the field")]
pub(crate) fn unknown(_: &Option<Source>) -> bool {
    true
}

#[expect(clippy::ref_option, reason = "serde hands over the field")]
pub(crate) fn serialize<S: Serializer>(_: &Option<Source>, to: S) -> Result<S::Ok, S::Error> {
    ().serialize(to)
}
