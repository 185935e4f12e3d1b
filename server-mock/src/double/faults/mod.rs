//! Faults: what shall go wrong, with which request, and how often.

mod kind;
mod sense;
mod spec;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::problem::Problem;

pub(crate) use kind::{Break, Kind, Place, Seam};
pub(crate) use spec::Scope;
use spec::{Spec, parse};

/// How many faults can be armed at a time.
const KEPT: usize = 1_000;

/// A request, as far as a fault asks about it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) operation: Option<&'a str>,
    pub(crate) flow_id: Option<&'a str>,
    /// The header `X-Mock`.
    pub(crate) header: Option<&'a str>,
    /// Whether it is what the server sends to a webhook; its operation is then the event.
    pub(crate) delivery: bool,
}

/// What shall go wrong with a request; what was left to chance is decided.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Chosen {
    pub(crate) kind: Kind,
    pub(crate) scope: Scope,
    pub(crate) id: String,
    /// A number that the seed decides, for what is still to be chosen.
    pub(crate) chance: f64,
}

impl Chosen {
    /// As it stands in the header `X-Mock-Fault`.
    pub(crate) fn label(&self) -> String {
        format!(
            "{}; scope={}; id={}",
            self.kind.name(),
            self.scope.name(),
            self.id
        )
    }
}

/// All faults that are armed.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    seed: u64,
    next: u64,
    headers: u64,
    specs: Vec<Spec>,
}

impl Faults {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            ..Self::default()
        }
    }

    /// Forgets all faults, and begins the choices anew.
    pub(crate) fn reset(&mut self, seed: u64) {
        *self = Self::new(seed);
    }

    /// Arms a fault; how it is shown.
    pub(crate) fn arm(&mut self, fault: &Value, now: DateTime<Utc>) -> Result<Value, Problem> {
        if self.specs.len() >= KEPT {
            return Err(Problem::field("faults", "are too many; delete some"));
        }
        let spec = parse(fault, format!("flt_{}", self.next + 1), now)?;
        // What is refused takes no number.
        self.next += 1;
        let shown = spec.json();
        if matches!(spec.scope, Scope::Default | Scope::Tenant) {
            self.specs.retain(|other| other.scope != spec.scope);
        }
        self.specs.push(spec);
        Ok(shown)
    }

    pub(crate) fn list(&self) -> Vec<Value> {
        self.specs.iter().map(Spec::json).collect()
    }

    /// Disarms one, or all; how many that were.
    pub(crate) fn disarm(&mut self, id: Option<&str>) -> usize {
        let before = self.specs.len();
        self.specs.retain(|spec| id.is_some_and(|id| spec.id != id));
        before - self.specs.len()
    }

    /// What shall go wrong with a request: the header decides, then what is armed for a number of
    /// times, then the rules, then what is said for the tenant, then the default.
    pub(crate) fn choose(
        &mut self,
        seen: &Seen,
        now: DateTime<Utc>,
    ) -> Result<Option<Chosen>, Problem> {
        if let Some(header) = seen.header {
            self.headers += 1;
            let mut spec = header_spec(header, self.headers, now)?;
            return Ok(spec.strike(seen, self.seed, now));
        }
        let scopes = [Scope::Armed, Scope::Rule, Scope::Tenant, Scope::Default];
        Ok(scopes
            .into_iter()
            .find_map(|scope| self.of(scope, seen, now)))
    }

    /// What the default is for a request of a tenant that has none of its own.
    pub(crate) fn default_for(&mut self, seen: &Seen, now: DateTime<Utc>) -> Option<Chosen> {
        self.of(Scope::Default, seen, now)
    }

    fn of(&mut self, scope: Scope, seen: &Seen, now: DateTime<Utc>) -> Option<Chosen> {
        for at in 0..self.specs.len() {
            if self.specs[at].scope != scope {
                continue;
            }
            if let Some(chosen) = self.specs[at].strike(seen, self.seed, now) {
                if self.specs[at].used_up() {
                    self.specs.remove(at);
                }
                return Some(chosen);
            }
        }
        None
    }
}

fn header_spec(header: &str, number: u64, now: DateTime<Utc>) -> Result<Spec, Problem> {
    let bad = |detail: String| {
        Problem::new("invalid_parameter", format!("X-Mock: {detail}"))
            .error("X-Mock", "is not a fault")
    };
    let fault: Value = serde_json::from_str(header).map_err(|error| bad(error.to_string()))?;
    for field in ["scope", "times", "match"] {
        if fault.get(field).is_some() {
            return Err(bad(format!("`{field}` has no place in the header")));
        }
    }
    let mut spec = parse(&fault, format!("hdr_{number}"), now)
        .map_err(|problem| bad(problem.detail.clone()))?;
    if spec.is_of_delivery() {
        return Err(bad("a delivery is no answer: arm its fault".to_owned()));
    }
    spec.scope = Scope::Header;
    Ok(spec)
}

/// What kinds there are, for the document.
pub(crate) fn kinds() -> Value {
    json!(kind::NAMES)
}

#[cfg(test)]
mod tests;
