//! Objects of an open-source server as the workspace shows them.

use serde_json::{Value, json};

/// A flow: its fields have the same names; lists may be null there.
pub(super) fn flow(mut flow: Value) -> Value {
    if let Some(map) = flow.as_object_mut() {
        if map.get("tags").is_none_or(Value::is_null) {
            map.insert("tags".to_owned(), json!([]));
        }
        map.retain(|name, value| name != "data" || !value.is_null());
    }
    flow
}

pub(super) fn message(message: Value) -> Value {
    let role = match message["sender"].as_str() {
        Some("User") => json!("user"),
        Some("Machine") => json!("assistant"),
        _ => message["sender"].clone(),
    };
    json!({
        "id": message["id"],
        "role": role,
        "text": message["text"],
        "created_at": time(&message["timestamp"]),
        "run_id": message["run_id"],
        "sender": message["sender_name"],
    })
}

/// `2026-01-15 10:30:00.000000 UTC` as RFC 3339.
pub(super) fn time(value: &Value) -> Value {
    match value.as_str().and_then(|text| text.strip_suffix(" UTC")) {
        Some(text) => format!("{}Z", text.replacen(' ', "T", 1)).into(),
        None => value.clone(),
    }
}

/// A key can there do all that its user can.
pub(super) fn api_key(key: &Value) -> Value {
    let shown = key["api_key"].as_str().unwrap_or_default();
    let prefix: String = shown.trim_end_matches('*').chars().take(8).collect();
    let mut known = json!({
        "id": key["id"],
        "name": key["name"],
        "permissions": ["admin"],
        "prefix": prefix,
        "status": if key["is_active"] == false { "revoked" } else { "active" },
        "expires_at": key["expires_at"],
        "last_used_at": key["last_used_at"],
        "previous_expires_at": null,
    });
    // The answer to making one does not say it.
    if !key["created_at"].is_null() {
        known["created_at"] = key["created_at"].clone();
    }
    known
}
