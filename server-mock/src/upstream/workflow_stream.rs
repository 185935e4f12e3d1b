//! The events of a workflow as Server-Sent Events.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use serde_json::{Value, json};

use super::Ask;
use super::result::Scene;
use super::stream::{Stops, Told, error_message, python_json};
use super::workflows::{CUT, not_loaded, output_json};
use crate::engine::Component;
use crate::http::Reply;
use crate::state::{End, Event, RunStatus};

pub(super) fn sse(frames: impl Stream<Item = Bytes> + Send + 'static) -> Reply {
    Reply::plain_stream("text/event-stream; charset=utf-8", frames)
        .header("cache-control", "no-cache")
        .header("x-accel-buffering", "no")
}

pub(super) fn keepalive(ask: &Ask) -> Duration {
    Duration::try_from_secs_f64(ask.app.config.keepalive).unwrap_or_default()
}

/// The frames of a run. Those of a job count from 1 and begin after the one that was seen; a
/// stream counts from 0, and ends its run when it is left.
pub(super) fn frames(
    scene: Scene,
    job: Option<u64>,
    keepalive: Duration,
) -> impl Stream<Item = Bytes> + Send {
    let stops = job.is_none().then(|| Stops(scene.run.clone()));
    let first = u64::from(job.is_some());
    let waiting: VecDeque<Value> = opening(&scene).into();
    let start = (scene, Told::default(), 0, waiting, first, stops);
    futures::stream::unfold(
        start,
        move |(scene, mut told, mut seen, mut waiting, mut id, stops)| async move {
            loop {
                if let Some(event) = waiting.pop_front() {
                    let frame = format!("data: {}\nid: {id}\n\n", python_json(&event));
                    id += 1;
                    if job.is_some_and(|last| id <= last + 1) {
                        continue;
                    }
                    return Some((Bytes::from(frame), (scene, told, seen, waiting, id, stops)));
                }
                let silence = async {
                    match keepalive.is_zero() {
                        true => std::future::pending().await,
                        false => tokio::time::sleep(keepalive).await,
                    }
                };
                let events = tokio::select! {
                    biased;
                    events = scene.run.after(seen) => events?,
                    () = silence => {
                        let comment = Bytes::from_static(b": keepalive\n\n");
                        return Some((comment, (scene, told, seen, waiting, id, stops)));
                    }
                };
                seen += events.len();
                for event in &events {
                    waiting.extend(happened(&scene, &mut told, event));
                }
            }
        },
    )
}

/// The events of a build, which is ended when they are left.
pub(super) fn build_frames(scene: Scene) -> impl Stream<Item = Value> + Send {
    let stops = Stops(scene.run.clone());
    build_events(scene).map(move |event| {
        let _ = &stops;
        event
    })
}

/// The same, of a build that goes on.
fn build_events(scene: Scene) -> impl Stream<Item = Value> + Send {
    let waiting: VecDeque<Value> = opening(&scene).into();
    let start = (scene, Told::default(), 0, waiting);
    futures::stream::unfold(
        start,
        |(scene, mut told, mut seen, mut waiting)| async move {
            loop {
                if let Some(event) = waiting.pop_front() {
                    return Some((event, (scene, told, seen, waiting)));
                }
                let events = scene.run.after(seen).await?;
                seen += events.len();
                for event in &events {
                    waiting.extend(built(&scene, &mut told, event));
                }
            }
        },
    )
}

/// All that a build has told so far, and whether it has ended.
pub(super) fn build_so_far(scene: &Scene) -> (Vec<Value>, bool) {
    let (known, ended) = {
        let progress = scene.run.progress();
        (progress.events.clone(), progress.end.is_some())
    };
    let (mut told, mut events) = (Told::default(), opening(scene));
    for event in &known {
        events.extend(built(scene, &mut told, event));
    }
    (events, ended)
}

/// What a build yields is not told at its end.
fn built(scene: &Scene, told: &mut Told, event: &Event) -> Vec<Value> {
    let mut events = happened(scene, told, event);
    events.retain(|event| event["event"] != "output");
    events
}

/// What one event of a run stands for.
fn happened(scene: &Scene, told: &mut Told, event: &Event) -> Vec<Value> {
    let end = match event.name {
        "end" | "error" => scene.run.progress().end.clone(),
        _ => None,
    };
    if let Some(end) = end {
        return last(scene, &end);
    }
    let data: Value = serde_json::from_str(&event.data).unwrap_or_default();
    let id = data["component_id"].as_str().unwrap_or_default();
    match event.name {
        // Told when the decision came.
        "component_completed" if scene.is(id, Component::Human) && scene.run.background => {
            Vec::new()
        }
        "component_completed" => vec![end_vertex(scene, id)],
        "human_input_required" => vec![end_vertex(scene, id), question(scene, &data)],
        "resumed" => {
            let mut events = opening(scene);
            events[0]["data"]["ids"] = json!([id]);
            events.push(decided(scene, id));
            events
        }
        _ => told.tell(scene, event),
    }
}

