//! Where a client finds its server and how it behaves: explicit settings, then the environment,
//! then defaults.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use crate::auth::Login;
use crate::base_url::BaseUrl;
use crate::client::Client;
use crate::dialect::Api;
use crate::error::{ErrorCode, LangflowError};
use crate::options::{self, CallOptions, Network, Timeouts, refuse};
use crate::platform;

/// Where a server of one's own usually listens.
const DEFAULT_URL: &str = "http://localhost:7860";

/// A key that does not show itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text itself, for the one header that carries it.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    pub(crate) fn new(text: &str) -> Secret {
        Secret(text.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("***")
    }
}

/// Everything that a client is made of.
#[derive(Debug, Clone)]
pub struct Config {
    pub(crate) base: BaseUrl,
    pub(crate) api_key: Option<Secret>,
    pub(crate) timeouts: Timeouts,
    pub(crate) max_retries: u32,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) strict_sessions: bool,
    pub(crate) api: Api,
    pub(crate) user_agent: String,
    pub(crate) max_event: usize,
    pub(crate) network: Network,
    pub(crate) requests_per_second: Option<f64>,
    pub(crate) max_concurrent: Option<u32>,
    pub(crate) login: Option<Login>,
    pub(crate) organization: Option<String>,
}

/// Settings of a client to be. Nothing is checked before [`ClientBuilder::build`].
#[derive(Clone, Default)]
pub struct ClientBuilder {
    settings: BTreeMap<String, Value>,
    environment: Option<BTreeMap<String, String>>,
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut settings = self.settings.clone();
        // The URL of a proxy may hold a password.
        for name in ["api_key", "proxy", "password"] {
            if let Some(value) = settings.get_mut(name) {
                *value = json!("***");
            }
        }
        // Default headers may carry credentials of a proxy.
        settings.remove("headers");
        out.debug_struct("ClientBuilder")
            .field("settings", &settings)
            .finish_non_exhaustive()
    }
}

impl ClientBuilder {
    /// URL of the workspace in any form: host, with slash or prefix, a whole endpoint URL.
    /// Default: `LANGFLOW_URL`, else `http://localhost:7860`.
    pub fn base_url(self, url: impl Into<String>) -> Self {
        self.set("base_url", url.into())
    }

    /// The key. Default: `LANGFLOW_API_KEY`, else none is sent.
    pub fn api_key(self, key: impl Into<String>) -> Self {
        self.set("api_key", key.into())
    }

    /// Logs in to an open-source server instead of sending a key. The token is renewed as long as the
    /// client lives. Excludes [`ClientBuilder::api_key`].
    pub fn login(self, username: impl Into<String>, password: impl Into<String>) -> Self {
        self.set("username", username.into())
            .set("password", password.into())
    }

    /// Organization that a hosted Langflow is told with each request (`X-DataStax-Current-Org`). With
    /// it, `api` is `hosted` where nothing else is said.
    pub fn organization(self, id: impl Into<String>) -> Self {
        self.set("organization", id.into())
    }

    /// Total time of every call. Default: none for runs, 60 s for everything else.
    pub fn timeout(self, time: Duration) -> Self {
        self.set("timeout", time.as_secs_f64())
    }

    /// Time until there is a connection. Default: 10 s.
    pub fn connect_timeout(self, time: Duration) -> Self {
        self.set("connect_timeout", time.as_secs_f64())
    }

    /// Time from the request to the first byte of the answer. Default: none.
    pub fn first_byte_timeout(self, time: Duration) -> Self {
        self.set("first_byte_timeout", time.as_secs_f64())
    }

    /// Time between two pieces of an answer, keepalives included. Default: 120 s.
    pub fn idle_timeout(self, time: Duration) -> Self {
        self.set("idle_timeout", time.as_secs_f64())
    }

    /// Retries after the first attempt, where a retry is safe. Default: 2.
    pub fn max_retries(self, retries: u32) -> Self {
        self.set("max_retries", retries)
    }

