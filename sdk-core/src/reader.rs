//! Reads the bytes of a stream and makes events of them, up to its one end.

use std::collections::VecDeque;
use std::pin::pin;

use futures::StreamExt as _;
use serde_json::Value;

use crate::call::Call;
use crate::cause;
use crate::client::{Client, causes};
use crate::closed::closed;
use crate::deadline::seconds;
use crate::decode::{Decoder, Fault, Frame};
use crate::dialect::{self, Family};
use crate::error::{ErrorCode, ErrorInfo, LangflowError, Phase};
use crate::event::Event;
use crate::exact::{self, Wide};
use crate::headers::is_page;
use crate::platform;
use crate::resume::{Again, Mark};
use crate::send::{MAX_ANSWER, too_large};
use crate::stream::Source;
use crate::understand::packed;
use crate::wording::sentence;

/// Reads the bytes and makes events of them.
pub(crate) struct Reader {
    client: Client,
    call: Call,
    source: Source,
    decoder: Decoder,
    /// Why the bytes after the frames decoded so far are no events.
    fault: Option<LangflowError>,
    ready: VecDeque<Event>,
    tokens: bool,
    /// The text of the tokens, kept where the end may leave it out.
    said: String,
    so_far: dialect::Said,
    over: bool,
    mark: Mark,
    /// Events that were passed over.
    skipped: u64,
}

impl Reader {
    pub(crate) fn new(client: Client, call: Call, source: Source) -> Reader {
        Reader {
            decoder: decoder(&client),
            client,
            call,
            source,
            fault: None,
            ready: VecDeque::new(),
            tokens: false,
            said: String::new(),
            so_far: dialect::Said::default(),
            over: false,
            mark: Mark::default(),
            skipped: 0,
        }
    }

    /// The next event, or the error that ends the stream; nothing after either end.
    pub(crate) async fn next(&mut self) -> Option<Result<Event, LangflowError>> {
        if self.over && self.ready.is_empty() {
            return None;
        }
        match self.advance().await {
            Ok(None) => {
                self.count(None);
                None
            }
            Ok(Some(event)) => {
                if let Event::End { result, .. } = &event {
                    self.over = true;
                    self.count(None);
                    self.client.shared.metrics.used(result.metadata.tokens_used);
                }
                Some(Ok(event))
            }
            Err(mut error) => {
                self.over = true;
                self.ready.clear();
                if error.is(ErrorCode::MalformedEvent) || error.is(ErrorCode::StreamInterrupted) {
                    error = packed(error, &self.source.headers);
                }
                self.fill(error.info_mut());
                self.count(Some(error.code()));
                Some(Err(error))
            }
        }
    }

    fn count(&mut self, error: Option<ErrorCode>) {
        if let Some(counted) = self.source.counted.take() {
            counted.end(error);
        }
    }

