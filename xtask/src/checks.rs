//! What each stage of the gate runs.

use std::path::PathBuf;

use anyhow::{Context as _, Result};

use crate::process::{Counts, command, say, test};
use crate::tools::{self, root};

pub mod captures;
pub mod core;
pub mod mock;
pub mod python;
pub mod real;

const PASSED: Counts = Counts {
    passed: 1,
    failed: 0,
};

/// Checks that have no tests of their own: each command is one.
pub(crate) fn checks(commands: Vec<std::process::Command>) -> Result<Counts> {
    let mut counts = Counts::default();
    for mut command in commands {
        match crate::process::run(&mut command) {
            Ok(()) => counts += PASSED,
            Err(error) => {
                say(&format!("{error:#}"));
                counts.failed += 1;
            }
        }
    }
    Ok(counts)
}

pub(crate) fn cargo(arguments: &[&str]) -> std::process::Command {
    command(&root(), "cargo", arguments)
}

fn developer_python() -> Result<PathBuf> {
    tools::python(
        "venv",
        &[
            "maturin>=1.10,<2",
            "mypy>=1.15,<3",
            "pytest>=8,<10",
            "pytest-xdist>=3,<4",
            "ruff==0.17.*",
            "pyyaml>=6",
            "standardwebhooks>=1,<2",
        ],
    )
}

fn python_folders() -> [PathBuf; 3] {
    [
        root().join("bindings-python"),
        root().join("examples/python"),
        root().join("tests"),
    ]
}

/// See the table of stages.
pub fn format() -> Result<Counts> {
    let python = developer_python()?;
    let node = root().join("bindings-node");
    tools::npm_install(&node)?;
    let ruff = |arguments: &[&str]| {
        let mut ruff = command(&root(), &python, &["-m", "ruff"]);
        ruff.args(arguments).args(python_folders());
        ruff
    };
    checks(vec![
        cargo(&["fmt", "--all", "--check"]),
        ruff(&["format", "--check", "-q"]),
        ruff(&["check", "-q"]),
        command(
            &node,
            "npx",
            &["prettier", "--check", "--log-level", "warn", "."],
        ),
    ])
}

/// See the table of stages.
pub fn contract() -> Result<Counts> {
    let lint = |document: &str, rules: &str| {
        let mut lint = command(&root(), "npx", &["--yes", "@redocly/cli@2.77.0", "lint"]);
        lint.args([document, "--config", rules]);
        lint.env("REDOCLY_TELEMETRY", "off")
            .env("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true");
        lint
    };
    checks(vec![
        lint("openapi/workspace.yaml", "openapi/redocly.yaml"),
        lint("openapi/langflow.yaml", "openapi/redocly-langflow.yaml"),
        cargo(&["run", "-q", "-p", "codegen", "--", "--check"]),
    ])
}

/// See the table of stages.
pub fn lint() -> Result<Counts> {
    let mut commands = vec![cargo(&[
        "clippy",
        "-q",
        "--workspace",
        "--all-targets",
        "--locked",
        "--",
        "-D",
        "warnings",
    ])];
    let mut doc = cargo(&["doc", "-q", "--workspace", "--no-deps", "--locked"]);
    doc.env("RUSTDOCFLAGS", "-D warnings");
    commands.push(doc);
    // Alone: a crate must not live on a feature that only a sibling switches on.
    for package in [
        "langflow-export",
        "langflow-client",
        "langflow-mock",
        "codegen",
        "langflow-python",
        "langflow-node",
    ] {
        let mut check = cargo(&["check", "-q", "--locked", "-p", package]);
        check.env("PYO3_BUILD_EXTENSION_MODULE", "1");
        commands.push(check);
    }
    for package in ["langflow-python", "langflow-node"] {
        let mut check = cargo(&[
            "check",
            "-q",
            "--locked",
            "--no-default-features",
            "-p",
            package,
        ]);
        check.env("PYO3_BUILD_EXTENSION_MODULE", "1");
        commands.push(check);
    }
    checks(commands)
}

/// See the table of stages.
pub fn unit() -> Result<Counts> {
    test(&mut cargo(&[
        "test",
        "--workspace",
        "--exclude",
        "conformance",
        "--locked",
        "--quiet",
        "--no-fail-fast",
    ]))
}

/// Paths of the built packages, built where this stage has not run.
fn built() -> Result<(PathBuf, PathBuf)> {
    let find = |folder: &str, extension: &str| {
        let entries = std::fs::read_dir(tools::work().join(folder)).ok()?;
        entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .find(|path| path.extension().is_some_and(|e| e == extension))
    };
    match find("wheel", "whl").zip(find("npm", "tgz")) {
        Some(found) => Ok(found),
        None => {
            packages()?;
            find("wheel", "whl")
                .zip(find("npm", "tgz"))
                .context("the packages were not built")
        }
    }
}

