//! The fields of a trigger, and what is wrong with those of a request.

use serde_json::{Map, Value, json};

use super::answer::{detail, invalid, missing, wrong};
use super::uuid::{complaint, is_uuid};
use crate::http::Reply;

/// What may be told of a new trigger, and what of it may be changed later, in the order in which
/// the server looks at it.
const NEW: [&str; 14] = [
    "name",
    "kind",
    "provider",
    "node_id",
    "connection_id",
    "config",
    "binding_target",
    "deployment_id",
    "flow_version_id",
    "session_policy",
    "concurrency_limit",
    "max_attempts",
    "flow_id",
    "state",
];
const CHANGED: [&str; 9] = [
    "name",
    "config",
    "connection_id",
    "binding_target",
    "deployment_id",
    "flow_version_id",
    "session_policy",
    "concurrency_limit",
    "max_attempts",
];

/// Checks the fields of a new trigger.
pub(super) fn new(fields: &Map<String, Value>) -> Result<(), Reply> {
    let mut errors = Vec::new();
    for name in NEW {
        match fields.get(name) {
            Some(value) => errors.extend(complaint_of(name, value)),
            None if ["name", "kind", "flow_id"].contains(&name) => errors.push(missing(name)),
            None => {}
        }
    }
    errors.extend(strangers(fields, &NEW));
    finish(&errors)?;
    schedule(fields)
}

/// Checks what is to be changed of a trigger.
pub(super) fn changed(fields: &Map<String, Value>) -> Result<(), Reply> {
    let mut errors = Vec::new();
    for name in CHANGED {
        let nullable = name.ends_with("_id");
        match fields.get(name) {
            Some(Value::Null) if !nullable => errors.push(wrong(
                "value_error",
                &["body", name],
                "Value error, This field cannot be null.",
            )),
            Some(value) => errors.extend(complaint_of(name, value)),
            None => {}
        }
    }
    errors.extend(strangers(fields, &CHANGED));
    finish(&errors)
}

/// Checks an object of which these fields are known.
pub(super) fn only(fields: &Map<String, Value>, known: &[&str]) -> Result<(), Reply> {
    finish(&strangers(fields, known))
}

fn finish(errors: &[Value]) -> Result<(), Reply> {
    match errors.is_empty() {
        true => Ok(()),
        false => Err(invalid(errors)),
    }
}

fn strangers(fields: &Map<String, Value>, known: &[&str]) -> Vec<Value> {
    let strange = fields.keys().filter(|name| !known.contains(&name.as_str()));
    let error = |name: &String| {
        let message = "Extra inputs are not permitted";
        wrong("extra_forbidden", &["body", name], message)
    };
    strange.map(error).collect()
}

fn complaint_of(name: &str, value: &Value) -> Option<Value> {
    let place = ["body", name];
    match name {
        "name" | "kind" => match value.as_str() {
            None => Some(wrong(
                "string_type",
                &place,
                "Input should be a valid string",
            )),
            Some("") => {
                let message = "String should have at least 1 character";
                let mut error = wrong("string_too_short", &place, message);
                error["ctx"] = json!({"min_length": 1});
                Some(error)
            }
            Some(kind) if name == "kind" && !is_kind(kind) => {
                let pattern = r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$";
                let message = format!("String should match pattern '{pattern}'");
                let mut error = wrong("string_pattern_mismatch", &place, &message);
                error["ctx"] = json!({"pattern": pattern});
                Some(error)
            }
            Some(_) => None,
        },
        "config" if !value.is_object() => Some(wrong(
            "dict_type",
            &place,
            "Input should be a valid dictionary",
        )),
        "binding_target" => one_of(&place, value, ["flow", "deployment"]),
        "session_policy" => one_of(&place, value, ["per_event", "shared"]),
        "concurrency_limit" => within(&place, value, 100),
        "max_attempts" => within(&place, value, 20),
        "flow_id" | "connection_id" | "deployment_id" | "flow_version_id" => {
            let id = value.as_str().filter(|id| !is_uuid(id))?;
            Some(wrong("uuid_parsing", &place, &complaint(id)))
        }
        _ => None,
    }
}

/// Whether a text is a name in small letters, or several with dots between them.
fn is_kind(text: &str) -> bool {
    let word = |part: &str| {
        let mut letters = part.bytes();
        letters.all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_')
            && !part.is_empty()
    };
    text.starts_with(|first: char| first.is_ascii_lowercase()) && text.split('.').all(word)
}

fn one_of(place: &[&str], value: &Value, known: [&str; 2]) -> Option<Value> {
    if known.iter().any(|known| value == known) {
        return None;
    }
    let expected = format!("'{}' or '{}'", known[0], known[1]);
    let mut error = wrong("enum", place, &format!("Input should be {expected}"));
    error["ctx"] = json!({"expected": expected});
    Some(error)
}

fn within(place: &[&str], value: &Value, most: i64) -> Option<Value> {
    let Some(number) = value.as_i64() else {
        return Some(wrong("int_type", place, "Input should be a valid integer"));
    };
    let (kind, word, ctx, limit) = match number {
        ..1 => ("greater_than_equal", "greater", "ge", 1),
        number if number > most => ("less_than_equal", "less", "le", most),
        _ => return None,
    };
    let message = format!("Input should be {word} than or equal to {limit}");
    let mut error = wrong(kind, place, &message);
    error["ctx"] = json!({ctx: limit});
    Some(error)
}

/// A schedule may come without its times, and then never is due; if it has some they are checked.
fn schedule(fields: &Map<String, Value>) -> Result<(), Reply> {
    if fields["kind"] != "schedule" {
        return Ok(());
    }
    let Some(cron) = fields.get("config").and_then(|config| config.get("cron")) else {
        return Ok(());
    };
    let parts: Vec<&str> = cron
        .as_str()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let allowed = |it: char| it.is_ascii_alphanumeric() || "*,-/".contains(it);
    match parts.len() == 5 && parts.iter().all(|part| part.chars().all(allowed)) {
        true => Ok(()),
        false => Err(detail(
            422,
            "Invalid cron expression: a valid five-field cron expression is required.",
        )),
    }
}
