//! Runs that real servers of 1.2 to 1.13 streamed, through the whole client, by each of their routes:
//! each ends with the text, or with a typed error, as its expectation says. Left out is `agui`, a form
//! of v2 that this client never asks for.
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

/// What came of a stream, and the text of its tokens. Runs of v2 are followed as jobs, which is how
/// this client meets them.
async fn follow(
    protocol: &str,
    body: String,
    version: &str,
) -> (Result<RunResult, LangflowError>, String) {
    let script = json!([
        {"headers": {"content-type": "text/event-stream; charset=utf-8"}, "body": body},
        {"json": {"version": version, "main_version": version, "package": "Langflow Base"}},
    ]);
    let server = ScriptServer::start(serde_json::from_value(script).unwrap()).unwrap();
    let api = match protocol {
        "responses" => "responses",
        _ => "langflow",
    };
    let client = Client::builder().base_url(server.url()).api(api);
    let client = client.build().unwrap();
    let mut text = String::new();
    let opened = match protocol {
        "v2" => client.job("j").events(None).await,
        _ => client.stream_flow(RunRequest::new("f", "hello")).await,
    };
    let mut stream = match opened {
        Ok(stream) => stream,
        Err(error) => return (Err(error), text),
    };
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

/// Captures by protocol, with what has to come of each.
fn captured(protocol: &str) -> Vec<(PathBuf, Value)> {
    let mut found = Vec::new();
    files(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("captures"),
        &mut found,
    );
    let read = |path: PathBuf| {
        let expected: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        (path, expected)
    };
    let all = found.into_iter().map(read);
    all.filter(|(_, expected)| expected["protocol"] == protocol)
        .collect()
}

/// The release that a capture came from, as one without its page says it: 0.11.6 for 1.11.6.
fn version(path: &Path) -> String {
    let mut parts = path.iter().map(|part| part.to_str().unwrap());
    let old = parts.find(|part| *part == "old").and(parts.next());
    old.map_or("1.13.0".to_owned(), |old| old.replacen("1.", "0.", 1))
}

/// Whether the server sent the first piece twice, which the bytes alone do not tell.
fn doubled(protocol: &str, version: &str) -> bool {
    let releases = ["0.7.", "0.8.", "0.9.", "0.10.", "0.11."];
    protocol == "responses" && releases.iter().any(|release| version.starts_with(release))
}

async fn every_one_ends(protocol: &str, at_least: usize) {
    let all = captured(protocol);
    assert!(all.len() >= at_least, "only {} of {protocol}", all.len());
    for (path, expected) in all {
        let name = path.display();
        let raw = path.to_str().unwrap().replace(".expect.json", ".raw");
        let body = std::fs::read_to_string(&raw).unwrap();
        let version = version(&path);
        let (outcome, said) = follow(protocol, body, &version).await;
        let wanted = &expected["outcome"];
        let failed_with = |code: ErrorCode| {
            let error = outcome.as_ref().expect_err(&name.to_string());
            assert!(error.is(code), "{name}: {error:?}");
            let partial = error.info().partial_text.as_deref();
            assert_eq!(partial, Some(said.as_str()), "{name}");
            assert!(
                !error.info().message.contains("said nothing more"),
                "{name}: {error:?}"
            );
        };
        if wanted["unfinished"] == true {
            failed_with(ErrorCode::StreamInterrupted);
        } else if wanted["cancelled"] == true {
            failed_with(ErrorCode::Cancelled);
        } else if let Some(text) = wanted["error"].as_str() {
            failed_with(ErrorCode::RunFailed);
            if protocol != "run" {
                let message = &outcome.unwrap_err().info().message.clone();
                // A message is one line, whatever the server says.
                let line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
                assert!(line(message).contains(&line(text)), "{name}: {message}");
            }
        } else if wanted["empty"] == true {
            // Ended well, without any text: no answer, or one whose texts are all empty.
            let result = outcome.unwrap_or_else(|error| panic!("{name}: {error:?}"));
            assert!(result.output.as_str().is_none(), "{name}: {result:?}");
            assert_eq!(said, "", "{name}");
        } else {
            let texts = wanted["texts"].as_array().or(wanted["deltas"].as_array());
            let mut texts = texts.unwrap().clone();
            if doubled(protocol, &version) {
                let text = texts[0].as_str().unwrap();
                texts[0] = text.strip_prefix("one").unwrap().into();
            }
            let result = outcome.unwrap_or_else(|error| panic!("{name}: {error:?}"));
            if raw.contains("stop_component") {
                // Stopped before any component that puts out: what was said is there, as pieces.
                assert_eq!(Some(said.as_str()), texts[0].as_str(), "{name}");
                assert!(result.outputs.is_empty(), "{name}: {result:?}");
                continue;
            }
            for text in &texts {
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
}

#[tokio::test]
async fn every_captured_run_ends_with_its_text_or_a_typed_error() {
    every_one_ends("run", 50).await;
}

#[tokio::test]
async fn every_captured_response_does() {
    every_one_ends("responses", 13).await;
}

#[tokio::test]
async fn every_captured_workflow_does() {
    every_one_ends("v2", 25).await;
}
