//! Starts runs and sees them through, whether or not anybody listens.

mod record;

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use langflow_export::Flow;
use serde_json::{Map, Value, json};
use tokio::sync::{Notify, watch};

use crate::app::App;
use crate::engine::{
    Component, Failure, FailureKind, Job, Outcome, People, Step, TIMEOUT, plan, remarks,
};
use crate::model::{Role, content_blocks};
use crate::problem::Problem;
use crate::state::{
    Begin, End, Ending, FailedComponent, FlowRecord, IdempotencyKey, Library, Line, Message,
    Opening, Progress, Run, RunStatus,
};
use crate::webhooks::{self, Happening};

pub(crate) use record::{moment, run_json};

/// What a run is asked with.
#[derive(Debug, Clone, Default)]
pub(crate) struct RunRequest {
    pub(crate) input: String,
    pub(crate) tweaks: Map<String, Value>,
    pub(crate) session_id: Option<String>,
    pub(crate) background: bool,
    /// The request that asks, so that what is told later can be traced to it.
    pub(crate) request_id: String,
    /// The key of the client, and what tells two requests with the same key apart.
    pub(crate) idempotency: Option<(String, String)>,
    /// Whether the run waits for people; `None` where it knows of none.
    pub(crate) waits: Option<bool>,
    /// Variables that are not there, each with the component that names it.
    pub(crate) lacks: Vec<(String, String)>,
}

/// A run, and whether an earlier request began it.
pub(crate) struct Started {
    pub(crate) run: Arc<Run>,
    pub(crate) replayed: bool,
}

/// A flow as far as a run needs it.
pub(crate) struct Runnable {
    id: String,
    graph: Arc<Flow>,
    session_timeout: u64,
    run_timeout: u64,
}

impl Runnable {
    pub(crate) fn of(flow: &FlowRecord) -> Result<Self, Problem> {
        let graph = flow.parsed().map_err(|error| {
            Problem::new("invalid_flow", format!("The flow cannot be read: {error}."))
                .error(error.field(), error.to_string())
        })?;
        Ok(Self {
            id: flow.id.clone(),
            graph,
            session_timeout: flow.session_timeout(),
            run_timeout: flow.run_timeout(),
        })
    }
}

impl Runnable {
    /// The flow as an open-source server runs it: its sessions last.
    pub(crate) fn of_open_source(flow: &FlowRecord) -> Result<Self, Problem> {
        Ok(Self {
            session_timeout: u64::MAX,
            ..Self::of(flow)?
        })
    }
}

impl Runnable {
    /// Seconds that a run of the flow may take that waits for people, if it has any to ask.
    fn patience(&self) -> u64 {
        let mut nodes = self.graph.nodes.iter();
        match nodes.any(|node| Component::of(node) == Ok(Component::Human)) {
            true => self.run_timeout.max(TIMEOUT),
            false => self.run_timeout,
        }
    }
}

/// Starts a run of a flow, unless its idempotency key belongs to one that exists.
pub(crate) fn start(
    app: &Arc<App>,
    flow: &Runnable,
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
            Begin::Conflict => return Err(Problem::key_reused()),
        }
    }
    let (parsed, warnings) = prepare(app, flow, &request.tweaks)?;
    let files = files_of(&parsed, &state.library);
    let run_id = state.ids.next("run");
    let asked = request.session_id.is_some();
    let session_id = request
        .session_id
        .unwrap_or_else(|| state.ids.next("session"));
    let timeout = flow.session_timeout;
    let opening = Opening {
        flow_id: &flow.id,
        id: &session_id,
        asked,
        key_id,
        timeout,
    };
    let (continuation, session) = state.sessions.open(&opening, now);
    let history = session.history();
    let run = Arc::new(Run {
        id: run_id,
        flow_id: flow.id.clone(),
        session_id,
        continuation,
        key_id: key_id.to_owned(),
        input: request.input.clone(),
        tweaks: request.tweaks,
        background: request.background,
        request_id: request.request_id,
        created_at: now,
        warnings,
        progress: Mutex::new(Progress::default()),
        changed: watch::Sender::new(()),
        cancelled: Notify::new(),
        decided: OnceLock::new(),
        saved: OnceLock::new(),
    });
    state.runs.add(run.clone(), idempotency, now);
    drop(state);
    app.double.journal.began(&run.request_id, &run.id);
    let work = Work {
        app: app.clone(),
        run: run.clone(),
        job: Job {
            flow: parsed,
            input: request.input,
            history,
            request_id: run.request_id.clone(),
            files,
            lacks: request.lacks,
            people: match request.waits {
                None => People::Unknown,
                Some(false) => People::PassedBy,
                Some(true) => People::Asked(run.decided().subscribe()),
            },
        },
        session_timeout: timeout,
        run_timeout: match request.waits {
            Some(true) => flow.patience(),
            _ => flow.run_timeout,
        },
        spoken: Mutex::new(Vec::new()),
    };
    // Counted from now on: who moves the time right after this waits for the run.
    let working = app.clock.work();
    app.tasks.spawn(async move {
        work.see_through().await;
        drop(working);
    });
    Ok(Started {
        run,
        replayed: false,
    })
}

