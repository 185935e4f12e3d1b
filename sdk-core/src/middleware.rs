//! Code of the user's between the pipeline and the connections: it sees each attempt, may change its
//! headers, look at its answer, or answer in place of the server.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use url::Url;

use crate::boundary::{Engine, ErrorJson};
use crate::builder::ClientBuilder;
use crate::call::Call;
use crate::classify::{Failed, transport_failed};
use crate::error::{ErrorCode, LangflowError, Phase};
use crate::options::FRAMING;
use crate::platform::{self, ConnectionError, Response, Sent};
use crate::retry::Failure;

/// A link of the chain through which every attempt goes, retries and the client's own questions too.
///
/// It stands inside the retries: what it answers, or fails with, is judged like what a server does.
/// Keys and tokens are in the headers that it sees.
///
/// ```
/// use futures::future::BoxFuture;
/// use langflow_client::{Answered, Client, Middleware, Next, Outgoing, RunRequest};
///
/// /// Answers in place of a server.
/// struct Canned;
///
/// impl Middleware for Canned {
///     fn handle<'a>(&'a self, request: Outgoing, _: Next<'a>) -> BoxFuture<'a, Answered> {
///         Box::pin(async move {
///             request.answer(200, &[("content-type", "application/json")], r#"{"result": {"output": "Hi"}}"#)
///         })
///     }
/// }
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), langflow_client::LangflowError> {
/// let client = Client::builder().base_url("http://localhost").middleware(Canned).build()?;
/// let result = client.run_flow(RunRequest::new("any", "Hello!")).await?;
/// assert_eq!(result.text()?, "Hi");
/// # Ok(()) }
/// ```
pub trait Middleware: Send + Sync + 'static {
    /// Handles one attempt; `next` is the rest of the chain, with the connection at its end.
    fn handle<'a>(&'a self, request: Outgoing, next: Next<'a>) -> BoxFuture<'a, Answered>;
}

/// What comes of an attempt: an answer of which the head is there, or what went wrong.
pub type Answered = Result<Response, Unanswered>;

/// Why there is no answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum Unanswered {
    /// The connection failed.
    Connection(ConnectionError),
    /// A link of the chain refused or failed. `connect_failed`, `connect_timeout` and `tls_failed` mean
    /// that nothing was sent; other codes that are retryable are tried again where that is safe.
    Own(Box<LangflowError>),
}

impl From<LangflowError> for Unanswered {
    fn from(error: LangflowError) -> Self {
        Unanswered::Own(Box::new(error))
    }
}

/// A request that is about to be sent.
#[derive(Debug)]
pub struct Outgoing {
    request: platform::Request,
    content: Option<Bytes>,
    /// What the connection's own headers were before anybody could change them.
    framing: HeaderMap,
}

impl Outgoing {
    /// Refuses to let a link say how long a message is or to whom it goes: two of these headers make two
    /// messages of one.
    fn check_framing(&self) -> Result<(), LangflowError> {
        let now = framing(self.request.headers());
        if now == self.framing {
            return Ok(());
        }
        let mut names = now.keys().chain(self.framing.keys());
        let changed = names.find(|name| now.get(*name) != self.framing.get(*name));
        let name = changed.map_or("", |name| name.as_str());
        let message = format!("The header `{name}` belongs to the connection; leave it as it is.");
        Err(LangflowError::invalid_input("headers", message))
    }

    /// Its method.
    pub fn method(&self) -> &Method {
        self.request.method()
    }

    /// Where it goes.
    pub fn url(&self) -> &Url {
        self.request.url()
    }

    /// Its headers, the key included.
    pub fn headers(&self) -> &HeaderMap {
        self.request.headers()
    }

    /// The same, to be changed; those that say how long the body is are the connection's.
    pub fn headers_mut(&mut self) -> &mut HeaderMap {
        self.request.headers_mut()
    }

    /// Its body; `None` of an upload, which is read while it is sent.
    pub fn content(&self) -> Option<&Bytes> {
        self.content.as_ref()
    }