/// See the table of stages.
pub fn packages() -> Result<Counts> {
    let wheel = tools::wheel(&developer_python()?, true)?;
    let tarball = tools::tarball(true)?;
    for path in [&wheel, &tarball] {
        say(&format!(
            "{}: {} bytes",
            path.display(),
            path.metadata()?.len()
        ));
    }
    Ok(Counts {
        passed: 2,
        failed: 0,
    })
}

/// The developers' environment with the wheel in it.
fn installed_python() -> Result<PathBuf> {
    let python = developer_python()?;
    let (wheel, _) = built()?;
    let mut install = command(
        &root(),
        &python,
        &[
            "-m",
            "pip",
            "install",
            "-q",
            "--no-index",
            "--force-reinstall",
        ],
    );
    crate::process::run(install.arg("--disable-pip-version-check").arg(wheel))?;
    Ok(python)
}

/// A folder with the tarball and TypeScript installed.
pub(crate) fn installed_node() -> Result<PathBuf> {
    let (_, tarball) = built()?;
    let folder = tools::work().join("node");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(
        folder.join("package.json"),
        "{\"private\": true, \"type\": \"module\"}\n",
    )?;
    let mut install = command(
        &folder,
        "npm",
        &["install", "--no-audit", "--no-fund", "--no-save", "-s"],
    );
    crate::process::run(
        install
            .arg(tarball)
            .args(["typescript@7", "@types/node@20"]),
    )?;
    Ok(folder)
}

/// See the table of stages.
pub fn python() -> Result<Counts> {
    let python = installed_python()?;
    let folder = root().join("bindings-python");
    test(
        command(
            &folder,
            &python,
            &["-P", "-m", "pytest", "-p", "no:cacheprovider"],
        )
        .env("LANGFLOW_MOCK_BIN", tools::mock()?),
    )
}

/// See the table of stages.
pub fn node() -> Result<Counts> {
    built()?;
    let folder = root().join("bindings-node");
    tools::npm_install(&folder)?;
    let mut counts = test(&mut command(&folder, "npm", &["test", "-s"]))?;
    counts += checks(vec![command(&folder, "npm", &["run", "-s", "check"])])?;
    let docs = folder.join("docs");
    tools::npm_install(&docs)?;
    counts += checks(vec![command(&docs, "npm", &["run", "-s", "build"])])?;
    Ok(counts)
}

/// See the table of stages.
pub fn conformance() -> Result<Counts> {
    let python = installed_python()?;
    let module = installed_node()?.join("node_modules/langflow-client/dist/index.mjs");
    test(
        cargo(&[
            "test",
            "--locked",
            "-p",
            "conformance",
            "--test",
            "conformance",
            "--",
            "--nocapture",
        ])
        .env(
            "CONFORMANCE_DRIVERS",
            "rust,rust-typed,python,python-async,node",
        )
        .env("CONFORMANCE_PYTHON", python)
        .env("CONFORMANCE_NODE_MODULE", module),
    )
}

/// See the table of stages.
pub fn docs() -> Result<Counts> {
    let python = installed_python()?;
    let node = installed_node()?;
    let mock = tools::mock()?;
    crate::process::run(&mut cargo(&[
        "build",
        "-q",
        "--locked",
        "-p",
        "langflow-client",
        "--examples",
    ]))?;
    test(
        command(
            &root(),
            &python,
            &[
                "-P",
                "-m",
                "pytest",
                "-q",
                "-p",
                "no:cacheprovider",
                "tests/docs",
            ],
        )
        .env("LANGFLOW_MOCK_BIN", mock)
        .env("LANGFLOW_NODE_DIR", node),
    )
}

/// See the table of stages.
pub fn webhooks() -> Result<Counts> {
    let python = developer_python()?;
    let arguments = [
        "-P",
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "tests/webhooks",
    ];
    test(command(&root(), &python, &arguments).env("LANGFLOW_MOCK_BIN", tools::mock()?))
}

/// See the table of stages.
pub fn packaging() -> Result<Counts> {
    let python = developer_python()?;
    let (wheel, tarball) = built()?;
    test(
        command(
            &root(),
            &python,
            &[
                "-P",
                "-m",
                "pytest",
                "-q",
                "-p",
                "no:cacheprovider",
                "tests/packaging",
            ],
        )
        .env("WHEEL", wheel)
        .env("TARBALL", tarball)
        .env("RELEASE", "1"),
    )
}

/// See the table of stages.
pub fn grow() -> Result<Counts> {
    let python = developer_python()?;
    tools::npm_install(&root().join("bindings-node"))?;
    test(&mut command(
        &root(),
        &python,
        &[
            "-P",
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "tests/grow",
        ],
    ))
}
