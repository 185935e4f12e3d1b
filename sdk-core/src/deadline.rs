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

    /// As it began, without an end.
    pub fn unlimited(self) -> Self {
        Deadline {
            total: None,
            ..self
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

/// The time in seconds, to the millisecond, for people.
pub fn seconds(time: Duration) -> String {
    let time = time.saturating_add(Duration::from_micros(500));
    // Not `as_millis`: writing its 128 bits takes a kilobyte of an engine for pages.
    format!("{}.{:03}", time.as_secs(), time.subsec_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_told_to_the_millisecond() {
        let told =
            [0, 499, 500, 1_500_000, 59_999_600].map(|us| seconds(Duration::from_micros(us)));
        assert_eq!(told, ["0.000", "0.000", "0.001", "1.500", "60.000"]);
        assert!(seconds(Duration::MAX).len() > 20);
    }
}
