//! Whatever comes in pieces, pulled in batches: events of a run, items of many runs, the progress
//! of a transfer, alerts.

use std::sync::atomic::{AtomicBool, Ordering};

use futures::{FutureExt as _, StreamExt as _};
use serde_json::Value;
use tokio::sync::{Mutex, Notify};

use super::{ErrorJson, HeldResult, ManyResult, guard};
use crate::error::LangflowError;
use crate::event::Event;
use crate::exact;
use crate::platform::BoxStream;

/// Events that one batch holds at most: what is beyond waits, so that a slow reader slows the
/// server down instead of filling memory.
const BATCH: usize = 256;

type Events = BoxStream<Result<Item, LangflowError>>;

/// One event as it crosses.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// A piece of a run's text: most of what a stream is made of, so that a host may take it without
    /// JSON between.
    Token {
        /// The event's id on the wire, where it has one.
        id: Option<String>,
        /// The piece.
        text: String,
        /// It is the whole text of a flow that sent no tokens.
        synthetic: bool,
    },
    /// One of many runs that has its result.
    Result(Box<ManyResult>),
    /// The end of a run, with its result.
    End {
        /// The event's id on the wire, where it has one.
        id: Option<String>,
        /// What the run came to.
        result: Box<HeldResult>,
    },
    /// All else, as a JSON object.
    Json(Value),
}

impl Item {
    /// The event of a run.
    pub(super) fn of(event: Event) -> Item {
        match event {
            Event::Token {
                id,
                text,
                synthetic,
            } => Item::Token {
                id,
                text,
                synthetic,
            },
            Event::End { id, result } => Item::End {
                id,
                result: Box::new(result.into()),
            },
            event => Item::Json(event.to_json()),
        }
    }

    /// Adds the event to a JSON text.
    fn write(self, text: &mut Vec<u8>) {
        // Writing to memory does not fail, and both have only texts for keys.
        let _ = match self {
            Item::Json(value) => serde_json::to_writer(text, &value),
            Item::Result(run) => run.write(text),
            Item::End { id, result } => result.write_end(id.as_deref(), text),
            Item::Token {
                id,
                text: piece,
                synthetic,
            } => {
                let event = Event::Token {
                    id,
                    text: piece,
                    synthetic,
                };
                serde_json::to_writer(text, &event)
            }
        };
    }
}

/// Events, pulled in batches. An error ends them.
pub struct EventStream {
    stream: Mutex<Option<Events>>,
    failed: std::sync::Mutex<Option<LangflowError>>,
    closed: AtomicBool,
    wake: Notify,
}

impl EventStream {
    pub(super) fn new(
        stream: impl futures::Stream<Item = Result<Value, LangflowError>>
        + crate::platform::MaybeSend
        + 'static,
    ) -> EventStream {
        EventStream::of(stream.map(|item| item.map(Item::Json)))
    }

    pub(super) fn of(
        stream: impl futures::Stream<Item = Result<Item, LangflowError>>
        + crate::platform::MaybeSend
        + 'static,
    ) -> EventStream {
        EventStream {
            stream: Mutex::new(Some(Box::pin(stream))),
            failed: std::sync::Mutex::default(),
            closed: AtomicBool::new(false),
            wake: Notify::new(),
        }
    }

    /// Waits for an event and answers with every event that is there then, as a JSON list; `None`
    /// after the last one and after [`EventStream::close`].
    pub async fn next_batch(&self) -> Result<Option<String>, ErrorJson> {
        let Some(items) = self.next_items().await? else {
            return Ok(None);
        };
        let mut text = Vec::with_capacity(64 * items.len());
        for item in items {
            text.push(if text.is_empty() { b'[' } else { b',' });
            item.write(&mut text);
        }
        text.push(b']');
        Ok(String::from_utf8(exact::restore(text)).ok())
    }

    /// As [`EventStream::next_batch`], each event by itself.
    pub async fn next_items(&self) -> Result<Option<Vec<Item>>, ErrorJson> {
        guard(async {
            let mut place = Place {
                stream: self.stream.lock().await,
                closed: &self.closed,
            };
            if let Some(error) = self.failed().take() {
                return Err(error);
            }
            // Registered before the flag is read, so that no `close` falls between.
            let mut closed = std::pin::pin!(self.wake.notified());
            closed.as_mut().enable();
            if self.closed.load(Ordering::Acquire) {
                *place.stream = None;
            }
            let Some(stream) = place.stream.as_mut() else {
                return Ok(None);
            };
            let mut next = match futures::future::select(closed, stream.next()).await {
                futures::future::Either::Left(_) => None,
                futures::future::Either::Right((item, _)) => item,
            };
            let mut batch = Vec::new();
            let over = loop {
                match next {
                    None => break true,
                    Some(Ok(event)) => batch.push(event),
                    Some(Err(error)) => {
                        *self.failed() = Some(error);
                        break true;
                    }
                }
                if batch.len() >= BATCH {
                    break false;
                }
                let more = match stream.next().now_or_never() {
                    // What the connection has read already comes a piece at a time: it needs its turn
                    // to hand over the next one, which costs less than a batch of its own.
                    None => {
                        crate::platform::turn().await;
                        stream.next().now_or_never()
                    }
                    more => more,
                };
                match more {
                    Some(item) => next = item,
                    None => break false,
                }
            };
            if over {
                // Frees the connection now, not when the host collects its garbage.
                *place.stream = None;
            }
            if batch.is_empty() {
                return match self.failed().take() {
                    Some(error) => Err(error),
                    None => Ok(None),
                };
            }
            Ok(Some(batch))
        })
        .await
    }

    /// Ends the stream and closes its connection; a waiting `next_batch` answers `None`.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.wake.notify_waiters();
        if let Ok(mut place) = self.stream.try_lock() {
            *place = None;
        }
    }

    fn failed(&self) -> std::sync::MutexGuard<'_, Option<LangflowError>> {
        self.failed
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl std::fmt::Debug for EventStream {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("EventStream")
            .field("closed", &self.closed)
            .finish_non_exhaustive()
    }
}

/// The stream while a batch is waited for. A host that closes and then drops the waiting future
/// leaves nobody else to close the connection.
struct Place<'a> {
    stream: tokio::sync::MutexGuard<'a, Option<Events>>,
    closed: &'a AtomicBool,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if self.closed.load(Ordering::Acquire) {
            *self.stream = None;
        }
    }
}
