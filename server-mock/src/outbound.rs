//! Connections that the server opens itself: to receivers of webhooks, to models, and to a server that
//! is recorded.

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::config::Config;

/// A connection, encrypted or not.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// How connections are opened; made once for a server and its tenants.
#[cfg(feature = "program")]
pub(crate) struct Outbound {
    ca_file: Option<std::path::PathBuf>,
    /// Made when it is first needed: most servers never speak TLS, and the authorities take a while to
    /// read.
    tls: std::sync::OnceLock<Result<tokio_rustls::TlsConnector, String>>,
}

/// How connections are opened.
#[cfg(not(feature = "program"))]
pub(crate) struct Outbound;

#[cfg(feature = "program")]
impl Outbound {
    /// Reads the certificates of the configuration at once, since a typing error there is the user's.
    pub(crate) fn new(config: &Config) -> Result<Self, String> {
        let outbound = Self {
            ca_file: config.ca_file.clone(),
            tls: std::sync::OnceLock::new(),
        };
        if outbound.ca_file.is_some() {
            outbound.connector()?;
        }
        Ok(outbound)
    }

    fn connector(&self) -> Result<&tokio_rustls::TlsConnector, String> {
        let made = self.tls.get_or_init(|| {
            let config = crate::tls::client(self.ca_file.as_deref())?;
            Ok(tokio_rustls::TlsConnector::from(config))
        });
        made.as_ref().map_err(Clone::clone)
    }

    /// Whether `https` can be spoken; or why not.
    pub(crate) fn can_encrypt(&self) -> Result<(), String> {
        self.connector().map(|_| ())
    }

    /// Shakes hands on a connection with a host, which has to show a certificate for its name.
    pub(crate) async fn encrypt(
        &self,
        host: &str,
        stream: TcpStream,
    ) -> Result<Box<dyn Stream>, String> {
        let name = rustls::pki_types::ServerName::try_from(host.to_owned());
        let name = name.map_err(|error| format!("{host}: {error}"))?;
        let shaken = self.connector()?.connect(name, stream).await;
        match shaken {
            Ok(stream) => Ok(Box::new(stream)),
            Err(error) => Err(crate::tls::explain(&error)),
        }
    }
}

#[cfg(not(feature = "program"))]
impl Outbound {
    pub(crate) fn new(_: &Config) -> Result<Self, String> {
        Ok(Self)
    }

    pub(crate) fn can_encrypt(&self) -> Result<(), String> {
        Err(
            "https needs the program langflow-mock, or its crate with the feature `program`: \
             this package carries a mock without TLS"
                .to_owned(),
        )
    }

    pub(crate) async fn encrypt(&self, _: &str, _: TcpStream) -> Result<Box<dyn Stream>, String> {
        self.can_encrypt().and_then(|()| Err("no TLS".to_owned()))
    }
}
