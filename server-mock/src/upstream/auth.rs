//! Who calls. Runs take a key only; all else takes the token of a login as well.

use chrono::TimeDelta;
use serde_json::Value;

use super::answer::detail;
use super::{Ask, text, users};
use crate::app::App;
use crate::http::Reply;
use crate::ids::sha256_hex;
use crate::state::User;

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
    if family == Family::Other
        && let Some(token) = sent_token(ask)
    {
        check_token(ask.app, token, "access")?;
        return Ok("key_admin".to_owned());
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

/// Who calls.
pub(super) struct Caller {
    pub(super) user: User,
    /// Whether it is a key that says so, and no login. Keys are those of the first user.
    pub(super) by_key: bool,
}

pub(super) fn caller(ask: &Ask) -> Result<Caller, Reply> {
    open(ask, Family::Other)?;
    let token = sent_token(ask).filter(|_| ask.app.config.auth);
    let id = match token {
        Some(token) => check_token(ask.app, token, "access")?,
        None => super::uuid::uuid(USER),
    };
    let user = users::find(&ask.app.state(), &id);
    Ok(Caller {
        user: user.ok_or_else(|| detail(401, "Invalid token"))?,
        by_key: token.is_none(),
    })
}

/// The token of a request: a bearer, or else a cookie.
fn sent_token<'a>(ask: &'a Ask) -> Option<&'a str> {
    bearer(ask).or_else(|| cookie(ask, "access_token_lf"))
}

pub(super) fn cookie<'a>(ask: &'a Ask, name: &str) -> Option<&'a str> {
    let pairs = ask.header("cookie")?.split(';');
    let mut pairs = pairs.filter_map(|pair| pair.trim().split_once('='));
    let found = pairs.find(|(given, _)| *given == name);
    found.map(|(_, value)| value)
}

fn bearer<'a>(ask: &'a Ask) -> Option<&'a str> {
    let (scheme, token) = ask.header("authorization")?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The tokens of a login: access and refresh.
pub(super) fn tokens(app: &App, user: &str) -> (String, String) {
    (
        token(app, user, "access", ACCESS),
        token(app, user, "refresh", REFRESH),
    )
}

/// A token that only this server accepts, and only until it is over.
fn token(app: &App, user: &str, kind: &str, seconds: i64) -> String {
    let until = (app.clock.now() + TimeDelta::seconds(seconds)).timestamp();
    let head = encode(br#"{"alg":"HS256","typ":"JWT"}"#);
    let claims = format!(r#"{{"sub":"{user}","type":"{kind}","exp":{until}}}"#);
    let claims = encode(claims.as_bytes());
    let sign = sign(app, &head, &claims);
    format!("{head}.{claims}.{sign}")
}

/// The id of the user that a token is for.
pub(super) fn check_token(app: &App, token: &str, kind: &str) -> Result<String, Reply> {
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
    let user = text(&claims, "sub").unwrap_or_default();
    match text(&claims, "type") == Some(kind) {
        // A token outlives its user, and is worth nothing then.
        true if users::find(&app.state(), user).is_some_and(|user| user.active) => {
            Ok(user.to_owned())
        }
        true => Err(bad()),
        false => Err(detail(401, "Invalid token type")),
    }
}

fn sign(app: &App, head: &str, claims: &str) -> String {
    sha256_hex(format!("{}.{head}.{claims}", app.config.seed).as_bytes())
}

fn encode(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}
