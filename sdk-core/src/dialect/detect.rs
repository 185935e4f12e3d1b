//! Who is it that answered? Asked only where the workspace route is not there, and never again once
//! it is known.

use std::sync::OnceLock;
use std::time::Duration;

use crate::platform::http::{HeaderMap, Method, header};
use serde_json::{Map, Value};

use crate::call::Call;
use crate::classify::transport_failed;
use crate::client::Client;
use crate::deadline::{Deadline, seconds};
use crate::dialect::{Api, Family};
use crate::error::{ErrorCode, ErrorInfo, LangflowError, Phase};
use crate::operation::{self, Operation};
use crate::options::CallOptions;
use crate::platform;
use crate::request::{self, Parts};
use crate::run::RunRequest;

/// Time that a probe may take.
const PROBE: Duration = Duration::from_secs(5);

const ASK_AGAIN: &str = "Try again, or say which server it is with `api`.";

/// What a probe may answer.
const PROBE_BYTES: usize = 64 * 1024;

/// Why a question was not answered.
enum Silent {
    Slow,
    Lost(platform::ConnectionError),
    /// It is starting, busy, or behind somebody who lets nobody through.
    Refused(u16),
}

/// What a client has found out about its server.
#[derive(Debug, Default)]
pub struct Known {
    /// Version of the open-source Langflow that answers.
    langflow: OnceLock<String>,
    /// That `lfx serve` answers.
    lfx: OnceLock<()>,
    /// Whether a run with the same idempotency key is answered once.
    idempotency: OnceLock<bool>,
    /// How an open-source server takes a run in the background.
    pub(crate) background: OnceLock<crate::job::Form>,
}

impl Client {
    /// Where runs go: as the user says it, or to who answered.
    pub(crate) fn family(&self) -> Family {
        let known = &self.shared.known;
        match self.config.api {
            Api::Auto if known.langflow.get().is_some() => Family::Langflow,
            Api::Auto if known.lfx.get().is_some() => Family::Lfx,
            Api::Auto | Api::Workspace => Family::Workspace,
            Api::Langflow | Api::Hosted => Family::Langflow,
            Api::Lfx => Family::Lfx,
            Api::Responses => Family::Responses,
        }
    }

    /// Where the operation stands. What belongs to open-source servers is refused where the user says
    /// that this is a workspace.
    pub(crate) fn place(&self, operation: &Operation) -> Result<String, LangflowError> {
        if !operation.open_source() {
            return Ok(self.config.base.workspace());
        }
        match self.config.api {
            Api::Workspace => Err(LangflowError::new(
                ErrorCode::Unsupported,
                format!(
                    "`{}` is an operation of open-source Langflow servers; this client is for a \
                     workspace (api=\"workspace\").",
                    operation.id
                ),
            )),
            _ => Ok(self.config.base.root()),
        }
    }

    /// Whether the server is an open-source Langflow: because the user says so, or because one
    /// answered.
    pub(crate) fn is_open_source(&self) -> bool {
        matches!(self.family(), Family::Langflow | Family::Responses)
    }

    /// Whether a call failed only because the server is an open-source Langflow: nothing has run.
    pub(crate) fn turned_out(&self, error: &LangflowError) -> bool {
        error.is(ErrorCode::Unsupported) && self.is_open_source()
    }

    /// The family to run on, where a run failed only because the server is of another than was
    /// thought: nothing has run.
    pub(crate) fn run_elsewhere(&self, tried: Family, error: &LangflowError) -> Option<Family> {
        let found = self.family();
        (error.is(ErrorCode::Unsupported) && found != tried).then_some(found)
    }

    /// Silence within an answer that is too long. v1 runs send no keepalives, so there it is only
    /// what the user chose; workflows do.
    pub(crate) fn idle(&self, operation: &Operation) -> Option<Duration> {
        let times = &self.config.timeouts;
        let silent = operation.open_source() && !operation.workflow();
        match silent && !times.idle_chosen {
            true => None,
            false => times.idle,
        }
    }

