//! The bodies of errors, as FastAPI and Langflow write them.

use serde_json::{Value, json};

use crate::http::Reply;

/// The usual error: `{"detail": "…"}`.
pub(super) fn detail(status: u16, text: &str) -> Reply {
    Reply::json(status, &json!({"detail": text}))
}

/// An error whose detail is an object.
pub(super) fn object(status: u16, detail: &Value) -> Reply {
    Reply::json(status, &json!({"detail": detail}))
}

/// One thing that is wrong with a request.
pub(super) fn wrong(kind: &str, place: &[&str], message: &str) -> Value {
    json!({"type": kind, "loc": place, "msg": message})
}

/// The answer to a request that does not pass the validation.
pub(super) fn invalid(errors: &[Value]) -> Reply {
    Reply::json(422, &json!({"detail": errors}))
}

/// The same, from a route that has its checks twice.
pub(super) fn invalid_twice(errors: &[Value]) -> Reply {
    let twice: Vec<&Value> = errors.iter().chain(errors).collect();
    Reply::json(422, &json!({"detail": twice}))
}

/// What a field that is missing is told.
pub(super) fn missing(field: &str) -> Value {
    wrong("missing", &["body", field], "Field required")
}

/// The error of v2: with the frontend in front of it a 404 loses its wrapper.
pub(super) fn coded(status: u16, body: &Value) -> Reply {
    match status {
        404 => Reply::json(404, body),
        _ => object(status, body),
    }
}
