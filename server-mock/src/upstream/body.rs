//! Bodies of requests, and what the server makes of those that it does not like.

use serde_json::{Map, Value};

use super::Ask;
use super::answer::{invalid, missing, wrong};
use crate::http::Reply;

/// The JSON of a body; an empty body is none.
pub(super) fn json(ask: &Ask) -> Result<Value, Reply> {
    if ask.body.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(&ask.body).map_err(|error| {
        // The server counts from 0, over line ends.
        let lines = ask
            .body
            .split(|byte| *byte == b'\n')
            .take(error.line().saturating_sub(1));
        let before: usize = lines.map(|line| line.len() + 1).sum();
        let at = before + error.column().saturating_sub(1);
        let mut error = wrong("json_invalid", &["body"], "JSON decode error");
        if let Some(place) = error["loc"].as_array_mut() {
            place.push(at.into());
        }
        invalid(&[error])
    })
}

/// The object of a body, of a route that wants one.
pub(super) fn object(ask: &Ask) -> Result<Map<String, Value>, Reply> {
    match json(ask)? {
        Value::Object(fields) => Ok(fields),
        Value::Null => Err(invalid(&[wrong("missing", &["body"], "Field required")])),
        _ => Err(invalid(&[wrong(
            "model_attributes_type",
            &["body"],
            "Input should be a valid dictionary or object to extract fields from",
        )])),
    }
}

/// A body of runs: anything but a list is taken, and what does not fit is no input at all.
pub(super) fn loose(ask: &Ask) -> Result<Map<String, Value>, Reply> {
    match json(ask)? {
        Value::Object(mut fields) => Ok(match fields.shift_remove("input_request") {
            Some(Value::Object(inner)) => inner,
            Some(other) => {
                fields.insert("input_request".to_owned(), other);
                fields
            }
            None => fields,
        }),
        Value::Array(_) => Err(invalid(&[missing("input_request"), missing("context")])),
        _ => Ok(Map::new()),
    }
}

/// A switch in the query.
pub(super) fn flag(ask: &Ask, name: &str, unset: bool) -> Result<bool, Reply> {
    let Some(value) = ask.query(name) else {
        return Ok(unset);
    };
    match value.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" | "t" | "y" => Ok(true),
        "false" | "0" | "no" | "off" | "f" | "n" => Ok(false),
        _ => Err(invalid(&[wrong(
            "bool_parsing",
            &["query", name],
            "Input should be a valid boolean, unable to interpret input",
        )])),
    }
}
