//! A workspace that is kept in a file.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::support::Mock;
use crate::state::State;
use crate::wire::ScriptServer;

fn start(file: &Path) -> Mock {
    Mock::with(&json!({"state": file, "webhook_schedule": "svix"}))
}

#[test]
fn everything_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.json");
    let mock = start(&file);
    let made = mock.call(
        "POST",
        "/api-keys",
        &json!({"name": "CI", "permissions": ["read"]}),
    );
    let made = made.json();
    let first = made["key"].as_str().unwrap();
    let rotate = format!(
        "/api-keys/{}/rotate",
        made["api_key"]["id"].as_str().unwrap()
    );
    let second = mock
        .call("POST", &rotate, &json!({"grace_period": 3600}))
        .json();
    let second = second["key"].as_str().unwrap();
    let alice = json!({"input_value": "My name is Alice", "session_id": "abc123"});
    let key = [("idempotency-key", "run")];
    let run = |mock: &Mock| {
        mock.call_with(
            &mock.key("admin"),
            &key,
            "POST",
            "/flows/hello-flow/run",
            &alice,
        )
    };
    let answer = run(&mock).json();
    let keyed = [("idempotency-key", "flow")];
    let make = |mock: &Mock| {
        let body = json!({"name": "Mine"});
        mock.call_with(&mock.key("admin"), &keyed, "POST", "/flows", &body)
    };
    let flow = make(&mock);
    mock.call("DELETE", "/flows/two-outputs", &Value::Null);
    mock.call(
        "POST",
        "/flows/failing-flow/run",
        &json!({"input_value": "x"}),
    );
    let hook = json!({"webhook_url": "http://192.0.2.1/", "session_timeout": 77});
    mock.call("PATCH", "/flows/echo/settings", &hook);
    let paths = [
        "/flows",
        "/flows/hello-flow",
        "/flows/echo/settings",
        "/flows/echo/webhooks",
        "/runs",
        "/flows/hello-flow/sessions",
        "/flows/hello-flow/sessions/abc123/messages",
    ];
    let look = |mock: &Mock| paths.map(|path| mock.get(path).json());
    let events = format!("/runs/{}/events", answer["run_id"].as_str().unwrap());
    let follow = |mock: &Mock| mock.get(&events).body;
    let (before, told) = (look(&mock), follow(&mock));
    let counted = |mock: &Mock| mock.get("/usage").json()["total"].clone();
    let used = counted(&mock);
    let admin = mock.key("admin");
    drop(mock);

    let text = std::fs::read_to_string(&file).unwrap();
    for secret in [first, second, &admin] {
        assert!(!text.contains(secret), "a secret is in the file");
    }
    let now = chrono::Utc::now();
    assert_eq!(State::load(&text, now).unwrap().save().unwrap(), text);
    let mock = start(&file);
    assert_eq!(mock.key("admin"), admin);
    assert_eq!((look(&mock), follow(&mock)), (before, told));
    assert_eq!(counted(&mock), used);
    let status = |secret: &str| mock.call_as(secret, "GET", "/flows", &Value::Null).status;
    assert_eq!((status(first), status(second)), (200, 200));
    let again = run(&mock);
    assert_eq!(
        (again.json(), again.header("idempotency-replayed")),
        (answer, Some("true"))
    );
    let (body, again) = (flow.body.clone(), make(&mock));
    assert_eq!(
        (again.body.clone(), again.header("idempotency-replayed")),
        (body, Some("true"))
    );
    assert_eq!(
        (again.header("etag"), again.header("location")),
        (flow.header("etag"), flow.header("location"))
    );
    let body = json!({"input_value": "What is my name?", "session_id": "abc123"});
    let remembered = mock.run("hello-flow", &body)["result"]["output"].clone();
    assert!(
        remembered.as_str().unwrap().contains("Alice"),
        "{remembered}"
    );
    let new = mock.call("POST", "/flows", &json!({"name": "New"})).json();
    assert_ne!(new["id"], flow.json()["id"]);
}