    async fn advance(&mut self) -> Result<Option<Event>, LangflowError> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(Some(event));
            }
            if self.over {
                // Reached only by streams that have no event for their end.
                return Ok(None);
            }
            // One frame a turn: what came before an error is handed out before it.
            if let Some(frame) = self.decoder.next_frame() {
                self.take_frame(frame)?;
                if self.call.operation.family() == Family::Responses {
                    Box::pin(self.hear()).await;
                }
                continue;
            }
            if let Some(fault) = self.fault.take() {
                return Err(fault);
            }
            let idle = self.client.idle(self.call.operation);
            let (wait, code) = self.call.deadline.limit(idle, ErrorCode::IdleTimeout);
            let waiting = platform::within(wait, self.source.bytes.next());
            let Some(waited) = self.client.closed.unless(pin!(waiting)).await else {
                return Err(closed(true).into());
            };
            match waited {
                Some(Some(Ok(bytes))) => {
                    self.fault = self.decoder.push(&bytes).map_err(fault).err();
                    let skipped = self.decoder.take_skipped();
                    self.passed_over(skipped);
                }
                Some(None) => {
                    let why = "The stream ended before the run did.".to_owned();
                    self.broke_off(why, None).await?;
                }
                Some(Some(Err(error))) => {
                    let why = causes(&error);
                    let source = cause::underneath(&why, &error);
                    let why = sentence(&format!("The connection was lost: {why}"));
                    self.broke_off(why, source).await?;
                }
                None => {
                    let time = seconds(wait.unwrap_or_default());
                    let message = match code {
                        // Perhaps only its connection is dead.
                        ErrorCode::IdleTimeout if self.go_on().await => continue,
                        ErrorCode::IdleTimeout => {
                            format!("The stream stood still for {time} s.")
                        }
                        _ => "The stream was not over in the time of the call.".to_owned(),
                    };
                    return Err(LangflowError::new(code, message));
                }
            }
        }
    }

    /// No more bytes come: goes on with the run where that can be, or says why not.
    async fn broke_off(
        &mut self,
        why: String,
        source: Option<cause::Source>,
    ) -> Result<(), LangflowError> {
        let Err(mut error) = self.bytes_over(why) else {
            return Ok(());
        };
        // Half an event is no malformed one; what the run itself says is its end.
        let broke = matches!(
            error.code(),
            ErrorCode::StreamInterrupted | ErrorCode::MalformedEvent
        );
        if broke {
            error.info_mut().source = source;
        }
        match broke && self.go_on().await {
            true => Ok(()),
            false => Err(error),
        }
    }

    /// Goes on with the run on a connection of its own, where that can be.
    async fn go_on(&mut self) -> bool {
        let again = self
            .mark
            .again(&self.client, &self.call, self.source.url.as_ref());
        let Some(Again { opened, url }) = Box::pin(again).await else {
            return false;
        };
        // It is one call to its caller, with all its requests.
        let (counted, attempts) = (self.source.counted.take(), self.source.attempts);
        self.source = Source::of(opened, &self.call, url);
        self.source.attempts += attempts;
        self.source.method = "GET".to_owned();
        let again = std::mem::replace(&mut self.source.counted, counted);
        if let Some(again) = again {
            again.move_on();
        }
        self.decoder = decoder(&self.client);
        true
    }

    /// No more bytes come. What lacks only its end mark is an event still; else the stream was cut.
    fn bytes_over(&mut self, why: String) -> Result<(), LangflowError> {
        self.decoder.finish().map_err(fault)?;
        let skipped = self.decoder.take_skipped();
        self.passed_over(skipped);
        match self.decoder.next_frame() {
            Some(frame) => {
                let skipped = self.skipped;
                self.take_frame(frame)?;
                // Nothing was taken, and nothing comes any more.
                match self.skipped == skipped {
                    true => Ok(()),
                    false => Err(LangflowError::new(ErrorCode::StreamInterrupted, why)),
                }
            }
            None if self.call.operation.raw_events() => {
                self.over = true;
                Ok(())
            }
            None => Err(LangflowError::new(ErrorCode::StreamInterrupted, why)),
        }
    }

    fn take_frame(&mut self, mut frame: Frame) -> Result<(), LangflowError> {
        frame.data = exact::protected(frame.data, self.client.config.wide);
        let event = match dialect::event(
            self.call.operation,
            frame,
            &mut self.so_far,
            &self.source.request_id,
            self.source.attempts,
        ) {
            Err(error)
                if self.client.config.skip_malformed
                    && error.code() == ErrorCode::MalformedEvent =>
            {
                self.passed_over(1);
                return Ok(());
            }
            event => event?,
        };
        if let Some(why) = self.mark.missed(&event) {
            return Err(LangflowError::new(ErrorCode::StreamInterrupted, why));
        }
        if self.mark.repeats(&event) {
            return Ok(());
        }
        self.take(event)
    }

    /// Counts events that are malformed and, by the user's choice, end nothing.
    fn passed_over(&mut self, events: u64) {
        if events > 0 {
            self.skipped += events;
            self.client.shared.metrics.skipped(events);
            tracing::warn!(
                request_id = self.source.request_id,
                skipped = self.skipped,
                "a malformed event of a stream was passed over"
            );
        }
    }

    /// Keeps the pieces of a response together, and drops the first where it came twice.
    async fn hear(&mut self) {
        let Some(event) = self.ready.back() else {
            return;
        };
        if self.so_far.heard.repeats(event) && self.client.doubles().await {
            self.ready.pop_back();
            self.so_far.heard.skip();
        }
        if let Some(text) = self.ready.back().and_then(Event::token) {
            self.so_far.heard.hear(text);
        }
    }

    /// Queues an event; the result of a flow that sent no tokens brings its text as one.
    fn take(&mut self, event: Event) -> Result<(), LangflowError> {
        let event = match event {
            Event::End { id, mut result } => {
                let operation = self.call.operation;
                if operation.family() == Family::Langflow && !operation.workflow() {
                    dialect::langflow::complete_end(&mut result, &self.said);
                }
                result.skipped_events = self.skipped;
                let result = self.call.echo(*result);
                let result = self.client.check_session(result)?;
                if let Some(text) = result
                    .output
                    .as_str()
                    .filter(|text| !self.tokens && !text.is_empty())
                {
                    self.ready.push_back(Event::Token {
                        id: None,
                        text: text.to_owned(),
                        synthetic: true,
                    });
                }
                Event::End {
                    id,
                    result: Box::new(result),
                }
            }
            event => event,
        };
        self.mark.see(&event);
        if let Some(text) = event.token() {
            self.tokens = true;
            if self.call.operation.family() == Family::Langflow {
                self.said.push_str(text);
            }
        }
        self.ready.push_back(event);
        Ok(())
    }

    /// Deletes what the run uploaded, once it has ended.
    pub(crate) async fn clear_after(&mut self, item: &Result<Event, LangflowError>) {
        if !self.call.kept.is_empty() && matches!(item, Ok(Event::End { .. }) | Err(_)) {
            let kept = std::mem::take(&mut self.call.kept);
            self.client.forget_after(&kept, item.as_ref().err()).await;
        }
    }

    /// A server that answers whole where a stream was asked for.
    pub(crate) async fn read_whole(&mut self, html: bool) -> Result<(), LangflowError> {
        let mut body = Vec::new();
        let error = loop {
            let idle = self.client.idle(self.call.operation);
            let (wait, code) = self.call.deadline.limit(idle, ErrorCode::IdleTimeout);
            let waiting = platform::within(wait, self.source.bytes.next());
            let Some(waited) = self.client.closed.unless(pin!(waiting)).await else {
                break Some(closed(true).into());
            };
            match waited {
                Some(Some(Ok(bytes))) => {
                    body.extend_from_slice(&bytes);
                    if body.len() > MAX_ANSWER {
                        break Some(too_large(&self.call).into());
                    }
                }
                Some(None) => break None,
                Some(Some(Err(error))) => {
                    let why = causes(&error);
                    let message = sentence(&format!("The connection was lost: {why}"));
                    let mut info = ErrorInfo::new(ErrorCode::ConnectionLost, message);
                    info.source = cause::underneath(&why, &error);
                    break Some(info.into());
                }
                None => {
                    let message = match code {
                        ErrorCode::IdleTimeout => "The answer stood still.",
                        _ => "The answer was not over in the time of the call.",
                    };
                    break Some(LangflowError::new(code, message));
                }
            }
        };
        let id = self.source.request_id.clone();
        let outcome = match error {
            Some(error) => Err(error),
            None if html && is_page(&self.source.headers, &body) => Err(self
                .client
                .html(&body, &self.source.headers, self.call.operation)
                .await),
            None => parse(&body, self.client.config.wide).and_then(|raw| {
                dialect::result(self.call.operation, raw, &id, self.source.attempts)
            }),
        };
        match outcome {
            Ok(result) => {
                self.ready.push_back(Event::RunStarted {
                    id: None,
                    run_id: None,
                    session_id: result.session_id.clone(),
                    raw: Value::Null,
                });
                self.over = true;
                self.take(Event::End {
                    id: None,
                    result: Box::new(result),
                })
            }
            Err(error) => {
                let mut error = packed(error, &self.source.headers);
                self.fill(error.info_mut());
                self.count(Some(error.code()));
                Err(error)
            }
        }
    }

    fn fill(&self, info: &mut ErrorInfo) {
        if info.phase != Phase::Decode {
            info.phase = Phase::Stream;
        }
        // What answered with a page was no server that could have run the flow; the last two are
        // refusals that come with a success status.
        let asked = !matches!(
            info.code,
            ErrorCode::UnknownServer
                | ErrorCode::Unsupported
                | ErrorCode::UnexpectedHtml
                | ErrorCode::NotFound
                | ErrorCode::BadRequest
        );
        info.may_have_executed = (self.call.run || self.call.operation.follows()) && asked;
        info.request_id
            .get_or_insert_with(|| self.source.request_id.clone());
        self.mark.hint(info);
        self.call.fill(info, None, self.source.attempts);
        info.method = Some(self.source.method.clone());
        info.url = self
            .source
            .url
            .as_ref()
            .map(|url| format!("{}{}", url.origin().ascii_serialization(), url.path()));
    }
}

/// JSON without the mark that some servers write before it, though no JSON begins so.
pub(crate) fn without_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)
}

/// A whole body as JSON.
pub(crate) fn parse(body: &[u8], wide: Wide) -> Result<Value, LangflowError> {
    let body = without_mark(body);
    exact::read(body, wide).map_err(|error| {
        let message = format!("The answer is not JSON: {error}.");
        ErrorInfo::new(ErrorCode::InvalidResponse, message)
            .with_body(body)
            .into()
    })
}

fn decoder(client: &Client) -> Decoder {
    Decoder::new(client.config.max_event).skipping(client.config.skip_malformed)
}

fn fault(fault: Fault) -> LangflowError {
    match fault {
        Fault::TooLarge(limit) => {
            let message = format!("An event of the stream is larger than {limit} bytes.");
            LangflowError::new(ErrorCode::EventTooLarge, message)
        }
        Fault::Malformed(text) => {
            let message = "A line of the stream is neither an event field nor JSON.";
            ErrorInfo::new(ErrorCode::MalformedEvent, message)
                .with_body(text.as_bytes())
                .into()
        }
    }
}
