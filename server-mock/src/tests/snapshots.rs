//! States that are put aside, and taken up again.

use serde_json::{Value, json};

use super::support::Mock;

#[test]
fn a_state_comes_back_by_its_name() {
    let mock = Mock::start();
    let first = mock.run("hello-flow", &json!({"input_value": "My name is Alice"}));
    let saved = mock.control("POST", "/snapshots/alice", &Value::Null);
    assert_eq!(saved.status, 200, "{saved:?}");
    mock.call("DELETE", "/flows/hello-flow", &Value::Null);
    mock.control("POST", "/reset", &json!({"keep": ["snapshots"]}));
    assert_eq!(mock.get("/runs").json()["total"], 0);
    let back = mock.control("POST", "/snapshots/alice/restore", &Value::Null);
    assert_eq!((back.status, &back.json()["epoch"]), (200, &json!(2)));
    assert_eq!(mock.get("/runs").json()["items"][0]["id"], first["run_id"]);
    let body = json!({"input_value": "What is my name?", "session_id": first["session_id"]});
    let answer = mock.run("hello-flow", &body);
    assert_eq!(answer["result"]["output"], "Your name is Alice.");
    let listed = mock.control("GET", "/snapshots", &Value::Null).json();
    assert_eq!(listed["items"], json!(["alice"]));
    let deleted = mock.control("DELETE", "/snapshots/alice", &Value::Null);
    assert_eq!(deleted.status, 204);
    let gone = mock.control("POST", "/snapshots/alice/restore", &Value::Null);
    assert_eq!(gone.status, 404);
}

#[test]
fn a_state_can_be_carried_to_another_mock() {
    let (one, other) = (Mock::start(), Mock::start());
    let run = one.run("echo", &json!({"input_value": "x"}));
    let state = one.control("GET", "/state", &Value::Null);
    let key = one.key("admin");
    assert!(!state.body.contains(&key), "secrets are stored hashed");
    let put = other.control("PUT", "/state", &state.json());
    assert_eq!(put.status, 200, "{put:?}");
    let path = format!("/runs/{}", run["run_id"].as_str().expect("an id"));
    assert_eq!(other.get(&path).json(), one.get(&path).json());
    for bad in [json!({}), json!({"version": 99})] {
        assert_eq!(other.control("PUT", "/state", &bad).status, 422);
    }
    let still = other.get(&path).status;
    assert_eq!(still, 200, "a bad state changes nothing");
}

#[test]
fn snapshots_are_bounded_in_number_and_name() {
    let mock = Mock::start();
    let save = |name: &str| {
        let path = format!("/snapshots/{name}");
        mock.control("POST", &path, &Value::Null).status
    };
    for number in 0..32 {
        assert_eq!(save(&format!("s{number}")), 200);
    }
    assert_eq!((save("more"), save("s0"), save("a%20b")), (422, 200, 422));
}
