//! A run of a flow, the same words for every server.

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::as_sent::AsSent;
use crate::attach::Kept;
use crate::cache::Recall;
use crate::call::Call;
use crate::client::Client;
use crate::config::Secret;
use crate::dialect::{self, Family, langflow, lfx, responses};
use crate::error::{ErrorCode, ErrorInfo, LangflowError};
use crate::exact;
use crate::operation;
use crate::output::{Output, Outputs, Reason};
use crate::platform;
use crate::request::{self, Parts};
pub use crate::run_request::RunRequest;
pub(crate) use crate::run_request::{unsayable, variable_headers};
use crate::stream::RunStream;
use crate::understand::plainly;

/// A body; JSON objects have only texts for keys, so it always has a text.
fn json_bytes(body: &Map<String, Value>) -> Bytes {
    exact::restore(serde_json::to_vec(body).unwrap_or_default()).into()
}

pub(crate) fn only_open_source(field: &str) -> LangflowError {
    let message = format!(
        "`{field}` of a run go to the own API of open-source Langflow; nothing else takes them."
    );
    LangflowError::invalid(ErrorCode::Unsupported, field, message)
}

/// How long a run took and what it cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Metadata {
    /// Seconds, as the server measured them.
    pub duration: Option<f64>,
    /// Tokens, prompt and answer together.
    pub tokens_used: Option<u64>,
}

/// The answer of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RunResult {
    /// The single output of the flow; displays as its text.
    pub output: Output,
    /// Why the output is what it is.
    pub reason: Reason,
    /// Every output by component id.
    pub outputs: Outputs,
    /// Send it back to continue the conversation.
    pub session_id: Option<String>,
    /// `new`, `continued` or `expired`, where the server says it.
    pub session_status: Option<String>,
    /// Duration and tokens.
    pub metadata: Metadata,
    /// Family of the server that answered.
    pub server: &'static str,
    /// Id of the call.
    pub request_id: String,
    /// How many requests it took; 0 for a kept answer.
    pub attempts: u32,
    /// Whether the answer was kept from an earlier run (`cache_ttl`). It has no session then: whoever
    /// wants to go on with a conversation sends a `session_id` from the first run on.
    pub cached: bool,
    /// Events of its stream that were passed over, since they were malformed (`skip_malformed`).
    #[serde(skip_serializing_if = "none")]
    pub skipped_events: u64,
    /// The answer as the server sent it, unknown fields included.
    pub raw: AsSent,
}

impl RunResult {
    /// The text of the single output.
    ///
    /// # Errors
    /// `no_single_output`, listing what there is, where there is no single text.
    pub fn text(&self) -> Result<&str, LangflowError> {
        self.output.as_str().ok_or_else(|| {
            let what = match self.reason {
                Reason::Multiple => "several outputs",
                Reason::NonString => "an output that is no text",
                _ => "no output",
            };
            let mut info = ErrorInfo::new(
                ErrorCode::NoSingleOutput,
                format!("The run has {what}, so there is no text."),
            );
            info.outputs = self.outputs.keys().cloned().collect();
            info.may_have_executed = true;
            info.request_id = Some(self.request_id.clone());
            info.into()
        })
    }

    /// The result as it crosses a boundary: with its text, or the error for asking for it.
    pub fn to_json(&self) -> Value {
        // The struct has no map with keys that are no texts, so it always has a JSON form.
        serde_json::to_value(Crossing::of(self)).unwrap_or_default()
    }

    /// As [`RunResult::to_json`], written at once.
    pub(crate) fn to_text(&self) -> String {
        exact::restored(serde_json::to_string(&Crossing::of(self)).unwrap_or_default())
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
fn none(count: &u64) -> bool {
    *count == 0
}

/// A result as it crosses a boundary.
#[derive(Serialize)]
pub(crate) struct Crossing<'a> {
    #[serde(flatten)]
    result: &'a RunResult,
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text_error: Option<ErrorInfo>,
}

impl<'a> Crossing<'a> {
    pub(crate) fn of(result: &'a RunResult) -> Self {
        let (text, text_error) = match result.text() {
            Ok(text) => (Some(text), None),
            Err(error) => (None, Some(error.info().clone())),
        };
        Crossing {
            result,
            text,
            text_error,
        }
    }
}

impl Client {
    /// Runs a flow and waits for its answer.
    ///
    /// # Errors
    /// `invalid_input` before any request leaves; else what became of the call, with
    /// `may_have_executed` saying whether the flow may have run.
    pub async fn run_flow(&self, mut request: RunRequest) -> Result<RunResult, LangflowError> {
        let key = match self.recall(&mut request).await {
            Recall::Known(result) => return Ok(*result),
            Recall::Unknown(key) => Some(key),
            Recall::Never => None,
        };
        let family = self.family_for(&request).await?;
        let result = match self.run_on(&request, family).await {
            Err(error) => match self.run_elsewhere(family, &error) {
                Some(found) => self.run_on(&request, found).await,
                None => Err(error),
            },
            result => result,
        };
        if let (Some(key), Ok(result)) = (key, &result) {
            self.remember(key, result);
        }
        result
    }

