//! Where a stream of a run stands, and how it goes on after it broke off.

use http::{HeaderValue, Method, header};

use crate::call::{Call, Opened};
use crate::client::Client;
use crate::dialect::Family;
use crate::error::{ErrorCode, ErrorInfo};
use crate::event::Event;
use crate::platform;
use crate::retry::{self, Attempt, Failure};

/// The run that a stream belongs to, and the last event of it that arrived.
#[derive(Debug, Default)]
pub struct Mark {
    run_id: Option<String>,
    last: Option<String>,
    /// Times that it was gone on with since then.
    tries: u32,
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

    /// Opens the stream of a followed run again, after its last event. Only where every event is
    /// kept: workflows do not repeat their tokens.
    pub async fn again(&mut self, client: &Client, call: &Call, url: &url::Url) -> Option<Opened> {
        let last = self.last.as_deref()?;
        if !call.operation.follows() || call.operation.family() != Family::Workspace {
            return None;
        }
        self.tries += 1;
        let attempt = Attempt {
            failure: Failure::MayHaveRun,
            number: self.tries,
            retry_after: None,
            should_retry: None,
        };
        let most = call
            .options
            .max_retries
            .unwrap_or(client.config.max_retries);
        let [byte] = platform::random::<1>();
        let delay = retry::delay(
            call.operation.safety,
            &attempt,
            most,
            f64::from(byte) / 256.0,
        )?;
        if !call.deadline.allows(delay) {
            return None;
        }
        platform::sleep(delay).await;
        let mut request = reqwest::Request::new(Method::GET, url.clone());
        let headers = request.headers_mut();
        headers.insert(
            header::ACCEPT,
            HeaderValue::from_static("text/event-stream"),
        );
        headers.insert("last-event-id", HeaderValue::from_str(last).ok()?);
        client.open(request, call).await.ok()
    }
}
