//! Runs: start one, look at them, follow one, stop one.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::call::Call;
use super::reply::Reply;
use super::sse;
use super::text;
use crate::contract::Permission;
use crate::problem::Problem;
use crate::runner::{self, RunRequest, Runnable, run_json};
use crate::state::{Run, RunStatus};

pub(super) async fn run(call: Call) -> Result<Reply, Problem> {
    let body = call.json();
    let flag = |name: &str| body.get(name).and_then(Value::as_bool).unwrap_or(false);
    let accepts_stream = call
        .header("accept")
        .is_some_and(|it| it.contains("text/event-stream"));
    let background = flag("background");
    if background && flag("stream") {
        return Err(Problem::field(
            "background",
            "cannot be together with stream",
        ));
    }
    let request = RunRequest {
        input: text(body, "input_value").unwrap_or_default().to_owned(),
        tweaks: body
            .get("tweaks")
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default(),
        session_id: text(body, "session_id")
            .filter(|id| !id.is_empty())
            .map(str::to_owned),
        background,
        request_id: call.request_id.clone(),
        idempotency: call
            .header("idempotency-key")
            .filter(|_| call.app.config.idempotency)
            .map(|key| (key.to_owned(), body.to_string())),
        waits: None,
        lacks: Vec::new(),
    };
    let flow = Runnable::of(call.flow(&call.app.state())?)?;
    let started = runner::start(&call.app, &flow, &call.caller.key_id, request)?;
    let run = started.run;
    let reply = if background {
        let place = format!("{}/runs/{}", crate::contract::PREFIX, run.id);
        Reply::json(202, &run_json(&run, true)).header("location", place)
    } else if flag("stream") || accepts_stream {
        stream(&call, run.clone(), 0)
    } else {
        Reply::json(200, &run.ended().await.answer?)
    };
    Ok(if started.replayed {
        reply.header("idempotency-replayed", "true")
    } else {
        reply
    })
}

pub(super) fn list(call: &Call) -> Result<Reply, Problem> {
    let moment = |name| -> Option<DateTime<Utc>> {
        call.query(name)
            .and_then(|text| text.parse::<DateTime<Utc>>().ok())
    };
    let (after, before) = (moment("since"), moment("until"));
    let is = |name, value: &str| call.query(name).is_none_or(|wanted| wanted == value);
    let state = call.app.state();
    let found = state.runs.all().filter(|run| {
        mine(call, &run.key_id)
            && is("flow_id", &run.flow_id)
            && is("session_id", &run.session_id)
            && is("key_id", &run.key_id)
            && is("status", run.status().name())
            && after.is_none_or(|after| run.created_at >= after)
            && before.is_none_or(|before| run.created_at < before)
    });
    let runs = found.map(|run| run_json(run, false)).collect();
    drop(state);
    Ok(Reply::json(200, &call.page(runs)))
}

pub(super) fn get(call: &Call) -> Result<Reply, Problem> {
    Ok(Reply::json(200, &run_json(&*find(call)?, true)))
}

pub(super) async fn cancel(call: &Call) -> Result<Reply, Problem> {
    let run = find(call)?;
    if run.status() == RunStatus::Cancelled {
        return Ok(Reply::json(200, &run_json(&run, true)));
    }
    if run.status() != RunStatus::Running {
        let detail = format!("The run `{}` is {}.", run.id, run.status().name());
        return Err(Problem::new("run_already_finished", detail));
    }
    run.cancel();
    run.ended().await;
    Ok(Reply::json(200, &run_json(&run, true)))
}

pub(super) fn events(call: &Call) -> Result<Reply, Problem> {
    let run = find(call)?;
    let seen = match call.header("last-event-id") {
        None => 0,
        Some(id) => id.trim().parse::<usize>().map_err(|_| {
            Problem::new(
                "invalid_parameter",
                "Last-Event-ID is not the id of an event of this run.",
            )
            .error("Last-Event-ID", "is not the id of an event")
        })?,
    };
    Ok(stream(call, run, seen))
}

fn stream(call: &Call, run: Arc<Run>, seen: usize) -> Reply {
    let keepalive = Duration::try_from_secs_f64(call.app.config.keepalive).unwrap_or_default();
    Reply::stream(sse::frames(run, seen, keepalive))
}

fn find(call: &Call) -> Result<Arc<Run>, Problem> {
    let id = call.value("run_id");
    let run = call.app.state().runs.get(id);
    let run = run.ok_or_else(|| Problem::not_found("run_not_found", "run", id, None))?;
    if mine(call, &run.key_id) {
        Ok(run)
    } else {
        Err(not_yours(call, "run"))
    }
}

/// Whether the caller may use the operation on what a key has started.
pub(super) fn mine(call: &Call, key_id: &str) -> bool {
    call.operation
        .permission
        .is_none_or(|needed| call.caller.may(needed))
        || call.caller.key_id == key_id
}

pub(super) fn not_yours(call: &Call, what: &str) -> Problem {
    let needed = call.operation.permission.map_or("none", Permission::name);
    let detail = format!(
        "This {what} was started by another key; without the permission {needed} a key has to do \
         only with what it has started itself."
    );
    Problem::new("not_your_run", detail).fact("permission", needed)
}
