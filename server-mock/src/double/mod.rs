//! What makes the server a test double: it remembers, breaks on request, follows a script, and
//! judges. Nothing of this is part of the product's API.

pub(crate) mod due;
mod entry;
pub(crate) mod faults;
mod feed;
mod filter;
pub(crate) mod har;
mod journal;
pub(crate) mod mask;
pub(crate) mod receivers;
pub(crate) mod scripts;
pub(crate) mod verdict;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::config::Config;

pub(crate) use entry::Ending;
pub(crate) use faults::Faults;
pub(crate) use feed::Feed;
pub(crate) use filter::{Filter, unknown_operation};
use journal::Bounds;
pub(crate) use journal::{Arrival, Journal, Record};
pub(crate) use scripts::Scripts;

/// Everything that belongs to the double and not to the workspace.
#[derive(Debug)]
pub(crate) struct Double {
    pub(crate) journal: Arc<Journal>,
    pub(crate) faults: Mutex<Faults>,
    pub(crate) scripts: Arc<Mutex<Scripts>>,
    pub(crate) feed: Feed,
    snapshots: Mutex<BTreeMap<String, String>>,
    seed: AtomicU64,
}

impl Double {
    pub(crate) fn new(config: &Config) -> Self {
        let (feed, seed) = (Feed::default(), config.seed);
        let bounds = Bounds {
            entries: config.journal_max,
            body: config.journal_body_max,
        };
        Self {
            journal: Arc::new(Journal::new(feed.clone(), bounds)),
            faults: Mutex::new(Faults::new(seed)),
            scripts: Arc::default(),
            feed,
            snapshots: Mutex::default(),
            seed: AtomicU64::new(seed),
        }
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn scripts(&self) -> MutexGuard<'_, Scripts> {
        self.scripts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The states that were put aside under a name.
    pub(crate) fn snapshots(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.snapshots
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The seed of the workspace as it is now; it may be sown anew.
    pub(crate) fn seed(&self) -> u64 {
        self.seed.load(Ordering::Relaxed)
    }

    pub(crate) fn sow(&self, seed: u64) {
        self.seed.store(seed, Ordering::Relaxed);
    }
}
