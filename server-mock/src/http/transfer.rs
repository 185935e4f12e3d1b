//! Flows as files: export and import.

use serde_json::{Map, Value, json};

use super::archive::{self, ArchiveError};
use super::body::Body;
use super::call::Call;
use super::flows::{object, readable, summary_json};
use super::reply::Reply;
use crate::contract::contract;
use crate::engine::plan;
use crate::problem::Problem;
use crate::state::{FlowRecord, State};

pub(super) fn export(call: &Call) -> Result<Reply, Problem> {
    let state = call.app.state();
    let flow = call.flow(&state)?;
    if call.query("format") == Some("python") {
        return python(flow);
    }
    // What the file had stands where it stood, so that an export of an import is the same file.
    let mut file = flow.file.clone();
    file.insert("id".to_owned(), flow.id.clone().into());
    if let Some(data) = file.get_mut("data") {
        leave_out_secrets(data);
    }
    let name = file_name(flow);
    Ok(Reply::json(200, &Value::Object(file))
        .header("etag", flow.etag())
        .header(
            "content-disposition",
            format!("attachment; filename=\"{name}.json\""),
        ))
}

/// The flow as a program; what has no translation is named, component by component.
fn python(flow: &FlowRecord) -> Result<Reply, Problem> {
    let file = Value::Object(flow.file.clone());
    let program = langflow_export::to_python(&file, &langflow_export::Options::default());
    let program = program.map_err(|error| {
        let mut problem = Problem::new("export_not_possible", error.to_string());
        for refusal in error.refusals() {
            let field = format!("data.nodes[id={}]", refusal.node_id);
            problem = problem.error(&field, &refusal.reason);
        }
        problem
    })?;
    let name = file_name(flow);
    Ok(Reply::text(200, "text/x-python; charset=utf-8", program)
        .header("etag", flow.etag())
        .header(
            "content-disposition",
            format!("attachment; filename=\"{name}.py\""),
        ))
}

fn file_name(flow: &FlowRecord) -> String {
    flow.name()
        .replace(|c: char| !c.is_ascii_alphanumeric(), "-")
        .to_lowercase()
}

pub(super) fn import(call: &Call) -> Result<Reply, Problem> {
    let files = match &call.body {
        Body::Other(archive) => unpacked(call, archive)?,
        _ => flow_files(call.json()),
    };
    let conflict = call.query("on_conflict").unwrap_or("new_id");
    let mut state = call.app.state();
    let mut warnings = Vec::new();
    // All or none: nothing is stored before everything has been looked at.
    for file in &files {
        let flow = readable(file)?;
        if let Err(failure) = plan(&flow) {
            if call.app.config.strict_import {
                let detail = format!("{}: {}.", flow.name, failure.message);
                let component = failure.component_id.unwrap_or_default();
                let problem = Problem::new("unsupported_component", detail);
                return Err(problem.error(component, failure.message));
            }
            warnings.push(format!("{}: {}.", flow.name, failure.message));
        }
        match wanted_id(file) {
            Some(id) if conflict == "fail" && state.flows.get(id).is_some() => {
                return Err(Problem::new(
                    "flow_exists",
                    format!("There is a flow `{id}` already."),
                ));
            }
            _ => {}
        }
    }
    let stored = files
        .into_iter()
        .map(|file| store(call, &mut state, file, conflict));
    let flows: Vec<Value> = stored.collect();
    Ok(Reply::json(
        201,
        &json!({"flows": flows, "warnings": warnings}),
    ))
}

/// The flow files in a body: one, or several under `flows`.
fn flow_files(body: &Value) -> Vec<Map<String, Value>> {
    match body.get("flows").and_then(Value::as_array) {
        Some(flows) if body.get("data").is_none() => flows.iter().map(object).collect(),
        _ => vec![object(body)],
    }
}

/// The flow files of a zip archive, which unpacked may be no larger than a body.
fn unpacked(call: &Call, archive: &[u8]) -> Result<Vec<Map<String, Value>>, Problem> {
    let limit = call.app.config.max_body;
    let wrong = |field: &str, message: &str| {
        let whose = if field.is_empty() {
            "The archive"
        } else {
            field
        };
        let field = if field.is_empty() { "body" } else { field };
        Problem::new("invalid_flow", format!("{whose} {message}.")).error(field, message)
    };
    let files = archive::json_files(archive, limit).map_err(|error| match error {
        ArchiveError::Damaged(field, message) => wrong(&field, message),
        ArchiveError::TooLarge => {
            let message =
                format!("unpacked, is larger than {limit} bytes or has more than 1,000 files");
            let detail = format!("The archive, {message}.");
            Problem::new("body_too_large", detail).error("body", message)
        }
    })?;
    let mut flows = Vec::new();
    for file in &files {
        let value: Value = serde_json::from_slice(&file.bytes)
            .map_err(|error| wrong(&file.name, &format!("is not JSON: {error}")))?;
        let schema = call.operation.body.as_ref().unwrap_or(&Value::Null);
        let complaints = contract().complaints(schema, &value, "");
        if !complaints.is_empty() {
            let mut problem = Problem::complaints(complaints);
            problem.detail = format!("{}: {}", file.name, problem.detail);
            for (field, _) in &mut problem.errors {
                *field = match field.as_str() {
                    "" => file.name.clone(),
                    field => format!("{}: {field}", file.name),
                };
            }
            return Err(problem);
        }
        flows.extend(flow_files(&value));
    }
    if flows.is_empty() {
        return Err(wrong("", "has no flow files, which end in .json"));
    }
    Ok(flows)
}

fn store(call: &Call, state: &mut State, mut file: Map<String, Value>, conflict: &str) -> Value {
    let wanted = wanted_id(&file).map(str::to_owned);
    let taken = wanted
        .as_ref()
        .is_some_and(|id| state.flows.get(id).is_some());
    let id = match wanted {
        Some(id) if !taken || conflict == "replace" => id,
        _ => state.ids.next("flow"),
    };
    if let Some(old) = file.get_mut("id") {
        *old = id.clone().into();
    }
    if taken && conflict == "replace" {
        let changed = state.flows.change(&id, call.now, |flow| flow.file = file);
        return changed.map_or(Value::Null, summary_json);
    }
    summary_json(state.flows.create(id, file, call.now))
}

/// The id that a file names, if it can stand in a path as it is.
pub(crate) fn wanted_id(file: &Map<String, Value>) -> Option<&str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.~".contains(c);
    let id = file.get("id").and_then(Value::as_str)?;
    let dots = id.chars().all(|c| c == '.');
    (!dots && id.len() <= 128 && id.chars().all(plain) && id != "import").then_some(id)
}

/// The names of variables stay: they are no secrets, and the flow needs them elsewhere too.
fn leave_out_secrets(data: &mut Value) {
    let nodes = data.get_mut("nodes").and_then(Value::as_array_mut);
    for node in nodes.into_iter().flatten() {
        let template = node
            .pointer_mut("/data/node/template")
            .and_then(Value::as_object_mut);
        for (_, field) in template.into_iter().flatten() {
            let flag = |name: &str| field.get(name).and_then(Value::as_bool).unwrap_or(false);
            let empty = matches!(field.get("value"), None | Some(Value::Null));
            if flag("password") && !flag("load_from_db") && !empty {
                field["value"] = "".into();
            }
        }
    }
}
