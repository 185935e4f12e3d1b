//! The pieces of an answer: the events of a stream, or a whole body. Comments that keep a stream
//! open are no events.

use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use futures::stream::BoxStream;

use crate::double::faults::{Break, Place, Seam};

/// A piece of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) bytes: Bytes,
    /// Whether it is an event of a stream.
    pub(super) event: bool,
    /// Whether a pause shall follow it.
    pub(super) pause: bool,
}

type Pieces = BoxStream<'static, Piece>;

impl Piece {
    fn of(bytes: Bytes, event: bool) -> Self {
        Self {
            bytes,
            event,
            pause: false,
        }
    }
}

/// A whole body as one piece.
pub(super) fn whole(bytes: Bytes) -> Pieces {
    futures::stream::iter([Piece::of(bytes, false)]).boxed()
}

/// The events of a stream, one by one. The server never divides an event.
pub(super) fn events(frames: BoxStream<'static, Bytes>) -> Pieces {
    let split = |mut bytes: Bytes| {
        let mut pieces = Vec::new();
        while !bytes.is_empty() {
            let end = bytes.windows(2).position(|two| two == b"\n\n");
            let frame = bytes.split_to(end.map_or(bytes.len(), |end| end + 2));
            let event = !frame.starts_with(b":");
            pieces.push(Piece::of(frame, event));
        }
        futures::stream::iter(pieces)
    };
    frames.flat_map(split).boxed()
}

/// Finds the place where an answer breaks.
pub(super) struct Cutter {
    at: Place,
    events: usize,
    bytes: usize,
}

impl Cutter {
    pub(super) fn new(place: &Break) -> Self {
        Self {
            at: place.at,
            events: place.events,
            bytes: place.bytes,
        }
    }

    /// Whether the place is reached.
    pub(super) fn done(&self) -> bool {
        match self.at {
            Place::BeforeHeaders | Place::AfterHeaders => true,
            Place::AfterEvents => self.events == 0,
            Place::AfterBytes => self.bytes == 0,
        }
    }

    /// What of a piece comes before the place, and what after it.
    pub(super) fn take(&mut self, piece: Piece) -> (Bytes, Option<Piece>) {
        let length = piece.bytes.len();
        let kept = match self.at {
            Place::AfterBytes => self.bytes.min(length),
            // No stream: the middle has to do.
            _ if !piece.event && !piece.bytes.starts_with(b":") => length / 2,
            _ => length,
        };
        if self.at == Place::AfterBytes {
            self.bytes -= kept;
        } else if piece.event {
            self.events -= 1;
        }
        let mut rest = piece.bytes;
        let before = rest.split_to(kept);
        let after = (!rest.is_empty()).then(|| Piece::of(rest, false));
        (before, after)
    }
}

/// The data of an event without its last byte, so that it is no JSON any more.
pub(super) fn corrupt(pieces: Pieces, number: usize) -> Pieces {
    numbered(pieces, move |at, piece| {
        if at == number {
            let text = piece.bytes.strip_suffix(b"\n\n").unwrap_or(&piece.bytes);
            let mut bytes = BytesMut::from(&text[..text.len().saturating_sub(1)]);
            bytes.extend_from_slice(b"\n\n");
            return vec![Piece::of(bytes.freeze(), true)];
        }
        vec![piece]
    })
}

/// An event twice.
pub(super) fn duplicate(pieces: Pieces, number: usize) -> Pieces {
    numbered(pieces, move |at, piece| {
        if at == number {
            return vec![piece.clone(), piece];
        }
        vec![piece]
    })
}

/// An event after the piece that follows it.
pub(super) fn reorder(pieces: Pieces, number: usize) -> Pieces {
    let swapped = futures::stream::unfold((pieces, 0), move |(mut pieces, seen)| async move {
        let piece = pieces.next().await?;
        let seen = seen + usize::from(piece.event);
        let mut group = vec![piece];
        if group[0].event
            && seen == number
            && let Some(next) = pieces.next().await
        {
            let after = seen + usize::from(next.event);
            group.insert(0, next);
            return Some((group, (pieces, after)));
        }
        Some((group, (pieces, seen)))
    });
    swapped.flat_map(futures::stream::iter).boxed()
}

/// Two pieces with a pause between them, at an awkward place.
pub(super) fn split(pieces: Pieces, seam: Seam) -> Pieces {
    let mut done = false;
    let halves = pieces.flat_map(move |piece| {
        let place = match seam {
            _ if done => None,
            Seam::Character => piece.bytes.iter().position(|byte| *byte >= 0xc2),
            Seam::Data if piece.event => {
                let data = piece.bytes.windows(5).position(|five| five == b"data:");
                data.map(|at| at + 1)
            }
            Seam::Data => Some(piece.bytes.len() / 2),
            Seam::Everywhere => None,
        };
        let halves = match place {
            Some(at) => {
                done = true;
                let mut rest = piece.bytes.clone();
                let first = rest.split_to((at + 1).min(rest.len()));
                vec![
                    Piece {
                        pause: true,
                        ..Piece::of(first, false)
                    },
                    Piece::of(rest, false),
                ]
            }
            None if seam == Seam::Everywhere => {
                let bytes = piece.bytes.chunks(1);
                bytes
                    .map(|byte| Piece::of(Bytes::copy_from_slice(byte), false))
                    .collect()
            }
            None => vec![piece],
        };
        futures::stream::iter(halves)
    });
    halves.boxed()
}

/// Changes events by their numbers, from 1.
fn numbered(
    pieces: Pieces,
    mut change: impl FnMut(usize, Piece) -> Vec<Piece> + Send + 'static,
) -> Pieces {
    let mut number = 0;
    pieces
        .flat_map(move |piece| {
            let pieces = if piece.event {
                number += 1;
                change(number, piece)
            } else {
                vec![piece]
            };
            futures::stream::iter(pieces)
        })
        .boxed()
}
