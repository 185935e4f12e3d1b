//! `/api/v1/build`: runs as the playground makes them, whose end has no result.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use serde_json::{Value, json};

use super::answer::{detail, invalid, wrong};
use super::auth::{Family, open};
use super::jobs;
use super::result::Scene;
use super::runs::{Refused, Wanted, begin};
use super::stream::python_json;
use super::uuid::{complaint, is_uuid, uuid};
use super::workflow_stream::{build_frames, build_so_far};
use super::{Ask, Done, body, flows};
use crate::http::Reply;
use crate::state::Run;

/// How events are asked for.
#[derive(PartialEq, Clone, Copy)]
enum Delivery {
    Streaming,
    Direct,
    Polling,
}

fn delivery(ask: &Ask, unset: Delivery) -> Result<Delivery, Reply> {
    let Some(given) = ask.query("event_delivery") else {
        return Ok(unset);
    };
    match given {
        "streaming" => Ok(Delivery::Streaming),
        "direct" => Ok(Delivery::Direct),
        "polling" => Ok(Delivery::Polling),
        _ => {
            let expected = "'streaming', 'direct' or 'polling'";
            let place = ["query", "event_delivery"];
            let mut error = wrong("enum", &place, &format!("Input should be {expected}"));
            error["ctx"] = json!({"expected": expected});
            Err(invalid(&[error]))
        }
    }
}

/// Begins a build; its events are asked for by its id, unless they are the answer.
pub(super) fn start(ask: &Ask) -> Done {
    let id = ask.path.get(3).map_or("", String::as_str);
    let key_id = open(ask, Family::Other)?;
    let delivery = delivery(ask, Delivery::Polling)?;
    if !is_uuid(id) {
        let place = ["path", "flow_id"];
        return Err(invalid(&[wrong("uuid_parsing", &place, &complaint(id))]));
    }
    let record = flows::by_id(&ask.app.state(), id).cloned();
    let record = record.ok_or_else(|| detail(404, &format!("Flow with id {id} not found")))?;
    let fields = body::json(ask)?;
    let inputs = fields.get("inputs").unwrap_or(&Value::Null);
    let wanted = Wanted {
        input: super::text(inputs, "input_value").map(str::to_owned),
        session_id: super::text(inputs, "session").map(str::to_owned),
        background: true,
        ..Wanted::default()
    };
    let scene = match begin(ask, &record, &key_id, wanted) {
        Ok(scene) => scene,
        Err(Refused::Field(reply)) => return Err(reply),
        Err(Refused::Run(status, message)) => return Err(detail(status, &message)),
    };
    match delivery {
        Delivery::Direct => Ok(ndjson(build_frames(scene))),
        _ => Ok(Reply::json(200, &json!({"job_id": uuid(&scene.run.id)}))),
    }
}

fn ndjson(frames: impl futures::Stream<Item = Value> + Send + 'static) -> Reply {
    let frames = frames.map(|event| format!("{}\n\n", python_json(&event)).into());
    Reply::plain_stream("application/x-ndjson", frames)
}

/// The build of a path.
fn find(ask: &Ask) -> Result<Arc<Run>, Reply> {
    let id = ask.path.get(3).map_or("", String::as_str);
    jobs::find(ask, id).ok_or_else(|| detail(404, &format!("Job not found: {id}")))
}

/// All events as they come, or those since the last poll.
pub(super) async fn events(ask: &Ask<'_>) -> Done {
    open(ask, Family::Other)?;
    let delivery = delivery(ask, Delivery::Streaming)?;
    let run = find(ask)?;
    let id = uuid(&run.id);
    let scene =
        jobs::scene_of(ask, run).ok_or_else(|| detail(404, &format!("Job not found: {id}")))?;
    if delivery != Delivery::Polling {
        return Ok(ndjson(build_frames(scene)));
    }
    let events: Vec<String> = poll(&scene)
        .await
        .iter()
        .map(|event| format!("{}\n\n", python_json(event)))
        .collect();
    Ok(Reply::text(200, "application/x-ndjson", events.join("\n")))
}

/// Longer than anybody waits for the answer that never comes.
const NEVER: Duration = Duration::from_secs(600);

/// What has happened since the last poll, and where that is nothing, what happens next. After its
/// end a build says once more that it has ended; who asks again then gets no answer at all.
async fn poll(scene: &Scene) -> Vec<Value> {
    let mut changed = scene.run.changed.subscribe();
    loop {
        let (events, ended) = build_so_far(scene);
        {
            let mut progress = scene.run.progress();
            let from = progress.polled;
            if from < events.len() {
                progress.polled = events.len();
                return events[from..].to_vec();
            }
            if ended && from == events.len() {
                progress.polled += 1;
                return vec![json!({"event": "end", "data": {}})];
            }
        }
        if ended || changed.changed().await.is_err() {
            tokio::time::sleep(NEVER).await;
            return Vec::new();
        }
    }
}

/// Ended or not: it is the same answer.
pub(super) fn cancel(ask: &Ask) -> Done {
    open(ask, Family::Other)?;
    find(ask)?.cancel();
    let message = "Flow build cancelled successfully";
    Ok(Reply::json(
        200,
        &json!({"success": true, "message": message}),
    ))
}
