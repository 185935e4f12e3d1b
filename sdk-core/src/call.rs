//! A call from its beginning to its end: what it is for, its ids and clock, its answer, and how it is
//! counted.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::platform::http::{HeaderMap, StatusCode};
use bytes::Bytes;

use crate::attach::Kept;
use crate::client::{Client, Shared};
use crate::config::Secret;
use crate::deadline::Deadline;
use crate::error::{ErrorCode, ErrorInfo, LangflowError};
use crate::limits::Place;
use crate::masking;
use crate::operation::{Operation, Safety};
use crate::options::{CallOptions, TOTAL};
use crate::output::{self, Reason};
use crate::platform::{self, Sent};
use crate::run::RunResult;
use crate::trace;
use crate::transfer::Transferring;

/// One call: an operation, its options, its ids and its clock.
#[derive(Debug, Clone)]
pub struct Call {
    pub(crate) client: Client,
    pub(crate) operation: &'static Operation,
    pub(crate) options: CallOptions,
    /// Our id of the call, the same for all attempts.
    pub(crate) request_id: String,
    pub(crate) luck: Luck,
    pub(crate) deadline: Deadline,
    /// Whether this is a run of a flow: no total time unless asked for, and an idempotency key.
    pub(crate) run: bool,
    /// Whether it is made anew where the server turns out to be of another family.
    pub(crate) moves: bool,
    /// A body that is not in memory.
    pub(crate) transfer: Option<Transferring>,
    /// The session that was sent, for servers that do not say it again.
    pub(crate) session: Option<String>,
    /// Whether this run begins its session, so that the server cannot know it yet.
    pub(crate) begins: bool,
    /// The outputs that count, by component id; all if there are none here.
    pub(crate) chosen: Vec<String>,
    /// What was uploaded for this run and is deleted after it.
    pub(crate) kept: Kept,
    /// Secrets of this call alone: values of global variables.
    pub(crate) secrets: Vec<Secret>,
    progress: Arc<Mutex<Progress>>,
}

/// What is random in a call. Drawn at once, since each draw asks the system which process this is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Luck([u8; 36]);

impl Luck {
    /// The id of a call, and what else it needs.
    pub(crate) fn draw() -> (String, Luck) {
        let drawn = platform::random::<48>();
        let mut rest = [0; 36];
        rest.copy_from_slice(&drawn[12..]);
        (platform::hex(&drawn[..12], "req_"), Luck(rest))
    }

    /// An idempotency key of ours.
    pub(crate) fn key(&self) -> String {
        platform::hex(&self.0[..12], "idem_")
    }

    /// The id of a trace of its own, behind this.
    pub(crate) fn trace(&self, prefix: &str) -> String {
        platform::hex(&self.0[12..28], prefix)
    }

    /// The id of the first attempt's span.
    pub(crate) fn span(&self) -> [u8; 8] {
        let mut span = [0; 8];
        span.copy_from_slice(&self.0[28..]);
        span
    }
}

/// How far a call has come, for who ends it from outside.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// Requests that were sent or tried.
    pub(crate) attempts: u32,
    /// The request that is under way, or one before that may have been executed.
    pub(crate) sent: Option<Sent>,
}

/// What an error says of the request.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    method: platform::http::Method,
    url: platform::url::Url,
}

impl Asked {
    pub(crate) fn of(request: &platform::Request) -> Asked {
        Asked {
            method: request.method().clone(),
            url: request.url().clone(),
        }
    }
}

/// A complete answer.
#[derive(Debug)]
pub struct Answer {
    /// Where it came from.
    pub(crate) url: platform::SharedUrl,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) attempts: u32,
    pub(crate) request_id: String,
}

/// An answer whose body is still to come.
pub(crate) struct Opened {
    pub(crate) response: platform::Response,
    pub(crate) attempts: u32,
    pub(crate) request_id: String,
    /// Absent where somebody else counts the call.
    pub(crate) counted: Option<Counted>,
    /// Among the requests that are under way.
    pub(crate) place: Option<Place>,
}

/// A call in the metrics, from its beginning to its end. Dropped before, its reader has left.
#[derive(Debug)]
pub(crate) struct Counted {
    shared: Arc<Shared>,
    deadline: Deadline,
    over: bool,
    span: tracing::Span,
}

impl Counted {
    pub(crate) fn begin(client: &Client, call: &Call) -> Counted {
        client.shared.metrics.begin();
        Counted {
            shared: client.shared.clone(),
            deadline: call.deadline,
            over: false,
            span: trace::call_span(call),
        }
    }

    /// The span of the call, with all its attempts and the reading of its stream.
    pub(crate) fn span(&self) -> tracing::Span {
        self.span.clone()
    }

