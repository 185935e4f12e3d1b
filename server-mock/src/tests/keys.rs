//! API keys over HTTP.

use std::time::Duration;

use serde_json::{Value, json};

use super::support::Mock;

#[test]
fn a_key_is_made_used_rotated_and_revoked() {
    let mock = Mock::start();
    let body = json!({"name": "CI", "permissions": ["read", "read", "execute"]});
    let made = mock.call("POST", "/api-keys", &body);
    assert_eq!(made.status, 201);
    let made = made.json();
    let (secret, id) = (
        made["key"].as_str().unwrap(),
        made["api_key"]["id"].as_str().unwrap(),
    );
    assert_eq!(made["api_key"]["permissions"], json!(["read", "execute"]));
    assert!(secret.starts_with(made["api_key"]["prefix"].as_str().unwrap()));
    assert_eq!(
        mock.call_as(secret, "GET", "/flows", &Value::Null).status,
        200
    );
    let path = format!("/api-keys/{id}");
    let shown = mock.get(&path);
    assert!(shown.json()["last_used_at"].is_string());
    assert!(!shown.body.contains(secret) && !mock.get("/api-keys").body.contains(secret));
    let rotated = mock
        .call(
            "POST",
            &format!("{path}/rotate"),
            &json!({"grace_period": 60}),
        )
        .json();
    let next = rotated["key"].as_str().unwrap();
    assert!(rotated["api_key"]["previous_expires_at"].is_string());
    let status = |secret: &str| mock.call_as(secret, "GET", "/flows", &Value::Null).status;
    assert_eq!((status(secret), status(next)), (200, 200));
    mock.server.clock().advance(Duration::from_secs(61));
    assert_eq!((status(secret), status(next)), (401, 200));
    let at_once = mock
        .call("POST", &format!("{path}/rotate"), &Value::Null)
        .json();
    assert_eq!(status(next), 401);
    let last = at_once["key"].as_str().unwrap();
    let changed = mock
        .call(
            "PATCH",
            &path,
            &json!({"permissions": ["execute"], "name": "CI 2"}),
        )
        .json();
    assert_eq!(
        (&changed["name"], &changed["permissions"]),
        (&json!("CI 2"), &json!(["execute"]))
    );
    assert_eq!(status(last), 403);
    for _ in 0..2 {
        assert_eq!(mock.call("DELETE", &path, &Value::Null).status, 204);
    }
    assert_eq!(status(last), 401);
    assert_eq!(mock.get(&path).json()["status"], "revoked");
    assert_eq!(
        mock.call("PATCH", &path, &json!({"name": "x"})).problem(),
        "key_inactive"
    );
    assert_eq!(
        mock.call("POST", &format!("{path}/rotate"), &Value::Null)
            .status,
        409
    );
    assert_eq!(mock.get("/api-keys/none").problem(), "key_not_found");
}

#[test]
fn a_key_expires_by_the_clock() {
    let mock = Mock::start();
    mock.server
        .clock()
        .freeze(Some("2026-01-01T00:00:00Z".parse().unwrap()));
    let body = json!({"name": "x", "permissions": ["read"], "expires_at": "2026-01-01T01:00:00Z"});
    let secret = mock.call("POST", "/api-keys", &body).json()["key"]
        .as_str()
        .unwrap()
        .to_owned();
    let call = || mock.call_as(&secret, "GET", "/flows", &Value::Null);
    mock.server.clock().advance(Duration::from_secs(3599));
    assert_eq!(call().status, 200);
    mock.server.clock().advance(Duration::from_secs(1));
    assert_eq!(call().problem(), "key_expired");
    for bad in [
        json!({"name": "x", "permissions": []}),
        json!({"name": "", "permissions": ["read"]}),
        json!({"name": "x", "permissions": ["root"]}),
        json!({"name": "x", "permissions": ["read"], "expires_at": "tomorrow"}),
        json!({"name": "x", "permissions": ["read"], "expires_at": "2020-01-01T00:00:00Z"}),
    ] {
        assert_eq!(
            mock.call("POST", "/api-keys", &bad).problem(),
            "invalid_field",
            "{bad}"
        );
    }
    let expired = mock.get("/api-keys?status=expired&q=X").json();
    assert_eq!(expired["total"], 2, "this one and the seeded one");
}
