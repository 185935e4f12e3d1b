//! Web pages of other origins, where they are let in: never to the control API.

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderValue, ORIGIN, VARY,
};
use http::{Method, Request, Response};

use super::Reply;
use super::recorded::ReplyBody;
use crate::control;

/// What a page may do.
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");

/// The headers of answers that a page may read.
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "etag, location, retry-after, idempotency-replayed, content-disposition, x-request-id, x-mock-fault",
);

/// Seconds for which a page need not ask again.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

/// A page that is let in, by what it is answered with.
pub(super) struct Page {
    origin: HeaderValue,
    any: bool,
    /// The headers that it asks to send, where it asks first.
    asks: Option<Option<HeaderValue>>,
}

/// The page that a request comes from, if it is one of the origins that are let in: `*`, or
/// origins with commas between them.
pub(super) fn page<B>(allowed: Option<&str>, request: &Request<B>) -> Option<Page> {
    let allowed = allowed?;
    // Those of the tenants too, which have a name before it.
    if request.uri().path().contains(control::PREFIX) {
        return None;
    }
    let headers = request.headers();
    let origin = headers.get(ORIGIN)?;
    let any = allowed.trim() == "*";
    let named = |one: &str| one.trim().as_bytes() == origin.as_bytes();
    if !any && !allowed.split(',').any(named) {
        return None;
    }
    let first =
        request.method() == Method::OPTIONS && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    Some(Page {
        origin: origin.clone(),
        any,
        asks: first.then(|| headers.get(ACCESS_CONTROL_REQUEST_HEADERS).cloned()),
    })
}

impl Page {
    /// The answer to a page that asks before it sends; the API does not see it.
    pub(super) fn preflight(&self, request_id: &str) -> Option<Response<ReplyBody>> {
        let wanted = self.asks.as_ref()?;
        let mut response = Reply::empty(204).finish(request_id, false);
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
        if let Some(wanted) = wanted {
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
        }
        self.open(headers);
        Some(response)
    }

    /// Lets the page read an answer.
    pub(super) fn open(&self, headers: &mut HeaderMap) {
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        if self.any {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        } else {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, self.origin.clone());
            headers.append(VARY, HeaderValue::from_static("origin"));
        }
    }
}
