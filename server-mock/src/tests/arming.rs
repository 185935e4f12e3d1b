//! Which faults strike, when, and how often.

use serde_json::{Value, json};

use super::support::Mock;

#[test]
fn a_fault_can_stand_in_the_url() {
    let mock = Mock::start();
    let fault = "%7B%22kind%22:%22status%22,%22status%22:503%7D";
    let struck = mock.get(&format!("/flows?size=1&__mock={fault}"));
    assert_eq!(struck.status, 503, "{struck:?}");
    let spared = mock.get("/flows?size=1");
    assert_eq!(spared.json()["size"], 1);
    let bad = mock.get("/flows?__mock=%7B%7D&size=1");
    assert_eq!(bad.problem(), "invalid_parameter");
    let late = "%7B%22kind%22:%22latency%22,%22ms%22:1%7D";
    let page = mock.get(&format!("/flows?__mock={late}&size=2"));
    assert_eq!(page.json()["size"], 2, "the rest of the query stays");
}

#[test]
fn an_armed_fault_strikes_once_and_nothing_is_done() {
    let mock = Mock::start();
    let fault = json!({"kind": "status", "status": 500, "match": {"operation": "runFlow"}});
    let armed = mock.control("POST", "/faults", &fault).json();
    assert_eq!((&armed["id"], &armed["left"]), (&json!("flt_1"), &json!(1)));
    let run = || mock.call("POST", "/flows/echo/run", &json!({"input_value": "x"}));
    assert_eq!(mock.get("/runs").json()["total"], 0);
    let failed = run();
    assert_eq!(
        (failed.status, failed.problem().as_str()),
        (500, "run_failed")
    );
    assert!(
        failed
            .header("x-mock-fault")
            .unwrap()
            .starts_with("status; scope=armed; id=flt_1")
    );
    assert_eq!(mock.get("/runs").json()["total"], 0);
    assert_eq!(run().status, 200);
    let faulty = mock
        .control("GET", "/requests?fault=*", &Value::Null)
        .json();
    assert_eq!(
        (&faulty["total"], &faulty["items"][0]["status"]),
        (&json!(1), &json!(500))
    );
}

#[test]
fn rules_last_until_they_are_disarmed_and_a_bad_header_is_said() {
    let mock = Mock::start();
    let fault = json!({"kind": "rate_limited", "scope": "rule", "match": {"method": "GET"}});
    mock.control("POST", "/faults", &fault);
    for _ in 0..3 {
        assert_eq!(mock.get("/runs").status, 429);
    }
    assert_eq!(
        mock.control("DELETE", "/faults/flt_9", &Value::Null).status,
        404
    );
    assert_eq!(
        mock.control("DELETE", "/faults/flt_1", &Value::Null).status,
        204
    );
    assert_eq!(mock.get("/runs").status, 200);
    let bad = mock.call_with(
        &mock.key("admin"),
        &[("x-mock", "{}")],
        "GET",
        "/runs",
        &Value::Null,
    );
    assert_eq!(
        (bad.status, bad.problem().as_str()),
        (400, "invalid_parameter")
    );
    let several = json!({"faults": [{"kind": "reset"}, {"kind": "earthquake"}]});
    assert_eq!(mock.control("POST", "/faults", &several).status, 422);
    let none = mock.control("GET", "/faults", &Value::Null).json();
    assert_eq!(none["items"], json!([]));
}

#[test]
fn quotas_and_outages_end_when_the_clock_says_so() {
    let mock = Mock::start();
    mock.control("POST", "/clock", &json!({"freeze": true}));
    mock.control(
        "POST",
        "/faults",
        &json!({"kind": "quota", "limit": 1, "window": 60}),
    );
    assert_eq!(mock.get("/runs").status, 200);
    mock.control("POST", "/clock", &json!({"advance": 20}));
    let limited = mock.get("/runs");
    assert_eq!(
        (limited.status, limited.header("retry-after")),
        (429, Some("40"))
    );
    mock.control("POST", "/clock", &json!({"advance": 40}));
    assert_eq!(mock.get("/runs").status, 200);
    mock.control("DELETE", "/faults", &Value::Null);
    mock.control(
        "POST",
        "/faults",
        &json!({"kind": "outage", "duration": 30}),
    );
    assert_eq!(mock.get("/runs").status, 503);
    mock.control("POST", "/clock", &json!({"advance": "30s"}));
    assert_eq!(mock.get("/runs").status, 200);
}
