//! Compares a value with a schema of the document; as much of JSON Schema as the document uses.

use serde_json::{Map, Value};

use super::Contract;

/// What kind of difference it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ComplaintKind {
    /// A field that has to be there is not.
    Missing,
    /// A field that nobody knows.
    Unknown,
    /// Another type or a value out of range.
    Invalid,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Complaint {
    pub(crate) field: String,
    pub(crate) message: String,
    pub(crate) kind: ComplaintKind,
}

pub(super) fn check(
    contract: &Contract,
    schema: &Value,
    value: &Value,
    field: &str,
    found: &mut Vec<Complaint>,
) {
    let schema = contract.resolve(schema);
    if value.is_null() && schema["nullable"].as_bool().unwrap_or(false) {
        return;
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        check(contract, part, value, field, found);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        one_of(contract, choices, value, field, found);
    }
    if let Some(allowed) = schema["enum"].as_array()
        && !allowed.contains(value)
    {
        let allowed: Vec<String> = allowed.iter().map(Value::to_string).collect();
        invalid(
            found,
            field,
            format!("has to be one of {}", allowed.join(", ")),
        );
        return;
    }
    match schema["type"].as_str() {
        Some("object") => match value.as_object() {
            Some(object) => fields(contract, schema, object, field, found),
            None => wrong_type(found, field, "an object", value),
        },
        Some("array") => match value.as_array() {
            Some(items) => elements(contract, schema, items, field, found),
            None => wrong_type(found, field, "an array", value),
        },
        Some("string") => match value.as_str() {
            Some(text) => string(schema, text, field, found),
            None => wrong_type(found, field, "a string", value),
        },
        Some("integer") if value.as_i64().is_none() && value.as_u64().is_none() => {
            wrong_type(found, field, "a whole number", value);
        }
        Some("number" | "integer") => match value.as_f64() {
            Some(number) => range(schema, number, field, found),
            None => wrong_type(found, field, "a number", value),
        },
        Some("boolean") if !value.is_boolean() => wrong_type(found, field, "true or false", value),
        _ => {}
    }
}

fn fields(
    contract: &Contract,
    schema: &Value,
    object: &Map<String, Value>,
    field: &str,
    found: &mut Vec<Complaint>,
) {
    let known = schema["properties"].as_object();
    for name in schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        if !object.contains_key(name) {
            let message = "is required".to_owned();
            found.push(Complaint {
                field: join(field, name),
                message,
                kind: ComplaintKind::Missing,
            });
        }
    }
    if let Some(least) = schema["minProperties"].as_u64()
        && (object.len() as u64) < least
    {
        invalid(found, field, format!("needs at least {least} field(s)"));
    }
    for (name, value) in object {
        match (
            known.and_then(|known| known.get(name)),
            &schema["additionalProperties"],
        ) {
            (Some(schema), _) => check(contract, schema, value, &join(field, name), found),
            (None, Value::Bool(false)) => {
                let near = known.and_then(|known| {
                    super::nearest(known.keys().map(String::as_str), name, str::to_owned)
                });
                let hint =
                    near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
                found.push(Complaint {
                    field: join(field, name),
                    message: format!("is not known here{hint}"),
                    kind: ComplaintKind::Unknown,
                });
            }
            (None, rest @ Value::Object(_)) => {
                check(contract, rest, value, &join(field, name), found);
            }
            _ => {}
        }
    }
}

fn elements(
    contract: &Contract,
    schema: &Value,
    items: &[Value],
    field: &str,
    found: &mut Vec<Complaint>,
) {
    if let Some(least) = schema["minItems"].as_u64()
        && (items.len() as u64) < least
    {
        invalid(found, field, format!("needs at least {least} element(s)"));
    }
    if let Some(most) = schema["maxItems"].as_u64()
        && items.len() as u64 > most
    {
        invalid(found, field, format!("may have at most {most} element(s)"));
    }
    if schema["uniqueItems"].as_bool().unwrap_or(false)
        && items
            .iter()
            .enumerate()
            .any(|(index, item)| items[..index].contains(item))
    {
        invalid(
            found,
            field,
            "may not have the same element twice".to_owned(),
        );
    }
    for (index, item) in items.iter().enumerate() {
        check(
            contract,
            &schema["items"],
            item,
            &format!("{field}[{index}]"),
            found,
        );
    }
}

fn string(schema: &Value, text: &str, field: &str, found: &mut Vec<Complaint>) {
    let length = text.chars().count() as u64;
    if let Some(least) = schema["minLength"].as_u64()
        && length < least
    {
        let message = if least == 1 {
            "may not be empty".to_owned()
        } else {
            format!("needs at least {least} characters")
        };
        invalid(found, field, message);
    }
    if let Some(most) = schema["maxLength"].as_u64()
        && length > most
    {
        invalid(found, field, format!("may have at most {most} characters"));
    }
    if schema["format"].as_str() == Some("date-time")
        && chrono::DateTime::parse_from_rfc3339(text).is_err()
    {
        invalid(
            found,
            field,
            "has to be a date and time like 2024-01-15T10:30:00Z".to_owned(),
        );
    }
}

fn range(schema: &Value, number: f64, field: &str, found: &mut Vec<Complaint>) {
    let excludes = |key: &str| schema[key].as_bool().unwrap_or(false);
    if let Some(least) = schema["minimum"].as_f64()
        && (number < least || (number == least && excludes("exclusiveMinimum")))
    {
        invalid(found, field, format!("has to be at least {least}"));
    }
    if let Some(most) = schema["maximum"].as_f64()
        && (number > most || (number == most && excludes("exclusiveMaximum")))
    {
        invalid(found, field, format!("has to be at most {most}"));
    }
}

/// The complaints of the choice that comes nearest: the one whose own fields fit best.
fn one_of(
    contract: &Contract,
    choices: &[Value],
    value: &Value,
    field: &str,
    found: &mut Vec<Complaint>,
) {
    let tried = choices.iter().map(|choice| {
        let mut complaints = Vec::new();
        check(contract, choice, value, field, &mut complaints);
        complaints
    });
    found.extend(tried.min_by_key(Vec::len).unwrap_or_default());
}

fn invalid(found: &mut Vec<Complaint>, field: &str, message: String) {
    found.push(Complaint {
        field: field.to_owned(),
        message,
        kind: ComplaintKind::Invalid,
    });
}

fn wrong_type(found: &mut Vec<Complaint>, field: &str, expected: &str, value: &Value) {
    invalid(
        found,
        field,
        format!("has to be {expected}, not {}", short(value)),
    );
}

/// What was given, without the words of strings: they may be secrets.
fn short(value: &Value) -> String {
    match value {
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        Value::String(_) => "a string".to_owned(),
        other => other.to_string(),
    }
}

fn join(field: &str, name: &str) -> String {
    if field.is_empty() {
        name.to_owned()
    } else {
        format!("{field}.{name}")
    }
}
