//! Workflows in the background: their status, their events and their end.

use std::sync::Arc;

use serde_json::{Value, json};

use super::answer::{coded, invalid, missing, wrong};
use super::auth::{Family, open};
use super::result::Scene;
use super::runs::scene;
use super::stream::error_message;
use super::uuid::{is_uuid, uuid};
use super::workflow_stream::{frames, keepalive, sse};
use super::workflows::{CUT, job, not_loaded, response};
use super::{Ask, Done, body};
use crate::http::Reply;
use crate::state::{Run, RunStatus};

pub(super) fn find(ask: &Ask, id: &str) -> Option<Arc<Run>> {
    ask.app
        .state()
        .runs
        .all()
        .find(|run| uuid(&run.id) == id)
        .cloned()
}

pub(super) fn scene_of(ask: &Ask, run: Arc<Run>) -> Option<Scene> {
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
        // What did not even load is no failure of the job.
        (RunStatus::Failed, Some(mut end)) if failed_to_load(run) => {
            end.answer = Ok(json!({}));
            let mut body = response(&scene, &end, None, Some(CUT));
            if let Some(mut output) = not_loaded(&scene) {
                let id = output["component_id"].take();
                if let Some(fields) = output.as_object_mut() {
                    fields.shift_remove("component_id");
                }
                body["outputs"][id.as_str().unwrap_or_default()] = output;
                body["output"]["reason"] = "non_string".into();
            }
            Ok(Reply::json(200, &body))
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

fn failed_to_load(run: &Run) -> bool {
    let progress = run.progress();
    progress
        .failed
        .as_ref()
        .is_some_and(|failed| failed.loading)
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
