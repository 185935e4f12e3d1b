//! Web pages of other origins.

use serde_json::{Value, json};

use super::support::{Answer, Mock};

const FLOWS: &str = "/langflow/api/v1/flows";

fn ask(mock: &Mock, origin: &str, first: bool, path: &str) -> Answer {
    let bearer = format!("Bearer {}", mock.key("admin"));
    let mut headers = vec![("origin", origin)];
    if first {
        headers.push(("access-control-request-method", "POST"));
        headers.push(("access-control-request-headers", "authorization"));
    } else {
        headers.push(("authorization", &bearer));
    }
    mock.raw(if first { "OPTIONS" } else { "GET" }, path, &headers, b"")
}

#[test]
fn nobody_is_let_in_unless_told() {
    let mock = Mock::start();
    let answer = ask(&mock, "http://app.example", false, FLOWS);
    assert_eq!(answer.header("access-control-allow-origin"), None);
    assert_eq!(ask(&mock, "http://app.example", true, FLOWS).status, 405);
}

#[test]
fn the_origins_that_are_named_may_use_the_api_and_not_the_double() {
    let mock = Mock::with(&json!({"cors": "http://app.example, http://localhost:5173"}));
    let origin = "http://localhost:5173";
    let first = ask(&mock, origin, true, FLOWS);
    assert_eq!((first.status, first.body.as_str()), (204, ""));
    assert_eq!(first.header("access-control-allow-origin"), Some(origin));
    assert_eq!(
        first.header("access-control-allow-headers"),
        Some("authorization")
    );
    assert_eq!(first.header("vary"), Some("origin"));
    let methods = first
        .header("access-control-allow-methods")
        .unwrap_or_default();
    assert!(methods.contains("PATCH"), "{methods}");
    let requests = mock.control("GET", "/requests", &Value::Null).json();
    assert_eq!(
        requests["total"], 0,
        "a page that asks first has not called yet"
    );
    let then = ask(&mock, origin, false, FLOWS);
    assert_eq!(
        (then.status, then.header("access-control-allow-origin")),
        (200, Some(origin))
    );
    let exposed = then
        .header("access-control-expose-headers")
        .unwrap_or_default();
    assert!(exposed.contains("x-request-id"), "{exposed}");
    // A page has to be able to read what is wrong, too.
    let wrong = ask(&mock, origin, false, "/langflow/api/v1/flwos");
    assert_eq!(
        (wrong.status, wrong.header("access-control-allow-origin")),
        (404, Some(origin))
    );
    for stranger in ["http://evil.example", "null", "http://localhost:51731"] {
        let answer = ask(&mock, stranger, false, FLOWS);
        assert_eq!(
            answer.header("access-control-allow-origin"),
            None,
            "{stranger}"
        );
    }
    for path in ["/__mock/state", "/__t/a/__mock/state"] {
        let control = ask(&mock, "http://app.example", false, path);
        assert_eq!(
            (
                control.status,
                control.header("access-control-allow-origin")
            ),
            (403, None)
        );
        assert_ne!(
            ask(&mock, "http://app.example", true, path).status,
            204,
            "{path}"
        );
    }
    let any = Mock::with(&json!({"cors": "*"}));
    let answer = ask(&any, "http://evil.example", false, FLOWS);
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
}