    /// An answer to this request that no server gave.
    ///
    /// # Errors
    /// `invalid_input` where status or headers are none.
    pub fn answer(
        &self,
        status: u16,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answered {
        let status = StatusCode::from_u16(status).map_err(|_| refused("status"))?;
        let mut map = HeaderMap::with_capacity(headers.len());
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes());
            let value = HeaderValue::from_str(value);
            let (Ok(name), Ok(value)) = (name, value) else {
                return Err(refused("headers").into());
            };
            map.append(name, value);
        }
        Ok(Response::made(
            status,
            map,
            self.request.place(),
            body.into(),
        ))
    }
}

/// The headers of the connection among these.
fn framing(headers: &HeaderMap) -> HeaderMap {
    let own = |name: &&str| headers.contains_key(*name);
    let found = FRAMING.into_iter().filter(own);
    let found = found.filter_map(|name| {
        let value = headers.get(name)?.clone();
        Some((HeaderName::from_static(name), value))
    });
    found.collect()
}

fn refused(part: &str) -> LangflowError {
    let message = format!("The {part} of an answer cannot be that of an HTTP response.");
    LangflowError::invalid_input(part, message)
}

/// The rest of the chain.
pub struct Next<'a> {
    http: &'a platform::HttpClient,
    rest: &'a [Arc<dyn Middleware>],
}

impl<'a> Next<'a> {
    /// Sends the request on.
    pub fn run(self, request: Outgoing) -> BoxFuture<'a, Answered> {
        match self.rest.split_first() {
            Some((link, rest)) => {
                let http = self.http;
                link.handle(request, Next { http, rest })
            }
            None => {
                if let Err(error) = request.check_framing() {
                    return Box::pin(async move { Err(error.into()) });
                }
                let sending = self.http.execute(request.request);
                Box::pin(async move { sending.await.map_err(Unanswered::Connection) })
            }
        }
    }
}

/// The links of a client's chain, in the order in which a request meets them.
#[derive(Clone, Default)]
pub(crate) struct Chain(Vec<Arc<dyn Middleware>>);

impl Chain {
    pub(crate) fn push(&mut self, link: Arc<dyn Middleware>) {
        self.0.push(link);
    }

    /// The body of a request, where somebody may want to see it and it is in memory.
    pub(crate) fn content(&self, request: &platform::Request) -> Option<Bytes> {
        if self.0.is_empty() {
            return None;
        }
        Some(request.body().cloned().unwrap_or_default())
    }

    /// Sends the request.
    pub(crate) async fn send(
        &self,
        http: &platform::HttpClient,
        request: platform::Request,
        content: Option<Bytes>,
    ) -> Answered {
        if self.0.is_empty() {
            return http.execute(request).await.map_err(Unanswered::Connection);
        }
        let next = Next {
            http,
            rest: &self.0,
        };
        let framing = framing(request.headers());
        next.run(Outgoing {
            request,
            content,
            framing,
        })
        .await
    }

    /// Whether nobody stands in between.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} links", self.0.len())
    }
}

impl Engine {
    /// As [`Engine::new`], with a link in the chain through which every attempt goes.
    ///
    /// # Errors
    /// As there.
    pub fn with_middleware(config: &str, link: impl Middleware) -> Result<Engine, ErrorJson> {
        let builder = ClientBuilder::from_json(config)?.crossing();
        Ok(Engine::of(builder.middleware(link).build()?))
    }
}

/// What became of an attempt that was not answered.
pub(crate) fn unanswered(call: &Call, why: Unanswered, sent: &Sent) -> Failed {
    let error = match why {
        Unanswered::Connection(error) => {
            return transport_failed(call, &error).unless_sent(sent);
        }
        Unanswered::Own(error) => error,
    };
    let mut info = error.info().clone();
    let code = info.code;
    let connecting = matches!(
        code,
        ErrorCode::ConnectFailed | ErrorCode::ConnectTimeout | ErrorCode::TlsFailed
    );
    let lost = code.retryable() && !connecting;
    info.may_have_executed |= call.executes() && !connecting && (lost || sent.begun());
    if info.phase != Phase::Build {
        info.phase = if connecting {
            Phase::Connect
        } else {
            Phase::Send
        };
    }
    let mut failed = Failed::last(info);
    failed.failure = match (connecting, lost) {
        (true, _) => Failure::NotStarted,
        (_, true) => Failure::MayHaveRun,
        _ => Failure::Final,
    };
    failed
}
