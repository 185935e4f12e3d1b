//! Who calls. Runs take a key only; all else takes the token of a login as well.

use chrono::TimeDelta;
use serde_json::Value;

use super::answer::detail;
use super::{Ask, text};
use crate::app::App;
use crate::http::Reply;
use crate::ids::sha256_hex;

/// How a family of routes is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// By a key alone, in a header or the query; a bearer is not looked at.
    Run,
    /// As runs, in other words.
    Webhook,
    /// By a bearer token, a cookie or a key, in this order.
    Other,
}

/// The user that everything belongs to, and the password of the login.
pub(super) const USER: &str = "langflow";

/// Seconds that an access token is good for.
const ACCESS: i64 = 3600;

/// Seconds that a refresh token is good for.
const REFRESH: i64 = 7 * 24 * 3600;

/// The id of the key that a request came with, or the refusal.
pub(super) fn open(ask: &Ask, family: Family) -> Result<String, Reply> {
    let key_id = key_of(ask, family)?;
    let noted = key_id.clone();
    ask.record.amend(|entry| entry.key_id = Some(noted));
    Ok(key_id)
}

fn key_of(ask: &Ask, family: Family) -> Result<String, Reply> {
    if !ask.app.config.auth {
        return Ok("nobody".to_owned());
    }
    if family == Family::Other {
        let cookie = ask.header("cookie").and_then(|all| {
            let mut pairs = all
                .split(';')
                .filter_map(|pair| pair.trim().split_once('='));
            pairs
                .find(|(name, _)| *name == "access_token_lf")
                .map(|(_, value)| value)
        });
        if let Some(token) = bearer(ask).or(cookie) {
            return check_token(ask.app, token);
        }
    }
    let sent = ask
        .header("x-api-key")
        .or_else(|| ask.query("x-api-key"))
        .filter(|key| !key.is_empty());
    let Some(secret) = sent else {
        return Err(match family {
            Family::Run => detail(403, "An API key must be passed as query or header"),
            Family::Webhook => detail(
                403,
                "API key required when webhook authentication is enabled",
            ),
            Family::Other => detail(403, "No authentication credentials provided"),
        });
    };
    let mut state = ask.app.state();
    match state.keys.open(secret, ask.app.clock.now()) {
        Ok(key) => Ok(key.id.clone()),
        Err(_) => Err(match family {
            Family::Run => detail(403, "Invalid or missing API key"),
            Family::Webhook | Family::Other => detail(403, "Invalid API key"),
        }),
    }
}

fn bearer<'a>(ask: &'a Ask) -> Option<&'a str> {
    let (scheme, token) = ask.header("authorization")?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The tokens of a login: access and refresh.
pub(super) fn tokens(app: &App) -> (String, String) {
    (token(app, "access", ACCESS), token(app, "refresh", REFRESH))
}

/// A token that only this server accepts, and only until it is over.
fn token(app: &App, kind: &str, seconds: i64) -> String {
    let until = (app.clock.now() + TimeDelta::seconds(seconds)).timestamp();
    let head = encode(br#"{"alg":"HS256","typ":"JWT"}"#);
    let user = super::uuid::uuid(USER);
    let claims = format!(r#"{{"sub":"{user}","type":"{kind}","exp":{until}}}"#);
    let claims = encode(claims.as_bytes());
    let sign = sign(app, &head, &claims);
    format!("{head}.{claims}.{sign}")
}

fn check_token(app: &App, token: &str) -> Result<String, Reply> {
    let bad = || detail(401, "Invalid token");
    let mut parts = token.split('.');
    let (Some(head), Some(claims), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(bad());
    };
    if sign(app, head, claims) != signature {
        return Err(bad());
    }
    use base64::Engine as _;
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims);
    let claims: Value = serde_json::from_slice(&claims.unwrap_or_default()).unwrap_or_default();
    if claims["exp"]
        .as_i64()
        .is_none_or(|until| app.clock.now().timestamp() >= until)
    {
        return Err(bad());
    }
    match text(&claims, "type") {
        Some("access") => Ok("key_admin".to_owned()),
        _ => Err(detail(401, "Invalid token type")),
    }
}

fn sign(app: &App, head: &str, claims: &str) -> String {
    sha256_hex(format!("{}.{head}.{claims}", app.config.seed).as_bytes())
}

fn encode(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}
