//! Settings of a client to be: explicit ones, then the environment, then defaults.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::platform::http::HeaderValue;
use serde_json::{Value, json};

use crate::base_url::BaseUrl;
use crate::cache::CacheSettings;
use crate::client::Client;
use crate::config::{Config, pem_path, secret};
use crate::dialect::Api;
use crate::error::LangflowError;
use crate::exact::Wide;
use crate::middleware::Chain;
use crate::options::{self, Network, Timeouts, refuse};
use crate::platform;
use crate::request;

/// Where a server of one's own usually listens.
const DEFAULT_URL: &str = "http://localhost:7860";

/// Settings of a client to be. Nothing is checked before [`ClientBuilder::build`].
#[derive(Clone, Default)]
pub struct ClientBuilder {
    settings: BTreeMap<String, Value>,
    environment: Option<BTreeMap<String, Value>>,
    wide: Wide,
    chain: Chain,
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
        // Both may carry credentials of a proxy.
        settings.remove("headers");
        settings.remove("query");
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

    /// A parameter for the query of every request.
    pub fn query(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let query = self
            .settings
            .entry("query".to_owned())
            .or_insert_with(|| json!({}));
        query[name.into()] = json!(value.into());
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

    /// How long the answer of a run without a session is kept and given again to the same question.
    /// Default: answers are not kept. See [`RunResult::cached`](crate::RunResult::cached).
    pub fn cache_ttl(self, time: Duration) -> Self {
        self.set("cache_ttl", time.as_secs_f64())
    }

    /// Answers that are kept at most. Default: 1000.
    pub fn cache_entries(self, count: u32) -> Self {
        self.set("cache_entries", count)
    }

    /// Allows plain http to another machine. Default: only https, and http to this machine.
    pub fn allow_http(self, allow: bool) -> Self {
        self.set("allow_http", allow)
    }

    /// Fails instead of logging where a session had expired. Default: false.
    pub fn strict_sessions(self, strict: bool) -> Self {
        self.set("strict_sessions", strict)
    }

    /// Tries a run again even where it may have been executed, as after a lost connection: the flow may
    /// then run twice. Only for flows where that does no harm. Default: false, a run is tried again
    /// only where it cannot have begun, or where the server knows idempotency keys.
    pub fn repeat_runs(self, repeat: bool) -> Self {
        self.set("repeat_runs", repeat)
    }

    /// Passes over events of a stream that are malformed, instead of ending it with `malformed_event`:
    /// each is logged, and counted in [`RunResult::skipped_events`](crate::RunResult::skipped_events)
    /// and the metrics. What they said is lost; a stream whose end is among them ends as one that was
    /// cut. Default: false.
    pub fn skip_malformed(self, skip: bool) -> Self {
        self.set("skip_malformed", skip)
    }

    /// Adds a link to the chain through which every attempt goes: the first one added sees a request
    /// first, and its answer last. Clients made by `with_options` have the same chain.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn middleware(mut self, link: impl crate::middleware::Middleware) -> Self {
        self.chain.push(std::sync::Arc::new(link));
        self
    }

    /// Which server it is: `workspace`; `langflow`, an open-source one; `hosted`, the same behind a host
    /// that takes the key as a Bearer; `lfx`, `lfx serve`; `responses`, an open-source one by its
    /// `/api/v1/responses`; or `auto`. Default: `auto`, which finds out all but `responses`.
    pub fn api(self, api: impl Into<String>) -> Self {
        self.set("api", api.into())
    }

