//! A run of a flow, the same words for every server.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::cache::Recall;
use crate::call::{Asked, Call};
use crate::client::Client;
use crate::config::Secret;
use crate::dialect::{self, Family, langflow, lfx, responses};
use crate::error::{ErrorCode, ErrorInfo, LangflowError};
use crate::operation;
use crate::options::{self, CallOptions, refuse};
use crate::output::{Output, Outputs, Reason};
use crate::request::{self, Parts};
use crate::stream::RunStream;
use crate::tweaks;

/// What the header of a global variable begins with.
const VARIABLE: &str = "x-langflow-global-var-";

/// What to run, and how. Checked when it is sent.
///
/// ```
/// use langflow_client::RunRequest;
/// use serde_json::json;
///
/// let request = RunRequest::new("your-flow-id", "Hello!")
///     .tweaks(json!({"OpenAI-xxxxx": {"temperature": 0.5}}))
///     .session_id("abc123");
/// # let _ = request;
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunRequest {
    fields: Map<String, Value>,
    options: CallOptions,
    begins: bool,
}

impl RunRequest {
    /// Runs the flow of this id with this input.
    pub fn new(flow_id: impl Into<String>, input_value: impl Into<String>) -> RunRequest {
        let mut request = RunRequest::default();
        request
            .fields
            .insert("flow_id".into(), Value::String(flow_id.into()));
        request
            .fields
            .insert("input_value".into(), Value::String(input_value.into()));
        request
    }

    /// Changes component settings for this run only: `{component id: {parameter: value}}`.
    pub fn tweaks(mut self, tweaks: impl Into<Value>) -> RunRequest {
        self.fields.insert("tweaks".into(), tweaks.into());
        self
    }

    /// Continues a conversation: the `session_id` of an earlier result.
    pub fn session_id(mut self, id: impl Into<String>) -> RunRequest {
        self.fields
            .insert("session_id".into(), Value::String(id.into()));
        self
    }

    /// Files for the flow, by path: each is uploaded first, and the component that reads it is told of
    /// it. Open-source servers only.
    pub fn files<P: Into<String>>(mut self, paths: impl IntoIterator<Item = P>) -> RunRequest {
        let paths: Vec<Value> = paths.into_iter().map(|path| path.into().into()).collect();
        self.fields.insert("files".into(), paths.into());
        self
    }

    /// Global variables of this run only, `{name: value}`. Open-source servers only.
    pub fn variables(mut self, variables: impl Into<Value>) -> RunRequest {
        self.fields.insert("variables".into(), variables.into());
        self
    }

    /// Time limit, retries, headers and key of this call.
    pub fn options(mut self, options: CallOptions) -> RunRequest {
        self.options = options;
        self
    }

    /// Reads a request that comes as JSON, with its `options`. Null means absent.
    pub fn from_json(text: &str) -> Result<RunRequest, LangflowError> {
        let value: Value = serde_json::from_str(text).map_err(|error| unsayable(text, &error))?;
        RunRequest::from_value(value)
    }

    /// As [`RunRequest::from_json`].
    pub(crate) fn from_value(value: Value) -> Result<RunRequest, LangflowError> {
        let Value::Object(mut fields) = value else {
            return Err(refuse("request", "an object", &value));
        };
        let options = CallOptions::from_json(&fields.remove("options").unwrap_or_default())?;
        fields.retain(|_, value| !value.is_null());
        Ok(RunRequest {
            fields,
            options,
            begins: false,
        })
    }

