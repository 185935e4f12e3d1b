//! Sessions over HTTP, by a clock that stands.

use std::time::Duration;

use serde_json::{Value, json};

use super::support::Mock;

fn frozen() -> Mock {
    let mock = Mock::start();
    mock.server
        .clock()
        .freeze(Some("2026-01-01T00:00:00Z".parse().expect("a date")));
    mock
}

fn say(mock: &Mock, text: &str, session: Option<&str>) -> Value {
    let mut body = json!({"input_value": text});
    if let Some(session) = session {
        body["session_id"] = session.into();
    }
    mock.run("memory-chat", &body)
}

#[test]
fn half_an_hour_is_remembered_and_no_longer() {
    let mock = frozen();
    let first = say(&mock, "My favourite tea is Assam", None);
    let session = first["session_id"].as_str();
    mock.server
        .clock()
        .advance(Duration::from_secs(29 * 60 + 59));
    let second = say(&mock, "What is my favourite tea?", session);
    assert_eq!(second["session_status"], "continued");
    assert_eq!(second["result"]["output"], "Your favourite tea is Assam.");
    mock.server
        .clock()
        .advance(Duration::from_secs(30 * 60 + 1));
    let third = say(&mock, "What is my favourite tea?", session);
    assert_eq!(third["session_status"], "expired");
    assert!(!third["result"]["output"].to_string().contains("Assam"));
    assert_eq!(third["metadata"]["duration"], 0.0, "the clock stands");
}

#[test]
fn the_timeout_is_a_setting_of_the_flow() {
    let mock = frozen();
    let session = say(&mock, "My name is Bo", None)["session_id"]
        .as_str()
        .map(str::to_owned);
    let settings = mock.call(
        "PATCH",
        "/flows/memory-chat/settings",
        &json!({"session_timeout": 60}),
    );
    assert_eq!(settings.json()["session_timeout"], 60);
    mock.server.clock().advance(Duration::from_secs(59));
    assert_eq!(
        say(&mock, "What is my name?", session.as_deref())["session_status"],
        "continued"
    );
    mock.server.clock().advance(Duration::from_secs(60));
    assert_eq!(
        say(&mock, "What is my name?", session.as_deref())["session_status"],
        "expired"
    );
    let reset = mock.call(
        "PATCH",
        "/flows/memory-chat/settings",
        &json!({"session_timeout": null}),
    );
    assert_eq!(reset.json()["session_timeout"], 1800);
}

#[test]
fn sessions_are_listed_read_and_cleared() {
    let mock = frozen();
    let session = say(&mock, "My name is Bo", None)["session_id"]
        .as_str()
        .expect("an id")
        .to_owned();
    say(&mock, "Hello", None);
    let list = mock.get("/flows/memory-chat/sessions?size=1").json();
    assert_eq!((&list["total"], &list["pages"]), (&json!(2), &json!(2)));
    let path = format!("/flows/memory-chat/sessions/{session}");
    let shown = mock.get(&path).json();
    assert_eq!(shown["message_count"], 2);
    assert_eq!(shown["expires_at"], "2026-01-01T00:30:00Z");
    let messages = mock.get(&format!("{path}/messages")).json();
    assert_eq!(messages["items"][0]["text"], "My name is Bo");
    assert_eq!(messages["items"][1]["role"], "assistant");
    assert_eq!(mock.call("DELETE", &path, &Value::Null).status, 204);
    assert_eq!(mock.get(&path).problem(), "session_not_found");
    assert_eq!(mock.get(&path.replace("memory-chat", "echo")).status, 404);
    let answer = say(&mock, "What is my name?", Some(&session));
    assert!(!answer["result"]["output"].to_string().contains("Bo"));
    let cleared = mock
        .call("DELETE", "/flows/memory-chat/sessions", &Value::Null)
        .json();
    assert_eq!(cleared["cleared"], 2);
}

#[test]
fn a_run_that_fails_leaves_nothing_behind() {
    let mock = frozen();
    let body = json!({"input_value": "x", "session_id": "s"});
    assert_eq!(
        mock.call("POST", "/flows/failing-flow/run", &body).status,
        500
    );
    let session = mock.get("/flows/failing-flow/sessions/s").json();
    assert_eq!(session["message_count"], 0);
}
