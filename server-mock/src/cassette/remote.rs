//! The server that is recorded.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderName, Request, Response, Uri, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

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
    tls: Option<TlsConnector>,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl Remote {
    pub(super) fn new(url: &str) -> Result<Self, String> {
        let uri: Uri = url.parse().map_err(|_| format!("`{url}` is no URL"))?;
        let tls = match uri.scheme_str() {
            Some("http") => None,
            Some("https") => Some(connector()?),
            _ => return Err(format!("`{url}` has to begin with http:// or https://")),
        };
        let host = uri.host().ok_or_else(|| format!("`{url}` has no host"))?;
        Ok(Self {
            host: host.trim_matches(['[', ']']).to_owned(),
            port: uri
                .port_u16()
                .unwrap_or(if tls.is_some() { 443 } else { 80 }),
            prefix: uri.path().trim_end_matches('/').to_owned(),
            tls,
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
        let stream: Box<dyn Stream> = match &self.tls {
            None => Box::new(stream),
            Some(tls) => {
                let name =
                    ServerName::try_from(self.host.clone()).map_err(|error| failed(&error))?;
                let shaken = tls.connect(name, stream).await;
                Box::new(shaken.map_err(|error| failed(&error))?)
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

/// Trusts the usual authorities, and those in the file that `SSL_CERT_FILE` names.
fn connector() -> Result<TlsConnector, String> {
    let mut roots = rustls::RootCertStore::empty();
    let usual = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned();
    roots.add_parsable_certificates(usual);
    if let Some(path) = std::env::var_os("SSL_CERT_FILE") {
        let more = crate::tls::certificates(path.as_ref())?;
        roots.add_parsable_certificates(more);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
