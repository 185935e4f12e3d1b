//! Whatever is wrong with a request: the answer names it, and nothing has changed.

use serde_json::{Value, json};

use super::support::Mock;
use crate::http::zip;

const RUN: &str = "/langflow/api/v1/flows/echo/run";
const FLOWS: &str = "/langflow/api/v1/flows";
const IMPORT: &str = "/langflow/api/v1/flows/import";
const KEYS: &str = "/langflow/api/v1/api-keys";

/// All that the workspace and its double hold, but for the number of the next request.
fn everything(mock: &Mock) -> Value {
    let mut state = mock.control("GET", "/state", &Value::Null).json();
    let next = state["ids"]["next"].as_object_mut().expect("counters");
    next.remove("req");
    let of = |path: &str| mock.control("GET", path, &Value::Null).json();
    json!([
        state,
        of("/faults"),
        of("/scripts"),
        of("/snapshots"),
        of("/clock")
    ])
}

struct Case<'a> {
    method: &'a str,
    target: &'a str,
    media: &'a str,
    body: &'a [u8],
    status: u16,
    code: &'a str,
    /// The field that is named first.
    field: &'a str,
}

fn hold(mock: &Mock, cases: &[Case]) {
    let bearer = format!("Bearer {}", mock.key("admin"));
    // The key was used once, at this moment; the clock stands still.
    mock.get("/flows");
    let before = everything(mock);
    for case in cases {
        let headers = [
            ("authorization", bearer.as_str()),
            ("content-type", case.media),
        ];
        let told = format!("{} {}", case.method, case.target);
        let answer = mock.raw(case.method, case.target, &headers, case.body);
        let code = answer.problem();
        assert_eq!(
            (answer.status, code.as_str()),
            (case.status, case.code),
            "{told}: {answer:?}"
        );
        let body = answer.json();
        assert_eq!(body["errors"][0]["field"], case.field, "{told}: {answer:?}");
        let message = body["errors"][0]["message"].as_str().unwrap_or_default();
        assert!(!message.is_empty(), "{told}: {answer:?}");
        assert!(
            body["detail"].as_str().is_some_and(|it| it.len() > 10),
            "{told}"
        );
        assert_eq!(everything(mock), before, "{told} changed something");
    }
}

fn mock() -> Mock {
    let mock = Mock::with(&json!({"max_body": 20_000}));
    let freeze = json!({"freeze": "2026-01-01T00:00:00Z", "reset": true});
    assert_eq!(mock.control("POST", "/clock", &freeze).status, 200);
    mock
}

#[test]
fn of_the_product() {
    let mock = mock();
    let json = "application/json";
    let case = |target, body, status, code, field| Case {
        method: "POST",
        target,
        media: json,
        body,
        status,
        code,
        field,
    };
    let large = vec![b' '; 20_001];
    let deep = "[".repeat(5_000);
    let zeros = vec![b'0'; 5_000_000];
    let bomb = zip(&[("a.json", &zeros)], true);
    assert!(bomb.len() < 20_000);
    let many: Vec<(&str, &[u8])> = vec![("a.json", b"1"); 150];
    let wrong = zip(&many, false);
    let outside = zip(&[("../../etc/passwd.json", b"{\"name\": 5}")], true);
    let zipped = |body, status, code, field| Case {
        media: "application/zip",
        ..case(IMPORT, body, status, code, field)
    };
    let cases = [
        // Size, and what is no JSON: what and where.
        case(RUN, large.as_slice(), 413, "body_too_large", "body"),
        case(RUN, b"{\"input_value\": ", 400, "invalid_json", "body"),
        case(RUN, b"", 400, "invalid_json", "body"),
        case(
            RUN,
            b"{\"input_value\": \"\xff\"}",
            400,
            "invalid_json",
            "body",
        ),
        case(RUN, deep.as_bytes(), 400, "invalid_json", "body"),
        // Types, and fields that are missing or unknown.
        case(
            RUN,
            b"{\"input_value\": 5}",
            422,
            "invalid_field",
            "input_value",
        ),
        case(RUN, b"{}", 422, "missing_field", "input_value"),
        case(
            RUN,
            b"{\"input_value\": \"x\", \"inptu\": 1}",
            422,
            "unknown_field",
            "inptu",
        ),
        case(
            RUN,
            b"{\"input_value\": \"x\", \"tweaks\": {\"A\": 5}}",
            422,
            "invalid_field",
            "tweaks.A",
        ),
        case(FLOWS, b"{\"name\": {}}", 422, "invalid_field", "name"),
        case(
            KEYS,
            b"{\"name\": \"x\", \"permissions\": [\"root\"]}",
            422,
            "invalid_field",
            "permissions[0]",
        ),
        case(
            "/langflow/api/v1/flows?sizee=2",
            b"{\"name\": \"x\"}",
            400,
            "unknown_parameter",
            "sizee",
        ),
        case(
            "/langflow/api/v1/flows/import?on_conflict=maybe",
            b"{\"name\": \"x\", \"data\": {\"nodes\": [], \"edges\": []}}",
            400,
            "invalid_parameter",
            "on_conflict",
        ),
        // What it is called.
        Case {
            media: "text/xml",
            ..case(RUN, b"<x/>", 415, "unsupported_media_type", "Content-Type")
        },
        Case {
            media: "application/x-www-form-urlencoded",
            ..case(FLOWS, b"{}", 415, "unsupported_media_type", "Content-Type")
        },
        // Archives.
        zipped(bomb.as_slice(), 413, "body_too_large", "body"),
        zipped(b"PK nothing", 422, "invalid_flow", "body"),
        zipped(wrong.as_slice(), 422, "invalid_field", "a.json"),
        zipped(
            outside.as_slice(),
            422,
            "invalid_field",
            "../../etc/passwd.json: data",
        ),
    ];
    hold(&mock, &cases);
    // Where JSON breaks off is said by line and column.
    let bearer = format!("Bearer {}", mock.key("admin"));
    let headers = [("authorization", bearer.as_str()), ("content-type", json)];
    let answer = mock.raw("POST", RUN, &headers, b"{\n  \"input_value\": x}");
    let message = answer.json()["errors"][0]["message"].to_string();
    assert!(message.contains("line 2 column 18"), "{message}");
}

