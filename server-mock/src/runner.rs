//! Starts runs and sees them through, whether or not anybody listens.

use std::sync::Arc;
use std::time::Duration;

use langflow_export::Flow;
use serde_json::{Map, Value, json};
use tokio::sync::watch;

use crate::app::App;
use crate::clock::timestamp;
use crate::engine::{Completed, Failure, FailureKind, Job, Outcome, Step, plan};
use crate::model::Role;
use crate::problem::Problem;
use crate::state::{Begin, End, FlowRecord, IdempotencyKey, Message, Progress, Run, RunStatus};

/// What a run is asked with.
#[derive(Debug, Clone, Default)]
pub(crate) struct RunRequest {
    pub(crate) input: String,
    pub(crate) tweaks: Map<String, Value>,
    pub(crate) session_id: Option<String>,
    pub(crate) background: bool,
    /// The key of the client, and what tells two requests with the same key apart.
    pub(crate) idempotency: Option<(String, String)>,
}

/// A run, and whether an earlier request began it.
pub(crate) struct Started {
    pub(crate) run: Arc<Run>,
    pub(crate) replayed: bool,
}

/// Starts a run of a flow, unless its idempotency key belongs to one that exists.
pub(crate) fn start(
    app: &Arc<App>,
    flow: &FlowRecord,
    key_id: &str,
    request: RunRequest,
) -> Result<Started, Problem> {
    let now = app.clock.now();
    let idempotency = request.idempotency.map(|(value, body)| {
        let key = IdempotencyKey {
            key_id: key_id.to_owned(),
            flow_id: flow.id.clone(),
            value,
        };
        (key, body)
    });
    // One lock from the look-up to the entry: two requests with one key are one run.
    let mut state = app.state();
    if let Some((key, body)) = &idempotency {
        match state.runs.begin(key, body, now) {
            Begin::New => {}
            Begin::Replay(run) => {
                return Ok(Started {
                    run,
                    replayed: true,
                });
            }
            Begin::Conflict => {
                return Err(Problem::new(
                    "idempotency_mismatch",
                    "This Idempotency-Key was used for a run with another body.",
                )
                .error("Idempotency-Key", "was used with another body"));
            }
        }
    }
    let (parsed, warnings) = prepare(app, flow, &request.tweaks)?;
    let run_id = state.ids.next("run");
    let session_id = match request.session_id {
        Some(id) => id,
        None => state.ids.next("session"),
    };
    let timeout = flow.session_timeout();
    let (continuation, session) = state
        .sessions
        .open(&flow.id, &session_id, key_id, timeout, now);
    let history = session.history();
    let run = Arc::new(Run {
        id: run_id,
        flow_id: flow.id.clone(),
        session_id,
        continuation,
        key_id: key_id.to_owned(),
        input: request.input.clone(),
        background: request.background,
        created_at: now,
        warnings,
        progress: std::sync::Mutex::new(Progress::default()),
        changed: watch::Sender::new(()),
        cancelled: watch::Sender::new(false),
    });
    state.runs.add(run.clone(), idempotency, now);
    drop(state);
    let work = Work {
        app: app.clone(),
        run: run.clone(),
        job: Job {
            flow: parsed,
            input: request.input,
            history,
        },
        session_timeout: timeout,
        run_timeout: flow.run_timeout(),
    };
    app.tasks.spawn(work.see_through());
    Ok(Started {
        run,
        replayed: false,
    })
}

/// The flow with its tweaks, refused before anything happens if it cannot run.
fn prepare(
    app: &App,
    flow: &FlowRecord,
    tweaks: &Map<String, Value>,
) -> Result<(Flow, Vec<String>), Problem> {
    let parsed = Flow::parse(&Value::Object(flow.file.clone()));
    let mut parsed = parsed.map_err(|error| {
        Problem::new("invalid_flow", format!("The flow cannot be read: {error}"))
            .error(error.field(), error.to_string())
    })?;
    let report = parsed.apply_tweaks(tweaks);
    let warnings: Vec<String> = report
        .unknown
        .iter()
        .map(|one| format!("tweaks: {}", one.message()))
        .collect();
    if app.config.strict_tweaks && !report.unknown.is_empty() {
        let mut problem = Problem::new("unknown_tweak", warnings.join("; "));
        for unknown in &report.unknown {
            let setting = unknown
                .setting
                .as_ref()
                .map_or_else(String::new, |name| format!(".{name}"));
            let field = format!("tweaks.{}{setting}", unknown.component);
            problem = problem.error(field, unknown.message());
        }
        return Err(problem);
    }
    plan(&parsed).map_err(|failure| problem_of(&failure))?;
    Ok((parsed, warnings))
}

struct Work {
    app: Arc<App>,
    run: Arc<Run>,
    job: Job,
    session_timeout: f64,
    run_timeout: Option<f64>,
}

