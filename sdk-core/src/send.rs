//! The attempt pipeline: every request of every face goes through here. It adds what belongs to
//! every request, bounds each wait, classifies what became of an attempt and decides on the next.

use std::pin::pin;
use std::time::Duration;

use crate::platform::http::{HeaderName, HeaderValue, header};
use bytes::Bytes;
use futures::StreamExt as _;
use tracing::Instrument as _;

use crate::auth;
use crate::call::{Answer, Asked, Call, Counted, Got, Opened, Want};
use crate::classify::{Failed, body_lost, timed_out};
use crate::client::Client;
use crate::closed::closed;
use crate::error::{ErrorCode, ErrorInfo, LangflowError, Phase};
use crate::headers::{count, has_type, set, set_own};
use crate::middleware::unanswered;
use crate::operation::Safety;
use crate::platform::{self, Sent};
use crate::portable;
use crate::reader::without_mark;
use crate::retry::{self, Attempt, Failure};
use crate::trace::{TRACEPARENT, Trace};
use crate::transfer::Transferring;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Bytes of an answer that is held in memory. What is larger is no answer of a flow; answers that are
/// written to a file have no limit.
pub(crate) const MAX_ANSWER: usize = 256 * 1024 * 1024;
/// Redirects that one attempt follows.
const REDIRECTS: u32 = 5;
const X_LANGFLOW_ATTEMPT: HeaderName = HeaderName::from_static("x-langflow-attempt");
const X_LANGFLOW_CLIENT: HeaderName = HeaderName::from_static("x-langflow-client");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

impl Client {
    /// Sends the request until there is a whole answer with a success status, or an error.
    pub(crate) async fn exchange(
        &self,
        request: platform::Request,
        call: &Call,
    ) -> Result<Answer, LangflowError> {
        // Boxed, so that the futures around it are small, and their types no tower.
        match Box::pin(portable::whole(self, request, call)).await? {
            Got::Whole(answer) => Ok(answer),
            Got::Opened(_) => Err(LangflowError::new(
                ErrorCode::InternalError,
                "A body was not read.",
            )),
        }
    }

    /// Sends the request until there is a success status; the body is left to the caller.
    pub(crate) async fn open(
        &self,
        request: platform::Request,
        call: &Call,
    ) -> Result<Opened, LangflowError> {
        match Box::pin(self.counted(request, call, Want::Opened)).await? {
            Got::Opened(opened) => Ok(opened),
            Got::Whole(_) => Err(LangflowError::new(
                ErrorCode::InternalError,
                "A body was read.",
            )),
        }
    }

    /// The attempts, and what they came to in the metrics.
    pub(crate) async fn counted(
        &self,
        request: platform::Request,
        call: &Call,
        want: Want,
    ) -> Result<Got, LangflowError> {
        let counted = Counted::begin(self, call);
        // Pinned where it is made: handed on by value it would be held, and moved, once more in each
        // future around it.
        let outcome = {
            let attempts = pin!(self.attempts(request, call, want));
            let attempts = pin!(self.closed.unless(attempts));
            attempts.instrument(counted.span()).await
        };
        match outcome.unwrap_or_else(|| Err(closed_early(call).into())) {
            Ok(Got::Opened(mut opened)) => {
                counted.answered(opened.attempts, Some(opened.response.status().as_u16()));
                opened.counted = Some(counted);
                Ok(Got::Opened(opened))
            }
            Ok(Got::Whole(answer)) => {
                counted.answered(answer.attempts, Some(answer.status.as_u16()));
                counted.end(None);
                Ok(Got::Whole(answer))
            }
            Err(error) => {
                counted.answered(error.info().attempts, error.info().status);
                let tried = call.operation.family();
                if call.moves && self.run_elsewhere(tried, &error).is_some() {
                    counted.move_on();
                } else {
                    counted.end(Some(error.code()));
                }
                Err(error)
            }
        }
    }

