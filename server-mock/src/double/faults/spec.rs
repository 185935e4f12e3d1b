//! A fault that is armed: for which requests, how often, and how likely.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::kind::Kind;
use super::{Chosen, Seen, sense};
use crate::double::filter::{like, unknown_operation};
use crate::ids::pick;
use crate::problem::Problem;
use crate::state::EVENTS;

/// Where a fault comes from; the first of these wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Scope {
    /// The request itself, in its header `X-Mock`.
    Header,
    /// Armed for a number of times.
    Armed,
    /// For all requests that fit.
    Rule,
    /// For all requests of a tenant that no rule is about.
    Tenant,
    /// For all that nothing else is said about, in every tenant.
    Default,
}

impl Scope {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Armed => "armed",
            Self::Rule => "rule",
            Self::Tenant => "tenant",
            Self::Default => "default",
        }
    }
}

/// Which requests are meant; all that is named has to fit, and a `*` at an end stands for anything.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Match {
    method: Option<String>,
    path: Option<String>,
    operation: Option<String>,
    flow_id: Option<String>,
}

impl Match {
    fn fits(&self, seen: &Seen) -> bool {
        let is = |wanted: &Option<String>, value: Option<&str>| {
            wanted
                .as_deref()
                .is_none_or(|wanted| value.is_some_and(|value| like(wanted, value)))
        };
        is(&self.method, Some(seen.method))
            && is(&self.path, Some(seen.path))
            && is(&self.operation, seen.operation)
            && is(&self.flow_id, seen.flow_id)
    }
}

/// A fault that is armed.
#[derive(Debug, Clone)]
pub(super) struct Spec {
    pub(super) id: String,
    pub(super) scope: Scope,
    /// As it was asked for.
    shown: Map<String, Value>,
    matches: Match,
    kind: Kind,
    /// How often it strikes yet; for ever if absent.
    left: Option<u64>,
    probability: f64,
    armed_at: DateTime<Utc>,
    /// How many requests fitted, and how many were hit.
    seen: u64,
    hits: u64,
    /// The window of a quota, and the requests in it.
    window: (DateTime<Utc>, u64),
}

/// Reads a fault: `{"kind": .., its values.., "scope", "match", "times", "probability"}`.
pub(super) fn parse(fault: &Value, id: String, now: DateTime<Utc>) -> Result<Spec, Problem> {
    let Value::Object(shown) = fault else {
        return Err(Problem::field("fault", "has to be an object with a `kind`"));
    };
    let mut rest = shown.clone();
    let mut take = |name: &str| rest.remove(name).filter(|value| !value.is_null());
    let wrong = |field: &'static str| {
        move |error: serde_json::Error| Problem::field(field, error.to_string())
    };
    let times = take("times")
        .map(serde_json::from_value::<u64>)
        .transpose()
        .map_err(wrong("times"))?;
    let scope = take("scope")
        .map(serde_json::from_value::<Scope>)
        .transpose()
        .map_err(wrong("scope"))?;
    let matches = take("match")
        .map(serde_json::from_value::<Match>)
        .transpose()
        .map_err(wrong("match"))?;
    let probability = take("probability")
        .map(serde_json::from_value::<f64>)
        .transpose()
        .map_err(wrong("probability"))?
        .unwrap_or(1.0);
    let kind: Kind = serde_json::from_value(Value::Object(rest)).map_err(wrong("kind"))?;
    if let Some(complaint) = sense::complaint(&kind) {
        return Err(Problem::field(kind.name(), complaint));
    }
    let operation = matches.as_ref().and_then(|it| it.operation.as_deref());
    // A fault of what there is not would never strike, and the test that armed it would prove nothing.
    let unknown = operation.and_then(|wanted| match kind.is_of_delivery() {
        true if EVENTS.iter().any(|event| like(wanted, event)) => None,
        true => Some(format!("`{wanted}` is no event of webhooks")),
        false => unknown_operation(wanted),
    });
    if let Some(complaint) = unknown {
        return Err(Problem::field("match.operation", complaint));
    }
    if !(0.0..=1.0).contains(&probability) {
        return Err(Problem::field("probability", "has to be from 0 to 1"));
    }
    let lasting = matches!(kind, Kind::Quota { .. } | Kind::Outage { .. });
    let scope = scope.unwrap_or(if times.is_none() && lasting {
        Scope::Rule
    } else {
        Scope::Armed
    });
    if scope == Scope::Header {
        return Err(Problem::field("scope", "`header` is what a request has"));
    }
    let left = match (scope, times) {
        (_, Some(0)) => return Err(Problem::field("times", "has to be 1 or more")),
        (Scope::Armed, None) => Some(1),
        (_, times) => times,
    };
    Ok(Spec {
        id,
        scope,
        shown: shown.clone(),
        matches: matches.unwrap_or_default(),
        kind,
        left,
        probability,
        armed_at: now,
        seen: 0,
        hits: 0,
        window: (now, 0),
    })
}

