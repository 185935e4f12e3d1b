//! Plays the server for a driver, compares what came of it, and counts.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use langflow_mock::wire::{RecordedRequest, ScriptServer, ScriptedReply};
use langflow_mock::{Fault, MockServer};
use serde_json::{Map, Value, json};

use crate::driver::Driver;
use crate::matching::differences;
use crate::vector::{Expect, Request, Vector};

/// Error classes by code.
pub type Classes = BTreeMap<String, String>;

/// One driver against one vector.
#[derive(Debug)]
pub enum Verdict {
    /// As expected, in so many runs.
    Passed(usize),
    /// What differs.
    Failed(Vec<String>),
    /// The language cannot say it.
    Unsayable(String),
}

/// Error classes by code, from `errors.toml`.
pub fn classes(file: &Path) -> Result<Classes> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let table: toml::Table = text.parse()?;
    let errors = table["error"].as_array().context("error")?;
    let of = |error: &toml::Value, key: &str| error[key].as_str().unwrap_or_default().to_owned();
    Ok(errors
        .iter()
        .map(|error| (of(error, "code"), of(error, "class")))
        .collect())
}

/// Runs a vector on a driver.
pub async fn judge(vector: &Vector, name: &str, driver: &mut Driver, classes: &Classes) -> Verdict {
    if let Some(reason) = vector.skip.get(name) {
        return Verdict::Unsayable(reason.clone());
    }
    let Some((cut, expect_cut)) = vector.cut.as_ref().zip(vector.expect_cut.as_ref()) else {
        return one(vector, name, driver, classes, None, &vector.expect).await;
    };
    let mut failed = Vec::new();
    let length = body_length(&vector.server[0]);
    for at in 0..=length {
        let expect = if at < cut.complete_from {
            expect_cut
        } else {
            &vector.expect
        };
        match one(vector, name, driver, classes, Some(at), expect).await {
            Verdict::Passed(_) => {}
            Verdict::Failed(differences) => {
                failed.extend(
                    differences
                        .into_iter()
                        .map(|text| format!("cut at {at}: {text}")),
                );
            }
            unsayable => return unsayable,
        }
        if failed.len() > 5 {
            break;
        }
    }
    if failed.is_empty() {
        Verdict::Passed(length + 1)
    } else {
        Verdict::Failed(failed)
    }
}

fn body_length(reply: &Value) -> usize {
    match &reply["chunks"] {
        Value::Array(chunks) => chunks
            .iter()
            .map(|chunk| chunk["text"].as_str().unwrap_or_default().len())
            .sum(),
        _ => reply["body"].as_str().unwrap_or_default().len(),
    }
}

async fn one(
    vector: &Vector,
    name: &str,
    driver: &mut Driver,
    classes: &Classes,
    cut: Option<usize>,
    expect: &Expect,
) -> Verdict {
    match attempt(vector, name, driver, classes, cut, expect).await {
        Ok(verdict) => verdict,
        Err(error) => Verdict::Failed(vec![format!("{error:#}")]),
    }
}

async fn attempt(
    vector: &Vector,
    name: &str,
    driver: &mut Driver,
    classes: &Classes,
    cut: Option<usize>,
    expect: &Expect,
) -> Result<Verdict> {
    if let Some(faults) = &vector.mock {
        return on_mock(vector, faults, name, driver, classes, expect).await;
    }
    let mut script = vector.server.clone();
    if let Some(at) = cut {
        script[0]["cut_at"] = json!(at);
    }
    let script: Vec<ScriptedReply> =
        serde_json::from_value(Value::Array(script)).context("`server` is no script")?;
    // Without a script nothing may be sent; a server that answers 500 shows if it is.
    let script = match script.is_empty() {
        true => serde_json::from_value(json!([{"status": 500}]))?,
        false => script,
    };
    let server = ScriptServer::start(script)?;
    let mut client = vector.client.clone();
    let base = format!("{}{}", server.url(), vector.url);
    client.entry("base_url").or_insert_with(|| json!(base));
    let report = driver.perform(&Value::Object(client), &vector.call).await?;
    if report["unsayable"] == true {
        return Ok(Verdict::Unsayable(
            "its types cannot say this call".to_owned(),
        ));
    }
    let mut found = compare(expect, &report, name, classes);
    let text = report.to_string();
    for secret in vector.absent.iter().filter(|secret| text.contains(*secret)) {
        found.push(format!("{secret:?} occurs in the report"));
    }
    // Whatever the vector is about: its key is in no report.
    if let Some(key) = vector.client.get("api_key").and_then(Value::as_str) {
        let key = key.trim().trim_start_matches("Bearer ");
        if key.len() > 4 && report["error"].to_string().contains(key) {
            found.push("the key is in the error".to_owned());
        }
    }
    let requests = server.requests();
    match &vector.requests {
        Some(expected) => found.extend(compare_requests(expected, &requests)),
        None if vector.server.is_empty() && !requests.is_empty() => {
            found.push(format!(
                "{} requests were sent, none was expected",
                requests.len()
            ));
        }
        None => {}
    }
    Ok(if found.is_empty() {
        Verdict::Passed(1)
    } else {
        Verdict::Failed(found)
    })
}

