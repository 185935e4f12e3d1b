//! In pages every answer is read as a tree: a second reader would be as large as what it spares is slow.

use crate::operation::Operation;
use crate::run::RunResult;

pub(crate) fn result(_: &Operation, _: &[u8], _: &str, _: u32) -> Option<RunResult> {
    None
}
