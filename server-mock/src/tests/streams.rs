//! Streams: their frames to the byte, their end, and how they are taken up again.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::support::{Answer, Mock};
use crate::contract::contract;

/// The events of a stream as `(id, name, data)`, each held against the document.
fn events(answer: &Answer) -> Vec<(u64, String, Value)> {
    assert_eq!(
        answer.header("content-type"),
        Some("text/event-stream"),
        "{answer:?}"
    );
    let frames = answer
        .body
        .split_terminator("\n\n")
        .filter(|frame| !frame.starts_with(':'));
    frames
        .map(|frame| {
            let lines: Vec<&str> = frame.split('\n').collect();
            assert_eq!(lines.len(), 3, "{frame}");
            let id = lines[0]
                .strip_prefix("id: ")
                .expect("an id")
                .parse()
                .expect("a number");
            let name = lines[1].strip_prefix("event: ").expect("a name").to_owned();
            let data = lines[2].strip_prefix("data: ").expect("data");
            let data: Value = serde_json::from_str(data).expect("JSON");
            let operation = contract().by_id("streamRunEvents").expect("the operation");
            let schema = contract()
                .event(operation, &name)
                .expect("an event of the document");
            let complaints = contract().complaints(schema, &data, "");
            assert!(complaints.is_empty(), "{name}: {complaints:?}");
            (id, name, data)
        })
        .collect()
}

fn stream(mock: &Mock, flow: &str, body: &Value) -> Answer {
    let headers = [("accept", "text/event-stream")];
    let path = format!("/flows/{flow}/run");
    mock.call_with(&mock.key("execute"), &headers, "POST", &path, body)
}

fn names(events: &[(u64, String, Value)]) -> Vec<&str> {
    events.iter().map(|(_, name, _)| name.as_str()).collect()
}

#[test]
fn a_run_as_a_stream() {
    let mock = Mock::start();
    let answer = stream(
        &mock,
        "hello-flow",
        &json!({"input_value": "Hello, how are you?"}),
    );
    let events = events(&answer);
    let ids: Vec<u64> = events.iter().map(|(id, ..)| *id).collect();
    assert_eq!(ids, (1..=events.len() as u64).collect::<Vec<_>>());
    let names = names(&events);
    assert_eq!((names[0], names[names.len() - 1]), ("run_started", "end"));
    let of = |wanted: &str| names.iter().filter(|name| **name == wanted).count();
    assert_eq!(
        (
            of("token"),
            of("component_completed"),
            of("message"),
            of("end")
        ),
        (7, 4, 1, 1)
    );
    let tokens = events.iter().filter(|(_, name, _)| name == "token");
    let text: String = tokens
        .map(|(.., data)| data["text"].as_str().expect("text"))
        .collect();
    let end = &events[events.len() - 1].2;
    assert_eq!(text, "I'm doing well, thank you for asking!");
    assert_eq!(end["result"]["output"], text);
    assert_eq!(end["session_id"], events[0].2["session_id"]);
}

#[test]
fn the_body_may_ask_for_a_stream_too() {
    let mock = Mock::start();
    let body = json!({"input_value": "Hello", "stream": true});
    let answer = mock.call("POST", "/flows/hello-flow/run", &body);
    assert!(names(&events(&answer)).contains(&"end"));
}

#[test]
fn a_failure_is_the_last_event() {
    let mock = Mock::start();
    let answer = stream(&mock, "failing-flow", &json!({"input_value": "x"}));
    assert_eq!(answer.status, 200);
    let events = events(&answer);
    assert_eq!(
        names(&events),
        ["run_started", "component_completed", "error"]
    );
    assert_eq!(events[2].2["code"], "run_failed");
    assert_eq!(events[2].2["component_id"], "RaiseError-boom");
}

#[test]
fn a_stream_is_taken_up_after_the_last_event() {
    let mock = Mock::start();
    let whole = stream(&mock, "hello-flow", &json!({"input_value": "Hello"}));
    let all = events(&whole);
    let run = all[0].2["run_id"].as_str().expect("an id");
    let path = format!("/runs/{run}/events");
    let key = mock.key("execute");
    for seen in [0, 1, 5, all.len()] {
        let id = seen.to_string();
        let rest = mock.call_with(&key, &[("last-event-id", &id)], "GET", &path, &Value::Null);
        assert_eq!(events(&rest), all[seen..]);
    }
    let bad = mock.call_with(&key, &[("last-event-id", "x")], "GET", &path, &Value::Null);
    assert_eq!(
        (bad.status, bad.problem().as_str()),
        (400, "invalid_parameter")
    );
}

#[test]
fn words_come_one_by_one_and_silence_is_filled() {
    let mock = Mock::with(&json!({"token_delay": 0.05, "keepalive": 0.02}));
    let begun = Instant::now();
    let answer = stream(
        &mock,
        "hello-flow",
        &json!({"input_value": "Hello, how are you?"}),
    );
    assert!(begun.elapsed() >= Duration::from_millis(7 * 50));
    assert!(answer.body.contains(": keepalive\n\n"), "{}", answer.body);
    assert!(names(&events(&answer)).contains(&"end"));
}

#[test]
fn a_run_goes_on_when_its_listener_leaves() {
    let mock = Mock::with(&json!({"token_delay": 0.02}));
    let address = mock.server.url().trim_start_matches("http://").to_owned();
    let mut socket = TcpStream::connect(&address).unwrap();
    let body = r#"{"input_value":"Hello","stream":true}"#;
    let head = format!(
        "POST /langflow/api/v1/flows/hello-flow/run HTTP/1.1\r\nhost: {address}\r\n\
         authorization: Bearer {}\r\ncontent-length: {}\r\n\r\n{body}",
        mock.key("admin"),
        body.len()
    );
    socket.write_all(head.as_bytes()).unwrap();
    let mut start = [0; 64];
    assert!(socket.read(&mut start).unwrap() > 0);
    drop(socket);
    let run = || mock.get("/runs").json()["items"][0].clone();
    let id = run()["id"].as_str().unwrap().to_owned();
    let rest = mock.get(&format!("/runs/{id}/events"));
    assert_eq!(*names(&events(&rest)).last().unwrap(), "end");
    assert_eq!(run()["status"], "completed");
}