    /// Whether nothing but the flow and the input decides the answer.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn stateless(&self) -> bool {
        ["session_id", "files", "variables"]
            .iter()
            .all(|name| !self.fields.contains_key(*name))
    }

    /// Leaves this much time to the run.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn limit(&mut self, time: std::time::Duration) {
        self.options.timeout = Some(time);
    }

    /// Whether it has something that only open-source servers take.
    pub(crate) fn needs_open_source(&self) -> bool {
        let files = self.fields.get("files").and_then(Value::as_array);
        self.has_variables() || files.is_some_and(|files| !files.is_empty())
    }

    pub(crate) fn has_variables(&self) -> bool {
        let variables = self.fields.get("variables").and_then(Value::as_object);
        variables.is_some_and(|all| !all.is_empty())
    }

    /// Says that its session begins with it, under an id that was made here.
    pub(crate) fn beginning(mut self, begins: bool) -> RunRequest {
        self.begins = begins;
        self
    }

    pub(crate) fn call_options(&self) -> &CallOptions {
        &self.options
    }

    /// The flow id and the body, every field checked.
    pub(crate) fn check(
        &self,
        client: &Client,
    ) -> Result<(String, Map<String, Value>), LangflowError> {
        let mut body = Map::new();
        let mut flow_id = client.config.base.flow_id().map(str::to_owned);
        for (name, value) in &self.fields {
            match name.as_str() {
                "flow_id" => flow_id = Some(options::text(name, value)?),
                "input_value" => _ = body.insert(name.clone(), options::text(name, value)?.into()),
                "session_id" => {
                    let id = options::text(name, value)?;
                    if id.trim().is_empty() {
                        return Err(refuse(name, "the id of a session", value));
                    }
                    body.insert(name.clone(), id.into());
                }
                "tweaks" => {
                    tweaks::check_shape(value)?;
                    body.insert(name.clone(), value.clone());
                }
                "files" if value.is_array() => {}
                "files" => return Err(refuse(name, "a list of paths", value)),
                "variables" => _ = variable_headers(value)?,
                other => {
                    let message = format!("A run takes no `{other}`.");
                    return Err(LangflowError::invalid_input(other, message));
                }
            }
        }
        let Some(flow_id) = flow_id else {
            return Err(LangflowError::invalid_input(
                "flow_id",
                "A run needs `flow_id`.",
            ));
        };
        request::check_segment("flow_id", &flow_id)?;
        if !body.contains_key("input_value") {
            return Err(LangflowError::invalid_input(
                "input_value",
                "A run needs `input_value`.",
            ));
        }
        Ok((flow_id, body))
    }
}

/// The error for a request that cannot be read, such as half a character or a value that is too deep:
/// it names the field, which is the last one that begins before the place where it went wrong.
pub(crate) fn unsayable(text: &str, error: &serde_json::Error) -> LangflowError {
    // Hosts write a request on one line.
    let end = text.len().min(error.column());
    let (mut depth, mut quoted, mut escaped, mut begun) = (0, false, false, 0);
    let mut field = "request";
    for (at, byte) in text.as_bytes()[..end].iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => {
                quoted = !quoted;
                if quoted {
                    begun = at + 1;
                } else if depth == 1 && text.as_bytes().get(at + 1) == Some(&b':') {
                    field = text.get(begun..at).unwrap_or(field);
                }
            }
            b'{' | b'[' if !quoted => depth += 1,
            b'}' | b']' if !quoted => depth -= 1,
            _ => {}
        }
    }
    LangflowError::invalid_input(field, format!("`{field}` cannot be sent as JSON: {error}."))
}

/// The headers that say global variables to an open-source server, which writes names in capitals.
fn variable_headers(variables: &Value) -> Result<HeaderMap, LangflowError> {
    let Some(map) = variables.as_object() else {
        return Err(refuse("variables", "an object of texts", variables));
    };
    let mut headers = HeaderMap::new();
    for (name, value) in map {
        let wrong = |message: String| LangflowError::invalid_input("variables", message);
        let text = options::text(&format!("variables.{name}"), value)?;
        let header = HeaderName::from_bytes(format!("{VARIABLE}{name}").as_bytes());
        let Some(header) = header.ok().filter(|_| !name.is_empty()) else {
            let message =
                format!("`{name}` cannot be sent as a header, so it is no variable here.");
            return Err(wrong(message));
        };
        let plain = text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        if !plain || text.trim() != text || text.is_empty() {
            let message = format!(
                "The value of `{name}` has to be ASCII on one line, without spaces around it: it is \
                 sent as a header."
            );
            return Err(wrong(message));
        }
        if headers.contains_key(&header) {
            let message = format!("`{name}` is there twice: the server writes names in capitals.");
            return Err(wrong(message));
        }
        if let Ok(mut value) = HeaderValue::from_str(&text) {
            value.set_sensitive(true);
            headers.insert(header, value);
        }
    }
    Ok(headers)
}

/// A body; JSON objects have only texts for keys, so it always has a text.
fn json_bytes(body: &Map<String, Value>) -> Bytes {
    serde_json::to_vec(body).unwrap_or_default().into()
}

