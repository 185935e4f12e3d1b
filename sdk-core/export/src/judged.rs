//! Which code of components the translations were held against.
//!
//! A component brings its code along, and versions of Langflow differ in it. Programs of flows whose
//! components have code that no judged flow had say so in their header.

use crate::kinds::Class;
use crate::node::Node;

/// One line for each code in a flow that was judged equal; a test writes it from those flows.
const JUDGED: &str = include_str!("judged.txt");

/// The line of a component's code: its hash (FNV-1a); `None` where there is none to compare.
pub fn code_of(node: &Node) -> Option<String> {
    let code = node.setting("code")?.as_str()?;
    if code.is_empty() || Class::of(node) == Class::Other {
        return None;
    }
    let hash = code.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    Some(format!("{hash:016x}"))
}

/// The version of Langflow that the recordings were made with.
const COMPARED: &str = "1.13.";

/// Whether nothing in the file says which version of the component it is.
pub(crate) fn is_unknown(node: &Node) -> bool {
    Class::of(node) != Class::Other && code_of(node).is_none() && node.version.is_none()
}

/// Whether this is a version of the component that no judged flow had. A file that was stripped of
/// its code still says who wrote it.
pub(crate) fn is_other(node: &Node) -> bool {
    if Class::of(node) == Class::Other {
        return false;
    }
    match code_of(node) {
        Some(code) => !JUDGED.lines().any(|line| line == code),
        None => (node.version.as_deref()).is_some_and(|version| !version.starts_with(COMPARED)),
    }
}