    /// Says what the server is, in place of an error that only says that a route is not there.
    pub(crate) async fn explain(&self, info: ErrorInfo, headers: &HeaderMap) -> ErrorInfo {
        let known = &self.shared.known;
        match self.config.api {
            Api::Auto => {}
            Api::Lfx => _ = known.lfx.set(()),
            _ => return info,
        }
        // Only what is known is remembered: a server may be starting.
        let mut found = known.langflow.get().cloned();
        if found.is_none() && known.lfx.get().is_none() {
            let answered = async {
                let found = self.probe(PROBE).await?;
                match &found {
                    Some(version) => _ = known.langflow.set(version.clone()),
                    None if self.is_lfx(&info).await? => _ = known.lfx.set(()),
                    None => {}
                }
                Ok::<_, Silent>(found)
            };
            match Box::pin(answered).await {
                Ok(version) => found = version,
                Err(why) => return self.unanswered(info, &why),
            }
        }
        let root = self.config.base.root();
        let mut explained = match found {
            Some(version) => ErrorInfo::new(
                ErrorCode::Unsupported,
                format!(
                    "Open-source Langflow {version} answers at {root}, not the workspace API; \
                     there, flows can be run and streamed, and this cannot be done yet."
                ),
            ),
            None if known.lfx.get().is_some() => ErrorInfo::new(
                ErrorCode::Unsupported,
                format!(
                    "`lfx serve` answers at {root}, not the workspace API; it runs and streams \
                     flows, and has nothing else."
                ),
            ),
            None => {
                let named = |name: header::HeaderName| {
                    headers
                        .get(name)
                        .and_then(|value| value.to_str().ok())
                        .unwrap_or("unnamed")
                };
                let mut info = ErrorInfo::new(
                    ErrorCode::UnknownServer,
                    format!(
                        "What answers at {root} is no server that this client knows: status {}, \
                         content type {}, server {}.",
                        info.status.unwrap_or(200),
                        named(header::CONTENT_TYPE),
                        named(header::SERVER),
                    ),
                );
                info.field = Some("base_url".to_owned());
                info
            }
        };
        explained.phase = info.phase;
        explained.status = info.status;
        explained.request_id = info.request_id;
        explained.body = info.body;
        explained
    }

    /// Says that this is no open-source server, in place of an error that only says that a route of
    /// one is not there.
    pub(crate) async fn explain_second(&self, info: ErrorInfo, operation: &Operation) -> ErrorInfo {
        if self.config.api != Api::Auto || self.shared.known.langflow.get().is_some() {
            return info;
        }
        match self.probe(PROBE).await {
            Err(why) => return self.unanswered(info, &why),
            Ok(Some(version)) => {
                self.shared.known.langflow.get_or_init(|| version);
                return info;
            }
            Ok(None) => {}
        }
        let mut explained = ErrorInfo::new(
            ErrorCode::Unsupported,
            format!(
                "`{}` is an operation of open-source Langflow servers, and what answers at {} is \
                 none.",
                operation.id,
                self.config.base.root()
            ),
        );
        explained.phase = info.phase;
        explained.status = info.status;
        explained.request_id = info.request_id;
        explained.body = info.body;
        explained
    }

    /// Where a run goes. What only open-source servers take is not sent on a guess: there, it is asked
    /// first, within the times of the run.
    ///
    /// # Errors
    /// What became of the question, where nobody answered it: nothing has run.
    pub(crate) async fn family_for(&self, run: &RunRequest) -> Result<Family, LangflowError> {
        let known = &self.shared.known.langflow;
        if self.config.api != Api::Auto || known.get().is_some() || !run.needs_open_source() {
            return Ok(self.family());
        }
        let times = &self.config.timeouts;
        let total = run.call_options().timeout.or(times.total).unwrap_or(PROBE);
        let most = total.min(times.first_byte.unwrap_or(PROBE)).min(PROBE);
        match Box::pin(self.probe(most)).await {
            Ok(Some(version)) => _ = known.get_or_init(|| version),
            Ok(None) => {}
            Err(Silent::Slow) => {
                let code = match total < PROBE && most == total {
                    true => ErrorCode::TotalTimeout,
                    false => ErrorCode::FirstByteTimeout,
                };
                let what = format!("did not say within {} s", seconds(most));
                return Err(self.nobody_asked(code, &what));
            }
            Err(Silent::Refused(status)) => {
                let code = ErrorCode::from_status(status);
                let mut error = self.nobody_asked(code, &format!("answered {status} when asked"));
                error.info_mut().status = Some(status);
                return Err(error);
            }
            Err(Silent::Lost(error)) => {
                let asked = operation::find("getVersion").map(|operation| {
                    let call = Call::new(self, operation, run.call_options().clone());
                    let mut info = transport_failed(&call, &error).info;
                    info.attempts = 1;
                    LangflowError::from(info)
                });
                return asked.map_or(Ok(self.family()), Err);
            }
        }
        Ok(self.family())
    }

    /// A run that only one kind of server takes, where it is not known which kind this one is.
    fn nobody_asked(&self, code: ErrorCode, what: &str) -> LangflowError {
        let root = self.config.base.root();
        let message = format!(
            "{root} {what} what kind of server it is, and only open-source Langflow takes files and \
             variables of a run."
        );
        let mut info = ErrorInfo::new(code, message);
        info.phase = Phase::FirstByte;
        info.attempts = 1;
        info.hint = ASK_AGAIN.to_owned();
        info.into()
    }

