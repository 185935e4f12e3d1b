//! Turns a document into one that progenitor can express: one success schema and one request
//! media type an operation, no constraint that would refuse an answer of a newer server.

use anyhow::{Context, Result, bail};
use heck::ToPascalCase;
use serde_json::{Map, Value, json};

use crate::document::resolve;

/// What a twin operation differs in from the one it was split from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// JSON, or nothing.
    Json,
    /// Bytes that are text.
    Text,
    /// Bytes.
    Bytes,
    /// A stream of events.
    Events,
}

/// An operation as progenitor sees it.
#[derive(Debug, Clone)]
pub struct Split {
    /// operationId in the document.
    pub origin: String,
    /// operationId for progenitor (`runFlowStream`).
    pub id: String,
    /// What it answers.
    pub answer: Answer,
    /// Media type of the answer, sent as `accept` where progenitor sends none.
    pub accept: String,
    /// Media type of a body that is not JSON.
    pub content_type: Option<String>,
}

/// The document for progenitor, and the operations in it.
pub fn prepare(document: &Value) -> Result<(Value, Vec<Split>)> {
    let mut splits = Vec::new();
    let mut paths = Map::new();
    for (path, item) in document["paths"].as_object().context("paths")? {
        for (method, node) in item.as_object().context("path item")? {
            if method == "parameters" {
                continue;
            }
            for (suffix, split, operation) in variants(document, item, node)? {
                let key = match suffix.as_str() {
                    "" => path.clone(),
                    // A fragment is never sent, and the method keeps the keys of two twins apart.
                    suffix => format!("{path}#{method}-{suffix}"),
                };
                let entry = paths.entry(key.clone()).or_insert_with(|| json!({}));
                if entry.get(method).is_some() {
                    bail!("two operations at {method} {key}");
                }
                entry[method] = operation;
                splits.push(split);
            }
        }
    }
    let mut prepared = json!({
        "openapi": "3.0.3",
        "info": {"title": document["info"]["title"], "version": document["info"]["version"]},
        "paths": paths,
        "components": {"schemas": document["components"]["schemas"]},
    });
    relax(&mut prepared);
    Ok((prepared, splits))
}

/// The operations that one operation becomes: its first JSON-like answer under its own name, and
/// a twin for every other answer and every other kind of body.
fn variants(document: &Value, item: &Value, node: &Value) -> Result<Vec<(String, Split, Value)>> {
    let id = node["operationId"].as_str().context("operationId")?;
    let mut shared = Vec::new();
    for list in [&item["parameters"], &node["parameters"]] {
        for reference in list.as_array().into_iter().flatten() {
            shared.push(resolve(document, reference)?.clone());
        }
    }
    let mut found: Vec<(String, Split, Value)> = Vec::new();
    let body = node
        .get("requestBody")
        .map(|body| resolve(document, body))
        .transpose()?;
    for (status, media_type, media) in answers(document, node)? {
        let schema = media.as_ref().map(|media| media["schema"].clone());
        let known = found.iter_mut().find(|(_, split, operation)| {
            split.accept == media_type && has_schema(operation, &media_type, schema.as_ref())
        });
        if let Some((_, _, operation)) = known {
            let copy = operation["responses"]
                .as_object()
                .and_then(|all| all.values().next())
                .cloned();
            operation["responses"][&status] = copy.unwrap_or_default();
            continue;
        }
        let answer = match media_type.as_str() {
            "" | "application/json" => Answer::Json,
            "application/x-ndjson" => Answer::Text,
            "text/event-stream" => Answer::Events,
            text if text.starts_with("text/") => Answer::Text,
            _ => Answer::Bytes,
        };
        let suffix = match (found.is_empty(), answer, status.as_str()) {
            (true, ..) => String::new(),
            (_, Answer::Events, _) => "Stream".to_owned(),
            (_, Answer::Json, "202") => "Background".to_owned(),
            _ => word(&media_type),
        };
        let mut params = shared.clone();
        if answer != Answer::Json {
            params.push(header("accept"));
        }
        let mut operation = json!({
            "operationId": format!("{id}{suffix}"),
            "summary": node["summary"],
            "description": node["description"],
            "parameters": params,
            "responses": {&status: response(answer, &media_type, schema)},
        });
        if let Some((name, media)) = body.and_then(typed_body) {
            operation["requestBody"] = json!({"required": true, "content": {name: media}});
        }
        let split = Split {
            origin: id.to_owned(),
            id: format!("{id}{suffix}"),
            answer,
            accept: media_type,
            content_type: None,
        };
        found.push((suffix, split, operation));
    }
    let other_bodies: Vec<String> = body
        .and_then(|body| body["content"].as_object())
        .into_iter()
        .flat_map(|content| content.keys())
        .filter(|name| !TYPED.contains(&name.as_str()))
        .cloned()
        .collect();
    for media_type in other_bodies {
        let (_, split, mut operation) = found.first().context("an answer")?.clone();
        // The only way to send it needs no name of its own.
        let alone = operation.get("requestBody").is_none();
        let suffix = match alone {
            true => String::new(),
            false => word(&media_type),
        };
        operation["operationId"] = json!(format!("{id}{suffix}"));
        operation["requestBody"] = json!({
            "required": true,
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        });
        if let Some(params) = operation["parameters"].as_array_mut() {
            params.push(header("content-type"));
        }
        let split = Split {
            id: format!("{id}{suffix}"),
            content_type: Some(media_type),
            ..split
        };
        if alone {
            found.clear();
        }
        found.push((suffix, split, operation));
    }
    Ok(found)
}

