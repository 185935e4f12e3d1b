//! What a server begins with: a file of the user, keys of the user, and tenants with names.

use serde_json::{Value, json};

use super::support::Mock;
use super::webhooks::{deliveries, once, over, receiver};
use crate::start_blocking;

/// The flow of a mock as a file.
fn flow_file(mock: &Mock, id: &str) -> Value {
    mock.get(&format!("/flows/{id}/export")).json()
}

#[test]
fn a_seed_file_brings_flows_keys_and_webhooks_and_a_reset_brings_them_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut echo = flow_file(&Mock::start(), "echo");
    echo["name"] = "Support".into();
    echo.as_object_mut().unwrap().shift_remove("id");
    std::fs::create_dir(folder.path().join("flows")).expect("a folder");
    let write = |name: &str, value: &Value| {
        let path = folder.path().join(name);
        std::fs::write(&path, value.to_string()).expect("to write");
        path
    };
    write("flows/Support desk.json", &echo);
    let mut own = echo.clone();
    own["id"] = "hello-flow".into();
    let receiver = receiver(json!([{"status": 204}]));
    let seed = json!({
        "flows": [
            "flows/Support desk.json",
            {"file": "flows/Support desk.json", "id": "short", "settings": {"session_timeout": 60}},
            own,
        ],
        "keys": [
            {"name": "ci", "permissions": ["execute"], "secret": "lf_ci_secret"},
            {"name": "past", "expires_at": "2020-01-01T00:00:00Z"},
        ],
        "webhooks": [{
            "flow_id": "support-desk", "url": receiver.url(), "events": ["flow_completed"],
            "secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
        }],
    });
    let path = write("seed.json", &seed);
    let mock = Mock::with(&json!({"seed_file": path}));
    let look = || {
        let body = json!({"input_value": "Hi"});
        let ran = mock.call_as("lf_ci_secret", "POST", "/flows/support-desk/run", &body);
        assert_eq!(ran.json()["result"]["output"], "Hi", "{ran:?}");
        // The user's own is there in the place of ours.
        assert_eq!(mock.run("hello-flow", &body)["result"]["output"], "Hi");
        let settings = mock.get("/flows/short/settings").json();
        assert_eq!(settings["session_timeout"], 60);
        assert_eq!(
            mock.call_as("lf_ci_secret", "GET", "/flows", &Value::Null)
                .status,
            403
        );
        let past = mock.call_as(&mock.key("past"), "GET", "/flows", &Value::Null);
        assert_eq!(past.problem(), "key_expired");
        let hooks = mock.get("/flows/support-desk/webhooks").json();
        let hook = hooks["items"][0]["id"]
            .as_str()
            .expect("a webhook")
            .to_owned();
        assert_eq!(once(&mock, &hook, over).len(), 1);
        hook
    };
    let hook = look();
    assert_eq!(
        mock.call("DELETE", "/flows/support-desk", &Value::Null)
            .status,
        204
    );
    mock.control("POST", "/reset", &json!({}));
    assert_eq!(deliveries(&mock, &hook).len(), 0);
    look();
    let told = mock.control("GET", "/keys", &Value::Null).json();
    assert_eq!(told["keys"]["ci"], "lf_ci_secret");
    let path = "/__t/tina/langflow/api/v1/flows/support-desk/run";
    let headers = [
        ("authorization", "Bearer lf_ci_secret"),
        ("content-type", "application/json"),
    ];
    let other = mock.send("POST", path, &headers, br#"{"input_value": "Hi"}"#);
    assert!(
        other.starts_with(b"HTTP/1.1 200"),
        "tenants begin so as well"
    );
}

#[test]
fn a_saved_state_is_a_seed_that_is_never_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let before = Mock::with(&json!({"seed": 7}));
    before.run(
        "memory-chat",
        &json!({"input_value": "My name is Ada", "session_id": "ada"}),
    );
    let saved = before.control("GET", "/state", &Value::Null).body;
    let path = folder.path().join("saved.json");
    std::fs::write(&path, &saved).expect("to write");
    let mock = Mock::with(&json!({"seed_file": path}));
    assert_eq!(mock.key("admin"), before.key("admin"));
    let ask = || {
        let question = json!({"input_value": "What is my name?", "session_id": "ada"});
        mock.run("memory-chat", &question)["result"]["output"].to_string()
    };
    assert!(ask().contains("Ada"));
    assert_eq!(
        mock.call("DELETE", "/flows/memory-chat/sessions", &Value::Null)
            .status,
        200
    );
    assert!(!ask().contains("Ada"));
    mock.control("POST", "/reset", &json!({}));
    assert!(ask().contains("Ada"));
    assert_eq!(std::fs::read_to_string(&path).expect("it"), saved);
}