    async fn run_on(
        &self,
        request: &RunRequest,
        family: Family,
    ) -> Result<RunResult, LangflowError> {
        let (call, request) = self.run_call(request, family, false).await?;
        let result = match self.exchange(request, &call).await {
            Ok(answer) => {
                let attempts = answer.attempts;
                let result = match plainly(&answer, &call) {
                    Some(result) => Ok(result),
                    None => self.understand(&answer, &call).await.and_then(|value| {
                        dialect::result(call.operation, value, &answer.request_id, attempts)
                    }),
                };
                let result = result
                    .map(|result| call.echo(result))
                    .inspect(|result| self.shared.metrics.used(result.metadata.tokens_used))
                    .and_then(|result| self.check_session(result));
                result.map_err(|mut error| {
                    self.shared.metrics.misunderstood(error.code());
                    let info = error.info_mut();
                    if info.code == ErrorCode::InvalidResponse {
                        info.status.get_or_insert(answer.status.as_u16());
                    }
                    call.fill_from(info, &answer);
                    error
                })
            }
            Err(error) => Err(error),
        };
        if !call.kept.is_empty() {
            self.forget_after(&call.kept, result.as_ref().err()).await;
        }
        result
    }

    /// Runs a flow and answers with its events as they come.
    ///
    /// # Errors
    /// As [`Client::run_flow`]; what happens after the first byte is an item of the stream.
    pub async fn stream_flow(&self, request: RunRequest) -> Result<RunStream, LangflowError> {
        let family = self.family_for(&request).await?;
        match self.stream_on(&request, family).await {
            Err(error) => match self.run_elsewhere(family, &error) {
                Some(found) => self.stream_on(&request, found).await,
                None => Err(error),
            },
            result => result,
        }
    }

    async fn stream_on(
        &self,
        request: &RunRequest,
        family: Family,
    ) -> Result<RunStream, LangflowError> {
        let (call, request) = self.run_call(request, family, true).await?;
        let url = request.url().clone();
        let kept = call.kept.clone();
        let stream = match self.open(request, &call).await {
            Ok(opened) => RunStream::open(self, call, opened, url).await,
            Err(error) => Err(error),
        };
        if let Err(error) = &stream
            && !kept.is_empty()
        {
            self.forget_after(&kept, Some(error)).await;
        }
        stream
    }

