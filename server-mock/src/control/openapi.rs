//! The document of the control API, made from its table.

use serde_json::{Map, Value, json};

use super::table::{Field, OPERATIONS, Operation, PREFIX};
use crate::double::{faults, verdict};

/// The OpenAPI document of the control API.
pub fn control_document() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for operation in OPERATIONS {
        let path = format!("{PREFIX}{}", operation.path);
        let entry = paths.entry(path).or_insert_with(|| json!({}));
        entry[operation.method.to_lowercase()] = describe(operation);
    }
    let codes: Map<String, Value> = verdict::CODES
        .iter()
        .map(|(code, meaning)| ((*code).to_owned(), (*meaning).into()))
        .collect();
    json!({
        "openapi": "3.0.3",
        "info": {
            "title": "Control API of the Langflow mock",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Moves time, breaks answers, follows scripts, remembers and judges. Only from the machine that the mock runs on, without a key.",
        },
        "paths": paths,
        "x-fault-kinds": faults::kinds(),
        "x-verdict-codes": codes,
    })
}

fn describe(operation: &Operation) -> Value {
    let media = match operation.id {
        "followEvents" | "listen" => "text/event-stream",
        "showPage" => "text/html",
        _ => "application/json",
    };
    let mut described = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "parameters": parameters(operation),
        "responses": {
            "200": {"description": "Done.", "content": {media: {"schema": {}}}},
            "403": {"description": "Not from this machine."},
            "422": {"description": "The body, or a parameter, is not what it should be."},
        },
    });
    if let Some(fields) = operation.body {
        described["requestBody"] = json!({
            "content": {"application/json": {"schema": object(fields)}},
        });
    }
    described
}

fn parameters(operation: &Operation) -> Vec<Value> {
    let in_path = operation
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}));
    let in_query = operation.query.iter().map(|field| {
        json!({"name": field.0, "in": "query", "description": field.2, "schema": schema(field)})
    });
    in_path.chain(in_query).collect()
}

fn object(fields: &[Field]) -> Value {
    let named = fields.iter().filter(|field| field.0 != "*");
    let properties: Map<String, Value> = named
        .map(|field| (field.0.to_owned(), schema(field)))
        .collect();
    let open = fields.iter().any(|field| field.0 == "*");
    json!({"type": "object", "properties": properties, "additionalProperties": open})
}

fn schema((name, kind, meaning): &Field) -> Value {
    let mut schema = json!({"description": meaning});
    match *kind {
        "any" => {}
        "array" => {
            schema["type"] = "array".into();
            schema["items"] = json!({});
        }
        kind => schema["type"] = kind.into(),
    }
    if *name == "kind" {
        schema["enum"] = faults::kinds();
    }
    schema
}
