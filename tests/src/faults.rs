//! The fault matrix: every kind of fault of the mock, every kind of call, every driver.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use langflow_mock::MockServer;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::driver::Driver;

/// The calls of the matrix, in the order of its columns.
pub const CALLS: [&str; 4] = ["run", "stream", "call", "upload"];

/// A call that nothing ends would take minutes. The longest that ends by itself is 80 kB that come byte by
/// byte, to four languages at once, from a debug build of the mock: 5 to 10 s.
pub const IN_TIME: Duration = Duration::from_secs(20);

/// A fault, and what has to come of it.
#[derive(Debug, Clone, Deserialize)]
pub struct Case {
    /// As the mock takes it.
    pub fault: Value,
    /// By call: `answer`, or the code of the error and `executed` where the server may have done
    /// the work.
    #[serde(flatten)]
    pub expect: BTreeMap<String, String>,
}

/// The matrix from its file.
pub fn load(file: &Path) -> Result<Vec<Case>> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let cases: Vec<Case> = serde_json::from_str(&text)?;
    Ok(cases)
}

/// What became of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// In the words of the matrix.
    pub text: String,
    /// What else is wrong: it took too long, or the mock has a finding.
    pub wrong: Vec<String>,
}

/// Makes one call on a mock of its own, with the fault in each of its requests.
pub async fn cell(driver: &mut Driver, fault: &Value, call: &str, file: &Path) -> Result<Outcome> {
    let mock = MockServer::builder().seed(42).start().await?;
    let client = json!({
        "base_url": mock.url(),
        "api_key": mock.api_key(),
        "max_retries": 1,
        "first_byte_timeout": 0.4,
        "idle_timeout": 0.4,
        "headers": {"x-mock": fault.to_string()},
    });
    let flow = json!({"flow_id": "hello-flow", "input_value": "Hello, how are you?"});
    let call = match call {
        "run" => json!({"method": "run_flow", "args": flow}),
        "stream" => json!({"method": "stream_flow", "args": flow}),
        "call" => json!({"method": "flows.list", "operation": "listFlows", "args": {}}),
        "upload" => json!({"method": "upload", "path": file}),
        other => bail!("there is no call {other:?}"),
    };
    let started = Instant::now();
    let report = driver.perform(&client, &call).await?;
    let took = started.elapsed();
    let mut wrong = Vec::new();
    if took > IN_TIME {
        wrong.push(format!("took {:.1} s", took.as_secs_f64()));
    }
    if report.to_string().contains(mock.api_key()) {
        wrong.push("the key is in the report".to_owned());
    }
    let verdict = get(&mock, "/__mock/verdict").await?;
    for finding in verdict["findings"].as_array().into_iter().flatten() {
        wrong.push(format!(
            "the mock says {}: {}",
            finding["code"], finding["message"]
        ));
    }
    Ok(Outcome {
        text: outcome(&report),
        wrong,
    })
}

fn outcome(report: &Value) -> String {
    let error = &report["error"];
    match error["code"].as_str() {
        Some(code) if error["may_have_executed"] == true => format!("{code}, executed"),
        Some(code) => code.to_owned(),
        None if error.is_null() => "answer".to_owned(),
        None => format!("broken: {error}"),
    }
}

async fn get(mock: &MockServer, path: &str) -> Result<Value> {
    let mut stream = TcpStream::connect(mock.address()).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let body = answer.split_once("\r\n\r\n").context("no answer")?.1;
    serde_json::from_str(body).with_context(|| body.to_owned())
}

/// The matrix as a page of the documentation.
pub fn page(cases: &[Case]) -> String {
    let mut page = String::from(
        "# What comes of faults\n\n\
         Written by the test `tests/tests/faults.rs` from what its calls ended with, in Rust, Python \
         (`Client` and `AsyncClient`) and Node alike: a difference fails the test. Each call met the \
         fault in every one of its requests, with one retry where a retry is safe, and 0.4 s for the \
         first byte and for silence. The mock's verdict had no finding.\n\n\
         - **answer**: the call ended with its answer;\n\
         - otherwise the code of the error, and *may have run* where `may_have_executed` is true.\n\n\
         | fault of the mock | run | stream | call (`GET`) | upload (`POST` with a key) |\n\
         |---|---|---|---|---|\n",
    );
    for case in cases {
        let _ = write!(page, "| `{}` |", shown(&case.fault));
        for call in CALLS {
            let text = case.expect.get(call).map_or("", String::as_str);
            let text = match text.split_once(", ") {
                Some((code, _)) => format!("`{code}`, *may have run*"),
                None if text == "answer" => "**answer**".to_owned(),
                None => format!("`{text}`"),
            };
            let _ = write!(page, " {text} |");
        }
        page.push('\n');
    }
    page
}

fn shown(fault: &Value) -> String {
    let kind = fault["kind"].as_str().unwrap_or_default();
    let rest = fault.as_object().into_iter().flatten();
    let rest: Vec<String> = rest
        .filter(|(name, _)| *name != "kind")
        .map(|(name, value)| match value {
            Value::String(text) => format!("{name}: {text}"),
            other => format!("{name}: {other}"),
        })
        .collect();
    match rest.is_empty() {
        true => kind.to_owned(),
        false => format!("{kind} ({})", rest.join(", ")),
    }
}
