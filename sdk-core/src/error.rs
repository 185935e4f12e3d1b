//! What is known about a failed call: data that can cross a boundary. The enum and the codes are
//! generated from `openapi/errors.toml`.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cause;
use crate::exact;
pub use crate::generated::errors::{ErrorCode, LangflowError};

/// Where in a call an error happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Phase {
    /// Before anything was sent.
    Build,
    /// While connecting.
    Connect,
    /// While the request was sent.
    Send,
    /// While waiting for the first byte of the answer.
    FirstByte,
    /// The server answered with an error status.
    Status,
    /// While the body was read.
    Body,
    /// The body was read and could not be understood.
    Decode,
    /// While a stream of events was read.
    Stream,
}

/// One field that the server refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// Name of the field, with dots for nesting.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

/// Everything known about a failed call. What is unknown is absent.
#[derive(Clone, Serialize)]
pub struct ErrorInfo {
    /// Identity of the error.
    pub code: ErrorCode,
    /// What happened, for people.
    pub message: String,
    /// What to do about it.
    pub hint: String,
    /// Where in the call it happened.
    pub phase: Phase,
    /// Whether the flow may have run although there is no answer.
    pub may_have_executed: bool,
    /// HTTP status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Argument or setting at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The server's own code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_code: Option<String>,
    /// Fields that the server refused.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// Id of the call, as the server knows it, else as we sent it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Seconds after which the server wants to be asked again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<f64>,
    /// How many requests were sent or tried.
    pub attempts: u32,
    /// HTTP method.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// URL without query, user or fragment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Seconds since the call began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elapsed: Option<f64>,
    /// Text that a stream had sent before it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partial_text: Option<String>,
    /// The outputs that there are, where none of them is the single one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<String>,
    /// Beginning of the body that could not be understood.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The error underneath, where a connection failed; [`std::error::Error::source`] of the error.
    /// Its own source is the [`std::io::Error`] of the system, if it is one.
    #[serde(
        rename = "cause",
        skip_serializing_if = "cause::unknown",
        serialize_with = "cause::serialize"
    )]
    pub source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

/// Bytes of an answer that an error keeps.
pub const BODY_LIMIT: usize = 2_000;

impl ErrorInfo {
    /// An error of this code, with the hint and the phase that belong to it.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        ErrorInfo {
            code,
            message: message.into(),
            hint: code.hint().to_owned(),
            phase: code.phase(),
            may_have_executed: false,
            status: None,
            field: None,
            server_code: None,
            errors: Vec::new(),
            request_id: None,
            retry_after: None,
            attempts: 0,
            method: None,
            url: None,
            elapsed: None,
            partial_text: None,
            outputs: Vec::new(),
            body: None,
            source: None,
        }
    }

    /// With the beginning of a body.
    pub fn with_body(mut self, body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        let cut = text
            .char_indices()
            .map(|(at, _)| at)
            .find(|at| *at >= BODY_LIMIT);
        self.body = Some(text[..cut.unwrap_or(text.len())].to_owned());
        self
    }

    /// With the beginning of a body that was read already.
    pub fn with_json(self, body: &Value) -> Self {
        self.with_body(exact::text_of(body).as_bytes())
    }

    /// As it crosses to where events are values.
    pub(crate) fn to_json(&self) -> Value {
        // Errors are rare, and code that writes one into a value would be as large as that for its text.
        let text = serde_json::to_vec(self).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// Whether the same call may succeed later.
    pub fn retryable(&self) -> bool {
        self.code.retryable()
    }
}

impl fmt::Display for ErrorInfo {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.message)?;
        if !self.hint.is_empty() {
            write!(out, " {}", self.hint)?;
        }
        write!(out, " [{}", self.code.as_str())?;
        if let Some(status) = self.status {
            write!(out, ", status {status}")?;
        }
        if self.may_have_executed {
            write!(out, ", the flow may have run")?;
        }
        if self.attempts > 1 {
            write!(out, ", {} attempts", self.attempts)?;
        }
        if let Some(id) = &self.request_id {
            write!(out, ", request {id}")?;
        }
        write!(out, "]")
    }
}

impl std::error::Error for ErrorInfo {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|error| error as _)
    }
}

impl fmt::Debug for ErrorInfo {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The JSON form has no absent fields and never holds a secret.
        match serde_json::to_string(self) {
            Ok(text) => write!(out, "ErrorInfo {text}"),
            Err(_) => write!(out, "ErrorInfo {{ {self} }}"),
        }
    }
}

impl From<ErrorInfo> for LangflowError {
    fn from(info: ErrorInfo) -> Self {
        LangflowError::from_info(info)
    }
}

impl LangflowError {
    /// An error of this code.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        ErrorInfo::new(code, message).into()
    }

    /// Bad input, found before any request left.
    pub fn invalid_input(field: &str, message: impl Into<String>) -> Self {
        Self::invalid(ErrorCode::InvalidInput, field, message)
    }

    /// Bad input with a more exact code.
    pub fn invalid(code: ErrorCode, field: &str, message: impl Into<String>) -> Self {
        let mut info = ErrorInfo::new(code, message);
        info.field = Some(field.to_owned());
        info.into()
    }

    /// Identity of the error, the same word in every language.
    pub fn code(&self) -> ErrorCode {
        self.info().code
    }

    /// Whether this error is of the code or a case of it.
    pub fn is(&self, code: ErrorCode) -> bool {
        std::iter::successors(Some(self.code()), |code| code.parent()).any(|found| found == code)
    }
}