/// The flow with its tweaks, refused before anything happens if it cannot run.
fn prepare(
    app: &App,
    flow: &Runnable,
    tweaks: &Map<String, Value>,
) -> Result<(Arc<Flow>, Vec<String>), Problem> {
    if tweaks.is_empty() {
        plan(&flow.graph).map_err(|failure| problem_of(&failure))?;
        return Ok((flow.graph.clone(), remarks(&flow.graph)));
    }
    let mut parsed = (*flow.graph).clone();
    let report = parsed.apply_tweaks(tweaks);
    let unknown = report
        .unknown
        .iter()
        .map(|one| format!("tweaks: {}", one.message()));
    let mut warnings: Vec<String> = unknown.collect();
    if app.config.strict_tweaks && !report.unknown.is_empty() {
        let mut problem = Problem::new("unknown_tweak", warnings.join("; "));
        for unknown in &report.unknown {
            let setting = unknown.setting.iter().map(|name| format!(".{name}"));
            let field = format!(
                "tweaks.{}{}",
                unknown.component,
                setting.collect::<String>()
            );
            problem = problem.error(field, unknown.message());
        }
        return Err(problem);
    }
    plan(&parsed).map_err(|failure| problem_of(&failure))?;
    warnings.extend(remarks(&parsed));
    Ok((Arc::new(parsed), warnings))
}

/// What the components of a flow read, by the paths in their settings.
fn files_of(flow: &Flow, library: &Library) -> Vec<(String, String)> {
    let nodes = flow.nodes.iter();
    let readers = nodes.filter(|node| Component::of(node) == Ok(Component::File));
    let paths = readers.flat_map(Component::paths);
    let found = paths.filter_map(|path| {
        let bytes = library.read(&path)?;
        Some((path, String::from_utf8_lossy(bytes).into_owned()))
    });
    found.collect()
}

struct Work {
    app: Arc<App>,
    run: Arc<Run>,
    job: Job,
    session_timeout: u64,
    run_timeout: u64,
    /// What the flow has said so far, by component.
    spoken: Mutex<Vec<(String, Message)>>,
}

impl Work {
    async fn see_through(&self) {
        let run = &self.run;
        self.happened("flow_started", Value::Null, None);
        self.begun();
        let tell = |step: Step| self.tell(step);
        let (ending, tokens) = tokio::select! {
            biased;
            () = run.cancelled.notified() => {
                let problem = Problem::new("run_cancelled", "The run was cancelled.");
                (self.failed(RunStatus::Cancelled, problem), 0)
            }
            () = self.app.clock.sleep(Duration::from_secs(self.run_timeout)) => {
                let detail = format!("The run was stopped after {} seconds.", self.run_timeout);
                (self.failed(RunStatus::Failed, Problem::new("run_timeout", detail)), 0)
            }
            result = self.app.engine.run(&self.job, &tell) => match result {
                Ok(outcome) => (self.completed(&outcome), outcome.tokens),
                Err(failure) => (self.raised(&failure), 0),
            },
        };
        self.account(&ending.end, tokens);
        run.decide(ending);
        // Whoever is told how it ended finds it so after a restart. If it cannot be saved, the
        // answer says so; to wait for ever would help nobody.
        let _ = self.app.saved().await;
        run.finish();
    }

