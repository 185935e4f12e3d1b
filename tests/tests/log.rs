//! What each language writes into its log: lines of its calls, and no secret, whatever a server says.
#![allow(clippy::unwrap_used, reason = "a test, its helpers too")]

use std::path::PathBuf;

use conformance::driver::Driver;
use langflow_mock::wire::{ScriptServer, ScriptedReply};
use serde_json::{Value, json};

/// A server that repeats what it was sent, in every place that a log may tell of.
fn replies() -> Vec<ScriptedReply> {
    let headers = json!({"x-request-id": "r-sk-of-the-client-sk-of-a-header-sk-of-the-call"});
    let result = json!({"result": {"output": "x"}, "session_id": "s-sk-of-the-client"});
    let problem = json!({"status": 404, "detail": "x", "request_id": "p-sk-of-the-client"});
    let texts = [
        json!({"headers": headers, "json": result}),
        json!({"status": 404, "headers": {"content-type": "application/problem+json"}, "json": problem}),
        json!({"headers": headers, "json": {"items": [], "total": 0, "page": 1, "size": 50, "pages": 0}}),
    ];
    let replies = texts.into_iter();
    replies
        .map(|reply| serde_json::from_value(reply).unwrap())
        .collect()
}

async fn log_of(name: &str, calls: &[Value]) -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("drivers");
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut driver = Driver::start_logging(name, &folder, file.reopen().unwrap()).unwrap();
    let server = ScriptServer::start(replies()).unwrap();
    let client = json!({
        "base_url": server.url(),
        "api_key": "sk-of-the-client",
        "headers": {"x-token": "sk-of-a-header"},
        "max_retries": 0,
    });
    for call in calls {
        driver.perform(&client, call).await.unwrap();
    }
    drop(driver);
    std::fs::read_to_string(file.path()).unwrap()
}

#[tokio::test]
async fn no_line_of_a_log_has_a_secret() {
    let drivers = std::env::var("CONFORMANCE_DRIVERS").unwrap_or_default();
    let options = json!({"headers": {"x-secret": "sk-of-the-call"}});
    let run = json!({"method": "run_flow", "args": {"flow_id": "f", "input_value": "x"}, "options": options});
    let list =
        json!({"method": "flows.list", "operation": "listFlows", "args": {}, "options": options});
    let calls = [run.clone(), run, list];
    // The crate itself logs nothing of what a server says, and a page has no log.
    for name in drivers
        .split(',')
        .filter(|name| ["python", "python-async", "node", "node-wasm"].contains(name))
    {
        let log = log_of(name, &calls).await;
        for told in [
            "request_id=r-***-***-***",
            "session_id=s-***",
            "request_id=p-***",
        ] {
            assert!(
                log.contains(told),
                "{name}: {told} is not in its log: {log}"
            );
        }
        assert_eq!(
            log.matches("request_id=r-***-***-***").count(),
            2,
            "{name}: {log}"
        );
        assert!(!log.contains("sk-of"), "{name}: {log}");
    }
}
