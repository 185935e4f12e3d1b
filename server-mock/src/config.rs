//! Everything that can be chosen about a server.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

#[cfg(feature = "program")]
use crate::cassette::Cassette;
use crate::listen::Host;
use crate::pace::Pace;
use crate::webhooks::{SignatureScheme, WebhookSchedule};

/// Everything that can be chosen about a server; all of it has a default.
///
/// ```
/// let config: langflow_mock::Config = serde_json::from_str(r#"{"seed": 7, "token_delay": 0.02}"#)?;
/// assert_eq!(config.seed, 7);
/// assert!(serde_json::from_str::<langflow_mock::Config>(r#"{"sede": 7}"#).is_err());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The address to listen on, loopback unless told otherwise; `localhost` is 127.0.0.1 and ::1.
    pub host: Host,
    /// Which APIs are served: the workspace, open-source Langflow, or both side by side.
    pub api: Vec<Api>,
    /// The version of open-source Langflow that is played at `/api/v1` and `/api/v2`.
    #[serde(rename = "as")]
    pub langflow: Langflow,
    /// The port to listen on; 0 takes a free one.
    pub port: u16,
    /// Fixes ids, secrets and the choices of the default model.
    pub seed: u64,
    /// A JSON file with what a fresh workspace has besides: `flows`, `keys` and `webhooks`; or a saved
    /// state, which it then is. It is read once, and a reset goes back to it.
    pub seed_file: Option<PathBuf>,
    /// The tenants that there are. Absent or empty, they are made when they are first named; with names,
    /// they are there from the start, and no others.
    pub tenants: Vec<String>,
    /// Seconds before each word of a model's answer.
    pub token_delay: f64,
    /// Seconds between the comments that keep a silent stream open.
    pub keepalive: f64,
    /// The largest request body in bytes.
    pub max_body: usize,
    /// How many requests the journal keeps.
    pub journal_max: usize,
    /// How many bytes of each body the journal keeps.
    pub journal_body_max: usize,
    /// Whether there is a live page at `/__mock/ui`.
    pub ui: bool,
    /// Whether the server starts with flows in it.
    pub seed_flows: bool,
    /// Whether keys are asked for; without, every caller is an administrator.
    pub auth: bool,
    /// Whether the server keeps, and advertises, idempotency keys on runs.
    pub idempotency: bool,
    /// Whether a tweak that finds no place is an error (422) or only a warning in the run.
    pub strict_tweaks: bool,
    /// Whether an import with a component that cannot be executed is an error (422) or a warning.
    pub strict_import: bool,
    /// When deliveries to webhooks are tried, and tried again.
    pub webhook_schedule: WebhookSchedule,
    /// Seconds that a receiver has for its answer.
    pub webhook_timeout: f64,
    /// Whether webhooks may lead to other machines.
    pub allow_net: bool,
    /// The origins of the web pages that may use the product's API: `*`, or several with commas
    /// between them. None if absent; the control API serves no page of others in any case.
    pub cors: Option<String>,
    /// What happens to requests that the document does not allow.
    pub validate: Validate,
    /// How fast models speak; `token_delay` if absent.
    pub pace: Option<Pace>,
    /// What a program has to send in `x-mock-token` to use the control API. Without, it is open to
    /// this machine; a server that listens for others makes one up.
    #[serde(skip_serializing)]
    pub control_token: Option<ControlToken>,
    /// How deliveries to webhooks are signed.
    pub webhook_signatures: Vec<SignatureScheme>,
    /// A real server that is recorded, or recordings that are played.
    #[cfg(feature = "program")]
    pub cassette: Option<Cassette>,
    /// The file with the certificates of a server that speaks TLS, in PEM; `tls_key` belongs to it.
    #[cfg(feature = "program")]
    pub tls_cert: Option<PathBuf>,
    /// The file with the key of the certificate, in PEM.
    #[cfg(feature = "program")]
    pub tls_key: Option<PathBuf>,
    /// A file with certificates, in PEM, that are trusted besides the usual ones where the server itself
    /// speaks TLS: to receivers of webhooks, models, and a server that is recorded.
    #[cfg(feature = "program")]
    pub ca_file: Option<PathBuf>,
    /// The file that keeps the workspace over restarts, if one shall.
    pub state: Option<PathBuf>,
    /// The base URL of an endpoint with the chat completions of OpenAI, such as
    /// `http://127.0.0.1:11434/v1`: it answers in the place of the default model.
    pub model_url: Option<String>,
    /// The model to ask for there; that of the component if absent.
    pub model_name: Option<String>,
    /// The key to send there.
    #[serde(skip_serializing)]
    pub model_key: Option<ModelKey>,
}

