//! Requests over HTTP/1.1. Whoever waits for an answer drives its connection, so that a call costs no
//! task and no hop to one. Through a proxy, reqwest sends.

mod dial;
mod error;
#[cfg(unix)]
mod hosted;
mod link;
mod pool;
mod socket;

use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT, HOST};
use http::{HeaderValue, Uri};
use reqwest::ResponseBuilderExt as _;
use rustls::ClientConfig;

use dial::Dial;
pub use error::ConnectionError;
pub(crate) use error::Stage;
use link::{Body, Link};
use pool::Pool;
use socket::Home;

/// Open-source servers close an idle connection after 2 s.
pub(crate) const IDLE: Duration = Duration::from_millis(1500);

/// How long nothing may be heard of a connection until the system asks whether it still is one.
pub(crate) const KEEPALIVE: Duration = Duration::from_secs(60);

/// Sends requests to one server.
#[derive(Clone)]
pub struct HttpClient {
    /// Builds requests, and sends them where they go through a proxy.
    reqwest: reqwest::Client,
    direct: Option<Arc<Direct>>,
}

/// The way to a server without a proxy.
struct Direct {
    dial: Dial,
    pool: Arc<Pool>,
}

impl HttpClient {
    pub(crate) fn proxied(reqwest: reqwest::Client) -> HttpClient {
        HttpClient {
            reqwest,
            direct: None,
        }
    }

    /// To the server of this URL and to no other.
    pub(crate) fn direct(
        reqwest: reqwest::Client,
        url: &str,
        wait: Option<Duration>,
        tls: Option<Arc<ClientConfig>>,
    ) -> HttpClient {
        let direct = Dial::to(url, wait, tls).map(|dial| {
            let pool = Arc::default();
            Arc::new(Direct { dial, pool })
        });
        HttpClient { reqwest, direct }
    }

    /// For who builds requests.
    pub(crate) fn builder(&self) -> &reqwest::Client {
        &self.reqwest
    }

    /// Sends a request and waits for the head of its answer.
    pub(crate) async fn execute(
        &self,
        request: reqwest::Request,
    ) -> Result<reqwest::Response, ConnectionError> {
        match &self.direct {
            Some(direct) => direct.execute(request).await,
            None => Ok(self.reqwest.execute(request).await?),
        }
    }
}

impl std::fmt::Debug for HttpClient {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("HttpClient").finish_non_exhaustive()
    }
}

impl Direct {
    async fn fresh(&self, home: Home) -> Result<Box<Link>, ConnectionError> {
        let socket = self.dial.dial(home).await?;
        let link = Link::over(socket, home).await;
        link.map_err(|error| ConnectionError::new(Stage::Connect, error))
    }

    async fn execute(
        &self,
        request: reqwest::Request,
    ) -> Result<reqwest::Response, ConnectionError> {
        let url = request.url().clone();
        let mut request = prepared(request)?;
        loop {
            let home = Home::here();
            let idle = self.pool.take(home);
            let reused = idle.is_some();
            let mut link = match idle {
                Some(link) => link,
                // In a box, so that no call carries the room for it, and its type is no tower.
                None => Box::pin(self.fresh(home)).await?,
            };
            let failed = match link.send(request).await {
                Ok(answer) => {
                    let pool = Arc::downgrade(&self.pool);
                    let (parts, incoming) = answer.into_parts();
                    let body = reqwest::Body::wrap(Body::new(incoming, link, pool));
                    return told(parts, body, url);
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
}

/// The request as it goes over a connection.
fn prepared(request: reqwest::Request) -> Result<http::Request<reqwest::Body>, ConnectionError> {
    let host = host(request.url());
    let mut request = http::Request::try_from(request)?;
    let uri = request.uri();
    let path = uri.path_and_query().cloned();
    let invalid = |error: http::Error| ConnectionError::new(Stage::Build, error);
    *request.uri_mut() = match path {
        Some(path) => Uri::from(path),
        None => Uri::from_static("/"),
    };
    let host = HeaderValue::try_from(host).map_err(|error| invalid(error.into()))?;
    let headers = request.headers_mut();
    headers.entry(HOST).or_insert(host);
    headers
        .entry(ACCEPT)
        .or_insert(HeaderValue::from_static("*/*"));
    Ok(request)
}

fn host(url: &url::Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// The answer, with the place it came from.
fn told(
    parts: http::response::Parts,
    body: reqwest::Body,
    url: url::Url,
) -> Result<reqwest::Response, ConnectionError> {
    let mut answer = http::Response::builder()
        .status(parts.status)
        .version(parts.version)
        .url(url)
        .body(body)
        .map_err(|error| ConnectionError::new(Stage::Exchange, error))?;
    *answer.headers_mut() = parts.headers;
    Ok(answer.into())
}