/// What a person is asked.
fn question(scene: &Scene, data: &Value) -> Value {
    let id = data["component_id"].as_str().unwrap_or_default();
    let (options, allowed) = options(&data["options"]);
    let at = data["at"].as_str().and_then(|at| at.parse().ok());
    let at: chrono::DateTime<chrono::Utc> = at.unwrap_or(scene.run.created_at);
    json!({"event": "human_input_required", "data": {
        "request_id": request_id(scene, id), "kind": "node_input", "prompt": data["prompt"],
        "options": options, "allowed_decisions": allowed,
        "timeout_seconds": data["timeout_seconds"], "fallback_action": null,
        "paused_at": at.format("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string(),
    }})
}

/// What a question is answered by.
pub(super) fn request_id(scene: &Scene, component: &str) -> String {
    format!("{component}:{}", super::uuid::uuid(&scene.run.id))
}

/// What may be decided, as the server shows it: with labels, and without.
pub(super) fn options(options: &Value) -> (Value, Value) {
    let options: Vec<&Value> = options.as_array().into_iter().flatten().collect();
    let shown = options
        .iter()
        .map(|option| json!({"action_id": option[0], "label": option[1]}));
    let allowed = options.iter().map(|option| option[0].clone());
    (shown.collect(), allowed.collect())
}

/// A component whose question was answered: only one way goes on.
fn decided(scene: &Scene, id: &str) -> Value {
    let action = scene.run.decided().borrow().clone();
    let taken = action.map(|(_, action)| format!("branch_{action}"));
    let mut event = end_vertex(scene, id);
    let edges = scene.flow.edges.iter().filter(|edge| edge.source == id);
    let (on, off): (Vec<_>, Vec<_>) = edges.partition(|edge| edge.output == taken);
    let targets = |edges: Vec<&langflow_export::Edge>| -> Value {
        edges.iter().map(|edge| edge.target.as_str()).collect()
    };
    let build = &mut event["data"]["build_data"];
    build["next_vertices_ids"] = targets(on);
    build["top_level_vertices"] = build["next_vertices_ids"].clone();
    build["inactivated_vertices"] = targets(off);
    event
}

fn opening(scene: &Scene) -> Vec<Value> {
    let first = scene
        .first(Component::ChatInput)
        .or_else(|| scene.first(Component::TextInput));
    let ids: Vec<&str> = first.iter().map(|node| node.id.as_str()).collect();
    let to_run: Vec<&str> = scene
        .flow
        .nodes
        .iter()
        .map(|node| node.id.as_str())
        .collect();
    vec![
        json!({"event": "vertices_sorted", "data": {"ids": ids, "to_run": to_run}}),
        json!({"event": "build_start", "data": {}}),
    ]
}

/// A component is done; what it yields is not repeated here.
fn end_vertex(scene: &Scene, id: &str) -> Value {
    let outgoing = scene.flow.edges.iter().filter(|edge| edge.source == id);
    let next: Vec<&str> = outgoing.map(|edge| edge.target.as_str()).collect();
    let node = scene.node(id);
    let output = scene.is(id, Component::ChatOutput) || scene.is(id, Component::TextOutput);
    json!({"event": "end_vertex", "data": {
        "build_data": {
            "id": id, "inactivated_vertices": [], "next_vertices_ids": next,
            "top_level_vertices": next, "valid": true, "params": "", "data": {},
        },
        "output_meta": {
            "component_id": id, "display_name": node.map(|node| node.display_name.as_str()),
            "vertex_type": node.map(|node| node.kind.as_str()), "is_output": output,
            "is_terminal": next.is_empty(), "output_types": ["Message"],
        },
    }})
}

fn last(scene: &Scene, end: &End) -> Vec<Value> {
    if scene.run.status() == RunStatus::Cancelled {
        return vec![json!({"type": "cancelled"})];
    }
    let mut events = Vec::new();
    match &end.answer {
        Ok(answer) => {
            for (id, output) in answer["result"]["outputs"]
                .as_object()
                .into_iter()
                .flatten()
            {
                let mut data = output_json(scene, id, output, Some(CUT));
                data["component_id"] = id.as_str().into();
                events.push(json!({"event": "output", "data": data}));
            }
        }
        Err(_) => {
            events.extend(error_message(scene, end.at));
            // A component that did not even load is told of here alone.
            let failed = scene.run.progress().failed.clone();
            if let Some(failed) = failed.filter(|failed| failed.loading) {
                let (id, name) = (&failed.component_id, &failed.display_name);
                let why = format!("Error building Component {name}: \n\n{}", failed.message);
                let mut event = end_vertex(scene, id);
                event["data"]["build_data"]["valid"] = false.into();
                event["data"]["build_data"]["params"] = why.into();
                events.push(event);
                let output = not_loaded(scene);
                events.extend(output.map(|data| json!({"event": "output", "data": data})));
            }
        }
    }
    let duration = (end.at - scene.run.created_at).to_std().unwrap_or_default();
    events.push(json!({"event": "end", "data": {"build_duration": duration.as_secs_f64()}}));
    events
}
