//! Answers that go wrong on purpose. What has to be below HTTP is told to the connection.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use tokio::sync::mpsc;

use super::line::{Cut, Line};
use super::pieces::{self, Piece};
use super::reply::Reply;
use crate::app::App;
use crate::double::faults::{Break, Chosen, Kind, Place};
use crate::problem::Problem;

/// How long bytes get to arrive before a reset overtakes them.
const BEFORE_END: Duration = Duration::from_millis(15);

/// How many times a second a drip drips.
const DRIPS: u64 = 20;

/// What a fault makes of a request before anybody looks at it.
pub(super) enum Before {
    /// The request is answered as usual, so far.
    Proceed,
    /// This is the answer; nothing is done.
    Instead(Reply),
}

/// Does what a fault does before there is an answer.
pub(super) async fn before(
    fault: &Chosen,
    line: &Line,
    refuse: impl Fn(&Problem) -> Reply,
) -> Result<Before, Cut> {
    match &fault.kind {
        Kind::Status {
            status,
            retry_after,
            body,
            content_type,
        } => {
            let mut reply = match body {
                Some(body) => {
                    let media = content_type.as_deref().unwrap_or("text/html");
                    Reply::text(*status, media, body.clone())
                }
                None => refuse(&Problem::of_status(*status)),
            };
            if let Some(seconds) = retry_after {
                reply = reply.header("retry-after", seconds.to_string());
            }
            Ok(Before::Instead(reply))
        }
        Kind::RateLimited { retry_after } => {
            let problem = Problem::new(
                "rate_limited",
                format!("Too many requests; come back in {retry_after} s."),
            );
            let problem = problem.header("retry-after", retry_after.to_string());
            Ok(Before::Instead(refuse(&problem)))
        }
        Kind::Latency(latency) => {
            // The second chance may be any number that the first does not give away.
            let second = (fault.chance * 7919.0).fract();
            tokio::time::sleep(latency.draw(fault.chance, second)).await;
            Ok(Before::Proceed)
        }
        Kind::Reset(Break {
            at: Place::BeforeHeaders,
            ..
        }) => {
            line.reset();
            Err(Cut)
        }
        Kind::Close(Break {
            at: Place::BeforeHeaders,
            ..
        }) => Err(Cut),
        Kind::Stall(Break {
            at: Place::BeforeHeaders,
            seconds,
            ..
        }) => {
            stall(*seconds).await;
            Ok(Before::Proceed)
        }
        _ => Ok(Before::Proceed),
    }
}

/// Does what a fault does to an answer.
pub(super) fn after(app: &App, fault: Chosen, line: Arc<Line>, reply: Reply) -> Reply {
    let reply = reply.header("x-mock-fault", fault.label());
    match fault.kind {
        Kind::Status { .. }
        | Kind::RateLimited { .. }
        | Kind::Quota { .. }
        | Kind::Outage { .. }
        | Kind::Latency(_) => reply,
        Kind::Reset(ref place) | Kind::Close(ref place) | Kind::Stall(ref place)
            if place.at == Place::BeforeHeaders =>
        {
            reply
        }
        Kind::SlowClose { seconds } => {
            line.linger(Duration::from_secs_f64(seconds));
            reply.header("connection", "close")
        }
        Kind::MalformedJson {} => reply.map_whole(|body| {
            let shorter = body.len().saturating_sub(1);
            body.slice(..shorter)
        }),
        Kind::Truncate { bytes, .. } if !reply.is_stream() => reply.map_whole(|body| {
            let kept = bytes.unwrap_or(body.len() / 2).min(body.len());
            body.slice(..kept)
        }),
        kind => {
            let missing = match kind {
                Kind::ContentLength { missing } => Some(missing),
                _ => None,
            };
            let (send, receive) = mpsc::channel(1);
            let (reply, body) = reply.take_apart(missing, stream_of(receive));
            app.tasks.spawn(async move {
                let out = Out { send, line };
                // None: the client went away.
                let _ = out.play(&kind, body).await;
            });
            reply
        }
    }
}

fn stream_of(
    mut receive: mpsc::Receiver<Result<Bytes, Cut>>,
) -> BoxStream<'static, Result<Bytes, Cut>> {
    futures::stream::poll_fn(move |context| receive.poll_recv(context)).boxed()
}

