//! Workflows in the background: their status, their events and their end.

use std::sync::Arc;

use serde_json::{Value, json};

use super::answer::{coded, invalid, missing, wrong};
use super::auth::{Family, open};
use super::result::Scene;
use super::runs::scene;
use super::stream::error_message;
use super::uuid::{complaint, is_uuid, uuid};
use super::workflow_stream::{frames, keepalive, options, request_id, sse};
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
        _ => {
            let asked = run.progress().asked.is_some();
            let status = if asked { "suspended" } else { "in_progress" };
            Ok(Reply::json(200, &job(run, &scene.flow_id, status)))
        }
    }
}

/// The questions that the jobs of a flow wait for.
pub(super) fn pending(ask: &Ask) -> Done {
    open(ask, Family::Other)?;
    let place = ["query", "flow_id"];
    let Some(flow) = ask.query("flow_id") else {
        return Err(invalid(&[wrong("missing", &place, "Field required")]));
    };
    if !is_uuid(flow) {
        return Err(invalid(&[wrong("uuid_parsing", &place, &complaint(flow))]));
    }
    let runs: Vec<Arc<Run>> = ask.app.state().runs.all().cloned().collect();
    let mut waiting = Vec::new();
    for run in runs.into_iter().filter(|run| uuid(&run.flow_id) == flow) {
        let progress = run.progress();
        let question = progress.asked.clone().filter(|_| progress.end.is_none());
        drop(progress);
        let (Some(question), Some(scene)) = (question, scene_of(ask, run)) else {
            continue;
        };
        let (options, allowed) = options(&json!(question.options));
        waiting.push(json!({
            "job_id": uuid(&scene.run.id), "flow_id": flow, "session_id": scene.run.session_id,
            "created_at": scene.run.created_at.format("%Y-%m-%dT%H:%M:%S%.6f").to_string(),
            "request_id": request_id(&scene, &question.component_id), "kind": "node_input",
            "prompt": question.prompt, "options": options, "allowed_decisions": allowed,
        }));
    }
    Ok(Reply::json(200, &Value::Array(waiting)))
}

/// Answers the question of a job, once.
pub(super) fn resume(ask: &Ask) -> Done {
    open(ask, Family::Other)?;
    let id = ask.path.get(3).map_or("", String::as_str);
    let fields = Value::Object(body::object(ask)?);
    let request = super::text(&fields, "request_id");
    let request = request.ok_or_else(|| invalid(&[missing("request_id")]))?;
    let refused = |status: u16, error: &str, code: &str, message: &str| {
        let mut body = json!({"error": error, "code": code, "message": message, "job_id": id});
        if let Some(fields) = body.as_object_mut().filter(|_| message.is_empty()) {
            fields.shift_remove("message");
        }
        coded(status, &body)
    };
    let unknown = || refused(404, "Workflow job not found", "JOB_NOT_FOUND", "");
    let run = find(ask, id).ok_or_else(unknown)?;
    let scene = scene_of(ask, run.clone()).ok_or_else(unknown)?;
    let mut progress = run.progress();
    let meant = progress
        .asked
        .take_if(|question| request_id(&scene, &question.component_id) == request);
    let Some(question) = meant else {
        let message = "Job is not suspended, already resumed, or the request_id is stale.";
        return Err(refused(
            409,
            "Job is not resumable",
            "NOT_RESUMABLE",
            message,
        ));
    };
    let action = fields["decision"]["action_id"].as_str().unwrap_or_default();
    if !question.options.iter().any(|(known, _)| known == action) {
        progress.asked = Some(question);
        let message = "decision.action_id is not one of the pending request's allowed_decisions.";
        return Err(refused(
            422,
            "Invalid decision",
            "INVALID_DECISION",
            message,
        ));
    }
    drop(progress);
    let decision = (question.component_id, action.to_owned());
    run.decided().send_replace(Some(decision));
    let body = json!({"job_id": id, "status": "resuming", "message": "Resume accepted"});
    Ok(Reply::json(200, &body))
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
            run.cancel();
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
