//! Time as the control API moves it.

use serde_json::json;

use super::support::Mock;
use super::webhooks::{deliveries, id, receiver, webhook};

fn started(at: &str) -> Mock {
    let mock = Mock::start();
    let set = json!({"reset": true, "freeze": at});
    let shown = mock.control("POST", "/clock", &set).json();
    assert_eq!(
        (&shown["now"], &shown["mode"]),
        (&json!(at), &json!("frozen"))
    );
    mock
}

fn advance(mock: &Mock, by: &str) -> Vec<(String, String)> {
    let shown = mock
        .control("POST", "/clock", &json!({"advance": by}))
        .json();
    let fired = shown["fired"].as_array().expect("a list").iter();
    fired
        .map(|one| {
            let text = |name: &str| one[name].as_str().expect("text").to_owned();
            (text("type"), text("at"))
        })
        .collect()
}

#[test]
fn a_clock_that_runs_tells_what_was_done_too() {
    let mock = Mock::start();
    let busy = json!({"status": 503, "headers": {"retry-after": "60"}});
    let receiver = super::webhooks::receiver(json!([{"status": 500}, busy, {"status": 200}]));
    let url = receiver.url();
    super::webhooks::webhook(&mock, "echo", &url, json!(["flow_completed"]));
    let event = json!({"event": "flow_completed", "flow_id": "echo"});
    mock.control("POST", "/trigger", &event);
    let moved = mock
        .control("POST", "/clock", &json!({"advance": "2m"}))
        .json();
    let fired = moved["fired"].as_array().expect("a list");
    let last = fired.last().unwrap_or_else(|| panic!("nothing: {moved}"));
    assert_eq!(
        (&last["type"], &last["attempt"]),
        (&json!("delivery_attempted"), &json!(3))
    );
    assert_eq!(receiver.requests().len(), 3);
}

#[test]
fn advance_says_what_fell_due_in_order() {
    let mock = started("2026-01-01T00:00:00Z");
    let first = mock.run("hello-flow", &json!({"input_value": "My name is Alice"}));
    let key = json!({"name": "k", "permissions": ["read"], "expires_at": "2026-01-01T00:10:00Z"});
    assert_eq!(mock.call("POST", "/api-keys", &key).status, 201);
    assert_eq!(advance(&mock, "9m59s"), []);
    assert_eq!(
        advance(&mock, "30m"),
        [
            ("key_expired".to_owned(), "2026-01-01T00:10:00Z".to_owned()),
            (
                "session_expired".to_owned(),
                "2026-01-01T00:30:00Z".to_owned()
            ),
        ]
    );
    let body = json!({"input_value": "What is my name?", "session_id": first["session_id"]});
    assert_eq!(mock.run("hello-flow", &body)["session_status"], "expired");
}

#[test]
fn advance_lets_runs_go_on_word_by_word() {
    let mock = Mock::with(&json!({"token_delay": 10.0}));
    mock.control(
        "POST",
        "/clock",
        &json!({"reset": true, "freeze": "2026-01-01T00:00:00Z"}),
    );
    let body = json!({"input_value": "Hello, how are you?", "background": true});
    let path = "/flows/hello-flow/run";
    let run = mock.call("POST", path, &body).json();
    let path = format!("/runs/{}", run["id"].as_str().expect("an id"));
    advance(&mock, "69s");
    assert_eq!(mock.get(&path).json()["status"], "running");
    // The session expires half an hour after the end of the run, not after its beginning.
    let fired = advance(&mock, "1h");
    let run = mock.get(&path).json();
    assert_eq!(
        (&run["status"], &run["metadata"]["duration"]),
        (&json!("completed"), &json!(70.0))
    );
    assert_eq!(run["finished_at"], "2026-01-01T00:01:10Z");
    let expired = (
        "session_expired".to_owned(),
        "2026-01-01T00:31:10Z".to_owned(),
    );
    assert_eq!(fired, [expired]);
}

#[test]
fn advance_lets_webhooks_try_again_and_again() {
    let mock = Mock::with(&json!({"webhook_schedule": "standard"}));
    mock.control(
        "POST",
        "/clock",
        &json!({"reset": true, "freeze": "2026-01-01T00:00:00Z"}),
    );
    let script = json!([{"status": 500}]);
    let script = serde_json::from_value(script).expect("a script");
    let receiver = crate::wire::ScriptServer::start(script).expect("a receiver");
    let body = json!({"url": receiver.url(), "events": ["flow_completed"]});
    assert_eq!(mock.call("POST", "/flows/echo/webhooks", &body).status, 201);
    mock.run("echo", &json!({"input_value": "x"}));
    assert_eq!(
        advance(&mock, "1s"),
        [],
        "the first attempt was made before"
    );
    assert_eq!(receiver.requests().len(), 1);
    let fired = advance(&mock, "6m");
    let kinds: Vec<&str> = fired.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["delivery_attempted"; 2], "{fired:?}");
    assert!(fired[0].1 < fired[1].1);
    assert_eq!(receiver.requests().len(), 3);
}

