//! What a workspace holds. Nothing here knows HTTP, and time comes in as a value.

mod deliveries;
mod flows;
mod keys;
mod library;
mod replays;
mod runs;
mod saved;
mod sessions;
mod usage;
mod webhooks;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::ids::Ids;

pub(crate) use deliveries::{Attempt, Deliveries, Delivery, DeliveryStatus, Trigger};
pub(crate) use flows::{FlowRecord, Flows};
pub(crate) use keys::{KeyRecord, KeyRefusal, Keys, NewKey};
pub(crate) use library::{FlowTrigger, Library, Project, StoredFile, TriggerEvent, User, Variable};
pub(crate) use replays::{Answer, Replay, Replays, WorkKey};
pub(crate) use runs::{
    Begin, End, Ending, Event, FailedComponent, IdempotencyKey, Progress, Run, RunStatus, Runs,
};
pub(crate) use sessions::{Message, Opening, Session, Sessions};
pub(crate) use usage::{BUCKETS, Line, Sums, Usage};
pub(crate) use webhooks::{Disabled, EVENTS, Webhook, Webhooks};

/// All that a workspace holds.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) flows: Flows,
    pub(crate) sessions: Sessions,
    pub(crate) keys: Keys,
    pub(crate) runs: Runs,
    pub(crate) replays: Replays,
    pub(crate) webhooks: Webhooks,
    pub(crate) deliveries: Deliveries,
    pub(crate) usage: Usage,
    pub(crate) library: Library,
    /// Answers since the server started, by operation and status.
    pub(crate) answers: BTreeMap<(&'static str, u16), u64>,
    pub(crate) ids: Ids,
    pub(crate) started_at: DateTime<Utc>,
}

impl State {
    pub(crate) fn new(seed: u64, now: DateTime<Utc>) -> Self {
        Self {
            flows: Flows::default(),
            sessions: Sessions::default(),
            keys: Keys::default(),
            runs: Runs::default(),
            replays: Replays::default(),
            webhooks: Webhooks::default(),
            deliveries: Deliveries::default(),
            usage: Usage::default(),
            library: Library::default(),
            answers: BTreeMap::new(),
            ids: Ids::new(seed),
            started_at: now,
        }
    }
}