    /// The end of an attempt that succeeded so far.
    async fn finish(
        &self,
        mut response: platform::Response,
        attempts: u32,
        request_id: String,
        call: &Call,
        want: Want,
    ) -> Result<Got, Failed> {
        if want == Want::Opened {
            return Ok(Got::Opened(Opened {
                response,
                attempts,
                request_id,
                counted: None,
                place: None,
            }));
        }
        let status = response.status();
        let (headers, url, body) = match &call.transfer {
            Some(Transferring::Down(path, progress)) => {
                // What is saved is judged by its headers.
                let (headers, url) = (response.headers().clone(), response.url().clone());
                self.save(response, path, progress, call).await?;
                (headers, url.into(), Bytes::new())
            }
            _ => {
                // The length is asked of the answer before its headers are taken.
                let said = response.content_length();
                let (headers, url) = response.take_head();
                let body = self.read_body(response, said, call).await?;
                let body = match has_type(&headers, "application/json") {
                    true => body.slice_ref(without_mark(&body)),
                    false => body,
                };
                (headers, url, body)
            }
        };
        Ok(Got::Whole(Answer {
            url,
            status,
            headers,
            body,
            attempts,
            request_id,
        }))
    }

    async fn attempts(
        &self,
        mut request: platform::Request,
        call: &Call,
        want: Want,
    ) -> Result<Got, LangflowError> {
        self.prepare(&mut request, call)?;
        let trace = Trace::of(request.headers(), call.luck);
        let max_retries = call.options.max_retries.unwrap_or(self.config.max_retries);
        let mut taken = 0;
        let mut number = 0;
        let mut may_have_executed = false;
        let login = self.login_for(call);
        let mut token = match login {
            Some(login) => Some(self.log_in(login, &mut request, call, None).await?),
            None => None,
        };
        loop {
            number += 1;
            request
                .headers_mut()
                .insert(X_LANGFLOW_ATTEMPT, count(number));
            let traceparent = trace.span(number);
            let span = tracing::info_span!(
                "langflow.attempt",
                operation = call.operation.id,
                request_id = call.request_id,
                trace_id = trace.id(),
                span_id = Trace::span_id(&traceparent),
                number,
                status = tracing::field::Empty,
                code = tracing::field::Empty,
            );
            set_own(request.headers_mut(), TRACEPARENT, traceparent);
            let outcome = {
                let attempt = pin!(self.whole_attempt(&request, call, number, want));
                attempt.instrument(span.clone()).await
            };
            let failed = match outcome {
                Ok(got) => {
                    self.shared.quota.give_back(taken);
                    return Ok(got);
                }
                Err(failed) => failed,
            };
            span.record("code", failed.info.code.as_str());
            may_have_executed |= failed.info.may_have_executed;
            if !may_have_executed {
                call.progress().sent = None;
            }
            // A token lives an hour. One that is refused is renewed once; nothing has run.
            if let (Some(401), Some(login), Some(old), false) =
                (failed.info.status, login, token.take(), call.spent())
            {
                self.log_in(login, &mut request, call, Some(old)).await?;
                continue;
            }
            let attempt = Attempt {
                failure: failed.failure,
                number,
                retry_after: failed.retry_after,
                should_retry: failed.should_retry,
            };
            let delay = self.next_delay(call, &attempt, max_retries).await;
            let spent = delay.is_some() && call.spent();
            if let Some(delay) = delay
                && !spent
                && call.deadline.allows(delay)
                && let Some(cost) = self.shared.quota.take(failed.timed_out)
            {
                tracing::debug!(
                    operation = call.operation.id,
                    number,
                    ?delay,
                    code = failed.info.code.as_str(),
                    "retry"
                );
                taken += cost;
                platform::sleep(delay).await;
                continue;
            }
            let mut info = failed.info;
            if may_have_executed && !info.may_have_executed {
                info.may_have_executed = true;
                info.hint
                    .push_str(" That is the last attempt; an earlier one may have been executed.");
            }
            if spent {
                info.hint.push_str(
                    " The body was a stream of which some had been sent, so it was not sent again: \
                     open it anew, or upload a file.",
                );
            }
            // An attempt that never had its turn is none.
            let tried = call.progress().attempts;
            call.fill(&mut info, Some(&Asked::of(&request)), tried);
            return Err(info.into());
        }
    }

    /// A run is repeated like a keyed call where the server says that it knows idempotency keys, or where
    /// the user says that it may run twice.
    async fn next_delay(
        &self,
        call: &Call,
        attempt: &Attempt,
        max_retries: u32,
    ) -> Option<Duration> {
        let [byte, ..] = platform::random::<1>();
        let random = f64::from(byte) / 256.0;
        let safety = call.operation.safety;
        let own = retry::delay(safety, attempt, max_retries, random);
        if own.is_some() || !call.run || attempt.failure != Failure::MayHaveRun {
            return own;
        }
        let keyed = retry::delay(Safety::Keyed, attempt, max_retries, random)?;
        if self.config.repeat_runs {
            return Some(keyed);
        }
        if call.operation.open_source() {
            return None;
        }
        Box::pin(self.knows_idempotency(call))
            .await
            .then_some(keyed)
    }

