//! The front door: the documented example, in three languages, on the embedded mock server.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::process::{command, run, run_quietly, say};
use crate::tools;

/// A mock server that ends with this process.
struct Mock {
    child: Child,
    url: String,
    key: String,
    flows: Value,
}

impl Mock {
    /// Id of the seeded flow of this name.
    fn flow(&self, name: &str) -> &str {
        self.flows[name].as_str().unwrap_or_default()
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        // It may have ended by itself; there is nothing else to do then.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Builds, serves, runs.
fn run_examples() -> Result<()> {
    let root = tools::root();
    let started = Instant::now();
    say("Langflow client: one Rust core, three languages, and a mock server to try them on.");
    say("No model, no key and no network service is needed. The first run compiles the core.\n");

    step("1/5", "the mock server (Rust)");
    let binary = tools::mock()?;
    step("2/5", "the Python package: langflow-api");
    let python = tools::python("quickstart", &["maturin>=1.10,<2"])?;
    let wheel = tools::wheel(&python, false)?;
    let mut install = command(
        &root,
        &python,
        &["-m", "pip", "install", "-q", "--no-index"],
    );
    run_quietly(
        install
            .args(["--force-reinstall", "--disable-pip-version-check"])
            .arg(&wheel),
    )?;
    step("3/5", "the JavaScript package: langflow-client");
    let tarball = tools::tarball(false)?;
    let node = tools::work().join("quickstart-node");
    std::fs::create_dir_all(&node)?;
    std::fs::write(
        node.join("package.json"),
        "{\"private\": true, \"type\": \"module\"}\n",
    )?;
    run_quietly(
        command(
            &node,
            "npm",
            &["install", "--no-audit", "--no-fund", "--no-save"],
        )
        .arg(&tarball),
    )?;
    for file in ["quickstart.mjs", "stream.mjs", "session.mjs"] {
        std::fs::copy(root.join("examples/node").join(file), node.join(file))?;
    }
    step("4/5", "the Rust crate: langflow-client");
    run(&mut command(
        &root,
        "cargo",
        &["build", "-q", "-p", "langflow-client", "--examples"],
    ))?;

    step(
        "5/5",
        "the mock server is started, and the same program runs in three languages",
    );
    let mock = serve(&binary)?;
    say(&format!(
        "    It implements the workspace API at {} and answers without a model.",
        mock.url
    ));
    let examples = tools::target()?.join("debug/examples");
    for (title, name, flow) in [
        (
            "run a flow: five lines, and `result.output`",
            "quickstart",
            "Hello flow",
        ),
        (
            "stream a flow: its text as it is written",
            "stream",
            "Hello flow",
        ),
        (
            "a session: the flow remembers what it was told",
            "session",
            "Memory chat",
        ),
    ] {
        say(&format!("\n{title}"));
        let file = |folder: &str, extension: &str| {
            root.join("examples")
                .join(folder)
                .join(format!("{name}.{extension}"))
        };
        let mut programs = [
            ("Python", command(&root, &python, &[])),
            ("JavaScript", command(&node, "node", &[])),
            ("Rust", command(&root, examples.join(name), &[])),
        ];
        programs[0].1.arg(file("python", "py"));
        programs[1].1.arg(format!("{name}.mjs"));
        for (language, program) in &mut programs {
            example(language, program.arg(mock.flow(flow)), &mock)?;
        }
    }
    say(&format!(
        "\nDone in {:.0} s. The programs are in examples/; change one and run it:",
        started.elapsed().as_secs_f64()
    ));
    say(&format!(
        "    {} serve    # prints the URL and a key: LANGFLOW_URL, LANGFLOW_API_KEY",
        shown(&binary, &root)
    ));
    say(&format!(
        "    {} examples/python/quickstart.py hello-flow",
        shown(&python, &root)
    ));
    say("Then: cargo xtask test (everything that proves it), README.md, ARCHITECTURE.md.");
    Ok(())
}

/// Runs the examples; says what is missing where a program is.
pub fn start() -> Result<()> {
    for (program, why) in [
        ("python3", "3.9 or newer, with venv"),
        ("node", "20.18 or newer"),
        ("npm", "comes with Node"),
    ] {
        if Command::new(program).arg("--version").output().is_err() {
            bail!(
                "`{program}` is not installed ({why}); the quickstart needs Rust, Python and Node"
            );
        }
    }
    run_examples()
}

fn serve(binary: &Path) -> Result<Mock> {
    let mut child = Command::new(binary)
        .args([
            "serve",
            "--port",
            "0",
            "--ready-json",
            "--exit-with-parent",
            "--token-delay-ms",
            "30",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("start the mock server")?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().context("no output")?).read_line(&mut line)?;
    let ready: Value = serde_json::from_str(&line).context("the mock server did not start")?;
    let text = |name: &str| ready[name].as_str().unwrap_or_default().to_owned();
    Ok(Mock {
        child,
        url: text("url"),
        key: text("api_key"),
        flows: ready["flow_ids"].clone(),
    })
}

fn example(language: &str, program: &mut Command, mock: &Mock) -> Result<()> {
    let started = Instant::now();
    program
        .env("LANGFLOW_URL", &mock.url)
        .env("LANGFLOW_API_KEY", &mock.key);
    let output = program
        .output()
        .with_context(|| format!("start the {language} example"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        bail!(
            "the {language} example failed:\n{text}{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let milliseconds = started.elapsed().as_millis();
    for (at, line) in text.trim_end().lines().enumerate() {
        let label = if at == 0 { language } else { "" };
        let time = if at == 0 {
            format!("   ({milliseconds} ms)")
        } else {
            String::new()
        };
        say(&format!("    {label:<11}| {line}{time}"));
    }
    Ok(())
}

fn step(number: &str, what: &str) {
    say(&format!("[{number}] {what}"));
}

fn shown(path: &Path, root: &Path) -> String {
    path.strip_prefix(root)
        .unwrap_or(path)
        .display()
        .to_string()
}