#[test]
fn what_is_wrong_in_a_seed_file_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("seed.json");
    let start = |text: &str| {
        std::fs::write(&path, text).expect("to write");
        let config = json!({"seed_file": path}).to_string();
        start_blocking(&config).expect_err("no server").to_string()
    };
    for (text, said) in [
        ("{", "EOF"),
        ("[]", "object"),
        (r#"{"flow": []}"#, "flow: there are flows, keys, webhooks"),
        (r#"{"version": 1}"#, "no saved state"),
        (r#"{"flows": {}}"#, "flows: it has to be a list"),
        (r#"{"flows": ["gone.json"]}"#, "flows[0]: "),
        (
            r#"{"flows": [{"file": "x.json", "name": "y"}]}"#,
            "flows[0].name",
        ),
        (r#"{"flows": [{"id": "x"}]}"#, "flows[0].file"),
        (r#"{"flows": [7]}"#, "flows[0]"),
        (r#"{"flows": [{"name": "x", "data": 5}]}"#, "flows[0]"),
        (r#"{"keys": [{"name": "a"}, {"name": "a"}]}"#, "keys[1]"),
        (r#"{"keys": [{"name": "admin"}]}"#, "keys[0]"),
        (
            r#"{"keys": [{"name": "a", "max_uses": -1}]}"#,
            "keys[0].max_uses",
        ),
        (r#"{"webhooks": [{"flow_id": "echo"}]}"#, "webhooks[0].url"),
        (
            r#"{"webhooks": [{"flow_id": "none", "url": "http://127.0.0.1/", "events": ["flow_error"]}]}"#,
            "webhooks[0].flow_id",
        ),
        (
            r#"{"webhooks": [{"flow_id": "echo", "url": "ftp://x/", "events": ["flow_error"]}]}"#,
            "http://",
        ),
    ] {
        let error = start(text);
        assert!(
            error.starts_with("seed_file: ") && error.contains(said),
            "{text}: {error}"
        );
    }
    let gone = json!({"seed_file": "/nowhere.json"}).to_string();
    let error = start_blocking(&gone).expect_err("no server").to_string();
    assert!(error.contains("/nowhere.json"), "{error}");
}

#[test]
fn a_key_ends_after_so_many_requests() {
    let mock = Mock::start();
    let body = json!({"name": "twice", "permissions": ["read"], "secret": "s3cret", "max_uses": 2});
    let made = mock.control("POST", "/keys", &body).json();
    assert_eq!(made["key"], "s3cret");
    let ask = || mock.call_as("s3cret", "GET", "/flows", &Value::Null);
    assert_eq!(ask().status, 200);
    let path = format!("/api-keys/{}", made["id"].as_str().expect("an id"));
    assert_eq!(mock.get(&path).json()["status"], "active");
    let state = mock.control("GET", "/state", &Value::Null).json();
    assert_eq!(ask().status, 200);
    assert_eq!(ask().problem(), "key_expired");
    assert_eq!(mock.get(&path).json()["status"], "expired");
    assert_eq!(
        mock.call("PATCH", &path, &json!({"name": "x"})).problem(),
        "key_inactive"
    );
    // How often it was used is part of the state.
    mock.control("PUT", "/state", &state);
    assert_eq!((ask().status, ask().status), (200, 401));
    let again = mock.control("POST", "/keys", &body);
    assert_eq!(again.json()["errors"][0]["field"], "secret", "{again:?}");
    let bad = mock.control(
        "POST",
        "/keys",
        &json!({"name": "x", "permissions": ["root"]}),
    );
    assert_eq!(bad.json()["errors"][0]["field"], "permissions");
    // The open-source face counts as well.
    let body = json!({"name": "once", "secret": "sk-once", "max_uses": 1});
    assert_eq!(mock.control("POST", "/keys", &body).status, 200);
    let ask = || {
        mock.raw("GET", "/api/v1/flows/", &[("x-api-key", "sk-once")], b"")
            .status
    };
    assert_eq!(ask(), 200);
    assert!((401..=403).contains(&ask()));
}

#[test]
fn tenants_with_names_are_there_from_the_start_and_no_others() {
    let mock = Mock::with(&json!({"tenants": ["anna", "bert"]}));
    let ready: Value = serde_json::from_str(&mock.server.ready_json()).unwrap();
    let url = format!("{}/__t/bert", mock.server.url());
    assert_eq!(ready["tenants"]["bert"], url);
    let ask = |name: &str| {
        let path = format!("/__t/{name}/langflow/api/v1/health");
        let answer = mock.send("GET", &path, &[], b"");
        String::from_utf8(answer).unwrap()
    };
    assert!(ask("anna").starts_with("HTTP/1.1 200"));
    let other = ask("ana");
    assert!(other.starts_with("HTTP/1.1 4"), "{other}");
    assert!(
        other.contains("there is no `ana`; there are anna, bert"),
        "{other}"
    );
    let bad = start_blocking(r#"{"tenants": ["a b"]}"#).expect_err("no server");
    assert!(bad.to_string().contains("tenants: `a b`"), "{bad}");
}
