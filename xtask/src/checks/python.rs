//! What the Python package has to do with others: types, frameworks, documentation.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::{checks, developer_python};
use crate::process::{Counts, command, run_quietly, test};
use crate::tools::{self, root};

/// An environment that `uv` fills: pip's resolver takes minutes for what is asked for here.
pub(super) fn environment(name: &str, requirements: &Path, more: &[&Path]) -> Result<PathBuf> {
    let uv = tools::python("uv", &["uv>=0.9,<1"])?.with_file_name("uv");
    let folder = tools::work().join(name);
    let python = folder.join("bin/python");
    if !python.exists() {
        run_quietly(command(&root(), &uv, &["venv", "-q"]).arg(&folder))?;
    }
    let mut install = command(&root(), &uv, &["pip", "install", "-q", "--python"]);
    install.arg(&python).arg("-r").arg(requirements);
    for path in more {
        install.arg("--reinstall-package=langflow-api").arg(path);
    }
    run_quietly(&mut install)?;
    Ok(python)
}

/// The environment with every framework that the package knows, and the debug wheel.
fn with_frameworks() -> Result<PathBuf> {
    let wheel = tools::wheel(&developer_python()?, false)?;
    let requirements = root().join("tests/integrations/requirements.txt");
    environment("integrations", &requirements, &[&wheel])
}

/// See the table of stages.
pub fn integrations() -> Result<Counts> {
    let python = with_frameworks()?;
    let pytest = ["-P", "-m", "pytest", "-q", "-p", "no:cacheprovider"];
    let mut counts = test(command(&root(), &python, &pytest).arg("tests/integrations"))?;
    let package = root().join("bindings-python");
    // What these can only say where pandas, tqdm and OpenTelemetry are.
    counts += test(
        command(
            &package,
            &python,
            &["-P", "-m", "pytest", "-p", "no:cacheprovider"],
        )
        .args([
            "tests/test_results.py",
            "tests/test_watch.py",
            "tests/test_many.py",
            "tests/test_transfer.py",
        ]),
    )?;
    let stubtest = ["-m", "mypy.stubtest", "--ignore-missing-stub"];
    let mut pyright = command(&package, python.with_file_name("pyright"), &["--warnings"]);
    pyright.arg("--pythonpath").arg(&python);
    // Its own folder of what is deployed with it is not looked at for a newer one.
    pyright.env("PYRIGHT_PYTHON_IGNORE_WARNINGS", "1");
    counts += checks(vec![
        command(&package, &python, &["-m", "mypy"]),
        pyright,
        {
            let mut stubs = command(&tools::work(), &python, &stubtest);
            stubs.args(["langflow_api._native", "langflow"]);
            stubs
        },
    ])?;
    Ok(counts)
}

/// See the table of stages.
pub fn site() -> Result<Counts> {
    let wheel = tools::wheel(&developer_python()?, false)?;
    let requirements = root().join("tests/site/requirements.txt");
    let python = environment("site", &requirements, &[&wheel])?;
    let arguments = [
        "-P",
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "tests/site",
    ];
    test(command(&root(), &python, &arguments).env("SITE_OUT", tools::work().join("site-out")))
}

/// See the table of stages.
pub fn wheels() -> Result<Counts> {
    let python = developer_python()?;
    let wheel = tools::wheel(&python, false)?;
    let requirements = root().join("tests/wheels/server.txt");
    let beside = environment("beside-server", &requirements, &[])?;
    let arguments = [
        "-P",
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "tests/wheels",
    ];
    test(
        command(&root(), &python, &arguments)
            .env("WHEEL", wheel)
            .env("BESIDE_PYTHON", beside)
            .env("UV", tools::work().join("uv/bin/uv")),
    )
}