    /// A header for every request.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let headers = self
            .settings
            .entry("headers".to_owned())
            .or_insert_with(|| json!({}));
        headers[name.into()] = json!(value.into());
        self
    }

    /// URL of the proxy for all requests, `http://user:password@proxy.example:8080`; empty for none.
    /// Default: `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`, and no proxy to this machine.
    pub fn proxy(self, url: impl Into<String>) -> Self {
        self.set("proxy", url.into())
    }

    /// Path of a PEM file with the authorities to trust instead of the platform's. Default:
    /// `LANGFLOW_CA_BUNDLE`; `SSL_CERT_FILE` is heeded by the platform's store.
    pub fn ca_bundle(self, path: impl Into<String>) -> Self {
        self.set("ca_bundle", path.into())
    }

    /// Path of a PEM file with a certificate and its private key, for servers that ask for one.
    pub fn client_cert(self, path: impl Into<String>) -> Self {
        self.set("client_cert", path.into())
    }

    /// Requests a second at most, retries included. Default: no limit.
    pub fn requests_per_second(self, rate: f64) -> Self {
        self.set("requests_per_second", rate)
    }

    /// Requests at a time at most, open streams included. Default: no limit.
    pub fn max_concurrent(self, count: u32) -> Self {
        self.set("max_concurrent", count)
    }

    /// Allows plain http to another machine. Default: only https, and http to this machine.
    pub fn allow_http(self, allow: bool) -> Self {
        self.set("allow_http", allow)
    }

    /// Fails instead of logging where a session had expired. Default: false.
    pub fn strict_sessions(self, strict: bool) -> Self {
        self.set("strict_sessions", strict)
    }

    /// Which server it is: `workspace`; `langflow`, an open-source one; `hosted`, the same behind a host
    /// that takes the key as a Bearer; `lfx`, `lfx serve`; `responses`, an open-source one by its
    /// `/api/v1/responses`; or `auto`. Default: `auto`, which finds out all but `responses`.
    pub fn api(self, api: impl Into<String>) -> Self {
        self.set("api", api.into())
    }

    /// Settings by name, as they cross a boundary. Null means absent.
    pub fn from_json(text: &str) -> Result<ClientBuilder, LangflowError> {
        let value: Value = serde_json::from_str(text).map_err(|error| {
            LangflowError::invalid_input("config", format!("The settings are not JSON: {error}."))
        })?;
        let Value::Object(map) = value else {
            return Err(refuse("config", "an object", &value));
        };
        let mut builder = ClientBuilder::default();
        for (name, value) in map {
            match (name.as_str(), &value) {
                (_, Value::Null) => {}
                ("env", Value::Object(values)) => {
                    builder.environment = Some(
                        values
                            .iter()
                            .map(|(name, value)| Ok((name.clone(), options::text(name, value)?)))
                            .collect::<Result<_, LangflowError>>()?,
                    );
                }
                _ => {
                    builder.settings.insert(name, value);
                }
            }
        }
        Ok(builder)
    }

    fn set(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.settings.insert(name.to_owned(), value.into());
        self
    }

    fn environment(&self, name: &str) -> Option<String> {
        let found = match &self.environment {
            Some(values) => values.get(name).cloned(),
            None => platform::environment(name),
        };
        found.filter(|value| !value.trim().is_empty())
    }

    /// The client. Makes no connection, starts no thread and reads no certificate.
    ///
    /// # Errors
    /// `invalid_base_url`, `insecure_url` or `invalid_input`, each naming the setting.
    pub fn build(self) -> Result<Client, LangflowError> {
        Ok(Client::new(self.config()?))
    }

    pub(crate) fn config(&self) -> Result<Config, LangflowError> {
        let mut language = "rust".to_owned();
        let mut config = Config {
            base: self.base()?,
            api_key: self
                .environment("LANGFLOW_API_KEY")
                .filter(|_| !self.settings.contains_key("api_key"))
                .map(|key| secret(&key).map_err(|error| named(error, "LANGFLOW_API_KEY")))
                .transpose()?,
            timeouts: Timeouts::default(),
            max_retries: 2,
            headers: Vec::new(),
            strict_sessions: false,
            api: Api::default(),
            user_agent: String::new(),
            max_event: crate::decode::MAX_EVENT,
            network: Network::default(),
            requests_per_second: None,
            max_concurrent: None,
            login: None,
            organization: None,
        };
        if let Some(lines) = self.environment("LANGFLOW_CUSTOM_HEADERS") {
            config.headers = options::header_lines("LANGFLOW_CUSTOM_HEADERS", &lines)?;
        }
        if platform::HAS_FILES {
            config.network.ca_bundle = self.environment("LANGFLOW_CA_BUNDLE");
        }
        for (from, to) in [
            ("LANGFLOW_TIMEOUT", "timeout"),
            ("LANGFLOW_MAX_RETRIES", "max_retries"),
        ] {
            let explicit = self.settings.contains_key(to);
            if let Some(text) = self.environment(from).filter(|_| !explicit) {
                let value = text.trim().parse::<f64>().map_or(json!(text), |number| {
                    if number.fract() == 0.0 {
                        json!(number as i64)
                    } else {
                        json!(number)
                    }
                });
                config
                    .apply(to, &value, &mut language)
                    .map_err(|error| named(error, from))?;
            }
        }
        for (name, value) in &self.settings {
            config.apply(name, value, &mut language)?;
        }
        config.who(&self.settings)?;
        config.user_agent = format!(
            "langflow-client/{} ({language}; {})",
            env!("CARGO_PKG_VERSION"),
            platform::name()
        );
        options::check_header("language", "user-agent", &config.user_agent)?;
        Ok(config)
    }

    fn base(&self) -> Result<BaseUrl, LangflowError> {
        let allow = match self.settings.get("allow_http") {
            Some(value) => options::flag("allow_http", value)?,
            None => self.environment("LANGFLOW_ALLOW_HTTP").is_some_and(|text| {
                matches!(
                    text.trim().to_ascii_lowercase().as_str(),
                    "1" | "true" | "yes"
                )
            }),
        };
        if let Some(value) = self.settings.get("base_url") {
            let text = options::text("base_url", value)?;
            return BaseUrl::parse(&text, "base_url", allow);
        }
        for name in ["LANGFLOW_URL", "LANGFLOW_BASE_URL"] {
            if let Some(text) = self.environment(name) {
                return BaseUrl::parse(&text, name, allow);
            }
        }
        BaseUrl::parse(DEFAULT_URL, "base_url", allow)
    }
}

