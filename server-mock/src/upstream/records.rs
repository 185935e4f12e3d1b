//! What the monitor keeps of runs: what each component took and gave, and the traces of them.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use langflow_export::Node;
use serde_json::{Map, Value, json};

use super::answer::{detail, invalid, invalid_twice, wrong};
use super::auth::{Family, open};
use super::monitor::nothing;
use super::result::Scene;
use super::users::numbers;
use super::uuid::{complaint, is_uuid, uuid};
use super::{Ask, Done, jobs};
use crate::engine::Component;
use crate::http::Reply;
use crate::state::{Run, RunStatus};

/// How many rows a page has, unless it is asked for otherwise, and at most.
const SIZE: usize = 50;
const MOST: usize = 200;

/// The flow of the query, which has to be a UUID.
fn flow_id<'a>(ask: &'a Ask) -> Result<Option<&'a str>, Reply> {
    let place = ["query", "flow_id"];
    match ask.query("flow_id") {
        Some(id) if !is_uuid(id) => Err(invalid(&[wrong("uuid_parsing", &place, &complaint(id))])),
        found => Ok(found),
    }
}

/// The same, where there has to be one.
fn wanted<'a>(ask: &'a Ask) -> Result<&'a str, Reply> {
    let place = ["query", "flow_id"];
    flow_id(ask)?.ok_or_else(|| invalid(&[wrong("missing", &place, "Field required")]))
}

/// The runs of a flow that have ended, in the order in which they began.
fn runs(ask: &Ask, flow: Option<&str>) -> Vec<Scene> {
    let all: Vec<Arc<Run>> = ask.app.state().runs.all().cloned().collect();
    let mut found: Vec<Arc<Run>> = all
        .into_iter()
        .filter(|run| flow.is_none_or(|flow| uuid(&run.flow_id) == flow))
        .filter(|run| run.status() != RunStatus::Running)
        .collect();
    found.sort_by_key(|run| run.created_at);
    let scenes = found.into_iter().filter_map(|run| jobs::scene_of(ask, run));
    scenes.collect()
}

/// A component of a run, and what it came to.
struct Vertex<'a> {
    node: &'a Node,
    at: DateTime<Utc>,
    /// Milliseconds.
    took: i64,
    /// What it yielded: the name, the whole of it, and its text.
    yielded: Option<(&'static str, Value, String)>,
    /// Why it failed.
    error: Option<String>,
}

/// The components that a run has gone through, the one that failed at last.
fn vertices(scene: &Scene) -> Vec<Vertex<'_>> {
    let (components, failed, answer, end) = {
        let progress = scene.run.progress();
        let end = progress.end.as_ref();
        (
            progress.components.clone(),
            progress.failed.clone(),
            end.and_then(|end| end.answer.as_ref().ok().cloned()),
            end.map_or(scene.run.created_at, |end| end.at),
        )
    };
    let mut at = scene.run.created_at;
    let mut found = Vec::new();
    for done in &components {
        let Some(node) = scene.node(&done.component_id) else {
            continue;
        };
        let took = (done.duration * 1000.0) as i64;
        at = (at + TimeDelta::milliseconds(took)).min(end);
        let yielded = yielded(scene, node, answer.as_ref(), at);
        found.push(Vertex {
            node,
            at,
            took,
            yielded,
            error: None,
        });
    }
    if let Some(failed) = failed
        && let Some(node) = scene.node(&failed.component_id)
    {
        let took = (end - at).num_milliseconds();
        found.push(Vertex {
            node,
            at: end,
            took,
            yielded: None,
            error: Some(failed.message),
        });
    }
    found
}

/// What a component yielded, as far as a run keeps it: that of inputs and outputs.
fn yielded(
    scene: &Scene,
    node: &Node,
    answer: Option<&Value>,
    at: DateTime<Utc>,
) -> Option<(&'static str, Value, String)> {
    let run_id = scene.run_id();
    match Component::of(node).ok()? {
        Component::ChatInput => {
            let sender = node.text("sender_name").unwrap_or("User");
            let message = scene.question(&run_id, sender).json(scene.version);
            Some(("message", message, scene.run.input.clone()))
        }
        Component::ChatOutput | Component::TextOutput => {
            let outputs = &answer?["result"]["outputs"];
            let text = outputs[node.id.as_str()]["value"].as_str()?;
            let mut shown = scene.component(&node.id, text, at);
            let name = if shown["results"]["message"].is_null() {
                "text"
            } else {
                "message"
            };
            Some((name, shown["results"][name].take(), text.to_owned()))
        }
        _ => None,
    }
}

