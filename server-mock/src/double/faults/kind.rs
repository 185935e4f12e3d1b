//! What can go wrong.

use serde::{Deserialize, Serialize};

/// The names of all kinds.
pub(super) const NAMES: [&str; 23] = [
    "status",
    "rate_limited",
    "quota",
    "outage",
    "latency",
    "reset",
    "close",
    "stall",
    "truncate",
    "content_length",
    "malformed_json",
    "corrupt_event",
    "duplicate_event",
    "reorder_events",
    "drip",
    "split",
    "slow_close",
    "delivery_duplicate",
    "delivery_reorder",
    "delivery_late",
    "delivery_bad_signature",
    "delivery_stale",
    "delivery_missing_header",
];

/// Where an answer breaks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Place {
    /// Nothing is answered.
    #[default]
    BeforeHeaders,
    /// The head is sent and nothing else.
    AfterHeaders,
    /// After a number of events; in the middle of an answer that is no stream.
    AfterEvents,
    /// After a number of bytes of the body.
    AfterBytes,
}

/// Where a break in the flow of bytes falls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Seam {
    /// Inside the first character that takes more than one byte.
    #[default]
    Character,
    /// Inside the first `data:`; of other answers in their middle.
    Data,
    /// After every byte.
    Everywhere,
}

/// Something that goes wrong. Times are real time, also where the clock of the server stands
/// still: sockets age by the wall clock. Only `quota` and `outage` ask the server's clock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Kind {
    /// Another status, with the error that belongs to it, or any body.
    Status {
        status: u16,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<u64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        content_type: Option<String>,
    },
    /// 429 with `Retry-After`.
    RateLimited {
        #[serde(default = "one")]
        retry_after: u64,
    },
    /// 429 for whatever comes after `limit` requests in a window of `window` seconds.
    Quota { limit: u64, window: u64 },
    /// 503, or another status, from `after` seconds on for `duration` seconds.
    Outage {
        #[serde(default)]
        after: u64,
        duration: u64,
        #[serde(default = "unavailable")]
        status: u16,
    },
    /// The answer comes late.
    Latency(Latency),
    /// A TCP reset (RST).
    Reset(Break),
    /// The end of the connection (FIN) before the end of the answer.
    Close(Break),
    /// Silence.
    Stall(Break),
    /// A part of the body, ended as if it were all.
    Truncate {
        #[serde(default)]
        events: usize,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bytes: Option<usize>,
    },
    /// `Content-Length` announces more bytes than come.
    ContentLength {
        #[serde(default = "ten")]
        missing: usize,
    },
    /// The body is not JSON: its last byte is missing, and the length fits.
    MalformedJson {},
    /// The data of an event is not JSON.
    CorruptEvent {
        #[serde(default = "first")]
        event: usize,
    },
    /// An event comes twice.
    DuplicateEvent {
        #[serde(default = "first")]
        event: usize,
    },
    /// An event comes after the one that follows it.
    ReorderEvents {
        #[serde(default = "first")]
        event: usize,
    },
    /// The body comes slowly.
    Drip { bytes_per_second: u64 },
    /// The body comes in two pieces with a pause at an awkward place.
    Split {
        #[serde(default)]
        at: Seam,
        #[serde(default = "pause")]
        pause_ms: u64,
    },
    /// The answer is complete, but the connection closes late.
    SlowClose { seconds: f64 },
    /// A delivery is sent twice, with the same id.
    DeliveryDuplicate {},
    /// A delivery is sent after the next one of its webhook, or after so many seconds.
    DeliveryReorder {
        #[serde(default = "minute")]
        seconds: u64,
    },
    /// A delivery is sent so many seconds late.
    DeliveryLate { seconds: u64 },
    /// A delivery has a signature that no secret of its webhook makes.
    DeliveryBadSignature {},
    /// A delivery was signed, correctly, so many seconds ago.
    DeliveryStale {
        #[serde(default = "hour")]
        seconds: u64,
    },
    /// A delivery lacks a header.
    DeliveryMissingHeader {
        #[serde(default)]
        header: Missing,
    },
}