impl Spec {
    pub(super) fn json(&self) -> Value {
        let mut shown = json!({"id": self.id});
        if let Some(object) = shown.as_object_mut() {
            object.extend(self.shown.clone());
        }
        shown["scope"] = self.scope.name().into();
        shown["left"] = self.left.into();
        shown["hits"] = self.hits.into();
        shown
    }

    pub(super) fn is_of_delivery(&self) -> bool {
        self.kind.is_of_delivery()
    }

    pub(super) fn used_up(&self) -> bool {
        self.left == Some(0)
    }

    /// What the fault does to a request, if anything.
    pub(super) fn strike(&mut self, seen: &Seen, seed: u64, now: DateTime<Utc>) -> Option<Chosen> {
        if self.kind.is_of_delivery() != seen.delivery || !self.matches.fits(seen) || self.used_up()
        {
            return None;
        }
        self.seen += 1;
        let count = self.seen.to_string();
        let chance = |what: &str| {
            // 53 bits are what a float can hold.
            (pick(seed, &[&self.id, &count, what]) >> 11) as f64 / (1_u64 << 53) as f64
        };
        if self.probability < 1.0 && chance("probability") >= self.probability {
            return None;
        }
        let chance = chance("value");
        let kind = self.decide(now)?;
        self.hits += 1;
        self.left = self.left.map(|left| left - 1);
        Some(Chosen {
            kind,
            scope: self.scope,
            id: self.id.clone(),
            chance,
        })
    }

    /// The kind, with what depends on the time decided.
    fn decide(&mut self, now: DateTime<Utc>) -> Option<Kind> {
        match self.kind {
            Kind::Quota { limit, window } => {
                let length = seconds(window);
                let (begun, count) = &mut self.window;
                if now - *begun >= length {
                    (*begun, *count) = (now, 0);
                }
                *count += 1;
                let left = (*begun + length - now).num_milliseconds();
                (*count > limit).then(|| Kind::RateLimited {
                    retry_after: u64::try_from(left)
                        .unwrap_or_default()
                        .div_ceil(1000)
                        .max(1),
                })
            }
            Kind::Outage {
                after,
                duration,
                status,
            } => {
                let begin = self.armed_at + seconds(after);
                let end = begin + seconds(duration);
                let left = u64::try_from((end - now).num_milliseconds()).unwrap_or_default();
                (begin <= now && now < end).then(|| Kind::Status {
                    status,
                    retry_after: (status == 503).then(|| left.div_ceil(1000).max(1)),
                    body: None,
                    content_type: None,
                })
            }
            _ => Some(self.kind.clone()),
        }
    }
}

/// Seconds as a span, a hundred years at most.
fn seconds(count: u64) -> TimeDelta {
    TimeDelta::seconds(i64::try_from(count.min(3_155_760_000)).unwrap_or_default())
}
