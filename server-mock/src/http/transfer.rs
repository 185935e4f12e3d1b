//! Flows as files: export and import.

use serde_json::{Map, Value, json};

use super::body::Body;
use super::call::Call;
use super::flows::{flow_json, object, readable};
use super::reply::Reply;
use crate::problem::Problem;

/// The last version of Langflow whose flow files this server writes.
const TESTED_VERSION: &str = "1.13.0";

pub(super) fn export(call: &Call) -> Result<Reply, Problem> {
    let state = call.app.state();
    let flow = call.flow(&state)?;
    if call.query("format") == Some("python") {
        return Err(Problem::new(
            "not_implemented",
            "This mock exports flows as JSON only.",
        ));
    }
    // What the file had stands where it stood, so that an export of an import is the same file.
    let mut file = flow.file.clone();
    file.insert("id".to_owned(), flow.id.clone().into());
    file.entry("last_tested_version")
        .or_insert_with(|| TESTED_VERSION.into());
    let name = flow
        .name()
        .replace(|c: char| !c.is_ascii_alphanumeric(), "-")
        .to_lowercase();
    Ok(Reply::json(200, &Value::Object(file))
        .header("etag", flow.etag())
        .header(
            "content-disposition",
            format!("attachment; filename=\"{name}.json\""),
        ))
}

pub(super) fn import(call: &Call) -> Result<Reply, Problem> {
    if matches!(call.body, Body::Other) {
        return Err(Problem::new(
            "not_implemented",
            "This mock imports flows as JSON only.",
        ));
    }
    let body = call.json();
    let files: Vec<Map<String, Value>> = match body.get("flows").and_then(Value::as_array) {
        Some(flows) if body.get("data").is_none() => flows.iter().map(object).collect(),
        _ => vec![object(body)],
    };
    for file in &files {
        readable(file)?;
    }
    let mut state = call.app.state();
    let mut created = Vec::new();
    for mut file in files {
        file.shift_remove("id");
        let id = state.ids.next("flow");
        created.push(flow_json(state.flows.create(id, file, call.now), true));
    }
    Ok(Reply::json(201, &json!({"flows": created})))
}