/// Media types of bodies that progenitor writes from their fields.
const TYPED: [&str; 2] = ["application/json", "application/x-www-form-urlencoded"];

fn typed_body(body: &Value) -> Option<(&'static str, &Value)> {
    TYPED
        .into_iter()
        .map(|name| (name, &body["content"][name]))
        .find(|(_, media)| !media.is_null())
}

type AnswerOf = (String, String, Option<Value>);

/// Success answers, those that are not streams first: the plain name goes to them.
fn answers(document: &Value, node: &Value) -> Result<Vec<AnswerOf>> {
    let mut found = Vec::new();
    for (status, reference) in node["responses"].as_object().context("responses")? {
        if !status.starts_with('2') {
            continue;
        }
        let response = resolve(document, reference)?;
        match response["content"].as_object() {
            None => found.push((status.clone(), String::new(), None)),
            Some(content) => {
                for (media_type, media) in content {
                    found.push((status.clone(), media_type.clone(), Some(media.clone())));
                }
            }
        }
    }
    found.sort_by_key(|(_, media_type, _)| media_type == "text/event-stream");
    Ok(found)
}

fn has_schema(operation: &Value, media_type: &str, schema: Option<&Value>) -> bool {
    let responses = operation["responses"].as_object();
    responses
        .and_then(|all| all.values().next())
        .is_some_and(|response| {
            schema
                == response["content"]
                    .get(media_type)
                    .map(|media| &media["schema"])
        })
}

fn response(answer: Answer, media_type: &str, schema: Option<Value>) -> Value {
    match (answer, schema) {
        (Answer::Json, None) => json!({"description": "Nothing."}),
        (Answer::Json, Some(schema)) => {
            json!({"description": "The answer.", "content": {media_type: {"schema": schema}}})
        }
        _ => json!({
            "description": "The answer.",
            "content": {media_type: {"schema": {"type": "string", "format": "binary"}}},
        }),
    }
}

fn header(name: &str) -> Value {
    json!({"name": name, "in": "header", "required": true, "schema": {"type": "string"}})
}

/// `text/x-python` is `Python`, `application/zip` is `Zip`.
fn word(media_type: &str) -> String {
    let last = media_type.rsplit('/').next().unwrap_or_default();
    last.strip_prefix("x-").unwrap_or(last).to_pascal_case()
}

/// Removes what would make the generated code refuse a value or drop an unknown field.
fn relax(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(relax),
        Value::Object(map) => {
            let is_schema = map.contains_key("type") || map.contains_key("properties");
            if is_schema {
                for key in [
                    "default",
                    "minimum",
                    "maximum",
                    "minLength",
                    "maxLength",
                    "pattern",
                ] {
                    if map.get(key).is_some_and(|found| !found.is_object()) {
                        map.remove(key);
                    }
                }
                if map.get("enum").is_some_and(Value::is_array) {
                    map.remove("enum");
                }
                if map.get("format").is_some_and(|format| format != "binary") {
                    map.remove("format");
                }
            }
            if map.get("properties").is_some_and(Value::is_object) && map.get("type").is_some() {
                map.insert("additionalProperties".to_owned(), json!({}));
            }
            map.retain(|key, value| {
                !key.starts_with("x-") && (key != "example" || value.get("type").is_some())
            });
            map.values_mut().for_each(relax);
        }
        _ => {}
    }
}