impl Work {
    async fn see_through(self) {
        let run = &self.run;
        run.tell(
            "run_started",
            &json!({
                "run_id": run.id,
                "flow_id": run.flow_id,
                "session_id": run.session_id,
                "session_status": run.continuation.name(),
            }),
        );
        let tell = |step: Step| self.tell(step);
        let mut cancelled = run.cancelled.subscribe();
        tokio::select! {
            biased;
            _ = cancelled.wait_for(|cancelled| *cancelled) => {
                let problem = Problem::new("run_cancelled", "The run was cancelled.");
                self.fail(RunStatus::Cancelled, problem);
            }
            () = self.timeout() => {
                let limit = self.run_timeout.unwrap_or_default();
                let detail = format!("The run took longer than the {limit} s that its flow allows.");
                self.fail(RunStatus::Failed, Problem::new("run_timeout", detail));
            }
            result = self.app.engine.run(&self.job, &tell) => match result {
                Ok(outcome) => self.complete(outcome),
                Err(failure) => self.fail(RunStatus::Failed, problem_of(&failure)),
            },
        }
    }

    async fn timeout(&self) {
        let limit = self
            .run_timeout
            .and_then(|limit| Duration::try_from_secs_f64(limit).ok());
        match limit {
            Some(limit) => self.app.clock.sleep(limit).await,
            None => std::future::pending().await,
        }
    }

    fn tell(&self, step: Step) {
        match step {
            Step::Token { component_id, text } => {
                self.run.tell(
                    "token",
                    &json!({"text": text, "component_id": component_id}),
                );
            }
            Step::Message {
                component_id,
                display_name,
                sender,
                text,
            } => {
                let message = json!({
                    "component_id": component_id,
                    "display_name": display_name,
                    "sender": sender,
                    "text": text,
                });
                self.run.tell("message", &message);
            }
            Step::Completed(done) => {
                let event = json!({
                    "component_id": done.component_id,
                    "display_name": done.display_name,
                    "duration": done.duration,
                });
                self.run.update(|progress| progress.components.push(done));
                self.run.tell("component_completed", &event);
            }
        }
    }

    fn complete(&self, outcome: Outcome) {
        let now = self.app.clock.now();
        let run = &self.run;
        let mut state = self.app.state();
        let said = outcome.outputs.iter().map(|output| output.value.clone());
        let spoken = [(Role::User, run.input.clone())]
            .into_iter()
            .chain(said.map(|text| (Role::Assistant, text)));
        let messages: Vec<Message> = spoken
            .map(|(role, text)| Message {
                id: state.ids.next("message"),
                role,
                text,
                created_at: now,
                run_id: run.id.clone(),
            })
            .collect();
        let sessions = &mut state.sessions;
        sessions.record(
            &run.flow_id,
            &run.session_id,
            self.session_timeout,
            now,
            messages,
        );
        drop(state);
        let answer = answer(run, &outcome, now);
        let end = End {
            status: RunStatus::Completed,
            at: now,
            answer: Ok(answer.clone()),
        };
        run.finish(end, "end", &answer);
    }

    fn fail(&self, status: RunStatus, problem: Problem) {
        let event = problem.json(&self.run.id);
        let end = End {
            status,
            at: self.app.clock.now(),
            answer: Err(problem),
        };
        self.run.finish(end, "error", &event);
    }
}

/// The answer of a run, as it was documented, and what else is known.
fn answer(run: &Run, outcome: &Outcome, now: chrono::DateTime<chrono::Utc>) -> Value {
    let duration = (now - run.created_at)
        .to_std()
        .unwrap_or_default()
        .as_secs_f64();
    let single = match outcome.outputs.as_slice() {
        [one] => Value::from(one.value.clone()),
        _ => Value::Null,
    };
    let mut result = json!({"output": single});
    if outcome.outputs.len() > 1 {
        let outputs = outcome.outputs.iter().map(|output| {
            let value = json!({
                "component_id": output.component_id,
                "display_name": output.display_name,
                "type": output.kind,
                "value": output.value,
            });
            (output.component_id.clone(), value)
        });
        result["outputs"] = Value::Object(outputs.collect());
    }
    json!({
        "result": result,
        "session_id": run.session_id,
        "session_status": run.continuation.name(),
        "metadata": {"duration": duration, "tokens_used": outcome.tokens},
        "run_id": run.id,
    })
}

/// A component that is done, as the record of a run shows it.
pub(crate) fn component_json(done: &Completed) -> Value {
    json!({
        "component_id": done.component_id,
        "display_name": done.display_name,
        "type": done.kind,
        "duration": done.duration,
        "settings": done.settings,
        "output": done.output,
    })
}

fn problem_of(failure: &Failure) -> Problem {
    let component = failure.component_id.as_deref().unwrap_or_default();
    match &failure.kind {
        FailureKind::Unsupported => Problem::new(
            "unsupported_component",
            format!("The flow cannot run: {}.", failure.message),
        )
        .error(component, failure.message.clone()),
        FailureKind::Setting(setting) => Problem::field(
            format!("tweaks.{component}.{setting}"),
            failure.message.clone(),
        ),
        FailureKind::Raised => {
            let detail = format!("The component `{component}` failed: {}.", failure.message);
            Problem::new("run_failed", detail).error(component, failure.message.clone())
        }
    }
}

/// A moment, or null.
pub(crate) fn moment(at: Option<chrono::DateTime<chrono::Utc>>) -> Value {
    at.map_or(Value::Null, |at| timestamp(at).into())
}
