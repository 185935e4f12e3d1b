//! What a single call may ask for, and the times that apply to it.

use std::time::Duration;

use serde_json::Value;

use crate::error::LangflowError;
use crate::exact;
use crate::platform;

/// Options of one call; what is absent is the client's.
#[derive(Clone, Default, PartialEq)]
pub struct CallOptions {
    /// Total time of the call with all its attempts, in seconds when it comes from JSON.
    pub timeout: Option<Duration>,
    /// Retries after the first attempt.
    pub max_retries: Option<u32>,
    /// More headers; these win over the client's.
    pub headers: Vec<(String, String)>,
    /// More parameters of the query, behind those of the operation.
    pub query: Vec<(String, String)>,
    /// `Idempotency-Key`; made once per call where it is absent.
    pub idempotency_key: Option<String>,
}

impl std::fmt::Debug for CallOptions {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Values of headers may be credentials.
        let names: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        out.debug_struct("CallOptions")
            .field("timeout", &self.timeout)
            .field("max_retries", &self.max_retries)
            .field("headers", &names)
            .field(
                "query",
                &self.query.iter().map(|(name, _)| name).collect::<Vec<_>>(),
            )
            .field("idempotency_key", &self.idempotency_key)
            .finish()
    }
}

/// The times that apply to a call.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timeouts {
    /// Until there is a connection. 10 s.
    pub connect: Option<Duration>,
    /// From the request to the first byte of the answer, per attempt. None: runs take long.
    pub first_byte: Option<Duration>,
    /// Between two pieces of a body; keepalives count as pieces. 120 s.
    pub idle: Option<Duration>,
    /// Whether the user chose it.
    pub idle_chosen: bool,
    /// The whole call. None for runs, 60 s for everything else.
    pub total: Option<Duration>,
}

impl Default for Timeouts {
    fn default() -> Self {
        Timeouts {
            connect: Some(Duration::from_secs(10)),
            first_byte: None,
            idle: Some(Duration::from_secs(120)),
            idle_chosen: false,
            total: None,
        }
    }
}

/// How connections are made, beside their times.
#[derive(Clone, Default, PartialEq)]
pub struct Network {
    /// URL of a proxy; empty for none. Absent: what the environment says.
    pub proxy: Option<String>,
    /// Path of a PEM file with the authorities to trust, instead of the platform's.
    pub ca_bundle: Option<String>,
    /// Path of a PEM file with a certificate and its key, to show to the server.
    pub client_cert: Option<String>,
}

impl std::fmt::Debug for Network {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The URL of a proxy may hold a password.
        out.debug_struct("Network")
            .field("proxy", &self.proxy.as_ref().map(|_| "***"))
            .field("ca_bundle", &self.ca_bundle)
            .field("client_cert", &self.client_cert)
            .finish()
    }
}

/// Total time of a call that is not a run.
pub const TOTAL: Duration = Duration::from_secs(60);

impl CallOptions {
    /// Reads the `options` of a call that comes as JSON.
    pub fn from_json(value: &Value) -> Result<CallOptions, LangflowError> {
        let mut options = CallOptions::default();
        let Some(map) = value.as_object() else {
            return match value.is_null() {
                true => Ok(options),
                false => Err(LangflowError::invalid_input(
                    "options",
                    "`options` is not an object.",
                )),
            };
        };
        for (key, value) in map.iter().filter(|(_, value)| !value.is_null()) {
            match key.as_str() {
                "timeout" => options.timeout = Some(seconds("timeout", value)?),
                "max_retries" => options.max_retries = Some(count("max_retries", value)?),
                "headers" => options.headers = headers("headers", value)?,
                "query" => options.query = query(value)?,
                "idempotency_key" => {
                    options.idempotency_key = Some(text("idempotency_key", value)?)
                }
                other => {
                    let message = format!("There is no option `{other}`.");
                    return Err(LangflowError::invalid_input(other, message));
                }
            }
        }
        Ok(options)
    }
}

/// A time in seconds: positive and finite.
pub fn seconds(field: &str, value: &Value) -> Result<Duration, LangflowError> {
    value
        .as_f64()
        .filter(|seconds| *seconds > 0.0)
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| refuse(field, "a positive number of seconds", value))
}

/// A whole number from zero on.
pub fn count(field: &str, value: &Value) -> Result<u32, LangflowError> {
    value
        .as_u64()
        .and_then(|count| u32::try_from(count).ok())
        .ok_or_else(|| refuse(field, "a whole number from 0 on", value))
}

/// A number above zero.
pub fn positive(field: &str, value: &Value) -> Result<f64, LangflowError> {
    value
        .as_f64()
        .filter(|number| *number > 0.0 && number.is_finite())
        .ok_or_else(|| refuse(field, "a number above 0", value))
}

/// True or false.
pub fn flag(field: &str, value: &Value) -> Result<bool, LangflowError> {
    value
        .as_bool()
        .ok_or_else(|| refuse(field, "true or false", value))
}

/// Text.
pub fn text(field: &str, value: &Value) -> Result<String, LangflowError> {
    value
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| refuse(field, "text", value))
}

