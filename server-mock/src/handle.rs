//! What a test in Rust asks of its server directly: what came, what shall go wrong, and when.

use std::fmt;
use std::ops::{Bound, RangeBounds};
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::double::due;
use crate::double::{Filter, verdict};
use crate::server::MockServer;

pub use crate::double::due::Fired;

/// Which requests are meant; all that is named has to fit. A `*` at the end of a text stands for
/// anything.
///
/// ```
/// use langflow_mock::Requests;
///
/// let runs = Requests::any().operation("runFlow").flow_id("hello-flow").status(200);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Requests(Filter);

impl Requests {
    /// Every request since the server began or was reset.
    pub fn any() -> Self {
        Self::default()
    }

    /// Calls of an operation, by its operationId in the product's document: `runFlow`.
    pub fn operation(mut self, id: impl Into<String>) -> Self {
        self.0.operation = Some(id.into());
        self
    }

    /// Requests with a method.
    pub fn method(mut self, method: impl Into<String>) -> Self {
        self.0.method = Some(method.into());
        self
    }

    /// Requests for a path, without its query: `/langflow/api/v1/flows*`.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.0.path = Some(path.into());
        self
    }

    /// Requests with a flow in their path.
    pub fn flow_id(mut self, id: impl Into<String>) -> Self {
        self.0.flow_id = Some(id.into());
        self
    }

    /// Requests with a session in their body.
    pub fn session_id(mut self, id: impl Into<String>) -> Self {
        self.0.session_id = Some(id.into());
        self
    }

    /// Requests that were answered with a status.
    pub fn status(mut self, status: u16) -> Self {
        self.0.status = Some(status);
        self
    }

    /// Requests that a kind of fault struck: `reset`, or `*` for any.
    pub fn fault(mut self, kind: impl Into<String>) -> Self {
        self.0.fault = Some(kind.into());
        self
    }

    /// Requests with a text in their body.
    pub fn contains(mut self, text: impl Into<String>) -> Self {
        self.0.contains = Some(text.into());
        self
    }

    /// Requests with a header.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.headers.insert(name.into(), value.into());
        self
    }
}

/// Other requests came than should have.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{found} requests fit, {wanted} should{}", Nearest(.nearest))]
pub struct VerifyError {
    /// How many requests fit.
    pub found: usize,
    /// How many should, in words.
    pub wanted: String,
    /// The request that came nearest (`request`) and where it differs (`differs`: a list of
    /// `field`, `wanted` and `is`); null if none came at all.
    pub nearest: Value,
}

struct Nearest<'a>(&'a Value);

impl fmt::Display for Nearest<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(differs) = self.0["differs"].as_array().filter(|list| !list.is_empty()) else {
            return Ok(());
        };
        let request = &self.0["request"];
        let text = |value: &Value| {
            value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned)
        };
        let (method, target) = (text(&request["method"]), text(&request["target"]));
        write!(out, "; the nearest is {method} {target}, where ")?;
        for (at, one) in differs.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            let field = text(&one["field"]);
            write!(
                out,
                "{comma}{field} is {} and not {}",
                one["is"], one["wanted"]
            )?;
        }
        Ok(())
    }
}

/// Where an answer breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// Nothing is answered.
    BeforeHeaders,
    /// The head is sent and nothing else.
    AfterHeaders,
    /// After so many events; in the middle of an answer that is no stream.
    AfterEvents(usize),
    /// After so many bytes of the body.
    AfterBytes(usize),
}

/// Something that shall go wrong, by default once, with the next request.
///
/// ```
/// use langflow_mock::{At, Fault};
///
/// let cut = Fault::reset(At::AfterEvents(2)).on("runFlow").times(3);
/// ```
#[derive(Debug, Clone)]
pub struct Fault(Map<String, Value>);

impl Fault {
    /// A fault in the words of `POST /__mock/faults`.
    pub fn of(fields: Map<String, Value>) -> Self {
        Self(fields)
    }

    /// A fault by the name of its kind, as in the README; its values follow with [`Fault::with`].
    pub fn kind(kind: impl Into<String>) -> Self {
        Self(Map::from_iter([("kind".to_owned(), kind.into().into())]))
    }

