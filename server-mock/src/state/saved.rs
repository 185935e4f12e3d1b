//! A workspace as text: JSON that a person can read and compare, and that brings it back.
//!
//! Each record has a line of its own, but flows, which people change, have one for each value.

use std::fmt::Write;
use std::sync::{Arc, Mutex, OnceLock};

use chrono::{DateTime, Utc};
use serde::ser::Error as _;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use tokio::sync::{Notify, watch};

use super::runs::Remembered;
use super::sessions::Continuation;
use super::{
    Deliveries, End, Event, FailedComponent, Flows, IdempotencyKey, Keys, Library, Progress,
    Replays, Run, RunStatus, Runs, Sessions, State, Usage, Webhooks,
};
use crate::engine::Completed;
use crate::ids::Ids;
use crate::problem::Problem;

/// The version of the format.
const VERSION: u32 = 1;

/// The names of events: what is saved comes from here, and goes back to it.
const EVENTS: [&str; 8] = [
    "run_started",
    "token",
    "message",
    "component_completed",
    "human_input_required",
    "resumed",
    "end",
    "error",
];

/// Everything that comes back.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    version: u32,
    ids: Ids,
    flows: Flows,
    keys: Keys,
    sessions: Sessions,
    webhooks: Webhooks,
    deliveries: Deliveries,
    replays: Replays,
    usage: Usage,
    /// Absent where only the workspace was used.
    #[serde(default)]
    library: Library,
    /// Runs that are kept for the sake of their idempotency keys only.
    older_runs: Vec<SavedRun>,
    runs: Vec<SavedRun>,
    run_keys: Vec<SavedKey>,
}

#[derive(Serialize, Deserialize)]
struct SavedKey {
    key: IdempotencyKey,
    at: DateTime<Utc>,
    body: String,
    run_id: String,
}

#[derive(Serialize, Deserialize)]
struct SavedRun {
    id: String,
    flow_id: String,
    session_id: String,
    session_status: Continuation,
    key_id: String,
    input: String,
    tweaks: Map<String, Value>,
    background: bool,
    request_id: String,
    created_at: DateTime<Utc>,
    warnings: Vec<String>,
    components: Vec<Completed>,
    failed: Option<FailedComponent>,
    end: Option<SavedEnd>,
    /// Name and data.
    events: Vec<(String, Box<RawValue>)>,
}

#[derive(Serialize, Deserialize)]
struct SavedEnd {
    status: RunStatus,
    at: DateTime<Utc>,
    answer: Option<Value>,
    problem: Option<SavedProblem>,
}

#[derive(Serialize, Deserialize)]
struct SavedProblem {
    code: String,
    detail: String,
    errors: Vec<(String, String)>,
    facts: Vec<(String, String)>,
}

impl State {
    /// The workspace as text.
    pub(crate) fn save(&self) -> Result<String, serde_json::Error> {
        let mut out = format!("{{\n\"version\": {VERSION},\n");
        let mut one = |name: &str, text: String| {
            // Writing to a string cannot fail.
            let _ = writeln!(out, "\"{name}\": {text},");
        };
        one("ids", serde_json::to_string(&self.ids)?);
        one("flows", serde_json::to_string_pretty(&self.flows)?);
        one("keys", lines(self.keys.all())?);
        one("sessions", records(&self.sessions)?);
        one("webhooks", lines(self.webhooks.all())?);
        one("deliveries", records(&self.deliveries)?);
        one("replays", records(&self.replays)?);
        one("usage", serde_json::to_string(&self.usage)?);
        if !self.library.is_empty() {
            one("library", serde_json::to_string_pretty(&self.library)?);
        }
        let kept = self.runs.key_order.iter();
        let remembered = kept.filter_map(|key| Some((key, self.runs.remembered.get(key)?)));
        let remembered: Vec<(&IdempotencyKey, &Remembered)> = remembered.collect();
        let known: std::collections::HashSet<&str> =
            self.runs.runs.iter().map(|run| run.id.as_str()).collect();
        let older = remembered.iter().map(|(_, it)| &it.run);
        let older = older.filter(|run| !known.contains(run.id.as_str()));
        one("older_runs", list(older.map(|run| run.line()))?);
        one("runs", list(self.runs.runs.iter().map(|run| run.line()))?);
        let keys = remembered.iter().map(|(key, it)| SavedKey {
            key: (*key).clone(),
            at: it.at,
            body: it.body.clone(),
            run_id: it.run.id.clone(),
        });
        let keys = lines(&keys.collect::<Vec<_>>())?;
        let _ = writeln!(out, "\"run_keys\": {keys}\n}}");
        Ok(out)
    }