/// Header names and values, checked so that none can break out of its line.
pub fn headers(field: &str, value: &Value) -> Result<Vec<(String, String)>, LangflowError> {
    let map = value
        .as_object()
        .ok_or_else(|| refuse(field, "an object of texts", value))?;
    map.iter()
        .map(|(name, value)| {
            let value = text(&format!("{field}.{name}"), value)?;
            check_own_header(field, name, &value)?;
            Ok((name.clone(), value))
        })
        .collect()
}

/// Parameters of a query, in the order of names; a list is a parameter that is repeated, null is none.
pub fn query(value: &Value) -> Result<Vec<(String, String)>, LangflowError> {
    let map = value
        .as_object()
        .ok_or_else(|| refuse("query", "an object", value))?;
    let mut pairs = Vec::new();
    for (name, value) in map {
        let values = match value {
            Value::Array(values) => values.as_slice(),
            other => std::slice::from_ref(other),
        };
        for value in values {
            let text = match value {
                Value::Null => continue,
                Value::String(text) => text.clone(),
                Value::Bool(_) | Value::Number(_) => exact::text_of(value),
                other => {
                    let wanted = "text, a number, true or false, or a list of these";
                    return Err(refuse(&format!("query.{name}"), wanted, other));
                }
            };
            pairs.push((name.clone(), text));
        }
    }
    Ok(pairs)
}

/// Headers as an environment variable holds them: a line each, `Name: value`.
pub fn header_lines(field: &str, text: &str) -> Result<Vec<(String, String)>, LangflowError> {
    text.lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| {
            let Some((name, value)) = line.split_once(':') else {
                // Not shown: it may be the value of a header that lost its name.
                let message =
                    format!("`{field}` has a line without a colon; each is `Name: value`.");
                return Err(LangflowError::invalid_input(field, message));
            };
            let (name, value) = (name.trim(), value.trim());
            check_own_header(field, name, value)?;
            Ok((name.to_owned(), value.to_owned()))
        })
        .collect()
}

/// Headers that say how long a message is and to whom it goes: the connection writes them, and two of
/// them make two messages of one (RFC 9112, 11.2).
pub const FRAMING: [&str; 10] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// As [`check_header`], for a header that the user adds.
pub fn check_own_header(field: &str, name: &str, value: &str) -> Result<(), LangflowError> {
    if FRAMING.iter().any(|own| name.eq_ignore_ascii_case(own)) {
        let message = format!("The header `{name}` belongs to the connection; leave it out.");
        return Err(LangflowError::invalid_input(field, message));
    }
    check_header(field, name, value)
}

/// Refuses what is no idempotency key: empty, endless, or nothing that a header can carry.
pub fn check_idempotency_key(key: &str) -> Result<(), LangflowError> {
    let field = "idempotency_key";
    if key.trim().is_empty() || key.len() > 255 {
        let message = "`idempotency_key` must be text of 1 to 255 bytes.";
        return Err(LangflowError::invalid_input(field, message));
    }
    check_header(field, "idempotency-key", key)
}

/// Refuses what cannot be a header; the value is not repeated, it may be a secret.
pub fn check_header(field: &str, name: &str, value: &str) -> Result<(), LangflowError> {
    let named = platform::http::HeaderName::from_bytes(name.as_bytes()).is_ok();
    match named && platform::http::HeaderValue::from_str(value).is_ok() {
        true => Ok(()),
        false if named => Err(LangflowError::invalid_input(
            field,
            format!("The header `{name}` has a character that no header can carry."),
        )),
        false => Err(LangflowError::invalid_input(
            field,
            "A header name is empty or ill-formed.",
        )),
    }
}

/// The error for a value of the wrong kind, which it shows in short.
pub fn refuse(field: &str, wanted: &str, found: &Value) -> LangflowError {
    let number;
    let kind = match found {
        Value::Null => "null",
        // Where something else is wanted it may be a key.
        Value::Number(found) if wanted.contains("number") => {
            number = found.to_string();
            &number
        }
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(text) if text.is_empty() => "empty text",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    LangflowError::invalid_input(field, format!("`{field}` must be {wanted}, not {kind}."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Call;
    use crate::client::Client;
    use crate::error::ErrorCode;
    use crate::operation;
    use crate::transfer::{Transfer, Transferring};

    /// D1: a platform's own limit of five minutes ended every long run.
    #[test]
    fn a_run_has_no_hidden_limit() {
        let client = Client::builder().base_url("localhost").build().unwrap();
        let limit = |id: &str| {
            let call = Call::new(
                &client,
                operation::find(id).unwrap(),
                CallOptions::default(),
            );
            let first_byte = client.config.timeouts.first_byte;
            call.deadline
                .limit(first_byte, ErrorCode::FirstByteTimeout)
                .0
        };
        assert_eq!(limit("runFlow"), None);
        assert!(limit("listFlows").is_some_and(|limit| limit <= TOTAL));
        // What is large takes its time, unless somebody has said how long.
        let carried = |timeout| {
            let options = CallOptions {
                timeout,
                ..CallOptions::default()
            };
            let mut call = Call::new(&client, operation::find("exportFlow").unwrap(), options);
            let progress = tokio::sync::watch::channel(Transfer::default()).0;
            call.carry(Transferring::Down("flow.json".into(), progress));
            (call.deadline.left().is_some(), call.stall())
        };
        assert_eq!(carried(None), (false, Some(TOTAL)));
        assert!(carried(Some(TOTAL)).0);
    }
}
