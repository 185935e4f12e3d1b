//! A running server: a socket, the connections on it, and how it ends.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

use crate::app::App;
use crate::clock::Clock;
use crate::config::{Config, ControlToken};
use crate::http;
use crate::seed::Seeded;
use crate::tasks::Tasks;
use crate::tenants::Tenants;

/// Why a server could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration is not what [`Config`] describes.
    #[error("the configuration cannot be read: {0}")]
    Config(#[from] serde_json::Error),
    /// A setting has a value that makes no sense.
    #[error("{field} {message}")]
    Setting {
        /// The setting, as it is named in the configuration.
        field: &'static str,
        /// What it has to be.
        message: &'static str,
    },
    /// A file of the user is missing or cannot be read.
    #[error("{path}: {source}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The address is taken or not ours.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// The address in question.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The models cannot be asked there.
    #[error("model_url: {0}")]
    ModelUrl(String),
    /// A fault that shall be armed from the start is none.
    #[error("faults: {0}")]
    Fault(String),
    /// The seed file cannot be read.
    #[error("seed_file: {0}")]
    SeedFile(String),
    /// A tenant cannot have this name.
    #[error("tenants: {0}")]
    Tenant(String),
    /// The cassette cannot be opened.
    #[error("cassette: {0}")]
    Cassette(String),
    /// The server cannot speak TLS with these files.
    #[error("TLS: {0}")]
    Tls(String),
    /// The system gave no thread or no event loop.
    #[error("cannot start: {0}")]
    Runtime(#[from] std::io::Error),
}

/// Chooses what a server shall be like; see [`MockServer::builder`].
#[derive(Debug, Clone, Default)]
pub struct MockServerBuilder {
    config: Config,
    clock: Clock,
}

impl MockServerBuilder {
    /// Takes over a whole configuration.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Fixes ids, secrets and the choices of the default model.
    pub fn seed(mut self, seed: u64) -> Self {
        self.config.seed = seed;
        self
    }

    /// The port to listen on; 0, the default, takes a free one.
    pub fn port(mut self, port: u16) -> Self {
        self.config.port = port;
        self
    }

    /// The clock that the server lives by; keep a clone of it to move the time.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Waits before each word of a model's answer.
    pub fn token_delay(mut self, delay: std::time::Duration) -> Self {
        self.config.token_delay = delay.as_secs_f64();
        self
    }

    /// Starts the server on the current runtime; it listens once this returns.
    pub async fn start(mut self) -> Result<MockServer, StartError> {
        if let Some((field, message)) = self.config.complaint() {
            return Err(StartError::Setting { field, message });
        }
        let address = SocketAddr::new(self.config.host.address(), self.config.port);
        let bind = |source| StartError::Bind { address, source };
        if !address.ip().is_loopback() && self.config.control_token.is_none() {
            self.config.control_token = Some(ControlToken::make()?);
        }
        #[cfg(feature = "program")]
        let tls = tls(&self.config).map_err(StartError::Tls)?;
        #[cfg(not(feature = "program"))]
        let tls = None;
        let secure = tls.is_some();
        let listeners = self.config.host.listen(self.config.port).await;
        let listeners = listeners.map_err(bind)?;
        let address = listeners[0].local_addr().map_err(bind)?;
        let tasks = Tasks::default();
        let (app, seeded) = App::new(self.config, self.clock, tasks.clone(), None)?;
        let tenants = Tenants::new(Arc::clone(&app))?;
        for listener in listeners {
            tasks.spawn(accept(listener, tls.clone(), Arc::clone(&tenants)));
        }
        Ok(MockServer {
            address,
            secure,
            app,
            seeded,
            tasks,
        })
    }
}

/// A running mock of the workspace API; it ends when it is dropped.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), langflow_mock::StartError> {
/// let server = langflow_mock::MockServer::builder().seed(42).start().await?;
/// assert!(server.url().starts_with("http://127.0.0.1:"));
/// assert!(server.api_key().starts_with("lf_admin_"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct MockServer {
    address: SocketAddr,
    secure: bool,
    pub(crate) app: Arc<App>,
    seeded: Seeded,
    tasks: Tasks,
}

impl MockServer {
    /// Begins to describe a server.
    pub fn builder() -> MockServerBuilder {
        MockServerBuilder::default()
    }

