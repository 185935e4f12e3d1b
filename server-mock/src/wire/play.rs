//! Plays one answer on a connection.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::script::{End, Framing, Reply};

/// How long bytes get to arrive before a reset overtakes them.
const BEFORE_RESET: Duration = Duration::from_millis(15);

/// How an answer went.
pub(super) struct Played {
    /// How many bytes were written.
    pub(super) written: usize,
    /// Whether the client went away before the end.
    pub(super) closed_early: bool,
    /// Whether the connection can take another request.
    pub(super) keep: bool,
}

/// Plays an answer; what the client sends meanwhile goes into `buffer`.
pub(super) async fn play(reply: &Reply, stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Played {
    let mut player = Player {
        stream,
        buffer,
        written: 0,
    };
    let complete = player.answer(reply).await;
    let cut = reply.cut_at.is_some();
    let end = match reply.end {
        End::Keep if cut || reply.framing == Framing::Close => End::Close,
        end => end,
    };
    let mut closed_early = !complete;
    match end {
        _ if closed_early => {}
        End::Stall => {
            player.wait(None).await;
            closed_early = true;
        }
        End::Reset => {
            tokio::time::sleep(BEFORE_RESET).await;
            reset(player.stream);
        }
        End::Close => {
            let _ = player.stream.shutdown().await;
        }
        End::Keep => {}
    }
    let written = player.written;
    Played {
        written,
        closed_early,
        keep: end == End::Keep && !closed_early,
    }
}

/// Waits until the client goes away.
pub(super) async fn stall(stream: &mut TcpStream, buffer: &mut Vec<u8>) {
    Player {
        stream,
        buffer,
        written: 0,
    }
    .wait(None)
    .await;
}

/// Lets the next close of the connection be a reset: a linger time of zero throws away what is
/// still to be sent, and the other side is told by a RST instead of a FIN.
pub(super) fn reset(stream: &TcpStream) {
    let _ = stream.set_zero_linger();
}

struct Player<'a> {
    stream: &'a mut TcpStream,
    buffer: &'a mut Vec<u8>,
    written: usize,
}

impl Player<'_> {
    /// Whether the client was there to the end.
    async fn answer(&mut self, reply: &Reply) -> bool {
        if reply.delay_ms > 0 && !self.wait(Some(Duration::from_millis(reply.delay_ms))).await {
            return false;
        }
        if let Some(raw) = &reply.raw {
            let bytes = raw.bytes();
            return self
                .write(&bytes[..reply.cut_at.unwrap_or(bytes.len()).min(bytes.len())])
                .await;
        }
        let pieces = pieces(reply);
        let total = pieces.iter().map(|(bytes, _)| bytes.len()).sum();
        let mut left = reply.cut_at.unwrap_or(usize::MAX);
        if !self.write(&head(reply, total)).await {
            return false;
        }
        for (bytes, delay) in pieces {
            if left == 0 {
                break;
            }
            if !delay.is_zero() && !self.wait(Some(delay)).await {
                return false;
            }
            let bytes = &bytes[..left.min(bytes.len())];
            left -= bytes.len();
            if bytes.is_empty() {
                continue;
            }
            let framed = match reply.framing {
                Framing::Chunked => {
                    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
                }
                Framing::ContentLength | Framing::Close => bytes.to_vec(),
            };
            if !self.write(&framed).await {
                return false;
            }
        }
        let whole = reply.cut_at.is_none() && matches!(reply.end, End::Keep | End::Close);
        !(whole && reply.framing == Framing::Chunked) || self.write(b"0\r\n\r\n").await
    }

    async fn write(&mut self, bytes: &[u8]) -> bool {
        let done = self.stream.write_all(bytes).await.is_ok() && self.stream.flush().await.is_ok();
        if done {
            self.written += bytes.len();
        }
        done
    }

    /// Waits for a time, or for ever; `false` as soon as the client is gone.
    async fn wait(&mut self, time: Option<Duration>) -> bool {
        let gone = async {
            while matches!(self.stream.read_buf(self.buffer).await, Ok(count) if count > 0) {}
        };
        match time {
            Some(time) => tokio::time::timeout(time, gone).await.is_err(),
            None => {
                gone.await;
                false
            }
        }
    }
}

fn pieces(reply: &Reply) -> Vec<(Vec<u8>, Duration)> {
    if let Some(chunks) = &reply.chunks {
        let piece = |chunk: &super::Chunk| {
            (
                chunk.bytes().to_vec(),
                Duration::from_millis(chunk.delay_ms),
            )
        };
        return chunks.iter().map(piece).collect();
    }
    let whole = match (&reply.json, &reply.body) {
        (Some(json), _) => json.to_string().into_bytes(),
        (None, Some(body)) => body.bytes().to_vec(),
        (None, None) => return Vec::new(),
    };
    vec![(whole, Duration::ZERO)]
}

fn head(reply: &Reply, length: usize) -> Vec<u8> {
    let usual = http::StatusCode::from_u16(reply.status)
        .ok()
        .and_then(|it| it.canonical_reason());
    let reason = reply.reason.as_deref().or(usual).unwrap_or("Unknown");
    let mut head = format!("HTTP/1.1 {} {reason}\r\n", reply.status);
    for (name, value) in &reply.headers.0 {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let mut add = |name: &str, value: &str| {
        if !reply.headers.contains(name) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
    };
    if reply.json.is_some() {
        add("content-type", "application/json");
    }
    let bodyless = matches!(reply.status, 100..=199 | 204 | 304);
    match reply.framing {
        Framing::ContentLength if bodyless => {}
        Framing::ContentLength => add("content-length", &length.to_string()),
        Framing::Chunked => add("transfer-encoding", "chunked"),
        Framing::Close => add("connection", "close"),
    }
    head.push_str("\r\n");
    head.into_bytes()
}
