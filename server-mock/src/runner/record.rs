//! Runs as the API shows them.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use crate::clock::timestamp;
use crate::engine::{FlowOutput, Outcome};
use crate::state::{Progress, Run, RunStatus};

/// The answer of a run, as it was documented, and what else is known.
pub(super) fn answer(run: &Run, outcome: &Outcome, now: DateTime<Utc>) -> Value {
    let duration = (now - run.created_at)
        .to_std()
        .unwrap_or_default()
        .as_secs_f64();
    let single = match outcome.outputs.as_slice() {
        [one] => Value::from(one.value.clone()),
        _ => Value::Null,
    };
    let outputs = outcome
        .outputs
        .iter()
        .map(|it| (it.component_id.clone(), output_json(it)));
    json!({
        "result": {"output": single, "outputs": outputs.collect::<Map<_, _>>()},
        "session_id": run.session_id,
        "metadata": {"duration": duration, "tokens_used": outcome.tokens},
        "session_status": run.continuation.name(),
        "run_id": run.id,
    })
}

fn output_json(output: &FlowOutput) -> Value {
    json!({
        "component_id": output.component_id,
        "display_name": output.display_name,
        "type": output.kind,
        "value": output.value,
    })
}

/// The record of a run; in lists without its components.
pub(crate) fn run_json(run: &Run, whole: bool) -> Value {
    let progress = run.progress();
    let end = progress.end.as_ref();
    let mut record = json!({
        "id": run.id,
        "flow_id": run.flow_id,
        "session_id": run.session_id,
        "session_status": run.continuation.name(),
        "status": end.map_or(RunStatus::Running, |end| end.status).name(),
        "background": run.background,
        "input_value": run.input,
        "tweaks": run.tweaks,
    });
    match end.map(|end| &end.answer) {
        Some(Ok(answer)) => {
            record["result"] = answer["result"].clone();
            record["metadata"] = answer["metadata"].clone();
        }
        Some(Err(problem)) => {
            let failed = progress.failed.as_ref();
            record["error"] = json!({
                "code": problem.code,
                "message": failed.map_or(&problem.detail, |failed| &failed.message),
            });
            if let Some(failed) = failed {
                record["error"]["component_id"] = failed.component_id.as_str().into();
            }
        }
        None => {}
    }
    if whole {
        record["components"] = components(&progress);
        record["warnings"] = json!(run.warnings);
    }
    record["key_id"] = run.key_id.as_str().into();
    record["created_at"] = timestamp(run.created_at).into();
    record["started_at"] = timestamp(run.created_at).into();
    record["finished_at"] = moment(end.map(|end| end.at));
    record
}

fn components(progress: &Progress) -> Value {
    let done = progress.components.iter().map(|done| {
        let mut shown = json!({
            "component_id": done.component_id,
            "display_name": done.display_name,
            "type": done.kind,
            "status": "completed",
            "duration": done.duration,
            "settings": done.settings,
        });
        if !done.tool_calls.is_empty() {
            shown["tool_calls"] = json!(done.tool_calls);
        }
        shown
    });
    let failed = progress.failed.iter().map(|failed| {
        json!({
            "component_id": failed.component_id,
            "display_name": failed.display_name,
            "type": failed.kind,
            "status": "failed",
        })
    });
    done.chain(failed).collect()
}

/// A moment, or null.
pub(crate) fn moment(at: Option<DateTime<Utc>>) -> Value {
    at.map_or(Value::Null, |at| timestamp(at).into())
}
