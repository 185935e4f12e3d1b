//! What the calls of a client came to: counts, errors by code, latencies, tokens, and alerts where
//! they pass a threshold.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::Stream;
use futures::channel::mpsc;
use serde::Serialize;
use serde_json::{Value, json};

use crate::boundary::{Args, Entry};
use crate::client::Client;
use crate::error::{ErrorCode, LangflowError};
use crate::options::{self, refuse};
use crate::platform::{self, Instant};

/// Upper ends of the latency buckets in seconds; the last bucket has no end.
const BUCKETS: [f64; 16] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0,
];

/// Calls that a window of alerts remembers at most.
const WINDOW_CALLS: usize = 10_000;

/// A picture of what calls came to since the client was made.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct MetricsSnapshot {
    /// Calls that are over.
    pub calls: u64,
    /// Calls that are under way, open streams included.
    pub in_flight: u64,
    /// Calls that ended with an error.
    pub failed: u64,
    /// Streams that their reader left before their end.
    pub abandoned: u64,
    /// Requests sent, retries included.
    pub attempts: u64,
    /// Errors by their code.
    pub errors: BTreeMap<&'static str, u64>,
    /// How long calls took, failed ones included.
    pub latency: Latency,
    /// Tokens that runs used, as the servers counted them.
    pub tokens: u64,
    /// Events of streams that were passed over (`skip_malformed`).
    pub skipped_events: u64,
    /// Runs answered from the cache: these are no calls.
    pub cache_hits: u64,
    /// Runs that the cache did not know.
    pub cache_misses: u64,
}

/// A histogram of times in seconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Latency {
    /// Number of calls.
    pub count: u64,
    /// Sum of their times.
    pub sum: f64,
    /// The longest.
    pub max: f64,
    /// Half of the calls took at most this; the upper end of a bucket.
    pub p50: f64,
    /// 95 of 100 calls took at most this.
    pub p95: f64,
    /// 99 of 100 calls took at most this.
    pub p99: f64,
    /// Upper end of a bucket, null for the last, and the calls in it.
    pub buckets: Vec<(Option<f64>, u64)>,
}

/// When to raise an alert. What is absent never raises one.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Thresholds {
    /// Share of failed calls in the window, from 0 to 1.
    pub error_rate: Option<f64>,
    /// 95 of 100 calls of the window take at most this, in seconds.
    pub p95_latency: Option<f64>,
    /// Tokens that the runs of the window use.
    pub tokens: Option<u64>,
    /// How far back the window reaches. 60 s.
    pub window: Duration,
    /// Calls that have to be in the window before rate and latency mean anything. 10.
    pub min_calls: usize,
}

impl Default for Thresholds {
    fn default() -> Self {
        Thresholds {
            error_rate: None,
            p95_latency: None,
            tokens: None,
            window: Duration::from_secs(60),
            min_calls: 10,
        }
    }
}

/// What passed a threshold. Raised once, and again only after it had gone back below.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Alert {
    /// `error_rate`, `p95_latency` or `tokens`.
    pub kind: &'static str,
    /// What was found.
    pub value: f64,
    /// What it passed.
    pub threshold: f64,
    /// Calls in the window.
    pub calls: usize,
    /// Length of the window in seconds.
    pub window: f64,
}

impl Alert {
    /// The alert as it crosses a boundary.
    pub(crate) fn to_json(&self) -> Value {
        let mut value = json!(self);
        value["type"] = json!("alert");
        value
    }
}

/// Counts of a client and its copies.
#[derive(Debug, Default)]
pub(crate) struct Metrics(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    calls: u64,
    in_flight: u64,
    failed: u64,
    abandoned: u64,
    attempts: u64,
    errors: BTreeMap<&'static str, u64>,
    sum: f64,
    max: f64,
    buckets: [u64; BUCKETS.len() + 1],
    tokens: u64,
    skipped_events: u64,
    cache_hits: u64,
    cache_misses: u64,
    watchers: Vec<Watcher>,
}