    /// The URL of the workspace, without a slash at its end.
    pub fn url(&self) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        // Whoever listens everywhere is found here, and "everywhere" is no address to go to.
        let mut address = self.address;
        if address.ip().is_unspecified() {
            address.set_ip(match address {
                SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        format!("{scheme}://{address}")
    }

    /// The address that the server listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A key that may do everything.
    pub fn api_key(&self) -> &str {
        self.seeded.admin()
    }

    /// The secret of a seeded key: `admin`, `read`, `execute`, `write`, `expired` or `revoked`.
    pub fn key(&self, name: &str) -> Option<&str> {
        self.seeded.keys.get(name).map(String::as_str)
    }

    /// What a program has to send in `x-mock-token` to use the control API, if it has to.
    pub fn control_token(&self) -> Option<&str> {
        let token = self.app.config.control_token.as_ref();
        token.map(ControlToken::reveal)
    }

    /// The ids of the seeded flows by their names.
    pub fn flow_ids(&self) -> &BTreeMap<String, String> {
        &self.seeded.flow_ids
    }

    /// The tenants that the configuration names, and the URL of each one's workspace.
    pub fn tenants(&self) -> BTreeMap<String, String> {
        let names = self.app.config.tenants.iter();
        let url = self.url();
        names
            .map(|name| (name.clone(), crate::tenants::url(&url, name)))
            .collect()
    }

    /// The clock that the server lives by.
    pub fn clock(&self) -> &Clock {
        &self.app.clock
    }

    /// Hands over what happens from now on, as one JSON object each: requests, answers, and what
    /// falls due. Secrets are masked. What a slow reader misses is left out.
    pub fn log(&self, write: impl Fn(&str) + Send + 'static) {
        let mut news = self.app.double.feed.listen();
        self.tasks.spawn(async move {
            use tokio::sync::broadcast::error::RecvError;
            loop {
                match news.recv().await {
                    Ok(news) => {
                        let mut line = serde_json::json!({"event": news.kind});
                        line["data"] = news.data.clone();
                        write(&line.to_string());
                    }
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return,
                }
            }
        });
    }

    /// What a program that starts the server has to know, as one JSON object.
    pub fn ready_json(&self) -> serde_json::Value {
        serde_json::json!({
            "url": self.url(),
            "port": self.address.port(),
            "control": format!("{}{}", self.url(), crate::control::PREFIX),
            "api_key": self.api_key(),
            "control_token": self.control_token(),
            "pid": std::process::id(),
            "flow_ids": self.flow_ids(),
            "keys": self.seeded.keys,
            "tenants": self.tenants(),
        })
    }
}

impl Drop for MockServer {
    fn drop(&mut self) {
        if std::thread::panicking() {
            use std::io::Write;
            // By the lock, and not by a macro: it may not panic again.
            let _ = writeln!(std::io::stderr().lock(), "{}", self.report());
        }
        self.tasks.stop();
    }
}

/// What shakes hands on connections, where they are encrypted.
#[cfg(feature = "program")]
type Tls = tokio_rustls::TlsAcceptor;
/// There is none.
#[cfg(not(feature = "program"))]
#[derive(Clone)]
enum Tls {}

#[cfg(feature = "program")]
fn tls(config: &Config) -> Result<Option<Tls>, String> {
    match (&config.tls_cert, &config.tls_key) {
        (None, None) => Ok(None),
        (Some(cert), Some(key)) => crate::tls::acceptor(cert, key).map(Some),
        (Some(_), None) => Err("tls_cert needs tls_key".to_owned()),
        (None, Some(_)) => Err("tls_key needs tls_cert".to_owned()),
    }
}

async fn accept(listener: TcpListener, tls: Option<Tls>, tenants: Arc<Tenants>) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                let served = serve(stream, peer, tls.clone(), Arc::clone(&tenants));
                tenants.main.tasks.spawn(served);
            }
            // Out of sockets: those that are open have to end first.
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
        }
    }
}

async fn serve(stream: TcpStream, peer: SocketAddr, tls: Option<Tls>, tenants: Arc<Tenants>) {
    // Tokens are small and have to leave at once.
    let _ = stream.set_nodelay(true);
    let line = http::Line::new(peer);
    let wire = http::Wire::new(stream, Arc::clone(&line));
    match tls {
        None => speak(wire, line, tenants).await,
        #[cfg(feature = "program")]
        Some(tls) => {
            // Boxed, so that connections without it keep no room for it. A fault breaks the socket
            // below: the wire is in the hands of TLS.
            let shaken = async {
                if let Ok(stream) = tls.accept(wire).await {
                    speak(stream, line, tenants).await;
                }
            };
            Box::pin(shaken).await;
        }
        #[cfg(not(feature = "program"))]
        Some(never) => match never {},
    }
}

async fn speak<S>(stream: S, line: Arc<http::Line>, tenants: Arc<Tenants>)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    // Boxed, so that an open stream does not keep the room that its answer took to be made.
    let service = hyper::service::service_fn(move |request| {
        Box::pin(http::lead(Arc::clone(&tenants), line.clone(), request))
    });
    let connection = hyper::server::conn::http1::Builder::new();
    // A client that goes away is its own business.
    let _ = connection
        .serve_connection(TokioIo::new(stream), service)
        .await;
}
