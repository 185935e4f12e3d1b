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