impl Config {
    fn apply(
        &mut self,
        name: &str,
        value: &Value,
        language: &mut String,
    ) -> Result<(), LangflowError> {
        let time = || options::seconds(name, value).map(Some);
        match name {
            "base_url" | "allow_http" => {}
            "api_key" => self.api_key = Some(secret(&options::text(name, value)?)?),
            // Together, when all settings are there.
            "username" | "password" => {}
            "organization" => {
                let id = options::text(name, value)?;
                options::check_header(name, "x-datastax-current-org", &id)?;
                self.organization = Some(id);
            }
            "timeout" => self.timeouts.total = time()?,
            "connect_timeout" if !platform::BOUNDS_CONNECTING => {
                return Err(LangflowError::invalid(
                    ErrorCode::Unsupported,
                    name,
                    "`connect_timeout` cannot be kept here; use `first_byte_timeout`.",
                ));
            }
            "connect_timeout" => self.timeouts.connect = time()?,
            "first_byte_timeout" => self.timeouts.first_byte = time()?,
            "idle_timeout" => {
                self.timeouts.idle = time()?;
                self.timeouts.idle_chosen = true;
            }
            "max_retries" => self.max_retries = options::count(name, value)?,
            "headers" => self.headers.extend(options::headers(name, value)?),
            "proxy" | "ca_bundle" | "client_cert" if !platform::HAS_FILES => {
                let message = format!("`{name}` is a matter of the browser here.");
                return Err(LangflowError::invalid(
                    ErrorCode::Unsupported,
                    name,
                    message,
                ));
            }
            "proxy" => self.network.proxy = Some(proxy(&options::text(name, value)?)?),
            "ca_bundle" => self.network.ca_bundle = Some(options::text(name, value)?),
            "client_cert" => self.network.client_cert = Some(options::text(name, value)?),
            "requests_per_second" => {
                self.requests_per_second = Some(options::positive(name, value)?);
            }
            "max_concurrent" => match options::count(name, value)? {
                0 => {
                    let message = "`max_concurrent` must be 1 or more.";
                    return Err(LangflowError::invalid_input(name, message));
                }
                count => self.max_concurrent = Some(count),
            },
            "strict_sessions" => self.strict_sessions = options::flag(name, value)?,
            "api" => self.api = Api::parse(&options::text(name, value)?)?,
            "max_event" => self.max_event = options::count(name, value)? as usize,
            "language" => *language = options::text(name, value)?,
            other => {
                let message = format!("There is no setting `{other}`.");
                return Err(LangflowError::invalid_input(other, message));
            }
        }
        Ok(())
    }

