//! What the double shows of what came: near-misses, an HTTP archive, its own health.

use serde_json::{Value, json};

use super::support::Mock;

fn get(mock: &Mock, path: &str) -> Value {
    let answer = mock.control("GET", path, &Value::Null);
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    answer.json()
}

#[test]
fn a_request_that_led_nowhere_says_what_is_nearest() {
    let mock = Mock::start();
    mock.get("/flows/helo-flow");
    mock.get("/flows/echo/rum");
    mock.get("/flows");
    let broken = json!({"kind": "status", "status": 404, "match": {"operation": "getFlow"}});
    mock.control("POST", "/faults", &broken);
    mock.get("/flows/echo");
    let misses = get(&mock, "/near-misses");
    let misses = misses["requests"].as_array().expect("a list");
    let told: Vec<_> = misses.iter().map(|it| &it["miss"]["nearest"]).collect();
    assert_eq!(told, ["hello-flow", "/langflow/api/v1/flows/{flow_id}/run"]);
    let why = misses[0]["miss"]["why"].as_str().expect("a reason");
    assert!(why.contains("helo-flow"), "{why}");
    let journal = get(&mock, "/requests");
    assert_eq!(journal["items"][0]["near_miss"]["code"], "flow_not_found");
    assert!(journal["items"][2].get("near_miss").is_none(), "{journal}");
    assert!(
        journal["items"][3].get("near_miss").is_none(),
        "a fault is no miss"
    );
}

#[test]
fn a_question_that_no_script_fits_says_which_came_nearest_and_why_not() {
    let mock = Mock::start();
    let run = |text: &str| mock.run("hello-flow", &json!({"input_value": text}));
    run("Nobody waits");
    assert_eq!(get(&mock, "/near-misses")["scripts"], json!([]));
    let script = |body: Value| mock.control("POST", "/scripts", &body);
    script(json!({"match": {"message": "Bye", "model": "other"}, "text": "x"}));
    script(json!({"match": {"message": "Hi", "component": "OpenAI-xxxxx"}, "text": "Hello"}));
    run("hi sk-proj-0123456789abcdefghij");
    assert_eq!(run("Hi")["result"]["output"], "Hello");
    let misses = get(&mock, "/near-misses");
    let miss = &misses["scripts"][0];
    assert_eq!(miss["nearest"], "scr_2");
    let masked = json!([{"field": "message", "wanted": "Hi", "is": "hi sk-***"}]);
    assert_eq!(miss["differs"], masked);
    let request = get(&mock, "/requests?operation=runFlow");
    assert_eq!(miss["request_id"], request["items"][1]["request_id"]);
    assert_eq!(misses["scripts"].as_array().map(Vec::len), Some(1));
    mock.control("DELETE", "/scripts", &Value::Null);
    assert_eq!(get(&mock, "/near-misses")["scripts"], json!([]));
}

#[test]
fn a_check_that_fails_names_the_nearest_request_and_where_it_differs() {
    let mock = Mock::start();
    mock.get("/version");
    mock.run("echo", &json!({"input_value": "x", "session_id": "s1"}));
    let wanted = json!({"operation": "runFlow", "session_id": "s2", "headers": {"x-team": "*"}});
    let verify = json!({"match": wanted});
    let answer = mock.control("POST", "/verify", &verify).json();
    assert_eq!(answer["ok"], false);
    assert_eq!(answer["nearest"]["request"]["flow_id"], "echo");
    let differs = json!([
        {"field": "session_id", "wanted": "s2", "is": "s1"},
        {"field": "headers.x-team", "wanted": "*", "is": null},
    ]);
    assert_eq!(answer["nearest"]["differs"], differs);
}

