//! What real servers streamed, through the decoder and the client.

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
        "--test",
        "captured_runs",
    ]))
}
