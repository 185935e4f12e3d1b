//! Requests over HTTP/1.1. Whoever waits for an answer drives its connection, so that a call costs no
//! task and no hop to one.

mod dial;
mod error;
#[cfg(unix)]
mod hosted;
mod link;
mod message;
mod pool;
mod socket;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, HOST, PROXY_AUTHORIZATION};
use http::{HeaderValue, Uri};
use url::Position;

use super::BorrowingFuture;
use super::body::Body as Outgoing;
pub(super) use dial::{Dial, Proxy};
pub use error::ConnectionError;
pub(crate) use error::Stage;
use link::{Body, Link};
pub use message::{Request, Response, SharedUrl};
use pool::Pool;
use socket::Home;

/// Open-source servers close an idle connection after 2 s.
const IDLE: Duration = Duration::from_millis(1500);

/// How long nothing may be heard of a connection until the system asks whether it still is one.
const KEEPALIVE: Duration = Duration::from_secs(60);

/// Sends requests to one server. Copies share its connections.
#[derive(Clone)]
pub struct HttpClient {
    dial: Arc<Dial>,
    pool: Arc<Pool>,
}

impl HttpClient {
    pub(super) fn new(dial: Dial) -> HttpClient {
        HttpClient {
            dial: Arc::new(dial),
            pool: Arc::default(),
        }
    }

    /// Sends a request and waits for the head of its answer.
    pub(crate) async fn execute(&self, mut request: Request) -> Result<Response, ConnectionError> {
        let url = request.place();
        let mut request = self.prepared(&mut request)?;
        loop {
            let home = Home::here();
            let idle = self.pool.take(home);
            let reused = idle.is_some();
            let mut link = match idle {
                Some(link) => link,
                None => self.connected(home).await?,
            };
            let failed = match link.send(request).await {
                Ok(answer) => {
                    let pool = Arc::downgrade(&self.pool);
                    let (parts, incoming) = answer.into_parts();
                    return Ok(Response::over(parts, url, Body::new(incoming, link, pool)));
                }
                Err(failed) => failed,
            };
            match failed.request {
                // It had been closed, and nothing of the request has left.
                Some(unsent) if reused => request = unsent,
                _ => return Err(ConnectionError::new(Stage::Exchange, failed.error)),
            }
        }
    }

    /// A new connection. Most requests find one, and neither their futures nor the types of these need be
    /// as large for it: in a box.
    fn connected(&self, home: Home) -> BorrowingFuture<'_, Result<Box<Link>, ConnectionError>> {
        Box::pin(async move {
            let socket = self.dial.dial(home).await?;
            let link = Link::over(socket, home).await;
            link.map_err(|error| ConnectionError::new(Stage::Connect, error))
        })
    }

    /// The request as it goes over a connection.
    fn prepared(&self, request: &mut Request) -> Result<http::Request<Outgoing>, ConnectionError> {
        let invalid = |error: http::Error| ConnectionError::new(Stage::Build, error);
        let url = request.place();
        if url[Position::BeforeScheme..Position::AfterScheme] != *self.dial.scheme()
            || url[Position::BeforeHost..Position::AfterPort] != *self.dial.host()
        {
            let elsewhere = "it goes to another server than this client's";
            return Err(ConnectionError::new(Stage::Build, elsewhere));
        }
        let plain = self.dial.plain_proxy();
        let from = match plain {
            // A proxy for plain http is told the whole address.
            Some(_) => Position::BeforeScheme,
            None => Position::BeforePath,
        };
        let target = Bytes::copy_from_slice(url[from..Position::AfterQuery].as_bytes());
        let uri = Uri::from_maybe_shared(target).map_err(|error| invalid(error.into()))?;
        let mut sent = http::Request::new(request.take_body());
        *sent.method_mut() = request.method().clone();
        *sent.uri_mut() = uri;
        let headers = sent.headers_mut();
        *headers = std::mem::take(request.headers_mut());
        headers
            .entry(HOST)
            .or_insert_with(|| self.dial.host_value());
        headers
            .entry(ACCEPT)
            .or_insert(HeaderValue::from_static("*/*"));
        if let Some(auth) = plain.and_then(|proxy| proxy.auth()) {
            headers.entry(PROXY_AUTHORIZATION).or_insert(auth.clone());
        }
        Ok(sent)
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("HttpClient").finish_non_exhaustive()
    }
}