#[test]
fn the_journal_is_an_http_archive_without_secrets() {
    let mock = Mock::start();
    mock.get("/flows?size=2&token=very-secret-token-of-mine");
    mock.run("echo", &json!({"input_value": "Grüße"}));
    let text = mock.control("GET", "/har", &Value::Null).body;
    assert!(
        !text.contains(&mock.key("admin")) && !text.contains("very-secret"),
        "{text}"
    );
    let har: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(har["log"]["version"], "1.2");
    let entries = har["log"]["entries"].as_array().expect("a list");
    assert_eq!(entries.len(), 2);
    let first = &entries[0]["request"];
    assert_eq!(
        first["queryString"][0],
        json!({"name": "size", "value": "2"})
    );
    let url = first["url"].as_str().expect("a URL");
    assert!(
        url.starts_with(&format!("{}/langflow/api/v1/flows?", mock.server.url())),
        "{url}"
    );
    let second = &entries[1];
    let sent = second["request"]["postData"]["text"]
        .as_str()
        .expect("text");
    assert!(sent.contains("Grüße"), "{sent}");
    assert_eq!(second["response"]["status"], 200);
    let came = second["response"]["content"]["text"]
        .as_str()
        .expect("text");
    assert!(came.contains("Grüße") && second["time"].as_f64().expect("ms") >= 0.0);
    let filtered = get(&mock, "/har?operation=runFlow");
    assert_eq!(filtered["log"]["entries"].as_array().map(Vec::len), Some(1));
}

#[test]
fn the_double_has_a_health_of_its_own() {
    let mock = Mock::start();
    let broken = json!({"kind": "status", "status": 503, "scope": "default"});
    mock.control("POST", "/faults", &broken);
    assert_eq!(get(&mock, "/health"), json!({"status": "ok"}));
    assert_eq!(get(&mock, "/ready")["ready"], true);
    assert_eq!(mock.control("HEAD", "/health", &Value::Null).status, 200);
}

#[test]
fn a_model_uses_the_tools_that_are_scripted() {
    let mock = Mock::start();
    let calls = json!([
        {"name": "search", "arguments": {"query": "weather"}, "output": {"hits": 2}},
        {"name": "fetch", "arguments": {}, "error": "timed out"},
    ]);
    let script = json!({"tool_calls": calls, "text": "It rains."});
    assert_eq!(
        mock.control("POST", "/scripts", &script).json()["tool_calls"],
        calls
    );
    let body = json!({"input_value": "Hi", "stream": true});
    let streamed = mock.call("POST", "/flows/hello-flow/run", &body).body;
    let message = streamed
        .split("event: message\ndata: ")
        .nth(1)
        .expect("a message");
    let message: Value = serde_json::from_str(message.lines().next().expect("a line")).unwrap();
    assert_eq!(message["text"], "It rains.");
    let used = &message["content_blocks"][0]["contents"];
    assert_eq!(
        used[0],
        json!({"type": "tool_use", "name": "search", "tool_input": {"query": "weather"}, "output": {"hits": 2}, "error": null})
    );
    assert_eq!(used[1]["error"], "timed out");
    let run = mock.get("/runs").json()["items"][0]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let run = mock.get(&format!("/runs/{run}")).json();
    let components = run["components"].as_array().expect("a list");
    let of = |id: &str| {
        components
            .iter()
            .find(|it| it["component_id"] == id)
            .expect("one")
    };
    assert_eq!(of("OpenAI-xxxxx")["tool_calls"], calls);
    assert!(of("ChatOutput-out").get("tool_calls").is_none(), "{run}");
    for bad in [
        json!([{"name": ""}]),
        json!([{"arguments": {}}]),
        json!([{"name": "x", "arguments": 5}]),
        json!([{"name": "x", "result": 5}]),
    ] {
        let refused = mock.control("POST", "/scripts", &json!({"tool_calls": bad}));
        assert_eq!(refused.status, 422, "{bad}");
    }
}

#[test]
fn the_journal_says_which_run_a_request_began() {
    let mock = Mock::start();
    let run = mock.run("echo", &json!({"input_value": "Hi"}));
    mock.get("/flows");
    let journal = get(&mock, "/requests");
    assert_eq!(journal["items"][0]["run_id"], run["run_id"]);
    assert!(run["run_id"].is_string(), "{run}");
    assert_eq!(journal["items"][1]["run_id"], Value::Null);
}
