//! Runs: in the background, cancelled, repeated, listed.

use serde_json::{Value, json};

use super::support::Mock;

#[test]
fn a_run_in_the_background_can_be_waited_for() {
    let mock = Mock::with(&json!({"token_delay": 0.01}));
    let body = json!({"input_value": "Hello", "background": true});
    let answer = mock.call("POST", "/flows/hello-flow/run", &body);
    assert_eq!(answer.status, 202);
    let place = answer.header("location").unwrap().to_owned();
    let path = place.trim_start_matches("/langflow/api/v1").to_owned();
    let answer = answer.json();
    assert_eq!(
        (&answer["status"], &answer["background"]),
        (&json!("running"), &json!(true))
    );
    let end = mock.get(&format!("{path}/events"));
    assert!(end.body.contains("event: end\n"));
    let run = mock.get(&path).json();
    assert_eq!(run["status"], "completed");
    assert!(
        run["result"]["output"]
            .as_str()
            .unwrap()
            .starts_with("Hello!")
    );
    assert!(run["finished_at"].is_string());
    let both = json!({"input_value": "x", "background": true, "stream": true});
    assert_eq!(
        mock.call("POST", "/flows/echo/run", &both).problem(),
        "invalid_field"
    );
}

#[test]
fn a_run_can_be_cancelled_once() {
    let mock = Mock::with(&json!({"token_delay": 30}));
    let body = json!({"input_value": "Hello", "background": true});
    let id = mock.call("POST", "/flows/hello-flow/run", &body).json()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let cancel = format!("/runs/{id}/cancel");
    let read = mock.call_as(&mock.key("read"), "POST", &cancel, &Value::Null);
    assert_eq!(read.status, 403);
    let other = mock.call_as(&mock.key("execute"), "POST", &cancel, &Value::Null);
    assert_eq!(other.problem(), "not_your_run");
    for _ in 0..2 {
        assert_eq!(
            mock.call("POST", &cancel, &Value::Null).json()["status"],
            "cancelled"
        );
    }
    assert!(
        mock.get(&format!("/runs/{id}/events"))
            .body
            .contains("run_cancelled")
    );
    let done = mock.run("echo", &json!({"input_value": "x"}))["run_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let late = mock.call("POST", &format!("/runs/{done}/cancel"), &Value::Null);
    assert_eq!(
        (late.status, late.problem().as_str()),
        (409, "run_already_finished")
    );
}

#[test]
fn a_run_ends_at_the_timeout_of_its_flow() {
    let mock = Mock::with(&json!({"token_delay": 30}));
    mock.server.clock().scale(1000.0);
    mock.call(
        "PATCH",
        "/flows/hello-flow/settings",
        &json!({"run_timeout": 10}),
    );
    let answer = mock.call(
        "POST",
        "/flows/hello-flow/run",
        &json!({"input_value": "Hello"}),
    );
    assert_eq!(
        (answer.status, answer.problem().as_str()),
        (504, "run_timeout")
    );
    assert!(answer.json()["run_id"].is_string());
}

#[test]
fn the_same_key_is_the_same_run() {
    let mock = Mock::start();
    let admin = mock.key("admin");
    let run = |value: &str, input: &str| {
        let headers = [("idempotency-key", value)];
        let body = json!({"input_value": input});
        mock.call_with(&admin, &headers, "POST", "/flows/echo/run", &body)
    };
    let first = run("one", "x");
    assert_eq!(first.header("idempotency-replayed"), None);
    let second = run("one", "x");
    assert_eq!(second.header("idempotency-replayed"), Some("true"));
    assert_eq!(first.json(), second.json());
    assert_eq!(run("one", "y").problem(), "idempotency_mismatch");
    assert_ne!(run("two", "x").json()["run_id"], first.json()["run_id"]);
    assert_eq!(mock.get("/runs").json()["total"], 2);
    mock.server
        .clock()
        .advance(std::time::Duration::from_secs(24 * 3600));
    assert_ne!(run("one", "x").json()["run_id"], first.json()["run_id"]);
    let off = Mock::with(&json!({"idempotency": false}));
    assert!(
        !off.get("/version").json()["features"]
            .to_string()
            .contains("idempotency")
    );
}

#[test]
fn keyed_work_is_done_once() {
    let mock = Mock::start();
    let admin = mock.key("admin");
    let create = |name: &str| {
        let body = json!({"name": name});
        mock.call_with(&admin, &[("idempotency-key", "k")], "POST", "/flows", &body)
    };
    let first = create("A");
    let second = create("A");
    assert_eq!((first.status, second.status), (201, 201));
    assert_eq!(first.json()["id"], second.json()["id"]);
    assert_eq!(second.header("idempotency-replayed"), Some("true"));
    assert_eq!(second.header("etag"), first.header("etag"));
    assert_eq!(create("B").problem(), "idempotency_mismatch");
}

#[test]
fn runs_are_listed_and_filtered() {
    let mock = Mock::start();
    mock.run("echo", &json!({"input_value": "x", "session_id": "s"}));
    mock.call(
        "POST",
        "/flows/failing-flow/run",
        &json!({"input_value": "x"}),
    );
    let total = |query: &str| mock.get(&format!("/runs?{query}")).json()["total"].clone();
    assert_eq!(total(""), 2);
    assert_eq!(total("flow_id=echo&session_id=s&status=completed"), 1);
    assert_eq!(total("status=failed"), 1);
    assert_eq!(total("key_id=key_admin"), 2);
    assert_eq!(total("since=2999-01-01T00:00:00Z"), 0);
    assert_eq!(total("until=2999-01-01T00:00:00Z"), 2);
    assert_eq!(mock.get("/runs?status=odd").problem(), "invalid_parameter");
    let failed = mock.get("/runs?status=failed").json()["items"][0].clone();
    assert_eq!(failed["error"]["component_id"], "RaiseError-boom");
    assert!(failed.get("components").is_none());
    let id = failed["id"].as_str().unwrap();
    let whole = mock.get(&format!("/runs/{id}")).json();
    assert_eq!(whole["components"][1]["status"], "failed");
    let own = mock
        .call_as(&mock.key("execute"), "GET", "/runs", &Value::Null)
        .json();
    assert_eq!(own["total"], 0, "a key sees what it has started");
}

#[test]
fn two_outputs_have_no_single_one() {
    let mock = Mock::start();
    let result = mock.run("two-outputs", &json!({"input_value": "Hello"}))["result"].clone();
    assert_eq!(result["output"], Value::Null);
    assert_eq!(result["outputs"]["TextOutput-question"]["value"], "Hello");
    assert_eq!(result["outputs"]["ChatOutput-answer"]["type"], "message");
}
