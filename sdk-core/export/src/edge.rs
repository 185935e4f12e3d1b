//! A connection between two components, and the three spellings of its handles.

use serde_json::Value;

use crate::flow::{FlowError, shape};

/// A connection: what one component yields is an input of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// The id of the component that yields.
    pub source: String,
    /// The output that is meant; `None` where the format has no names (it is the only one then).
    pub output: Option<String>,
    /// The id of the component that receives.
    pub target: String,
    /// The setting that receives; `None` on the edge that leads back into a loop.
    pub field: Option<String>,
}

impl Edge {
    pub(crate) fn parse(value: &Value, field: &str) -> Result<Self, FlowError> {
        let source = handle(value, "sourceHandle", field)?;
        let target = handle(value, "targetHandle", field)?;
        Ok(Self {
            source: end(value, "source", &source, field)?,
            output: string(&source, "name"),
            target: end(value, "target", &target, field)?,
            field: string(&target, "fieldName"),
        })
    }
}

/// The decoded handle that the editor keeps beside the text wins; otherwise the text is JSON with
/// another sign for the quotation mark, and since it passes through people's hands, with or
/// without spaces. An edge without handles at all is read as well: it names the nodes only.
pub(crate) fn handle(edge: &Value, key: &str, field: &str) -> Result<Value, FlowError> {
    if let Some(decoded) = edge
        .get("data")
        .and_then(|data| data.get(key))
        .filter(|it| it.is_object())
    {
        return Ok(decoded.clone());
    }
    match edge.get(key) {
        None | Some(Value::Null) => Ok(Value::Null),
        Some(object @ Value::Object(_)) => Ok(object.clone()),
        Some(Value::String(text)) if text.is_empty() => Ok(Value::Null),
        Some(Value::String(text)) => {
            let decoded = serde_json::from_str::<Value>(&text.replace('œ', "\""));
            decoded
                .ok()
                .filter(Value::is_object)
                .ok_or_else(|| FlowError::Handle {
                    field: format!("{field}.{key}"),
                    handle: text.chars().take(80).collect(),
                })
        }
        Some(other) => Err(shape(&format!("{field}.{key}"), "a handle", other)),
    }
}

fn end(edge: &Value, key: &str, handle: &Value, field: &str) -> Result<String, FlowError> {
    string(edge, key)
        .or_else(|| string(handle, "id"))
        .ok_or_else(|| {
            shape(
                &format!("{field}.{key}"),
                "the id of a node",
                edge.get(key).unwrap_or(&Value::Null),
            )
        })
}

fn string(value: &Value, key: &str) -> Option<String> {
    value.get(key).and_then(Value::as_str).map(str::to_owned)
}
