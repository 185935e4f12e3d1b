//! How a connection is made.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::client::legacy::connect::HttpConnector;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio_rustls::TlsConnector;
use tower_service::Service as _;

use super::KEEPALIVE;
use super::error::{ConnectionError, Stage};
use super::socket::{Home, Raw, Socket};
use crate::platform::within;

/// Makes connections to one server.
pub(super) struct Dial {
    tcp: HttpConnector,
    server: http::Uri,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    wait: Option<Duration>,
}

impl Dial {
    /// To the server of this URL; `None` where it has none that a connection can be made to.
    pub(super) fn to(
        url: &str,
        wait: Option<Duration>,
        tls: Option<Arc<ClientConfig>>,
    ) -> Option<Dial> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(KEEPALIVE));
        let server: http::Uri = url.parse().ok()?;
        let tls = match tls {
            Some(config) => {
                let name = server.host()?.trim_matches(['[', ']']).to_owned();
                Some((config.into(), ServerName::try_from(name).ok()?))
            }
            None => None,
        };
        Some(Dial {
            tcp,
            server,
            tls,
            wait,
        })
    }

    /// A new connection, within the time for one.
    pub(super) async fn dial(&self, home: Home) -> Result<Socket, ConnectionError> {
        let made = within(self.wait, self.connect(home)).await;
        made.unwrap_or_else(|| {
            let late = io::Error::from(io::ErrorKind::TimedOut);
            Err(ConnectionError::new(Stage::Late, late))
        })
    }

    async fn connect(&self, home: Home) -> Result<Socket, ConnectionError> {
        let socket = self.tcp(home).await?;
        let Some((tls, name)) = &self.tls else {
            return Ok(Socket::Plain(socket));
        };
        let socket = tls.connect(name.clone(), socket).await;
        let socket = socket.map_err(|error| ConnectionError::new(Stage::Connect, error))?;
        Ok(Socket::Tls(Box::new(socket)))
    }

    /// A connection over TCP whose news are heard at this place.
    async fn tcp(&self, home: Home) -> Result<Raw, ConnectionError> {
        match home {
            Home::Runtime(_) => {
                let connected = self.tcp.clone().call(self.server.clone()).await;
                let socket =
                    connected.map_err(|error| ConnectionError::new(Stage::Connect, error))?;
                Ok(socket.into_inner().into())
            }
            #[cfg(unix)]
            Home::Loop(_) => {
                let connected = super::hosted::connect(&self.server).await;
                let socket =
                    connected.map_err(|error| ConnectionError::new(Stage::Connect, error))?;
                Ok(socket.into())
            }
        }
    }
}
