//! API keys: only administrators see them, and nobody sees a secret twice.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::call::Call;
use super::reply::Reply;
use super::text;
use crate::clock::timestamp;
use crate::contract::{PREFIX, Permission};
use crate::problem::Problem;
use crate::runner::moment;
use crate::state::{KeyRecord, NewKey, State};

pub(super) fn create(call: &Call) -> Result<Reply, Problem> {
    let body = call.json();
    let permissions = permissions(&body["permissions"])?;
    let expires_at = expiry(call, &body["expires_at"])?;
    let mut state = call.app.state();
    let secret = format!("lf_{}", state.ids.secret("created"));
    let new = NewKey {
        id: state.ids.next("key"),
        name: text(body, "name").unwrap_or_default().to_owned(),
        secret: secret.clone(),
        permissions,
        expires_at,
        max_uses: None,
    };
    let key = state.keys.create(new, call.now);
    let place = format!("{PREFIX}/api-keys/{}", key.id);
    Ok(Reply::json(201, &with_secret(key, call.now, &secret)).header("location", place))
}

pub(super) fn list(call: &Call) -> Result<Reply, Problem> {
    let state = call.app.state();
    let named = |key: &&KeyRecord| {
        let name = key.name.to_lowercase();
        call.query("q")
            .is_none_or(|text| name.contains(&text.to_lowercase()))
    };
    let in_state = |key: &&KeyRecord| {
        call.query("status")
            .is_none_or(|wanted| status(key, call.now) == wanted)
    };
    let found = state.keys.all().iter().filter(named).filter(in_state);
    let keys = found.map(|key| key_json(key, call.now)).collect();
    Ok(Reply::json(200, &call.page(keys)))
}

pub(super) fn get(call: &Call) -> Result<Reply, Problem> {
    Ok(Reply::json(
        200,
        &key_json(find(call, &call.app.state())?, call.now),
    ))
}

pub(super) fn update(call: &Call) -> Result<Reply, Problem> {
    let body = call.json();
    let permissions = body.get("permissions").map(permissions).transpose()?;
    let expires_at = body
        .get("expires_at")
        .map(|at| expiry(call, at))
        .transpose()?;
    let mut state = call.app.state();
    active(find(call, &state)?, call.now)?;
    if let Some(key) = state.keys.get_mut(call.value("key_id")) {
        if let Some(name) = text(body, "name") {
            key.name = name.to_owned();
        }
        key.permissions = permissions.unwrap_or_else(|| key.permissions.clone());
        key.expires_at = expires_at.unwrap_or(key.expires_at);
    }
    Ok(Reply::json(200, &key_json(find(call, &state)?, call.now)))
}

pub(super) fn revoke(call: &Call) -> Result<Reply, Problem> {
    let mut state = call.app.state();
    let id = find(call, &state)?.id.clone();
    state.keys.revoke(&id, call.now);
    Ok(Reply::empty(204))
}

pub(super) fn rotate(call: &Call) -> Result<Reply, Problem> {
    let body = call.json();
    let grace = body
        .get("grace_period")
        .and_then(Value::as_i64)
        .unwrap_or(0);
    let until = TimeDelta::try_seconds(grace).and_then(|it| call.now.checked_add_signed(it));
    let expires_at = body
        .get("expires_at")
        .map(|at| expiry(call, at))
        .transpose()?;
    let mut state = call.app.state();
    let key = find(call, &state)?;
    active(key, call.now)?;
    let id = key.id.clone();
    let secret = format!("lf_{}", state.ids.secret("rotated"));
    state
        .keys
        .rotate(&id, &secret, until.unwrap_or(DateTime::<Utc>::MAX_UTC));
    if let (Some(key), Some(expires_at)) = (state.keys.get_mut(&id), expires_at) {
        key.expires_at = expires_at;
    }
    Ok(Reply::json(
        200,
        &with_secret(find(call, &state)?, call.now, &secret),
    ))
}

fn find<'a>(call: &Call, state: &'a State) -> Result<&'a KeyRecord, Problem> {
    let id = call.value("key_id");
    let key = state.keys.get(id);
    key.ok_or_else(|| Problem::not_found("key_not_found", "API key", id, None))
}

fn active(key: &KeyRecord, now: DateTime<Utc>) -> Result<(), Problem> {
    match status(key, now) {
        "active" => Ok(()),
        status => Err(Problem::new(
            "key_inactive",
            format!("The API key `{}` is {status}.", key.id),
        )),
    }
}

fn status(key: &KeyRecord, now: DateTime<Utc>) -> &'static str {
    if key.revoked_at.is_some() {
        "revoked"
    } else if key.is_over(now) {
        "expired"
    } else {
        "active"
    }
}

fn permissions(value: &Value) -> Result<Vec<Permission>, Problem> {
    let given: Vec<Permission> = serde_json::from_value(value.clone()).map_err(|_| {
        Problem::field(
            "permissions",
            "has to be a list of read, execute, write and admin",
        )
    })?;
    Ok(Permission::ALL
        .into_iter()
        .filter(|one| given.contains(one))
        .collect())
}

fn expiry(call: &Call, value: &Value) -> Result<Option<DateTime<Utc>>, Problem> {
    let Some(text) = value.as_str() else {
        return Ok(None);
    };
    let at = text.parse::<DateTime<Utc>>();
    let at = at.map_err(|_| Problem::field("expires_at", "has to be a date and time"))?;
    if at <= call.now {
        return Err(Problem::field("expires_at", "has to be in the future"));
    }
    Ok(Some(at))
}

fn key_json(key: &KeyRecord, now: DateTime<Utc>) -> Value {
    json!({
        "id": key.id,
        "name": key.name,
        "permissions": key.permissions,
        "prefix": key.prefix,
        "status": status(key, now),
        "created_at": timestamp(key.created_at),
        "expires_at": moment(key.expires_at),
        "last_used_at": moment(key.last_used_at),
        "previous_expires_at": moment(key.grace_until.filter(|until| *until > now)),
    })
}

fn with_secret(key: &KeyRecord, now: DateTime<Utc>, secret: &str) -> Value {
    json!({"key": secret, "api_key": key_json(key, now)})
}
