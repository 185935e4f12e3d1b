//! One request in the journal.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::mask::{mask_header, mask_target, mask_text};
use crate::clock::timestamp;

/// A body as far as it is kept.
#[derive(Debug, Clone, Default)]
pub(crate) struct Captured {
    pub(super) bytes: Vec<u8>,
    /// How long it really was.
    pub(super) size: u64,
}

impl Captured {
    /// Keeps what comes, up to so many bytes in all.
    pub(super) fn add(&mut self, bytes: &[u8], kept: usize) {
        let room = kept.saturating_sub(self.bytes.len());
        self.bytes
            .extend_from_slice(&bytes[..room.min(bytes.len())]);
        self.size += bytes.len() as u64;
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_default()
    }

    fn show(&self) -> Value {
        let truncated = self.size > self.bytes.len() as u64;
        json!({"text": mask_text(&self.text()), "size": self.size, "truncated": truncated})
    }
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It has not.
    Open,
    /// All of the answer was handed to the client.
    Complete,
    /// A fault cut it off.
    Cut,
    /// The client went away before the end.
    ClientClosed,
}

impl Ending {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Complete => "complete",
            Self::Cut => "cut",
            Self::ClientClosed => "client_closed",
        }
    }
}

/// One request, what it was understood as, and what became of it.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) id: u64,
    pub(crate) epoch: u64,
    pub(crate) request_id: String,
    /// By the clock of the server.
    pub(crate) at: DateTime<Utc>,
    /// By the clock of the machine, since the server started.
    pub(crate) arrived: Duration,
    pub(crate) connection: u64,
    pub(crate) method: String,
    /// Path and query as they were sent, secrets included: never shown.
    pub(super) target: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Captured,
    pub(crate) operation: Option<&'static str>,
    pub(crate) flow_id: Option<String>,
    pub(crate) session_id: Option<String>,
    pub(crate) key_id: Option<String>,
    /// The run that it began.
    pub(crate) run_id: Option<String>,
    pub(crate) fault: Option<String>,
    pub(crate) status: Option<u16>,
    pub(super) answer_headers: Vec<(String, String)>,
    pub(super) answer: Captured,
    /// When the answer was complete, or cut, as `arrived`.
    pub(crate) ended: Option<Duration>,
    pub(crate) ending: Ending,
}

impl Entry {
    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    pub(crate) fn answer_header(&self, name: &str) -> Option<&str> {
        find(&self.answer_headers, name)
    }

    /// The memory that the entry takes, roughly.
    pub(super) fn weight(&self) -> usize {
        self.body.bytes.len() + self.answer.bytes.len()
    }

    /// Why the request led nowhere, and what is nearest, where it did: the answer says so.
    fn near_miss(&self) -> Option<Value> {
        if !matches!(self.status, Some(404 | 405)) || self.fault.is_some() {
            return None;
        }
        let answer = self.answer.json();
        let code = answer["code"].as_str()?;
        Some(json!({"code": code, "nearest": answer["nearest"], "why": answer["detail"]}))
    }

    /// As it is shown: whole, or as one line of a list.
    pub(crate) fn json(&self, whole: bool) -> Value {
        let mut shown = json!({
            "id": self.id,
            "epoch": self.epoch,
            "request_id": self.request_id,
            "at": timestamp(self.at),
            "arrived": self.arrived.as_secs_f64(),
            "connection": self.connection,
            "method": self.method,
            "target": mask_target(&self.target),
            "operation": self.operation,
            "flow_id": self.flow_id,
            "session_id": self.session_id,
            "key_id": self.key_id,
            "run_id": self.run_id,
            "status": self.status,
            "ending": self.ending.name(),
            "fault": self.fault,
            "duration": self.ended.map(|ended| (ended.saturating_sub(self.arrived)).as_secs_f64()),
        });
        if let Some(miss) = self.near_miss() {
            shown["near_miss"] = miss;
        }
        if whole {
            shown["headers"] = masked(&self.headers);
            shown["body"] = self.body.show();
            shown["answer_headers"] = masked(&self.answer_headers);
            shown["answer"] = self.answer.show();
        }
        shown
    }
}

fn find<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = headers.iter().find(|(known, _)| known == name);
    found.map(|(_, value)| value.as_str())
}

fn masked(headers: &[(String, String)]) -> Value {
    let pairs = headers
        .iter()
        .map(|(name, value)| (name.clone(), mask_header(name, value).into()));
    Value::Object(pairs.collect::<Map<_, _>>())
}
