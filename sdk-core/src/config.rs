//! What a client is made of, and what each setting has to be. Where settings come from is
//! `builder.rs`.

use std::collections::BTreeMap;
use std::fmt;

use crate::platform::http::HeaderValue;
use serde_json::{Value, json};

use crate::auth::Login;
use crate::base_url::BaseUrl;
use crate::cache::CacheSettings;
use crate::dialect::Api;
use crate::error::{ErrorCode, LangflowError};
use crate::exact::Wide;
use crate::limits;
use crate::middleware::Chain;
use crate::options::{self, CallOptions, Network, Timeouts, refuse};
use crate::platform;
use crate::request;

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

/// The key of a client, with the headers that carry it: made once, since every request has one of them.
#[derive(Debug, Clone)]
pub struct Key {
    text: Secret,
    plain: HeaderValue,
    bearer: HeaderValue,
}

impl Key {
    /// Of a text that any header can carry.
    fn new(text: &str) -> Key {
        let header = |text: &str| {
            let mut value = request::header_value(text);
            value.set_sensitive(true);
            value
        };
        Key {
            text: Secret::new(text),
            plain: header(text),
            bearer: header(&format!("Bearer {text}")),
        }
    }

    /// The text itself.
    pub(crate) fn expose(&self) -> &str {
        self.text.expose()
    }

    /// The value of a header of its own.
    pub(crate) fn plain(&self) -> HeaderValue {
        self.plain.clone()
    }

    /// The value of `Authorization`.
    pub(crate) fn bearer(&self) -> HeaderValue {
        self.bearer.clone()
    }
}

/// Everything that a client is made of.
#[derive(Debug, Clone)]
pub struct Config {
    pub(crate) base: BaseUrl,
    pub(crate) api_key: Option<Key>,
    pub(crate) timeouts: Timeouts,
    pub(crate) max_retries: u32,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) strict_sessions: bool,
    pub(crate) repeat_runs: bool,
    pub(crate) skip_malformed: bool,
    pub(crate) chain: Chain,
    pub(crate) api: Api,
    pub(crate) user_agent: HeaderValue,
    pub(crate) max_event: usize,
    pub(crate) network: Network,
    pub(crate) requests_per_second: Option<f64>,
    pub(crate) max_concurrent: Option<u32>,
    pub(crate) login: Option<Login>,
    pub(crate) organization: Option<String>,
    pub(crate) cache: CacheSettings,
    /// What integers beyond 64 bits become in answers.
    pub(crate) wide: Wide,
}

impl Config {
    pub(crate) fn apply(
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
            "query" => self.query.extend(options::query(value)?),
            "proxy" | "ca_bundle" | "client_cert" if !platform::HAS_FILES => {
                let message = format!("`{name}` is a matter of the browser here.");
                return Err(LangflowError::invalid(
                    ErrorCode::Unsupported,
                    name,
                    message,
                ));
            }
            "proxy" => self.network.proxy = Some(proxy(&options::text(name, value)?)?),
            "ca_bundle" => self.network.ca_bundle = Some(pem_path(name, value)?),
            "client_cert" => self.network.client_cert = Some(pem_path(name, value)?),
            "requests_per_second" => {
                let rate = options::positive(name, value)?;
                if rate < limits::SLOWEST {
                    let message = "`requests_per_second` must be at least one request a day.";
                    return Err(LangflowError::invalid_input(name, message));
                }
                self.requests_per_second = Some(rate);
            }
            "max_concurrent" => match options::count(name, value)? {
                0 => {
                    let message = "`max_concurrent` must be 1 or more.";
                    return Err(LangflowError::invalid_input(name, message));
                }
                count => self.max_concurrent = Some(count),
            },
            "cache_ttl" | "cache_entries" => self.cache.apply(name, value)?,
            "strict_sessions" => self.strict_sessions = options::flag(name, value)?,
            "repeat_runs" => self.repeat_runs = options::flag(name, value)?,
            "skip_malformed" => self.skip_malformed = options::flag(name, value)?,
            "api" => self.api = Api::parse(&options::text(name, value)?)?,
            "max_event" => match options::count(name, value)? {
                0 => {
                    let message = "`max_event` must be 1 byte or more.";
                    return Err(LangflowError::invalid_input(name, message));
                }
                bytes => self.max_event = bytes as usize,
            },
            "language" => *language = options::text(name, value)?,
            other => {
                let message = format!("There is no setting `{other}`.");
                return Err(LangflowError::invalid_input(other, message));
            }
        }
        Ok(())
    }

    /// Who the client is: a key or a login, and where the key goes.
    pub(crate) fn who(&mut self, settings: &BTreeMap<String, Value>) -> Result<(), LangflowError> {
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
        self.query.extend(options.query.iter().cloned());
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
                "headers" | "query" | "api_key" | "timeout" | "first_byte_timeout"
                | "idle_timeout" | "max_retries" | "strict_sessions" | "max_event"
                | "cache_ttl" | "repeat_runs" | "skip_malformed" => {
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
            "cache_ttl": self.cache.ttl.map(|time| time.as_secs_f64()),
        })
    }
}

/// The path of a file. What is in such a file may be a private key: it is refused before anything shows it.
pub(crate) fn pem_path(name: &str, value: &Value) -> Result<String, LangflowError> {
    let path = options::text(name, value)?;
    match path.contains(['\n', '\r', '\0']) || path.contains("-----BEGIN") {
        false => Ok(path),
        true => Err(LangflowError::invalid_input(
            name,
            format!("`{name}` must be the path of a PEM file, not what is in it."),
        )),
    }
}

/// The URL of a proxy; what is wrong with it is said without it, since it may hold a password.
pub(crate) fn proxy(text: &str) -> Result<String, LangflowError> {
    let text = text.trim();
    let good = text.is_empty()
        || platform::url::Url::parse(text)
            .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.host_str().is_some());
    match good {
        true => Ok(text.to_owned()),
        false => Err(LangflowError::invalid_input(
            "proxy",
            "`proxy` must be a URL such as http://proxy.example:8080, or empty for no proxy.",
        )),
    }
}

/// A key as people paste it. The text never gets into the error.
pub(crate) fn secret(text: &str) -> Result<Key, LangflowError> {
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
    Ok(Key::new(key))
}
