//! What lies under a failed connection, as the source of its error.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;

use serde::Serialize;
use serde::ser::{SerializeStruct as _, Serializer};

/// The error underneath, as an error keeps it.
pub(crate) type Source = Arc<dyn Error + Send + Sync>;

/// What the layers below say; its own source is the system's error, where there is one.
// The errors themselves name URLs with their queries, and a secret in their words could not be masked.
#[derive(Debug)]
struct Cause {
    text: String,
    system: Option<io::Error>,
}

impl fmt::Display for Cause {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

impl Error for Cause {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.system.as_ref().map(|error| error as _)
    }
}

/// The source of an error whose connection failed with this, `text` being what the layers say.
pub(crate) fn underneath(text: &str, error: &(dyn Error + 'static)) -> Option<Source> {
    Some(Arc::new(Cause {
        text: text.to_owned(),
        system: number(error).map(io::Error::from_raw_os_error),
    }))
}

/// Takes secrets out of what it says.
pub(crate) fn mask(source: &mut Option<Source>, clean: impl Fn(&mut String)) {
    let Some(found) = source else { return };
    let mut text = found.to_string();
    clean(&mut text);
    if text != found.to_string() {
        *source = underneath(&text, found.as_ref());
    }
}

/// Whether there is nothing to say of it.
#[expect(clippy::ref_option, reason = "serde hands over the field")]
pub(crate) fn unknown(source: &Option<Source>) -> bool {
    source.is_none()
}

/// `{"message", "os_error"}`; the second is the system's number, where it is the system's error.
#[expect(clippy::ref_option, reason = "serde hands over the field")]
pub(crate) fn serialize<S: Serializer>(source: &Option<Source>, to: S) -> Result<S::Ok, S::Error> {
    let Some(source) = source else {
        return ().serialize(to);
    };
    let number = number(source.as_ref());
    let mut made = to.serialize_struct("Cause", 1 + usize::from(number.is_some()))?;
    made.serialize_field("message", &source.to_string())?;
    if let Some(number) = number {
        made.serialize_field("os_error", &number)?;
    }
    made.end()
}

/// The number of the system's error that is the last cause.
fn number(error: &(dyn Error + 'static)) -> Option<i32> {
    let mut next = Some(error);
    while let Some(found) = next {
        let io = found.downcast_ref::<io::Error>();
        if let Some(number) = io.and_then(io::Error::raw_os_error) {
            return Some(number);
        }
        // Errors travel inside an `io::Error`, whose `source` skips them.
        let inner = io.and_then(io::Error::get_ref);
        next = inner.map(|error| error as _).or_else(|| found.source());
    }
    None
}
