//! `/api/v2/workflows`: runs with a status of their own; streams that are Server-Sent Events.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use serde_json::{Map, Value, json};

use super::answer::{coded, detail, invalid, missing, wrong};
use super::auth::{Family, open};
use super::result::Scene;
use super::runs::{Refused, Wanted, begin, failure, scene};
use super::stream::{Stops, Told, error_message, python_json};
use super::uuid::{is_uuid, uuid};
use super::{Ask, Done, body, flows};
use crate::config::Langflow;
use crate::engine::Component;
use crate::http::Reply;
use crate::state::{End, Run, RunStatus};

/// Contents of events and of stored results are cut here.
const CUT: usize = 6000;

/// The fields of a request, since 1.11.
const FIELDS: [&str; 15] = [
    "flow_id",
    "input_value",
    "session_id",
    "mode",
    "tweaks",
    "globals",
    "files",
    "data",
    "start_component_id",
    "stop_component_id",
    "output_ids",
    "stream_protocol",
    "expose_graph_state",
    "idempotency_key",
    "user_id",
];

/// The fields of a request from 1.8 to 1.10.
const OLD_FIELDS: [&str; 4] = ["flow_id", "inputs", "background", "stream"];

pub(super) async fn run(ask: &Ask<'_>) -> Done {
    // The body is looked at before the key.
    let fields = body::object(ask)?;
    let old = ask.plays() < Langflow::V1_13;
    let known: &[&str] = if old { &OLD_FIELDS } else { &FIELDS };
    let mode = checked(&fields, known, old)?;
    let key_id = open(ask, Family::Other)?;
    if fields
        .get("stream_protocol")
        .is_some_and(|protocol| protocol == "agui")
    {
        return Err(coded(
            501,
            &json!({
                "error": "Not implemented", "code": "NOT_IMPLEMENTED",
                "message": "This mock does not speak the protocol agui.",
            }),
        ));
    }
    let flow_id = fields
        .get("flow_id")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let record = flows::by_id(&ask.app.state(), flow_id).cloned();
    let record = record.ok_or_else(|| {
        coded(404, &json!({
            "error": "Flow not found", "code": "FLOW_NOT_FOUND",
            "message": format!("Flow '{flow_id}' does not exist. Verify the flow_id and try again."),
            "flow_id": flow_id,
        }))
    })?;
    let mut wanted = wanted(&fields, old);
    wanted.background = mode == "background";
    let key = fields.get("idempotency_key").and_then(Value::as_str);
    wanted.idempotency = key.filter(|_| wanted.background).map(str::to_owned);
    let inputs = fields.get(if old { "inputs" } else { "tweaks" }).cloned();
    let scene = match begin(ask, &record, &key_id, wanted) {
        Ok(scene) => scene,
        Err(Refused::Field(reply)) => return Err(reply),
        Err(Refused::Run(status, message)) => return Err(detail(status, &message)),
    };
    match mode.as_str() {
        "stream" => Ok(sse(frames(scene, None, keepalive(ask)))),
        "background" => Ok(Reply::json(200, &job(&scene.run, &scene.flow_id, "queued"))),
        _ => {
            let end = scene.run.ended().await;
            Ok(Reply::json(200, &response(&scene, &end, inputs, None)))
        }
    }
}

fn keepalive(ask: &Ask) -> Duration {
    Duration::try_from_secs_f64(ask.app.config.keepalive).unwrap_or_default()
}

/// The mode of a request that passes the validation.
fn checked(fields: &Map<String, Value>, known: &[&str], old: bool) -> Result<String, Reply> {
    let mut errors = Vec::new();
    if !fields.contains_key("flow_id") {
        errors.push(missing("flow_id"));
    }
    let modes = ["sync", "stream", "background"];
    let flag = |name: &str| {
        fields
            .get(name)
            .and_then(Value::as_bool)
            .unwrap_or_default()
    };
    let mode = match fields.get("mode") {
        _ if old && flag("background") => "background",
        _ if old && flag("stream") => "stream",
        None | Some(Value::Null) => "sync",
        Some(given) => given
            .as_str()
            .filter(|mode| modes.contains(mode))
            .unwrap_or_else(|| {
                let expected = "'sync', 'stream' or 'background'";
                let message = format!("Input should be {expected}");
                let mut error = wrong("enum", &["body", "mode"], &message);
                error["ctx"] = json!({"expected": expected});
                errors.push(error);
                ""
            }),
    };
    for (field, value) in fields {
        if !known.contains(&field.as_str()) {
            let message = "Extra inputs are not permitted";
            let mut error = wrong("extra_forbidden", &["body", field], message);
            if old {
                error["input"] = value.clone();
            }
            errors.push(error);
        }
    }
    if errors.is_empty() {
        let id = fields
            .get("flow_id")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if !is_uuid(id) {
            errors.push(wrong(
                "value_error",
                &["body"],
                "Value error, Invalid flow_id, must be a UUID",
            ));
        }
    }
    match errors.is_empty() {
        true => Ok(mode.to_owned()),
        false => Err(invalid(&errors)),
    }
}