/// A call that is over, as the window of a watcher remembers it.
#[derive(Debug, Clone, Copy)]
struct Seen {
    at: Instant,
    seconds: f64,
    failed: bool,
}

#[derive(Debug)]
struct Watcher {
    thresholds: Thresholds,
    window: VecDeque<Seen>,
    tokens: VecDeque<(Instant, u64)>,
    /// Which kinds are above their threshold now.
    raised: [bool; 3],
    alerts: mpsc::UnboundedSender<Alert>,
}

impl Metrics {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call begins.
    pub(crate) fn begin(&self) {
        self.state().in_flight += 1;
    }

    /// A request is sent.
    pub(crate) fn attempt(&self) {
        self.state().attempts += 1;
    }

    /// Events of a stream were passed over.
    pub(crate) fn skipped(&self, events: u64) {
        self.state().skipped_events += events;
    }

    /// The answer of a run was known, or not.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn cache(&self, known: bool) {
        let mut state = self.state();
        match known {
            true => state.cache_hits += 1,
            false => state.cache_misses += 1,
        }
    }

    /// A call is over.
    pub(crate) fn end(&self, took: Duration, error: Option<ErrorCode>) {
        let mut state = self.state();
        state.in_flight = state.in_flight.saturating_sub(1);
        state.calls += 1;
        let seconds = took.as_secs_f64();
        state.sum += seconds;
        state.max = state.max.max(seconds);
        let bucket = BUCKETS.iter().position(|end| seconds <= *end);
        state.buckets[bucket.unwrap_or(BUCKETS.len())] += 1;
        if let Some(code) = error {
            state.failed += 1;
            *state.errors.entry(code.as_str()).or_default() += 1;
        }
        let seen = Seen {
            at: Instant::now(),
            seconds,
            failed: error.is_some(),
        };
        state.tell(|watcher| watcher.call(seen));
    }

    /// A call is made anew elsewhere.
    pub(crate) fn move_on(&self) {
        let mut state = self.state();
        state.in_flight = state.in_flight.saturating_sub(1);
    }

    /// A reader left.
    pub(crate) fn abandon(&self) {
        let mut state = self.state();
        state.in_flight = state.in_flight.saturating_sub(1);
        state.abandoned += 1;
    }

    /// An answer that had come could not be understood.
    pub(crate) fn misunderstood(&self, code: ErrorCode) {
        let mut state = self.state();
        state.failed += 1;
        *state.errors.entry(code.as_str()).or_default() += 1;
    }

    /// A run used tokens.
    pub(crate) fn used(&self, tokens: Option<u64>) {
        let Some(tokens) = tokens.filter(|tokens| *tokens > 0) else {
            return;
        };
        let mut state = self.state();
        state.tokens = state.tokens.saturating_add(tokens);
        let now = Instant::now();
        state.tell(|watcher| watcher.used(now, tokens));
    }

    fn watch(&self, thresholds: Thresholds) -> mpsc::UnboundedReceiver<Alert> {
        let (alerts, receiver) = mpsc::unbounded();
        self.state().watchers.push(Watcher {
            thresholds,
            window: VecDeque::new(),
            tokens: VecDeque::new(),
            raised: [false; 3],
            alerts,
        });
        receiver
    }
}

impl State {
    /// Tells every watcher that still has somebody who listens.
    fn tell(&mut self, what: impl Fn(&mut Watcher)) {
        self.watchers.retain(|watcher| !watcher.alerts.is_closed());
        self.watchers.iter_mut().for_each(what);
    }
}