    /// What is known once an answer has begun or the call has failed.
    pub(crate) fn answered(&self, attempts: u32, status: Option<u16>) {
        self.span.record("attempts", attempts);
        if let Some(status) = status {
            self.span.record("status", status);
        }
    }

    /// Nothing has run and the call is made anew: it is counted there.
    pub(crate) fn move_on(mut self) {
        self.over = true;
        self.shared.metrics.move_on();
    }

    pub(crate) fn end(mut self, error: Option<ErrorCode>) {
        self.over = true;
        if let Some(code) = error {
            self.span.record("code", code.as_str());
        }
        self.shared.metrics.end(self.deadline.elapsed(), error);
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        if !self.over {
            self.shared.metrics.abandon();
        }
    }
}

/// What a call is for: the whole body, or the body as it comes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Want {
    Whole,
    Opened,
}

pub(crate) enum Got {
    Whole(Answer),
    Opened(Opened),
}

impl Call {
    /// A call of the operation, its clock started.
    pub(crate) fn new(
        client: &Client,
        operation: &'static Operation,
        options: CallOptions,
    ) -> Call {
        let run = operation.runs();
        let total = options.timeout.or(client.config.timeouts.total);
        let total = if run || operation.stream {
            total
        } else {
            total.or(Some(TOTAL))
        };
        let (id, luck) = Luck::draw();
        Call {
            client: client.clone(),
            operation,
            options,
            request_id: id,
            luck,
            deadline: Deadline::new(total),
            run,
            moves: false,
            transfer: None,
            session: None,
            begins: false,
            chosen: Vec::new(),
            kept: Kept::default(),
            secrets: Vec::new(),
            progress: Arc::default(),
        }
    }

    /// The result with the output that was chosen, and with the session that was sent, where the
    /// server does not say it again. An id of ours that the server sees first looks to it like one
    /// that it has forgotten.
    pub(crate) fn echo(&self, mut result: RunResult) -> RunResult {
        if self.begins && result.session_status.as_deref() == Some("expired") {
            result.session_status = Some("new".to_owned());
        }
        // A run that waits has no output yet.
        if !self.chosen.is_empty() && !matches!(result.reason, Reason::Suspended | Reason::Pending)
        {
            (result.output, result.reason) = output::single_of(&result.outputs, &self.chosen);
        }
        result.session_id = result.session_id.or_else(|| self.session.clone());
        result
    }

    /// Makes it a transfer. What is large takes its time: without a total that somebody asked for, only
    /// standing still ends it.
    pub(crate) fn carry(&mut self, transfer: Transferring) {
        let asked = self.options.timeout.or(self.client.config.timeouts.total);
        if asked.is_none() {
            self.deadline = self.deadline.unlimited();
        }
        self.transfer = Some(transfer);
    }

    /// How long a transfer may stand still where nothing else says so.
    pub(crate) fn stall(&self) -> Option<Duration> {
        self.transfer.as_ref().map(|_| TOTAL)
    }

    /// Whether its body was a stream of which some is gone: it cannot be sent again.
    pub(crate) fn spent(&self) -> bool {
        matches!(&self.transfer, Some(Transferring::Up(upload, _)) if upload.spent())
    }

    /// How far the call has come.
    pub(crate) fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the flow may have run, given that the request has left.
    pub(crate) fn executes(&self) -> bool {
        self.operation.safety != Safety::Safe
    }

    /// The error for an answer that is not what it should be, though the server said that it had
    /// succeeded.
    pub(crate) fn misunderstood(&self, mut error: LangflowError, answer: &Answer) -> LangflowError {
        let info = error.info_mut();
        info.status = Some(answer.status.as_u16());
        info.request_id = Some(answer.request_id.clone());
        info.may_have_executed = self.executes();
        self.fill_from(info, answer);
        error
    }

    /// As [`Call::fill`], where there is an answer.
    pub(crate) fn fill_from(&self, info: &mut ErrorInfo, answer: &Answer) {
        self.fill(info, None, answer.attempts);
        info.method = Some(self.operation.method.to_owned());
        info.url = Some(shown_url(&answer.url));
    }

    /// Completes an error with what the call knows, and takes out of it what nobody may read.
    pub(crate) fn fill(&self, info: &mut ErrorInfo, request: Option<&Asked>, attempts: u32) {
        info.attempts = attempts;
        info.elapsed = Some(self.deadline.elapsed().as_secs_f64());
        info.request_id
            .get_or_insert_with(|| self.request_id.clone());
        if let Some(request) = request {
            info.method = Some(request.method.to_string());
            info.url = Some(shown_url(&request.url));
        }
        masking::mask(&self.client, Some(self), info);
    }
}

/// A URL without query, user and fragment: what an error may show.
pub(crate) fn shown_url(url: &platform::url::Url) -> String {
    format!("{}{}", url.origin().ascii_serialization(), url.path())
}
