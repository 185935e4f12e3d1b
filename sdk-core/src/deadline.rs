//! The total time of a call, and which of two limits comes first.

use std::time::Duration;

use crate::error::ErrorCode;
use crate::platform::Instant;

/// When a call began and when it must be over.
#[derive(Debug, Clone, Copy)]
pub struct Deadline {
    started: Instant,
    total: Option<Duration>,
}

impl Deadline {
    /// Begins now.
    pub fn new(total: Option<Duration>) -> Self {
        Deadline {
            started: Instant::now(),
            total,
        }
    }

    /// Time since the beginning.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Time that is left; absent where there is no limit.
    pub fn left(&self) -> Option<Duration> {
        self.total.map(|total| total.saturating_sub(self.elapsed()))
    }

    /// How long to wait now, and what it is called when that is over.
    pub fn limit(&self, own: Option<Duration>, code: ErrorCode) -> (Option<Duration>, ErrorCode) {
        match (self.left(), own) {
            (Some(left), Some(own)) if own < left => (Some(own), code),
            (Some(left), _) => (Some(left), ErrorCode::TotalTimeout),
            (None, own) => (own, code),
        }
    }

    /// Whether there is time to wait that long and then try again.
    pub fn allows(&self, delay: Duration) -> bool {
        self.left().is_none_or(|left| delay < left)
    }
}