    /// Not a part of the future above, which would keep the event's tree for as long as the run takes.
    fn begun(&self) {
        let run = &self.run;
        let started = json!({
            "run_id": run.id,
            "flow_id": run.flow_id,
            "session_id": run.session_id,
            "session_status": run.continuation.name(),
        });
        run.tell("run_started", &started);
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
                sender,
                text,
                tools,
            } => {
                let message = self.message(Role::Assistant, text);
                let mut event = json!({
                    "id": message.id,
                    "text": message.text,
                    "sender": message.role.name(),
                    "sender_name": sender,
                    "component_id": component_id,
                });
                if let Some(blocks) = content_blocks(&tools) {
                    event["content_blocks"] = blocks;
                }
                self.spoken().push((component_id, message));
                self.run.tell("message", &event);
            }
            Step::Asked(question) => {
                let event = json!({
                    "component_id": question.component_id, "prompt": question.prompt,
                    "options": question.options, "timeout_seconds": question.timeout_seconds,
                    "at": self.app.clock.now(),
                });
                self.run.update(|progress| progress.asked = Some(question));
                self.run.tell("human_input_required", &event);
            }
            Step::Decided { component_id } => {
                self.run
                    .tell("resumed", &json!({"component_id": component_id}));
            }
            Step::Completed(done) => {
                let event = json!({
                    "component_id": done.component_id,
                    "display_name": done.display_name,
                    "duration": done.duration,
                });
                let component = json!({
                    "id": done.component_id,
                    "display_name": done.display_name,
                    "duration": done.duration,
                });
                self.happened(
                    "component_completed",
                    Value::Null,
                    Some(("component", component)),
                );
                self.run.update(|progress| {
                    // Thousands of runs may stand open, most of them with one component done.
                    progress.components.reserve_exact(1);
                    progress.components.push(done);
                });
                self.run.tell("component_completed", &event);
            }
        }
    }

    /// The session remembers what was said once it has all been said: a run that fails leaves no
    /// question without an answer in it.
    fn completed(&self, outcome: &Outcome) -> Ending {
        let now = self.app.clock.now();
        let mut messages = vec![self.message(Role::User, self.run.input.clone())];
        let mut spoken = std::mem::take(&mut *self.spoken());
        for output in &outcome.outputs {
            let told = spoken
                .iter()
                .position(|(component, _)| *component == output.component_id);
            messages.push(match told {
                Some(at) => spoken.remove(at).1,
                None => self.message(Role::Assistant, output.value.clone()),
            });
        }
        let Run {
            flow_id,
            session_id,
            ..
        } = &*self.run;
        self.app
            .state()
            .sessions
            .record(flow_id, session_id, self.session_timeout, now, messages);
        let answer = record::answer(&self.run, outcome, now);
        self.happened("flow_completed", answer["result"]["output"].clone(), None);
        let end = End {
            status: RunStatus::Completed,
            at: now,
            answer: Ok(answer.clone()),
        };
        Ending {
            end,
            name: "end",
            data: answer,
        }
    }

    fn raised(&self, failure: &Failure) -> Ending {
        if let Some(node) = failure
            .component_id
            .as_deref()
            .and_then(|id| self.job.flow.node(id))
        {
            let failed = FailedComponent {
                component_id: node.id.clone(),
                display_name: node.display_name.clone(),
                kind: node.kind.clone(),
                message: failure.message.clone(),
                loading: failure.kind == FailureKind::Variable,
            };
            self.run.update(|progress| progress.failed = Some(failed));
        }
        self.failed(RunStatus::Failed, problem_of(failure))
    }

    /// Tells the webhooks, before anybody who follows the run can know.
    fn happened(&self, event: &str, output: Value, detail: Option<(&'static str, Value)>) {
        let happening = Happening {
            event,
            flow_id: &self.run.flow_id,
            session_id: &self.run.session_id,
            output,
            at: self.app.clock.now(),
            detail,
        };
        webhooks::tell(&self.app, &mut self.app.state(), &happening);
    }

    fn failed(&self, status: RunStatus, problem: Problem) -> Ending {
        let failed = self.run.progress().failed.clone();
        let message = failed.map_or_else(|| problem.detail.clone(), |failed| failed.message);
        let error = json!({"code": problem.code, "message": message});
        self.happened("flow_error", Value::Null, Some(("error", error)));
        let problem = problem.fact("run_id", self.run.id.clone());
        let event = problem.json(&self.run.request_id);
        let end = End {
            status,
            at: self.app.clock.now(),
            answer: Err(problem),
        };
        Ending {
            end,
            name: "error",
            data: event,
        }
    }

    fn account(&self, end: &End, tokens: u64) {
        let duration = (end.at - self.run.created_at).to_std().unwrap_or_default();
        let line = Line {
            flow_id: self.run.flow_id.clone(),
            key_id: self.run.key_id.clone(),
            at: end.at,
            status: end.status,
            tokens: u32::try_from(tokens).unwrap_or(u32::MAX),
            duration: duration.as_secs_f64(),
        };
        self.app.state().usage.add(line);
    }

    fn message(&self, role: Role, text: String) -> Message {
        let id = self.app.state().ids.next("msg");
        Message {
            id,
            role,
            text,
            created_at: self.app.clock.now(),
            run_id: self.run.id.clone(),
        }
    }

    fn spoken(&self) -> std::sync::MutexGuard<'_, Vec<(String, Message)>> {
        self.spoken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn problem_of(failure: &Failure) -> Problem {
    let component = failure.component_id.as_deref().unwrap_or_default();
    let problem = match &failure.kind {
        FailureKind::Unsupported => {
            let detail = format!("The flow cannot run: {}.", failure.message);
            Problem::new("unsupported_component", detail).error(component, failure.message.clone())
        }
        FailureKind::Graph => Problem::new(
            "invalid_flow",
            format!("The flow cannot run: {}.", failure.message),
        ),
        FailureKind::Setting(setting) => Problem::field(
            format!("tweaks.{component}.{setting}"),
            failure.message.clone(),
        ),
        FailureKind::Raised | FailureKind::Variable => {
            Problem::new("run_failed", format!("{component}: {}.", failure.message))
        }
    };
    if component.is_empty() {
        problem
    } else {
        problem.fact("component_id", component)
    }
}