#[test]
fn what_was_on_its_way_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.json");
    let script = json!([{"status": 500, "once": true}, {"status": 200}]);
    let receiver = ScriptServer::start(serde_json::from_value(script).unwrap()).unwrap();
    let mock = start(&file);
    let hook = json!({"url": receiver.url(), "events": ["flow_completed"]});
    let made = mock.call("POST", "/flows/echo/webhooks", &hook).json();
    mock.run("echo", &json!({"input_value": "x"}));
    let path = format!(
        "/webhooks/{}/deliveries",
        made["webhook"]["id"].as_str().unwrap()
    );
    let attempts = |mock: &Mock, count: usize| {
        let begun = Instant::now();
        loop {
            let found = mock.get(&path).json()["items"][0].clone();
            if found["attempts"]
                .as_array()
                .is_some_and(|all| all.len() == count)
            {
                return found;
            }
            assert!(begun.elapsed() < Duration::from_secs(20), "{found}");
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    let first = attempts(&mock, 1);
    assert_eq!(first["status"], "pending");
    // A change that is answered is written, and the attempt before it as well.
    mock.call("POST", "/flows", &json!({"name": "x"}));
    drop(mock);
    let mock = start(&file);
    mock.server.clock().advance(Duration::from_secs(6));
    let second = attempts(&mock, 2);
    assert_eq!(
        (&second["status"], &second["id"]),
        (&json!("delivered"), &first["id"])
    );
    let requests = receiver.requests();
    assert_eq!(
        requests[0].header("webhook-id"),
        requests[1].header("webhook-id")
    );
}

#[test]
fn a_run_that_was_under_way_has_failed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.json");
    let mock = Mock::with(&json!({"state": file, "token_delay": 30}));
    let body = json!({"input_value": "Hello", "background": true});
    let id = mock.call("POST", "/flows/hello-flow/run", &body).json()["id"].clone();
    drop(mock);
    let mock = start(&file);
    let run = mock.get(&format!("/runs/{}", id.as_str().unwrap())).json();
    assert_eq!(
        (&run["status"], &run["error"]["code"]),
        (&json!("failed"), &json!("unavailable"))
    );
    let events = mock
        .get(&format!("/runs/{}/events", id.as_str().unwrap()))
        .body;
    assert!(events.contains("event: error\n"), "{events}");
}

#[test]
fn a_file_that_is_no_state_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.json");
    for text in ["", "{}", "{\"version\": 2}", "no JSON"] {
        std::fs::write(&file, text).unwrap();
        let refused = crate::start_blocking(&json!({"state": file}).to_string());
        let message = refused.map(|_| ()).unwrap_err().to_string();
        assert!(message.contains("state.json"), "{message}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    }
    let nowhere = folder.path().join("none/state.json");
    assert!(crate::start_blocking(&json!({"state": nowhere}).to_string()).is_err());
}

#[test]
fn what_cannot_be_saved_is_not_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("inner");
    std::fs::create_dir(&inner).unwrap();
    let mock = start(&inner.join("state.json"));
    std::fs::remove_dir_all(&inner).unwrap();
    let refused = mock.call("POST", "/flows", &json!({"name": "x"}));
    assert_eq!(
        (refused.status, refused.problem().as_str()),
        (500, "internal")
    );
    assert_eq!(mock.get("/flows").status, 200);
}

#[test]
fn a_reset_is_kept_too() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.json");
    let mock = start(&file);
    mock.call("POST", "/flows", &json!({"name": "x"}));
    let json = [("content-type", "application/json")];
    let reset = mock.raw("POST", "/__mock/reset", &json, b"{}");
    assert_eq!(reset.status, 200, "{reset:?}");
    drop(mock);
    assert_eq!(start(&file).get("/flows").json()["total"], 6);
}
