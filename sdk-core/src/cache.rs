//! Answers of runs that are kept for a while, where the user asks for it. Only runs without a
//! session are: the same question to the same version of a flow, asked by the same user.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use quick_cache::sync::Cache as Store;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::client::Client;
use crate::dialect::Family;
use crate::error::LangflowError;
use crate::options;
use crate::output::Reason;
use crate::platform::{self, Instant};
use crate::run::{RunRequest, RunResult};
use crate::send;

/// Answers that are kept where the user does not say how many.
const ENTRIES: u32 = 1000;
/// How long the version of a flow is believed: a changed flow answers anew after this.
const VERSION: Duration = Duration::from_secs(5);
/// Versions that are remembered at most.
const VERSIONS: usize = 1000;

/// Whether answers are kept, and how many.
#[derive(Debug, Clone, Default)]
pub(crate) struct CacheSettings {
    /// How long an answer is given again; absent where none is kept.
    pub(crate) ttl: Option<Duration>,
    entries: Option<u32>,
}

impl CacheSettings {
    /// Takes `cache_ttl` (seconds, 0 for none) or `cache_entries`.
    pub(crate) fn apply(&mut self, name: &str, value: &Value) -> Result<(), LangflowError> {
        if name == "cache_ttl" {
            self.ttl = match value.as_f64() {
                Some(0.0) => None,
                _ => Some(options::seconds(name, value)?),
            };
            return Ok(());
        }
        match options::count(name, value)? {
            0 => {
                let message = "`cache_entries` must be 1 or more; `cache_ttl` 0 keeps no answers.";
                Err(LangflowError::invalid_input(name, message))
            }
            count => {
                self.entries = Some(count);
                Ok(())
            }
        }
    }
}

/// Who asks what: a digest, so that no key and no question is kept in it.
type Key = [u8; 32];

struct Kept {
    at: Instant,
    result: RunResult,
}

struct Inner {
    answers: Store<Key, Arc<Kept>>,
    versions: Store<Key, Arc<(Instant, String)>>,
}

/// Answers and versions that a client and its copies have seen. Nothing is held before the first
/// answer is kept.
#[derive(Default)]
pub(crate) struct Cache(OnceLock<Inner>);

impl fmt::Debug for Cache {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = self.0.get().map_or(0, |inner| inner.answers.len());
        out.debug_struct("Cache").field("kept", &kept).finish()
    }
}

/// What is known of a run before it is sent.
pub(crate) enum Recall {
    /// Not a run whose answer is kept.
    Never,
    /// Keep its answer under this key.
    Unknown(Key),
    /// This is its answer.
    Known(Box<RunResult>),
}

impl RunRequest {
    /// Whether nothing but the flow and the input decides the answer.
    fn stateless(&self) -> bool {
        ["session_id", "files", "variables"]
            .iter()
            .all(|name| !self.fields.contains_key(*name))
    }

    /// Leaves this much time to the run.
    fn limit(&mut self, time: Duration) {
        self.options.timeout = Some(time);
    }
}

impl Client {
    /// Looks for the answer of a run. Reads the version of its flow where that is not known.
    pub(crate) async fn recall(&self, run: &mut RunRequest) -> Recall {
        let Some(ttl) = self.config.cache.ttl else {
            return Recall::Never;
        };
        // Boxed: most clients keep nothing, and their futures need not be as large.
        Box::pin(self.look_up(run, ttl)).await
    }

    async fn look_up(&self, run: &mut RunRequest, ttl: Duration) -> Recall {
        let family = self.family();
        if !run.stateless() || !matches!(family, Family::Workspace | Family::Langflow) {
            return Recall::Never;
        }
        // What is wrong with it is said where it is sent.
        let Ok((flow_id, body)) = run.check(self) else {
            return Recall::Never;
        };
        let who = self.who(run);
        let Some(version) = self.version(&flow_id, &who, run).await else {
            return Recall::Never;
        };
        let body = sorted(Value::Object(body)).to_string();
        let chosen = run.chosen().join("/");
        let key = digest(&[
            &who,
            flow_id.as_bytes(),
            version.as_bytes(),
            body.as_bytes(),
            chosen.as_bytes(),
        ]);
        let kept = self.kept().answers.get(&key);
        let Some(kept) = kept.filter(|kept| kept.at.elapsed() < ttl) else {
            self.shared.metrics.cache(false);
            return Recall::Unknown(key);
        };
        self.shared.metrics.cache(true);
        let mut result = kept.result.clone();
        result.cached = true;
        result.request_id = send::id("req_");
        result.attempts = 0;
        // Two callers who go on from one answer must not meet in one conversation.
        result.session_id = None;
        result.session_status = None;
        Recall::Known(Box::new(result))
    }

    /// Keeps an answer that is one.
    pub(crate) fn remember(&self, key: Key, result: &RunResult) {
        if matches!(result.reason, Reason::Suspended | Reason::Pending) {
            return;
        }
        let kept = Kept {
            at: Instant::now(),
            result: result.clone(),
        };
        self.kept().answers.insert(key, Arc::new(kept));
    }

    fn kept(&self) -> &Inner {
        self.shared.cache.0.get_or_init(|| Inner {
            answers: Store::new(self.config.cache.entries.unwrap_or(ENTRIES) as usize),
            versions: Store::new(VERSIONS),
        })
    }

