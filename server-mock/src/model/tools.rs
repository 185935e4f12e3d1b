//! Tools that a model uses on its way to an answer.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// A tool that a model called, and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ToolCall {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) arguments: Map<String, Value>,
    /// What the tool answered.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub(crate) output: Value,
    /// Why it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
}

/// The calls as a message of Langflow shows them (`content_blocks`); none where there are none.
pub(crate) fn content_blocks(calls: &[ToolCall]) -> Option<Value> {
    let contents = calls.iter().map(|call| {
        json!({
            "type": "tool_use",
            "name": call.name,
            "tool_input": call.arguments,
            "output": call.output,
            "error": call.error,
        })
    });
    let contents: Vec<Value> = contents.collect();
    (!contents.is_empty()).then(|| json!([{"title": "Agent Steps", "contents": contents}]))
}
