//! Where a stream of a run stands, and how it goes on after it broke off.

use crate::platform::http::{HeaderName, HeaderValue, Method, header};
use crate::platform::url::Url;
use serde_json::Map;

use crate::ask;
use crate::call::{Call, Opened};
use crate::client::Client;
use crate::dialect::Family;
use crate::error::{ErrorCode, ErrorInfo};
use crate::event::Event;
use crate::platform;
use crate::request::{self, Parts};
use crate::retry::{self, Attempt, Failure};

const LAST: HeaderName = HeaderName::from_static("last-event-id");

/// The run that a stream belongs to, and the last event of it that arrived.
#[derive(Debug, Default)]
pub struct Mark {
    run_id: Option<String>,
    last: Option<String>,
    /// Whether its events are numbered without a gap, as far as they were seen.
    gaps: bool,
    /// Times that it was gone on with since then.
    tries: u32,
    place: Place,
}

/// Where the next event stands, seen from the last one that arrived.
#[derive(Debug, Default)]
enum Place {
    /// After it.
    #[default]
    Known,
    /// The stream was opened again, and has not said.
    Unsure,
    /// The stream begins again.
    Before,
}

/// A stream that goes on.
pub struct Again {
    pub opened: Opened,
    pub url: Url,
}

impl Mark {
    /// An event arrived.
    pub fn see(&mut self, event: &Event) {
        if let Event::RunStarted {
            run_id: Some(id), ..
        } = event
        {
            self.run_id = Some(id.clone());
        }
        if let Some(id) = event.id() {
            let before = self.last.as_deref().and_then(number);
            self.gaps |= self.last.is_some() && number(id) != before.map(|before| before + 1);
            self.last = Some(id.to_owned());
            self.tries = 0;
        }
    }

    /// Says how to go on, where the run can be followed from here.
    pub fn hint(&self, info: &mut ErrorInfo) {
        let broke = matches!(
            info.code,
            ErrorCode::StreamInterrupted | ErrorCode::ConnectionLost | ErrorCode::IdleTimeout
        );
        if let (true, Some(run), Some(last)) = (broke, &self.run_id, &self.last) {
            info.hint.push_str(&format!(
                " The run can be followed from where it broke off: the events of the job {run} \
                 after the event {last}."
            ));
        }
    }

    /// Opens the events of the run after its last one: of a stream of its own, and of a run that was
    /// followed. Only where every event is kept under an id; workflows do not repeat their tokens.
    pub async fn again(
        &mut self,
        client: &Client,
        call: &Call,
        url: Option<&Url>,
    ) -> Option<Again> {
        let last = HeaderValue::from_str(self.last.as_deref()?).ok()?;
        if call.operation.family() != Family::Workspace {
            return None;
        }
        let (call, mut request) = if call.operation.follows() {
            let request = platform::Request::new(Method::GET, url?.clone());
            (call.clone(), request)
        } else if call.run {
            self.events_of(client, call)?
        } else {
            return None;
        };
        self.tries += 1;
        let attempt = Attempt {
            failure: Failure::MayHaveRun,
            number: self.tries,
            retry_after: None,
            should_retry: None,
        };
        let most = call.options.max_retries;
        let most = most.unwrap_or(client.config.max_retries);
        let [byte] = platform::random::<1>();
        let random = f64::from(byte) / 256.0;
        let delay = retry::delay(call.operation.safety, &attempt, most, random)?;
        if !call.deadline.allows(delay) {
            return None;
        }
        platform::sleep(delay).await;
        let headers = request.headers_mut();
        let accept = HeaderValue::from_static("text/event-stream");
        headers.insert(header::ACCEPT, accept);
        headers.insert(LAST, last);
        let url = request.url().clone();
        let opened = client.open(request, &call).await.ok()?;
        tracing::debug!(last = self.last, "a stream goes on after it broke off");
        self.place = Place::Unsure;
        Some(Again { opened, url })
    }

    /// The request for the events of a run that was streamed by itself.
    fn events_of(&self, client: &Client, run: &Call) -> Option<(Call, platform::Request)> {
        let operation = ask::row("streamRunEvents").ok()?;
        let run_id = self.run_id.clone()?;
        let parts = Parts {
            args: Map::from_iter([("run_id".to_owned(), run_id.into())]),
            ..Parts::default()
        };
        let request = request::build(&client.place(operation).ok()?, operation, parts).ok()?;
        let mut options = run.options.clone();
        options.idempotency_key = None;
        let mut call = Call::new(client, operation, options);
        call.deadline = run.deadline;
        call.request_id.clone_from(&run.request_id);
        Some((call, request))
    }

    /// What is wrong with the first event of a stream that goes on: it is of another run, or not the next
    /// one where all before it were numbered without a gap.
    pub fn missed(&self, event: &Event) -> Option<String> {
        if !matches!(self.place, Place::Unsure) {
            return None;
        }
        if let (Event::RunStarted { run_id, .. }, Some(ours)) = (event, &self.run_id) {
            let other = run_id.as_ref().filter(|run_id| *run_id != ours)?;
            return Some(format!(
                "The stream of the run {ours} went on with the run {other}."
            ));
        }
        let last = self.last.as_deref().and_then(number)?;
        let next = event.id().and_then(number)?;
        (!self.gaps && next > last + 1).then(|| {
            format!(
                "The stream went on after the event {last} with {next}: those between are lost."
            )
        })
    }

    /// Whether the event had arrived before the stream broke off: a server that does not know
    /// `Last-Event-ID` begins again, and no token may come twice.
    pub fn repeats(&mut self, event: &Event) -> bool {
        let is_last = event.id().is_some() && event.id() == self.last.as_deref();
        match self.place {
            Place::Known => false,
            Place::Unsure if is_last => {
                self.place = Place::Known;
                true
            }
            Place::Unsure if matches!(event, Event::RunStarted { .. }) => {
                self.place = Place::Before;
                true
            }
            Place::Unsure => {
                self.place = Place::Known;
                false
            }
            Place::Before => {
                if is_last {
                    self.place = Place::Known;
                }
                // The end stands for everything.
                !matches!(event, Event::End { .. })
            }
        }
    }
}

fn number(id: &str) -> Option<u64> {
    id.parse().ok()
}