/// Waits for a time, or for ever.
async fn stall(seconds: Option<f64>) {
    match seconds {
        Some(seconds) => tokio::time::sleep(Duration::from_secs_f64(seconds)).await,
        None => std::future::pending().await,
    }
}

/// The way out of an answer, piece by piece.
struct Out {
    send: mpsc::Sender<Result<Bytes, Cut>>,
    line: Arc<Line>,
}

impl Out {
    /// Sends a piece; `None` once nobody takes it.
    async fn piece(&self, bytes: Bytes) -> Option<()> {
        if bytes.is_empty() {
            return Some(());
        }
        self.send.send(Ok(bytes)).await.ok()
    }

    async fn rest(&self, mut pieces: BoxStream<'static, Piece>) -> Option<()> {
        while let Some(piece) = pieces.next().await {
            self.piece(piece.bytes).await?;
        }
        Some(())
    }

    async fn cut(&self, reset: bool) -> Option<()> {
        tokio::time::sleep(BEFORE_END).await;
        if reset {
            self.line.reset();
        }
        self.send.send(Err(Cut)).await.ok()
    }

    async fn play(&self, kind: &Kind, pieces: BoxStream<'static, Piece>) -> Option<()> {
        match kind {
            Kind::Reset(place) => {
                let _rest = self.until(place, pieces).await?;
                self.cut(true).await
            }
            Kind::Close(place) => {
                let _rest = self.until(place, pieces).await?;
                self.cut(false).await
            }
            Kind::Stall(place) => {
                let rest = self.until(place, pieces).await?;
                tokio::select! {
                    () = stall(place.seconds) => {}
                    () = self.send.closed() => return None,
                }
                self.rest(rest).await
            }
            Kind::Truncate { events, bytes } => {
                let place = Break {
                    at: bytes.map_or(Place::AfterEvents, |_| Place::AfterBytes),
                    events: *events,
                    bytes: bytes.unwrap_or_default(),
                    seconds: None,
                };
                self.until(&place, pieces).await.map(drop)
            }
            Kind::CorruptEvent { event } => self.rest(pieces::corrupt(pieces, *event)).await,
            Kind::DuplicateEvent { event } => self.rest(pieces::duplicate(pieces, *event)).await,
            Kind::ReorderEvents { event } => self.rest(pieces::reorder(pieces, *event)).await,
            Kind::Drip { bytes_per_second } => self.drip(pieces, *bytes_per_second).await,
            Kind::Split { at, pause_ms } => {
                let pause = Duration::from_millis(*pause_ms);
                let mut halves = pieces::split(pieces, *at);
                while let Some(piece) = halves.next().await {
                    self.piece(piece.bytes).await?;
                    if piece.pause {
                        tokio::time::sleep(pause).await;
                    }
                }
                Some(())
            }
            Kind::ContentLength { .. } => {
                self.rest(pieces).await?;
                // What is there gets out before the connection ends for what is not.
                tokio::time::sleep(BEFORE_END).await;
                Some(())
            }
            _ => self.rest(pieces).await,
        }
    }

    /// Sends what comes before a place; what comes after it.
    async fn until(
        &self,
        place: &Break,
        pieces: BoxStream<'static, Piece>,
    ) -> Option<BoxStream<'static, Piece>> {
        let mut pieces = pieces;
        let mut cutter = pieces::Cutter::new(place);
        while !cutter.done() {
            let Some(piece) = pieces.next().await else {
                break;
            };
            let (before, after) = cutter.take(piece);
            self.piece(before).await?;
            if let Some(after) = after {
                return Some(futures::stream::iter([after]).chain(pieces).boxed());
            }
        }
        Some(pieces)
    }

    async fn drip(&self, mut pieces: BoxStream<'static, Piece>, speed: u64) -> Option<()> {
        let size = usize::try_from(speed.div_ceil(DRIPS)).unwrap_or(usize::MAX);
        while let Some(piece) = pieces.next().await {
            for drop in piece.bytes.chunks(size) {
                self.piece(Bytes::copy_from_slice(drop)).await?;
                let seconds = drop.len() as f64 / speed as f64;
                tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
            }
        }
        Some(())
    }
}