/// The settings that a component was run with, without secrets.
fn settings(scene: &Scene, node: &Node) -> Map<String, Value> {
    let fed = |field: &str| {
        let mut edges = scene.flow.edges_into(&node.id);
        edges.any(|edge| edge.field.as_deref() == Some(field))
    };
    let mut found = Map::new();
    for (name, input) in &node.template {
        let Some(value) = input.get("value").filter(|_| name != "code" && !fed(name)) else {
            continue;
        };
        let value = match name.as_str() {
            "files" if value == "" => json!([]),
            "session_id" if value == "" => scene.run.session_id.as_str().into(),
            "input_value" if Component::of(node) == Ok(Component::ChatInput) => {
                scene.run.input.as_str().into()
            }
            _ if input["password"] == true => "***REDACTED***".into(),
            _ => value.clone(),
        };
        found.insert(name.clone(), value);
    }
    found
}

/// One row for each component that was run, the last of them first, in pages.
pub(super) fn transactions(ask: &Ask) -> Done {
    open(ask, Family::Other)?;
    let flow = wanted(ask)?;
    // The route looks at its page twice, and tells of it twice.
    let page = [("page", 1, 1, usize::MAX >> 1), ("size", SIZE, 1, MOST)];
    let [page, size] = numbers(ask, page).map_err(|errors| invalid_twice(&errors))?;
    let mut rows = Vec::new();
    for scene in &runs(ask, Some(flow)) {
        for vertex in vertices(scene) {
            rows.push(transaction(scene, &vertex));
        }
    }
    rows.reverse();
    let total = rows.len();
    let items: Vec<&Value> = rows.iter().skip((page - 1) * size).take(size).collect();
    Ok(Reply::json(
        200,
        &json!({
            "items": items, "total": total, "page": page, "size": size,
            "pages": total.div_ceil(size),
        }),
    ))
}

fn transaction(scene: &Scene, vertex: &Vertex) -> Value {
    let outputs = match (&vertex.yielded, &vertex.error) {
        (Some((name, _, text)), _) => json!({*name: {"message": text, "type": "text"}}),
        (None, Some(_)) => Value::Null,
        (None, None) => json!({}),
    };
    // What failed did not come to its settings.
    let inputs = match vertex.error.is_some() {
        true => Map::new(),
        false => settings(scene, vertex.node),
    };
    json!({
        "id": uuid(&format!("{}/{}/transaction", scene.run.id, vertex.node.id)),
        "timestamp": instant(vertex.at), "vertex_id": vertex.node.id, "target_id": null,
        "inputs": inputs, "outputs": outputs,
        "status": if vertex.error.is_some() { "error" } else { "success" },
    })
}

