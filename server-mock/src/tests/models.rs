//! A model elsewhere, on a small endpoint that plays a script.

use serde_json::{Value, json};

use super::support::Mock;
use crate::wire::ScriptServer;

fn endpoint(script: Value) -> ScriptServer {
    ScriptServer::start(serde_json::from_value(script).expect("a script")).expect("a server")
}

fn stream(pieces: &[&str], rest: &str) -> Value {
    let mut body = String::from(": welcome\n\n");
    for piece in pieces {
        let data = json!({"choices": [{"delta": {"content": piece}}]});
        body.push_str(&format!("data: {data}\n\n"));
    }
    body.push_str(rest);
    let headers = json!({"content-type": "text/event-stream"});
    json!({"status": 200, "headers": headers, "body": body})
}

fn mock(endpoint: &ScriptServer) -> Mock {
    Mock::with(&json!({
        "model_url": format!("{}/v1", endpoint.url()),
        "model_name": "small",
        "model_key": "sk-model-secret",
    }))
}

#[test]
fn a_flow_is_answered_by_the_model_word_by_word() {
    let endpoint = endpoint(json!([stream(
        &["Grü", "ße", " from afar"],
        "data: [DONE]\n\n"
    )]));
    let mock = mock(&endpoint);
    let first = mock.run(
        "hello-flow",
        &json!({"input_value": "Hi", "session_id": "s"}),
    );
    assert_eq!(first["result"]["output"], "Grüße from afar");
    let streamed = mock.call(
        "POST",
        "/flows/hello-flow/run",
        &json!({"input_value": "Again", "session_id": "s", "stream": true}),
    );
    for piece in ["Grü", "ße", " from afar"] {
        assert!(
            streamed.body.contains(&format!("\"{piece}\"")),
            "{streamed:?}"
        );
    }
    let requests = endpoint.requests();
    assert_eq!(requests[0].target, "/v1/chat/completions");
    assert_eq!(
        requests[0].header("authorization"),
        Some("Bearer sk-model-secret")
    );
    let asked: Value = serde_json::from_str(&requests[1].body).expect("JSON");
    assert_eq!(
        (&asked["model"], &asked["stream"]),
        (&json!("small"), &json!(true))
    );
    let said: Vec<&str> = asked["messages"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|it| it["content"].as_str())
        .collect();
    let at = said.iter().position(|it| *it == "Hi").expect("the history");
    assert_eq!(said[at + 1], "Grüße from afar", "{said:?}");
}

#[test]
fn a_model_that_fails_or_breaks_off_fails_the_run_without_its_key() {
    let refused = json!({"status": 401, "json": {"error": {"message": "who are you?"}}});
    let endpoint = endpoint(json!([refused, stream(&["Half"], "")]));
    let mock = mock(&endpoint);
    let run = || {
        mock.call(
            "POST",
            "/flows/hello-flow/run",
            &json!({"input_value": "Hi"}),
        )
    };
    let failed = run();
    assert_eq!(failed.problem(), "run_failed");
    assert!(failed.body.contains("401: who are you?"), "{failed:?}");
    assert!(!failed.body.contains("sk-model-secret"));
    assert!(run().body.contains("broke off"));
}

#[test]
fn what_is_scripted_comes_first_and_whole_answers_are_taken_too() {
    let whole = json!({"status": 200, "json": {"choices": [{"message": {"content": "Whole."}}]}});
    let endpoint = endpoint(json!([whole]));
    let mock = mock(&endpoint);
    let script = json!({"text": "Scripted.", "times": 1});
    mock.control("POST", "/scripts", &script);
    let run = || mock.run("hello-flow", &json!({"input_value": "Hi"}))["result"]["output"].clone();
    assert_eq!((run(), run()), (json!("Scripted."), json!("Whole.")));
    assert_eq!(endpoint.requests().len(), 1);
}

#[test]
fn a_url_that_cannot_be_asked_is_refused_at_the_start() {
    let refused = crate::start_blocking(r#"{"model_url": "ftp://models.example/v1"}"#);
    let error = refused.expect_err("an error").to_string();
    assert!(
        error.contains("model_url") && error.contains("https"),
        "{error}"
    );
    let shown = format!("{:?}", crate::ModelKey::from("sk-secret".to_owned()));
    assert_eq!(shown, "ModelKey(***)");
}
