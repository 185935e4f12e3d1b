use serde_json::{Value, json};

use super::table::{OPERATIONS, PREFIX};
use crate::tests::support::Mock;

#[test]
fn the_document_has_every_operation_and_every_operation_is_done() {
    let mock = Mock::start();
    let document = mock.control("GET", "/openapi.json", &Value::Null).json();
    let paths = document["paths"].as_object().expect("paths");
    let count: usize = paths
        .values()
        .map(|it| it.as_object().map_or(0, |it| it.len()))
        .sum();
    assert_eq!(count, OPERATIONS.len());
    for operation in OPERATIONS {
        let entry = &paths[&format!("{PREFIX}{}", operation.path)];
        let entry = &entry[operation.method.to_lowercase()];
        assert_eq!(entry["operationId"], operation.id);
        // Neither ends by itself.
        if operation.id == "followEvents" || operation.id == "wait" {
            continue;
        }
        let path = operation.path.replace("{id}", "x").replace("{name}", "x");
        let answer = mock.control(operation.method, &path, &json!({}));
        assert_ne!(answer.status, 501, "{} is not done", operation.id);
        assert_ne!(answer.status, 405, "{}", operation.id);
    }
}

#[test]
fn every_field_of_the_table_is_taken_and_no_other() {
    let mock = Mock::start();
    for operation in OPERATIONS {
        let fields = operation.body.unwrap_or_default();
        let path = operation.path.replace("{id}", "x").replace("{name}", "x");
        if fields.iter().any(|field| field.0 == "*") {
            continue;
        }
        let answer = mock.control(operation.method, &path, &json!({"wat": 1}));
        assert_eq!(answer.json()["code"], "unknown_field", "{}", operation.id);
    }
}

#[test]
fn every_kind_of_fault_in_the_document_can_be_armed() {
    let mock = Mock::start();
    let document = mock.control("GET", "/openapi.json", &Value::Null).json();
    for kind in document["x-fault-kinds"].as_array().expect("a list") {
        let values = json!({
            "status": {"status": 500},
            "quota": {"limit": 1, "window": 1},
            "outage": {"duration": 1},
            "latency": {"ms": 1},
            "drip": {"bytes_per_second": 1},
            "slow_close": {"seconds": 1},
            "delivery_late": {"seconds": 1},
        });
        let mut fault = values[kind.as_str().expect("a name")].clone();
        if fault.is_null() {
            fault = json!({});
        }
        fault["kind"] = kind.clone();
        let armed = mock.control("POST", "/faults", &fault);
        assert_eq!(armed.status, 200, "{fault}: {armed:?}");
    }
    let unknown = mock.control("POST", "/faults", &json!({"kind": "reste"}));
    let detail = unknown.json()["detail"].as_str().expect("text").to_owned();
    assert!(
        detail.contains("slow_close"),
        "the kinds are named: {detail}"
    );
}

#[test]
fn a_look_leaves_no_trace_and_no_fault_strikes_it() {
    let mock = Mock::start();
    let broken = json!({"kind": "status", "status": 500, "scope": "default"});
    mock.control("POST", "/faults", &broken);
    let look = |path: &str| mock.control("GET", &format!("/look?path={path}"), &Value::Null);
    let flows = look("/flows%3Fsize=2").json();
    assert_eq!(flows["items"].as_array().map(Vec::len), Some(2), "{flows}");
    assert_eq!(look("/nowhere").problem(), "route_not_found");
    assert_eq!(look("/flows/echo/run").problem(), "method_not_allowed");
    assert_eq!(look("flows").problem(), "invalid_field");
    let requests = mock.control("GET", "/requests", &Value::Null).json();
    assert_eq!(requests["total"], 0, "{requests}");
}

#[test]
fn the_seeded_keys_are_told_as_far_as_they_are_known() {
    let mock = Mock::start();
    let keys = || mock.control("GET", "/keys", &Value::Null).json();
    assert_eq!(keys()["keys"]["execute"], mock.key("execute"));
    let sown = mock.control("POST", "/seed", &json!({"seed": 7})).json();
    assert_eq!(keys()["keys"], sown["keys"]);
    assert_ne!(keys()["keys"]["execute"], mock.key("execute"));
}

#[test]
fn the_page_is_small_and_runs_its_own_script_only() {
    let mock = Mock::start();
    let page = mock.control("GET", "/ui", &Value::Null);
    assert!(page.body.len() < 60_000, "{} bytes", page.body.len());
    for mark in [":root{color-scheme", "function h(", "setInterval(drawClock"] {
        assert!(page.body.contains(mark), "{mark}");
    }
    let policy = page.header("content-security-policy").expect("a policy");
    // The digest of nothing: then the page was not found to have the element.
    assert!(!policy.contains("47DEQpj8HBSa"), "{policy}");
    assert!(policy.starts_with("default-src 'none'; script-src 'sha256-"));
}

#[test]
fn names_that_there_are_not_and_what_is_refused_change_nothing() {
    let mock = Mock::with(&json!({"journal_max": 2, "journal_body_max": 3, "ui": false}));
    let check = |operation: &str| {
        let body = json!({"match": {"operation": operation}, "count": 0});
        mock.control("POST", "/verify", &body)
    };
    let refused = check("runFlwo");
    assert_eq!(refused.status, 422, "{refused:?}");
    assert!(refused.body.contains("`runFlow` is"), "{refused:?}");
    assert!(["runFlow", "run*", "listUsers"].map(|it| check(it).status) == [200; 3]);
    let listed = mock.control("GET", "/requests?operation=runFlwo", &Value::Null);
    assert_eq!(listed.status, 422, "{listed:?}");

    mock.control("POST", "/faults", &json!({"kind": "none such"}));
    let armed = mock.control("POST", "/faults", &json!({"kind": "status", "status": 500}));
    assert!(armed.body.contains("\"flt_1\""), "{armed:?}");
    mock.control("DELETE", "/faults", &Value::Null);

    for _ in 0..3 {
        mock.run("echo", &json!({"input_value": "x"}));
    }
    let kept = mock
        .control("GET", "/requests?whole=true", &Value::Null)
        .json();
    assert_eq!((&kept["total"], &kept["forgotten"]), (&json!(2), &json!(1)));
    assert_eq!(kept["items"][0]["body"]["text"], "{\"i");
    assert_eq!(mock.control("GET", "/ui", &Value::Null).status, 404);
}

#[test]
fn answers_say_what_they_are_compared_with_and_echo_their_trace() {
    let mock = Mock::start();
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let answer = mock.call_with(
        &mock.key("admin"),
        &[("traceparent", trace)],
        "GET",
        "/flows",
        &Value::Null,
    );
    assert_eq!(answer.header("traceparent"), Some(trace));
    assert_eq!(answer.header("x-mock-parity"), Some("langflow-1.13.0"));
    assert_eq!(mock.get("/flows").header("traceparent"), None);
}
