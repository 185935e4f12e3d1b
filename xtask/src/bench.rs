//! Benchmarks: side by side by hand, and counted instructions in the gate.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use serde_json::{Map, Value};

use crate::process::{Counts, command, run, run_quietly, say};
use crate::tools::{self, root};

/// What may be measured beside us, as far as the registries have it.
const PEERS: &[&str] = &["aiohttp", "httpx", "langflow-sdk", "requests", "uv"];
const NODE_PEERS: &[&str] = &["@datastax/langflow-client", "undici@7"];

/// A count may be this much above the one on record before it is a regression; below it by as much,
/// the record is stale.
const TOLERANCE: f64 = 0.08;

fn binary() -> Result<PathBuf> {
    run(&mut command(
        &root(),
        "cargo",
        &["build", "-q", "--release", "--locked", "-p", "bench"],
    ))?;
    Ok(tools::target()?.join("release/bench"))
}

/// `cargo xtask bench`: builds the packages as they ship, installs the peers and measures.
pub fn side_by_side(arguments: &[String]) -> Result<bool> {
    let binary = binary()?;
    let python = tools::python("bench-venv", PEERS)?;
    let builder = tools::python("venv", &["maturin>=1.10,<2"])?;
    let (wheel, tarball) = (tools::wheel(&builder, true)?, tools::tarball(true)?);
    let mut install = command(&root(), &python, &["-m", "pip", "install", "-q"]);
    run_quietly(
        install
            .args(["--force-reinstall", "--no-deps", "--no-index"])
            .arg(&wheel),
    )?;
    let node = tools::work().join("bench-node");
    std::fs::create_dir_all(&node)?;
    std::fs::write(
        node.join("package.json"),
        "{\"private\": true, \"type\": \"module\"}\n",
    )?;
    let mut install = command(&node, "npm", &["install", "--no-audit", "--no-fund", "-s"]);
    run_quietly(install.arg(&tarball).args(NODE_PEERS))?;
    let mut bench = command(&root(), &python, &["tests/bench/bench.py"]);
    bench.args(arguments).env("BENCH_BIN", binary);
    bench.env("BENCH_NODE_DIR", node).env("BENCH_WHEEL", wheel);
    Ok(bench.status().context("start bench.py")?.success())
}

/// Instructions of one of many, without those of starting and ending.
fn instructions_each(binary: &PathBuf, what: &str, times: u64) -> Result<u64> {
    let out = tools::work().join("callgrind.out");
    let count = |times: u64| -> Result<u64> {
        let mut valgrind = command(&root(), "valgrind", &["--tool=callgrind"]);
        valgrind.arg(format!("--callgrind-out-file={}", out.display()));
        valgrind.arg(binary).args(["instructions", what]);
        let output = valgrind
            .arg(times.to_string())
            .output()
            .context("start valgrind, which counts instructions (Debian package valgrind)")?;
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        if !output.status.success() {
            bail!("counting {what}: {text}");
        }
        let line = text
            .lines()
            .find_map(|line| line.split_once("Collected :"))
            .with_context(|| format!("no count in {text}"))?;
        Ok(line.1.trim().parse()?)
    };
    Ok((count(2 * times)? - count(times)?) / times)
}

/// Counts what `tests/bench/instructions.json` names and compares. With `write`, puts it on record.
pub fn instructions(write: bool) -> Result<Counts> {
    let binary = binary()?;
    let path = root().join("tests/bench/instructions.json");
    let record: Map<String, Value> = serde_json::from_str(&std::fs::read_to_string(&path)?)?;
    std::fs::create_dir_all(tools::work())?;
    let (mut counts, mut fresh) = (Counts::default(), Map::new());
    for (what, entry) in &record {
        let (times, on_record) = (
            entry["times"].as_u64().context("times")?,
            entry["instructions"].as_u64().unwrap_or(0),
        );
        let found = instructions_each(&binary, what, times)?;
        let change = found as f64 / on_record.max(1) as f64 - 1.0;
        let ok = write || change.abs() <= TOLERANCE;
        say(&format!(
            "{what:<16} {found:>10} instructions, on record {on_record} ({:+.1} %){}",
            change * 100.0,
            match ok {
                true => "",
                false if change > 0.0 => "  REGRESSION",
                false => "  better: put it on record with `cargo xtask instructions --write`",
            }
        ));
        counts.passed += u64::from(ok);
        counts.failed += u64::from(!ok);
        let mut entry = entry.clone();
        entry["instructions"] = found.into();
        fresh.insert(what.clone(), entry);
    }
    if write {
        std::fs::write(&path, serde_json::to_string_pretty(&fresh)? + "\n")?;
    }
    Ok(counts)
}

/// See the table of stages.
pub fn stage() -> Result<Counts> {
    instructions(false)
}
