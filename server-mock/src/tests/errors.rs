//! Everything that a client can get wrong, and what it is told.

use serde_json::{Value, json};

use super::support::Mock;

#[test]
fn routes_and_flows_that_do_not_exist_name_the_nearest() {
    let mock = Mock::start();
    let cases = [
        (
            "/langflow/api/v1/flow/echo/run",
            "/langflow/api/v1/flows/{flow_id}/run",
        ),
        (
            "/langflow/api/v1/flows/echo/rum",
            "/langflow/api/v1/flows/{flow_id}/run",
        ),
        ("/api/v1/version", "/langflow/api/v1/version"),
        ("/version", "/langflow/api/v1/version"),
    ];
    for (path, near) in cases {
        let answer = mock.raw("GET", path, &[], b"");
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (404, "route_not_found")
        );
        assert_eq!(answer.json()["nearest"], near, "{path}");
    }
    for path in [
        "/",
        "/langflow/api/v1/",
        "/langflow/api/v1",
        "//x",
        "/langflow/api/v1/flows/",
    ] {
        assert_eq!(
            mock.raw("GET", path, &[], b"").problem(),
            "route_not_found",
            "{path}"
        );
    }
    let flow = mock.get("/flows/helo-flow");
    assert_eq!(
        (flow.problem().as_str(), &flow.json()["nearest"]),
        ("flow_not_found", &json!("hello-flow"))
    );
    assert_eq!(
        mock.get("/flows/Hello%20flow").json()["nearest"],
        "hello-flow"
    );
    assert!(
        mock.get("/flows/qqqqqqqqqqqqqqqqqq")
            .json()
            .get("nearest")
            .is_none()
    );
    assert_eq!(mock.get("/flows/..%2f..%2fetc").problem(), "flow_not_found");
}

#[test]
fn methods_that_a_route_does_not_take() {
    let mock = Mock::start();
    let answer = mock.call("PUT", "/flows", &json!({}));
    assert_eq!(
        (answer.status, answer.problem().as_str()),
        (405, "method_not_allowed")
    );
    assert_eq!(answer.header("allow"), Some("GET, POST"));
    assert_eq!(
        mock.get("/flows/import").header("allow"),
        None,
        "a flow may have this id"
    );
    assert_eq!(mock.get("/flows/echo/run").header("allow"), Some("POST"));
    let head = mock.call("HEAD", "/version", &Value::Null);
    assert_eq!((head.status, head.body.as_str()), (200, ""));
}

#[test]
fn bodies_are_held_against_the_document() {
    let mock = Mock::start();
    let cases = [
        (json!({}), "missing_field", "input_value"),
        (json!({"input_value": 5}), "invalid_field", "input_value"),
        (
            json!({"input_value": "x", "tweaks": []}),
            "invalid_field",
            "tweaks",
        ),
        (
            json!({"input_value": "x", "tweaks": {"A": 5}}),
            "invalid_field",
            "tweaks.A",
        ),
        (
            json!({"input_value": "x", "session_id": 5}),
            "invalid_field",
            "session_id",
        ),
        (
            json!({"input_value": "x", "stream": "yes"}),
            "invalid_field",
            "stream",
        ),
        (
            json!({"input_value": "x", "sesion_id": "s"}),
            "unknown_field",
            "sesion_id",
        ),
        (json!([]), "invalid_field", ""),
        (Value::from("x"), "invalid_field", ""),
    ];
    for (body, code, field) in cases {
        let answer = mock.call("POST", "/flows/echo/run", &body);
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (422, code),
            "{body}"
        );
        assert_eq!(answer.json()["errors"][0]["field"], field, "{body}");
    }
    let near = mock.call(
        "POST",
        "/flows/echo/run",
        &json!({"input_value": "x", "sesion_id": "s"}),
    );
    assert!(
        near.json()["detail"]
            .as_str()
            .unwrap()
            .contains("did you mean `session_id`")
    );
    assert_eq!(mock.get("/runs").json()["total"], 0, "nothing was run");
    let tweak = json!({"input_value": "x", "tweaks": {"Retriever-xxxxx": {"k": "five"}}});
    let answer = mock.call("POST", "/flows/document-qa/run", &tweak);
    assert_eq!(answer.problem(), "invalid_field");
    assert_eq!(
        answer.json()["errors"][0]["field"],
        "tweaks.Retriever-xxxxx.k"
    );
}

