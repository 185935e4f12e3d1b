//! What an open-source server keeps besides flows, over several calls: users, triggers, builds that
//! are polled, sessions with another name. That single answers are like those of the real server is
//! asked by `langflow-mock drift`.

use serde_json::{Value, json};

use super::support::{Answer, Mock};
use super::upstream::ask;
use crate::webhooks::hmac;

fn log_in(mock: &Mock, name: &str, password: &str) -> Answer {
    let form = format!("username={name}&password={password}");
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    mock.raw("POST", "/api/v1/login", &headers, form.as_bytes())
}

fn with_token(mock: &Mock, token: &str, method: &str, path: &str, body: &Value) -> Answer {
    let bearer = format!("Bearer {token}");
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
    ];
    mock.raw(method, path, &headers, body.to_string().as_bytes())
}

#[test]
fn a_user_logs_in_once_an_administrator_lets_them() {
    let mock = Mock::start();
    let new = json!({"username": "ann", "password": "longenough1"});
    let user = ask(&mock, "POST", "/api/v1/users/", &new).json();
    let path = format!("/api/v1/users/{}", user["id"].as_str().unwrap());
    let early = log_in(&mock, "ann", "longenough1");
    assert_eq!(
        (early.status, early.json()["detail"].clone()),
        (400, "Waiting for approval".into())
    );
    ask(&mock, "PATCH", &path, &json!({"is_active": true}));
    assert_eq!(log_in(&mock, "ann", "wrong").status, 401);
    let answer = log_in(&mock, "ann", "longenough1");
    let cookies: Vec<&String> = answer
        .headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"))
        .map(|(_, value)| value)
        .collect();
    assert_eq!(cookies.len(), 2, "{answer:?}");
    let tokens = answer.json();
    let token = tokens["access_token"].as_str().unwrap();
    let as_ann =
        |method: &str, path: &str, body: Value| with_token(&mock, token, method, path, &body);
    let state = as_ann("GET", "/api/v1/session", json!({})).json();
    assert_eq!(
        (&state["authenticated"], &state["user"]["username"]),
        (&true.into(), &"ann".into())
    );
    // What only administrators may.
    let refused = as_ann("GET", "/api/v1/users/", json!({}));
    assert_eq!(refused.status, 403);
    assert_eq!(
        refused.header("x-langflow-error-code"),
        Some("administration_denied")
    );
    assert_eq!(
        as_ann("PATCH", &path, json!({"is_superuser": true})).status,
        403
    );
    // What everybody may who knows the old password.
    let reset = format!("{path}/reset-password");
    let change = |old: &str, new: &str| {
        as_ann(
            "PATCH",
            &reset,
            json!({"current_password": old, "password": new}),
        )
        .status
    };
    assert_eq!(
        [
            change("x", "y"),
            change("longenough1", "longenough1"),
            change("longenough1", "better")
        ],
        [400, 400, 200]
    );
    assert_eq!(log_in(&mock, "ann", "longenough1").status, 401);
    assert_eq!(log_in(&mock, "ann", "better").status, 200);
    // A refresh token renews by its cookie; an access token does not.
    let renew = |token: &Value| {
        let cookie = format!("refresh_token_lf={}", token.as_str().unwrap());
        mock.raw(
            "POST",
            "/api/v1/refresh",
            &[("cookie", cookie.as_str())],
            b"",
        )
    };
    assert_eq!(renew(&tokens["access_token"]).status, 401);
    let renewed = renew(&tokens["refresh_token"]).json();
    assert!(renewed["access_token"].is_string(), "{renewed}");
    // A token is worth nothing without its user.
    assert_eq!(ask(&mock, "DELETE", &path, &Value::Null).status, 202);
    assert_eq!(as_ann("GET", "/api/v1/users/whoami", json!({})).status, 401);
    assert_eq!(renew(&tokens["refresh_token"]).status, 401);
}

