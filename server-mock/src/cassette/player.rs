//! Plays recordings, and makes them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use http::{HeaderMap, HeaderName, HeaderValue, Response, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::Value;
use tokio::sync::mpsc;

use super::redact::without;
use super::tape::{Answered, Asked, Piece, Tape};
use super::{Cassettes, HEADER, bytes_of, readable};
use crate::app::App;
use crate::http::{Cut, Reply};

/// Headers of a connection, which is another one when the answer is played.
const LEFT_OUT: [HeaderName; 5] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::SET_COOKIE,
];

/// How long bytes get to leave before the connection breaks.
const BEFORE_END: Duration = Duration::from_millis(15);

/// Gives a recording as an answer, in the time that it took.
pub(super) async fn play(app: &Arc<App>, tape: Tape, speed: f64) -> Reply {
    let answer = tape.response;
    let pause = move |after_ms: f64| match speed > 0.0 {
        true => Duration::try_from_secs_f64(after_ms / 1000.0 / speed).unwrap_or_default(),
        false => Duration::ZERO,
    };
    let headers = answer.headers.iter().filter_map(|(name, value)| {
        let name = HeaderName::try_from(name.as_str()).ok()?;
        Some((name, HeaderValue::try_from(value.as_str()).ok()?))
    });
    let headers: HeaderMap = headers.collect();
    let first = pause(answer.after_ms);
    if !first.is_zero() {
        app.clock.rest(first).await;
    }
    if answer.events.is_empty() && !answer.broken {
        return Reply::foreign(answer.status, headers).with_body(bytes_of(&answer.body));
    }
    let whole = (!answer.body.is_null()).then(|| Piece {
        after_ms: 0.0,
        data: answer.body.clone(),
    });
    let pieces = whole.into_iter().chain(answer.events);
    let pieces = pieces.map(move |piece| {
        let bytes = Bytes::from(bytes_of(&piece.data));
        (pause(piece.after_ms), Ok(bytes))
    });
    let end = answer.broken.then_some((Duration::ZERO, Err(Cut)));
    let clock = app.clock.clone();
    let body = futures::stream::iter(pieces.chain(end)).then(move |(pause, piece)| {
        let clock = clock.clone();
        async move {
            if !pause.is_zero() {
                clock.rest(pause).await;
            }
            if piece.is_err() {
                tokio::time::sleep(BEFORE_END).await;
            }
            piece
        }
    });
    Reply::foreign(answer.status, headers).with_pieces(body.boxed())
}

/// Hands an answer on as it comes, and keeps it once it has ended.
pub(super) fn record(
    app: &Arc<App>,
    cassettes: &Arc<Cassettes>,
    asked: Asked,
    secrets: Vec<String>,
    begun: Instant,
    answer: Response<Incoming>,
) -> Reply {
    let (head, mut body) = answer.into_parts();
    let mut headers = head.headers;
    for name in &LEFT_OUT {
        headers.remove(name);
    }
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|it| it.to_str().ok()).unwrap_or_default();
    let streams = kind.starts_with("text/event-stream");
    let mut recorder = Recorder {
        cassettes: Arc::clone(cassettes),
        asked,
        secrets,
        streams,
        status: head.status.as_u16(),
        headers: headers.clone(),
        after: begun.elapsed(),
        last: Instant::now(),
        buffer: BytesMut::new(),
        pieces: Vec::new(),
    };
    let (send, mut receive) = mpsc::channel(16);
    app.tasks.spawn(async move {
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else {
                recorder.end(true);
                tokio::time::sleep(BEFORE_END).await;
                let _ = send.send(Err(Cut)).await;
                return;
            };
            let Ok(bytes) = frame.into_data() else {
                continue;
            };
            recorder.take(&bytes);
            // Who leaves does not want the rest, and there is no whole answer to keep.
            if send.send(Ok(bytes)).await.is_err() {
                return;
            }
        }
        // Kept before the client knows that it has all of it.
        recorder.end(false);
    });
    let body = futures::stream::poll_fn(move |context| receive.poll_recv(context));
    Reply::foreign(head.status.as_u16(), headers)
        .with_pieces(body.boxed())
        .header(HEADER, "recorded")
}

/// An answer on its way into a recording.
struct Recorder {
    cassettes: Arc<Cassettes>,
    asked: Asked,
    secrets: Vec<String>,
    streams: bool,
    status: u16,
    headers: HeaderMap,
    after: Duration,
    last: Instant,
    buffer: BytesMut,
    pieces: Vec<Piece>,
}

impl Recorder {
    /// Takes bytes. Only whole events are noted, so that no key hides in two halves.
    fn take(&mut self, bytes: &Bytes) {
        self.buffer.extend_from_slice(bytes);
        if !self.streams {
            return;
        }
        while let Some(end) = end_of_event(&self.buffer) {
            let event = self.buffer.split_to(end);
            let data = self.shown(&event);
            let now = Instant::now();
            self.pieces.push(Piece {
                after_ms: milliseconds(now - self.last),
                data,
            });
            self.last = now;
        }
    }

    fn shown(&self, bytes: &[u8]) -> Value {
        let redactor = &self.cassettes.redactor;
        let bytes = match std::str::from_utf8(bytes) {
            Ok(text) => redactor.text(&without(&self.secrets, text)).into_bytes(),
            Err(_) => bytes.to_vec(),
        };
        match self.streams {
            true => String::from_utf8_lossy(&bytes).into_owned().into(),
            false => readable(&bytes),
        }
    }

    fn end(mut self, broken: bool) {
        let rest = std::mem::take(&mut self.buffer);
        let mut body = Value::Null;
        if self.streams && !rest.is_empty() {
            let data = self.shown(&rest);
            self.pieces.push(Piece {
                after_ms: milliseconds(self.last.elapsed()),
                data,
            });
        } else if !self.streams {
            body = self.shown(&rest);
        }
        let headers = self.headers.iter().filter_map(|(name, value)| {
            let value = without(&self.secrets, value.to_str().ok()?);
            let value = self.cassettes.redactor.header(name.as_str(), &value);
            Some((name.as_str().to_owned(), value))
        });
        let response = Answered {
            status: self.status,
            headers: headers.collect(),
            after_ms: milliseconds(self.after),
            body,
            events: std::mem::take(&mut self.pieces),
            broken,
        };
        let tape = Tape {
            request: self.asked,
            response,
            file: String::new(),
            played: false,
            recorded: true,
        };
        if let Err(error) = self.cassettes.keep(tape) {
            *self.cassettes.lost() = Some(error.to_string());
        }
    }
}

/// Where the first whole event ends.
fn end_of_event(bytes: &[u8]) -> Option<usize> {
    let after = |end: &[u8]| {
        let at = bytes.windows(end.len()).position(|it| it == end);
        at.map(|at| at + end.len())
    };
    match (after(b"\n\n"), after(b"\r\n\r\n")) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

fn milliseconds(time: Duration) -> f64 {
    // To a tenth: more is noise.
    (time.as_secs_f64() * 10_000.0).round() / 10.0
}