/// The input goes to a chat input alone.
fn wanted(fields: &Map<String, Value>, old: bool) -> Wanted {
    let text = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
    let mut wanted = Wanted {
        input: text("input_value"),
        session_id: text("session_id").filter(|id| !id.is_empty()),
        ..Wanted::default()
    };
    if let Some(Value::Object(tweaks)) = fields.get("tweaks") {
        wanted.tweaks = tweaks.clone();
    }
    if old {
        // `{"Component-id.field": value}`
        for (place, value) in fields
            .get("inputs")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            if let Some((component, field)) = place.split_once('.') {
                let entry = wanted.tweaks.entry(component).or_insert_with(|| json!({}));
                entry[field] = value.clone();
            }
        }
    } else if wanted.input.is_some() {
        // Where both are given there is no error here: the input wins.
        for fields in wanted.tweaks.values_mut().filter_map(Value::as_object_mut) {
            fields.shift_remove("input_value");
        }
    }
    wanted
}

/// A job that is not done.
fn job(run: &Run, flow_id: &str, status: &str) -> Value {
    let id = uuid(&run.id);
    json!({
        "job_id": id, "flow_id": flow_id, "object": "job",
        "created_timestamp": moment(run), "status": status,
        "links": {
            "status": format!("/api/v2/workflows?job_id={id}"),
            "events": format!("/api/v2/workflows/{id}/events"),
            "stop": "/api/v2/workflows/stop",
        },
        "errors": [], "globals": {},
    })
}

fn moment(run: &Run) -> String {
    run.created_at
        .format("%Y-%m-%dT%H:%M:%S%.6f+00:00")
        .to_string()
}

/// A run that has ended. One that failed is a success of HTTP.
fn response(scene: &Scene, end: &End, inputs: Option<Value>, cut: Option<usize>) -> Value {
    let inputs = inputs.unwrap_or_else(|| json!({}));
    let mut outputs = Map::new();
    let answer = end.answer.as_ref().ok();
    let found = answer.and_then(|answer| answer["result"]["outputs"].as_object());
    for (id, output) in found.into_iter().flatten() {
        outputs.insert(id.clone(), output_json(scene, id, output, cut));
    }
    let (status, output, errors) = match &end.answer {
        Ok(_) => {
            let output = match outputs.iter().next() {
                None => json!({"reason": "none", "text": null, "source": null}),
                Some((id, only)) if outputs.len() == 1 => {
                    json!({"reason": "single", "text": only["content"], "source": id})
                }
                Some(_) => json!({"reason": "multiple", "text": null, "source": null}),
            };
            ("completed", output, json!([]))
        }
        Err(problem) => {
            let error = json!({
                "error": failure(&scene.run, problem), "code": "EXECUTION_ERROR",
                "details": {"flow_id": scene.flow_id, "error_type": "ValueError"},
            });
            let output = json!({"reason": "failed", "text": null, "source": null});
            ("failed", output, json!([error]))
        }
    };
    let failed = status == "failed";
    let session = (!failed).then_some(scene.run.session_id.as_str());
    let (id, at) = (scene.run_id(), moment(&scene.run));
    if scene.version < Langflow::V1_13 {
        for output in outputs.values_mut().filter_map(Value::as_object_mut) {
            output.shift_remove("display_name");
        }
        return json!({
            "flow_id": scene.flow_id, "job_id": id, "object": "response",
            "created_timestamp": at, "status": status, "errors": errors,
            "inputs": inputs, "outputs": outputs,
        });
    }
    json!({
        "flow_id": scene.flow_id, "session_id": session, "job_id": id, "object": "response",
        "created_timestamp": at, "status": status, "output": output, "errors": errors,
        "warnings": [], "inputs": inputs, "globals": {}, "outputs": outputs, "human_request": null,
        "has_errors": failed,
    })
}

fn output_json(scene: &Scene, id: &str, output: &Value, cut: Option<usize>) -> Value {
    let text = output["value"].as_str().unwrap_or_default();
    let node = scene.node(id);
    json!({
        "type": "message", "status": "completed",
        "display_name": node.map(|node| node.display_name.as_str()),
        "content": cut.map_or_else(|| text.to_owned(), |most| shortened(text, most)),
        "metadata": {"component_type": node.map(|node| node.kind.as_str())},
    })
}

fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text.to_owned(),
    }
}

fn find(ask: &Ask, id: &str) -> Option<Arc<Run>> {
    ask.app
        .state()
        .runs
        .all()
        .find(|run| uuid(&run.id) == id)
        .cloned()
}

fn scene_of(ask: &Ask, run: Arc<Run>) -> Option<Scene> {
    let record = ask.app.state().flows.get(&run.flow_id).cloned()?;
    let flow = record.parsed().ok()?;
    Some(scene(&record, flow, run, ask.plays()))
}

