//! A connection, with TLS or without, that tokio polls or the event loop of a host.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

#[cfg(unix)]
use crate::platform::host::HostTcpStream;

/// Who hears when a socket can be read again. Only where that is can its connection be used: another
/// runtime may be gone, or driven by nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Home {
    /// A runtime of tokio.
    Runtime(Option<tokio::runtime::Id>),
    /// The event loop of a host.
    #[cfg(unix)]
    Loop(u64),
}

impl Home {
    /// That of the code that asks.
    pub(super) fn here() -> Home {
        #[cfg(unix)]
        if let Some(id) = crate::platform::host::HostLoop::current() {
            return Home::Loop(id);
        }
        let runtime = tokio::runtime::Handle::try_current();
        Home::Runtime(runtime.ok().map(|runtime| runtime.id()))
    }

    /// Whether it is known to be gone. Of runtimes that is not known.
    pub(super) fn is_gone(self) -> bool {
        match self {
            Home::Runtime(_) => false,
            #[cfg(unix)]
            Home::Loop(id) => !crate::platform::host::HostLoop::lives(id),
        }
    }
}

/// Bytes over TCP.
pub(super) struct Raw {
    stream: Stream,
    /// Set where the next read has to look at the socket itself, and not at what was heard of it.
    look: Arc<AtomicBool>,
}

enum Stream {
    Tokio(TcpStream),
    #[cfg(unix)]
    Host(HostTcpStream),
}

impl From<TcpStream> for Raw {
    fn from(stream: TcpStream) -> Raw {
        Raw::new(Stream::Tokio(stream))
    }
}

#[cfg(unix)]
impl From<HostTcpStream> for Raw {
    fn from(stream: HostTcpStream) -> Raw {
        Raw::new(Stream::Host(stream))
    }
}

impl Raw {
    fn new(stream: Stream) -> Raw {
        let look = Arc::default();
        Raw { stream, look }
    }

    /// What makes the next read look, see [`Socket::look`].
    pub(super) fn look(&self) -> Arc<AtomicBool> {
        self.look.clone()
    }

    /// Whether a connection on which nothing is expected has an end, an error or bytes.
    fn is_stirred(&self) -> bool {
        let mut byte = [const { MaybeUninit::uninit() }; 1];
        let peeked = match &self.stream {
            Stream::Tokio(stream) => SockRef::from(stream).peek(&mut byte),
            #[cfg(unix)]
            Stream::Host(stream) => SockRef::from(stream).peek(&mut byte),
        };
        !peeked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }
}

/// The same method of whichever stream it is.
macro_rules! stream {
    ($raw:expr, $method:ident $(, $argument:expr)*) => {
        match &mut $raw.get_mut().stream {
            Stream::Tokio(stream) => Pin::new(stream).$method($($argument),*),
            #[cfg(unix)]
            Stream::Host(stream) => Pin::new(stream).$method($($argument),*),
        }
    };
}

impl AsyncRead for Raw {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // What a server says unasked is nothing to send a request after: it counts as the end.
        if self.look.load(Ordering::Relaxed)
            && self.look.swap(false, Ordering::Relaxed)
            && self.is_stirred()
        {
            return Poll::Ready(Ok(()));
        }
        stream!(self, poll_read, context, buffer)
    }
}

impl AsyncWrite for Raw {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        stream!(self, poll_write, context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        stream!(self, poll_flush, context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        stream!(self, poll_shutdown, context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        stream!(self, poll_write_vectored, context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        match &self.stream {
            Stream::Tokio(stream) => stream.is_write_vectored(),
            #[cfg(unix)]
            Stream::Host(stream) => stream.is_write_vectored(),
        }
    }
}

/// What the bytes of a connection go through.
pub(super) enum Socket {
    Plain(Raw),
    Tls(Box<TlsStream<Socket>>),
}

impl Socket {
    /// Set, it makes the next read look whether the connection still is what it was: nobody may have
    /// heard of its end, where nobody drove it.
    pub(super) fn look(&self) -> Arc<AtomicBool> {
        match self {
            Socket::Plain(raw) => raw.look(),
            Socket::Tls(tls) => tls.get_ref().0.look(),
        }
    }
}

/// The same method of whichever it is.
macro_rules! either {
    ($socket:expr, $method:ident $(, $argument:expr)*) => {
        match $socket.get_mut() {
            Socket::Plain(socket) => Pin::new(socket).$method($($argument),*),
            Socket::Tls(socket) => Pin::new(socket.as_mut()).$method($($argument),*),
        }
    };
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        either!(self, poll_read, context, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        either!(self, poll_write, context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, poll_flush, context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, poll_shutdown, context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        either!(self, poll_write_vectored, context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Socket::Plain(socket) => socket.is_write_vectored(),
            Socket::Tls(socket) => socket.is_write_vectored(),
        }
    }
}