    pub(crate) async fn run_call(
        &self,
        run: &RunRequest,
        family: Family,
        stream: bool,
    ) -> Result<(Call, platform::Request), LangflowError> {
        let (flow_id, mut body) = run.check(self)?;
        let takes_variables = matches!(family, Family::Langflow | Family::Lfx);
        if run.has_variables() && !takes_variables {
            return Err(only_open_source("variables"));
        }
        if run.has_files() && family != Family::Langflow {
            return Err(only_open_source("files"));
        }
        let chosen = run.chosen();
        if !chosen.is_empty() && family == Family::Responses {
            let message = "Answers of `/responses` do not say which component they are of; use \
                           another `api`.";
            return Err(LangflowError::invalid(
                ErrorCode::Unsupported,
                "output_ids",
                message,
            ));
        }
        let mut name = Some("flow_id");
        let accept = match stream {
            true => "text/event-stream",
            false => "application/json",
        };
        let operation = match family {
            Family::Workspace => None,
            Family::Langflow => Some(self.logged_in(&langflow::RUN, &langflow::RUN_SESSION)),
            Family::Lfx if stream => Some(&lfx::STREAM),
            Family::Lfx => Some(&lfx::RUN),
            Family::Responses => Some(&responses::RUN),
        };
        if let Some(operation) = operation {
            let tweaks = body.get_mut("tweaks");
            if family == Family::Langflow && (tweaks.is_some() || !chosen.is_empty()) {
                let tweaks = tweaks.map(Value::take);
                // Boxed: most runs have none, and their futures need not be as large.
                let held = self.hold_to_flow(&flow_id, tweaks, &chosen, &run.options);
                if let Some(tweaks) = Box::pin(held).await? {
                    body.insert("tweaks".to_owned(), tweaks);
                }
            }
            langflow::complete(&mut body, family)?;
            let mut kept = Kept::default();
            if family == Family::Langflow {
                kept = self.add_files(run, &flow_id, &mut body).await?;
            }
            let mut call = Call::new(self, operation, run.options.clone());
            call.chosen = chosen;
            call.kept = kept;
            let session = body.get("session_id").and_then(Value::as_str);
            call.session = session.map(str::to_owned);
            let variables = run.fields.get("variables");
            if let Some(variables) = variables.filter(|_| family == Family::Lfx) {
                // This server wants them in the body, under another name.
                body.insert("global_vars".to_owned(), variables.clone());
            }
            if family == Family::Langflow {
                name = Some("flow_id_or_name");
            }
            if family == Family::Responses {
                body = responses::body(flow_id.clone(), body, stream)?;
                name = None;
            }
            let streams = family == Family::Langflow && stream;
            let streams = streams.then(|| ("stream".to_owned(), true.into()));
            let parts = Parts {
                args: streams.into_iter().collect(),
                id: name.map(|name| (name, flow_id.into())),
                body: json_bytes(&body),
                content_type: None,
                accept: Some(accept),
            };
            let base = self.config.base.root();
            let mut request = request::build(&base, operation, parts)?;
            if let Some(variables) = variables.filter(|_| family != Family::Lfx) {
                request.headers_mut().extend(variable_headers(variables)?);
                let texts = variables.as_object().into_iter().flatten();
                let texts = texts.filter_map(|(_, value)| value.as_str());
                call.secrets = texts.map(Secret::new).collect();
            }
            return Ok((call, request));
        }
        if let Some(tweaks) = body.get_mut("tweaks") {
            *tweaks = self.name_components(&flow_id, tweaks.take()).await?;
        }
        let operation = operation::find("runFlow").ok_or_else(|| {
            LangflowError::new(
                ErrorCode::InternalError,
                "The operation table has no `runFlow`.",
            )
        })?;
        let mut call = Call::new(self, operation, run.options.clone());
        call.moves = true;
        call.begins = run.begins;
        call.chosen = chosen;
        let parts = Parts {
            args: Map::new(),
            id: name.map(|name| (name, flow_id.into())),
            body: json_bytes(&body),
            content_type: None,
            accept: Some(accept),
        };
        Ok((
            call,
            request::build(&self.config.base.workspace(), operation, parts)?,
        ))
    }

    /// Uploads the files of a run to an open-source server and adds the tweaks that name them; the
    /// answer is what is to be deleted after the run.
    pub(crate) async fn add_files(
        &self,
        run: &RunRequest,
        flow_id: &str,
        body: &mut Map<String, Value>,
    ) -> Result<Kept, LangflowError> {
        let Some(files) = run.fields.get("files").filter(|_| run.has_files()) else {
            return Ok(Kept::default());
        };
        // Boxed: most runs have none, and their futures need not be as large.
        let kept = Box::pin(self.attach(flow_id, body, files, &run.options)).await?;
        Ok(if run.deletes_files() {
            kept
        } else {
            Kept::default()
        })
    }

    /// Fails or warns where the server had forgotten the conversation.
    pub(crate) fn check_session(&self, result: RunResult) -> Result<RunResult, LangflowError> {
        if result.session_status.as_deref() != Some("expired") {
            return Ok(result);
        }
        let id = result.session_id.clone().unwrap_or_default();
        if self.config.strict_sessions {
            let message = format!("The session {id} had expired; the flow ran without its memory.");
            let mut info = ErrorInfo::new(ErrorCode::SessionExpired, message);
            info.may_have_executed = true;
            info.request_id = Some(result.request_id);
            return Err(info.into());
        }
        tracing::warn!(
            session_id = id,
            "the session had expired; the flow ran without its memory"
        );
        Ok(result)
    }
}