#[test]
fn bodies_that_cannot_be_read() {
    let mock = Mock::with(&json!({"max_body": 1000}));
    let bearer = format!("Bearer {}", mock.key("admin"));
    let key = ("authorization", bearer.as_str());
    let run = "/langflow/api/v1/flows/echo/run";
    let json = ("content-type", "application/json");
    let send = |path, headers: &[_], body: &[u8]| mock.raw("POST", path, headers, body);
    for body in [&b"{"[..], b"", b"{\"input_value\": \"\xff\"}", b"nonsense"] {
        let answer = send(run, &[key, json], body);
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (400, "invalid_json")
        );
    }
    let large = send(run, &[key, json], &[b' '; 1001]);
    assert_eq!(
        (large.status, large.problem().as_str()),
        (413, "body_too_large")
    );
    let ok = br#"{"input_value": "x"}"#;
    let labelled = |label| send(run, &[key, ("content-type", label)], ok).status;
    assert_eq!(
        send(run, &[key], ok).status,
        200,
        "curl may leave the label out"
    );
    assert_eq!(labelled("application/x-www-form-urlencoded"), 200);
    assert_eq!(labelled("application/json; charset=utf-8"), 200);
    assert_eq!(labelled("text/xml"), 415);
    let strict = "/langflow/api/v1/flows";
    let form = send(
        strict,
        &[key, ("content-type", "application/x-www-form-urlencoded")],
        b"{}",
    );
    assert_eq!(
        (form.status, form.problem().as_str()),
        (415, "unsupported_media_type")
    );
    assert_eq!(send(strict, &[key], b"{}").status, 415);
}

#[test]
fn who_sends_too_much_is_told_so_and_not_cut_off() {
    let mock = Mock::start();
    let body = vec![b' '; 11 * 1024 * 1024];
    let bearer = format!("Bearer {}", mock.key("admin"));
    let run = "/langflow/api/v1/flows/echo/run";
    for _ in 0..3 {
        let large = mock.raw("POST", run, &[("authorization", &bearer)], &body);
        assert_eq!(large.problem(), "body_too_large");
        assert_eq!(mock.raw("POST", run, &[], &body).problem(), "missing_key");
        assert_eq!(
            mock.raw("POST", "/nowhere", &[], &body).problem(),
            "route_not_found"
        );
    }
}

#[test]
fn tweaks_that_fit_nothing() {
    let lenient = Mock::start();
    let body = json!({"input_value": "x", "tweaks": {"Nobody-1": {"a": 1}}});
    let answer = lenient.run("echo", &body);
    let id = answer["run_id"].as_str().unwrap();
    let warnings = lenient.get(&format!("/runs/{id}")).json()["warnings"].clone();
    assert!(warnings[0].as_str().unwrap().contains("Nobody-1"));
    let strict = Mock::with(&json!({"strict_tweaks": true}));
    let refused = strict.call("POST", "/flows/echo/run", &body);
    assert_eq!(
        (refused.status, refused.problem().as_str()),
        (422, "unknown_tweak")
    );
    assert_eq!(refused.json()["errors"][0]["field"], "tweaks.Nobody-1");
}

#[test]
fn a_flow_that_fails_says_where() {
    let mock = Mock::start();
    let answer = mock.call(
        "POST",
        "/flows/failing-flow/run",
        &json!({"input_value": "x"}),
    );
    assert_eq!(
        (answer.status, answer.problem().as_str()),
        (500, "run_failed")
    );
    let body = answer.json();
    assert_eq!(body["component_id"], "RaiseError-boom");
    assert!(body["run_id"].is_string());
}

#[test]
fn the_document_is_served() {
    let mock = Mock::start();
    let answer = mock.raw("GET", "/langflow/openapi.json", &[], b"");
    assert_eq!(answer.json()["openapi"], "3.0.3");
    assert!(answer.json()["paths"]["/flows/{flow_id}/run"]["post"].is_object());
    assert_eq!(
        mock.raw("POST", "/langflow/openapi.json", &[], b"").status,
        405
    );
    let version = mock.get("/version").json();
    assert_eq!(version["api"], "langflow-workspace");
    assert!(
        version["features"]
            .as_array()
            .unwrap()
            .contains(&json!("idempotency"))
    );
    mock.server
        .clock()
        .advance(std::time::Duration::from_secs(60));
    assert!(mock.get("/health").json()["uptime"].as_f64().unwrap() >= 60.0);
}
