//! The portable face on a real open-source server.

use anyhow::Result;

use super::python::environment;
use super::{cargo, installed_node, installed_python};
use crate::process::{Counts, command, run, test};
use crate::tools::root;

/// See the table of stages.
pub fn real() -> Result<Counts> {
    let python = installed_python()?;
    let node = installed_node()?;
    let server = environment("real", &root().join("tests/real/server.txt"), &[])?;
    run(&mut cargo(&[
        "build",
        "-q",
        "--locked",
        "-p",
        "langflow-client",
        "--examples",
    ]))?;
    run(&mut cargo(&[
        "build",
        "-q",
        "--locked",
        "-p",
        "langflow-mock",
    ]))?;
    let arguments = [
        "-P",
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "tests/real",
    ];
    test(
        command(&root(), &python, &arguments)
            .env("REAL_PYTHON", server)
            .env("LANGFLOW_NODE_DIR", node),
    )
}
