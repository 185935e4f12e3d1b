//! Flows and their settings.

use langflow_export::Flow;
use serde_json::{Map, Value, json};

use super::call::Call;
use super::reply::Reply;
use super::text;
use super::webhooks;
use crate::clock::timestamp;
use crate::contract::PREFIX;
use crate::problem::Problem;
use crate::state::{EVENTS, FlowRecord, State};

pub(super) fn list(call: &Call) -> Result<Reply, Problem> {
    let state = call.app.state();
    let named = |flow: &&FlowRecord| call.query("q").is_none_or(|text| flow.mentions(text));
    let tagged = |flow: &&FlowRecord| {
        call.query("tag")
            .is_none_or(|wanted| flow.tags().any(|tag| tag == wanted))
    };
    let mut found: Vec<&FlowRecord> = state
        .flows
        .all()
        .iter()
        .filter(named)
        .filter(tagged)
        .collect();
    let sort = call.query("sort").unwrap_or("-updated_at");
    let (field, down) = sort
        .strip_prefix('-')
        .map_or((sort, false), |field| (field, true));
    // Stable: flows that are equal stay in the order in which they were created.
    found.sort_by(|a, b| {
        let (a, b) = if down { (b, a) } else { (a, b) };
        match field {
            "name" => a.name().to_lowercase().cmp(&b.name().to_lowercase()),
            "created_at" => a.created_at.cmp(&b.created_at),
            _ => a.updated_at.cmp(&b.updated_at),
        }
    });
    let flows = found.into_iter().map(summary_json).collect();
    Ok(Reply::json(200, &call.page(flows)))
}

pub(super) fn create(call: &Call) -> Result<Reply, Problem> {
    let mut file = object(call.json());
    file.entry("data")
        .or_insert_with(|| json!({"nodes": [], "edges": []}));
    readable(&file)?;
    let mut state = call.app.state();
    let id = state.ids.next("flow");
    let flow = state.flows.create(id, file, call.now);
    Ok(created(flow))
}

pub(super) fn get(call: &Call) -> Result<Reply, Problem> {
    let state = call.app.state();
    let flow = call.flow(&state)?;
    Ok(Reply::json(200, &flow_json(flow)).header("etag", flow.etag()))
}

pub(super) fn replace(call: &Call) -> Result<Reply, Problem> {
    let mut sent = object(call.json());
    sent.entry("description").or_insert(Value::Null);
    sent.entry("tags").or_insert_with(|| json!([]));
    sent.entry("data")
        .or_insert_with(|| json!({"nodes": [], "edges": []}));
    write(call, sent)
}

pub(super) fn update(call: &Call) -> Result<Reply, Problem> {
    write(call, object(call.json()))
}

pub(super) fn delete(call: &Call) -> Result<Reply, Problem> {
    let mut state = call.app.state();
    let flow = call.flow(&state)?;
    call.if_match(flow)?;
    let id = flow.id.clone();
    state.flows.delete(&id);
    state.sessions.clear_flow(&id, call.now);
    webhooks::remove(&mut state, |webhook| webhook.flow_id == id);
    Ok(Reply::empty(204))
}

pub(super) fn duplicate(call: &Call) -> Result<Reply, Problem> {
    let mut state = call.app.state();
    let original = call.flow(&state)?;
    let name = text(call.json(), "name");
    let name = name.map_or_else(|| format!("{} (copy)", original.name()), str::to_owned);
    let (mut file, settings) = (original.file.clone(), original.settings.clone());
    let id = state.ids.next("flow");
    file.insert("name".to_owned(), name.into());
    file.shift_remove("id");
    state.flows.create(id.clone(), file, call.now);
    let copy = state
        .flows
        .change(&id, call.now, |flow| flow.settings = settings);
    copy.map(created).ok_or_else(|| gone(&id))
}

pub(super) fn get_settings(call: &Call) -> Result<Reply, Problem> {
    let state = call.app.state();
    let shown = settings_json(&state, call.flow(&state)?);
    Ok(Reply::json(200, &shown))
}

pub(super) fn update_settings(call: &Call) -> Result<Reply, Problem> {
    let mut changes = object(call.json());
    let url = changes.shift_remove("webhook_url");
    if let Some(url) = url.as_ref().and_then(Value::as_str) {
        webhooks::checked_url("webhook_url", url)?;
    }
    let mut state = call.app.state();
    let id = call.flow(&state)?.id.clone();
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
    let timeout = changed.ok_or_else(|| gone(&id))?.session_timeout();
    set_default_webhook(call, &mut state, &id, url.as_ref());
    state.sessions.retime(&id, timeout);
    let flow = state.flows.get(&id).ok_or_else(|| gone(&id))?;
    Ok(Reply::json(200, &settings_json(&state, flow)))
}