/// The status of a job; one that failed is an error of the server.
pub(super) fn status(ask: &Ask) -> Done {
    open(ask, Family::Other)?;
    let Some(id) = ask.query("job_id") else {
        let message = "Job ID must be provided";
        return Err(coded(
            400,
            &json!({
                "error": "Missing required parameter", "code": "MISSING_PARAMETER", "message": message,
            }),
        ));
    };
    if !is_uuid(id) {
        let message = "Value error, Invalid job_id, must be a UUID";
        return Err(invalid(&[wrong(
            "value_error",
            &["query", "job_id"],
            message,
        )]));
    }
    let unknown = || {
        coded(
            404,
            &json!({
                "error": "Workflow job not found", "code": "JOB_NOT_FOUND",
                "message": format!("Workflow job {id} not found"), "job_id": id,
            }),
        )
    };
    let run = find(ask, id).ok_or_else(unknown)?;
    let scene = scene_of(ask, run).ok_or_else(unknown)?;
    let run = &scene.run;
    let end = run.progress().end.clone();
    match (run.status(), end) {
        (RunStatus::Completed, Some(end)) => {
            Ok(Reply::json(200, &response(&scene, &end, None, Some(CUT))))
        }
        (RunStatus::Failed, Some(end)) => {
            let error = error_message(&scene, end.at).map(|mut event| event["data"].take());
            Err(coded(
                500,
                &json!({
                    "error": "Job failed", "code": "JOB_FAILED",
                    "message": format!("Job {id} has failed execution."), "job_id": id,
                    "error_detail": error,
                }),
            ))
        }
        (RunStatus::Cancelled, _) => Ok(Reply::json(200, &job(run, &scene.flow_id, "cancelled"))),
        _ => Ok(Reply::json(200, &job(run, &scene.flow_id, "in_progress"))),
    }
}

pub(super) async fn stop(ask: &Ask<'_>) -> Done {
    open(ask, Family::Other)?;
    let fields = body::object(ask)?;
    let id = fields.get("job_id").and_then(Value::as_str);
    let id = id.ok_or_else(|| invalid(&[missing("job_id")]))?;
    let run = find(ask, id).ok_or_else(|| {
        coded(
            404,
            &json!({
                "error": "Job not found", "code": "JOB_NOT_FOUND",
                "message": format!("Job {id} not found"), "job_id": id,
            }),
        )
    })?;
    if !run.background {
        return Err(coded(
            409,
            &json!({
                "error": "Job cannot be stopped", "code": "JOB_NOT_CANCELLABLE",
                "message": "Only background workflow jobs can be stopped.", "job_id": id,
                "mode": "unknown",
            }),
        ));
    }
    let message = match run.status() {
        RunStatus::Cancelled => format!("Job {id} is already cancelled."),
        RunStatus::Running => {
            run.cancelled.send_replace(true);
            run.ended().await;
            format!("Job {id} cancelled successfully.")
        }
        status => format!("Job {id} already finished ({}).", status.name()),
    };
    Ok(Reply::json(200, &json!({"job_id": id, "message": message})))
}

/// The events of a job, from its first or after the one that was seen last.
pub(super) fn events(ask: &Ask) -> Done {
    open(ask, Family::Other)?;
    let id = ask.path.get(3).map_or("", String::as_str);
    let unknown = || {
        coded(
            404,
            &json!({
                "error": "Background run not found", "code": "JOB_NOT_FOUND",
                "message": format!("No background run for job {id}."), "job_id": id,
            }),
        )
    };
    let run = find(ask, id)
        .filter(|run| run.background)
        .ok_or_else(unknown)?;
    let scene = scene_of(ask, run).ok_or_else(unknown)?;
    let seen = ask
        .header("last-event-id")
        .and_then(|id| id.trim().parse().ok());
    Ok(sse(frames(scene, Some(seen.unwrap_or(0)), keepalive(ask))))
}

fn sse(frames: impl Stream<Item = Bytes> + Send + 'static) -> Reply {
    Reply::plain_stream("text/event-stream; charset=utf-8", frames)
        .header("cache-control", "no-cache")
        .header("x-accel-buffering", "no")
}

/// The frames of a run. Those of a job count from 1 and begin after the one that was seen; a
/// stream counts from 0, and ends its run when it is left.
fn frames(scene: Scene, job: Option<u64>, keepalive: Duration) -> impl Stream<Item = Bytes> + Send {
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
                    let end = match event.name {
                        "end" | "error" => scene.run.progress().end.clone(),
                        _ => None,
                    };
                    match end {
                        Some(end) => waiting.extend(last(&scene, &end)),
                        None if event.name == "component_completed" => {
                            let data: Value = serde_json::from_str(&event.data).unwrap_or_default();
                            let id = data["component_id"].as_str().unwrap_or_default();
                            waiting.push_back(end_vertex(&scene, id));
                        }
                        None => waiting.extend(told.tell(&scene, event)),
                    }
                }
            }
        },
    )
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
        Err(_) => events.extend(error_message(scene, end.at)),
    }
    let duration = (end.at - scene.run.created_at).to_std().unwrap_or_default();
    events.push(json!({"event": "end", "data": {"build_duration": duration.as_secs_f64()}}));
    events
}
