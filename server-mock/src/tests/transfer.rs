//! Archives of flows, flow files as editors write them, and the page about the API.

use std::path::Path;

use serde_json::{Value, json};

use super::support::{Answer, Mock};
use crate::http::zip;

fn send(mock: &Mock, archive: &[u8], headers: &[(&str, &str)]) -> Answer {
    let bearer = format!("Bearer {}", mock.key("write"));
    let mut all = vec![
        ("authorization", bearer.as_str()),
        ("content-type", "application/zip"),
    ];
    all.extend(headers);
    mock.raw("POST", "/langflow/api/v1/flows/import", &all, archive)
}

#[test]
fn an_archive_of_flows_is_imported_whole_or_not_at_all() {
    let mock = Mock::with(&json!({"max_body": 200_000}));
    let echo = mock.get("/flows/echo/export").body;
    let hello = mock.get("/flows/hello-flow/export").body;
    let both = format!("{{\"flows\": [{hello}]}}");
    let good: [(&str, &[u8]); 2] = [
        ("echo.json", echo.as_bytes()),
        ("more/x.json", both.as_bytes()),
    ];
    let made = send(&mock, &zip(&good, true), &[]);
    assert_eq!(made.status, 201, "{made:?}");
    let flows = made.json()["flows"].clone();
    assert_eq!(
        (&flows[0]["name"], &flows[1]["name"]),
        (&json!("Echo"), &json!("Hello flow"))
    );
    let again = format!("/flows/{}/export", flows[0]["id"].as_str().unwrap());
    let exported: Value = mock.get(&again).json();
    let original: Value = serde_json::from_str(&echo).unwrap();
    assert_eq!(exported["data"], original["data"]);
    let zeros = vec![b' '; 300_000];
    let damaged = &zip(&good, true)[..100];
    let refused: [(Vec<u8>, u16, &str, &str); 6] = [
        (b"no archive".to_vec(), 422, "invalid_flow", ""),
        (damaged.to_vec(), 422, "invalid_flow", ""),
        (zip(&[("a.txt", b"x")], true), 422, "invalid_flow", ""),
        (
            zip(&[good[0], ("b.json", b"{")], true),
            422,
            "invalid_flow",
            "b.json",
        ),
        (
            zip(&[good[0], ("b.json", b"{\"name\": \"x\"}")], true),
            422,
            "missing_field",
            "b.json",
        ),
        (
            zip(&[good[0], ("bomb.json", &zeros)], true),
            413,
            "body_too_large",
            "",
        ),
    ];
    for (archive, status, code, field) in refused {
        let answer = send(&mock, &archive, &[]);
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (status, code),
            "{answer:?}"
        );
        let named = answer.json()["errors"][0]["field"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        assert!(named.starts_with(field), "{answer:?}");
    }
    assert_eq!(mock.get("/flows").json()["total"], 8);
    let key = [("idempotency-key", "one")];
    let first = send(&mock, &zip(&good[..1], true), &key);
    assert_eq!(send(&mock, &zip(&good[..1], true), &key).body, first.body);
    let other = send(&mock, &zip(&good, true), &key);
    assert_eq!(other.problem(), "idempotency_mismatch");
}

#[test]
fn flow_files_of_editors_are_taken_as_they_are() {
    let mock = Mock::with(&json!({"seed_flows": false}));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sdk-core/export/tests/flows");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let file: Value = serde_json::from_str(&text).unwrap();
        let made = mock.call("POST", "/flows/import", &file);
        assert_eq!(made.status, 201, "{made:?}");
        let id = made.json()["flows"][0]["id"].as_str().unwrap().to_owned();
        let exported = mock.get(&format!("/flows/{id}/export")).json();
        assert_eq!(exported["name"], file["name"]);
        let nodes = |file: &Value| file["data"]["nodes"].as_array().unwrap().len();
        assert_eq!(nodes(&exported), nodes(&file));
        assert_eq!(exported["data"]["edges"], file["data"]["edges"]);
        count += 1;
    }
    assert!(count >= 4);
}

#[test]
fn the_page_about_the_api_is_one_file_that_asks_for_nothing() {
    let mock = Mock::start();
    let page = mock.raw("GET", "/langflow/docs", &[], b"");
    assert_eq!(
        (page.status, page.header("content-type")),
        (200, Some("text/html; charset=utf-8"))
    );
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    for operation in &crate::contract::contract().operations {
        assert!(
            page.body.contains(&format!("id=\"{}\"", operation.id)),
            "{}",
            operation.id
        );
        assert!(page.body.contains(&operation.path), "{}", operation.path);
    }
    for outside in ["src=", "@import", "url(", "<script", "<link"] {
        assert!(!page.body.contains(outside), "{outside}");
    }
    // What stands in the document is text, whatever it looks like.
    assert!(!page.body.contains("<key>") && page.body.contains("<table>"));
    let post = mock.raw("POST", "/langflow/docs", &[], b"");
    assert_eq!(
        (post.problem().as_str(), post.header("allow")),
        ("method_not_allowed", Some("GET"))
    );
}

#[test]
fn a_flow_is_exported_as_a_program_or_its_components_are_named() {
    let mock = Mock::start();
    let answer = mock.get("/flows/hello-flow/export?format=python");
    assert_eq!(answer.status, 200);
    let program = answer.body.clone();
    assert!(program.contains("def run(input_value"), "{program}");
    assert!(!program.contains("import langflow"), "{program}");
    let file = serde_json::json!({"name": "Hook", "data": {
        "nodes": [
            {"id": "Webhook-a", "data": {"type": "Webhook", "node": {"template": {}}}},
            {"id": "ChatOutput-b", "data": {"type": "ChatOutput", "node": {"template": {}}}}],
        "edges": [{"source": "Webhook-a", "target": "ChatOutput-b",
            "sourceHandle": {"id": "Webhook-a", "name": "output_data"},
            "targetHandle": {"id": "ChatOutput-b", "fieldName": "input_value"}}]}});
    let made = mock.call("POST", "/flows/import", &file).json();
    let id = made["flows"][0]["id"].as_str().unwrap().to_owned();
    let answer = mock.get(&format!("/flows/{id}/export?format=python"));
    assert_eq!(
        (answer.status, answer.problem().as_str()),
        (422, "export_not_possible")
    );
    assert!(
        answer.json()["detail"]
            .as_str()
            .unwrap()
            .contains("Webhook-a")
    );
}
