//! What the core is put through besides its own tests: faults, hostile bytes, endurance, secrets.

use anyhow::{Context as _, Result, bail};

use super::{PASSED, cargo, installed_node, installed_python};
use crate::process::{Counts, command, kept, run, say, test};
use crate::tools::{self, root};

/// Seconds that the fuzzer runs in the gate; by hand it may run for hours.
const FUZZ_SECONDS: &str = "120";

/// See the table of stages.
pub fn faults() -> Result<Counts> {
    let python = installed_python()?;
    let module = installed_node()?.join("node_modules/langflow-client/dist/index.mjs");
    let mut faults = cargo(&[
        "test",
        "--locked",
        "-q",
        "-p",
        "conformance",
        "--test",
        "faults",
        "--test",
        "engine",
        "--test",
        "pitfalls",
    ]);
    test(
        faults
            .args(["--", "--nocapture"])
            .env("CONFORMANCE_DRIVERS", "rust,python,python-async,node")
            .env("CONFORMANCE_PYTHON", python)
            .env("CONFORMANCE_NODE_MODULE", module),
    )
}

/// What cargo-fuzz would say to the compiler, without the sanitizers, which only nightly has: safe
/// code has no memory errors, and panics are found without them.
const COVERAGE: &str = "-Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares \
    --cfg fuzzing";

/// See the table of stages. Needs a C++ compiler, for libFuzzer.
pub fn fuzz() -> Result<Counts> {
    let folder = root().join("sdk-core/fuzz");
    // A target of its own keeps the flags from what is run while building.
    let host = std::process::Command::new("rustc").arg("-vV").output()?;
    let host = String::from_utf8_lossy(&host.stdout).into_owned();
    let host = host.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.context("rustc does not say for what it compiles")?;
    let target = root().join("target/fuzz");
    let mut build = command(&folder, "cargo", &["build", "-q", "--release", "--locked"]);
    build.args(["--target", host]);
    run(build
        .env("RUSTFLAGS", COVERAGE)
        .env("CARGO_TARGET_DIR", &target))?;
    let program = target.join(host).join("release/decode");
    let corpus = tools::work().join("fuzz");
    std::fs::create_dir_all(&corpus)?;
    let artifacts = format!("-artifact_prefix={}/", tools::work().display());
    let time = format!("-max_total_time={FUZZ_SECONDS}");
    let mut fuzz = command(&folder, &program, &["-max_len=4096", "-verbosity=0"]);
    // What is found goes into the first folder; the repository's own inputs are read only.
    run(fuzz
        .args([artifacts, time])
        .arg(&corpus)
        .arg("corpus/decode"))?;
    Ok(PASSED)
}

/// See the table of stages.
pub fn soak() -> Result<Counts> {
    let mock = tools::mock()?;
    let mut rust = cargo(&[
        "test",
        "--locked",
        "-q",
        "-p",
        "conformance",
        "--test",
        "soak",
    ]);
    rust.args(["--", "--ignored", "--nocapture"])
        .env("LANGFLOW_MOCK_BIN", &mock);
    let mut counts = test(&mut rust)?;
    let python = installed_python()?;
    let script = ["-P", "tests/soak/soak.py"];
    counts += test(command(&root(), &python, &script).env("LANGFLOW_MOCK_BIN", &mock))?;
    let module = installed_node()?.join("node_modules/langflow-client/dist/index.mjs");
    let script = ["--expose-gc", "tests/soak/soak.mjs"];
    counts += test(
        command(&root(), "node", &script)
            .env("LANGFLOW_MOCK_BIN", mock)
            .env("SOAK_NODE_MODULE", module),
    )?;
    Ok(counts)
}

/// Beginnings of keys, and how many letters follow at least in one that is real.
const KEYS: [(&str, usize); 10] = [
    ("lf_admin_", 8),
    ("lf_read_", 8),
    ("lf_execute_", 8),
    ("lf_write_", 8),
    ("lf_expired_", 8),
    ("lf_revoked_", 8),
    ("whsec_", 20),
    ("sk-connections", 0),
    ("sk-secret", 0),
    ("s3cret", 0),
];

/// See the table of stages.
pub fn secrets() -> Result<Counts> {
    let path = kept();
    let text = std::fs::read(&path).with_context(|| format!("read {}", path.display()))?;
    let text = String::from_utf8_lossy(&text);
    // A gate whose tests print nothing would find nothing.
    if !text.contains("test result:") {
        bail!("no test has run since the last look: run the other stages first");
    }
    let mut counts = PASSED;
    for (number, line) in text.lines().enumerate() {
        if let Some(key) = KEYS
            .iter()
            .find(|(start, length)| shows(line, start, *length))
        {
            say(&format!(
                "line {} of {} shows a key {}...",
                number + 1,
                path.display(),
                key.0
            ));
            counts = Counts {
                passed: 0,
                failed: counts.failed + 1,
            };
        }
    }
    Ok(counts)
}

fn shows(line: &str, start: &str, length: usize) -> bool {
    line.match_indices(start).any(|(at, _)| {
        let rest = line[at + start.len()..].bytes();
        let letters =
            rest.take_while(|byte| byte.is_ascii_alphanumeric() || b"+/=_-".contains(byte));
        letters.count() >= length
    })
}

#[cfg(test)]
mod tests {
    use super::shows;

    #[test]
    fn keys_are_seen() {
        assert!(shows("key lf_admin_0123456789.", "lf_admin_", 8));
        assert!(!shows("key lf_admin_\u{2026}", "lf_admin_", 8));
        assert!(!shows("lf_admin_***", "lf_admin_", 8));
    }
}
