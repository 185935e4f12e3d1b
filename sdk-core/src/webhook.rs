//! Webhooks for those who receive them: verify and sign by the Standard Webhooks scheme, and sign a
//! trigger of an open-source server.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::Sha256;

use crate::error::{ErrorCode, ErrorInfo, LangflowError};
use crate::platform;

mod compute;

pub(crate) use compute::COMPUTE;

/// Seconds that a message may be old, or from the future.
const TOLERANCE: f64 = 300.0;

/// What every secret begins with.
const PREFIX: &str = "whsec_";

/// What a webhook tells. Fields that this version does not know are in `raw`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct WebhookEvent {
    /// Id of the message, the same in every attempt: drop what you know.
    pub id: String,
    /// `flow_started`, `flow_completed`, `flow_error`, `component_completed`, or a newer one.
    pub event: String,
    /// Id of the flow.
    pub flow_id: String,
    /// Id of the session.
    pub session_id: Option<String>,
    /// The output of the flow, null where there is none yet.
    pub output: Value,
    /// When it happened; RFC 3339.
    pub timestamp: Option<String>,
    /// The component that finished.
    pub component: Option<WebhookComponent>,
    /// Why the run failed.
    pub error: Option<WebhookError>,
    /// The message as it was sent.
    pub raw: Value,
}

/// The component that finished.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WebhookComponent {
    /// Id of the component.
    pub id: String,
    /// Name of the component in the editor.
    #[serde(default)]
    pub display_name: Option<String>,
    /// Seconds that it took.
    #[serde(default)]
    pub duration: Option<f64>,
}

/// Why the run failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WebhookError {
    /// Code of the server.
    pub code: String,
    /// What happened, for people.
    #[serde(default)]
    pub message: String,
}

/// The headers of a delivery, as they came.
#[derive(Debug, Clone, Copy)]
#[allow(clippy::exhaustive_structs)]
pub struct WebhookHeaders<'a> {
    /// `webhook-id`.
    pub id: &'a str,
    /// `webhook-timestamp`.
    pub timestamp: &'a str,
    /// `webhook-signature`.
    pub signature: &'a str,
}

/// Verifies a delivery and reads it. Several secrets may be valid at a time while one takes the
/// place of the other; `body` has to be the bytes that came, not JSON written anew.
///
/// ```
/// use langflow_client::webhook::{WebhookHeaders, sign, verify};
///
/// let secret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
/// let body = br#"{"event":"flow_started","flow_id":"f","session_id":"s","result":{"output":null},"timestamp":"2026-01-01T00:00:00Z"}"#;
/// let signed = sign(&[secret], "msg_1", None, body)?;
/// let headers = WebhookHeaders { id: &signed.id, timestamp: &signed.timestamp, signature: &signed.signature };
/// assert_eq!(verify(&[secret], headers, body)?.event, "flow_started");
/// # Ok::<(), langflow_client::LangflowError>(())
/// ```
///
/// # Errors
/// `webhook_verification_failed` where the signature is none of these secrets' or the message is
/// over 300 s off; `invalid_input` for a secret that is none, unless another one fits;
/// `invalid_response` for a body that is no event.
pub fn verify(
    secrets: &[&str],
    headers: WebhookHeaders<'_>,
    body: &[u8],
) -> Result<WebhookEvent, LangflowError> {
    verify_at(secrets, headers, body, platform::unix_now(), TOLERANCE)
}

/// As [`verify`], at another time (Unix seconds) and with another tolerance (seconds).
///
/// # Errors
/// As [`verify`].
pub fn verify_at(
    secrets: &[&str],
    headers: WebhookHeaders<'_>,
    body: &[u8],
    now: f64,
    tolerance: f64,
) -> Result<WebhookEvent, LangflowError> {
    let (keys, malformed) = readable(secrets)?;
    let timestamp = check_headers(headers, now, tolerance)?;
    let message = signed_message(headers.id, &timestamp.to_string(), body);
    // Every signature is compared with every key, each in constant time.
    let matched = headers
        .signature
        .split_ascii_whitespace()
        .filter_map(|entry| STANDARD.decode(entry.strip_prefix("v1,")?).ok())
        .fold(false, |found, signature| {
            keys.iter().fold(found, |found, key| {
                found | mac(key, &message).verify_slice(&signature).is_ok()
            })
        });
    if !matched {
        // It may be the one that it was signed with.
        return Err(malformed.unwrap_or_else(|| refused("No signature fits any of the secrets.")));
    }
    event(headers.id, body)
}

/// What can be said before the body is read: whether the headers are those of a delivery of now. Ask it
/// first, and read no more than you want to keep: whoever sends has proved nothing yet.
///
/// # Errors
/// `webhook_verification_failed` where a header is missing or the message is over 300 s off;
/// `invalid_input` where all secrets are none.
pub fn check(secrets: &[&str], headers: WebhookHeaders<'_>) -> Result<(), LangflowError> {
    readable(secrets)?;
    check_headers(headers, platform::unix_now(), TOLERANCE).map(drop)
}

