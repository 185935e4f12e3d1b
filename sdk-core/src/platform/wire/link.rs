//! One connection, driven by whoever waits for its answer: no task of its own, and no word between
//! two tasks.

use std::error::Error;
use std::future::{Future as _, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Weak;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, Connection, SendRequest};
use hyper_util::rt::TokioIo;

use super::pool::Pool;
use super::socket::Socket;

type Request = http::Request<reqwest::Body>;

/// A connection on which one request at a time is sent.
pub(super) struct Link {
    sender: SendRequest<reqwest::Body>,
    /// `None` once it is over.
    driver: Option<Connection<TokioIo<Socket>, reqwest::Body>>,
}

/// Why there is no answer, and the request where nothing of it has been written.
pub(super) struct Unsent {
    pub(super) error: hyper::Error,
    pub(super) request: Option<Request>,
}

impl Link {
    pub(super) async fn over(socket: Socket) -> hyper::Result<Link> {
        let (sender, driver) = http1::handshake(TokioIo::new(socket)).await?;
        Ok(Link {
            sender,
            driver: Some(driver),
        })
    }

    /// Sends a request and waits for the head of its answer.
    pub(super) async fn send(
        &mut self,
        request: Request,
    ) -> Result<http::Response<Incoming>, Unsent> {
        let mut answer = pin!(self.sender.try_send_request(request));
        let driver = &mut self.driver;
        let answer = poll_fn(|context| {
            drive(driver, context);
            answer.as_mut().poll(context)
        });
        answer.await.map_err(|mut failed| {
            let request = failed.take_message();
            let error = failed.into_error();
            Unsent { error, request }
        })
    }

    /// Whether another request can be sent.
    pub(super) fn lives(&mut self, context: &mut Context<'_>) -> bool {
        drive(&mut self.driver, context);
        self.driver.is_some() && self.sender.is_ready()
    }
}

/// What is to be done on a connection now.
fn drive(
    driver: &mut Option<Connection<TokioIo<Socket>, reqwest::Body>>,
    context: &mut Context<'_>,
) {
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
    link: Option<Link>,
    pool: Weak<Pool>,
}

impl Body {
    pub(super) fn new(incoming: Incoming, link: Link, pool: Weak<Pool>) -> Body {
        let link = Some(link);
        Body {
            incoming,
            link,
            pool,
        }
    }

    fn give_back(&mut self, context: &mut Context<'_>) {
        if let Some(mut link) = self.link.take()
            && link.lives(context)
        {
            Pool::put(&self.pool, link);
        }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        // Asked first, so that the connection knows that somebody wants it.
        let mut polled = Pin::new(&mut this.incoming).poll_frame(context);
        if polled.is_pending()
            && let Some(link) = &mut this.link
        {
            drive(&mut link.driver, context);
            polled = Pin::new(&mut this.incoming).poll_frame(context);
        }
        if let Poll::Ready(None) = polled {
            this.give_back(context);
        }
        polled.map_err(Into::into)
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