impl Watcher {
    fn call(&mut self, seen: Seen) {
        self.window.push_back(seen);
        let from = self.thresholds.window;
        while let Some(first) = self.window.front()
            && (seen.at.duration_since(first.at) > from || self.window.len() > WINDOW_CALLS)
        {
            self.window.pop_front();
        }
        let calls = self.window.len();
        if calls < self.thresholds.min_calls.max(1) {
            return;
        }
        if let Some(limit) = self.thresholds.error_rate {
            let failed = self.window.iter().filter(|seen| seen.failed).count();
            self.judge(0, "error_rate", failed as f64 / calls as f64, limit);
        }
        if let Some(limit) = self.thresholds.p95_latency {
            let mut times: Vec<_> = self.window.iter().map(|seen| seen.seconds).collect();
            // The smallest time that 95 of 100 calls do not exceed.
            let at = (calls * 95).div_ceil(100).max(1) - 1;
            let (_, p95, _) = times.select_nth_unstable_by(at, f64::total_cmp);
            let p95 = *p95;
            self.judge(1, "p95_latency", p95, limit);
        }
    }

    fn used(&mut self, now: Instant, tokens: u64) {
        let Some(limit) = self.thresholds.tokens else {
            return;
        };
        self.tokens.push_back((now, tokens));
        while let Some((at, _)) = self.tokens.front()
            && now.duration_since(*at) > self.thresholds.window
        {
            self.tokens.pop_front();
        }
        let sum: u64 = self.tokens.iter().map(|(_, tokens)| tokens).sum();
        self.judge(2, "tokens", sum as f64, limit as f64);
    }

    fn judge(&mut self, which: usize, kind: &'static str, value: f64, threshold: f64) {
        let above = value > threshold;
        if above && !self.raised[which] {
            // Nobody listens any more: noticed at the next call.
            let _ = self.alerts.unbounded_send(Alert {
                kind,
                value,
                threshold,
                calls: self.window.len(),
                window: self.thresholds.window.as_secs_f64(),
            });
        }
        self.raised[which] = above;
    }
}

impl Client {
    /// What the calls of this client and of its copies came to.
    pub fn metrics(&self) -> MetricsSnapshot {
        let state = self.shared.metrics.state();
        let quantile = |share: f64| {
            let wanted = (state.calls as f64 * share).ceil() as u64;
            let mut sum = 0;
            for (count, end) in state.buckets.iter().zip(BUCKETS) {
                sum += count;
                if sum >= wanted {
                    return end.min(state.max);
                }
            }
            state.max
        };
        let ends = BUCKETS.iter().map(|end| Some(*end)).chain([None]);
        MetricsSnapshot {
            calls: state.calls,
            in_flight: state.in_flight,
            failed: state.failed,
            abandoned: state.abandoned,
            attempts: state.attempts,
            errors: state.errors.clone(),
            latency: Latency {
                count: state.calls,
                sum: state.sum,
                max: state.max,
                p50: quantile(0.5),
                p95: quantile(0.95),
                p99: quantile(0.99),
                buckets: ends.zip(state.buckets).collect(),
            },
            tokens: state.tokens,
            skipped_events: state.skipped_events,
            cache_hits: state.cache_hits,
            cache_misses: state.cache_misses,
        }
    }

    /// Alerts as they are raised, judged at the end of every call and run; as long as the stream is
    /// kept.
    pub fn watch(&self, thresholds: Thresholds) -> impl Stream<Item = Alert> + use<> {
        self.shared.metrics.watch(thresholds)
    }
}