/// The time at which the message was signed, as it says.
fn check_headers(
    headers: WebhookHeaders<'_>,
    now: f64,
    tolerance: f64,
) -> Result<i64, LangflowError> {
    if tolerance < 0.0 {
        let message = "`tolerance` must be a number of seconds from 0 on.";
        return Err(LangflowError::invalid_input("tolerance", message));
    }
    if headers.id.is_empty() {
        return Err(refused("The header webhook-id is missing."));
    }
    let timestamp: i64 =
        headers.timestamp.trim().parse().map_err(|_| {
            refused("The header webhook-timestamp is missing or no number of seconds.")
        })?;
    if headers.signature.is_empty() {
        return Err(refused("The header webhook-signature is missing."));
    }
    let off = now - timestamp as f64;
    if off.abs() > tolerance {
        let when = if off > 0.0 { "old" } else { "from the future" };
        let (off, most) = (off.abs().round() as u64, tolerance.round() as u64);
        return Err(refused(&format!(
            "The message is {off} s {when}; at most {most} s are allowed."
        )));
    }
    Ok(timestamp)
}

/// The three headers of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SignedWebhook {
    /// `webhook-id`.
    pub id: String,
    /// `webhook-timestamp`.
    pub timestamp: String,
    /// `webhook-signature`: an entry for each secret.
    pub signature: String,
}

/// Signs a body as a server does: for tests of those who receive. `timestamp` is in Unix seconds;
/// now if absent.
///
/// # Errors
/// `invalid_input` for a secret that is none, or an id that no header can carry.
pub fn sign(
    secrets: &[&str],
    id: &str,
    timestamp: Option<i64>,
    body: &[u8],
) -> Result<SignedWebhook, LangflowError> {
    let keys = keys(secrets)?;
    crate::options::check_header("id", "webhook-id", id)?;
    if id.is_empty() || id.contains('.') {
        let message = "`id` must be text without a full stop.";
        return Err(LangflowError::invalid_input("id", message));
    }
    let timestamp = timestamp
        .unwrap_or_else(|| platform::unix_now() as i64)
        .to_string();
    let message = signed_message(id, &timestamp, body);
    let entries: Vec<_> = keys
        .iter()
        .map(|key| {
            format!(
                "v1,{}",
                STANDARD.encode(mac(key, &message).finalize().into_bytes())
            )
        })
        .collect();
    Ok(SignedWebhook {
        id: id.to_owned(),
        timestamp,
        signature: entries.join(" "),
    })
}

/// Signs a body for a trigger of an open-source server: the values of `X-Langflow-Timestamp` and
/// `X-Langflow-Signature`. The server takes the same timestamp and body once: to try again, send
/// the same two headers.
///
/// # Errors
/// `invalid_input` where the secret is empty.
pub fn sign_trigger(
    secret: &str,
    timestamp: Option<i64>,
    body: &[u8],
) -> Result<(String, String), LangflowError> {
    if secret.is_empty() {
        return Err(LangflowError::invalid_input("secret", "`secret` is empty."));
    }
    let timestamp = timestamp
        .unwrap_or_else(|| platform::unix_now() as i64)
        .to_string();
    let mut message = format!("v1:{timestamp}:").into_bytes();
    message.extend_from_slice(body);
    let digest = mac(secret.as_bytes(), &message).finalize().into_bytes();
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok((timestamp, format!("v1={hex}")))
}

fn mac(key: &[u8], message: &[u8]) -> Hmac<Sha256> {
    // HMAC takes keys of any length.
    let mut mac = <Hmac<Sha256> as hmac::Mac>::new_from_slice(key)
        .unwrap_or_else(|_| unreachable!("HMAC takes a key of any length"));
    mac.update(message);
    mac
}

fn signed_message(id: &str, timestamp: &str, body: &[u8]) -> Vec<u8> {
    let mut message = format!("{id}.{timestamp}.").into_bytes();
    message.extend_from_slice(body);
    message
}

type Key = Result<Vec<u8>, LangflowError>;

/// The key in each of these secrets. The secret itself is never repeated in an error.
fn each(secrets: &[&str]) -> Result<Vec<Key>, LangflowError> {
    if secrets.is_empty() {
        return Err(LangflowError::invalid_input(
            "secret",
            "There is no secret.",
        ));
    }
    let several = secrets.len();
    let read = |(at, secret): (usize, &&str)| {
        let text = secret.trim();
        let key = STANDARD
            .decode(text.strip_prefix(PREFIX).unwrap_or(text))
            .ok();
        key.filter(|key| !key.is_empty()).ok_or_else(|| {
            let which = match several {
                1 => "this one".to_owned(),
                _ => format!("number {} of {several}", at + 1),
            };
            let message = format!("A secret is `whsec_` and base64; {which} is not.");
            LangflowError::invalid_input("secret", message)
        })
    };
    Ok(secrets.iter().enumerate().map(read).collect())
}

