//! Requests and answers where `fetch` sends them. Libraries that do the same are made for every program:
//! with their URLs, their names of headers and their errors they were 50 kB of the module.

pub mod http;
pub mod url;

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use futures::stream;
use js_sys::{Array, JSON, JsString, Promise, Uint8Array};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_futures::wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{
    AbortController, Headers, ReadableStreamDefaultReader, ReadableStreamReadResult, RequestInit,
    ResponseType, WorkerGlobalScope,
};

use self::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use self::url::Url;
use super::{BoxStream, Transport};
use crate::base_url::BaseUrl;
use crate::error::LangflowError;
use crate::options::Network;

/// Where something goes or came from.
pub type SharedUrl = Url;

/// What is sent.
#[derive(Debug, Clone)]
pub struct Request {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Option<Bytes>,
}

impl Request {
    /// Without headers and body.
    pub fn new(method: Method, url: impl Into<SharedUrl>) -> Request {
        Request {
            method,
            url: url.into(),
            headers: HeaderMap::new(),
            body: None,
        }
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
        &mut self.url
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The headers.
    pub fn headers_mut(&mut self) -> &mut HeaderMap {
        &mut self.headers
    }

    /// The body.
    pub fn body_mut(&mut self) -> &mut Option<Bytes> {
        &mut self.body
    }

    /// A copy: there always is one.
    pub fn try_clone(&self) -> Option<Request> {
        Some(self.clone())
    }
}

/// An answer whose body is still to come. Dropped, it ends the request.
pub struct Response {
    status: StatusCode,
    url: Url,
    headers: HeaderMap,
    /// Bytes of the body, where that is certain. Asked for at once: the headers may be given away.
    size: Option<u64>,
    inner: web_sys::Response,
    open: Open,
}

impl Response {
    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Where it came from.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The headers that a page may see.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The headers and the place, of which the body has no more need.
    pub(crate) fn take_head(&mut self) -> (HeaderMap, SharedUrl) {
        (std::mem::take(&mut self.headers), self.url.clone())
    }

    /// Bytes of the body, as far as the server said it.
    pub fn content_length(&self) -> Option<u64> {
        said(&self.headers)
    }

    /// The bytes as they come.
    pub(super) fn bytes_stream(self) -> BoxStream<Result<Bytes, ConnectionError>> {
        let (left, open) = (self.size, self.open);
        let reader = self.inner.body().map(|body| {
            let reader: ReadableStreamDefaultReader = body.get_reader().unchecked_into();
            (reader, open, left)
        });
        Box::pin(stream::try_unfold(reader, async |reader| {
            let Some((reader, open, left)) = reader else {
                return Ok(None);
            };
            let read = JsFuture::from(reader.read()).await;
            let read: ReadableStreamReadResult =
                read.map_err(ConnectionError::of)?.unchecked_into();
            if read.get_done() == Some(true) {
                open.over();
                return Ok(None);
            }
            let bytes = read.get_value().unchecked_into::<Uint8Array>().to_vec();
            let left = left.map(|left| left.saturating_sub(bytes.len() as u64));
            // To be told so by another read takes a turn of the browser.
            let next = match left {
                Some(0) => {
                    open.over();
                    None
                }
                _ => Some((reader, open, left)),
            };
            Ok(Some((Bytes::from(bytes), next)))
        }))
    }
}

/// A request that ends when this is dropped.
struct Open(Option<AbortController>);

impl Open {
    /// All of it is here: to end it would only make an event that nobody hears.
    fn over(mut self) {
        self.0 = None;
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(request) = &self.0 {
            request.abort();
        }
    }
}

/// Why there is no answer, or no more of one.
#[derive(Debug, Clone)]
pub struct ConnectionError {
    /// Whether no request could be made of what was to be sent.
    builder: bool,
    said: String,
}

impl ConnectionError {
    /// What JavaScript threw: its name and message without its stack.
    fn of(thrown: JsValue) -> ConnectionError {
        let text = match thrown.dyn_into::<js_sys::Error>() {
            Ok(error) => error.to_string(),
            Err(other) => JsString::from(other.as_string().unwrap_or_default()),
        };
        let text = String::from(text);
        ConnectionError {
            builder: false,
            said: text.lines().next().unwrap_or_default().to_owned(),
        }
    }

    fn built(thrown: JsValue) -> ConnectionError {
        ConnectionError {
            builder: true,
            ..ConnectionError::of(thrown)
        }
    }
}

impl fmt::Display for ConnectionError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.said)
    }
}

impl std::error::Error for ConnectionError {}

/// What sends.
#[derive(Debug, Clone)]
pub struct HttpClient;

