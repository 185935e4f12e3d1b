//! What the verdict says of clients, good and bad.

use std::io::Write;
use std::net::TcpStream;
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
    assert_eq!(codes(&mock), ["truncated_stream_accepted"]);
}

#[test]
fn who_goes_on_after_an_event_that_is_no_json_in_a_session_of_the_server() {
    let mock = Mock::start();
    arm(&mock, json!({"kind": "corrupt_event", "event": 2}));
    let stream = json!({"input_value": "one", "stream": true});
    let broken = mock.call("POST", "/flows/echo/run", &stream);
    let data = broken
        .body
        .lines()
        .find_map(|line| line.strip_prefix("data: "));
    let begun: Value = serde_json::from_str(data.expect("an event")).expect("JSON");
    assert_eq!(codes(&mock), Vec::<String>::new());
    let on = json!({"input_value": "two", "session_id": begun["session_id"]});
    mock.call("POST", "/flows/echo/run", &on);
    assert_eq!(codes(&mock), ["malformed_event_ignored"]);
}

#[test]
fn who_waits_on_silence() {
    let mock = Mock::start();
    let silent = json!({"kind": "stall", "at": "before_headers", "seconds": 0.4});
    arm(&mock, silent);
    mock.get("/flows");
    let asked = |patience: &str| {
        let path = format!("/verdict?patience={patience}");
        mock.control("GET", &path, &Value::Null)
    };
    assert_eq!(asked("5").json()["findings"], json!([]));
    let found = asked("0.2").json();
    assert_eq!(found["findings"][0]["code"], "no_read_timeout", "{found}");
    assert_eq!(asked("0").problem(), "invalid_field");
    // Whoever still waits is seen as well.
    arm(&mock, json!({"kind": "stall", "at": "before_headers"}));
    let address = mock.server.url().trim_start_matches("http://").to_owned();
    let mut waiting = TcpStream::connect(&address).expect("a connection");
    let head = format!(
        "GET /langflow/api/v1/flows HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\n\r\n",
        mock.key("admin")
    );
    waiting.write_all(head.as_bytes()).expect("to write");
    pause(400);
    let found = asked("0.25").json();
    assert_eq!(found["findings"][1]["requests"], json!([2]), "{found}");
}

fn strict(mock: &Mock) -> Vec<String> {
    let path = "/verdict?strict=true";
    let verdict = mock.control("GET", path, &Value::Null).json();
    let findings = verdict["findings"].as_array().expect("a list").clone();
    let codes = findings.iter().map(|it| it["code"].as_str());
    codes.map(|it| it.expect("a code").to_owned()).collect()
}

#[test]
fn who_does_not_ask_again_where_that_would_have_helped() {
    let mock = Mock::start();
    arm(&mock, json!({"kind": "rate_limited", "retry_after": 20}));
    run(&mock, &[]);
    assert_eq!(strict(&mock), [] as [&str; 0], "there is still time");
    mock.control("POST", "/clock", &json!({"advance": 21}));
    assert_eq!(strict(&mock), ["gave_up"]);
    assert_eq!(codes(&mock), [] as [&str; 0], "not every client retries");
    run(&mock, &[]);
    assert_eq!(strict(&mock), [] as [&str; 0], "it did ask again");
    // What may have happened must not be asked for again without a key.
    mock.control("POST", "/reset", &Value::Null);
    arm(&mock, json!({"kind": "status", "status": 502}));
    run(&mock, &[]);
    mock.control("POST", "/clock", &json!({"advance": 60}));
    assert_eq!(strict(&mock), [] as [&str; 0]);
}
