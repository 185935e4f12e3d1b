//! What a run is asked to do: the request of every server, checked before it leaves.

use crate::platform::http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value};

use crate::client::Client;
use crate::error::LangflowError;
use crate::exact::{self, Wide};
use crate::options::{self, CallOptions, refuse};
use crate::request;
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
    pub(crate) fields: Map<String, Value>,
    pub(crate) options: CallOptions,
    pub(crate) begins: bool,
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

    /// Deletes what [`RunRequest::files`] uploaded once the run has ended. A run that was lost, and a
    /// stream that was left before its end, leave their files: the flow may still read them.
    pub fn delete_files(mut self, delete: bool) -> RunRequest {
        self.fields.insert("delete_files".into(), delete.into());
        self
    }

    /// The outputs that count, by component id: `output` is the one of them that there is, while
    /// `outputs` has them all.
    pub fn output_ids<I: Into<String>>(mut self, ids: impl IntoIterator<Item = I>) -> RunRequest {
        let ids: Vec<Value> = ids.into_iter().map(|id| id.into().into()).collect();
        self.fields.insert("output_ids".into(), ids.into());
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
        let value = exact::read(text.as_bytes(), Wide::Marked);
        let value = value.map_err(|error| unsayable(text, &error))?;
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

    /// Whether it has something that only open-source servers take.
    pub(crate) fn needs_open_source(&self) -> bool {
        self.has_variables() || self.has_files()
    }

    pub(crate) fn has_files(&self) -> bool {
        let files = self.fields.get("files").and_then(Value::as_array);
        files.is_some_and(|files| !files.is_empty())
    }

    /// The outputs that count; none means all.
    pub(crate) fn chosen(&self) -> Vec<String> {
        let ids = self.fields.get("output_ids").and_then(Value::as_array);
        let ids = ids.into_iter().flatten().filter_map(Value::as_str);
        ids.map(str::to_owned).collect()
    }

    /// Whether what it uploads is deleted after it.
    pub(crate) fn deletes_files(&self) -> bool {
        self.fields.get("delete_files") == Some(&Value::Bool(true))
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
                "delete_files" if value.is_boolean() => {}
                "delete_files" => return Err(refuse(name, "true or false", value)),
                "output_ids" if named(value) => {}
                "output_ids" => return Err(refuse(name, "a list of component ids", value)),
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

/// Whether a value is a list of names.
fn named(value: &Value) -> bool {
    let name = |it: &Value| it.as_str().is_some_and(|name| !name.is_empty());
    value.as_array().is_some_and(|all| all.iter().all(name))
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
pub(crate) fn variable_headers(variables: &Value) -> Result<HeaderMap, LangflowError> {
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
