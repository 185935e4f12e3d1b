//! Reads an OpenAPI document (YAML, 3.0.3) and turns it into the model.

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value};

use crate::model::{Api, Body, Field, Operation, Param, Schema, Success, Tag, Type};
use crate::naming::{camel, class_name, method_name, snake};

/// The document whose operations need no prefix.
const FIRST: &str = "workspace";

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// Reads the file as JSON.
pub fn load(path: &Path) -> Result<Value> {
    let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    serde_norway::from_str(&text).with_context(|| format!("parse {}", path.display()))
}

/// Follows a local `$ref` until something else is found.
pub fn resolve<'a>(document: &'a Value, mut value: &'a Value) -> Result<&'a Value> {
    while let Some(reference) = value.get("$ref").and_then(Value::as_str) {
        let pointer = reference
            .strip_prefix('#')
            .context("only local references")?;
        value = document
            .pointer(pointer)
            .with_context(|| format!("no {reference}"))?;
    }
    Ok(value)
}

/// The model of a document.
pub fn read(name: &str, document: &Value) -> Result<Api> {
    let text = |pointer: &str| {
        document
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let mut operations = Vec::new();
    for (path, item) in object(&document["paths"]) {
        for method in METHODS {
            if let Some(node) = item.get(method) {
                let place = format!("{} {path}", method.to_uppercase());
                operations.push(
                    operation(document, path, method, item, node).with_context(|| place.clone())?,
                );
            }
        }
    }
    let schemas = object(&document["components"]["schemas"])
        .map(|(name, node)| schema(document, name, node).with_context(|| name.clone()))
        .collect::<Result<Vec<_>>>()?;
    let tags = document["tags"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|tag| {
            let name = tag["name"].as_str().unwrap_or_default();
            Tag {
                name: name.to_owned(),
                camel: camel(name),
                class: class_name(name),
                description: string(tag, "description"),
            }
        })
        .collect();
    Ok(Api {
        prefix: match name {
            FIRST => String::new(),
            other => format!("{other}."),
        },
        name: name.to_owned(),
        title: text("/info/title"),
        version: text("/info/version"),
        base_path: base_path(&text("/servers/0/url")),
        tags,
        operations,
        schemas,
    })
}

/// The path of a server url: what stands behind the host.
fn base_path(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find('/').map_or(String::new(), |at| {
        rest[at..].trim_end_matches('/').to_owned()
    })
}

fn object(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

fn string(node: &Value, key: &str) -> String {
    node[key].as_str().unwrap_or_default().trim().to_owned()
}

fn operation(
    document: &Value,
    path: &str,
    method: &str,
    item: &Value,
    node: &Value,
) -> Result<Operation> {
    let id = string(node, "operationId");
    let tag = node["tags"][0]
        .as_str()
        .context("an operation has one tag")?
        .to_owned();
    let word = |key: &str, allowed: &[&str]| -> Result<String> {
        let value = string(node, key);
        if !allowed.contains(&value.as_str()) {
            bail!("{key} is {value:?}, not one of {allowed:?}");
        }
        Ok(value)
    };
    let mut params = Vec::new();
    let listed = [&item["parameters"], &node["parameters"]];
    for reference in listed.into_iter().filter_map(Value::as_array).flatten() {
        params.push(param(document, resolve(document, reference)?)?);
    }
    let mut success = Vec::new();
    let mut errors = Vec::new();
    for (status, reference) in object(&node["responses"]) {
        let status: u16 = status.parse().with_context(|| format!("status {status}"))?;
        if !(200..300).contains(&status) {
            errors.push(status);
            continue;
        }
        let response = resolve(document, reference)?;
        let before = success.len();
        for (content_type, media) in object(&response["content"]) {
            success.push(Success {
                status,
                kind: kind_of(content_type).to_owned(),
                content_type: content_type.clone(),
                ty: (kind_of(content_type) == "json")
                    .then(|| type_of(document, &media["schema"]))
                    .transpose()?,
            });
        }
        if success.len() == before {
            let empty = Success {
                status,
                kind: "empty".into(),
                content_type: String::new(),
                ty: None,
            };
            success.push(empty);
        }
    }
    let body = node
        .get("requestBody")
        .map(|body| request_body(document, body))
        .transpose()?;
    let name = method_name(&tag, &id);
    Ok(Operation {
        camel: camel(&name),
        name,
        tag,
        method: method.to_uppercase(),
        path: path.to_owned(),
        summary: string(node, "summary"),
        description: string(node, "description"),
        deprecated: node["deprecated"].as_bool().unwrap_or_default(),
        permission: word(
            "x-permission",
            &["none", "key", "read", "execute", "write", "admin"],
        )?,
        origin: word("x-origin", &["documented", "ours", "hidden"])?,
        safety: word("x-safety", &["safe", "keyed", "unsafe"])?,
        core: node["x-core"].as_str().map(str::to_owned),
        stream: success.iter().all(|answer| answer.kind == "sse"),
        params,
        body,
        success,
        errors,
        id,
    })
}

const JSON: &str = "application/json";
/// Fields as a form writes them: the core makes them of the JSON that a façade hands over.
const FORM_FIELDS: &str = "application/x-www-form-urlencoded";

fn kind_of(content_type: &str) -> &'static str {
    match content_type {
        "application/json" => "json",
        "text/event-stream" => "sse",
        "application/x-ndjson" => "text",
        text if text.starts_with("text/") => "text",
        _ => "bytes",
    }
}

fn param(document: &Value, node: &Value) -> Result<Param> {
    let wire = string(node, "name");
    Ok(Param {
        snake: snake(&wire),
        camel: camel(&wire),
        location: string(node, "in"),
        required: node["required"].as_bool().unwrap_or(false),
        ty: type_of(document, &node["schema"])?,
        description: string(node, "description"),
        wire,
    })
}

fn request_body(document: &Value, reference: &Value) -> Result<Body> {
    let node = resolve(document, reference)?;
    let content_types: Vec<String> = object(&node["content"])
        .map(|(name, _)| name.clone())
        .collect();
    let json = [JSON, FORM_FIELDS]
        .iter()
        .map(|name| &node["content"][*name]["schema"])
        .find(|schema| !schema.is_null())
        .unwrap_or(&Value::Null);
    let ty = if json.is_null() {
        Type::Any
    } else {
        type_of(document, json)?
    };
    let fields = if json.is_null() {
        Vec::new()
    } else {
        fields(document, resolve(document, json)?)?
    };
    Ok(Body {
        required: node["required"].as_bool().unwrap_or(false),
        content_types,
        ty,
        fields,
    })
}

fn schema(document: &Value, name: &str, node: &Value) -> Result<Schema> {
    let fields = fields(document, node)?;
    let alias = if fields.is_empty() {
        Some(type_of(document, node)?)
    } else {
        None
    };
    Ok(Schema {
        name: name.to_owned(),
        description: string(node, "description"),
        open: !matches!(node["additionalProperties"], Value::Bool(false)),
        alias,
        fields,
    })
}

/// The fields of an object; those of an `allOf` in the order of its parts.
fn fields(document: &Value, node: &Value) -> Result<Vec<Field>> {
    let mut found: Vec<Field> = Vec::new();
    for part in node["allOf"].as_array().into_iter().flatten() {
        found.extend(fields(document, resolve(document, part)?)?);
    }
    let required: Vec<&str> = node["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    for (wire, reference) in object(&node["properties"]) {
        let target = resolve(document, reference)?;
        let described = [reference, target]
            .into_iter()
            .find(|node| !node["description"].is_null());
        let field = Field {
            wire: wire.clone(),
            snake: snake(wire),
            camel: camel(wire),
            ty: type_of(document, reference)?,
            required: required.contains(&wire.as_str()),
            nullable: [reference, target]
                .iter()
                .any(|node| node["nullable"] == true),
            description: described
                .map(|node| string(node, "description"))
                .unwrap_or_default(),
            origin: match string(reference, "x-origin").as_str() {
                "ours" => "ours".to_owned(),
                _ => "documented".to_owned(),
            },
            secret: reference["x-secret"] == true,
        };
        found.retain(|other| other.wire != field.wire);
        found.push(field);
    }
    Ok(found)
}

fn type_of(document: &Value, node: &Value) -> Result<Type> {
    if let Some(reference) = node.get("$ref").and_then(Value::as_str) {
        let name = reference
            .strip_prefix("#/components/schemas/")
            .context("a schema reference")?;
        resolve(document, node)?;
        return Ok(Type::Ref(name.to_owned()));
    }
    if let Some(parts) = node["allOf"].as_array() {
        // `allOf: [$ref]` is how 3.0 says a reference with a description of its own.
        if let [only] = parts.as_slice() {
            return type_of(document, only);
        }
        return Ok(Type::Map(Box::new(Type::Any)));
    }
    if let Some(parts) = node["oneOf"].as_array() {
        return Ok(Type::Union(
            parts
                .iter()
                .map(|part| type_of(document, part))
                .collect::<Result<_>>()?,
        ));
    }
    if let Some(words) = node["enum"].as_array() {
        return Ok(Type::Enum(
            words
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
        ));
    }
    Ok(match node["type"].as_str() {
        Some("string") => Type::String,
        Some("integer") => Type::Integer,
        Some("number") => Type::Number,
        Some("boolean") => Type::Boolean,
        Some("array") => Type::Array(Box::new(type_of(document, &node["items"])?)),
        Some("object") => match &node["additionalProperties"] {
            Value::Object(inner) if !inner.is_empty() => {
                Type::Map(Box::new(type_of(document, &node["additionalProperties"])?))
            }
            _ => Type::Map(Box::new(Type::Any)),
        },
        None => Type::Any,
        Some(other) => bail!("type {other}"),
    })
}