impl Thresholds {
    /// Reads what crosses a boundary: times in seconds.
    pub(crate) fn from_json(text: &str) -> Result<Thresholds, LangflowError> {
        let value: Value = serde_json::from_str(text).map_err(|error| {
            LangflowError::invalid_input("thresholds", format!("Not JSON: {error}."))
        })?;
        let Some(map) = value.as_object() else {
            return Err(refuse("thresholds", "an object", &value));
        };
        let mut found = Thresholds::default();
        for (name, value) in map.iter().filter(|(_, value)| !value.is_null()) {
            match name.as_str() {
                "error_rate" => match value.as_f64().filter(|rate| (0.0..=1.0).contains(rate)) {
                    Some(rate) => found.error_rate = Some(rate),
                    None => return Err(refuse(name, "a number from 0 to 1", value)),
                },
                "p95_latency" => {
                    found.p95_latency = Some(options::seconds(name, value)?.as_secs_f64());
                }
                "tokens" => match value.as_u64() {
                    Some(tokens) => found.tokens = Some(tokens),
                    None => return Err(refuse(name, "a whole number from 0 on", value)),
                },
                "window" => found.window = options::seconds(name, value)?,
                "min_calls" => found.min_calls = options::count(name, value)? as usize,
                other => {
                    let message = format!("There is no threshold `{other}`.");
                    return Err(LangflowError::invalid_input(other, message));
                }
            }
        }
        if found.error_rate.is_none() && found.p95_latency.is_none() && found.tokens.is_none() {
            let message = "Name at least one of `error_rate`, `p95_latency` and `tokens`.";
            return Err(LangflowError::invalid_input("thresholds", message));
        }
        Ok(found)
    }
}

/// `metrics {}` answers with [`MetricsSnapshot`].
pub(crate) const INVOKE: &[Entry] = &[Entry {
    name: "metrics",
    run: |client: Client, args: Args| {
        platform::boxed(async move {
            args.done()?;
            Ok(json!(client.metrics()))
        })
    },
}];

#[cfg(test)]
mod tests {
    use super::*;

    fn watched(text: &str) -> (Metrics, mpsc::UnboundedReceiver<Alert>) {
        let metrics = Metrics::default();
        let alerts = metrics.watch(Thresholds::from_json(text).unwrap());
        (metrics, alerts)
    }

    #[test]
    fn an_alert_is_raised_once_and_again_after_it_was_over() {
        let (metrics, mut alerts) = watched(r#"{"error_rate": 0.5, "min_calls": 2}"#);
        let failed = Some(ErrorCode::ServerError);
        for error in [failed, failed, failed, None, None, None, failed, failed] {
            metrics.end(Duration::ZERO, error);
        }
        let all: Vec<_> = std::iter::from_fn(|| alerts.try_recv().ok()).collect();
        // Above at the second call, back at one half with the sixth, above with the eighth.
        let values: Vec<_> = all.iter().map(|alert| (alert.calls, alert.value)).collect();
        assert_eq!(values, [(2, 1.0), (7, 4.0 / 7.0)]);
    }

    #[test]
    fn the_slowest_of_twenty_does_not_make_the_p95() {
        let (metrics, mut alerts) = watched(r#"{"p95_latency": 1, "min_calls": 20}"#);
        for _ in 0..19 {
            metrics.end(Duration::from_millis(10), None);
        }
        metrics.end(Duration::from_secs(9), None);
        assert!(alerts.try_recv().is_err());
        metrics.end(Duration::from_secs(9), None);
        assert_eq!(alerts.try_recv().map(|alert| alert.value).ok(), Some(9.0));
    }

    #[test]
    fn tokens_add_up() {
        let (metrics, mut alerts) = watched(r#"{"tokens": 10}"#);
        metrics.used(Some(10));
        assert!(alerts.try_recv().is_err());
        metrics.used(Some(1));
        assert_eq!(alerts.try_recv().map(|alert| alert.value).ok(), Some(11.0));
    }

    #[test]
    fn thresholds_are_checked() {
        for (text, field) in [
            ("{}", "thresholds"),
            ("[]", "thresholds"),
            (r#"{"error_rate": 2}"#, "error_rate"),
            (r#"{"tokens": -1}"#, "tokens"),
            (r#"{"p95_latency": 0}"#, "p95_latency"),
            (r#"{"sadness": 1}"#, "sadness"),
        ] {
            let error = Thresholds::from_json(text).unwrap_err();
            assert_eq!(error.info().field.as_deref(), Some(field), "{text}");
        }
    }
}
