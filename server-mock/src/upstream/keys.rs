//! API keys. All of them may do everything here: open-source servers know no permissions.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::answer::{detail, invalid, wrong};
use super::auth::{Family, USER, open};
use super::uuid::uuid;
use super::{Ask, Done, body};
use crate::contract::Permission;
use crate::http::Reply;
use crate::state::{KeyRecord, NewKey};

pub(super) fn list(ask: &Ask) -> Done {
    open(ask, Family::Other)?;
    let state = ask.app.state();
    let live = state
        .keys
        .all()
        .iter()
        .filter(|key| key.revoked_at.is_none());
    let keys: Vec<Value> = live
        .map(|key| {
            let mut shown = json(key, &format!("{:*<44}", &key.prefix));
            shown["created_at"] = moment(Some(key.created_at));
            shown
        })
        .collect();
    let body = json!({"total_count": keys.len(), "user_id": uuid(USER), "api_keys": keys});
    Ok(Reply::json(200, &body))
}

pub(super) fn create(ask: &Ask) -> Done {
    open(ask, Family::Other)?;
    let fields = body::object(ask)?;
    let name = fields.get("name").and_then(Value::as_str);
    let expires_at = match fields.get("expires_at") {
        None | Some(Value::Null) => None,
        Some(given) => {
            let at = given
                .as_str()
                .and_then(|text| text.parse::<DateTime<Utc>>().ok());
            Some(at.ok_or_else(|| {
                let message = "Input should be a valid datetime";
                invalid(&[wrong("datetime_parsing", &["body", "expires_at"], message)])
            })?)
        }
    };
    let now = ask.app.clock.now();
    let mut state = ask.app.state();
    let id = state.ids.next("key");
    let secret = format!("sk-{}", state.ids.secret(&id));
    let new = NewKey {
        id,
        name: name.unwrap_or_default().to_owned(),
        secret: secret.clone(),
        permissions: vec![Permission::Admin],
        expires_at,
        max_uses: None,
    };
    let mut shown = json(state.keys.create(new, now), &secret);
    if name.is_none() {
        shown["name"] = Value::Null;
    }
    Ok(Reply::json(200, &shown))
}

/// A key that is not there is a bad request, not a lack.
pub(super) fn delete(ask: &Ask, id: &str) -> Done {
    open(ask, Family::Other)?;
    let mut state = ask.app.state();
    let mut keys = state.keys.all().iter();
    let live = keys.find(|key| key.revoked_at.is_none() && (key.id == id || uuid(&key.id) == id));
    let Some(found) = live.map(|key| key.id.clone()) else {
        return Err(detail(400, "API Key not found"));
    };
    state.keys.revoke(&found, ask.app.clock.now());
    Ok(Reply::json(200, &json!({"detail": "API Key deleted"})))
}

fn json(key: &KeyRecord, secret: &str) -> Value {
    json!({
        "name": key.name, "last_used_at": moment(key.last_used_at), "total_uses": 0,
        "is_active": true, "expires_at": moment(key.expires_at), "id": uuid(&key.id),
        "api_key": secret, "user_id": uuid(USER),
    })
}

fn moment(at: Option<DateTime<Utc>>) -> Value {
    at.map_or(Value::Null, |at| {
        at.format("%Y-%m-%dT%H:%M:%S+00:00").to_string().into()
    })
}
