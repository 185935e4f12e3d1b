//! Answers on their way out.

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use serde_json::Value;

use super::line::Cut;
use super::pieces::{self, Piece};
use super::recorded::ReplyBody;
use crate::problem::Problem;
use crate::state::Answer;

/// An answer that still lacks its request id.
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    /// Those of a recorded answer, whatever they are called.
    foreign: Option<Box<HeaderMap>>,
    body: Body,
}

enum Body {
    Whole(Bytes),
    Stream(BoxStream<'static, Bytes>),
    /// What a fault makes of it.
    Faulty(BoxStream<'static, Result<Bytes, Cut>>),
}

/// Longer than any stream.
const MOST: usize = 1_000_000_000;

impl Reply {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::text(status, "application/json", body.to_string())
    }

    pub(crate) fn text(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        let headers = vec![("content-type", content_type.to_owned())];
        Self {
            status,
            headers,
            foreign: None,
            body: Body::Whole(body.into()),
        }
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            foreign: None,
            body: Body::Whole(Bytes::new()),
        }
    }

    pub(super) fn status(&self) -> u16 {
        self.status
    }

    pub(crate) fn problem(problem: &Problem, request_id: &str) -> Self {
        let body = problem.json(request_id).to_string();
        let mut reply = Self::text(problem.status, "application/problem+json", body);
        reply.headers.extend(problem.headers.iter().cloned());
        reply
    }

    /// Server-Sent Events, which nothing on the way may keep back.
    pub(crate) fn stream(frames: impl futures::Stream<Item = Bytes> + Send + 'static) -> Self {
        let headers = vec![
            ("content-type", "text/event-stream".to_owned()),
            ("cache-control", "no-cache".to_owned()),
            ("x-accel-buffering", "no".to_owned()),
        ];
        Self {
            status: 200,
            headers,
            foreign: None,
            body: Body::Stream(frames.boxed()),
        }
    }

    /// The head of an answer that another server gave.
    #[cfg(feature = "program")]
    pub(crate) fn foreign(status: u16, headers: HeaderMap) -> Self {
        Self {
            foreign: Some(Box::new(headers)),
            ..Self::empty(status)
        }
    }

    /// The answer with this body.
    #[cfg(feature = "program")]
    pub(crate) fn with_body(self, body: Vec<u8>) -> Self {
        let body = Body::Whole(body.into());
        Self { body, ..self }
    }

    /// The answer with a body that comes in pieces, and may break off.
    #[cfg(feature = "program")]
    pub(crate) fn with_pieces(self, pieces: BoxStream<'static, Result<Bytes, Cut>>) -> Self {
        let body = Body::Faulty(pieces);
        Self { body, ..self }
    }

    /// Bytes as they come, under a label that need not fit.
    pub(crate) fn plain_stream(
        content_type: &str,
        frames: impl futures::Stream<Item = Bytes> + Send + 'static,
    ) -> Self {
        Self {
            status: 200,
            headers: vec![("content-type", content_type.to_owned())],
            foreign: None,
            body: Body::Stream(frames.boxed()),
        }
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The answer as it can be given again; streams cannot.
    pub(super) fn kept(&self) -> Option<Answer> {
        match &self.body {
            Body::Whole(body) => Some(Answer {
                status: self.status,
                headers: self.headers.clone(),
                body: body.clone(),
            }),
            Body::Stream(_) | Body::Faulty(_) => None,
        }
    }

    pub(super) fn is_stream(&self) -> bool {
        !matches!(self.body, Body::Whole(_))
    }

    /// Changes the body, unless it is a stream; its length is that of the new one.
    pub(super) fn map_whole(mut self, change: impl FnOnce(Bytes) -> Bytes) -> Self {
        self.body = match self.body {
            Body::Whole(body) => Body::Whole(change(body)),
            other => other,
        };
        self
    }

    /// The pieces of the body, and the answer with another body in its place. A body that was
    /// whole keeps its length, or is announced with so many bytes more; a stream gets a length
    /// only if bytes shall be missing.
    pub(super) fn take_apart(
        self,
        missing: Option<usize>,
        body: BoxStream<'static, Result<Bytes, Cut>>,
    ) -> (Self, BoxStream<'static, Piece>) {
        let (pieces, length) = match self.body {
            Body::Whole(bytes) => {
                let length = bytes.len() + missing.unwrap_or_default();
                (pieces::whole(bytes), Some(length))
            }
            Body::Stream(frames) => (pieces::events(frames), missing.map(|it| it + MOST)),
            Body::Faulty(_) => (futures::stream::empty().boxed(), None),
        };
        let mut headers = self.headers;
        if let Some(length) = length {
            headers.push(("content-length", length.to_string()));
        }
        let reply = Self {
            status: self.status,
            headers,
            foreign: None,
            body: Body::Faulty(body),
        };
        (reply, pieces)
    }

    /// An answer that was given before.
    pub(super) fn again(answer: Answer) -> Self {
        let Answer {
            status,
            headers,
            body,
        } = answer;
        Self {
            status,
            headers,
            foreign: None,
            body: Body::Whole(body),
        }
        .header("idempotency-replayed", "true")
    }

    pub(crate) fn finish(self, request_id: &str, head: bool) -> Response<ReplyBody> {
        let body = match self.body {
            _ if head => Full::default()
                .map_err(|never| match never {})
                .boxed_unsync(),
            Body::Whole(body) => Full::new(body)
                .map_err(|never| match never {})
                .boxed_unsync(),
            Body::Faulty(frames) => {
                StreamBody::new(frames.map(|bytes| bytes.map(Frame::data))).boxed_unsync()
            }
            Body::Stream(frames) => {
                StreamBody::new(frames.map(|bytes| Ok(Frame::data(bytes)))).boxed_unsync()
            }
        };
        let mut response = Response::new(body);
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if let Some(foreign) = self.foreign {
            *response.headers_mut() = *foreign;
        }
        let id = ("x-request-id", request_id.to_owned());
        for (name, value) in self.headers.into_iter().chain([id]) {
            // What cannot stand in a header (a flow id with a line break) is left out of it.
            if let Ok(value) = HeaderValue::try_from(value) {
                let name = HeaderName::from_static(name);
                // The only header of which there are several.
                if name == http::header::SET_COOKIE {
                    response.headers_mut().append(name, value);
                } else {
                    response.headers_mut().insert(name, value);
                }
            }
        }
        response
    }
}
