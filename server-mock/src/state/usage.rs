//! How much was run: a line for each run that ended, long after the run itself is forgotten.

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::runs::RunStatus;

/// How many lines are kept; the oldest go first.
const KEPT: usize = 10_000;

/// The upper ends of the buckets of the histogram of latencies, in seconds.
pub(crate) const BUCKETS: [f64; 9] = [0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0];

/// A run that ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) flow_id: String,
    pub(crate) key_id: String,
    pub(crate) at: DateTime<Utc>,
    pub(crate) status: RunStatus,
    pub(crate) tokens: u32,
    /// Seconds.
    pub(crate) duration: f64,
}

/// Sums of a number of runs.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Sums {
    pub(crate) runs: usize,
    pub(crate) errors: usize,
    pub(crate) tokens: u64,
    durations: Vec<f64>,
}

impl Sums {
    fn add(&mut self, line: &Line) {
        self.runs += 1;
        self.errors += usize::from(line.status == RunStatus::Failed);
        self.tokens += u64::from(line.tokens);
        self.durations.push(line.duration);
    }

    /// The time that a share of the runs did not exceed (nearest rank); `None` without a run.
    pub(crate) fn percentile(&self, share: f64) -> Option<f64> {
        let mut sorted = self.durations.clone();
        sorted.sort_by(f64::total_cmp);
        let rank = (share * sorted.len() as f64).ceil() as usize;
        sorted.get(rank.max(1) - 1).copied()
    }
}

/// What was counted since the server began, and is never forgotten.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Counters {
    pub(crate) runs: BTreeMap<String, u64>,
    pub(crate) tokens: u64,
    pub(crate) seconds: f64,
    /// How many runs took no longer than each of [`BUCKETS`].
    pub(crate) within: [u64; BUCKETS.len()],
}

/// All runs that ended.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Usage {
    lines: VecDeque<Line>,
    pub(crate) counters: Counters,
}

impl Usage {
    pub(crate) fn add(&mut self, line: Line) {
        let counters = &mut self.counters;
        *counters
            .runs
            .entry(line.status.name().to_owned())
            .or_default() += 1;
        counters.tokens += u64::from(line.tokens);
        counters.seconds += line.duration;
        for (count, end) in counters.within.iter_mut().zip(BUCKETS) {
            *count += u64::from(line.duration <= end);
        }
        self.lines.push_back(line);
        if self.lines.len() > KEPT {
            self.lines.pop_front();
        }
    }

    /// The sums of what a condition holds for, in total and by group.
    pub(crate) fn sums(
        &self,
        condition: impl Fn(&Line) -> bool,
        group: impl Fn(&Line) -> Option<String>,
    ) -> (Sums, BTreeMap<String, Sums>) {
        let mut total = Sums::default();
        let mut groups: BTreeMap<String, Sums> = BTreeMap::new();
        for line in self.lines.iter().filter(|line| condition(line)) {
            total.add(line);
            if let Some(group) = group(line) {
                groups.entry(group).or_default().add(line);
            }
        }
        (total, groups)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(flow_id: &str, duration: f64, status: RunStatus) -> Line {
        Line {
            flow_id: flow_id.into(),
            key_id: "k".into(),
            at: DateTime::UNIX_EPOCH,
            status,
            tokens: 3,
            duration,
        }
    }

    #[test]
    fn percentiles_are_runs_that_happened() {
        let mut usage = Usage::default();
        for number in 1..=100_u8 {
            usage.add(line("f", f64::from(number) / 10.0, RunStatus::Completed));
        }
        usage.add(line("g", 0.1, RunStatus::Failed));
        let (total, groups) = usage.sums(|_| true, |line| Some(line.flow_id.clone()));
        assert_eq!((total.runs, total.errors, total.tokens), (101, 1, 303));
        let only = &groups["f"];
        let shares = [0.5, 0.9, 0.99, 1.0].map(|share| only.percentile(share));
        assert_eq!(shares, [Some(5.0), Some(9.0), Some(9.9), Some(10.0)]);
        assert_eq!(groups["g"].percentile(0.5), Some(0.1));
        assert_eq!(Sums::default().percentile(0.5), None);
        assert_eq!(usage.counters.within, [0, 0, 2, 3, 6, 11, 26, 101, 101]);
        assert_eq!(usage.counters.runs["failed"], 1);
    }

    #[test]
    fn lines_are_bounded_and_counters_are_not() {
        let mut usage = Usage::default();
        for _ in 0..KEPT + 1 {
            usage.add(line("f", 0.0, RunStatus::Completed));
        }
        assert_eq!(usage.sums(|_| true, |_| None).0.runs, KEPT);
        assert_eq!(usage.counters.runs["completed"], KEPT as u64 + 1);
    }
}
