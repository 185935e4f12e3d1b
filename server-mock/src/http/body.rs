//! Bodies on their way in: their size, their type, and what they say.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::Value;

use crate::app::App;
use crate::contract::{Complaint, Operation, contract};
use crate::problem::Problem;

/// The body of a call.
#[derive(Debug, Clone)]
pub(super) enum Body {
    /// None was sent.
    None,
    /// JSON.
    Json(Value),
    /// Something else that the operation takes, such as a zip file.
    Other(Bytes),
}

/// How much of a refused body is read all the same.
const PATIENCE: usize = 64 * 1024 * 1024;

/// How long a refused body is read.
const PATIENCE_TIME: Duration = Duration::from_secs(5);

/// Reads a body to its end, or as far as is allowed.
pub(super) async fn read(
    app: &App,
    headers: &HeaderMap,
    incoming: &mut Incoming,
) -> Result<Bytes, Problem> {
    let limit = app.config.max_body;
    let too_large = || Problem::too_large(limit).header("connection", "close");
    let announced = headers
        .get(http::header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok());
    if announced
        .and_then(|length| length.parse::<u64>().ok())
        .is_some_and(|it| it > limit as u64)
    {
        return Err(too_large());
    }
    let mut bytes = BytesMut::new();
    while let Some(frame) = incoming.frame().await {
        let frame = frame.map_err(|_| {
            Problem::new("invalid_json", "The body broke off.").error("body", "broke off")
        })?;
        if let Some(data) = frame.data_ref() {
            if bytes.len() + data.len() > limit {
                return Err(too_large());
            }
            bytes.extend_from_slice(data);
        }
    }
    Ok(bytes.freeze())
}

/// Reads what is left of a body that nobody wants: a client that is still writing when the
/// connection closes sees a reset instead of the answer. One that asked first (`Expect`) has not
/// begun to write.
pub(super) async fn drain(headers: &HeaderMap, mut incoming: Incoming) {
    if headers.contains_key(http::header::EXPECT) {
        return;
    }
    let rest = async {
        let mut read = 0;
        while let Some(Ok(frame)) = incoming.frame().await {
            read += frame.data_ref().map_or(0, Bytes::len);
            if read > PATIENCE {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(PATIENCE_TIME, rest).await;
}

/// What the body says, and what the contract has against it.
pub(super) fn parse(
    operation: &Operation,
    headers: &HeaderMap,
    bytes: &Bytes,
) -> Result<(Body, Vec<Complaint>), Problem> {
    if bytes.is_empty() && !operation.body_required {
        return Ok((Body::None, Vec::new()));
    }
    if operation.accepts.is_empty() {
        return Ok((Body::None, Vec::new()));
    }
    let label = headers
        .get(http::header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let media = label
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .trim();
    let media = media.to_ascii_lowercase();
    if !is_json(operation, &media) {
        if operation.accepts.contains(&media) {
            return Ok((Body::Other(bytes.clone()), Vec::new()));
        }
        let accepted = operation.accepts.join(", ");
        let given = if media.is_empty() {
            "no content type".to_owned()
        } else {
            format!("`{media}`")
        };
        let detail = format!("`{}` takes {accepted}, not {given}.", operation.id);
        return Err(Problem::new("unsupported_media_type", detail)
            .header("accept", accepted)
            .error("Content-Type", "is not one that this operation takes"));
    }
    let value: Value =
        serde_json::from_slice(bytes).map_err(|error| Problem::no_json(bytes, &error))?;
    let schema = operation.body.as_ref().unwrap_or(&Value::Null);
    let complaints = contract().complaints(schema, &value, "");
    Ok((Body::Json(value), complaints))
}

/// The documentation's curl commands send JSON without a label, which curl then calls a form: the
/// run route understands them, the others insist.
fn is_json(operation: &Operation, media: &str) -> bool {
    let json = media == "application/json" || media.ends_with("+json");
    let curl = media.is_empty() || media == "application/x-www-form-urlencoded";
    json || (curl && operation.id == "runFlow")
}