    /// Another status, with the error that belongs to it.
    pub fn status(status: u16) -> Self {
        Self::kind("status").with("status", status)
    }

    /// 429; `Retry-After` says so many seconds.
    pub fn rate_limited(retry_after: u64) -> Self {
        Self::kind("rate_limited").with("retry_after", retry_after)
    }

    /// 503 for a time by the server's clock, rounded up to seconds, for every request.
    pub fn outage(duration: Duration) -> Self {
        let seconds = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
        Self::kind("outage").with("duration", seconds).always()
    }

    /// An answer that comes late, by real time.
    pub fn latency(by: Duration) -> Self {
        Self::kind("latency").with("ms", by.as_secs_f64() * 1000.0)
    }

    /// A TCP reset.
    pub fn reset(at: At) -> Self {
        Self::kind("reset").at(at)
    }

    /// The end of the connection before the end of the answer.
    pub fn close(at: At) -> Self {
        Self::kind("close").at(at)
    }

    /// Silence, for a time or for ever.
    pub fn stall(at: At, time: Option<Duration>) -> Self {
        let fault = Self::kind("stall").at(at);
        match time {
            Some(time) => fault.with("seconds", time.as_secs_f64()),
            None => fault,
        }
    }

    /// So many events of a stream, ended as if they were all.
    pub fn truncate(events: usize) -> Self {
        Self::kind("truncate").with("events", events)
    }

    /// A value of the kind.
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.0.insert(name.into(), value.into());
        self
    }

    /// How often; once if nothing is said.
    pub fn times(self, times: u64) -> Self {
        self.with("times", times)
    }

    /// Every time, until it is disarmed.
    pub fn always(self) -> Self {
        self.with("scope", "rule")
    }

    /// How likely, from 0 to 1; the seed of the server decides.
    pub fn probability(self, probability: f64) -> Self {
        self.with("probability", probability)
    }

    /// Only for calls of an operation: `runFlow`.
    pub fn on(self, operation: impl Into<String>) -> Self {
        self.matching("operation", operation.into())
    }

    /// Only for requests with a flow in their path.
    pub fn on_flow(self, id: impl Into<String>) -> Self {
        self.matching("flow_id", id.into())
    }

    fn matching(mut self, name: &str, value: String) -> Self {
        let matches = self.0.entry("match").or_insert_with(|| json!({}));
        matches[name] = value.into();
        self
    }

    fn at(self, at: At) -> Self {
        match at {
            At::BeforeHeaders => self.with("at", "before_headers"),
            At::AfterHeaders => self.with("at", "after_headers"),
            At::AfterEvents(events) => self.with("at", "after_events").with("events", events),
            At::AfterBytes(bytes) => self.with("at", "after_bytes").with("bytes", bytes),
        }
    }
}

/// A fault or a script that is not what it should be; the text names the field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(String);

/// How many requests a report shows.
const LAST: usize = 10;

