//! Runs that real servers of 1.2 to 1.13 streamed, through the whole client: each ends with the text,
//! or with a typed error, as its expectation says.
#![allow(clippy::unwrap_used, reason = "a test, its helpers too")]

use std::path::{Path, PathBuf};

use futures::StreamExt as _;
use langflow_client::{Client, ErrorCode, Event, LangflowError, RunRequest, RunResult};
use langflow_mock::wire::ScriptServer;
use serde_json::{Value, json};

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files(&path, found),
            false if path.to_str().unwrap().ends_with(".expect.json") => found.push(path),
            false => {}
        }
    }
}

/// What came of a stream, and the text of its tokens.
async fn follow(body: String) -> (Result<RunResult, LangflowError>, String) {
    let script =
        json!([{"headers": {"content-type": "text/event-stream; charset=utf-8"}, "body": body}]);
    let server = ScriptServer::start(serde_json::from_value(script).unwrap()).unwrap();
    let client = Client::builder()
        .base_url(server.url())
        .api("langflow")
        .build()
        .unwrap();
    let mut stream = client
        .stream_flow(RunRequest::new("f", "hello"))
        .await
        .unwrap();
    let mut text = String::new();
    while let Some(event) = stream.next().await {
        match event {
            Ok(Event::Token { text: piece, .. }) => text.push_str(&piece),
            Ok(Event::End { result, .. }) => return (Ok(*result), text),
            Ok(_) => {}
            Err(error) => return (Err(error), text),
        }
    }
    panic!("the stream had no end");
}

#[tokio::test]
async fn every_captured_run_ends_with_its_text_or_a_typed_error() {
    let mut found = Vec::new();
    files(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("captures"),
        &mut found,
    );
    let mut runs = 0;
    for path in found {
        let expected: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        if expected["protocol"] != "run" {
            continue;
        }
        runs += 1;
        let name = path.display();
        let raw = path.to_str().unwrap().replace(".expect.json", ".raw");
        let (outcome, said) = follow(std::fs::read_to_string(raw).unwrap()).await;
        let wanted = &expected["outcome"];
        if wanted["unfinished"] == true {
            let error = outcome.expect_err(&name.to_string());
            assert!(error.is(ErrorCode::StreamInterrupted), "{name}: {error:?}");
            assert_eq!(
                error.info().partial_text.as_deref(),
                Some(said.as_str()),
                "{name}"
            );
        } else if !wanted["error"].is_null() {
            let error = outcome.expect_err(&name.to_string());
            assert!(error.is(ErrorCode::RunFailed), "{name}: {error:?}");
            assert!(
                !error.info().message.contains("said nothing more"),
                "{name}: {error:?}"
            );
        } else {
            let texts = wanted["texts"]
                .as_array()
                .or(wanted["deltas"].as_array())
                .unwrap();
            let result = outcome.unwrap_or_else(|error| panic!("{name}: {error:?}"));
            for text in texts {
                let there = result.outputs.values().any(|output| output.value == *text);
                assert!(there, "{name}: {text} is no output of {:?}", result.outputs);
            }
            if let [text] = texts.as_slice() {
                assert_eq!(result.output.as_str(), text.as_str(), "{name}");
                // Tokens, or the text once where there were none.
                assert_eq!(Some(said.as_str()), text.as_str(), "{name}");
            }
        }
    }
    assert!(runs >= 50, "only {runs} runs");
}