#[test]
fn the_clock_goes_forward_only_until_it_is_reset() {
    let mock = started("2026-01-01T00:00:00Z");
    for body in [
        json!({"set": "2025-12-31T00:00:00Z"}),
        json!({"freeze": "2025-12-31T00:00:00Z"}),
    ] {
        assert_eq!(mock.control("POST", "/clock", &body).status, 422);
    }
    let later = mock.control("POST", "/clock", &json!({"set": "2026-01-02T00:00:00Z"}));
    assert_eq!(
        (&later.json()["now"], later.status),
        (&json!("2026-01-02T00:00:00Z"), 200)
    );
    let scaled = mock.control("POST", "/clock", &json!({"scale": 10})).json();
    assert_eq!(
        (&scaled["mode"], &scaled["scale"]),
        (&json!("scaled"), &json!(10.0))
    );
    let real = mock
        .control("POST", "/clock", &json!({"reset": true}))
        .json();
    assert_eq!(real["mode"], "real");
    for (body, field) in [
        (json!({"advance": "soon"}), "advance"),
        (json!({"advance": -1}), "advance"),
        (json!({"advance": 1e18}), "advance"),
        (json!({"scale": 0}), "scale"),
        (json!({"set": "noon"}), "set"),
        (json!({"reset": "yes"}), "reset"),
        (json!({"rewind": 1}), "rewind"),
    ] {
        let answer = mock.control("POST", "/clock", &body);
        assert_eq!(
            (answer.status, &answer.json()["errors"][0]["field"]),
            (422, &json!(field))
        );
    }
}

#[test]
fn scripted_delays_are_those_of_the_clock() {
    let mock = started("2026-01-01T00:00:00Z");
    let script = json!({"tokens": ["a", "b", "c"], "first_delay_ms": 5000, "delay_ms": 1000});
    mock.control("POST", "/scripts", &script);
    let body = json!({"input_value": "Hi", "background": true});
    mock.call("POST", "/flows/hello-flow/run", &body);
    let status = || mock.get("/runs").json()["items"][0]["status"].clone();
    advance(&mock, "6999ms");
    assert_eq!(status(), "running");
    advance(&mock, "1ms");
    assert_eq!(status(), "completed");
}

#[test]
fn a_schedule_of_ones_own_says_when_each_attempt_is_due() {
    for schedule in [json!("2s,1m,1h"), json!([2, 60, 3600])] {
        let mock = Mock::with(&json!({"webhook_schedule": schedule}));
        let begun = "2026-01-01T00:00:00Z".parse().unwrap();
        mock.server.clock().freeze(Some(begun));
        let script = serde_json::from_value(json!([{"status": 500}])).unwrap();
        let receiver = crate::wire::ScriptServer::start(script).unwrap();
        let body = json!({"url": receiver.url(), "events": ["flow_completed"]});
        let made = mock.call("POST", "/flows/echo/webhooks", &body).json();
        mock.run("echo", &json!({"input_value": "x"}));
        let moved = mock.control("POST", "/clock", &json!({"advance": "1.9"}));
        assert_eq!(
            moved.json()["fired"],
            json!([]),
            "the first attempt waits too"
        );
        mock.control("POST", "/clock", &json!({"advance": "2h"}));
        let path = format!(
            "/webhooks/{}/deliveries",
            made["webhook"]["id"].as_str().unwrap()
        );
        let told = mock.get(&path).json()["items"][0].clone();
        assert_eq!(told["status"], "failed", "{told}");
        let attempts = told["attempts"].as_array().unwrap();
        let at: Vec<&str> = attempts
            .iter()
            .map(|it| it["started_at"].as_str().unwrap())
            .collect();
        assert_eq!(
            at,
            [
                "2026-01-01T00:00:02Z",
                "2026-01-01T00:01:02Z",
                "2026-01-01T01:01:02Z"
            ]
        );
        assert_eq!(receiver.requests().len(), 3);
    }
}

#[test]
fn a_receiver_that_says_nothing_has_its_time_by_the_clock_that_is_moved() {
    let mock = started("2026-01-01T00:00:00Z");
    let receiver = receiver(json!(["stall"]));
    let made = webhook(&mock, "echo", &receiver.url(), json!(["flow_completed"]));
    mock.run("echo", &json!({"input_value": "x"}));
    // Longer than all attempts may take; in real time each of them has 15 seconds, and none is over.
    mock.control("POST", "/clock", &json!({"advance": "1h"}));
    let told = deliveries(&mock, id(&made));
    assert_eq!(told[0]["status"], "failed", "{told:?}");
    let attempts = told[0]["attempts"].as_array().expect("a list");
    let said = attempts.iter().map(|it| it["error"].clone());
    assert_eq!(said.collect::<Vec<_>>(), ["no answer within 15 seconds"; 3]);
    assert_eq!(attempts[1]["started_at"], "2026-01-01T00:00:15.050Z");
}