    /// Adds what belongs to every request.
    pub(crate) fn prepare(
        &self,
        request: &mut platform::Request,
        call: &Call,
    ) -> Result<(), LangflowError> {
        let config = &self.config;
        let safety = call.operation.safety;
        // Not where it is empty: a question mark would be left.
        if !config.query.is_empty() || !call.options.query.is_empty() {
            let url = request.url_mut();
            let query = url.query().unwrap_or_default().to_owned();
            let mut query = platform::url::form_urlencoded::Serializer::new(query);
            query.extend_pairs(config.query.iter().chain(&call.options.query));
            url.set_query(Some(&query.finish()));
        }
        let headers = request.headers_mut();
        // progenitor adds it, and no CORS preflight would let it pass.
        headers.remove("api-version");
        headers.insert(header::USER_AGENT, config.user_agent.clone());
        headers.insert(X_LANGFLOW_CLIENT, HeaderValue::from_static("sdk"));
        set(headers, X_REQUEST_ID, &call.request_id);
        if call.run || safety == Safety::Keyed {
            if let Some(key) = &call.options.idempotency_key {
                crate::options::check_idempotency_key(key)?;
                set(headers, IDEMPOTENCY_KEY, key);
            } else if !headers.contains_key(IDEMPOTENCY_KEY) {
                set_own(headers, IDEMPOTENCY_KEY, call.luck.key());
            }
        }
        if let Some(key) = &config.api_key {
            auth::add_key(headers, key, config, call.operation);
        }
        if let Some(organization) = config.organization.as_deref().filter(|_| config.hosted()) {
            set(headers, auth::ORGANIZATION, organization);
        }
        for (name, value) in config.headers.iter().chain(&call.options.headers) {
            // Options of Rust come unchecked.
            crate::options::check_own_header("headers", name, value)?;
            if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
                set(headers, name, value);
            }
        }
        Ok(())
    }

    /// One attempt, when its turn has come, up to what is wanted.
    async fn whole_attempt(
        &self,
        request: &platform::Request,
        call: &Call,
        number: u32,
        want: Want,
    ) -> Result<Got, Failed> {
        let place = self.admit(call).await?;
        call.progress().attempts = number;
        let (response, request_id) = self.attempt(request, call).await?;
        tracing::Span::current().record("status", response.status().as_u16());
        let mut got = self
            .finish(response, number, request_id, call, want)
            .await?;
        if let Got::Opened(opened) = &mut got {
            opened.place = Some(place);
        }
        Ok(got)
    }

    /// One attempt, up to a success status. Only redirects that keep method, body and origin are
    /// followed: everything else could lose the request or send the key to somebody else.
    async fn attempt(
        &self,
        request: &platform::Request,
        call: &Call,
    ) -> Result<(platform::Response, String), Failed> {
        let mut elsewhere: Option<platform::url::Url> = None;
        for hop in 0.. {
            let response = self.send(request, elsewhere.as_ref(), call).await?;
            let status = response.status();
            if matches!(status.as_u16(), 307 | 308) && hop < REDIRECTS && !call.spent() {
                let url = elsewhere.as_ref().unwrap_or(request.url());
                let place = response.headers().get(header::LOCATION);
                let next = place.and_then(|place| url.join(place.to_str().ok()?).ok());
                if let Some(next) = next.filter(|next| next.origin() == url.origin()) {
                    elsewhere = Some(next);
                    continue;
                }
            }
            let request_id = response
                .headers()
                .get(X_REQUEST_ID)
                .and_then(|value| value.to_str().ok())
                .map_or_else(|| call.request_id.clone(), str::to_owned);
            if status.is_success() {
                return Ok((response, request_id));
            }
            return Err(self.refused(response, call, request_id).await);
        }
        unreachable!("every turn but a redirect's ends the loop")
    }

    /// Sends the request and waits for the head of an answer.
    async fn send(
        &self,
        request: &platform::Request,
        elsewhere: Option<&platform::url::Url>,
        call: &Call,
    ) -> Result<platform::Response, Failed> {
        // Bodies are bytes or opened anew, never one-shot streams, so a clone always exists.
        let Some(mut request) = request.try_clone() else {
            let message = "A request could not be copied.";
            return Err(Failed::last(ErrorInfo::new(
                ErrorCode::InternalError,
                message,
            )));
        };
        if let Some(url) = elsewhere {
            *request.url_mut() = url.clone();
        }
        let content = match &call.transfer {
            // Read while it is sent.
            Some(Transferring::Up(..)) => None,
            _ => self.config.chain.content(&request),
        };
        let sent = match &call.transfer {
            Some(Transferring::Up(upload, progress)) => {
                platform::attach(&mut request, upload.pieces(), Some(progress.clone()))
            }
            _ => platform::watch(&mut request),
        };
        call.progress().sent = Some(sent.clone());
        self.shared.metrics.attempt();
        let http = self
            .http()
            .map_err(|error| Failed::last(error.info().clone()))?;
        let first = self.config.timeouts.first_byte;
        let begun = platform::Instant::now();
        let mut sending = pin!(self.config.chain.send(http, request, content));
        let (mut wait, code) = call.deadline.limit(first, ErrorCode::FirstByteTimeout);
        let limit = wait;
        wait = wait.or(call.stall());
        // Looked at more often, so that it ends soon after the time in which nothing has moved.
        let step = limit.or(wait.map(|it| it / 4));
        let (mut far, mut still) = (0, 0);
        let answered = loop {
            let answered = platform::within(step, sending.as_mut()).await;
            let now = call.transfer.as_ref().map_or(0, Transferring::sent);
            still = if now == far { still + 1 } else { 0 };
            if answered.is_some() || limit.is_some() || still == 4 {
                break answered;
            }
            far = now;
        };
        // A link that blocks the thread keeps the timer from ringing. A transfer without a limit takes its time.
        let late = !self.config.chain.is_empty() && limit.is_some_and(|it| begun.elapsed() >= it);
        match answered.filter(|_| !late) {
            None => Err(timed_out(call, code, Phase::FirstByte, wait).unless_sent(&sent)),
            Some(Err(why)) => Err(unanswered(call, why, &sent)),
            Some(Ok(response)) => Ok(response),
        }
    }

    /// Reads a whole body, which is as long as was said; each piece has the idle time.
    async fn read_body(
        &self,
        response: platform::Response,
        said: Option<u64>,
        call: &Call,
    ) -> Result<Bytes, Failed> {
        if said.is_some_and(|said| said > MAX_ANSWER as u64) {
            return Err(Failed::last(too_large(call)));
        }
        let mut stream = platform::body_stream(response);
        let idle = self.idle(call.operation).or(call.stall());
        let mut first = Bytes::new();
        let mut rest: Vec<u8> = Vec::new();
        loop {
            let (wait, code) = call.deadline.limit(idle, ErrorCode::IdleTimeout);
            match platform::within(wait, stream.next()).await {
                None => return Err(timed_out(call, code, Phase::Body, wait)),
                Some(None) => break,
                Some(Some(Err(error))) => return Err(body_lost(call, &error)),
                // Most answers come in one piece, which is not copied.
                Some(Some(Ok(chunk))) if first.is_empty() && rest.is_empty() => first = chunk,
                Some(Some(Ok(chunk))) => {
                    if rest.is_empty() {
                        rest.extend_from_slice(&first);
                    }
                    rest.extend_from_slice(&chunk);
                    if rest.len() > MAX_ANSWER {
                        return Err(Failed::last(too_large(call)));
                    }
                }
            }
        }
        Ok(if rest.is_empty() { first } else { rest.into() })
    }
}

/// The error of a call whose client was closed.
fn closed_early(call: &Call) -> ErrorInfo {
    let (attempts, begun) = {
        let progress = call.progress();
        let begun = progress.sent.as_ref().is_some_and(Sent::begun);
        (progress.attempts, begun)
    };
    let mut info = closed(begun && call.executes());
    call.fill(&mut info, None, attempts);
    info
}

/// The error for an answer that is larger than any that a program wants in memory.
pub(crate) fn too_large(call: &Call) -> ErrorInfo {
    let message = format!("The answer is larger than {MAX_ANSWER} bytes.");
    let mut info = ErrorInfo::new(ErrorCode::InvalidResponse, message);
    info.phase = Phase::Body;
    info.hint = "Let the flow answer with less, or save the answer to a file.".to_owned();
    info.may_have_executed = call.executes();
    info
}

/// An id that is unguessable and has no character that any part of a URL minds.
pub(crate) fn id(prefix: &str) -> String {
    platform::hex(&platform::random::<12>(), prefix)
}
