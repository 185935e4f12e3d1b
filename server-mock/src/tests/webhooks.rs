//! Webhooks against real receivers.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::support::Mock;
use crate::contract::contract;
use crate::wire::{RecordedRequest, ScriptServer};

const PATIENCE: Duration = Duration::from_secs(20);

/// A receiver that plays a script.
pub(super) fn receiver(script: Value) -> ScriptServer {
    ScriptServer::start(serde_json::from_value(script).expect("a script")).expect("a server")
}

/// A webhook of a flow; its answer, with the secret.
pub(super) fn webhook(mock: &Mock, flow: &str, url: &str, events: Value) -> Value {
    let body = json!({"url": url, "events": events});
    let made = mock.call("POST", &format!("/flows/{flow}/webhooks"), &body);
    assert_eq!(made.status, 201, "{made:?}");
    made.json()
}

pub(super) fn id(made: &Value) -> &str {
    made["webhook"]["id"].as_str().expect("an id")
}

pub(super) fn deliveries(mock: &Mock, id: &str) -> Vec<Value> {
    let page = mock.get(&format!("/webhooks/{id}/deliveries")).json();
    page["items"].as_array().expect("a list").clone()
}

/// The deliveries of a webhook, the oldest first, once a condition holds for all of them.
pub(super) fn once(mock: &Mock, id: &str, condition: impl Fn(&Value) -> bool) -> Vec<Value> {
    let begun = Instant::now();
    loop {
        let mut found = deliveries(mock, id);
        if !found.is_empty() && found.iter().all(&condition) {
            found.reverse();
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "{found:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub(super) fn over(delivery: &Value) -> bool {
    delivery["status"] != "pending"
}

pub(super) fn payload(request: &RecordedRequest) -> Value {
    serde_json::from_str(&request.body).expect("JSON")
}

/// The signatures that belong to a request under some secrets.
pub(super) fn signature(request: &RecordedRequest, secrets: &[&str]) -> String {
    let header = |name| request.header(name).expect("a header");
    let timestamp = header("webhook-timestamp").parse().expect("seconds");
    let body = request.body.as_bytes();
    crate::webhooks::sign(
        secrets.iter().copied(),
        header("webhook-id"),
        timestamp,
        body,
    )
}

#[test]
fn a_run_is_told_as_it_was_documented() {
    let mock = Mock::start();
    mock.server
        .clock()
        .freeze(Some("2024-01-15T10:30:00Z".parse().unwrap()));
    let receiver = receiver(json!([{"status": 204}]));
    let url = format!("{}/hook?a=b", receiver.url());
    let all = json!([
        "component_completed",
        "flow_error",
        "flow_completed",
        "flow_started"
    ]);
    let made = webhook(&mock, "echo", &url, all);
    let ran = mock.run(
        "echo",
        &json!({"input_value": "Hello!", "session_id": "abc123"}),
    );
    let told = once(&mock, id(&made), over);
    let requests = receiver.requests();
    let events: Vec<Value> = requests
        .iter()
        .map(|it| payload(it)["event"].clone())
        .collect();
    let expected = [
        "flow_started",
        "component_completed",
        "component_completed",
        "flow_completed",
    ];
    assert_eq!(events, expected);
    let last = &requests[3];
    assert_eq!(
        (last.method.as_str(), last.target.as_str()),
        ("POST", "/hook?a=b")
    );
    let documented = format!(
        "{{\"event\":\"flow_completed\",\"flow_id\":\"echo\",\"session_id\":\"abc123\",\
         \"result\":{{\"output\":{}}},\"timestamp\":\"2024-01-15T10:30:00Z\"}}",
        ran["result"]["output"]
    );
    assert_eq!(last.body, documented);
    let first = payload(&requests[0]);
    assert_eq!(first["result"], json!({"output": null}));
    let component = payload(&requests[1])["component"].clone();
    assert!(
        component["id"].is_string() && component["duration"].is_number(),
        "{component}"
    );
    assert_eq!(first.get("component"), None);
    let schema = json!({"$ref": "#/components/schemas/WebhookPayload"});
    for request in &requests {
        assert_eq!(request.header("content-type"), Some("application/json"));
        let schema = contract().resolve(&schema);
        assert_eq!(
            contract().complaints(schema, &payload(request), "").len(),
            0
        );
        let secret = made["secret"].as_str().unwrap();
        assert_eq!(
            request.header("webhook-signature"),
            Some(&*signature(request, &[secret]))
        );
        // Receivers compare with the wall clock, wherever ours stands.
        let sent: i64 = request
            .header("webhook-timestamp")
            .unwrap()
            .parse()
            .unwrap();
        assert!((chrono::Utc::now().timestamp() - sent).abs() < 60);
    }
    for (delivery, request) in told.iter().zip(&requests) {
        assert_eq!(
            delivery["message_id"].as_str(),
            request.header("webhook-id")
        );
        assert_eq!(delivery["payload"], payload(request));
        assert_eq!(delivery["attempts"][0]["status_code"], 204);
        assert_eq!(delivery["next_attempt_at"], Value::Null);
    }
    let one = format!(
        "/webhooks/{}/deliveries/{}",
        id(&made),
        told[3]["id"].as_str().unwrap()
    );
    assert_eq!(mock.get(&one).json(), told[3]);
    let filtered = format!(
        "/webhooks/{}/deliveries?event=flow_started&status=delivered",
        id(&made)
    );
    assert_eq!(mock.get(&filtered).json()["total"], 1);
}

#[test]
fn a_run_that_fails_is_told_too_and_only_to_whom_it_may_concern() {
    let mock = Mock::start();
    let receiver = receiver(json!([{"status": 200}]));
    let wanted = webhook(
        &mock,
        "failing-flow",
        &receiver.url(),
        json!(["flow_error"]),
    );
    let other = webhook(&mock, "echo", &receiver.url(), json!(["flow_error"]));
    let body = json!({"input_value": "x"});
    assert_eq!(
        mock.call("POST", "/flows/failing-flow/run", &body).status,
        500
    );
    mock.run("echo", &body);
    let told = once(&mock, id(&wanted), over);
    assert_eq!(told.len(), 1);
    let error = &told[0]["payload"]["error"];
    assert_eq!(error["code"], "run_failed");
    assert!(error["message"].as_str().is_some_and(|it| !it.is_empty()));
    assert_eq!(told[0]["payload"]["result"], json!({"output": null}));
    assert!(deliveries(&mock, id(&other)).is_empty());
    assert_eq!(receiver.requests().len(), 1);
}

#[test]
fn what_fails_is_tried_again_with_the_same_id() {
    let mock = Mock::start();
    let receiver = receiver(json!([
        {"status": 500, "body": "not today", "once": true}, "reset_before_response", {"status": 202}
    ]));
    let made = webhook(&mock, "echo", &receiver.url(), json!(["flow_completed"]));
    mock.run("echo", &json!({"input_value": "x"}));
    let told = once(&mock, id(&made), over);
    assert_eq!(told[0]["status"], "delivered");
    let attempts = told[0]["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 3);
    assert_eq!(attempts[0]["status_code"], 500);
    assert_eq!(attempts[0]["response_body"], "not today");
    assert_eq!(attempts[1]["status_code"], Value::Null);
    assert!(attempts[1]["error"].is_string() && attempts[2]["error"].is_null());
    assert_eq!(
        (&attempts[2]["number"], &attempts[2]["trigger"]),
        (&json!(3), &json!("schedule"))
    );
    let requests = receiver.requests();
    for request in &requests[1..] {
        assert_eq!(
            request.header("webhook-id"),
            requests[0].header("webhook-id")
        );
        assert_eq!(request.body, requests[0].body);
    }
}

#[test]
fn a_schedule_goes_by_the_clock_and_ends() {
    let mock = Mock::with(&json!({"webhook_schedule": "svix"}));
    mock.server
        .clock()
        .freeze(Some("2026-01-01T00:00:00Z".parse().unwrap()));
    let receiver = receiver(json!([{"status": 500}]));
    let made = webhook(&mock, "echo", &receiver.url(), json!(["flow_completed"]));
    mock.run("echo", &json!({"input_value": "x"}));
    let pauses = [5, 300, 1800, 7200, 18000, 36000, 36000];
    for (done, pause) in pauses.into_iter().enumerate() {
        let attempts = |it: &Value| it["attempts"].as_array().unwrap().len() == done + 1;
        let told = once(&mock, id(&made), attempts);
        assert_eq!(told[0]["status"], "pending");
        mock.server.clock().advance(Duration::from_secs(pause - 1));
        std::thread::sleep(Duration::from_millis(20));
        assert_eq!(receiver.requests().len(), done + 1, "too early");
        mock.server.clock().advance(Duration::from_secs(1));
    }
    let told = once(&mock, id(&made), over);
    assert_eq!(told[0]["status"], "failed");
    assert_eq!(told[0]["attempts"].as_array().unwrap().len(), 8);
    let last = "2026-01-02T03:35:05Z";
    assert_eq!(told[0]["attempts"][7]["started_at"], last);
}

#[test]
fn redirects_and_silence_are_failures() {
    let mock = Mock::with(&json!({"webhook_timeout": 0.1}));
    let elsewhere = receiver(json!([{"status": 200}]));
    let target = json!({"location": elsewhere.url()});
    let receiver = receiver(json!([{"status": 307, "headers": target, "once": true}, "stall"]));
    let made = webhook(&mock, "echo", &receiver.url(), json!(["flow_completed"]));
    mock.run("echo", &json!({"input_value": "x"}));
    let told = once(&mock, id(&made), over);
    assert_eq!(told[0]["status"], "failed");
    let error = |at: usize| {
        told[0]["attempts"][at]["error"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert!(error(0).contains("redirects (307)"), "{}", error(0));
    assert_eq!(error(1), "no answer within 0.1 seconds");
    assert_eq!(told[0]["attempts"].as_array().unwrap().len(), 3);
    assert!(elsewhere.requests().is_empty());
}

#[test]
fn a_receiver_that_is_gone_is_left_alone() {
    let mock = Mock::start();
    let receiver = receiver(json!([{"status": 410, "once": true}, {"status": 200}]));
    let all = json!(["flow_started", "component_completed", "flow_completed"]);
    let made = webhook(&mock, "echo", &receiver.url(), all);
    mock.run("echo", &json!({"input_value": "x"}));
    let told = once(&mock, id(&made), over);
    assert!(told.iter().all(|it| it["status"] == "failed"), "{told:?}");
    assert_eq!(receiver.requests().len(), 1);
    let path = format!("/webhooks/{}", id(&made));
    let shown = mock.get(&path).json();
    assert_eq!(
        (&shown["enabled"], &shown["disabled_reason"]),
        (&json!(false), &json!("gone"))
    );
    mock.run("echo", &json!({"input_value": "x"}));
    assert_eq!(deliveries(&mock, id(&made)).len(), told.len());
    let back = mock.call("PATCH", &path, &json!({"enabled": true})).json();
    assert_eq!(
        (&back["enabled"], &back["disabled_reason"]),
        (&json!(true), &Value::Null)
    );
    mock.run("echo", &json!({"input_value": "x"}));
    once(&mock, id(&made), over);
    assert_eq!(receiver.requests().len(), 1 + told.len());
}

#[test]
fn receivers_say_in_a_header_that_they_want_no_more() {
    for (said, failed, enabled) in [("abort-message", 500, true), ("disable", 200, false)] {
        let mock = Mock::start();
        let answer = json!({"status": failed, "headers": {"webhook-delivery": said}});
        let receiver = receiver(json!([answer]));
        let made = webhook(&mock, "echo", &receiver.url(), json!(["flow_completed"]));
        mock.run("echo", &json!({"input_value": "x"}));
        let told = once(&mock, id(&made), over);
        assert_eq!(told[0]["attempts"].as_array().unwrap().len(), 1, "{told:?}");
        let shown = mock.get(&format!("/webhooks/{}", id(&made))).json();
        assert_eq!(shown["enabled"], enabled, "{said}");
    }
}

#[test]
fn a_receiver_with_too_much_to_do_gets_time() {
    for (status, pause) in [(429, 7), (502, 7), (504, 7), (503, 7)] {
        let mock = Mock::start();
        mock.server
            .clock()
            .freeze(Some("2026-01-01T00:00:00Z".parse().unwrap()));
        let wait = json!({"retry-after": "7"});
        let receiver = receiver(json!([
            {"status": status, "headers": wait, "once": true}, {"status": 200}
        ]));
        let made = webhook(&mock, "echo", &receiver.url(), json!(["flow_completed"]));
        mock.run("echo", &json!({"input_value": "x"}));
        let told = once(&mock, id(&made), |it| {
            it["attempts"].as_array().unwrap().len() == 1
        });
        assert_eq!(
            told[0]["next_attempt_at"],
            format!("2026-01-01T00:00:0{pause}Z"),
            "{status}"
        );
        mock.run("echo", &json!({"input_value": "another"}));
        std::thread::sleep(Duration::from_millis(50));
        // Those that throttle want everything later, a 503 only this.
        let sent = if status == 503 { 2 } else { 1 };
        assert_eq!(receiver.requests().len(), sent, "{status}");
        mock.server.clock().advance(Duration::from_secs(pause));
        let told = once(&mock, id(&made), over);
        assert!(told.iter().all(|it| it["status"] == "delivered"));
        assert_eq!(receiver.requests().len(), 3);
    }
}

#[test]
fn while_two_secrets_are_valid_both_sign() {
    let mock = Mock::start();
    mock.server.clock().freeze(None);
    let receiver = receiver(json!([{"status": 200}]));
    let first = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    let body = json!({"url": receiver.url(), "events": ["flow_completed"], "secret": first});
    let made = mock.call("POST", "/flows/echo/webhooks", &body).json();
    assert_eq!(made["secret"], first);
    let path = format!("/webhooks/{}", id(&made));
    let rotate = json!({"grace_period": 60});
    let rotated = mock
        .call("POST", &format!("{path}/rotate-secret"), &rotate)
        .json();
    let second = rotated["secret"].as_str().unwrap();
    assert!(rotated["webhook"]["previous_secret_expires_at"].is_string());
    mock.run("echo", &json!({"input_value": "x"}));
    once(&mock, id(&made), over);
    mock.server.clock().advance(Duration::from_secs(60));
    mock.run("echo", &json!({"input_value": "x"}));
    once(&mock, id(&made), over);
    let requests = receiver.requests();
    let header = |at: usize| requests[at].header("webhook-signature").unwrap().to_owned();
    assert_eq!(header(0), signature(&requests[0], &[second, first]));
    assert_eq!(header(1), signature(&requests[1], &[second]));
    assert_ne!(header(0), header(1));
    for path in [
        path.clone(),
        format!("{path}/deliveries"),
        "/flows/echo/webhooks".to_owned(),
    ] {
        let shown = mock.get(&path).body;
        assert!(
            !shown.contains("whsec_") && !shown.contains(&second[6..]),
            "{shown}"
        );
    }
    assert_eq!(
        mock.get(&path).json()["previous_secret_expires_at"],
        Value::Null
    );
}

#[test]
fn a_delivery_can_be_sent_again_by_hand() {
    let mock = Mock::start();
    let receiver = receiver(json!([
        {"status": 500, "once": true}, {"status": 500, "once": true}, {"status": 500, "once": true},
        {"status": 500, "once": true}, {"status": 200}
    ]));
    let made = webhook(&mock, "echo", &receiver.url(), json!(["flow_completed"]));
    mock.run("echo", &json!({"input_value": "x"}));
    let told = once(&mock, id(&made), over);
    assert_eq!(
        (&told[0]["status"], receiver.requests().len()),
        (&json!("failed"), 3)
    );
    let path = format!(
        "/webhooks/{}/deliveries/{}",
        id(&made),
        told[0]["id"].as_str().unwrap()
    );
    for (number, status) in [(4, "failed"), (5, "delivered"), (6, "delivered")] {
        let again = mock.call("POST", &format!("{path}/redeliver"), &Value::Null);
        assert_eq!(
            (again.status, &again.json()["status"]),
            (202, &json!("pending"))
        );
        let told = once(&mock, id(&made), over);
        assert_eq!(told[0]["status"], status);
        let attempts = told[0]["attempts"].as_array().unwrap();
        assert_eq!(
            (attempts.len(), &attempts[number - 1]["trigger"]),
            (number, &json!("manual"))
        );
    }
    let requests = receiver.requests();
    assert_eq!(requests.len(), 6);
    assert_eq!(
        requests[5].header("webhook-id"),
        requests[0].header("webhook-id")
    );
    let none = format!("/webhooks/{}/deliveries/none/redeliver", id(&made));
    assert_eq!(
        mock.call("POST", &none, &Value::Null).problem(),
        "delivery_not_found"
    );
}

#[test]
fn a_test_event_is_sent_to_webhooks_that_are_off_too() {
    let mock = Mock::start();
    let receiver = receiver(json!([{"status": 200}]));
    let body = json!({"url": receiver.url(), "events": ["flow_started"], "enabled": false});
    let made = mock.call("POST", "/flows/echo/webhooks", &body).json();
    assert_eq!(made["webhook"]["disabled_reason"], "manual");
    let path = format!("/webhooks/{}", id(&made));
    let sent = mock.call(
        "POST",
        &format!("{path}/test"),
        &json!({"event": "flow_error"}),
    );
    assert_eq!((sent.status, &sent.json()["test"]), (202, &json!(true)));
    mock.run("echo", &json!({"input_value": "x"}));
    let told = once(&mock, id(&made), over);
    assert_eq!((told.len(), &told[0]["status"]), (1, &json!("delivered")));
    assert_eq!(
        payload(&receiver.requests()[0])["error"]["code"],
        "run_failed"
    );
    let usual = mock
        .call("POST", &format!("{path}/test"), &Value::Null)
        .json();
    assert_eq!(usual["event"], "flow_completed");
    assert_eq!(mock.get("/runs").json()["total"], 1);
}

#[test]
fn nothing_leaves_this_machine_and_the_log_says_so() {
    let mock = Mock::start();
    for url in [
        "http://192.0.2.1/x",
        "https://hooks.acme.test/langflow",
        "http://localhost.evil.test/",
    ] {
        let made = webhook(&mock, "echo", url, json!(["flow_completed"]));
        mock.run("echo", &json!({"input_value": "x"}));
        let told = once(&mock, id(&made), over);
        let attempts = told[0]["attempts"].as_array().unwrap();
        assert_eq!((&told[0]["status"], attempts.len()), (&json!("failed"), 1));
        let error = attempts[0]["error"].as_str().unwrap();
        assert!(error.contains("not on this machine"), "{error}");
        mock.call("DELETE", &format!("/webhooks/{}", id(&made)), &Value::Null);
    }
}
