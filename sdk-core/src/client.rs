//! The client: a configuration, and what all its copies share.

use std::fmt;
use std::sync::{Arc, OnceLock};

use serde_json::Value;

use crate::auth::Tokens;
use crate::builder::ClientBuilder;
#[cfg(not(target_arch = "wasm32"))]
use crate::cache::Cache;
use crate::closed::Closed;
use crate::config::Config;
use crate::dialect::detect::Known;
use crate::error::LangflowError;
use crate::limits::Limits;
use crate::masking::Learnt;
use crate::metrics::Metrics;
use crate::options::CallOptions;
use crate::platform;
use crate::retry::Quota;

/// Speaks to one server. Copies are cheap and share connections.
///
/// ```no_run
/// # async fn example() -> Result<(), langflow_client::LangflowError> {
/// use langflow_client::{Client, RunRequest};
///
/// let client = Client::builder().base_url("your-workspace-url").api_key("your-api-key").build()?;
/// let result = client.run_flow(RunRequest::new("your-flow-id", "Hello!")).await?;
/// println!("{}", result.output);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Client {
    pub(crate) config: Arc<Config>,
    pub(crate) shared: Arc<Shared>,
    /// Of this client and its copies, not of those with other options.
    pub(crate) closed: Arc<Closed>,
}

/// What the copies of a client share.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    http: OnceLock<Result<platform::HttpClient, LangflowError>>,
    pub(crate) quota: Quota,
    pub(crate) known: Known,
    pub(crate) metrics: Metrics,
    pub(crate) limits: Limits,
    pub(crate) tokens: Tokens,
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) cache: Cache,
    pub(crate) learnt: Learnt,
    pub(crate) flows: crate::components::Flows,
}

impl Client {
    /// Settings to build a client from.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// A client from the environment alone: `LANGFLOW_URL`, `LANGFLOW_API_KEY`.
    ///
    /// # Errors
    /// As [`ClientBuilder::build`].
    pub fn from_env() -> Result<Client, LangflowError> {
        Client::builder().build()
    }

    pub(crate) fn new(config: Config) -> Client {
        let limits = Limits::new(config.requests_per_second, config.max_concurrent);
        let shared = Shared {
            limits,
            ..Shared::default()
        };
        Client {
            config: Arc::new(config),
            shared: Arc::new(shared),
            closed: Arc::default(),
        }
    }

    /// A client with other options for every call; connections are shared with this one.
    pub fn with_options(&self, options: &CallOptions) -> Client {
        let config = Arc::new(self.config.as_ref().clone().with(options));
        Client {
            config,
            shared: self.shared.clone(),
            closed: Arc::default(),
        }
    }

    /// As [`Client::with_options`], with settings by name as they cross a boundary.
    pub(crate) fn with_settings(&self, text: &str) -> Result<Client, LangflowError> {
        let config = Arc::new(self.config.as_ref().clone().with_settings(text)?);
        Ok(Client {
            config,
            shared: self.shared.clone(),
            closed: Arc::default(),
        })
    }

    /// Ends the calls and streams of this client and of its copies, and refuses new ones. Each ends with
    /// `client_closed`, whose `may_have_executed` says whether the flow may have run. A client made by
    /// [`Client::with_options`] is another one and goes on.
    pub fn close(&self) {
        self.closed.close();
    }

    /// What may be shown of the configuration: everything but the key and the headers.
    pub fn describe(&self) -> Value {
        self.config.describe()
    }

    /// The HTTP client, made at the first call.
    pub(crate) fn http(&self) -> Result<&platform::HttpClient, LangflowError> {
        let made = self.shared.http.get_or_init(|| {
            let connect = self.config.timeouts.connect;
            platform::http_client(&self.config.base, connect, &self.config.network)
        });
        made.as_ref().map_err(Clone::clone)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Client {}", self.describe())
    }
}

#[cfg(not(target_arch = "wasm32"))]
/// An error and what is underneath, on one line. URLs are left out: they may carry a query.
pub(crate) fn causes(error: &dyn std::error::Error) -> String {
    let mut found: Vec<String> = Vec::new();
    let mut next = error.source();
    while let Some(error) = next {
        let text = error.to_string();
        if found.last().is_none_or(|last| !last.contains(&text)) {
            found.push(text);
        }
        next = error.source();
    }
    if found.is_empty() {
        "no further cause is known".to_owned()
    } else {
        found.join(": ")
    }
}

/// What went wrong, on one line.
#[cfg(target_arch = "wasm32")]
pub(crate) fn causes(error: &platform::ConnectionError) -> String {
    error.to_string()
}