impl HttpClient {
    /// Sends the request and waits for the head of an answer.
    pub async fn execute(&self, request: Request) -> Result<Response, ConnectionError> {
        let (open, sent) = begin(&request).map_err(ConnectionError::built)?;
        let answer = JsFuture::from(sent).await.map_err(ConnectionError::of)?;
        let answer: web_sys::Response = answer.unchecked_into();
        let headers = heard(&answer.headers());
        // What stands in for `fetch` in a test need not say where its answers came from.
        let url = match answer.url() {
            url if url.is_empty() => request.url,
            url => Url::normal(url),
        };
        Ok(Response {
            status: StatusCode::heard(answer.status()),
            url,
            size: size(&answer, &headers),
            headers,
            inner: answer,
            open,
        })
    }
}

/// The length that a server said.
fn said(headers: &HeaderMap) -> Option<u64> {
    let said = headers.get(header::CONTENT_LENGTH)?;
    said.to_str().ok()?.parse().ok()
}

/// The size of a body, where it is certain: behind an encoding, which other origins hide, the length that
/// the server said is another one.
fn size(answer: &web_sys::Response, headers: &HeaderMap) -> Option<u64> {
    let said = said(headers).filter(|_| !headers.contains_key(header::CONTENT_ENCODING))?;
    (answer.type_() == ResponseType::Basic).then_some(said)
}

/// The headers of an answer. All at once, since each step into JavaScript takes its time: a line each, the
/// name up to the first comma, which no name can have, as no value can have the end of a line.
fn heard(headers: &Headers) -> HeaderMap {
    let mut found = HeaderMap::new();
    let lines = String::from(Array::from(headers).join("\n"));
    for (name, value) in lines.split('\n').filter_map(|line| line.split_once(',')) {
        found.append(
            HeaderName::heard(name.to_owned()),
            HeaderValue::heard(value.to_owned()),
        );
    }
    found
}

/// Adds a text as JSON. What stands in a head is visible, but for tabs.
fn quote(text: &str, out: &mut String) {
    out.push('"');
    match text.contains(['"', '\\', '\t']) {
        false => out.push_str(text),
        true => text.chars().for_each(|one| match one {
            '\t' => out.push_str("\\t"),
            '"' | '\\' => out.extend(['\\', one]),
            _ => out.push(one),
        }),
    }
    out.push('"');
}

fn begin(request: &Request) -> Result<(Open, Promise), JsValue> {
    let method = request.method.as_str();
    // All at once, too. Written here: by way of a tree it took a sixth of all that a call does in Rust.
    let mut init = String::with_capacity(512);
    init.push_str("{\"method\":");
    quote(method, &mut init);
    init.push_str(",\"headers\":{");
    for (place, (name, value)) in (&request.headers).into_iter().enumerate() {
        if place > 0 {
            init.push(',');
        }
        quote(name.as_str(), &mut init);
        init.push(':');
        quote(value.as_str(), &mut init);
    }
    init.push_str("}}");
    let init: RequestInit = JSON::parse(&init)?.unchecked_into();
    if let Some(body) = request.body.as_ref().filter(|body| !body.is_empty()) {
        if method == "GET" {
            return Err(js_sys::Error::new("a GET has no body in a browser").into());
        }
        init.set_body(&Uint8Array::from(&body[..]));
    }
    let abort = AbortController::new()?;
    init.set_signal(Some(&abort.signal()));
    // A page's `fetch` is found in the same way as a worker's.
    let scope: WorkerGlobalScope = js_sys::global().unchecked_into();
    let sent = scope.fetch_with_str_and_init(request.url.as_str(), &init);
    Ok((Open(Some(abort)), sent))
}

/// The HTTP client. Connections are the browser's.
///
/// # Errors
/// None here.
pub fn http_client(
    _: &BaseUrl,
    _: Option<Duration>,
    _: &Network,
) -> Result<HttpClient, LangflowError> {
    Ok(HttpClient)
}

/// None that anybody here knows of.
pub fn proxies(_: &Network) -> Vec<Url> {
    Vec::new()
}

/// Whether it is the certificate of the server that was not accepted: a page is not told.
pub fn untrusted(_: &ConnectionError) -> bool {
    true
}

/// Classifies a transport error. A browser does not say which; elsewhere the binding says it by the
/// error's name.
pub fn transport(error: &ConnectionError) -> Transport {
    if error.builder {
        Transport::Builder
    } else if error.said.starts_with("ConnectFailed: ") {
        Transport::Connect
    } else if error.said.starts_with("TlsFailed: ") {
        Transport::Tls
    } else {
        Transport::Lost
    }
}
