//! A driver: performs a job and reports. Two are in this process, the others are programs.

use std::fs::File;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::{rust_driver, typed_driver};

/// Time that a job may take: no call of a vector takes longer by itself.
const LIMIT: Duration = Duration::from_secs(20);

/// Something that performs jobs.
pub enum Driver {
    /// The crate, requests from the table.
    Rust,
    /// The crate, requests from progenitor's client.
    RustTyped,
    /// A program.
    Program(Box<Program>),
}

/// A driver program and its pipes.
pub struct Program {
    name: String,
    _child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    jobs: u64,
}

impl Driver {
    /// Starts the driver of this name.
    pub fn start(name: &str, folder: &Path) -> Result<Driver> {
        Driver::begin(name, folder, None)
    }

    /// The same, writing what its language logs into a file.
    pub fn start_logging(name: &str, folder: &Path, log: File) -> Result<Driver> {
        Driver::begin(name, folder, Some(log))
    }

    fn begin(name: &str, folder: &Path, log: Option<File>) -> Result<Driver> {
        let setting =
            |name: &str, default: &str| std::env::var(name).unwrap_or_else(|_| default.to_owned());
        let (program, script) = match name {
            "rust" => return Ok(Driver::Rust),
            "rust-typed" => return Ok(Driver::RustTyped),
            "python" => (setting("CONFORMANCE_PYTHON", "python3"), "python_sync.py"),
            "python-async" => (setting("CONFORMANCE_PYTHON", "python3"), "python_async.py"),
            "node" | "node-wasm" => ("node".to_owned(), "node.mjs"),
            "chromium-wasm" => ("node".to_owned(), "chromium.mjs"),
            other => bail!("there is no driver {other:?}"),
        };
        let mut command = Command::new(&program);
        command
            .arg(folder.join(script))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        for (variable, _) in std::env::vars().filter(|(name, _)| name.starts_with("LANGFLOW")) {
            command.env_remove(variable);
        }
        if let Some(log) = log {
            command.env("LANGFLOW_LOG", "debug").stderr(log);
        }
        match name {
            "node" => command.env("LANGFLOW_ENGINE", "native"),
            "node-wasm" => command.env("LANGFLOW_ENGINE", "wasm"),
            _ => &mut command,
        };
        let mut child = command
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("start {program}"))?;
        let input = child.stdin.take().context("no stdin")?;
        let output = BufReader::new(child.stdout.take().context("no stdout")?).lines();
        let program = Program {
            name: name.to_owned(),
            _child: child,
            input,
            output,
            jobs: 0,
        };
        Ok(Driver::Program(Box::new(program)))
    }

    /// Performs a job; the report is the line that a driver answers with.
    pub async fn perform(&mut self, client: &Value, call: &Value) -> Result<Value> {
        let work = async {
            match self {
                Driver::Rust => Ok(rust_driver::perform(client, call).await),
                Driver::RustTyped => Ok(typed_driver::perform(client, call).await),
                Driver::Program(program) => program.perform(client, call).await,
            }
        };
        match tokio::time::timeout(LIMIT, work).await {
            Ok(report) => report,
            Err(_) => bail!("the call was not over after {} s", LIMIT.as_secs()),
        }
    }
}

impl Program {
    async fn perform(&mut self, client: &Value, call: &Value) -> Result<Value> {
        self.jobs += 1;
        let job = json!({"id": self.jobs, "client": client, "call": call});
        self.input.write_all(format!("{job}\n").as_bytes()).await?;
        self.input.flush().await?;
        loop {
            let line = self.output.next_line().await?;
            let line = line.with_context(|| format!("the driver {} has ended", self.name))?;
            let report: Value = serde_json::from_str(&line).with_context(|| line.clone())?;
            // The late report of a job that took too long.
            if report["id"] == self.jobs {
                return Ok(report);
            }
        }
    }
}
