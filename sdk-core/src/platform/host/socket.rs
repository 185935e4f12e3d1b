//! Sockets of a host's loop: registered once, edge-triggered, so that a call costs no word to the
//! system beside its own bytes.

use std::fmt;
use std::future::poll_fn;
use std::io::{self, IoSlice, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use futures::task::AtomicWaker;
use mio::event::Event;
use mio::net::TcpStream;
use mio::{Interest, Token};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{CURRENT, Core, locked};

/// What one read takes at most.
pub(super) const READ: usize = 64 * 1024;

/// What a socket is ready for, as far as it is known.
#[derive(Default)]
pub(super) struct Slot {
    read: Side,
    write: Side,
}

/// One direction of a socket.
#[derive(Default)]
struct Side {
    ready: AtomicBool,
    /// Over: ready for ever, since no further event says so.
    over: AtomicBool,
    waker: AtomicWaker,
}

impl Slot {
    /// Takes in what the system says, and wakes who waits for it.
    pub(super) fn note(&self, event: &Event) {
        let error = event.is_error();
        if event.is_readable() || event.is_read_closed() || error {
            self.read.note(event.is_read_closed() || error);
        }
        if event.is_writable() || event.is_write_closed() || error {
            self.write.note(event.is_write_closed() || error);
        }
    }
}

impl Side {
    fn note(&self, over: bool) {
        if over {
            self.over.store(true, Ordering::Release);
        }
        self.ready.store(true, Ordering::Release);
        self.waker.wake();
    }

    /// Tries what may have to wait. The mark is taken away before it is tried, so that an event in
    /// between is not lost; it comes back where there may be more, which `filled` says.
    fn attempt<T>(
        &self,
        context: &Context<'_>,
        mut work: impl FnMut() -> io::Result<T>,
        filled: impl Fn(&T) -> bool,
    ) -> Poll<io::Result<T>> {
        loop {
            if !self.ready.swap(false, Ordering::AcqRel) && !self.over.load(Ordering::Acquire) {
                self.waker.register(context.waker());
                // Between the look and the registration, on another thread.
                if !self.ready.load(Ordering::Acquire) && !self.over.load(Ordering::Acquire) {
                    return Poll::Pending;
                }
                continue;
            }
            match work() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if self.over.swap(false, Ordering::AcqRel) {
                        // An error that was taken already: the system says more where there is more.
                        continue;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                    self.ready.store(true, Ordering::Release);
                }
                Ok(done) => {
                    if filled(&done) {
                        self.ready.store(true, Ordering::Release);
                    }
                    return Poll::Ready(Ok(done));
                }
                Err(error) => {
                    self.ready.store(true, Ordering::Release);
                    return Poll::Ready(Err(error));
                }
            }
        }
    }
}

/// A connection whose readiness a [`super::HostLoop`] hears of. It may be used from any thread, while
/// news of it come with the turns of that loop.
pub struct HostTcpStream {
    stream: TcpStream,
    slot: Arc<Slot>,
    key: usize,
    core: Arc<Core>,
}

impl HostTcpStream {
    /// Connects, from within a task of a loop.
    ///
    /// # Errors
    /// What the system says, and where no loop runs here.
    pub async fn connect(address: SocketAddr) -> io::Result<HostTcpStream> {
        let core = CURRENT.with_borrow(Clone::clone);
        let core = core.ok_or_else(|| io::Error::other("no host's loop runs here"))?;
        let this = HostTcpStream::register(core, TcpStream::connect(address)?)?;
        poll_fn(|context| this.poll_connected(context)).await?;
        Ok(this)
    }

    fn register(core: Arc<Core>, mut stream: TcpStream) -> io::Result<HostTcpStream> {
        let slot = Arc::new(Slot::default());
        let key = locked(&core.slots).insert(slot.clone());
        let both = Interest::READABLE | Interest::WRITABLE;
        if let Err(error) = core.registry.register(&mut stream, Token(key), both) {
            locked(&core.slots).remove(key);
            return Err(error);
        }
        Ok(HostTcpStream {
            stream,
            slot,
            key,
            core,
        })
    }

    fn poll_connected(&self, context: &Context<'_>) -> Poll<io::Result<()>> {
        let connected = || match self.stream.take_error()? {
            Some(error) => Err(error),
            None => match self.stream.peer_addr() {
                Err(error) if error.kind() == io::ErrorKind::NotConnected => {
                    Err(io::ErrorKind::WouldBlock.into())
                }
                other => other.map(drop),
            },
        };
        self.slot.write.attempt(context, connected, |()| true)
    }

    /// Sends small pieces at once.
    ///
    /// # Errors
    /// What the system says.
    pub fn set_nodelay(&self, on: bool) -> io::Result<()> {
        self.stream.set_nodelay(on)
    }

    /// The other side's address.
    ///
    /// # Errors
    /// What the system says.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.peer_addr()
    }
}

impl AsyncRead for HostTcpStream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let size = buffer.remaining().min(READ);
        // By way of a place of the loop's: the buffer would have to be written with zeros each time, since
        // this crate has no unsafe code, and most answers are much shorter.
        let read = || {
            let mut place = locked(&self.core.place);
            let read = (&self.stream).read(&mut place[..size])?;
            buffer.put_slice(&place[..read]);
            Ok(read)
        };
        // Fewer bytes than there was room for: all is read, and more is an event of its own.
        ready!(self.slot.read.attempt(context, read, |read| *read == size))?;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for HostTcpStream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let write = || (&self.stream).write(bytes);
        let whole = |written: &usize| *written == bytes.len();
        self.slot.write.attempt(context, write, whole)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let size = parts.iter().map(|part| part.len()).sum::<usize>();
        let write = || (&self.stream).write_vectored(parts);
        self.slot
            .write
            .attempt(context, write, |written| *written == size)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.stream.shutdown(Shutdown::Write) {
            // Closed by the other side before.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Poll::Ready(Ok(())),
            done => Poll::Ready(done),
        }
    }
}

impl AsFd for HostTcpStream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

impl Drop for HostTcpStream {
    fn drop(&mut self) {
        let _ = self.core.registry.deregister(&mut self.stream);
        locked(&self.core.slots).remove(self.key);
    }
}

impl fmt::Debug for HostTcpStream {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("HostTcpStream")
            .field("stream", &self.stream)
            .finish_non_exhaustive()
    }
}
