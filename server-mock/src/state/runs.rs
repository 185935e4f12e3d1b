//! Runs: what was asked, what happened, and who may follow it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};
use tokio::sync::{Notify, watch};

use super::sessions::Continuation;
use crate::engine::{Completed, Question};
use crate::problem::Problem;

/// How many finished runs are kept.
const KEPT: usize = 1_000;

/// How many idempotency keys are kept; each holds its run, so that there has to be an end.
const KEYS_KEPT: usize = 2_000;

/// How long an idempotency key is remembered.
const REMEMBERED: TimeDelta = TimeDelta::hours(24);

/// Where a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RunStatus {
    /// Under way.
    Running,
    /// Done, with an answer.
    Completed,
    /// Done, with an error.
    Failed,
    /// Stopped by somebody.
    Cancelled,
}

impl RunStatus {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Something that whoever follows a run is told.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    /// Its number in the run, from 1.
    pub(crate) id: u64,
    pub(crate) name: &'static str,
    pub(crate) data: Arc<str>,
}

/// What is known of a run so far.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    pub(crate) events: Vec<Event>,
    pub(crate) components: Vec<Completed>,
    /// The component that failed, if one did.
    pub(crate) failed: Option<FailedComponent>,
    /// How it ends, before anybody may know: it has to be saved first.
    pub(crate) ending: Option<Ending>,
    pub(crate) end: Option<End>,
    /// What a person is asked now.
    pub(crate) asked: Option<Question>,
    /// How many events of the build were handed out to who polls for them.
    pub(crate) polled: usize,
}

/// The end of a run and its last event.
#[derive(Debug)]
pub(crate) struct Ending {
    pub(crate) end: End,
    pub(crate) name: &'static str,
    pub(crate) data: Value,
}

/// A component that failed.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct FailedComponent {
    pub(crate) component_id: String,
    pub(crate) display_name: String,
    pub(crate) kind: String,
    pub(crate) message: String,
    /// Whether it failed before it ran, for want of a variable: some streams do not say so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) loading: bool,
}

/// How a run ended.
#[derive(Debug, Clone)]
pub(crate) struct End {
    pub(crate) status: RunStatus,
    pub(crate) at: DateTime<Utc>,
    /// The answer, or what went wrong.
    pub(crate) answer: Result<Value, Problem>,
}

/// A run. It goes on whether or not anybody listens.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) id: String,
    pub(crate) flow_id: String,
    pub(crate) session_id: String,
    pub(crate) continuation: Continuation,
    pub(crate) key_id: String,
    pub(crate) input: String,
    pub(crate) tweaks: Map<String, Value>,
    pub(crate) background: bool,
    pub(crate) request_id: String,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) warnings: Vec<String>,
    pub(crate) progress: Mutex<Progress>,
    pub(crate) changed: watch::Sender<()>,
    /// Keeps one word for who sees the run through; see [`Run::cancel`].
    pub(crate) cancelled: Notify,
    /// Made when somebody asks for it, which most runs never do; see [`Run::decided`].
    pub(crate) decided: OnceLock<watch::Sender<Option<(String, String)>>>,
    /// The run as it is saved, once nothing changes any more.
    pub(crate) saved: OnceLock<String>,
}

impl Run {
    pub(crate) fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn status(&self) -> RunStatus {
        self.progress()
            .end
            .as_ref()
            .map_or(RunStatus::Running, |end| end.status)
    }

    /// What a person decided last: the component that asked, and the decision.
    pub(crate) fn decided(&self) -> &watch::Sender<Option<(String, String)>> {
        self.decided.get_or_init(|| watch::Sender::new(None))
    }

    /// Stops the run, whether or not it has begun to listen.
    pub(crate) fn cancel(&self) {
        self.cancelled.notify_one();
    }

    /// Tells everybody who follows; after the end nothing more happens.
    pub(crate) fn tell(&self, name: &'static str, data: &Value) {
        self.update(|progress| {
            if progress.end.is_none() {
                push(progress, name, data);
            }
        });
    }