/// A vector on the mock, which runs the flows itself and may find nothing wrong with the client.
async fn on_mock(
    vector: &Vector,
    faults: &[Map<String, Value>],
    name: &str,
    driver: &mut Driver,
    classes: &Classes,
    expect: &Expect,
) -> Result<Verdict> {
    let mock = MockServer::builder().seed(42).start().await?;
    for armed in faults {
        let kind = armed["kind"].as_str().context("a fault has a `kind`")?;
        let values = armed.iter().filter(|(name, _)| *name != "kind");
        let fault = values.fold(Fault::kind(kind), |fault, (name, value)| {
            fault.with(name, value.clone())
        });
        mock.fault(fault)
            .map_err(|refused| anyhow::anyhow!("{kind}: {refused}"))?;
    }
    let mut client = vector.client.clone();
    client.insert("base_url".to_owned(), json!(mock.url()));
    client.insert("api_key".to_owned(), json!(mock.api_key()));
    let report = driver.perform(&Value::Object(client), &vector.call).await?;
    if report["unsayable"] == true {
        return Ok(Verdict::Unsayable(
            "its types cannot say this call".to_owned(),
        ));
    }
    let mut found = compare(expect, &report, name, classes);
    if report.to_string().contains(mock.api_key()) {
        found.push("the key is in the report".to_owned());
    }
    for finding in mock.verdict()["findings"].as_array().into_iter().flatten() {
        found.push(format!(
            "the mock says {}: {}",
            finding["code"], finding["message"]
        ));
    }
    Ok(match found.is_empty() {
        true => Verdict::Passed(1),
        false => Verdict::Failed(found),
    })
}

fn compare(expect: &Expect, report: &Value, driver: &str, classes: &Classes) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(result) = &expect.result {
        if !report["error"].is_null() {
            return vec![format!(
                "expected a result, found the error {}",
                report["error"]
            )];
        }
        // Progenitor's client answers with the server's own shape.
        let typed = driver == "rust-typed" && !report["result"]["raw"].is_null();
        match (typed, result.get("raw")) {
            (true, None) => {}
            (true, Some(raw)) => {
                found.extend(differences(raw, &report["result"]["raw"], "result.raw"));
            }
            _ => found.extend(differences(result, &report["result"], "result")),
        }
    }
    if let Some(events) = &expect.events {
        let there = report["events"].as_array().cloned().unwrap_or_default();
        let expected = Value::Array(events.clone());
        if events.len() == there.len() {
            found.extend(differences(&expected, &Value::Array(there), "events"));
        } else {
            let error = &report["error"];
            found.push(format!(
                "expected {} events, found {there:?}, error {error}",
                events.len()
            ));
        }
        if expect.error.is_none() && !report["error"].is_null() {
            found.push(format!(
                "the stream ended with the error {}",
                report["error"]
            ));
        }
    }
    if let Some(error) = &expect.error {
        if report["error"].is_null() {
            found.push(format!("expected an error, found {report}"));
            return found;
        }
        let mut wanted = error.clone();
        if let Some(class) = error["code"].as_str().and_then(|code| classes.get(code)) {
            wanted["class"] = json!(class);
        }
        found.extend(differences(&wanted, &report["error"], "error"));
        if report["error"]["hint"].as_str().is_none_or(str::is_empty) {
            found.push("the error has no hint".to_owned());
        }
    }
    found
}

fn compare_requests(expected: &[Request], found: &[RecordedRequest]) -> Vec<String> {
    let line = |request: &RecordedRequest| format!("{} {}", request.method, request.target);
    if expected.len() != found.len() {
        let there: Vec<String> = found.iter().map(line).collect();
        return vec![format!(
            "expected {} requests, the server saw {there:?}",
            expected.len()
        )];
    }
    let mut differing = Vec::new();
    for (at, (wanted, request)) in expected.iter().zip(found).enumerate() {
        let place = format!("requests[{at}]");
        let line_wanted = format!("{} {}", wanted.method, wanted.target);
        if line_wanted != line(request) {
            differing.push(format!(
                "{place}: expected {line_wanted:?}, saw {:?}",
                line(request)
            ));
        }
        for (name, value) in &wanted.headers {
            let there = request.header(name);
            let fits = match value.as_deref() {
                Some("*") => there.is_some_and(|text| !text.is_empty()),
                Some(text) if text.starts_with('~') => {
                    there.is_some_and(|found| found.contains(&text[1..]))
                }
                value => there == value,
            };
            if !fits {
                differing.push(format!(
                    "{place}: header {name}: expected {value:?}, saw {there:?}"
                ));
            }
        }
        if let Some(json) = &wanted.json {
            let body: Value = serde_json::from_str(&request.body).unwrap_or(Value::Null);
            // Exactly this body: nothing less, and nothing that nobody asked for.
            if sorted(json) != sorted(&body) {
                differing.push(format!(
                    "{place}: expected the body {json}, saw {}",
                    request.body
                ));
            }
        }
        if let Some(text) = wanted.text.as_ref().filter(|text| **text != request.body) {
            differing.push(format!(
                "{place}: expected the body {text:?}, saw {:?}",
                request.body
            ));
        }
    }
    differing
}

/// Objects are equal whatever the order of their fields.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let ordered: BTreeMap<_, _> = map.iter().map(|(k, v)| (k.clone(), sorted(v))).collect();
            Value::Object(Map::from_iter(ordered))
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}
