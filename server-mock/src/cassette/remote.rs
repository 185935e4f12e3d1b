//! The server that is recorded.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderName, Request, Response, Uri, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::outbound::{Outbound, Stream};

/// How long the server may take until it takes a connection.
const CONNECT: Duration = Duration::from_secs(10);

/// Headers of a connection, not of a request; and what would pack an answer, so that nobody could
/// read the recording.
const LEFT_OUT: [HeaderName; 7] = [
    header::HOST,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::EXPECT,
    header::ACCEPT_ENCODING,
    header::UPGRADE,
];

/// A server elsewhere.
pub(super) struct Remote {
    uri: Uri,
    host: String,
    port: u16,
    /// What stands before every path.
    prefix: String,
    /// Whether it speaks TLS.
    encrypted: bool,
    outbound: Arc<Outbound>,
}

impl Remote {
    pub(super) fn new(url: &str, outbound: &Arc<Outbound>) -> Result<Self, String> {
        let uri: Uri = url.parse().map_err(|_| format!("`{url}` is no URL"))?;
        let encrypted = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => outbound.can_encrypt().map(|()| true)?,
            _ => return Err(format!("`{url}` has to begin with http:// or https://")),
        };
        let host = uri.host().ok_or_else(|| format!("`{url}` has no host"))?;
        Ok(Self {
            host: host.trim_matches(['[', ']']).to_owned(),
            port: uri.port_u16().unwrap_or(if encrypted { 443 } else { 80 }),
            prefix: uri.path().trim_end_matches('/').to_owned(),
            encrypted,
            outbound: Arc::clone(outbound),
            uri,
        })
    }

    /// Sends a request on; the answer as it comes.
    pub(super) async fn send(
        &self,
        parts: &Parts,
        body: &Bytes,
    ) -> Result<Response<Incoming>, String> {
        let failed = |error: &dyn std::fmt::Display| error.to_string();
        let connecting = TcpStream::connect((self.host.as_str(), self.port));
        let stream = tokio::time::timeout(CONNECT, connecting).await;
        let stream = stream
            .map_err(|_| "it takes no connection".to_owned())?
            .map_err(|error| failed(&error))?;
        let _ = stream.set_nodelay(true);
        let stream: Box<dyn Stream> = match self.encrypted {
            false => Box::new(stream),
            true => {
                let shaking = self.outbound.encrypt(&self.host, stream);
                let shaken = tokio::time::timeout(CONNECT, shaking).await;
                shaken.map_err(|_| "it does not shake hands".to_owned())??
            }
        };
        let shaken = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = shaken.map_err(|error| failed(&error))?;
        // It ends with the answer, or when nobody wants that any more.
        tokio::spawn(connection);
        let target = parts.uri.path_and_query().map_or("/", |it| it.as_str());
        let mut request = Request::new(Full::new(body.clone()));
        *request.method_mut() = parts.method.clone();
        *request.uri_mut() = format!("{}{target}", self.prefix)
            .parse()
            .map_err(|_| "the path is none".to_owned())?;
        for (name, value) in &parts.headers {
            let own = name.as_str().starts_with("x-mock");
            if !own && !LEFT_OUT.contains(name) {
                request.headers_mut().append(name, value.clone());
            }
        }
        let host = self.uri.authority().map_or("", |it| it.as_str());
        let host = host.parse().map_err(|_| "the host is none".to_owned())?;
        request.headers_mut().insert(header::HOST, host);
        let answer = sender.send_request(request).await;
        answer.map_err(|error| failed(&error))
    }
}