    /// All that makes one user another to a server: where it is, key or login, and every header.
    fn who(&self, run: &RunRequest) -> Key {
        let config = &self.config;
        let place = config.base.workspace();
        let mut parts: Vec<&[u8]> = vec![place.as_bytes()];
        parts.push(config.api.name().as_bytes());
        if let Some(key) = &config.api_key {
            parts.extend([&b"key"[..], key.expose().as_bytes()]);
        }
        if let Some(login) = &config.login {
            parts.extend([
                &b"user"[..],
                login.username().as_bytes(),
                login.password().as_bytes(),
            ]);
        }
        if let Some(organization) = &config.organization {
            parts.extend([&b"organization"[..], organization.as_bytes()]);
        }
        for (name, value) in config.headers.iter().chain(&run.call_options().headers) {
            parts.extend([&b"header"[..], name.as_bytes(), value.as_bytes()]);
        }
        for (name, value) in config.query.iter().chain(&run.call_options().query) {
            parts.extend([&b"query"[..], name.as_bytes(), value.as_bytes()]);
        }
        digest(&parts)
    }

    /// The version of the flow as its reader is told it; without one nothing can be kept.
    async fn version(&self, flow_id: &str, who: &Key, run: &mut RunRequest) -> Option<String> {
        let key = digest(&[who, flow_id.as_bytes()]);
        let known = self.kept().versions.get(&key);
        if let Some(known) = known.filter(|known| known.0.elapsed() < VERSION) {
            return Some(known.1.clone());
        }
        let began = Instant::now();
        let total = run.call_options().timeout.or(self.config.timeouts.total);
        let args = Map::from_iter([("flow_id".to_owned(), flow_id.into())]);
        let read = self.ask_with("getFlow", args, run.call_options().clone());
        let answer = platform::within(total, read).await;
        // What it took is not there for the run any more.
        if let Some(total) = total {
            run.limit(total.saturating_sub(began.elapsed()));
        }
        let (answer, call) = match answer? {
            Ok(answered) => answered,
            Err(error) => {
                tracing::warn!(
                    code = error.code().as_str(),
                    "the version of a flow cannot be read: its answers are not kept"
                );
                return None;
            }
        };
        let tag = answer.headers.get(http::header::ETAG);
        let version = match tag.and_then(|tag| tag.to_str().ok()) {
            Some(tag) => tag.to_owned(),
            None => {
                let understood = self.understand(&answer, &call).await;
                understood.ok()?["updated_at"].as_str()?.to_owned()
            }
        };
        let known = Arc::new((Instant::now(), version.clone()));
        self.kept().versions.insert(key, known);
        Some(version)
    }
}

/// A digest of the parts, each with its length before it, so that no two lists look alike.
fn digest(parts: &[&[u8]]) -> Key {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// The same value with its names in order: who writes tweaks in another order asks the same.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut fields: Vec<_> = map.into_iter().collect();
            fields.sort_by(|(one, _), (other, _)| one.cmp(other));
            let fields = fields
                .into_iter()
                .map(|(name, value)| (name, sorted(value)));
            Value::Object(fields.collect())
        }
        Value::Array(items) => items.into_iter().map(sorted).collect(),
        value => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn who(settings: Value, headers: &[(&str, &str)]) -> Key {
        let mut settings = settings;
        settings["env"] = json!({});
        let client = crate::ClientBuilder::from_json(&settings.to_string());
        let headers = headers.iter();
        let options = crate::CallOptions {
            headers: headers
                .map(|(a, b)| (a.to_string(), b.to_string()))
                .collect(),
            ..Default::default()
        };
        let run = RunRequest::new("f", "x").options(options);
        client.unwrap().build().unwrap().who(&run)
    }

    /// No other key, user, server or header sees an answer.
    #[test]
    fn whoever_is_another_to_the_server_is_another_here() {
        let base = json!({"base_url": "a.example", "api_key": "k1"});
        let same = who(base.clone(), &[]);
        assert_eq!(same, who(base.clone(), &[]));
        for (settings, headers) in [
            (json!({"base_url": "a.example", "api_key": "k2"}), &[][..]),
            (json!({"base_url": "a.example"}), &[]),
            (json!({"base_url": "b.example", "api_key": "k1"}), &[]),
            (json!({"base_url": "a.example/x", "api_key": "k1"}), &[]),
            (
                json!({"base_url": "a.example", "api_key": "k1", "headers": {"x-user": "1"}}),
                &[],
            ),
            (
                json!({"base_url": "a.example", "api_key": "k1", "organization": "o"}),
                &[],
            ),
            (base.clone(), &[("x-user", "1")]),
        ] {
            assert_ne!(
                same,
                who(settings.clone(), headers),
                "{settings} {headers:?}"
            );
        }
        assert_ne!(digest(&[b"ab", b"c"]), digest(&[b"a", b"bc"]));
    }

    #[test]
    fn the_order_of_names_is_no_question() {
        let (one, other) = (
            json!({"a": 1, "b": [{"c": 1, "d": 2}]}),
            json!({"b": [{"d": 2, "c": 1}], "a": 1}),
        );
        assert_eq!(sorted(one).to_string(), sorted(other).to_string());
    }
}
