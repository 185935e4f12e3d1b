//! The mock server against the tools of others.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::{PASSED, cargo, developer_python};
use crate::process::{Counts, command, run_quietly, test};
use crate::tools::{self, root};

/// A mock that runs, and ends with this.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself, which the check has noticed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// See the table of stages. Schemathesis makes requests from the document, good and bad ones: no
/// answer may be a server's error, have a status that is not documented, or another content type.
pub fn schemathesis() -> Result<Counts> {
    run_quietly(&mut cargo(&["build", "-q", "-p", "langflow-mock"]))?;
    let python = tools::python("schemathesis", &["schemathesis>=4.32,<5"])?;
    let program = tools::target()?.join("debug/langflow-mock");
    let serve = ["serve", "--port", "0", "--ready-json", "--exit-with-parent"];
    let mut server = command(&root(), program, &serve);
    server.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut running = Running(server.spawn().context("langflow-mock")?);
    let out = running.0.stdout.take().context("no output of the mock")?;
    let mut line = String::new();
    BufReader::new(out).read_line(&mut line)?;
    let ready: Value = serde_json::from_str(&line).context("the mock did not start")?;
    let text = |name: &str| ready[name].as_str().unwrap_or_default();
    let mut st = command(&tools::work(), python.with_file_name("st"), &["run"]);
    st.arg(format!("{}/langflow/openapi.json", text("url")))
        .arg(format!("--url={}/langflow/api/v1", text("url")))
        .arg(format!(
            "--header=Authorization: Bearer {}",
            text("api_key")
        ))
        .arg("--checks=not_a_server_error,status_code_conformance,content_type_conformance")
        .args(["--phases=examples,coverage,fuzzing", "--max-examples=10"])
        .args(["--seed=42", "--request-timeout=5", "--continue-on-failure"])
        .args(["--no-color", "--suppress-health-check=all"]);
    // Its command line has a key, which no log shall have: it is shown only where it fails.
    run_quietly(&mut st)?;
    Ok(PASSED)
}

/// See the table of stages. The files are those that wheels of langflow-base hold.
pub fn flow_files() -> Result<Counts> {
    let arguments = [
        "-P",
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "tests/flowfiles",
    ];
    let python = developer_python()?;
    test(command(&root(), &python, &arguments).env("LANGFLOW_MOCK_BIN", tools::mock()?))
}
