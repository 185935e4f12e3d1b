//! `/api/v2/workflows`: runs with a status of their own; streams that are Server-Sent Events.

use serde_json::{Map, Value, json};

use super::answer::{coded, detail, invalid, missing, wrong};
use super::auth::{Family, open};
use super::result::Scene;
use super::runs::{Refused, Wanted, begin, failure, globals};
use super::uuid::{is_uuid, uuid};
use super::workflow_stream::{frames, keepalive, sse};
use super::{Ask, Done, body, flows};
use crate::config::Langflow;
use crate::engine::Component;
use crate::http::Reply;
use crate::state::{End, Run};

/// Contents of events and of stored results are cut here.
pub(super) const CUT: usize = 6000;

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
    wanted.waits = wanted.background;
    let key = fields.get("idempotency_key").and_then(Value::as_str);
    wanted.idempotency = key.filter(|_| wanted.background).map(str::to_owned);
    if mode == "sync" {
        // Streams and jobs do not get them.
        wanted.globals = globals(ask);
        let sent = fields.get("globals").and_then(Value::as_object);
        wanted.globals.extend(sent.cloned().unwrap_or_default());
    }
    let globals = Value::Object(wanted.globals.clone());
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
            let mut body = response(&scene, &end, inputs, None);
            if !old {
                body["globals"] = globals;
            }
            Ok(Reply::json(200, &body))
        }
    }
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
pub(super) fn job(run: &Run, flow_id: &str, status: &str) -> Value {
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
pub(super) fn response(
    scene: &Scene,
    end: &End,
    inputs: Option<Value>,
    cut: Option<usize>,
) -> Value {
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

pub(super) fn output_json(scene: &Scene, id: &str, output: &Value, cut: Option<usize>) -> Value {
    let text = output["value"].as_str().unwrap_or_default();
    let node = scene.node(id);
    json!({
        "type": "message", "status": "completed",
        "display_name": node.map(|node| node.display_name.as_str()),
        "content": cut.map_or_else(|| text.to_owned(), |most| shortened(text, most)),
        "metadata": {"component_type": node.map(|node| node.kind.as_str())},
    })
}

/// What stands for an output that did not even load: an object where a text belongs.
pub(super) fn not_loaded(scene: &Scene) -> Option<Value> {
    let failed = scene.run.progress().failed.clone()?;
    let output = scene.is(&failed.component_id, Component::ChatOutput)
        || scene.is(&failed.component_id, Component::TextOutput);
    if !failed.loading || !output {
        return None;
    }
    let why = format!(
        "Error building Component {}: \n\n{}",
        failed.display_name, failed.message
    );
    let trace = format!("Traceback (most recent call last):\n{why}\n");
    let error = json!({"errorMessage": why, "stackTrace": trace});
    let mut shown = output_json(scene, &failed.component_id, &Value::Null, None);
    shown["status"] = "failed".into();
    shown["content"] = json!({"message": {"message": error, "type": "error"}});
    shown["component_id"] = failed.component_id.into();
    Some(shown)
}

fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text.to_owned(),
    }
}
