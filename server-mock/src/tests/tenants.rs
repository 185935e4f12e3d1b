//! Workspaces beside the main one.

use serde_json::{Value, json};

use super::support::{Answer, Mock};

fn run(mock: &Mock, key: &str, headers: &[(&str, &str)], path: &str) -> Answer {
    let body = json!({"input_value": "My name is Alice"});
    ask(mock, key, headers, "POST", path, &body)
}

fn ask(
    mock: &Mock,
    key: &str,
    headers: &[(&str, &str)],
    method: &str,
    target: &str,
    body: &Value,
) -> Answer {
    let bearer = format!("Bearer {key}");
    let mut all = vec![("authorization", bearer.as_str())];
    all.extend(headers);
    let body = match body {
        Value::Null => String::new(),
        body => body.to_string(),
    };
    if !body.is_empty() {
        all.push(("content-type", "application/json"));
    }
    mock.raw(method, target, &all, body.as_bytes())
}

const RUN: &str = "/langflow/api/v1/flows/echo/run";

#[test]
fn a_tenant_has_runs_faults_clock_and_journal_of_its_own() {
    let mock = Mock::start();
    let admin = mock.key("admin");
    let of_a = [("x-mock-tenant", "a")];
    assert_eq!(run(&mock, &admin, &of_a, RUN).status, 200);
    assert_eq!(run(&mock, &admin, &[], &format!("/__t/a{RUN}")).status, 200);
    assert_eq!(run(&mock, &format!("mk_a_{admin}"), &[], RUN).status, 200);
    let total = |headers: &[(&str, &str)]| {
        let runs = ask(
            &mock,
            &admin,
            headers,
            "GET",
            "/langflow/api/v1/runs",
            &Value::Null,
        );
        runs.json()["total"].clone()
    };
    assert_eq!((total(&of_a), total(&[])), (json!(3), json!(0)));

    let control =
        |method: &str, path: &str, body: &Value| ask(&mock, &admin, &[], method, path, body);
    let fault = json!({"kind": "status", "status": 503, "scope": "tenant"});
    assert_eq!(control("POST", "/__t/a/__mock/faults", &fault).status, 200);
    assert_eq!(run(&mock, &admin, &of_a, RUN).status, 503);
    assert_eq!(run(&mock, &admin, &[], RUN).status, 200);

    control("POST", "/__t/a/__mock/clock", &json!({"advance": "2d"}));
    let now = |path: &str| control("GET", path, &Value::Null).json()["now"].clone();
    let of_a = now("/__t/a/__mock/clock");
    assert!(of_a.as_str() > now("/__mock/clock").as_str(), "{of_a}");
    let seen = |path: &str| control("GET", path, &Value::Null).json()["total"].clone();
    assert_eq!(seen("/__t/a/__mock/requests?method=POST"), 4);
    assert_eq!(seen("/__mock/requests?method=POST"), 1);
}

#[test]
fn the_default_of_the_main_workspace_holds_in_every_tenant() {
    let mock = Mock::start();
    let admin = mock.key("admin");
    let fault = json!({"kind": "status", "status": 500, "scope": "default"});
    mock.control("POST", "/faults", &fault);
    assert_eq!(
        run(&mock, &admin, &[("x-mock-tenant", "b")], RUN).status,
        500
    );
    let own = json!({"kind": "status", "status": 503, "scope": "tenant"});
    ask(&mock, &admin, &[], "POST", "/__t/b/__mock/faults", &own);
    assert_eq!(
        run(&mock, &admin, &[("x-mock-tenant", "b")], RUN).status,
        503
    );
}

#[test]
fn a_tenant_that_cannot_be_is_said() {
    let mock = Mock::start();
    let admin = mock.key("admin");
    for headers in [[("x-mock-tenant", "a_b")], [("x-mock-tenant", "")]] {
        let answer = run(&mock, &admin, &headers, RUN);
        assert_eq!(answer.problem(), "invalid_parameter", "{headers:?}");
    }
    let two = run(
        &mock,
        &format!("mk_a_{admin}"),
        &[("x-mock-tenant", "b")],
        RUN,
    );
    assert!(two.body.contains("two tenants"), "{}", two.body);
    assert_eq!(two.problem(), "invalid_parameter");
}
