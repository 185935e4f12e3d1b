//! The stages around WebAssembly: the engine itself, and what runs it.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::checks::{cargo, checks, installed_node};
use crate::process::{Counts, command, run_quietly, test};
use crate::tools::{self, root};

/// The engine of browsers and edge runtimes. Needs rustup's target, or the Debian packages that
/// `.ci/run` installs.
pub fn wasm() -> Result<Counts> {
    let folder = root().join("bindings-node");
    tools::npm_install(&folder)?;
    checks(vec![command(&folder, "npm", &["run", "-s", "build:wasm"])])
}

/// The browser of this machine.
pub fn chromium() -> Result<PathBuf> {
    let path =
        std::env::var_os("CHROMIUM").map_or_else(|| "/usr/bin/chromium".into(), PathBuf::from);
    if !path.exists() {
        bail!(
            "needs Chromium: the Debian package chromium, or a path in CHROMIUM; {} is not there",
            path.display()
        );
    }
    Ok(path)
}

/// Every vector on the WebAssembly engine, in Node and in Chromium; then the package in bundlers.
pub fn browser() -> Result<Counts> {
    let chromium = chromium()?;
    let package = installed_node()?.join("node_modules/langflow-client");
    let folder = root().join("tests/browser");
    tools::npm_install(&folder)?;
    let mut conformance = cargo(&["test", "--locked", "-p", "conformance"]);
    conformance.args(["--test", "conformance", "--", "--nocapture"]);
    let mut counts = test(
        conformance
            .env("CONFORMANCE_DRIVERS", "node-wasm,chromium-wasm")
            .env("CONFORMANCE_NODE_MODULE", package.join("dist/index.mjs"))
            .env("CONFORMANCE_BROWSER_TOOLS", &folder)
            .env("CHROMIUM", &chromium),
    )?;
    // A copy, as npm would put it: bundlers follow a link to where no other package is found.
    let copy = folder.join("node_modules/langflow-client");
    let _ = std::fs::remove_dir_all(&copy);
    run_quietly(command(&root(), "cp", &["-R"]).arg(&package).arg(&copy))?;
    counts += test(command(&folder, "npm", &["test", "-s"]).env("CHROMIUM", &chromium))?;
    Ok(counts)
}
