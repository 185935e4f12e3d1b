//! Webhooks as bindings ask for them: by name, with arguments as JSON.

use serde_json::{Value, json};

use super::{TOLERANCE, WebhookHeaders, check_headers, readable, sign, sign_trigger, verify_at};
use crate::boundary::{Args, Compute};
use crate::error::LangflowError;
use crate::options::refuse;
use crate::platform;

/// `webhook.verify {secret or secrets, headers, now?, tolerance?}` with the body answers with the
/// event; `webhook.check` with the same and no body with what the headers alone say; `webhook.sign {secret or secrets, id?, timestamp?}` with the headers; `trigger.sign
/// {secret, timestamp?}` too. Header names may be written in any case.
pub(crate) const COMPUTE: &[Compute] = &[
    Compute {
        name: "webhook.verify",
        run: compute_verify,
    },
    Compute {
        name: "webhook.check",
        run: compute_check,
    },
    Compute {
        name: "webhook.sign",
        run: compute_sign,
    },
    Compute {
        name: "trigger.sign",
        run: compute_trigger,
    },
];

fn compute_verify(args: Args, body: &[u8]) -> Result<Value, LangflowError> {
    with_delivery(args, &|secrets, headers, now, tolerance| {
        Ok(json!(verify_at(secrets, headers, body, now, tolerance)?))
    })
}

fn compute_check(args: Args, _: &[u8]) -> Result<Value, LangflowError> {
    with_delivery(args, &|secrets, headers, now, tolerance| {
        readable(secrets)?;
        check_headers(headers, now, tolerance)?;
        Ok(json!({}))
    })
}

type Judge<'a> = &'a dyn Fn(&[&str], WebhookHeaders<'_>, f64, f64) -> Result<Value, LangflowError>;

fn with_delivery(mut args: Args, judge: Judge<'_>) -> Result<Value, LangflowError> {
    let secrets = secrets(&mut args)?;
    let headers = args.need("headers")?;
    let now = number(&mut args, "now")?.unwrap_or_else(platform::unix_now);
    let tolerance = number(&mut args, "tolerance")?.unwrap_or(TOLERANCE);
    args.done()?;
    let Some(map) = headers.as_object() else {
        return Err(refuse("headers", "an object of texts", &headers));
    };
    let header = |wanted: &str| {
        let mut all = map.iter();
        let found = all.find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.map_or("", |(_, value)| value.as_str().unwrap_or_default())
    };
    let headers = WebhookHeaders {
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp"),
        signature: header("webhook-signature"),
    };
    let secrets: Vec<_> = secrets.iter().map(String::as_str).collect();
    judge(&secrets, headers, now, tolerance)
}

fn compute_sign(mut args: Args, body: &[u8]) -> Result<Value, LangflowError> {
    let secrets = secrets(&mut args)?;
    let id = args.text("id")?.unwrap_or_else(|| crate::send::id("msg_"));
    let timestamp = number(&mut args, "timestamp")?.map(|seconds| seconds as i64);
    args.done()?;
    let secrets: Vec<_> = secrets.iter().map(String::as_str).collect();
    let signed = sign(&secrets, &id, timestamp, body)?;
    Ok(json!({
        "webhook-id": signed.id,
        "webhook-timestamp": signed.timestamp,
        "webhook-signature": signed.signature,
    }))
}

fn compute_trigger(mut args: Args, body: &[u8]) -> Result<Value, LangflowError> {
    let secret = args.need_text("secret")?;
    let timestamp = number(&mut args, "timestamp")?.map(|seconds| seconds as i64);
    args.done()?;
    let (timestamp, signature) = sign_trigger(&secret, timestamp, body)?;
    Ok(json!({"x-langflow-timestamp": timestamp, "x-langflow-signature": signature}))
}

fn secrets(args: &mut Args) -> Result<Vec<String>, LangflowError> {
    let mut all: Vec<_> = args.text("secret")?.into_iter().collect();
    match args.take("secrets") {
        None => {}
        Some(Value::Array(more)) => {
            for secret in &more {
                all.push(crate::options::text("secrets", secret)?);
            }
        }
        Some(other) => return Err(refuse("secrets", "a list of texts", &other)),
    }
    Ok(all)
}

fn number(args: &mut Args, name: &str) -> Result<Option<f64>, LangflowError> {
    match args.take(name) {
        None => Ok(None),
        Some(value) => match value.as_f64() {
            Some(number) => Ok(Some(number)),
            None => Err(refuse(name, "a number of seconds", &value)),
        },
    }
}
