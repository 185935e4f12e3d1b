//! One connection, driven by whoever waits for its answer: no task of its own, and no word between
//! two tasks.

use std::future::{Future as _, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use http_body::{Body as _, SizeHint};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, Connection, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use super::pool::Pool;
use super::socket::{Home, Socket};
use crate::platform::body::Body as Outgoing;
use crate::platform::unconstrained;

type Request = http::Request<Outgoing>;

/// Any socket: named, it would make the type of a call deeper than the compiler follows.
type Io = Box<dyn Stream + Send + Sync>;

trait Stream: AsyncRead + AsyncWrite + Unpin {}

impl Stream for Socket {}

type Driver = Connection<TokioIo<Io>, Outgoing>;

/// A connection on which one request at a time is sent.
pub(super) struct Link {
    sender: SendRequest<Outgoing>,
    /// `None` once it is over.
    driver: Option<Driver>,
    look: Arc<AtomicBool>,
    home: Home,
    process: u32,
}

/// Why there is no answer, and the request where nothing of it has been written.
pub(super) struct Unsent {
    pub(super) error: hyper::Error,
    pub(super) request: Option<Request>,
}

impl Link {
    pub(super) async fn over(socket: Socket, home: Home) -> hyper::Result<Box<Link>> {
        let look = socket.look();
        let (sender, driver) = http1::handshake(TokioIo::new(Box::new(socket) as Io)).await?;
        Ok(Box::new(Link {
            sender,
            driver: Some(driver),
            look,
            home,
            process: std::process::id(),
        }))
    }

    pub(super) fn is_of(&self, home: Home) -> bool {
        self.home == home
    }

    /// Whether nobody will ever hear of it.
    pub(super) fn is_homeless(&self) -> bool {
        self.home.is_gone()
    }

    /// Lets the next request look first whether the server has closed the connection. Where it has, the
    /// request comes back unsent.
    pub(super) fn look(&self) {
        self.look.store(true, Ordering::Relaxed);
    }

    /// Sends a request and waits for the head of its answer.
    pub(super) async fn send(
        &mut self,
        request: Request,
    ) -> Result<http::Response<Incoming>, Unsent> {
        // Without a limit: what a task may do in one turn can be used up by what the driver has just read,
        // and nobody would be told that there is an answer.
        let answer = unconstrained(self.sender.try_send_request(request));
        let mut answer = pin!(answer);
        let driver = &mut self.driver;
        let answer = poll_fn(|context| {
            drive(driver, context);
            // Nobody but the driver, just above, has an answer: nothing else need wake this task.
            answer
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
        });
        answer.await.map_err(|mut failed| {
            let request = failed.take_message();
            let error = failed.into_error();
            Unsent { error, request }
        })
    }

    /// Whether another request can be sent. From here on it wakes nobody, not even who sends that.
    fn rests(&mut self) -> bool {
        drive(&mut self.driver, &mut Context::from_waker(Waker::noop()));
        self.driver.is_some() && self.sender.is_ready()
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // A forked child has a copy of its parent's sockets, and shares what tells the parent of them: to
        // close one here would make the parent deaf to its own.
        if self.process != std::process::id() {
            std::mem::forget(self.driver.take());
        }
    }
}

/// What is to be done on a connection now.
fn drive(driver: &mut Option<Driver>, context: &mut Context<'_>) {
    if let Some(running) = driver
        && Pin::new(running).poll(context).is_ready()
    {
        // What went wrong is told to whoever waits for an answer or a body.
        *driver = None;
    }
}

/// The body of an answer. Its end gives the connection back; left before that, it closes it.
pub(super) struct Body {
    incoming: Incoming,
    link: Option<Box<Link>>,
    pool: Weak<Pool>,
}

impl Body {
    pub(super) fn new(incoming: Incoming, link: Box<Link>, pool: Weak<Pool>) -> Body {
        let link = Some(link);
        let mut body = Body {
            incoming,
            link,
            pool,
        };
        if body.incoming.is_end_stream() {
            body.give_back();
        }
        body
    }

    fn give_back(&mut self) {
        if let Some(mut link) = self.link.take()
            && link.rests()
        {
            Pool::put(&self.pool, link);
        }
    }
}

impl Body {
    /// The next piece.
    pub(super) async fn chunk(&mut self) -> Option<hyper::Result<Bytes>> {
        poll_fn(|context| self.poll_chunk(context)).await
    }

    /// As [`Body::chunk`].
    pub(super) fn poll_chunk(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<hyper::Result<Bytes>>> {
        loop {
            // Asked first, so that the connection knows that somebody wants it.
            let mut polled = Pin::new(&mut self.incoming).poll_frame(context);
            if polled.is_pending()
                && let Some(link) = &mut self.link
            {
                drive(&mut link.driver, context);
                polled = Pin::new(&mut self.incoming).poll_frame(context);
            }
            let (piece, over) = match ready!(polled) {
                Some(Ok(frame)) => (frame.into_data().ok(), self.incoming.is_end_stream()),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => (None, true),
            };
            if over {
                self.give_back();
            }
            match piece {
                Some(bytes) => return Poll::Ready(Some(Ok(bytes))),
                None if over => return Poll::Ready(None),
                // Trailers: nobody asks for them.
                None => {}
            }
        }
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