impl MockServer {
    /// Checks how many requests fit: `1..`, `2..=2`, `..1` for none. How many do, or what came
    /// nearest.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use langflow_mock::{MockServer, Requests};
    ///
    /// let server = MockServer::builder().start().await?;
    /// // ... what is tested runs here; then:
    /// server.verify(&Requests::any().operation("deleteFlow"), ..1)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn verify(
        &self,
        requests: &Requests,
        times: impl RangeBounds<usize>,
    ) -> Result<usize, VerifyError> {
        let found = self.app.double.journal.count(&requests.0);
        if times.contains(&found) {
            return Ok(found);
        }
        Err(self.missed(requests, found, wanted(&times)))
    }

    /// Waits until so many requests fit, for `limit` of real time at most. How many do, or what
    /// came nearest.
    pub async fn wait(
        &self,
        requests: &Requests,
        count: usize,
        limit: Duration,
    ) -> Result<usize, VerifyError> {
        let journal = &self.app.double.journal;
        let found = journal.wait(&requests.0, count, limit).await;
        if found >= count {
            return Ok(found);
        }
        Err(self.missed(requests, found, format!("at least {count}")))
    }

    /// Moves the time on, and returns once all that fell due on the way is done, with what that
    /// was, in order. ([`Clock::advance`](crate::Clock::advance) only moves the time.)
    pub async fn advance(&self, by: Duration) -> Vec<Fired> {
        due::advance(&self.app, by).await
    }

    /// Arms a fault; the id that it can be disarmed by.
    pub fn fault(&self, fault: Fault) -> Result<String, Refused> {
        let fault = Value::Object(fault.0);
        let armed = self.app.double.faults().arm(&fault, self.app.clock.now());
        let shown = armed.map_err(|problem| Refused(problem.detail))?;
        self.app.double.feed.tell("fault", || shown.clone());
        Ok(shown["id"].as_str().unwrap_or_default().to_owned())
    }

    /// Disarms a fault, or all; how many that were.
    pub fn disarm(&self, id: Option<&str>) -> usize {
        self.app.double.faults().disarm(id)
    }

    /// Scripts what a model says, in the words of `POST /__mock/scripts`; the script's id.
    pub fn script(&self, script: &Value) -> Result<String, Refused> {
        let added = self.app.double.scripts().add(script);
        let shown = added.map_err(|problem| Refused(problem.detail))?;
        Ok(shown["id"].as_str().unwrap_or_default().to_owned())
    }

    /// What the client did wrong, as `GET /__mock/verdict` tells it: `ok`, `findings`.
    pub fn verdict(&self) -> Value {
        self.app
            .verdict(&Filter::default(), &verdict::Manner::default())
    }

    /// The verdict that also counts what some want so: that a client does not ask again after a
    /// failure that passes, or always after the same pause.
    pub fn strict_verdict(&self) -> Value {
        let manner = verdict::Manner {
            strict: true,
            ..verdict::Manner::default()
        };
        self.app.verdict(&Filter::default(), &manner)
    }

    /// The last requests and the verdict, for people. A server that is dropped by a test that fails
    /// writes it to the standard error.
    pub fn report(&self) -> String {
        let (entries, _) = self.app.double.journal.find(&Filter::default());
        let mut lines = vec![format!("langflow mock {}: the last requests:", self.url())];
        for entry in &entries[entries.len().saturating_sub(LAST)..] {
            let shown = entry.json(false);
            let text = |name: &str| shown[name].as_str().unwrap_or_default().to_owned();
            let status = shown["status"].as_u64();
            let status = status.map_or("no answer".to_owned(), |it| it.to_string());
            let fault = shown["fault"].as_str().map(|it| format!(" {it}"));
            let ending = Some(text("ending")).filter(|it| it != "complete");
            lines.push(format!(
                "  #{} {} {} -> {status}{}{}",
                entry.id,
                text("method"),
                text("target"),
                fault.unwrap_or_default(),
                ending.map(|it| format!(" ({it})")).unwrap_or_default(),
            ));
        }
        if entries.is_empty() {
            lines.push("  none came".to_owned());
        }
        let verdict = self.verdict();
        let ok = verdict["ok"] == true;
        let found = verdict["findings"].as_array();
        lines.push(format!(
            "verdict: {}",
            if ok { "nothing to blame" } else { "" }
        ));
        for finding in found.into_iter().flatten() {
            let text = |name: &str| finding[name].as_str().unwrap_or_default().to_owned();
            lines.push(format!("  {}: {}", text("code"), text("message")));
        }
        lines.join("\n")
    }

    fn missed(&self, requests: &Requests, found: usize, wanted: String) -> VerifyError {
        let nearest = match found {
            0 => self.app.double.journal.nearest(&requests.0),
            _ => Value::Null,
        };
        VerifyError {
            found,
            wanted,
            nearest,
        }
    }
}

fn wanted(times: &impl RangeBounds<usize>) -> String {
    let least = match times.start_bound() {
        Bound::Included(least) => *least,
        Bound::Excluded(below) => below + 1,
        Bound::Unbounded => 0,
    };
    let most = match times.end_bound() {
        Bound::Included(most) => Some(*most),
        Bound::Excluded(above) => Some(above.saturating_sub(1)),
        Bound::Unbounded => None,
    };
    match most {
        Some(most) if most == least => format!("exactly {least}"),
        Some(most) => format!("{least} to {most}"),
        None => format!("at least {least}"),
    }
}