fn only_open_source(field: &str) -> LangflowError {
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
    /// The answer as the server sent it, unknown fields included.
    pub raw: Value,
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
        serde_json::to_string(&Crossing::of(self)).unwrap_or_default()
    }
}

/// A result as it crosses a boundary.
#[derive(Serialize)]
struct Crossing<'a> {
    #[serde(flatten)]
    result: &'a RunResult,
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text_error: Option<ErrorInfo>,
}

impl<'a> Crossing<'a> {
    fn of(result: &'a RunResult) -> Self {
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
        let family = self.family_for(&request).await;
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
        let sent = Asked::of(&request);
        let answer = self.exchange(request, &call).await?;
        let attempts = answer.attempts;
        let finish = |mut error: LangflowError| {
            call.fill(error.info_mut(), Some(&sent), attempts);
            error
        };
        let understood = self.understand(&answer, &call).await;
        let result = understood
            .and_then(|value| dialect::result(call.operation, value, &answer.request_id, attempts))
            .map(|result| call.echo(result))
            .inspect(|result| self.shared.metrics.used(result.metadata.tokens_used))
            .and_then(|result| self.check_session(result));
        result.map_err(|error| {
            self.shared.metrics.misunderstood(error.code());
            finish(error)
        })
    }

    /// Runs a flow and answers with its events as they come.
    ///
    /// # Errors
    /// As [`Client::run_flow`]; what happens after the first byte is an item of the stream.
    pub async fn stream_flow(&self, request: RunRequest) -> Result<RunStream, LangflowError> {
        let family = self.family_for(&request).await;
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
        let opened = self.open(request, &call).await?;
        RunStream::open(self, call, opened, url).await
    }

    pub(crate) async fn run_call(
        &self,
        run: &RunRequest,
        family: Family,
        stream: bool,
    ) -> Result<(Call, reqwest::Request), LangflowError> {
        let (flow_id, mut body) = run.check(self)?;
        let takes_variables = matches!(family, Family::Langflow | Family::Lfx);
        if run.has_variables() && !takes_variables {
            return Err(only_open_source("variables"));
        }
        self.add_files(run, &flow_id, &mut body, family).await?;
        let mut args = Map::from_iter([("flow_id".to_owned(), Value::String(flow_id.clone()))]);
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
            #[cfg(not(target_arch = "wasm32"))]
            if family == Family::Langflow
                && let Some(tweaks) = body.get_mut("tweaks")
            {
                // Boxed: most runs have none, and their futures need not be as large.
                let known = self.known_components(&flow_id, tweaks.take(), &run.options);
                *tweaks = Box::pin(known).await?;
            }
            langflow::complete(&mut body, family)?;
            let mut call = Call::new(self, operation, run.options.clone());
            let session = body.get("session_id").and_then(Value::as_str);
            call.session = session.map(str::to_owned);
            let variables = run.fields.get("variables");
            if let Some(variables) = variables.filter(|_| family == Family::Lfx) {
                // This server wants them in the body, under another name.
                body.insert("global_vars".to_owned(), variables.clone());
            }
            if family == Family::Langflow {
                args = Map::from_iter([("flow_id_or_name".to_owned(), flow_id.clone().into())]);
            }
            if family == Family::Responses {
                body = responses::body(flow_id, body, stream)?;
                args.clear();
            } else if family == Family::Langflow && stream {
                args.insert("stream".to_owned(), true.into());
            }
            let parts = Parts {
                args,
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
        let parts = Parts {
            args,
            body: json_bytes(&body),
            content_type: None,
            accept: Some(accept),
        };
        Ok((
            call,
            request::build(&self.config.base.workspace(), operation, parts)?,
        ))
    }

    /// Uploads the files of a run and adds the tweaks that name them.
    pub(crate) async fn add_files(
        &self,
        run: &RunRequest,
        flow_id: &str,
        body: &mut Map<String, Value>,
        family: Family,
    ) -> Result<(), LangflowError> {
        match run.fields.get("files") {
            Some(Value::Array(files)) if files.is_empty() => Ok(()),
            Some(files) if family == Family::Langflow => {
                // Boxed: most runs have none, and their futures need not be as large.
                Box::pin(self.attach(flow_id, body, files, &run.options)).await
            }
            Some(_) => Err(only_open_source("files")),
            None => Ok(()),
        }
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
