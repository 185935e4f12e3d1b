//! Signs a body, so that a receiver can be tried by hand.

use std::io::Read;
use std::path::PathBuf;

use clap::Args;
use langflow_mock::{SignatureScheme, sign_stripe, sign_webhook};

use super::Done;

/// What to sign, and how.
#[derive(Debug, Args)]
pub(crate) struct Sign {
    /// The secret of the webhook: whsec_ and base64; better in the environment.
    #[arg(long, env = "LANGFLOW_MOCK_SIGN_SECRET", hide_env_values = true)]
    secret: String,
    /// A file with the body, to the byte; - for the standard input.
    #[arg(env = "LANGFLOW_MOCK_SIGN_BODY", default_value = "-")]
    body: PathBuf,
    /// The id of the message.
    #[arg(long, env = "LANGFLOW_MOCK_SIGN_ID", default_value = "msg_test")]
    id: String,
    /// The time of signing in seconds since 1970; now if absent.
    #[arg(long, env = "LANGFLOW_MOCK_SIGN_TIMESTAMP")]
    timestamp: Option<i64>,
    /// How: v1, v1a or stripe.
    #[arg(long, env = "LANGFLOW_MOCK_SIGN_SCHEME", default_value = "v1")]
    scheme: SignatureScheme,
}

pub(crate) fn run(options: &Sign) -> Done {
    let read = match options.body.to_str() {
        Some("-") => {
            let mut bytes = Vec::new();
            std::io::stdin().read_to_end(&mut bytes).map(|_| bytes)
        }
        _ => std::fs::read(&options.body),
    };
    let body = read.map_err(|error| format!("{}: {error}", options.body.display()))?;
    let timestamp = options.timestamp.unwrap_or_else(now);
    let signed = match options.scheme {
        SignatureScheme::Stripe => format!(
            "Stripe-Signature: {}",
            sign_stripe(&options.secret, timestamp, &body)
        ),
        scheme => {
            let id = &options.id;
            let signature = sign_webhook(scheme, &options.secret, id, timestamp, &body)
                .ok_or("the secret has to be whsec_ and the base64 of 24 to 64 bytes")?;
            format!(
                "webhook-id: {id}\nwebhook-timestamp: {timestamp}\nwebhook-signature: {signature}"
            )
        }
    };
    Ok((signed, true))
}

fn now() -> i64 {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed();
    since.map_or(0, |it| i64::try_from(it.as_secs()).unwrap_or_default())
}
