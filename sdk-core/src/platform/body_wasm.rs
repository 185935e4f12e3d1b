//! A browser says neither how far it has sent a body nor has it files.

use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use tokio::sync::watch;

use super::{Far, Piece};

/// Whether any of a request has been handed to a connection: not known here.
#[derive(Debug, Clone, Default)]
pub struct Sent;

impl Sent {
    /// Always, to be on the safe side.
    pub fn begun(&self) -> bool {
        true
    }
}

/// Nothing can be watched here.
pub fn watch(_: &mut super::Request) -> Sent {
    Sent
}

/// Gives the request a body of these pieces, whole.
pub fn attach(
    request: &mut super::Request,
    pieces: Vec<Piece>,
    progress: Option<watch::Sender<Far>>,
) -> Sent {
    let mut whole = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Bytes(bytes) => whole.extend_from_slice(&bytes),
            // Refused long before: `HAS_FILES`.
            Piece::File(path, _) => tracing::error!(?path, "there are no files here"),
            Piece::Feed(feed) => match feed {},
        }
    }
    if let Some(progress) = progress {
        progress.send_modify(|far| far.sent = whole.len() as u64);
    }
    *request.body_mut() = Some(whole.into());
    Sent
}

/// There are no files.
pub fn beginning(_: &Path) -> Bytes {
    Bytes::new()
}

/// There are no files.
pub fn file_size(_: &Path) -> io::Result<u64> {
    Err(io::ErrorKind::Unsupported.into())
}

/// There are no files.
#[derive(Debug)]
pub enum Sink {}

impl Sink {
    /// There are no files.
    pub async fn create(_: PathBuf) -> io::Result<Sink> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Never called.
    pub async fn write(&mut self, _: Bytes) -> io::Result<()> {
        match *self {}
    }

    /// Never called.
    pub async fn finish(&mut self) -> io::Result<()> {
        match *self {}
    }
}