/// The keys in these secrets, and what is wrong with one of them. A delivery that another secret proves
/// is genuine all the same: refusing it would lose it over a slip in a rotation.
fn readable(secrets: &[&str]) -> Result<(Vec<Vec<u8>>, Option<LangflowError>), LangflowError> {
    let (mut found, mut malformed) = (Vec::new(), None);
    for key in each(secrets)? {
        match key {
            Ok(key) => found.push(key),
            Err(error) => malformed = malformed.or(Some(error)),
        }
    }
    match malformed {
        Some(error) if found.is_empty() => Err(error),
        malformed => Ok((found, malformed)),
    }
}

/// The keys in these secrets, of which none may be malformed.
fn keys(secrets: &[&str]) -> Result<Vec<Vec<u8>>, LangflowError> {
    each(secrets)?.into_iter().collect()
}

fn refused(message: &str) -> LangflowError {
    LangflowError::new(ErrorCode::WebhookVerificationFailed, message)
}

fn event(id: &str, body: &[u8]) -> Result<WebhookEvent, LangflowError> {
    let raw: Value = serde_json::from_slice(body).map_err(|error| {
        let message = format!("The message is not JSON: {error}.");
        LangflowError::from(ErrorInfo::new(ErrorCode::InvalidResponse, message).with_body(body))
    })?;
    let text = |key: &str| raw.get(key).and_then(Value::as_str).map(str::to_owned);
    let (Some(event), Some(flow_id)) = (text("event"), text("flow_id")) else {
        let message = "The message has no `event` or no `flow_id`, so it is no event of a flow.";
        let error = ErrorInfo::new(ErrorCode::InvalidResponse, message);
        return Err(error.with_body(body).into());
    };
    // What is there but of another shape stays in `raw`.
    let part = |key: &str| raw.get(key).filter(|part| part.is_object()).cloned();
    Ok(WebhookEvent {
        id: id.to_owned(),
        event,
        flow_id,
        session_id: text("session_id"),
        output: raw.pointer("/result/output").cloned().unwrap_or_default(),
        timestamp: text("timestamp"),
        component: part("component").and_then(|part| serde_json::from_value(part).ok()),
        error: part("error").and_then(|part| serde_json::from_value(part).ok()),
        raw,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the Standard Webhooks specification.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    const OTHER: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    const EVENT: &[u8] = br#"{"event":"flow_error","flow_id":"f","session_id":"s","result":{"output":null},"timestamp":"t","error":{"code":"run_failed","message":"boom"},"new":1}"#;

    #[test]
    fn the_example_of_the_specification() {
        let signed = sign(
            &[SECRET],
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            Some(1_614_265_330),
            BODY,
        );
        assert_eq!(signed.unwrap().signature, SIGNATURE);
    }

    fn check(secrets: &[&str], signature: &str, now: f64) -> Result<WebhookEvent, LangflowError> {
        let headers = WebhookHeaders {
            id: "msg_1",
            timestamp: "1000",
            signature,
        };
        verify_at(secrets, headers, EVENT, now, TOLERANCE)
    }

    #[test]
    fn an_event_is_read_and_a_secret_may_be_rotated() {
        let signed = sign(&[OTHER, SECRET], "msg_1", Some(1000), EVENT).unwrap();
        let (old, new) = signed.signature.split_once(' ').unwrap();
        for (secrets, signature, good) in [
            (&[SECRET][..], signed.signature.as_str(), true),
            (&[SECRET], new, true),
            (&[SECRET], old, false),
            (&[SECRET, OTHER], old, true),
            (&[SECRET], "", false),
            (&[SECRET], &new.replace("v1,", "v2,"), false),
            (&[SECRET], "v1,!!!", false),
            (&[SECRET], "v1,", false),
        ] {
            assert_eq!(
                check(secrets, signature, 1000.0).is_ok(),
                good,
                "{signature}"
            );
        }
        let event = check(&[SECRET], new, 1000.0).unwrap();
        assert_eq!(event.event, "flow_error");
        assert_eq!(event.error.unwrap().code, "run_failed");
        assert_eq!(event.raw["new"], 1);
    }

    #[test]
    fn too_old_and_too_new() {
        let signed = sign(&[SECRET], "msg_1", Some(1000), EVENT)
            .unwrap()
            .signature;
        for (now, good) in [
            (1300.0, true),
            (1301.0, false),
            (700.0, true),
            (699.0, false),
        ] {
            assert_eq!(check(&[SECRET], &signed, now).is_ok(), good, "{now}");
        }
    }

    #[test]
    fn no_secret_is_repeated() {
        for secret in ["whsec_not base64", "", "whsec_"] {
            let error = sign(&[secret], "msg", None, b"").unwrap_err();
            assert!(error.is(ErrorCode::InvalidInput));
            assert!(!error.to_string().contains("not base64"));
        }
    }

    #[test]
    fn a_trigger_as_the_server_checks_it() {
        // printf 'v1:1700000000:{"a":1}' | openssl dgst -sha256 -hmac secret
        let (timestamp, signature) =
            sign_trigger("secret", Some(1_700_000_000), br#"{"a":1}"#).unwrap();
        assert_eq!(timestamp, "1700000000");
        assert_eq!(signature, TRIGGER);
    }
    const TRIGGER: &str = "v1=17bb75ebc8e3db9f892e182dac08b5bd115c2a12570908248a7ed41d89710ec8";
}