/// The URL in the settings of a flow is a webhook like any other.
fn set_default_webhook(call: &Call, state: &mut State, flow_id: &str, url: Option<&Value>) {
    let old = state.webhooks.default_of(flow_id).map(|it| it.id.clone());
    let wanted = call.json().get("webhook_events").cloned();
    match (old, url.map(Value::as_str)) {
        (_, Some(None)) => {
            webhooks::remove(state, |it| it.flow_id == flow_id && it.is_default);
            // The next default webhook gets all events again.
            state.flows.change(flow_id, call.now, |flow| {
                flow.settings.shift_remove("webhook_events");
            });
        }
        (Some(id), url) => {
            state.flows.change(flow_id, call.now, |flow| {
                flow.settings.shift_remove("webhook_events");
            });
            if let Some(webhook) = state.webhooks.get_mut(&id) {
                webhook.url = url.flatten().unwrap_or(&webhook.url).to_owned();
                if let Some(wanted) = &wanted {
                    webhook.events = webhooks::events(wanted);
                }
                webhook.updated_at = call.now;
            }
        }
        (None, Some(Some(url))) => {
            let mut chosen = None;
            state.flows.change(flow_id, call.now, |flow| {
                chosen = flow.settings.shift_remove("webhook_events");
            });
            let events = webhooks::events(&chosen.unwrap_or_else(|| json!(EVENTS)));
            let (flow_id, url) = (flow_id.to_owned(), url.to_owned());
            let mut webhook = webhooks::new(state, flow_id, url, events, call.now);
            webhook.is_default = true;
            state.webhooks.add(webhook);
        }
        (None, None) => {}
    }
}

fn write(call: &Call, fields: Map<String, Value>) -> Result<Reply, Problem> {
    if fields.contains_key("data") {
        readable(&fields)?;
    }
    let mut state = call.app.state();
    let flow = call.flow(&state)?;
    call.if_match(flow)?;
    let id = flow.id.clone();
    let changed = state
        .flows
        .change(&id, call.now, |flow| flow.file.extend(fields));
    let flow = changed.ok_or_else(|| gone(&id))?;
    Ok(Reply::json(200, &flow_json(flow)).header("etag", flow.etag()))
}

fn created(flow: &FlowRecord) -> Reply {
    Reply::json(201, &flow_json(flow))
        .header("etag", flow.etag())
        .header("location", format!("{PREFIX}/flows/{}", flow.id))
}

fn gone(id: &str) -> Problem {
    Problem::not_found("flow_not_found", "flow", id, None)
}

/// Refuses what is no flow when it is stored; whether its components can be executed is a matter
/// of running it.
pub(crate) fn readable(file: &Map<String, Value>) -> Result<Flow, Problem> {
    Flow::parse(&Value::Object(file.clone())).map_err(|error| {
        let detail = format!("The flow cannot be read: {error}.");
        Problem::new("invalid_flow", detail).error(error.field(), error.to_string())
    })
}

pub(super) fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

/// A flow without its graph.
pub(super) fn summary_json(flow: &FlowRecord) -> Value {
    json!({
        "id": flow.id,
        "name": flow.name(),
        "description": flow.description(),
        "tags": flow.tags().collect::<Vec<_>>(),
        "created_at": timestamp(flow.created_at),
        "updated_at": timestamp(flow.updated_at),
    })
}

/// A flow as the API shows it: what it has of its own, then what its file has besides.
fn flow_json(flow: &FlowRecord) -> Value {
    let mut shown = summary_json(flow);
    if let Some(shown) = shown.as_object_mut() {
        for (field, value) in &flow.file {
            if !shown.contains_key(field) {
                shown.insert(field.clone(), value.clone());
            }
        }
    }
    shown
}

fn settings_json(state: &State, flow: &FlowRecord) -> Value {
    let webhook = state.webhooks.default_of(&flow.id);
    let without = || flow.settings.get("webhook_events").cloned();
    json!({
        "session_timeout": flow.session_timeout(),
        "run_timeout": flow.run_timeout(),
        "webhook_url": webhook.map(|webhook| webhook.url.as_str()),
        "webhook_events": webhook
            .map(|webhook| json!(webhook.events))
            .or_else(without)
            .unwrap_or_else(|| json!([])),
    })
}
