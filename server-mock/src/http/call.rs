//! One call of an operation, checked.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use http::HeaderMap;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::auth::Caller;
use super::body::Body;
use crate::app::App;
use crate::contract::{Complaint, Operation, contract};
use crate::problem::Problem;
use crate::state::{FlowRecord, State};

/// How many entries a page has unless it is asked for otherwise.
const PAGE_SIZE: u64 = 50;

/// One call of an operation.
pub(super) struct Call {
    pub(super) app: Arc<App>,
    pub(super) operation: &'static Operation,
    pub(super) request_id: String,
    /// Path and query as they were sent.
    pub(super) target: String,
    pub(super) caller: Caller,
    pub(super) values: Vec<(String, String)>,
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: HeaderMap,
    pub(super) body: Body,
    pub(super) now: DateTime<Utc>,
}

impl Call {
    /// Refuses parameters that the contract does not allow.
    pub(super) fn check(&self) -> Result<(), Problem> {
        match self.parameters() {
            (Some(problem), _) => Err(problem),
            (None, complaints) if !complaints.is_empty() => Err(Problem::parameters(complaints)),
            _ => Ok(()),
        }
    }

    /// What the contract has against the parameters: the first that is missing or unknown, or else
    /// what is wrong with their values.
    pub(super) fn parameters(&self) -> (Option<Problem>, Vec<Complaint>) {
        let mut complaints = Vec::new();
        for parameter in &self.operation.parameters {
            let given = match parameter.place.as_str() {
                "query" => self.query(&parameter.name),
                "header" => self.header(&parameter.name),
                "path" => Some(self.value(&parameter.name)),
                _ => None,
            };
            match given {
                Some(text) => {
                    let schema = contract().resolve(&parameter.schema);
                    let value = typed(schema, text);
                    complaints.extend(contract().complaints(schema, &value, &parameter.name));
                }
                None if parameter.required => {
                    let detail = format!("The parameter {} is required.", parameter.name);
                    let problem = Problem::new("invalid_parameter", detail);
                    let problem = problem.error(&parameter.name, "is required");
                    return (Some(problem), complaints);
                }
                None => {}
            }
        }
        let known = |name: &str| {
            self.operation
                .parameters
                .iter()
                .any(|it| it.place == "query" && it.name == name)
        };
        if let Some((name, _)) = self.query.iter().find(|(name, _)| !known(name)) {
            let detail = format!("`{}` has no query parameter `{name}`.", self.operation.id);
            let problem = Problem::new("unknown_parameter", detail);
            let problem = problem.error(name, "is not known here");
            return (Some(problem), complaints);
        }
        (None, complaints)
    }

    /// A path parameter.
    pub(super) fn value(&self, name: &str) -> &str {
        find(&self.values, name).unwrap_or_default()
    }

    /// A query parameter.
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        find(&self.query, name)
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The JSON of the body; null where there is none.
    pub(super) fn json(&self) -> &Value {
        match &self.body {
            Body::Json(value) => value,
            Body::None | Body::Other(_) => &Value::Null,
        }
    }

    /// What tells two bodies apart.
    pub(super) fn body_print(&self) -> String {
        match &self.body {
            Body::Json(value) => value.to_string(),
            Body::None => String::new(),
            Body::Other(bytes) => crate::ids::sha256_hex(bytes),
        }
    }

    /// The flow that the path names.
    pub(super) fn flow<'a>(&self, state: &'a State) -> Result<&'a FlowRecord, Problem> {
        let id = self.value("flow_id");
        state.flows.get(id).ok_or_else(|| {
            let ids = state
                .flows
                .all()
                .iter()
                .flat_map(|flow| [flow.id.as_str(), flow.name()]);
            let near = crate::contract::nearest(ids, &id.to_lowercase(), str::to_lowercase);
            let near = near.and_then(|near| {
                state
                    .flows
                    .all()
                    .iter()
                    .find(|flow| flow.id == near || flow.name() == near)
            });
            Problem::not_found(
                "flow_not_found",
                "flow",
                id,
                near.map(|flow| flow.id.as_str()),
            )
        })
    }

    /// Refuses a write that was decided on an older version.
    pub(super) fn if_match(&self, flow: &FlowRecord) -> Result<(), Problem> {
        let Some(wanted) = self.header("if-match") else {
            return Ok(());
        };
        let etag = flow.etag();
        let matches = wanted
            .split(',')
            .any(|one| one.trim() == "*" || one.trim() == etag);
        if matches {
            return Ok(());
        }
        let detail = "The flow was changed by somebody else in the meantime; get it again.";
        Err(Problem::new("etag_mismatch", detail).header("etag", etag))
    }

    /// One page of a list, as every list of the API is paged.
    pub(super) fn page(&self, all: Vec<Value>) -> Value {
        let number = |name| self.query(name).and_then(|text| text.parse::<u64>().ok());
        let size = number("size").unwrap_or(PAGE_SIZE).max(1);
        let page = number("page").unwrap_or(1).max(1);
        let total = all.len() as u64;
        let skip = (page - 1).saturating_mul(size);
        let items = all
            .into_iter()
            .skip(usize::try_from(skip).unwrap_or(usize::MAX));
        let items: Vec<Value> = items
            .take(usize::try_from(size).unwrap_or(usize::MAX))
            .collect();
        json!({
            "items": items,
            "total": total,
            "page": page,
            "size": size,
            "pages": total.div_ceil(size),
        })
    }
}

/// The pairs of a query string.
pub(crate) fn query(query: Option<&str>) -> Vec<(String, String)> {
    let decode = |text: &str| {
        percent_decode_str(&text.replace('+', " "))
            .decode_utf8_lossy()
            .into_owned()
    };
    let pairs = query
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        })
        .collect()
}

fn find<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs
        .iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.as_str())
}

/// A parameter is text on the wire; what is no number stays text, and the contract objects.
fn typed(schema: &Value, text: &str) -> Value {
    match schema["type"].as_str() {
        Some("integer" | "number") => serde_json::from_str(text)
            .ok()
            .filter(Value::is_number)
            .unwrap_or_else(|| text.into()),
        Some("boolean") => match text {
            "true" => true.into(),
            "false" => false.into(),
            _ => text.into(),
        },
        _ => text.into(),
    }
}
