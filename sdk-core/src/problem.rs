//! What a server says about an error, in every shape that servers use.

use serde_json::Value;

use crate::error::FieldError;
use crate::exact;

/// The error answer of a server, understood.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Problem {
    /// What the server says, one or two sentences.
    pub message: Option<String>,
    /// The server's own code.
    pub code: Option<String>,
    /// Fields that it refused.
    pub errors: Vec<FieldError>,
    /// Request id, where it is in the body.
    pub request_id: Option<String>,
}

impl Problem {
    /// Reads an error body of any shape.
    pub fn parse(body: &[u8]) -> Problem {
        match serde_json::from_slice::<Value>(body) {
            Ok(value) => Problem::from_json(&value, 0),
            Err(_) => Problem::from_text(&String::from_utf8_lossy(&body[..body.len().min(4096)])),
        }
    }

    fn from_json(value: &Value, depth: usize) -> Problem {
        let mut problem = Problem::default();
        match value {
            Value::String(text) => {
                // A JSON object inside a string, as open-source servers send it.
                let inner = text
                    .find('{')
                    .and_then(|at| serde_json::from_str::<Value>(&text[at..]).ok());
                match inner {
                    Some(inner) if depth < 4 => {
                        let found = Problem::from_json(&inner, depth + 1);
                        if found.message.is_some() {
                            return found;
                        }
                    }
                    _ => {}
                }
                problem.message = Some(text.clone());
            }
            Value::Array(items) => {
                problem.errors = items.iter().filter_map(field_error).collect();
                problem.message = match problem.errors.as_slice() {
                    [] => Some(exact::text_of(value)),
                    [first, ..] => Some(format!("{}: {}", first.field, first.message)),
                };
            }
            Value::Object(map) => {
                for key in ["detail", "message", "error", "title"] {
                    if let Some(found) = map.get(key).filter(|found| !found.is_null()) {
                        if depth < 4 {
                            problem = Problem::from_json(found, depth + 1);
                        }
                        break;
                    }
                }
                // The message of a job says only that it failed; its component says why.
                let why = map
                    .get("error_detail")
                    .and_then(|why| why.get("text")?.as_str());
                problem.message = why.map(|why| why.trim().to_owned()).or(problem.message);
                // `lfx serve` says what went wrong where the answer would stand.
                if let (None, Some(Value::Bool(false)), Some(Value::String(said))) =
                    (&problem.message, map.get("success"), map.get("result"))
                {
                    problem.message = Some(said.clone());
                }
                let text = |key: &str| map.get(key).and_then(Value::as_str).map(str::to_owned);
                problem.code = text("code").or(problem.code);
                problem.request_id = text("request_id").or(problem.request_id);
                if let Some(errors) = map.get("errors").and_then(Value::as_array) {
                    problem.errors = errors.iter().filter_map(field_error).collect();
                }
            }
            _ => {}
        }
        problem
    }

    fn from_text(text: &str) -> Problem {
        let lower = text.to_ascii_lowercase();
        let title = lower.find("<title>").and_then(|start| {
            let start = start + "<title>".len();
            lower[start..]
                .find("</title>")
                .map(|end| text[start..start + end].trim().to_owned())
        });
        let line = text
            .lines()
            .find(|line| !line.trim().is_empty())
            .map(|line| line.trim().chars().take(200).collect::<String>());
        let message = if lower.trim_start().starts_with('<') {
            title
        } else {
            line
        };
        Problem {
            message,
            ..Problem::default()
        }
    }
}

/// `{field, message}` of the workspace API, `{loc, msg}` of open-source servers.
fn field_error(value: &Value) -> Option<FieldError> {
    let message = value
        .get("message")
        .or_else(|| value.get("msg"))?
        .as_str()?
        .to_owned();
    let field = match (value.get("field"), value.get("loc")) {
        (Some(Value::String(field)), _) => field.clone(),
        (_, Some(Value::Array(path))) => path
            .iter()
            .filter(|part| *part != "body")
            .map(|part| {
                part.as_str()
                    .map_or_else(|| exact::text_of(part), str::to_owned)
            })
            .collect::<Vec<_>>()
            .join("."),
        _ => String::new(),
    };
    Some(FieldError { field, message })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape() {
        for (body, message, code, fields) in [
            (
                r#"{"type":"about:blank","title":"Not found","status":404,"detail":"No flow `x`.","code":"flow_not_found"}"#,
                "No flow `x`.",
                Some("flow_not_found"),
                0,
            ),
            (
                r#"{"title":"Unprocessable","detail":"2 fields","errors":[{"field":"a.b","message":"must be text"}]}"#,
                "2 fields",
                None,
                1,
            ),
            (r#"{"detail":"text"}"#, "text", None, 0),
            (
                r#"{"detail":[{"type":"missing","loc":["body","name"],"msg":"Field required"}]}"#,
                "name: Field required",
                None,
                1,
            ),
            (
                r#"{"detail":{"error":"Flow not found","code":"FLOW_NOT_FOUND","message":"Flow x not found"}}"#,
                "Flow x not found",
                Some("FLOW_NOT_FOUND"),
                0,
            ),
            (
                r#"{"detail":"{\"message\":\"Error running graph: boom\",\"traceback\":null,\"code\":null}"}"#,
                "Error running graph: boom",
                None,
                0,
            ),
            (
                r#"{"error":"500: {\"message\":\"boom\"}"}"#,
                "boom",
                None,
                0,
            ),
            (
                r#"{"error":{"message":"bad","type":"invalid","code":"x"}}"#,
                "bad",
                Some("x"),
                0,
            ),
            (
                r#"{"result":"Flow execution failed: x","success":false,"logs":"","type":"error"}"#,
                "Flow execution failed: x",
                None,
                0,
            ),
            (r#"{"message":"oops"}"#, "oops", None, 0),
            (
                "Invalid HTTP request received.",
                "Invalid HTTP request received.",
                None,
                0,
            ),
            (
                "<!doctype html><html><title> 502 Bad Gateway </title>",
                "502 Bad Gateway",
                None,
                0,
            ),
        ] {
            let found = Problem::parse(body.as_bytes());
            assert_eq!(found.message.as_deref(), Some(message), "{body}");
            assert_eq!(found.code.as_deref(), code, "{body}");
            assert_eq!(found.errors.len(), fields, "{body}");
        }
        assert_eq!(Problem::parse(b"").message, None);
        assert_eq!(Problem::parse(b"null").message, None);
    }
}