#[test]
fn a_delivery_starts_a_flow_if_it_is_signed_and_the_trigger_is_active() {
    let mock = Mock::start();
    let flows = ask(&mock, "GET", "/api/v1/flows/", &Value::Null).json();
    let named = |flow: &&Value| flow["endpoint_name"] == "echo";
    let flow = flows.as_array().unwrap().iter().find(named).unwrap();
    let new = json!({"flow_id": flow["id"], "name": "hook", "kind": "inbound_webhook"});
    let trigger = ask(&mock, "POST", "/api/v1/triggers", &new).json();
    let path = format!("/api/v1/triggers/{}", trigger["id"].as_str().unwrap());
    let rotate = || {
        ask(
            &mock,
            "POST",
            &format!("{path}/signing-secret"),
            &Value::Null,
        )
        .json()
    };
    let (old, made) = (rotate(), rotate());
    assert_eq!(old["public_id"], made["public_id"]);
    assert_ne!(old["signing_secret"], made["signing_secret"]);
    let address = made["ingress_url"].as_str().unwrap();
    let address = &address[address.find("/api").unwrap()..];
    let deliver = |secret: &Value, age: i64, body: &str| {
        let at = chrono::Utc::now().timestamp() - age;
        let signed = hmac(
            secret.as_str().unwrap().as_bytes(),
            format!("v1:{at}:{body}").as_bytes(),
        );
        let digits: String = signed.iter().map(|byte| format!("{byte:02x}")).collect();
        let (at, signature) = (format!("{at}.7"), format!("v1={digits}"));
        let headers = [
            ("x-langflow-timestamp", at.as_str()),
            ("x-langflow-signature", signature.as_str()),
        ];
        mock.raw("POST", address, &headers, body.as_bytes()).status
    };
    let good = &made["signing_secret"];
    assert_eq!(deliver(good, 0, "{}"), 404, "it is not active");
    ask(&mock, "POST", &format!("{path}/enable"), &Value::Null);
    assert_eq!(
        deliver(&old["signing_secret"], 0, "{}"),
        404,
        "the old secret"
    );
    assert_eq!(deliver(good, 301, "{}"), 404, "too late");
    assert_eq!(deliver(good, 0, "[1]"), 404, "no object");
    // The same delivery twice is one.
    assert_eq!(
        [
            deliver(good, 9, r#"{"a":1}"#),
            deliver(good, 9, r#"{"a":1}"#)
        ],
        [202, 202]
    );
    let events = format!("{path}/events");
    let done = (0..500).find_map(|_| {
        let events = ask(&mock, "GET", &events, &Value::Null).json();
        let done = events[0]["state"] == "completed";
        std::thread::sleep(std::time::Duration::from_millis(if done { 0 } else { 10 }));
        done.then_some(events)
    });
    let done = done.expect("an end");
    assert_eq!(done.as_array().unwrap().len(), 1, "{done}");
    assert_eq!(
        done[0]["payload"],
        json!({"provider": "webhook", "delivery": {"a": 1}})
    );
    let job = format!(
        "/api/v2/workflows?job_id={}",
        done[0]["job_id"].as_str().unwrap()
    );
    assert_eq!(
        ask(&mock, "GET", &job, &Value::Null).json()["status"],
        "completed"
    );
}

#[test]
fn who_polls_a_build_gets_what_has_happened_since() {
    let mock = Mock::with(&json!({"token_delay": 0.05}));
    let flows = ask(&mock, "GET", "/api/v1/flows/", &Value::Null).json();
    let named = |flow: &&Value| flow["endpoint_name"] == "memory-chat";
    let flow = flows.as_array().unwrap().iter().find(named).unwrap();
    let start = format!("/api/v1/build/{}/flow", flow["id"].as_str().unwrap());
    let body = json!({"inputs": {"input_value": "hello"}});
    let job = ask(&mock, "POST", &start, &body).json();
    let id = job["job_id"].as_str().unwrap();
    let poll = format!("/api/v1/build/{id}/events?event_delivery=polling");
    let mut names = Vec::new();
    let mut polls = 0;
    while names.last().is_none_or(|name| name != "end") {
        let text = ask(&mock, "GET", &poll, &Value::Null).body;
        polls += 1;
        for frame in text.split("\n\n\n") {
            let event: Value = serde_json::from_str(frame.trim()).unwrap();
            names.push(event["event"].as_str().unwrap().to_owned());
        }
    }
    assert!(polls > 2, "all at once: {names:?}");
    assert_eq!(names[..2], ["vertices_sorted", "build_start"]);
    assert!(
        names.iter().filter(|name| *name == "token").count() > 1,
        "{names:?}"
    );
    let again = ask(&mock, "GET", &poll, &Value::Null).body;
    assert_eq!(again, "{\"event\": \"end\", \"data\": {}}\n\n");
}

#[test]
fn a_session_with_another_name_goes_on_under_it() {
    let mock = Mock::start();
    let run = |text: &str, session: &str| {
        let body = json!({"input_value": text, "session_id": session});
        ask(&mock, "POST", "/api/v1/run/memory-chat", &body).body
    };
    run("My name is Ada.", "one");
    let path = "/api/v1/monitor/messages/session/one?new_session_id=two";
    let rows = ask(&mock, "PATCH", path, &Value::Null).json();
    assert_eq!(rows.as_array().unwrap().len(), 2, "{rows}");
    assert!(run("What is my name?", "two").contains("Ada"));
    assert!(!run("What is my name?", "one").contains("Ada"));
    // Where the name is taken, the two become one.
    let rows = ask(&mock, "PATCH", path, &Value::Null).json();
    assert_eq!(rows.as_array().unwrap().len(), 6, "{rows}");
    // What was changed is what the flow remembers.
    run("My name is Ada.", "three");
    let path = "/api/v1/monitor/messages?session_id=three";
    let rows = ask(&mock, "GET", path, &Value::Null).json();
    let id = rows[0]["id"].as_str().unwrap();
    let change = format!("/api/v1/monitor/messages/{id}");
    let changed = ask(&mock, "PUT", &change, &json!({"text": "My name is Bea."})).json();
    assert_eq!(
        (&changed["edit"], &changed["files"]),
        (&true.into(), &json!([]))
    );
    assert!(run("What is my name?", "three").contains("Bea"));
}

#[test]
fn it_is_all_there_after_a_restart() {
    let file =
        std::env::temp_dir().join(format!("langflow-mock-state-{}.json", std::process::id()));
    let config = json!({"state": file});
    let new = json!({"username": "ann", "password": "longenough1"});
    let mock = Mock::with(&config);
    assert_eq!(ask(&mock, "POST", "/api/v1/users/", &new).status, 201);
    drop(mock);
    let mock = Mock::with(&config);
    let found = ask(&mock, "GET", "/api/v1/users/?search=ann", &Value::Null).json();
    std::fs::remove_file(file).unwrap();
    assert_eq!(found["total_count"], 1, "{found}");
}