    /// Nobody can be told from somebody who is only slow: the question is asked again next time.
    fn unanswered(&self, info: ErrorInfo, why: &Silent) -> ErrorInfo {
        let root = self.config.base.root();
        let (code, what, status) = match why {
            Silent::Refused(status) => (
                ErrorCode::from_status(*status),
                format!("answered {status} when asked"),
                Some(*status),
            ),
            _ => (
                ErrorCode::FirstByteTimeout,
                format!("did not say within {} s", PROBE.as_secs()),
                info.status,
            ),
        };
        let message = format!("{root} has no such route, and {what} what kind of server it is.");
        let mut unknown = ErrorInfo::new(code, message);
        unknown.hint = ASK_AGAIN.to_owned();
        unknown.status = status;
        unknown.request_id = info.request_id;
        unknown.body = info.body;
        unknown
    }

    /// The version of an open-source Langflow.
    async fn probe(&self, most: Duration) -> Result<Option<String>, Silent> {
        let value = self.question("/api/v1/version", most).await?;
        let value = value.unwrap_or_default();
        let package = value["package"].as_str().unwrap_or_default();
        let known = package.to_ascii_lowercase().contains("langflow");
        let version = value["version"].as_str().unwrap_or("of unknown version");
        Ok(known.then(|| version.to_owned()))
    }

    /// Whether it is `lfx serve`, which has no version to ask for. Asked only of who answers as its
    /// framework does.
    async fn is_lfx(&self, info: &ErrorInfo) -> Result<bool, Silent> {
        let body = info.body.as_deref().unwrap_or_default();
        let said: Value = serde_json::from_str(body).unwrap_or_default();
        if said["detail"] != "Not Found" {
            return Ok(false);
        }
        let said = self.question("/health", PROBE).await?;
        Ok(said.is_some_and(|value| value["flow_count"].is_u64()))
    }

    /// A question without the key: who it is, is not known yet.
    async fn question(&self, path: &str, most: Duration) -> Result<Option<Value>, Silent> {
        let url = format!("{}{path}", self.config.base.root());
        let Ok(url) = url.parse::<platform::url::Url>() else {
            return Ok(None);
        };
        let request = platform::Request::new(Method::GET, url);
        let deadline = Deadline::new(Some(most));
        let Ok(http) = self.http() else {
            return Ok(None);
        };
        let sent = platform::within(deadline.left(), http.execute(request));
        let sent = sent.await.ok_or(Silent::Slow)?;
        let response = sent.map_err(Silent::Lost)?;
        let status = response.status().as_u16();
        if matches!(status, 401 | 403 | 407 | 429 | 500..) {
            return Err(Silent::Refused(status));
        }
        let body = platform::beginning(response, PROBE_BYTES, deadline.left()).await;
        match serde_json::from_slice(&body) {
            Err(_) if !deadline.allows(Duration::ZERO) => Err(Silent::Slow),
            said => Ok(said.ok()),
        }
    }

    /// Whether this server sends the first piece of a response twice, as those of 1.7 to 1.11 do.
    /// Asked once, and only where it looks so.
    pub(crate) async fn doubles(&self) -> bool {
        let known = &self.shared.known.langflow;
        if known.get().is_none()
            && let Ok(Some(version)) = self.probe(PROBE).await
        {
            let _ = known.set(version);
        }
        // A release without its page says 0.8 for 1.8.
        let mut parts = known
            .get()
            .map(|version| version.split('.'))
            .into_iter()
            .flatten();
        let _major = parts.next();
        let minor = parts.next().and_then(|minor| minor.parse::<u32>().ok());
        minor.is_some_and(|minor| (7..=11).contains(&minor))
    }

    /// Whether the server advertises that it answers a run once for each idempotency key.
    pub(crate) async fn knows_idempotency(&self, call: &Call) -> bool {
        if let Some(known) = self.shared.known.idempotency.get() {
            return *known;
        }
        let Some(operation) = operation::find("getVersion") else {
            return false;
        };
        let options = CallOptions {
            timeout: call.deadline.limit(Some(PROBE), ErrorCode::TotalTimeout).0,
            max_retries: Some(0),
            ..CallOptions::default()
        };
        let asked = Call::new(self, operation, options);
        let parts = Parts {
            args: Map::new(),
            ..Parts::default()
        };
        let Ok(request) = request::build(&self.config.base.workspace(), operation, parts) else {
            return false;
        };
        // A server that cannot be asked now is asked again next time.
        let Ok(answer) = self.exchange(request, &asked).await else {
            return false;
        };
        let value: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let features = value["features"].as_array();
        let advertised = features.is_some_and(|all| all.iter().any(|one| one == "idempotency"));
        *self.shared.known.idempotency.get_or_init(|| advertised)
    }
}
