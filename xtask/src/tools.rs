//! What the commands need besides Rust: a virtual environment, the packages of npm, built packages.
//! Everything stands under `target/xtask` and is made where it is missing.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::process::{command, run, run_quietly};

/// Linux with the C library musl.
const MUSL: &str = "x86_64-unknown-linux-musl";

/// The repository.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// Where cargo puts what it builds: `CARGO_TARGET_DIR` and its settings may name another folder than
/// `target`, so cargo itself is asked.
pub fn target() -> Result<PathBuf> {
    asked(&mut command(&root(), "cargo", &[]))
}

fn asked(cargo: &mut Command) -> Result<PathBuf> {
    let asking = cargo.args(["metadata", "--no-deps", "--format-version", "1"]);
    let output = asking.output().context("start cargo")?;
    let said: Value = serde_json::from_slice(&output.stdout).context("cargo metadata")?;
    let folder = said["target_directory"].as_str();
    Ok(folder
        .context("cargo metadata names no target folder")?
        .into())
}

/// Where tools and built packages stand.
pub fn work() -> PathBuf {
    root().join("target/xtask")
}

/// The Python of a virtual environment with these requirements.
pub fn python(name: &str, requirements: &[&str]) -> Result<PathBuf> {
    let folder = work().join(name);
    let python = folder.join("bin/python");
    if !python.exists() {
        let target = folder.to_string_lossy().into_owned();
        run_quietly(&mut command(&root(), "python3", &["-m", "venv", &target]))?;
    }
    if !requirements.is_empty() {
        let mut install = command(&root(), &python, &["-m", "pip", "install", "-q"]);
        run_quietly(
            install
                .arg("--disable-pip-version-check")
                .args(requirements),
        )?;
    }
    Ok(python)
}

/// The packages that a folder's lock file names.
pub fn npm_install(folder: &Path) -> Result<()> {
    // npm writes this file last, so its age says whether the lock file has changed since.
    let done = folder.join("node_modules/.package-lock.json");
    let age = |path: &Path| path.metadata().and_then(|found| found.modified()).ok();
    if age(&done) < age(&folder.join("package-lock.json")) || age(&done).is_none() {
        run(&mut command(
            folder,
            "npm",
            &["ci", "--no-audit", "--no-fund"],
        ))?;
    }
    Ok(())
}

/// Builds the wheel; the newest one of the folder.
pub fn wheel(python: &Path, release: bool) -> Result<PathBuf> {
    let out = work().join(if release { "wheel" } else { "wheel-debug" });
    let _ = std::fs::remove_dir_all(&out);
    let mut build = command(
        &root().join("bindings-python"),
        python,
        &["-m", "maturin", "build", "-q"],
    );
    if release {
        build.arg("--release");
    }
    run(build.arg("--out").arg(&out))?;
    only(&out, "whl")
}

/// Builds what is uploaded to PyPI. Zig links against the oldest C library that is promised, and
/// against musl, which Alpine has.
pub fn for_upload() -> Result<()> {
    let python = python("venv", &["maturin>=1.10,<2", "ziglang>=0.14,<1"])?;
    let out = work().join("pypi");
    let _ = std::fs::remove_dir_all(&out);
    let folder = root().join("bindings-python");
    // maturin looks for Zig in the Python that it finds first.
    let mut places: Vec<PathBuf> = python.parent().map(Path::to_owned).into_iter().collect();
    places.extend(std::env::split_paths(
        &std::env::var_os("PATH").unwrap_or_default(),
    ));
    let places = std::env::join_paths(places)?;
    let maturin = |arguments: &[&str]| {
        let mut maturin = command(&folder, &python, &["-m", "maturin"]);
        maturin.args(arguments).arg("--out").arg(&out);
        maturin.env("PATH", &places);
        maturin
    };
    let wheel = |kind: &str, more: &[&str]| {
        let mut wheel = maturin(&["build", "--release", "--zig", "--compatibility", kind]);
        wheel.args(more);
        wheel
    };
    run(&mut maturin(&["sdist"]))?;
    run(&mut wheel("manylinux2014", &[]))?;
    run(&mut command(&root(), "rustup", &["target", "add", MUSL]))
        .context("the wheel for musl needs Rust's library for it")?;
    run(&mut wheel("musllinux_1_2", &["--target", MUSL]))
}

/// Builds the npm package with its addon and packs it.
pub fn tarball(release: bool) -> Result<PathBuf> {
    let folder = root().join("bindings-node");
    npm_install(&folder)?;
    let script = if release { "build" } else { "build:debug" };
    run(&mut command(&folder, "npm", &["run", "-s", script]))?;
    let out = work().join(if release { "npm" } else { "npm-debug" });
    let _ = std::fs::remove_dir_all(&out);
    std::fs::create_dir_all(&out)?;
    run_quietly(command(&folder, "npm", &["pack", "--pack-destination"]).arg(&out))?;
    only(&out, "tgz")
}

fn only(folder: &Path, extension: &str) -> Result<PathBuf> {
    std::fs::read_dir(folder)?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .find(|path| path.extension().is_some_and(|found| found == extension))
        .with_context(|| format!("no .{extension} in {}", folder.display()))
}

/// The binary of the mock server, debug build.
pub fn mock() -> Result<PathBuf> {
    run(&mut command(
        &root(),
        "cargo",
        &["build", "-q", "-p", "langflow-mock"],
    ))?;
    Ok(target()?.join("debug/langflow-mock"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_is_looked_for_where_cargo_puts_it() {
        let mut cargo = command(&root(), "cargo", &[]);
        let found = asked(cargo.env("CARGO_TARGET_DIR", "/somewhere/else")).unwrap();
        assert_eq!(found, Path::new("/somewhere/else"));
    }
}
