//! Deliveries that go wrong on purpose, and what is said of receivers that do not notice.

use chrono::Utc;
use serde_json::{Value, json};

use super::support::Mock;
use super::webhooks::{id, once, over, payload, receiver, signature, webhook};

const ALL: [&str; 4] = [
    "flow_started",
    "component_completed",
    "flow_completed",
    "flow_error",
];

fn arm(mock: &Mock, fault: &Value) {
    let armed = mock.control("POST", "/faults", fault);
    assert_eq!(armed.status, 200, "{armed:?}");
}

fn trigger(mock: &Mock, event: &str) {
    let body = json!({"event": event, "flow_id": "echo"});
    assert_eq!(mock.control("POST", "/trigger", &body).status, 200);
}

fn codes(mock: &Mock) -> Vec<String> {
    let verdict = mock.control("GET", "/verdict", &Value::Null).json();
    let findings = verdict["findings"].as_array().expect("a list").clone();
    let codes = findings
        .iter()
        .map(|it| it["code"].as_str().expect("a code"));
    codes.map(str::to_owned).collect()
}

#[test]
fn a_receiver_that_takes_what_it_should_refuse_is_told_so() {
    let mock = Mock::start();
    let receiver = receiver(json!([{"status": 204}]));
    let made = webhook(&mock, "echo", &receiver.url(), json!(ALL));
    let secret = made["secret"].as_str().expect("a secret");
    for fault in [
        json!({"kind": "delivery_bad_signature"}),
        json!({"kind": "delivery_stale", "seconds": 900}),
        json!({"kind": "delivery_missing_header", "header": "webhook-timestamp"}),
    ] {
        arm(&mock, &fault);
        trigger(&mock, "flow_completed");
        once(&mock, id(&made), over);
    }
    let requests = receiver.requests();
    let header = |at: usize, name: &str| requests[at].header(name).map(str::to_owned);
    let signed = |at: usize| header(at, "webhook-signature").expect("a signature");
    assert_ne!(signed(0), signature(&requests[0], &[secret]));
    assert_eq!(signed(1), signature(&requests[1], &[secret]));
    let age = Utc::now().timestamp()
        - header(1, "webhook-timestamp")
            .and_then(|it| it.parse::<i64>().ok())
            .expect("seconds");
    assert!((900..960).contains(&age), "{age}");
    assert_eq!(header(2, "webhook-timestamp"), None);
    assert!(header(2, "webhook-id").is_some());
    let expected = [
        "bad_signature_accepted",
        "old_timestamp_accepted",
        "unsigned_accepted",
    ];
    assert_eq!(codes(&mock), expected);
    let shown = mock.control("GET", "/deliveries", &Value::Null).json();
    assert_eq!(shown["items"][0]["fault"], "delivery_bad_signature");
}

#[test]
fn a_receiver_that_refuses_is_right_and_gets_the_next_attempt_in_order() {
    let mock = Mock::start();
    let receiver = receiver(json!([{"status": 401}, {"status": 204}]));
    let made = webhook(&mock, "echo", &receiver.url(), json!(ALL));
    let fault = json!({"kind": "delivery_bad_signature", "scope": "rule"});
    arm(&mock, &fault);
    trigger(&mock, "flow_completed");
    let told = once(&mock, id(&made), over);
    assert_eq!(told[0]["status"], "delivered");
    let requests = receiver.requests();
    let secret = made["secret"].as_str().expect("a secret");
    let last = requests[1].header("webhook-signature");
    assert_eq!(last, Some(signature(&requests[1], &[secret]).as_str()));
    assert_eq!(codes(&mock), Vec::<String>::new());
}

#[test]
fn a_delivery_comes_twice_and_to_act_on_it_twice_is_a_finding() {
    let mock = Mock::start();
    let receiver = receiver(json!([{"status": 204}]));
    let made = webhook(&mock, "echo", &receiver.url(), json!(ALL));
    arm(&mock, &json!({"kind": "delivery_duplicate"}));
    trigger(&mock, "flow_completed");
    let told = once(&mock, id(&made), over);
    assert_eq!(told[0]["attempts"].as_array().map(Vec::len), Some(2));
    let requests = receiver.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(
        requests[0].header("webhook-id"),
        requests[1].header("webhook-id")
    );
    assert_eq!(requests[0].body, requests[1].body);
    let message = requests[0].header("webhook-id").expect("an id");
    let handled = || {
        mock.control(
            "POST",
            &format!("/deliveries/{message}/handled"),
            &json!({}),
        )
    };
    assert_eq!(handled().json()["handled"], 1);
    assert_eq!(codes(&mock), Vec::<String>::new());
    assert_eq!(handled().json()["handled"], 2);
    assert_eq!(codes(&mock), ["not_deduplicated"]);
    let unknown = mock.control("POST", "/deliveries/msg_nothing/handled", &json!({}));
    assert_eq!(unknown.problem(), "route_not_found");
}

#[test]
fn a_delivery_comes_after_the_next_one_or_late() {
    let mock = Mock::start();
    mock.server
        .clock()
        .freeze(Some("2026-01-01T00:00:00Z".parse().expect("a date")));
    let receiver = receiver(json!([{"status": 204}]));
    let made = webhook(&mock, "echo", &receiver.url(), json!(ALL));
    let only = json!({"operation": "flow_started", "flow_id": "echo"});
    arm(&mock, &json!({"kind": "delivery_reorder", "match": only}));
    trigger(&mock, "flow_started");
    trigger(&mock, "flow_completed");
    once(&mock, id(&made), over);
    let events = |from: usize| -> Vec<Value> {
        let requests = receiver.requests();
        let events = requests[from..].iter();
        events.map(|it| payload(it)["event"].clone()).collect()
    };
    assert_eq!(events(0), ["flow_completed", "flow_started"]);
    arm(&mock, &json!({"kind": "delivery_late", "seconds": 600}));
    trigger(&mock, "flow_error");
    let moved = mock
        .control("POST", "/clock", &json!({"advance": 599}))
        .json();
    assert_eq!(moved["fired"], json!([]), "{moved}");
    let moved = mock
        .control("POST", "/clock", &json!({"advance": 1}))
        .json();
    assert_eq!(moved["fired"][0]["type"], "delivery_attempted", "{moved}");
    assert_eq!(events(2), ["flow_error"]);
}

#[test]
fn faults_of_deliveries_leave_requests_alone() {
    let mock = Mock::start();
    let fault = json!({"kind": "delivery_duplicate", "scope": "default"});
    arm(&mock, &fault);
    assert_eq!(mock.get("/flows").header("x-mock-fault"), None);
    let key = mock.key("admin");
    let header = [("x-mock", r#"{"kind": "delivery_duplicate"}"#)];
    let refused = mock.call_with(&key, &header, "GET", "/flows", &Value::Null);
    assert_eq!(refused.problem(), "invalid_parameter");
}
