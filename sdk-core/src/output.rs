//! Where the text of an answer is. Never guesses: with several outputs there is no single one.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::exact;

/// Why [`crate::RunResult::output`] is what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// One output, and it is text.
    Single,
    /// Several outputs; choose from `outputs`.
    Multiple,
    /// No output.
    None,
    /// One output, and it is no text.
    NonString,
    /// The run waits for the decision of a person; see [`crate::Job::resume`].
    Suspended,
    /// The run is not over.
    Pending,
}

/// The one output of a run, if there is one. Displays as its text.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(untagged)]
pub enum Output {
    /// Text.
    Text(String),
    /// Something else that JSON can say.
    Json(Value),
    /// There is no single output.
    #[default]
    None,
}

impl Output {
    /// The text, where it is text.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Output::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl fmt::Display for Output {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Output::Text(text) => out.write_str(text),
            Output::Json(value) => write!(out, "{value}"),
            Output::None => Ok(()),
        }
    }
}

/// One output of a flow.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ComponentOutput {
    /// Id of the component, or the key under which the server gave it.
    pub component_id: String,
    /// Name of the component as people see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// `text`, `json` or `table`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// What it is.
    pub value: Value,
}

/// Outputs by component id, in the order of the ids.
pub type Outputs = BTreeMap<String, ComponentOutput>;

/// An output from its value.
pub fn component(id: &str, display_name: Option<&str>, value: Value) -> ComponentOutput {
    let kind = match &value {
        Value::String(text) if !exact::is_marked(text) => "text",
        Value::Array(rows) if !rows.is_empty() && rows.iter().all(Value::is_object) => "table",
        _ => "json",
    };
    ComponentOutput {
        component_id: id.to_owned(),
        display_name: display_name.map(str::to_owned),
        kind,
        value,
    }
}

/// The single output of these, and why there is none.
pub fn single(outputs: &Outputs) -> (Output, Reason) {
    single_of(outputs, &[])
}

/// The single output of those with these ids; of all, without any.
pub fn single_of(outputs: &Outputs, ids: &[String]) -> (Output, Reason) {
    let counts = |output: &&ComponentOutput| {
        !output.value.is_null() && (ids.is_empty() || ids.contains(&output.component_id))
    };
    let mut there = outputs.values().filter(counts);
    match (there.next(), there.next()) {
        (None, _) => (Output::None, Reason::None),
        (Some(_), Some(_)) => (Output::None, Reason::Multiple),
        (Some(output), None) => of_value(&output.value),
    }
}

/// The single output that has this value.
pub fn of_value(value: &Value) -> (Output, Reason) {
    match value {
        Value::String(text) if !exact::is_marked(text) => {
            (Output::Text(text.clone()), Reason::Single)
        }
        value => (Output::Json(value.clone()), Reason::NonString),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn single_multiple_none_and_not_text() {
        for (values, output, reason) in [
            (vec![json!("a")], Output::Text("a".into()), Reason::Single),
            (vec![json!("")], Output::Text(String::new()), Reason::Single),
            (vec![json!("a"), json!("b")], Output::None, Reason::Multiple),
            (
                vec![json!("a"), json!(null)],
                Output::Text("a".into()),
                Reason::Single,
            ),
            (vec![], Output::None, Reason::None),
            (vec![json!(null)], Output::None, Reason::None),
            (
                vec![json!({"a": 1})],
                Output::Json(json!({"a": 1})),
                Reason::NonString,
            ),
        ] {
            let outputs: Outputs = values
                .into_iter()
                .enumerate()
                .map(|(at, value)| (at.to_string(), component(&at.to_string(), None, value)))
                .collect();
            assert_eq!(single(&outputs), (output, reason));
        }
    }
}
