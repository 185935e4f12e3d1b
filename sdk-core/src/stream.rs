//! A run as a stream of events with exactly one end: the result, or an error that carries the text
//! so far.

use std::pin::Pin;
use std::task::{Context, Poll};

use crate::platform::http::HeaderMap;
use crate::platform::url::Url;
use bytes::Bytes;
use futures::{Stream, StreamExt as _};

use crate::call::{Call, Counted, Opened};
use crate::client::Client;
use crate::error::{ErrorCode, LangflowError};
use crate::event::Event;
use crate::headers::has_type;
use crate::limits::Place;
use crate::platform::{self, BoxStream};
use crate::reader::Reader;
use crate::run::RunResult;

/// Events of a run as they come. Dropping it closes the connection.
///
/// ```no_run
/// # async fn example(client: langflow_client::Client) -> Result<(), langflow_client::LangflowError> {
/// use futures::StreamExt;
/// use langflow_client::{Event, RunRequest};
///
/// let mut stream = client.stream_flow(RunRequest::new("your-flow-id", "Hello!")).await?;
/// while let Some(event) = stream.next().await {
///     match event? {
///         Event::Token { text, .. } => print!("{text}"),
///         Event::End { result, .. } => println!("\n{:?} s", result.metadata.duration),
///         _ => {}
///     }
/// }
/// # Ok(()) }
/// ```
pub struct RunStream {
    events: Option<BoxStream<Result<Event, LangflowError>>>,
    text: String,
    request_id: String,
}

/// Bytes of a stream, from whichever builder made the request.
pub(crate) struct Source {
    pub(crate) bytes: BoxStream<Result<Bytes, platform::ConnectionError>>,
    pub(crate) headers: HeaderMap,
    pub(crate) attempts: u32,
    pub(crate) request_id: String,
    pub(crate) method: String,
    pub(crate) url: Option<Url>,
    pub(crate) counted: Option<Counted>,
    /// Given back with the connection.
    #[expect(dead_code, reason = "held, not read")]
    pub(crate) place: Option<Place>,
}

impl Source {
    pub(crate) fn of(opened: Opened, call: &Call, url: Url) -> Source {
        Source {
            headers: opened.response.headers().clone(),
            attempts: opened.attempts,
            request_id: opened.request_id,
            method: call.operation.method.to_owned(),
            url: Some(url),
            counted: opened.counted,
            place: opened.place,
            bytes: platform::body_stream(opened.response),
        }
    }
}

impl RunStream {
    pub(crate) async fn open(
        client: &Client,
        call: Call,
        opened: Opened,
        url: Url,
    ) -> Result<RunStream, LangflowError> {
        let source = Source::of(opened, &call, url);
        RunStream::read(client, call, source).await
    }

    /// Begins to read. An answer that is whole at once becomes a stream of its one event.
    pub(crate) async fn read(
        client: &Client,
        call: Call,
        source: Source,
    ) -> Result<RunStream, LangflowError> {
        let request_id = source.request_id.clone();
        let html = has_type(&source.headers, "text/html");
        let whole = has_type(&source.headers, "application/json");
        let mut reader = Reader::new(client.clone(), call, source);
        if html || whole {
            reader.read_whole(html).await?;
        }
        let events = futures::stream::unfold(reader, |mut reader| async move {
            let item = reader.next().await?;
            reader.clear_after(&item).await;
            Some((item, reader))
        });
        Ok(RunStream {
            events: Some(Box::pin(events)),
            text: String::new(),
            request_id,
        })
    }

    /// The text of all tokens so far.
    pub fn text_so_far(&self) -> &str {
        &self.text
    }

    /// Id of the call.
    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    /// The pieces of text alone.
    pub fn text_stream(self) -> impl Stream<Item = Result<String, LangflowError>> {
        self.filter_map(|item| {
            std::future::ready(match item {
                Ok(Event::Token { text, .. }) => Some(Ok(text)),
                Ok(_) => None,
                Err(error) => Some(Err(error)),
            })
        })
    }

    /// Reads to the end; the result is what [`Client::run_flow`] would have answered.
    ///
    /// # Errors
    /// What the stream ended with instead of a result.
    pub async fn final_result(mut self) -> Result<RunResult, LangflowError> {
        while let Some(event) = self.next().await {
            if let Event::End { result, .. } = event? {
                return Ok(*result);
            }
        }
        Err(LangflowError::new(
            ErrorCode::StreamInterrupted,
            "The stream had been read to its end before.",
        ))
    }
}

impl std::fmt::Debug for RunStream {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("RunStream")
            .field("request_id", &self.request_id)
            .field("over", &self.events.is_none())
            .finish_non_exhaustive()
    }
}

impl Stream for RunStream {
    type Item = Result<Event, LangflowError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(events) = self.events.as_mut() else {
            return Poll::Ready(None);
        };
        let item = match events.as_mut().poll_next(context) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(item) => item,
        };
        Poll::Ready(match item {
            Some(Ok(event)) => {
                if let Some(text) = event.token() {
                    self.text.push_str(text);
                }
                if matches!(event, Event::End { .. }) {
                    self.events = None;
                }
                Some(Ok(event))
            }
            Some(Err(mut error)) => {
                self.events = None;
                error.info_mut().partial_text = Some(std::mem::take(&mut self.text));
                Some(Err(error))
            }
            None => {
                self.events = None;
                None
            }
        })
    }
}
