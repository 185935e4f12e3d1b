//! How a connection is made, to a server or through a proxy.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderValue, Uri};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::Intercept;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio_rustls::TlsConnector;
use tower_service::Service;
use url::{Position, Url};

use super::KEEPALIVE;
use super::error::{ConnectionError, Stage};
use super::socket::{Home, Raw, Socket};
use crate::platform::within;

/// Makes connections to one server.
pub(in crate::platform) struct Dial {
    tcp: HttpConnector,
    url: Url,
    server: Uri,
    host: HeaderValue,
    tls: Option<Secure>,
    proxy: Option<Proxy>,
    wait: Option<Duration>,
}

/// What stands between, and how it is spoken to.
pub(in crate::platform) struct Proxy {
    uri: Uri,
    auth: Option<HeaderValue>,
    tls: Option<Secure>,
}

/// How TLS is spoken, and whose certificate is to be shown.
struct Secure(TlsConnector, ServerName<'static>);

impl Secure {
    fn with(server: &Uri, config: Arc<ClientConfig>) -> Option<Secure> {
        let name = server.host()?.trim_matches(['[', ']']).to_owned();
        Some(Secure(config.into(), ServerName::try_from(name).ok()?))
    }

    async fn over(&self, socket: Socket) -> Result<Socket, ConnectionError> {
        let Secure(tls, name) = self;
        let socket = tls.connect(name.clone(), socket).await;
        let socket = socket.map_err(|error| ConnectionError::new(Stage::Connect, error))?;
        Ok(Socket::Tls(Box::new(socket)))
    }
}

impl Proxy {
    /// `None` where it has no name that a certificate could be for.
    pub(in crate::platform) fn new(
        found: &Intercept,
        tls: Option<&Arc<ClientConfig>>,
    ) -> Option<Proxy> {
        let uri = found.uri().clone();
        let secure = uri.scheme_str() == Some("https");
        let tls = match tls.filter(|_| secure) {
            Some(config) => {
                let mut config = ClientConfig::clone(config);
                // It is asked for a tunnel, which has no name there.
                config.alpn_protocols.clear();
                Some(Secure::with(&uri, Arc::new(config))?)
            }
            None => None,
        };
        Some(Proxy {
            uri,
            auth: found.basic_auth().cloned(),
            tls,
        })
    }

    /// What it wants to know of the user.
    pub(super) fn auth(&self) -> Option<&HeaderValue> {
        self.auth.as_ref()
    }
}

impl Dial {
    /// To the server of this URL; `None` where it has none that a connection can be made to.
    pub(in crate::platform) fn to(
        url: &str,
        wait: Option<Duration>,
        tls: Option<Arc<ClientConfig>>,
        proxy: Option<Proxy>,
    ) -> Option<Dial> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(KEEPALIVE));
        let url: Url = url.parse().ok()?;
        let server: Uri = url.as_str().parse().ok()?;
        let host = &url[Position::BeforeHost..Position::AfterPort];
        let host = HeaderValue::from_str(host).ok()?;
        let tls = match tls.filter(|_| url.scheme() == "https") {
            Some(config) => Some(Secure::with(&server, config)?),
            None => None,
        };
        Some(Dial {
            tcp,
            url,
            server,
            host,
            tls,
            proxy,
            wait,
        })
    }

    pub(super) fn scheme(&self) -> &str {
        self.url.scheme()
    }

    /// The name of the server, and its port where it is not that of the scheme.
    pub(super) fn host(&self) -> &str {
        &self.url[Position::BeforeHost..Position::AfterPort]
    }

    pub(super) fn host_value(&self) -> HeaderValue {
        self.host.clone()
    }

    /// The proxy to which requests are handed in the clear.
    pub(super) fn plain_proxy(&self) -> Option<&Proxy> {
        self.proxy.as_ref().filter(|_| self.tls.is_none())
    }

    /// A new connection, within the time for one.
    pub(super) async fn dial(self: &Arc<Self>, home: Home) -> Result<Socket, ConnectionError> {
        let made = within(self.wait, self.connect(home)).await;
        made.unwrap_or_else(|| {
            let late = io::Error::from(io::ErrorKind::TimedOut);
            Err(ConnectionError::new(Stage::Late, late))
        })
    }

    async fn connect(self: &Arc<Self>, home: Home) -> Result<Socket, ConnectionError> {
        let socket = match (&self.proxy, &self.tls) {
            (None, _) => Socket::Plain(self.tcp(home, &self.server).await?),
            (Some(proxy), None) => self.to_proxy(home, proxy).await?,
            (Some(proxy), Some(_)) => {
                let mut tunnel = Tunnel::new(proxy.uri.clone(), ToProxy(self.clone(), home));
                if let Some(auth) = &proxy.auth {
                    tunnel = tunnel.with_auth(auth.clone());
                }
                let through = tunnel.call(self.server.clone()).await;
                let through =
                    through.map_err(|error| ConnectionError::new(Stage::Connect, error))?;
                through.into_inner()
            }
        };
        match &self.tls {
            Some(tls) => tls.over(socket).await,
            None => Ok(socket),
        }
    }

    async fn to_proxy(&self, home: Home, proxy: &Proxy) -> Result<Socket, ConnectionError> {
        let socket = Socket::Plain(self.tcp(home, &proxy.uri).await?);
        match &proxy.tls {
            Some(tls) => tls.over(socket).await,
            None => Ok(socket),
        }
    }

    /// A connection over TCP whose news are heard at this place.
    async fn tcp(&self, home: Home, server: &Uri) -> Result<Raw, ConnectionError> {
        match home {
            Home::Runtime(_) => {
                let connected = self.tcp.clone().call(server.clone()).await;
                let socket =
                    connected.map_err(|error| ConnectionError::new(Stage::Connect, error))?;
                Ok(socket.into_inner().into())
            }
            #[cfg(unix)]
            Home::Loop(_) => {
                let connected = super::hosted::connect(server).await;
                let socket =
                    connected.map_err(|error| ConnectionError::new(Stage::Connect, error))?;
                Ok(socket.into())
            }
        }
    }
}

/// Connects to the proxy, for who then asks it for a tunnel.
struct ToProxy(Arc<Dial>, Home);

impl Service<Uri> for ToProxy {
    type Response = TokioIo<Socket>;
    type Error = ConnectionError;
    type Future = Pin<Box<dyn Future<Output = Result<TokioIo<Socket>, ConnectionError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectionError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let ToProxy(dial, home) = self;
        let (dial, home) = (dial.clone(), *home);
        Box::pin(async move {
            let Some(proxy) = &dial.proxy else {
                let missing = io::Error::other("there is no proxy");
                return Err(ConnectionError::new(Stage::Connect, missing));
            };
            Ok(TokioIo::new(dial.to_proxy(home, proxy).await?))
        })
    }
}
