//! What an export may look like.

use serde_json::{Map, Value};

/// Choices for [`to_python`](crate::to_python). The default is the shortest honest program.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Options {
    /// Write a function that raises `NotImplementedError` for what cannot be translated, and list
    /// it at the top, instead of refusing the flow.
    pub stubs: bool,
    /// Add `stream()`, which yields the answer while it is written.
    pub stream: bool,
    /// Add `arun()`, which can be awaited.
    pub asynchronous: bool,
    /// Tweaks that are applied before the export, as in a run: `{component: {setting: value}}`.
    pub tweaks: Map<String, Value>,
}
