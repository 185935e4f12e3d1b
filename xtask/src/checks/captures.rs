//! What real servers streamed, through the decoder.

use anyhow::Result;

use super::cargo;
use crate::process::{Counts, test};

/// See the table of stages.
pub fn captures() -> Result<Counts> {
    test(&mut cargo(&[
        "test",
        "--locked",
        "-p",
        "conformance",
        "--test",
        "captures",
    ]))
}
