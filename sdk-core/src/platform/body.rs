//! Bodies that say how far they have been sent, and files.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::wire::Request;
use super::{Far, Feed, Piece};

/// Bytes that are handed to a connection at a time.
const CHUNK: usize = 64 * 1024;

/// Whether any of a request has been handed to a connection.
#[derive(Debug, Clone, Default)]
pub struct Sent(Option<Arc<AtomicBool>>);

impl Sent {
    /// False only where it is certain that no byte of the request was written: hyper asks for the
    /// body in the same step in which it writes the head, and not before there is a connection.
    pub fn begun(&self) -> bool {
        self.0
            .as_ref()
            .is_none_or(|begun| begun.load(Ordering::Acquire))
    }

    fn begin(&self) {
        if let Some(begun) = &self.0 {
            begun.store(true, Ordering::Release);
        }
    }
}

/// Watches the body of a request. A request without one cannot be watched, and counts as sent.
pub fn watch(request: &mut Request) -> Sent {
    let Some(bytes) = request.body_mut().take_if(|bytes| !bytes.is_empty()) else {
        return Sent::default();
    };
    let begun = Arc::new(AtomicBool::new(false));
    let sent = Sent(Some(begun));
    request.send_instead(Body::Whole(bytes, sent.clone()));
    sent
}

/// Gives the request a body of these pieces; `progress` hears how many bytes were taken.
pub fn attach(
    request: &mut Request,
    pieces: Vec<Piece>,
    progress: Option<watch::Sender<Far>>,
) -> Sent {
    let begun = Arc::new(AtomicBool::new(false));
    let left = pieces.iter().map(Piece::len).sum();
    let mut parts: Vec<_> = pieces.into_iter().map(Part::from).collect();
    parts.reverse();
    let sent = Sent(Some(begun));
    request.send_instead(Body::Parts(Box::new(Watched {
        parts,
        left,
        taken: 0,
        progress,
        sent: sent.clone(),
    })));
    sent
}

/// A body on its way out.
pub enum Body {
    /// What is left of bytes.
    Whole(Bytes, Sent),
    /// What comes piece by piece.
    Parts(Box<Watched>),
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Body {
        Body::Whole(bytes, Sent::default())
    }
}

enum Part {
    Bytes(Bytes),
    Closed(PathBuf, u64),
    Open(File, u64),
    Reading(JoinHandle<io::Result<(File, Bytes)>>, u64),
    Feed(Feed),
}

impl From<Piece> for Part {
    fn from(piece: Piece) -> Part {
        match piece {
            Piece::Bytes(bytes) => Part::Bytes(bytes),
            Piece::File(path, size) => Part::Closed(path, size),
            Piece::Feed(feed) => match feed.whole() {
                Some(whole) => Part::Bytes(whole),
                None => Part::Feed(feed),
            },
        }
    }
}

/// Pieces one after the other.
pub struct Watched {
    /// The last is the next.
    parts: Vec<Part>,
    /// Not known where a piece does not say how long it will be.
    left: Option<u64>,
    taken: u64,
    sent: Sent,
    progress: Option<watch::Sender<Far>>,
}

impl Watched {
    fn poll_bytes(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        loop {
            let Some(part) = self.parts.pop() else {
                return Poll::Ready(None);
            };
            match part {
                Part::Bytes(mut bytes) => {
                    if bytes.is_empty() {
                        continue;
                    }
                    let chunk = bytes.split_to(bytes.len().min(CHUNK));
                    self.parts.push(Part::Bytes(bytes));
                    return Poll::Ready(Some(Ok(chunk)));
                }
                Part::Closed(path, size) => {
                    let open = tokio::task::spawn_blocking(move || read(File::open(path)?, size));
                    self.parts.push(Part::Reading(open, size));
                }
                Part::Feed(feed) => {
                    let next = feed.poll(context, self.progress.as_ref());
                    if !matches!(next, Poll::Ready(None)) {
                        self.parts.push(Part::Feed(feed));
                        return next;
                    }
                }
                Part::Open(_, 0) => {}
                Part::Open(file, left) => {
                    let work = tokio::task::spawn_blocking(move || read(file, left));
                    self.parts.push(Part::Reading(work, left));
                }
                Part::Reading(mut work, left) => {
                    let Poll::Ready(done) = Pin::new(&mut work).poll(context) else {
                        self.parts.push(Part::Reading(work, left));
                        return Poll::Pending;
                    };
                    let (file, bytes) = done.map_err(io::Error::other)??;
                    if bytes.is_empty() && left > 0 {
                        let shorter = "the file became shorter while it was sent";
                        return Poll::Ready(Some(Err(io::Error::other(shorter))));
                    }
                    self.parts.push(Part::Open(file, left - bytes.len() as u64));
                    if !bytes.is_empty() {
                        return Poll::Ready(Some(Ok(bytes)));
                    }
                }
            }
        }
    }
}

