//! Who waits for a clock, and who works meanwhile: what `advance` has to step through.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

/// The sleepers and the workers of one clock. Clones share the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Sleepers(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    next: u64,
    deadlines: BTreeSet<(DateTime<Utc>, u64)>,
    working: usize,
}

impl Sleepers {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that somebody sleeps until a moment, for as long as the guard lives.
    pub(super) fn add(&self, deadline: DateTime<Utc>) -> Sleeping {
        let mut inner = self.inner();
        inner.next += 1;
        let entry = (deadline, inner.next);
        inner.deadlines.insert(entry);
        drop(inner);
        Sleeping {
            sleepers: self.clone(),
            entry,
        }
    }

    /// When the first of them wakes.
    pub(super) fn first(&self) -> Option<DateTime<Utc>> {
        self.inner()
            .deadlines
            .first()
            .map(|(deadline, _)| *deadline)
    }

    /// Whether nobody works, and nobody should have woken by `now`.
    pub(super) fn settled(&self, now: DateTime<Utc>) -> bool {
        let inner = self.inner();
        inner.working == 0 && inner.deadlines.first().is_none_or(|(at, _)| *at > now)
    }

    /// Notes that somebody works, for as long as the guard lives.
    pub(super) fn work(&self) -> Working {
        self.inner().working += 1;
        Working {
            sleepers: self.clone(),
        }
    }

    /// Notes that a worker only waits, for as long as the guard lives.
    pub(super) fn rest(&self) -> Resting {
        let mut inner = self.inner();
        inner.working = inner.working.saturating_sub(1);
        drop(inner);
        Resting {
            sleepers: self.clone(),
        }
    }
}

/// Somebody sleeps.
pub(super) struct Sleeping {
    sleepers: Sleepers,
    entry: (DateTime<Utc>, u64),
}

impl Drop for Sleeping {
    fn drop(&mut self) {
        self.sleepers.inner().deadlines.remove(&self.entry);
    }
}

/// Somebody works: time has not settled before this is dropped.
#[derive(Debug)]
pub(crate) struct Working {
    sleepers: Sleepers,
}

impl Drop for Working {
    fn drop(&mut self) {
        let mut inner = self.sleepers.inner();
        inner.working = inner.working.saturating_sub(1);
    }
}

/// A worker waits.
pub(super) struct Resting {
    sleepers: Sleepers,
}

impl Drop for Resting {
    fn drop(&mut self) {
        self.sleepers.inner().working += 1;
    }
}