impl Config {
    /// The first setting with a value that makes no sense, and what it has to be.
    pub(crate) fn complaint(&self) -> Option<(&'static str, &'static str)> {
        // No comparison holds for what is not a number, so that is refused with the rest.
        let day = |seconds: f64| (0.0..=86_400.0).contains(&seconds);
        let seconds = "has to be seconds from 0 to 86400 (a day)";
        match self {
            _ if self.api.is_empty() => Some(("api", "has to name workspace, langflow or both")),
            _ if !day(self.token_delay) => Some(("token_delay", seconds)),
            _ if !day(self.keepalive) => Some(("keepalive", seconds)),
            _ if !day(self.webhook_timeout) || self.webhook_timeout == 0.0 => Some((
                "webhook_timeout",
                "has to be more than 0 seconds, and 86400 (a day) at most",
            )),
            _ if self.max_body == 0 => Some(("max_body", "has to be 1 byte or more")),
            _ => None,
        }
    }
}

/// An API that a server can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Api {
    /// The workspace, under `/langflow`.
    Workspace,
    /// Open-source Langflow, under `/api`.
    Langflow,
}

impl std::str::FromStr for Api {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "workspace" => Ok(Self::Workspace),
            "langflow" => Ok(Self::Langflow),
            _ => Err("it has to be workspace or langflow".to_owned()),
        }
    }
}

/// A version of open-source Langflow, as far as its answers differ from those of others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Langflow {
    /// 1.2 to 1.7: streams that fail just end; no workflows.
    #[serde(rename = "1.4")]
    V1_4,
    /// 1.8 and 1.9: workflows with `inputs`.
    #[serde(rename = "1.8")]
    V1_8,
    /// 1.10 to 1.12.
    #[serde(rename = "1.10")]
    V1_10,
    /// 1.13.
    #[default]
    #[serde(rename = "1.13")]
    V1_13,
}

impl std::str::FromStr for Langflow {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "1.4" => Ok(Self::V1_4),
            "1.8" => Ok(Self::V1_8),
            "1.10" => Ok(Self::V1_10),
            "1.13" => Ok(Self::V1_13),
            _ => Err("it has to be 1.4, 1.8, 1.10 or 1.13".to_owned()),
        }
    }
}

/// What happens to requests that the document does not allow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Validate {
    /// Nothing: what is wrong counts as absent.
    Off,
    /// They are done as far as they can be, and `x-mock-violations` says what is wrong.
    Warn,
    /// They are refused (422).
    #[default]
    Strict,
}

impl std::str::FromStr for Validate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "off" => Ok(Self::Off),
            "warn" => Ok(Self::Warn),
            "strict" => Ok(Self::Strict),
            _ => Err("it has to be off, warn or strict".to_owned()),
        }
    }
}

/// What lets a program use the control API; it is never shown but once, to whoever starts the server.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct ControlToken(String);

impl ControlToken {
    /// A token that nobody can guess.
    pub(crate) fn make() -> std::io::Result<Self> {
        let mut bytes = [0; 24];
        let refused = |error: getrandom::Error| std::io::Error::other(error.to_string());
        getrandom::fill(&mut bytes).map_err(refused)?;
        let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
        Ok(Self(format!("mt_{}", digits.collect::<String>())))
    }

    /// Whether a text is the token; the time that this takes says nothing.
    pub(crate) fn is(&self, text: &str) -> bool {
        let differ = self.0.bytes().zip(text.bytes());
        let differ = differ.fold(0, |all, (one, other)| all | (one ^ other));
        differ == 0 && self.0.len() == text.len()
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for ControlToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ControlToken(***)")
    }
}

impl From<String> for ControlToken {
    fn from(token: String) -> Self {
        Self(token)
    }
}

/// The key of an endpoint of models; it is never shown.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct ModelKey(pub(crate) String);

impl std::fmt::Debug for ModelKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ModelKey(***)")
    }
}

impl From<String> for ModelKey {
    fn from(key: String) -> Self {
        Self(key)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            host: Host::default(),
            api: vec![Api::Workspace, Api::Langflow],
            langflow: Langflow::default(),
            port: 0,
            seed: 42,
            seed_file: None,
            tenants: Vec::new(),
            token_delay: 0.0,
            keepalive: 15.0,
            max_body: 10 * 1024 * 1024,
            journal_max: 1_000,
            journal_body_max: 64 * 1024,
            ui: true,
            seed_flows: true,
            auth: true,
            idempotency: true,
            strict_tweaks: false,
            strict_import: false,
            webhook_schedule: WebhookSchedule::default(),
            webhook_timeout: 15.0,
            allow_net: false,
            cors: None,
            validate: Validate::default(),
            pace: None,
            control_token: None,
            webhook_signatures: vec![SignatureScheme::V1],
            #[cfg(feature = "program")]
            cassette: None,
            #[cfg(feature = "program")]
            tls_cert: None,
            #[cfg(feature = "program")]
            tls_key: None,
            #[cfg(feature = "program")]
            ca_file: None,
            state: None,
            model_url: None,
            model_name: None,
            model_key: None,
        }
    }
}
