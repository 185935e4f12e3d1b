//! Exported flows against recordings of the real server.

use anyhow::Result;

use crate::process::{Counts, command, run, run_quietly};
use crate::tools::{self, root};

/// What the recordings were made with, and the headers of programs ask for.
const NEEDED: &[&str] = &[
    "langchain==1.4.7",
    "langchain-core==1.7.2",
    "langchain-openai==1.7.3",
    "langchain-anthropic>=1.4,<2",
    "langchain-text-splitters>=1.1,<2",
    "beautifulsoup4>=4.12,<5",
    "httpx>=0.27,<1",
    "lxml>=5,<7",
    "pandas>=2,<4",
    "requests>=2,<3",
    "ruff==0.17.6",
    "sqlalchemy>=2,<3",
    "tabulate>=0.9,<1",
    "tzdata>=2024.1",
];

/// See the table of stages.
pub fn export() -> Result<Counts> {
    let uv = tools::python("uv", &["uv>=0.9,<1"])?.with_file_name("uv");
    let folder = tools::work().join("export");
    let python = folder.join("bin/python");
    if !python.exists() {
        run_quietly(command(&root(), &uv, &["venv", "-q"]).arg(&folder))?;
    }
    let install = |more: &[&str]| {
        let mut install = command(&root(), &uv, &["pip", "install", "-q"]);
        // Two hundred processes start in it that write none: half of their time would be compiling.
        install.args(["--compile-bytecode", "--python"]);
        install.arg(&python).args(more);
        install
    };
    run_quietly(&mut install(NEEDED))?;
    // Only its token tables are needed, of which there is no smaller package.
    run_quietly(&mut install(&["--no-deps", "litellm"]))?;
    let mock = tools::mock()?;
    let exporter = format!("{} export python", mock.display());
    let mut score = command(&root(), &python, &["tests/export/score.py", "--python"]);
    score.arg(&python).args(["--exporter", &exporter]);
    run(&mut score)?;
    Ok(Counts {
        passed: 1,
        failed: 0,
    })
}
