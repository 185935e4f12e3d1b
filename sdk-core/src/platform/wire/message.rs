//! What is sent and what comes back.

use std::fmt;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, StatusCode};
use url::Url;

use super::error::{ConnectionError, Stage};
use super::link;
use crate::platform::BoxStream;
use crate::platform::body::Body;

/// Where something goes or came from.
pub type SharedUrl = Arc<Url>;

/// What is sent.
pub struct Request {
    method: Method,
    url: Arc<Url>,
    headers: HeaderMap,
    body: Option<Bytes>,
    /// What is written in its place, where somebody looks how far it is.
    outgoing: Option<Body>,
}

impl Request {
    /// Without headers and body.
    pub fn new(method: Method, url: impl Into<SharedUrl>) -> Request {
        Request {
            method,
            url: url.into(),
            headers: HeaderMap::new(),
            body: None,
            outgoing: None,
        }
    }

    /// Lets this body be written in place of the one in memory.
    pub(in crate::platform) fn send_instead(&mut self, body: Body) {
        self.outgoing = Some(body);
    }

    /// What is to be written.
    pub(super) fn take_body(&mut self) -> Body {
        let outgoing = self.outgoing.take();
        outgoing.unwrap_or_else(|| self.body.take().unwrap_or_default().into())
    }

    /// The method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// Where it goes.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Where it goes.
    pub fn url_mut(&mut self) -> &mut Url {
        Arc::make_mut(&mut self.url)
    }

    /// The same place, shared.
    pub(crate) fn place(&self) -> SharedUrl {
        self.url.clone()
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The headers.
    pub fn headers_mut(&mut self) -> &mut HeaderMap {
        &mut self.headers
    }

    /// The body, where it is in memory.
    pub fn body(&self) -> Option<&Bytes> {
        self.body.as_ref()
    }

    /// The body.
    pub fn body_mut(&mut self) -> &mut Option<Bytes> {
        &mut self.body
    }

    /// A copy, which shares all but the headers: there always is one.
    pub fn try_clone(&self) -> Option<Request> {
        Some(Request {
            method: self.method.clone(),
            url: self.url.clone(),
            headers: self.headers.clone(),
            body: self.body.clone(),
            outgoing: None,
        })
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A query or a header may hold a secret.
        out.debug_struct("Request")
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

/// An answer whose head is there and whose body is still to come. Dropped before its end, it closes its
/// connection.
pub struct Response {
    status: StatusCode,
    headers: HeaderMap,
    url: Arc<Url>,
    body: Incoming,
}

enum Incoming {
    Whole(Bytes),
    Wire(link::Body),
}

impl Response {
    pub(super) fn over(parts: http::response::Parts, url: Arc<Url>, body: link::Body) -> Response {
        Response {
            status: parts.status,
            headers: parts.headers,
            url,
            body: Incoming::Wire(body),
        }
    }

    /// An answer that no server gave.
    pub(crate) fn made(
        status: StatusCode,
        headers: HeaderMap,
        url: Arc<Url>,
        body: Bytes,
    ) -> Response {
        Response {
            status,
            headers,
            url,
            body: Incoming::Whole(body),
        }
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The same, to be changed.
    pub fn headers_mut(&mut self) -> &mut HeaderMap {
        &mut self.headers
    }

    /// Where it came from.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Bytes of the body that are still to come, where that is known.
    pub fn content_length(&self) -> Option<u64> {
        match &self.body {
            Incoming::Whole(bytes) => Some(bytes.len() as u64),
            Incoming::Wire(body) => body.size_hint().exact(),
        }
    }

    /// The next piece of the body.
    ///
    /// # Errors
    /// Where the connection is lost before the end.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, ConnectionError> {
        match &mut self.body {
            Incoming::Whole(bytes) if bytes.is_empty() => Ok(None),
            Incoming::Whole(bytes) => Ok(Some(std::mem::take(bytes))),
            Incoming::Wire(body) => {
                let lost = |error| ConnectionError::new(Stage::Exchange, error);
                body.chunk().await.transpose().map_err(lost)
            }
        }
    }

    /// All that is still to come of the body. There is no limit here.
    ///
    /// # Errors
    /// As [`Response::chunk`].
    pub async fn bytes(&mut self) -> Result<Bytes, ConnectionError> {
        let first = self.chunk().await?.unwrap_or_default();
        let Some(second) = self.chunk().await? else {
            return Ok(first);
        };
        let mut whole = BytesMut::from(first);
        whole.extend_from_slice(&second);
        while let Some(more) = self.chunk().await? {
            whole.extend_from_slice(&more);
        }
        Ok(whole.freeze())
    }

    /// Puts a body in the place of the one that is, or was, to come.
    pub fn set_body(&mut self, body: impl Into<Bytes>) {
        self.body = Incoming::Whole(body.into());
    }

    /// The bytes as they come.
    pub(crate) fn bytes_stream(self) -> BoxStream<Result<Bytes, ConnectionError>> {
        let lost = |error| ConnectionError::new(Stage::Exchange, error);
        match self.body {
            Incoming::Whole(bytes) => {
                let bytes = (!bytes.is_empty()).then_some(Ok(bytes));
                Box::pin(futures::stream::iter(bytes))
            }
            Incoming::Wire(mut body) => Box::pin(futures::stream::poll_fn(move |context| {
                body.poll_chunk(context)
                    .map(|next| Some(next?.map_err(lost)))
            })),
        }
    }

    /// The headers and the place, of which the body has no more need.
    pub(crate) fn take_head(&mut self) -> (HeaderMap, SharedUrl) {
        (std::mem::take(&mut self.headers), self.url.clone())
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A query or a header may hold a secret.
        out.debug_struct("Response")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}