    /// A workspace from its text; runs that were under way have failed.
    pub(crate) fn load(text: &str, now: DateTime<Utc>) -> Result<Self, serde_json::Error> {
        let saved: Saved = serde_json::from_str(text)?;
        if saved.version != VERSION {
            let message = format!("the version is {}, not {VERSION}", saved.version);
            return Err(serde_json::Error::custom(message));
        }
        let older = saved.older_runs.into_iter();
        let older: Vec<Arc<Run>> = older.map(|run| run.restore(now)).collect();
        let runs = saved.runs.into_iter().map(|run| run.restore(now));
        let mut all = Runs {
            runs: runs.collect(),
            ..Runs::default()
        };
        for SavedKey {
            key,
            at,
            body,
            run_id,
        } in saved.run_keys
        {
            let found = all.get(&run_id);
            let found = found.or_else(|| older.iter().find(|run| run.id == run_id).cloned());
            if let Some(run) = found {
                all.key_order.push_back(key.clone());
                all.remembered.insert(key, Remembered { at, body, run });
            }
        }
        Ok(Self {
            flows: saved.flows,
            sessions: saved.sessions,
            keys: saved.keys,
            runs: all,
            replays: saved.replays,
            webhooks: saved.webhooks,
            deliveries: saved.deliveries,
            usage: saved.usage,
            library: saved.library,
            ids: saved.ids,
            ..Self::new(0, now)
        })
    }
}

impl Run {
    /// The run as it is saved.
    fn line(&self) -> Result<String, serde_json::Error> {
        if let Some(line) = self.saved.get() {
            return Ok(line.clone());
        }
        let progress = self.progress();
        let mut events = Vec::new();
        for event in &progress.events {
            let data = RawValue::from_string(event.data.to_string())?;
            events.push((event.name.to_owned(), data));
        }
        let mut end = progress.end.as_ref();
        if let Some(ending) = &progress.ending {
            let data = serde_json::value::to_raw_value(&ending.data)?;
            events.push((ending.name.to_owned(), data));
            end = end.or(Some(&ending.end));
        }
        let line = serde_json::to_string(&SavedRun {
            id: self.id.clone(),
            flow_id: self.flow_id.clone(),
            session_id: self.session_id.clone(),
            session_status: self.continuation,
            key_id: self.key_id.clone(),
            input: self.input.clone(),
            tweaks: self.tweaks.clone(),
            background: self.background,
            request_id: self.request_id.clone(),
            created_at: self.created_at,
            warnings: self.warnings.clone(),
            components: progress.components.clone(),
            failed: progress.failed.clone(),
            end: end.map(SavedEnd::of),
            events,
        })?;
        if end.is_some() {
            return Ok(self.saved.get_or_init(|| line).clone());
        }
        Ok(line)
    }
}

impl SavedEnd {
    fn of(end: &End) -> Self {
        let problem = end.answer.as_ref().err().map(|problem| {
            let facts = problem.facts.iter();
            SavedProblem {
                code: problem.code.to_owned(),
                detail: problem.detail.clone(),
                errors: problem.errors.clone(),
                facts: facts
                    .map(|(name, value)| ((*name).to_owned(), value.clone()))
                    .collect(),
            }
        });
        Self {
            status: end.status,
            at: end.at,
            answer: end.answer.as_ref().ok().cloned(),
            problem,
        }
    }

    fn restore(self) -> End {
        let answer = match (self.answer, self.problem) {
            (_, Some(it)) => Err(Problem::again(&it.code, it.detail, it.errors, it.facts)),
            (answer, None) => Ok(answer.unwrap_or_default()),
        };
        End {
            status: self.status,
            at: self.at,
            answer,
        }
    }
}

impl SavedRun {
    fn restore(self, now: DateTime<Utc>) -> Arc<Run> {
        let mut events: Vec<Event> = Vec::new();
        for (name, data) in self.events {
            let name = EVENTS.into_iter().find(|known| *known == name);
            events.push(Event {
                id: events.len() as u64 + 1,
                name: name.unwrap_or("message"),
                data: data.get().into(),
            });
        }
        let end = self.end.map_or_else(
            || {
                let detail = "The server was stopped while the run was under way.";
                let problem = Problem::new("unavailable", detail).fact("run_id", self.id.clone());
                events.push(Event {
                    id: events.len() as u64 + 1,
                    name: "error",
                    data: problem.json(&self.request_id).to_string().into(),
                });
                End {
                    status: RunStatus::Failed,
                    at: now,
                    answer: Err(problem),
                }
            },
            SavedEnd::restore,
        );
        Arc::new(Run {
            id: self.id,
            flow_id: self.flow_id,
            session_id: self.session_id,
            continuation: self.session_status,
            key_id: self.key_id,
            input: self.input,
            tweaks: self.tweaks,
            background: self.background,
            request_id: self.request_id,
            created_at: self.created_at,
            warnings: self.warnings,
            progress: Mutex::new(Progress {
                events,
                components: self.components,
                failed: self.failed,
                ending: None,
                end: Some(end),
                asked: None,
                polled: 0,
            }),
            changed: watch::Sender::new(()),
            cancelled: Notify::new(),
            decided: OnceLock::new(),
            saved: OnceLock::new(),
        })
    }
}

/// A list with a line for each record.
fn list(
    lines: impl Iterator<Item = Result<String, serde_json::Error>>,
) -> Result<String, serde_json::Error> {
    let lines = lines.collect::<Result<Vec<_>, _>>()?;
    Ok(match lines.is_empty() {
        true => "[]".to_owned(),
        false => format!("[\n{}\n]", lines.join(",\n")),
    })
}

fn lines(records: &[impl Serialize]) -> Result<String, serde_json::Error> {
    list(records.iter().map(serde_json::to_string))
}

/// The same for what knows itself how it is a list.
fn records(all: &impl Serialize) -> Result<String, serde_json::Error> {
    let all = serde_json::to_value(all)?;
    lines(all.as_array().map_or(&[][..], Vec::as_slice))
}