    /// For a host that takes answers as JSON: integers that no value holds here are handed on as they came.
    pub(crate) fn crossing(mut self) -> Self {
        self.wide = Wide::Marked;
        self
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
                            .map(|(name, value)| {
                                Ok((name.clone(), options::text(name, value)?.into()))
                            })
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

    fn environment(&self, name: &str) -> Result<Option<String>, LangflowError> {
        let found = match &self.environment {
            Some(values) => values.get(name).and_then(Value::as_str).map(str::to_owned),
            None => platform::environment(name)?,
        };
        Ok(found.filter(|value| !value.trim().is_empty()))
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
                .environment("LANGFLOW_API_KEY")?
                .filter(|_| !self.settings.contains_key("api_key"))
                .map(|key| secret(&key).map_err(|error| named(error, "LANGFLOW_API_KEY")))
                .transpose()?,
            timeouts: Timeouts::default(),
            max_retries: 2,
            headers: Vec::new(),
            query: Vec::new(),
            strict_sessions: false,
            repeat_runs: false,
            skip_malformed: false,
            chain: self.chain.clone(),
            api: Api::default(),
            user_agent: HeaderValue::from_static(""),
            max_event: crate::decode::MAX_EVENT,
            network: Network::default(),
            requests_per_second: None,
            max_concurrent: None,
            login: None,
            organization: None,
            cache: CacheSettings::default(),
            wide: self.wide,
        };
        if let Some(lines) = self.environment("LANGFLOW_CUSTOM_HEADERS")? {
            config.headers = options::header_lines("LANGFLOW_CUSTOM_HEADERS", &lines)?;
        }
        if platform::HAS_FILES {
            const NAME: &str = "LANGFLOW_CA_BUNDLE";
            let path = self.environment(NAME)?;
            config.network.ca_bundle = path.map(|path| pem_path(NAME, &path.into())).transpose()?;
        }
        for (from, to) in [
            ("LANGFLOW_TIMEOUT", "timeout"),
            ("LANGFLOW_MAX_RETRIES", "max_retries"),
        ] {
            let explicit = self.settings.contains_key(to);
            if let Some(text) = self.environment(from)?.filter(|_| !explicit) {
                let value = platform::number(text.trim()).map_or(json!(text), |number| {
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
        let user_agent = format!(
            "langflow-client/{} ({language}; {})",
            env!("CARGO_PKG_VERSION"),
            platform::name()
        );
        options::check_header("language", "user-agent", &user_agent)?;
        config.user_agent = request::header_value(&user_agent);
        Ok(config)
    }

    fn base(&self) -> Result<BaseUrl, LangflowError> {
        let allow = match self.settings.get("allow_http") {
            Some(value) => options::flag("allow_http", value)?,
            None => match self.environment("LANGFLOW_ALLOW_HTTP")? {
                Some(text) => said("LANGFLOW_ALLOW_HTTP", &text)?,
                None => false,
            },
        };
        if let Some(value) = self.settings.get("base_url") {
            let text = options::text("base_url", value)?;
            return BaseUrl::parse(&text, "base_url", allow);
        }
        for name in ["LANGFLOW_URL", "LANGFLOW_BASE_URL"] {
            if let Some(text) = self.environment(name)? {
                return BaseUrl::parse(&text, name, allow);
            }
        }
        BaseUrl::parse(DEFAULT_URL, "base_url", allow)
    }
}

/// Yes or no, as an environment variable says it.
fn said(name: &str, text: &str) -> Result<bool, LangflowError> {
    match text.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "0" | "false" | "no" | "off" => Ok(false),
        _ => Err(LangflowError::invalid_input(
            name,
            format!("{name} must be 1, true, yes or on, or 0, false, no or off."),
        )),
    }
}

/// The error with the environment variable as its field.
fn named(error: LangflowError, variable: &str) -> LangflowError {
    let mut error = error;
    error.info_mut().field = Some(variable.to_owned());
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;
    use crate::options::CallOptions;

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
            (json!({"max_event": 0}), "max_event"),
            (json!({"skip_malformed": 1}), "skip_malformed"),
            (
                json!({"env": {"LANGFLOW_CUSTOM_HEADERS": "x-a: b\nsecret"}}),
                "LANGFLOW_CUSTOM_HEADERS",
            ),
            (json!({"api": "other"}), "api"),
            (json!({"base_urll": "x"}), "base_urll"),
            (json!({"env": {"LANGFLOW_URL": "ftp://x"}}), "LANGFLOW_URL"),
            (
                json!({"env": {"LANGFLOW_ALLOW_HTTP": "maybe"}}),
                "LANGFLOW_ALLOW_HTTP",
            ),
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