fn instant(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

/// What each component yielded, by its id. One that failed has no entry.
pub(super) fn builds(ask: &Ask) -> Done {
    open(ask, Family::Other)?;
    let flow = wanted(ask)?;
    let gone: HashSet<String> = ask
        .app
        .state()
        .library
        .builds_gone
        .iter()
        .cloned()
        .collect();
    let mut found = Map::new();
    let scenes = runs(ask, Some(flow)).into_iter();
    for scene in scenes.filter(|scene| !gone.contains(&scene.run.id)) {
        for vertex in vertices(&scene).iter().filter(|it| it.error.is_none()) {
            let entry = found
                .entry(vertex.node.id.as_str())
                .or_insert_with(|| json!([]));
            if let Some(entries) = entry.as_array_mut() {
                entries.push(build(&scene, vertex));
            }
        }
    }
    Ok(Reply::json(200, &json!({"vertex_builds": found})))
}

fn build(scene: &Scene, vertex: &Vertex) -> Value {
    let (node, id) = (vertex.node, vertex.node.id.as_str());
    let data = match &vertex.yielded {
        Some((_, message, text)) if Component::of(node) == Ok(Component::ChatInput) => {
            asked(scene, node, message, text)
        }
        Some((.., text)) => scene.component(id, text, vertex.at),
        None => json!({"results": {}, "artifacts": {}, "outputs": {}, "logs": {}, "messages": []}),
    };
    let params = data["artifacts"].as_object().map(params);
    json!({
        "artifacts": data["artifacts"], "params": params.unwrap_or_default(), "id": id,
        "timestamp": instant(vertex.at), "flow_id": scene.flow_id,
        "build_id": uuid(&format!("{}/{id}/build", scene.run.id)), "data": data, "valid": true,
        "job_id": scene.run_id(),
    })
}

/// What the input of a chat yields.
fn asked(scene: &Scene, node: &Node, message: &Value, text: &str) -> Value {
    let sender = node.text("sender_name").unwrap_or("User");
    json!({
        "results": {"message": message},
        "artifacts": {
            "message": text, "sender": "User", "sender_name": sender, "files": [], "type": "object",
        },
        "outputs": {"message": {"message": text, "type": "text"}}, "logs": {"message": []},
        "messages": [{
            "message": text, "sender": "User", "sender_name": sender,
            "session_id": scene.run.session_id, "stream_url": null, "component_id": node.id,
            "files": [], "type": "text",
        }],
        "timedelta": null, "duration": null, "component_display_name": node.display_name,
        "component_id": node.id, "used_frozen_result": false, "token_usage": null,
    })
}

/// What a component yielded for people to read: a list in YAML, in the order of names.
fn params(artifacts: &Map<String, Value>) -> String {
    let mut lines: Vec<(String, String)> = Vec::new();
    for (name, value) in artifacts {
        let words = name.split('_').map(|word| {
            let (first, rest) = word.split_at(word.len().min(1));
            format!("{}{rest}", first.to_uppercase())
        });
        let name = words.collect::<Vec<_>>().join(" ");
        let value = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        lines.push((name, value));
    }
    lines.sort();
    let lines = lines
        .iter()
        .map(|(name, value)| format!("{name}: {value}\n"));
    format!("- {}", lines.collect::<Vec<_>>().join("  "))
}

pub(super) fn delete_builds(ask: &Ask) -> Done {
    open(ask, Family::Other)?;
    let gone = runs(ask, Some(wanted(ask)?)).into_iter();
    let gone: Vec<String> = gone.map(|scene| scene.run.id.clone()).collect();
    ask.app.state().library.builds_gone.extend(gone);
    Ok(nothing())
}

/// The traces that were not deleted, the newest first.
fn traced(ask: &Ask, flow: Option<&str>) -> Vec<Scene> {
    let gone: HashSet<String> = ask
        .app
        .state()
        .library
        .traces_gone
        .iter()
        .cloned()
        .collect();
    let mut scenes = runs(ask, flow);
    scenes.retain(|scene| !gone.contains(&scene.run.id));
    scenes.reverse();
    scenes
}

pub(super) fn traces(ask: &Ask) -> Done {
    open(ask, Family::Other)?;
    let flow = flow_id(ask)?;
    let status = ask.query("status");
    if status.is_some_and(|status| !["unset", "ok", "error"].contains(&status)) {
        let expected = "'unset', 'ok' or 'error'";
        let message = format!("Input should be {expected}");
        let mut error = wrong("enum", &["query", "status"], &message);
        error["ctx"] = json!({"expected": expected});
        return Err(invalid(&[error]));
    }
    let [page, size] = numbers(
        ask,
        [("page", 1, 0, usize::MAX >> 1), ("size", SIZE, 1, MOST)],
    )
    .map_err(|errors| invalid(&errors))?;
    let (session, part) = (ask.query("session_id"), ask.query("query"));
    let part = part.map(str::to_lowercase);
    let mut rows: Vec<Value> = traced(ask, flow)
        .iter()
        .map(|scene| trace(ask, scene))
        .collect();
    rows.retain(|row| {
        let named = ["name", "id", "sessionId"].map(|field| row[field].as_str());
        let found = |part: &String| {
            named
                .iter()
                .flatten()
                .any(|it| it.to_lowercase().contains(part))
        };
        status.is_none_or(|status| row["status"] == status)
            && session.is_none_or(|session| row["sessionId"] == session)
            && part.as_ref().is_none_or(found)
    });
    let total = rows.len();
    let page = rows
        .into_iter()
        .skip(page.saturating_sub(1) * size)
        .take(size);
    let rows: Value = page.collect();
    Ok(Reply::json(
        200,
        &json!({"traces": rows, "total": total, "pages": total.div_ceil(size)}),
    ))
}

/// A trace as a list has it.
fn trace(ask: &Ask, scene: &Scene) -> Value {
    let run = &scene.run;
    let vertices = vertices(scene);
    let end = run
        .progress()
        .end
        .as_ref()
        .map_or(run.created_at, |end| end.at);
    let error = vertices.iter().find_map(|vertex| vertex.error.as_deref());
    let flow = super::flows::by_id(&ask.app.state(), &run.flow_id)
        .and_then(|record| Some(record.file.get("name")?.as_str()?.to_owned()));
    let tokens = vertices.iter().filter_map(|vertex| {
        let (_, message, _) = vertex.yielded.as_ref()?;
        message["properties"]["usage"]["total_tokens"].as_u64()
    });
    json!({
        "id": scene.run_id(), "name": format!("{} - {}", flow.unwrap_or_default(), scene.flow_id),
        "status": if error.is_some() { "error" } else { "ok" },
        "startTime": instant(run.created_at),
        "totalLatencyMs": (end - run.created_at).num_milliseconds(),
        "totalTokens": tokens.sum::<u64>(), "flowId": scene.flow_id,
        "sessionId": run.session_id, "input": {"input_value": run.input},
        "output": vertices.last().map(outputs),
    })
}

fn outputs(vertex: &Vertex) -> Value {
    match (&vertex.yielded, &vertex.error) {
        (_, Some(error)) => json!({"error": error}),
        (Some((name, message, _)), None) => json!({*name: message}),
        (None, None) => json!({}),
    }
}

fn find(ask: &Ask) -> Result<Scene, Reply> {
    let id = ask.path.last().map_or("", String::as_str);
    if !is_uuid(id) {
        let place = ["path", "trace_id"];
        return Err(invalid(&[wrong("uuid_parsing", &place, &complaint(id))]));
    }
    let mut scenes = traced(ask, None).into_iter();
    let found = scenes.find(|scene| scene.run_id() == id);
    found.ok_or_else(|| detail(404, "Trace not found"))
}

/// A trace with what each component took and gave.
pub(super) fn get_trace(ask: &Ask) -> Done {
    open(ask, Family::Other)?;
    let scene = find(ask)?;
    let mut shown = trace(ask, &scene);
    let vertices = vertices(&scene);
    let end = scene.run.progress().end.as_ref().map(|end| end.at);
    shown["endTime"] = end.map(instant).into();
    let spans = vertices.iter().map(|vertex| {
        let mut inputs = match vertex.error.is_some() {
            true => Map::new(),
            false => settings(&scene, vertex.node),
        };
        for edge in scene.flow.edges_into(&vertex.node.id) {
            let from = vertices.iter().find(|it| it.node.id == edge.source);
            let given = from.and_then(|it| it.yielded.as_ref());
            if let (Some((_, message, text)), Some(field)) = (given, &edge.field) {
                let value = match vertex.error.is_some() {
                    true => text.as_str().into(),
                    false => message.clone(),
                };
                inputs.insert(field.clone(), value);
            }
        }
        json!({
            "id": uuid(&format!("{}/{}/span", scene.run.id, vertex.node.id)),
            "name": vertex.node.display_name, "type": "chain",
            "status": if vertex.error.is_some() { "error" } else { "ok" },
            "startTime": instant(vertex.at - TimeDelta::milliseconds(vertex.took)),
            "endTime": instant(vertex.at), "latencyMs": vertex.took, "inputs": inputs,
            "outputs": outputs(vertex), "error": vertex.error, "modelName": null,
            "tokenUsage": null, "children": [],
        })
    });
    shown["spans"] = spans.collect();
    Ok(Reply::json(200, &shown))
}

pub(super) fn delete_trace(ask: &Ask) -> Done {
    open(ask, Family::Other)?;
    let id = find(ask)?.run.id.clone();
    ask.app.state().library.traces_gone.push(id);
    Ok(nothing())
}

pub(super) fn delete_traces(ask: &Ask) -> Done {
    open(ask, Family::Other)?;
    let gone = traced(ask, Some(wanted(ask)?)).into_iter();
    let gone: Vec<String> = gone.map(|scene| scene.run.id.clone()).collect();
    ask.app.state().library.traces_gone.extend(gone);
    Ok(nothing())
}