#[test]
fn of_the_control_api() {
    let mock = mock();
    let case = |method, target, body, status, code, field| Case {
        method,
        target,
        media: "application/json",
        body,
        status,
        code,
        field,
    };
    let cases = [
        case(
            "POST",
            "/__mock/clock",
            b"{\"advance\": }",
            400,
            "invalid_json",
            "body",
        ),
        case("POST", "/__mock/clock", b"[]", 422, "invalid_field", "body"),
        case(
            "POST",
            "/__mock/clock",
            b"{\"advance\": \"soon\"}",
            422,
            "invalid_field",
            "advance",
        ),
        case(
            "POST",
            "/__mock/clock",
            b"{\"advanec\": 1}",
            422,
            "unknown_field",
            "advanec",
        ),
        case(
            "POST",
            "/__mock/faults",
            b"{\"kind\": 5}",
            422,
            "invalid_field",
            "kind",
        ),
        case(
            "POST",
            "/__mock/scripts",
            b"{\"text\": 5}",
            422,
            "invalid_field",
            "text",
        ),
        case(
            "POST",
            "/__mock/reset",
            b"{\"scopes\": \"state\"}",
            422,
            "invalid_field",
            "scopes",
        ),
        case(
            "POST",
            "/__mock/seed",
            b"{\"seed\": \"x\"}",
            422,
            "invalid_field",
            "seed",
        ),
        case(
            "GET",
            "/__mock/requests?colour=red",
            b"",
            400,
            "unknown_parameter",
            "colour",
        ),
    ];
    hold(&mock, &cases);
}

#[test]
fn paths_that_play_tricks_are_ids_and_nothing_else() {
    let mock = mock();
    mock.get("/flows");
    let before = everything(&mock);
    let ids = [
        "..%2f..%2fetc%2fpasswd",
        "%2e%2e",
        "..%5c..",
        "a%00b",
        "%0d%0ax-evil:%201",
        "%ff",
        "echo%2frun",
        "echo;x=1",
        "%F0%9F%92%A5",
    ];
    for id in ids {
        for (method, rest) in [
            ("GET", ""),
            ("DELETE", ""),
            ("POST", "/duplicate"),
            ("GET", "/export"),
        ] {
            let answer = mock.call(method, &format!("/flows/{id}{rest}"), &Value::Null);
            let code = answer.problem();
            assert!(
                answer.status == 404
                    && ["flow_not_found", "route_not_found"].contains(&code.as_str()),
                "{method} {id}{rest}: {answer:?}"
            );
            assert_eq!(answer.header("x-evil"), None);
        }
        let session = mock.get(&format!("/flows/echo/sessions/{id}"));
        assert_eq!(session.status, 404, "{session:?}");
    }
    for target in [
        "/langflow/api/v1/../../__mock/state",
        "/langflow/api/v1/flows/../runs",
        "//__mock/state",
    ] {
        let bearer = format!("Bearer {}", mock.key("admin"));
        let answer = mock.raw("GET", target, &[("authorization", &bearer)], b"");
        assert_eq!(answer.problem(), "route_not_found", "{target}");
    }
    assert_eq!(everything(&mock), before);
}