    /// Who the client is: a key or a login, and where the key goes.
    fn who(&mut self, settings: &BTreeMap<String, Value>) -> Result<(), LangflowError> {
        let hosted = self.organization.is_some() || self.base.is_hosted();
        if self.api == Api::Auto && hosted {
            self.api = Api::Hosted;
        }
        self.login = Login::read(settings, self.api)?;
        if self.login.is_some() {
            // Settings win over the environment; both as settings were refused.
            self.api_key = None;
        }
        Ok(())
    }

    /// Whether the server takes a Bearer, though it is an open-source one.
    pub(crate) fn hosted(&self) -> bool {
        self.api == Api::Hosted
    }

    /// The same with other options for every call.
    pub(crate) fn with(mut self, options: &CallOptions) -> Config {
        if options.timeout.is_some() {
            self.timeouts.total = options.timeout;
        }
        self.max_retries = options.max_retries.unwrap_or(self.max_retries);
        self.headers.extend(options.headers.iter().cloned());
        self
    }

    /// The same with other settings, by name. What belongs to the connections, or to all copies
    /// of a client together, needs a client of its own.
    pub(crate) fn with_settings(mut self, text: &str) -> Result<Config, LangflowError> {
        let value: Value = serde_json::from_str(text).map_err(|error| {
            LangflowError::invalid_input("options", format!("The options are not JSON: {error}."))
        })?;
        let Some(map) = value.as_object() else {
            return Err(refuse("options", "an object", &value));
        };
        for (name, value) in map.iter().filter(|(_, value)| !value.is_null()) {
            match name.as_str() {
                "headers" | "api_key" | "timeout" | "first_byte_timeout" | "idle_timeout"
                | "max_retries" | "strict_sessions" | "max_event" => {
                    self.apply(name, value, &mut String::new())?;
                }
                other => {
                    let message = format!(
                        "`{other}` is no option of a client that shares its connections; make a \
                         client of its own."
                    );
                    return Err(LangflowError::invalid_input(other, message));
                }
            }
        }
        Ok(self)
    }

    /// What may be shown of it.
    pub(crate) fn describe(&self) -> Value {
        json!({
            "base_url": self.base.root(),
            "api_key": self.api_key.as_ref().map(|_| "***"),
            "username": self.login.as_ref().map(Login::username),
            "organization": self.organization,
            "api": self.api.name(),
            "timeout": self.timeouts.total.map(|time| time.as_secs_f64()),
            "max_retries": self.max_retries,
            "proxy": self.network.proxy.as_ref().map(|url| if url.is_empty() { "none" } else { "***" }),
            "ca_bundle": self.network.ca_bundle,
            "client_cert": self.network.client_cert,
            "requests_per_second": self.requests_per_second,
            "max_concurrent": self.max_concurrent,
        })
    }
}

/// The error with the environment variable as its field.
fn named(error: LangflowError, variable: &str) -> LangflowError {
    let mut error = error;
    error.info_mut().field = Some(variable.to_owned());
    error
}