fn read(mut file: File, left: u64) -> io::Result<(File, Bytes)> {
    let wanted = left.min(CHUNK as u64) as usize;
    let mut bytes = vec![0; wanted];
    let count = loop {
        match file.read(&mut bytes) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => break outcome?,
        }
    };
    bytes.truncate(count);
    Ok((file, bytes.into()))
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = match self.get_mut() {
            Body::Whole(bytes, _) if bytes.is_empty() => return Poll::Ready(None),
            Body::Whole(bytes, sent) => {
                sent.begin();
                let chunk = bytes.split_to(bytes.len().min(CHUNK));
                return Poll::Ready(Some(Ok(Frame::data(chunk))));
            }
            Body::Parts(watched) => watched,
        };
        this.sent.begin();
        Poll::Ready(ready!(this.poll_bytes(context)).map(|bytes| {
            let bytes = bytes?;
            this.left = this
                .left
                .map(|left| left.saturating_sub(bytes.len() as u64));
            this.taken += bytes.len() as u64;
            if let Some(progress) = &this.progress {
                progress.send_modify(|far| far.sent = this.taken);
            }
            Ok(Frame::data(bytes))
        }))
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Body::Whole(bytes, _) => bytes.is_empty(),
            Body::Parts(watched) => watched.left == Some(0),
        }
    }

    fn size_hint(&self) -> SizeHint {
        let left = match self {
            Body::Whole(bytes, _) => Some(bytes.len() as u64),
            Body::Parts(watched) => watched.left,
        };
        left.map(SizeHint::with_exact).unwrap_or_default()
    }
}

/// How a file begins; nothing where it cannot be read, which is said when it is sent.
pub fn beginning(path: &Path) -> Bytes {
    let mut bytes = vec![0; 64];
    let read = regular(path).and_then(|_| File::open(path)?.read(&mut bytes));
    bytes.truncate(read.unwrap_or_default());
    bytes.into()
}

/// The size of a file that can be read.
pub fn file_size(path: &Path) -> io::Result<u64> {
    regular(path)?;
    Ok(File::open(path)?.metadata()?.len())
}

/// All of a file.
pub fn file_bytes(path: &Path) -> io::Result<Vec<u8>> {
    regular(path)?;
    std::fs::read(path)
}

/// Looked at before it is opened: opening a pipe waits for somebody at its other end.
fn regular(path: &Path) -> io::Result<std::fs::Metadata> {
    let meta = std::fs::metadata(path)?;
    match meta.is_file() {
        true => Ok(meta),
        false => Err(io::Error::other("it is no regular file")),
    }
}

/// A file in the making: beside its place under another name, in its place once it is whole.
#[derive(Debug)]
pub struct Sink {
    place: PathBuf,
    // Absent while a write is under way.
    file: Option<tempfile::NamedTempFile>,
}

impl Sink {
    /// Begins a file for this place.
    pub async fn create(place: PathBuf) -> io::Result<Sink> {
        blocking(move || {
            if place.is_dir() {
                return Err(io::Error::other("it is a folder"));
            }
            // A rename would put a file in the place of a link, a device or a pipe.
            let (place, before) = match std::fs::symlink_metadata(&place) {
                Ok(_) => (std::fs::canonicalize(&place)?, Some(regular(&place)?)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => (place, None),
                Err(error) => return Err(error),
            };
            let folder = match place.parent() {
                Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
                _ => PathBuf::from("."),
            };
            let mut builder = tempfile::Builder::new();
            builder.prefix(".langflow-").suffix(".part");
            // As any new file, instead of one that is only for its owner.
            #[cfg(unix)]
            builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
            let file = builder.tempfile_in(folder)?;
            if let Some(before) = before {
                // What was not for everybody stays so.
                file.as_file().set_permissions(before.permissions())?;
            }
            let file = Some(file);
            Ok(Sink { place, file })
        })
        .await
    }

    /// Adds bytes.
    pub async fn write(&mut self, bytes: Bytes) -> io::Result<()> {
        let file = self.file.take();
        let mut file = file.ok_or_else(|| io::Error::other("it was left half written"))?;
        let written = blocking(move || file.write_all(&bytes).map(|()| file));
        self.file = Some(written.await?);
        Ok(())
    }

    /// Puts the file in its place.
    pub async fn finish(&mut self) -> io::Result<()> {
        let (place, file) = (self.place.clone(), self.file.take());
        let file = file.ok_or_else(|| io::Error::other("it was left half written"))?;
        blocking(move || {
            file.as_file().sync_all()?;
            file.persist(place).map(drop).map_err(|error| error.error)
        })
        .await
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(io::Error::other)?
}
