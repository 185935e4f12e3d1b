//! Flows and their settings.

use langflow_export::Flow;
use serde_json::{Map, Value, json};

use super::call::Call;
use super::reply::Reply;
use super::text;
use crate::clock::timestamp;
use crate::contract::PREFIX;
use crate::problem::Problem;
use crate::state::FlowRecord;

pub(super) fn list(call: &Call) -> Result<Reply, Problem> {
    let state = call.app.state();
    let found = state.flows.search(call.query("q"));
    let flows = found.map(|flow| flow_json(flow, false)).collect();
    Ok(Reply::json(200, &call.page(flows)))
}

pub(super) fn create(call: &Call) -> Result<Reply, Problem> {
    let file = object(call.json());
    readable(&file)?;
    let mut state = call.app.state();
    let id = state.ids.next("flow");
    let flow = state.flows.create(id, file, call.now);
    Ok(created(flow))
}

pub(super) fn get(call: &Call) -> Result<Reply, Problem> {
    let state = call.app.state();
    let flow = call.flow(&state)?;
    if call
        .header("if-none-match")
        .is_some_and(|etag| etag == flow.etag())
    {
        return Ok(Reply::empty(304).header("etag", flow.etag()));
    }
    Ok(Reply::json(200, &flow_json(flow, true)).header("etag", flow.etag()))
}

pub(super) fn replace(call: &Call) -> Result<Reply, Problem> {
    let file = object(call.json());
    readable(&file)?;
    write(call, |flow| flow.file = file)
}

pub(super) fn update(call: &Call) -> Result<Reply, Problem> {
    let changes = object(call.json());
    if changes.contains_key("data") {
        readable(&changes)?;
    }
    write(call, |flow| {
        for (field, value) in changes {
            // Null clears a field; it is not a value of one.
            if value.is_null() {
                flow.file.shift_remove(&field);
            } else {
                flow.file.insert(field, value);
            }
        }
    })
}

pub(super) fn delete(call: &Call) -> Result<Reply, Problem> {
    let mut state = call.app.state();
    let flow = call.flow(&state)?;
    call.if_match(flow)?;
    let id = flow.id.clone();
    state.flows.delete(&id);
    state.sessions.clear_flow(&id, call.now);
    Ok(Reply::empty(204))
}

pub(super) fn duplicate(call: &Call) -> Result<Reply, Problem> {
    let mut state = call.app.state();
    let original = call.flow(&state)?;
    let name = text(call.json(), "name")
        .map_or_else(|| format!("{} (copy)", original.name()), str::to_owned);
    let (mut file, settings) = (original.file.clone(), original.settings.clone());
    file.insert("name".to_owned(), name.into());
    let id = state.ids.next("flow");
    state.flows.create(id.clone(), file, call.now);
    let copy = state
        .flows
        .change(&id, call.now, |flow| flow.settings = settings);
    copy.map(created)
        .ok_or_else(|| Problem::not_found("flow_not_found", "flow", &id, None))
}

pub(super) fn get_settings(call: &Call) -> Result<Reply, Problem> {
    let state = call.app.state();
    let flow = call.flow(&state)?;
    Ok(Reply::json(200, &settings_json(flow)).header("etag", flow.etag()))
}

pub(super) fn update_settings(call: &Call) -> Result<Reply, Problem> {
    let changes = object(call.json());
    let mut state = call.app.state();
    let flow = call.flow(&state)?;
    call.if_match(flow)?;
    let id = flow.id.clone();
    let changed = state.flows.change(&id, call.now, |flow| {
        for (setting, value) in changes {
            // Null brings the default back.
            if value.is_null() {
                flow.settings.shift_remove(&setting);
            } else {
                flow.settings.insert(setting, value);
            }
        }
    });
    let flow = changed.ok_or_else(|| Problem::not_found("flow_not_found", "flow", &id, None))?;
    Ok(Reply::json(200, &settings_json(flow)).header("etag", flow.etag()))
}

fn write(call: &Call, change: impl FnOnce(&mut FlowRecord)) -> Result<Reply, Problem> {
    let mut state = call.app.state();
    let flow = call.flow(&state)?;
    call.if_match(flow)?;
    let id = flow.id.clone();
    let changed = state.flows.change(&id, call.now, change);
    let flow = changed.ok_or_else(|| Problem::not_found("flow_not_found", "flow", &id, None))?;
    Ok(Reply::json(200, &flow_json(flow, true)).header("etag", flow.etag()))
}

fn created(flow: &FlowRecord) -> Reply {
    Reply::json(201, &flow_json(flow, true))
        .header("etag", flow.etag())
        .header("location", format!("{PREFIX}/flows/{}", flow.id))
}

/// Refuses what is no flow when it is stored; whether its components can be executed is a matter
/// of running it.
pub(super) fn readable(file: &Map<String, Value>) -> Result<(), Problem> {
    Flow::parse(&Value::Object(file.clone()))
        .map(drop)
        .map_err(|error| {
            let detail = format!("The flow cannot be read: {error}.");
            Problem::new("invalid_flow", detail).error(error.field(), error.to_string())
        })
}

pub(super) fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

/// A flow as the API shows it: its own fields first, then those of its file.
pub(super) fn flow_json(flow: &FlowRecord, whole: bool) -> Value {
    let mut shown = json!({
        "id": flow.id,
        "name": flow.name(),
        "description": flow.description(),
        "created_at": timestamp(flow.created_at),
        "updated_at": timestamp(flow.updated_at),
    });
    if let Some(shown) = shown.as_object_mut() {
        for (field, value) in &flow.file {
            if !shown.contains_key(field) && (whole || field != "data") {
                shown.insert(field.clone(), value.clone());
            }
        }
    }
    shown
}

fn settings_json(flow: &FlowRecord) -> Value {
    let mut shown = json!({
        "session_timeout": flow.session_timeout(),
        "run_timeout": flow.run_timeout(),
    });
    if let Some(shown) = shown.as_object_mut() {
        for (setting, value) in &flow.settings {
            shown.insert(setting.clone(), value.clone());
        }
    }
    shown
}
