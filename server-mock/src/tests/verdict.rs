//! What the verdict says of clients, good and bad.

use std::time::Duration;

use serde_json::{Value, json};

use super::support::Mock;

fn verdict(mock: &Mock) -> Value {
    mock.control("GET", "/verdict", &Value::Null).json()
}

fn codes(mock: &Mock) -> Vec<String> {
    let verdict = verdict(mock);
    let findings = verdict["findings"].as_array().expect("a list").clone();
    let codes = findings
        .iter()
        .map(|it| it["code"].as_str().expect("a code"));
    codes.map(str::to_owned).collect()
}

fn arm(mock: &Mock, fault: Value) {
    assert_eq!(mock.control("POST", "/faults", &fault).status, 200);
}

/// Runs the echo flow with headers, whatever comes of it.
fn run(mock: &Mock, headers: &[(&str, &str)]) {
    let body = json!({"input_value": "x"});
    let bearer = format!("Bearer {}", mock.key("admin"));
    let mut all = vec![("authorization", bearer.as_str())];
    all.extend(headers);
    mock.send(
        "POST",
        "/langflow/api/v1/flows/echo/run",
        &all,
        body.to_string().as_bytes(),
    );
}

fn pause(ms: u64) {
    std::thread::sleep(Duration::from_millis(ms));
}

#[test]
fn nothing_is_said_against_a_good_client() {
    let mock = Mock::start();
    run(&mock, &[]);
    run(&mock, &[]);
    let key = [("idempotency-key", "k1")];
    arm(&mock, json!({"kind": "rate_limited", "retry_after": 1}));
    run(&mock, &[]);
    pause(1000);
    run(&mock, &[]);
    arm(&mock, json!({"kind": "close", "at": "after_headers"}));
    run(&mock, &key);
    pause(80);
    run(&mock, &key);
    mock.get("/flows/nothing");
    mock.get("/flows/nothing-else");
    assert_eq!(verdict(&mock)["findings"], json!([]));
    assert_eq!(verdict(&mock)["ok"], true);
}

#[test]
fn who_does_not_wait_as_long_as_it_is_told() {
    let mock = Mock::start();
    arm(
        &mock,
        json!({"kind": "status", "status": 503, "retry_after": 2}),
    );
    run(&mock, &[]);
    pause(100);
    run(&mock, &[]);
    let said = verdict(&mock);
    assert_eq!(said["findings"][0]["code"], "retry_after_ignored");
    assert_eq!(said["findings"][0]["requests"], json!([1, 2]));
    assert_eq!(said["ok"], false);
    let path = "/verdict?ignore=retry_after_ignored,x";
    assert_eq!(mock.control("GET", path, &Value::Null).json()["ok"], true);
}

#[test]
fn time_that_was_moved_on_counts_as_waiting() {
    let mock = Mock::start();
    arm(&mock, json!({"kind": "rate_limited", "retry_after": 60}));
    run(&mock, &[]);
    pause(100);
    mock.control("POST", "/clock", &json!({"advance": 61}));
    run(&mock, &[]);
    assert_eq!(codes(&mock), [] as [&str; 0]);
}

#[test]
fn a_run_again_without_a_key_or_with_another_one() {
    let mock = Mock::start();
    for (first, again, code) in [
        (None, None, "run_retried_without_key"),
        (Some("k1"), Some("k2"), "key_changed_on_retry"),
    ] {
        mock.control("POST", "/reset", &Value::Null);
        arm(&mock, json!({"kind": "reset", "at": "after_headers"}));
        for key in [first, again] {
            let headers: Vec<_> = key.iter().map(|key| ("idempotency-key", *key)).collect();
            run(&mock, &headers);
            pause(80);
        }
        assert_eq!(codes(&mock), [code]);
    }
}

#[test]
fn what_cannot_help_and_what_makes_it_worse() {
    let mock = Mock::start();
    mock.get("/flows/nothing");
    pause(80);
    mock.get("/flows/nothing");
    assert_eq!(codes(&mock), ["client_error_retried"]);
    mock.control("POST", "/reset", &Value::Null);
    arm(
        &mock,
        json!({"kind": "status", "status": 500, "scope": "rule"}),
    );
    for _ in 0..6 {
        mock.get("/flows");
    }
    assert_eq!(codes(&mock), ["no_back_off"]);
    for _ in 0..4 {
        mock.get("/flows");
    }
    assert_eq!(codes(&mock), ["retry_storm"]);
}

#[test]
fn a_session_that_is_over_and_was_known() {
    let mock = Mock::start();
    let own = json!({"input_value": "x", "session_id": "my-own"});
    mock.run("echo", &own);
    mock.run("echo", &own);
    assert_eq!(
        codes(&mock),
        [] as [&str; 0],
        "a session under an id of the client"
    );
    mock.control("POST", "/clock", &json!({"advance": "31m"}));
    let stream = json!({"input_value": "x", "session_id": "my-own", "stream": true});
    mock.call("POST", "/flows/echo/run", &stream);
    assert_eq!(codes(&mock), ["expired_session_reused"]);
}

#[test]
fn secrets_in_urls_and_keys_that_were_refused() {
    let mock = Mock::start();
    mock.get("/flows?api_key=abc");
    assert_eq!(codes(&mock), ["secret_in_url"]);
    assert!(!verdict(&mock).to_string().contains("abc"));
    mock.control("POST", "/reset", &Value::Null);
    for path in ["/flows", "/runs", "/api-keys"] {
        mock.call_as("wrong", "GET", path, &Value::Null);
    }
    assert_eq!(codes(&mock), ["refused_key_reused"]);
}

#[test]
fn who_goes_on_after_an_answer_that_broke() {
    let say = |mock: &Mock, text: &str| {
        let body = json!({"input_value": text, "session_id": "s"});
        let bearer = format!("Bearer {}", mock.key("admin"));
        mock.send(
            "POST",
            "/langflow/api/v1/flows/echo/run",
            &[("authorization", &bearer), ("idempotency-key", text)],
            body.to_string().as_bytes(),
        );
    };
    let cut = || json!({"kind": "close", "at": "after_headers"});
    let mock = Mock::start();
    arm(&mock, cut());
    say(&mock, "one");
    pause(80);
    say(&mock, "one");
    say(&mock, "two");
    assert_eq!(codes(&mock), Vec::<String>::new());
    arm(&mock, cut());
    say(&mock, "three");
    mock.get("/runs");
    say(&mock, "four");
    assert_eq!(codes(&mock), Vec::<String>::new());
    arm(&mock, cut());
    say(&mock, "five");
    say(&mock, "six");
    assert_eq!(codes(&mock), ["broken_answer_accepted"]);
}