/// A header that a delivery can lack.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Missing {
    #[serde(rename = "webhook-id")]
    Id,
    #[serde(rename = "webhook-timestamp")]
    Timestamp,
    #[default]
    #[serde(rename = "webhook-signature")]
    Signature,
}

impl Missing {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Id => "webhook-id",
            Self::Timestamp => "webhook-timestamp",
            Self::Signature => "webhook-signature",
        }
    }
}

/// Where an answer breaks, and for how long if it goes on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Break {
    #[serde(default)]
    pub(crate) at: Place,
    #[serde(default = "first")]
    pub(crate) events: usize,
    #[serde(default)]
    pub(crate) bytes: usize,
    /// Only of a stall: it ends after this time; otherwise never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) seconds: Option<f64>,
}

/// How late an answer comes, in milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Latency {
    #[serde(default)]
    pub(super) distribution: Distribution,
    /// The time if it is fixed; the mean (normal), the median (lognormal), the least (pareto).
    pub(super) ms: f64,
    /// The other end (uniform); the most (all others).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) max_ms: Option<f64>,
    /// The standard deviation in milliseconds (normal), sigma (lognormal), alpha (pareto).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) spread: Option<f64>,
}

/// How latencies are distributed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Distribution {
    #[default]
    Fixed,
    Uniform,
    Normal,
    Lognormal,
    Pareto,
}

/// No latency is longer than this, whatever its distribution says.
pub(super) const LONGEST_MS: f64 = 3_600_000.0;

impl Latency {
    /// The time for two chances from 0 to 1.
    pub(crate) fn draw(&self, first: f64, second: f64) -> std::time::Duration {
        // Box-Muller; 1 - x keeps the logarithm away from zero.
        let bell = || (-2.0 * (1.0 - first).ln()).sqrt() * (std::f64::consts::TAU * second).cos();
        let spread = self.spread.unwrap_or(1.0);
        let ms = match self.distribution {
            Distribution::Fixed => self.ms,
            Distribution::Uniform => {
                self.ms + first * (self.max_ms.unwrap_or(self.ms) - self.ms).max(0.0)
            }
            Distribution::Normal => self.ms + spread * bell(),
            Distribution::Lognormal => self.ms * (spread * bell()).exp(),
            Distribution::Pareto => self.ms / (1.0 - first).powf(1.0 / spread),
        };
        let ms = ms
            .min(self.max_ms.unwrap_or(LONGEST_MS))
            .clamp(0.0, LONGEST_MS);
        std::time::Duration::from_secs_f64(ms / 1000.0)
    }
}

impl Kind {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Status { .. } => "status",
            Self::RateLimited { .. } => "rate_limited",
            Self::Quota { .. } => "quota",
            Self::Outage { .. } => "outage",
            Self::Latency(_) => "latency",
            Self::Reset(_) => "reset",
            Self::Close(_) => "close",
            Self::Stall(_) => "stall",
            Self::Truncate { .. } => "truncate",
            Self::ContentLength { .. } => "content_length",
            Self::MalformedJson {} => "malformed_json",
            Self::CorruptEvent { .. } => "corrupt_event",
            Self::DuplicateEvent { .. } => "duplicate_event",
            Self::ReorderEvents { .. } => "reorder_events",
            Self::Drip { .. } => "drip",
            Self::Split { .. } => "split",
            Self::SlowClose { .. } => "slow_close",
            Self::DeliveryDuplicate {} => "delivery_duplicate",
            Self::DeliveryReorder { .. } => "delivery_reorder",
            Self::DeliveryLate { .. } => "delivery_late",
            Self::DeliveryBadSignature {} => "delivery_bad_signature",
            Self::DeliveryStale { .. } => "delivery_stale",
            Self::DeliveryMissingHeader { .. } => "delivery_missing_header",
        }
    }

    /// Whether it strikes what the server sends, and not what it answers.
    pub(super) fn is_of_delivery(&self) -> bool {
        self.name().starts_with("delivery_")
    }
}

fn first() -> usize {
    1
}

fn one() -> u64 {
    1
}

fn ten() -> usize {
    10
}

fn minute() -> u64 {
    60
}

fn hour() -> u64 {
    3_600
}

fn pause() -> u64 {
    20
}

fn unavailable() -> u16 {
    503
}