    /// Decides how the run ends; nobody who follows it knows before [`Run::finish`].
    pub(crate) fn decide(&self, ending: Ending) {
        self.progress().ending.get_or_insert(ending);
    }

    /// Ends the run with its last event, once.
    pub(crate) fn finish(&self) {
        self.update(|progress| {
            if let Some(Ending { end, name, data }) = progress.ending.take() {
                push(progress, name, &data);
                progress.end = Some(end);
            }
        });
    }

    pub(crate) fn update(&self, change: impl FnOnce(&mut Progress)) {
        change(&mut self.progress());
        self.changed.send_replace(());
    }

    /// The events after the first `seen`, as soon as there are any; `None` once all were seen.
    pub(crate) async fn after(&self, seen: usize) -> Option<Vec<Event>> {
        let mut changed = self.changed.subscribe();
        loop {
            {
                let progress = self.progress();
                if progress.events.len() > seen {
                    return Some(progress.events[seen..].to_vec());
                }
                if progress.end.is_some() {
                    return None;
                }
            }
            changed.changed().await.ok()?;
        }
    }

    /// How it ended, once it has.
    pub(crate) async fn ended(&self) -> End {
        let mut changed = self.changed.subscribe();
        loop {
            if let Some(end) = &self.progress().end {
                return end.clone();
            }
            if changed.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

fn push(progress: &mut Progress, name: &'static str, data: &Value) {
    let id = progress.events.len() as u64 + 1;
    progress.events.push(Event {
        id,
        name,
        data: data.to_string().into(),
    });
}

/// What a client promises to use for one run only.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub(crate) struct IdempotencyKey {
    pub(crate) key_id: String,
    pub(crate) flow_id: String,
    pub(crate) value: String,
}

#[derive(Debug)]
pub(super) struct Remembered {
    pub(super) at: DateTime<Utc>,
    pub(super) body: String,
    pub(super) run: Arc<Run>,
}

/// What a request with an idempotency key leads to.
#[derive(Debug)]
pub(crate) enum Begin {
    /// A run of its own.
    New,
    /// The run that the first request with this key began.
    Replay(Arc<Run>),
    /// The key was used for another request.
    Conflict,
}

/// The runs of a workspace, the last thousand of them.
#[derive(Debug, Default)]
pub(crate) struct Runs {
    pub(super) runs: VecDeque<Arc<Run>>,
    pub(super) remembered: HashMap<IdempotencyKey, Remembered>,
    pub(super) key_order: VecDeque<IdempotencyKey>,
}

impl Runs {
    /// The newest first.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Run>> {
        self.runs.iter().rev()
    }

    pub(crate) fn get(&self, id: &str) -> Option<Arc<Run>> {
        self.runs.iter().rev().find(|run| run.id == id).cloned()
    }

    pub(crate) fn begin(&self, key: &IdempotencyKey, body: &str, now: DateTime<Utc>) -> Begin {
        match self.remembered.get(key) {
            Some(first) if now - first.at < REMEMBERED => {
                if first.body == body {
                    Begin::Replay(first.run.clone())
                } else {
                    Begin::Conflict
                }
            }
            _ => Begin::New,
        }
    }

    pub(crate) fn add(
        &mut self,
        run: Arc<Run>,
        key: Option<(IdempotencyKey, String)>,
        now: DateTime<Utc>,
    ) {
        if let Some((key, body)) = key {
            self.key_order.push_back(key.clone());
            self.remembered.insert(
                key,
                Remembered {
                    at: now,
                    body,
                    run: run.clone(),
                },
            );
            while self.key_order.len() > KEYS_KEPT {
                if let Some(oldest) = self.key_order.pop_front() {
                    self.remembered.remove(&oldest);
                }
            }
        }
        self.runs.push_back(run);
        while self.runs.len() > KEPT {
            let Some(at) = self
                .runs
                .iter()
                .position(|run| run.status() != RunStatus::Running)
            else {
                break;
            };
            self.runs.remove(at);
        }
    }
}
