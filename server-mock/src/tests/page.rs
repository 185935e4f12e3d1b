//! The examples of the documentation page, as they stand there.

use serde_json::json;

use super::support::Mock;
use crate::contract::PREFIX;

/// What curl sends for `-d`: the body with its line breaks taken out, labelled as a form.
fn curl(mock: &Mock, flow: &str, body: &str) -> serde_json::Value {
    let bearer = format!("Bearer {}", mock.key("execute"));
    let headers = [
        ("authorization", bearer.as_str()),
        ("accept", "*/*"),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    let answer = mock.raw(
        "POST",
        &format!("{PREFIX}/flows/{flow}/run"),
        &headers,
        body.as_bytes(),
    );
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

#[test]
fn a_basic_request() {
    let mock = Mock::start();
    let answer = curl(
        &mock,
        "hello-flow",
        "{\n\"input_value\": \"Hello, how are you?\"\n}",
    );
    assert_eq!(
        answer["result"]["output"],
        "I'm doing well, thank you for asking!"
    );
    assert!(answer["session_id"].is_string());
    assert!(answer["metadata"]["duration"].is_number());
    assert!(
        answer["metadata"]["tokens_used"]
            .as_u64()
            .is_some_and(|tokens| tokens > 0)
    );
}

#[test]
fn a_request_with_parameters_changes_this_run_only() {
    let mock = Mock::start();
    let plain = r#"{"input_value": "Summarize this document"}"#;
    let before = curl(&mock, "hello-flow", plain);
    let tweaked = curl(
        &mock,
        "hello-flow",
        r#"{"input_value": "Summarize this document",
            "tweaks": {"OpenAI-xxxxx": {"model_name": "gpt-4o", "temperature": 0.5}}}"#,
    );
    let after = curl(&mock, "hello-flow", plain);
    assert_ne!(tweaked["result"]["output"], before["result"]["output"]);
    assert_eq!(after["result"]["output"], before["result"]["output"]);
    let settings = |answer: &serde_json::Value| {
        let id = answer["run_id"].as_str().expect("an id");
        let run = mock.get(&format!("/runs/{id}")).json();
        let components = run["components"].as_array().expect("components").clone();
        let model = components
            .into_iter()
            .find(|one| one["component_id"] == "OpenAI-xxxxx");
        model.expect("the model")["settings"].clone()
    };
    assert_eq!(settings(&tweaked)["model_name"], "gpt-4o");
    assert_eq!(settings(&tweaked)["temperature"], 0.5);
    assert_eq!(settings(&after)["model_name"], "gpt-4o-mini");
    assert_eq!(settings(&after)["temperature"], 0.1);
}

#[test]
fn the_common_tweaks() {
    let mock = Mock::start();
    let question = "How do tweaks and sessions work?";
    for tweaks in [
        json!({"OpenAI-xxxxx": {"model_name": "gpt-4o"}}),
        json!({"OpenAI-xxxxx": {"temperature": 0.2}}),
        json!({"ComponentName-id": {"parameter": "new_value"}}),
    ] {
        mock.run(
            "document-qa",
            &json!({"input_value": question, "tweaks": tweaks}),
        );
    }
    let two = mock.run("document-qa", &json!({"input_value": question}));
    let five = json!({"input_value": question, "tweaks": {"Retriever-xxxxx": {"k": 5}}});
    let five = mock.run("document-qa", &five);
    let text = |answer: &serde_json::Value| answer["result"]["output"].to_string();
    assert!(text(&two).contains("2 documents"), "{two}");
    assert!(text(&five).contains("5 documents"), "{five}");
}

#[test]
fn two_requests_in_one_session_and_two_without() {
    let mock = Mock::start();
    for flow in ["hello-flow", "memory-chat"] {
        let first = curl(&mock, flow, r#"{"input_value": "My name is Alice"}"#);
        assert_eq!(first["session_status"], "new");
        let session = first["session_id"].as_str().expect("an id");
        let second = json!({"input_value": "What is my name?", "session_id": session});
        let second = curl(&mock, flow, &second.to_string());
        assert_eq!(second["session_status"], "continued");
        assert_eq!(second["session_id"], session);
        assert_eq!(second["result"]["output"], "Your name is Alice.");
        let alone = curl(&mock, flow, r#"{"input_value": "What is my name?"}"#);
        assert!(!alone["result"]["output"].to_string().contains("Alice"));
    }
}

#[test]
fn an_example_session_that_never_was() {
    let mock = Mock::start();
    let body = json!({"input_value": "What is my name?", "session_id": "abc123"});
    let answer = mock.run("hello-flow", &body);
    assert_eq!(
        (&answer["session_id"], &answer["session_status"]),
        (&json!("abc123"), &json!("expired"))
    );
}