/// The URL of a proxy; what is wrong with it is said without it, since it may hold a password.
fn proxy(text: &str) -> Result<String, LangflowError> {
    let text = text.trim();
    let good = text.is_empty()
        || url::Url::parse(text)
            .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some());
    match good {
        true => Ok(text.to_owned()),
        false => Err(LangflowError::invalid_input(
            "proxy",
            "`proxy` must be a URL such as http://proxy.example:8080, or empty for no proxy.",
        )),
    }
}

/// A key as people paste it. The text never gets into the error.
fn secret(text: &str) -> Result<Secret, LangflowError> {
    let trimmed = text.trim();
    let key = trimmed.strip_prefix("Bearer ").unwrap_or(trimmed).trim();
    if key.is_empty() {
        return Err(LangflowError::invalid_input(
            "api_key",
            "`api_key` is empty.",
        ));
    }
    if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(LangflowError::invalid_input(
            "api_key",
            "`api_key` has white space or a character that no header can carry.",
        ));
    }
    Ok(Secret(key.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(config: Value) -> Result<Config, LangflowError> {
        ClientBuilder::from_json(&config.to_string())?.config()
    }

    #[test]
    fn explicit_wins_over_the_environment_and_that_over_the_default() {
        let env = json!({"LANGFLOW_URL": "https://env.example", "LANGFLOW_API_KEY": "Bearer sk-env",
                         "LANGFLOW_TIMEOUT": "7", "LANGFLOW_MAX_RETRIES": "5"});
        let config = build(json!({"env": env})).unwrap();
        assert_eq!(config.base.root(), "https://env.example");
        assert_eq!(config.api_key.as_ref().unwrap().expose(), "sk-env");
        assert_eq!(
            (config.timeouts.total, config.max_retries),
            (Some(Duration::from_secs(7)), 5)
        );
        let config = build(
            json!({"env": env, "base_url": "me.example", "api_key": "sk-me", "max_retries": 0}),
        )
        .unwrap();
        assert_eq!(config.base.root(), "https://me.example");
        assert_eq!(config.api_key.as_ref().unwrap().expose(), "sk-me");
        assert_eq!(config.max_retries, 0);
        assert_eq!(
            build(json!({"env": {}})).unwrap().base.root(),
            "http://localhost:7860"
        );
        assert!(build(json!({"env": {}})).unwrap().api_key.is_none());
    }

    #[test]
    fn bad_settings_are_named_and_no_key_is_shown() {
        for (config, field) in [
            (json!({"api_key": ""}), "api_key"),
            (
                json!({"api_key": "sk-secret\n"  .to_owned() + "x"}),
                "api_key",
            ),
            (json!({"api_key": 5}), "api_key"),
            (json!({"timeout": 0}), "timeout"),
            (json!({"timeout": "5"}), "timeout"),
            (json!({"max_retries": -1}), "max_retries"),
            (json!({"headers": {"a b": "c"}}), "headers"),
            (json!({"headers": {"x": "a\r\nb: sk-secret"}}), "headers"),
            (json!({"api": "other"}), "api"),
            (json!({"base_urll": "x"}), "base_urll"),
            (json!({"env": {"LANGFLOW_URL": "ftp://x"}}), "LANGFLOW_URL"),
            (
                json!({"env": {"LANGFLOW_TIMEOUT": "soon"}}),
                "LANGFLOW_TIMEOUT",
            ),
        ] {
            let error = build(config.clone()).unwrap_err();
            assert_eq!(error.info().field.as_deref(), Some(field), "{config}");
            assert!(error.is(ErrorCode::InvalidInput), "{config}");
            assert!(!error.to_string().contains("secret"));
        }
        let options = CallOptions {
            headers: vec![("Cookie".into(), "secret".into())],
            ..CallOptions::default()
        };
        assert!(!format!("{options:?}").contains("secret"));
        let config = build(json!({"api_key": "sk-secret", "env": {}})).unwrap();
        let builder = ClientBuilder::default()
            .api_key("sk-secret")
            .header("Cookie", "sk-secret");
        assert!(!format!("{config:?}{builder:?}{}", config.describe()).contains("secret"));
    }
}
