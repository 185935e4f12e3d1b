//! The stages of the gate, in order, each with the time that it should take.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::process::{Counts, say};
use crate::{bench, browser, checks, pages};

struct Stage {
    name: &'static str,
    what: &'static str,
    /// Seconds on a new machine with two cores; more is said, not failed.
    budget: u64,
    run: fn() -> Result<Counts>,
}

const STAGES: &[Stage] = &[
    Stage {
        name: "format",
        what: "rustfmt, ruff, prettier",
        budget: 60,
        run: checks::format,
    },
    Stage {
        name: "contract",
        what: "the OpenAPI document is valid, generated code is fresh",
        budget: 240,
        run: checks::contract,
    },
    Stage {
        name: "lint",
        what: "clippy and rustdoc, warnings are errors; every crate builds alone",
        budget: 420,
        run: checks::lint,
    },
    Stage {
        name: "unit",
        what: "tests of the Rust crates",
        budget: 300,
        run: checks::unit,
    },
    Stage {
        name: "wasm",
        what: "the engine of browsers and edge runtimes, release build",
        budget: 300,
        run: browser::wasm,
    },
    Stage {
        name: "packages",
        what: "wheel and npm tarball, release builds",
        budget: 600,
        run: checks::packages,
    },
    Stage {
        name: "python",
        what: "tests of the Python package and its examples",
        budget: 180,
        run: checks::python,
    },
    Stage {
        name: "python-integrations",
        what: "the Python package in the frameworks and processes of others; its types",
        budget: 240,
        run: checks::python::integrations,
    },
    Stage {
        name: "site",
        what: "the manual of the Python package: its snippets, its notebook, its pages",
        budget: 180,
        run: checks::python::site,
    },
    Stage {
        name: "wheels",
        what: "the Python package built from its source package, and next to the real server's",
        budget: 240,
        run: checks::python::wheels,
    },
    Stage {
        name: "node",
        what: "tests, types and pages of the npm package and its examples",
        budget: 240,
        run: checks::node,
    },
    Stage {
        name: "schemathesis",
        what: "the mock server answers as its document says, whatever it is asked",
        budget: 150,
        run: checks::mock::schemathesis,
    },
    Stage {
        name: "flowfiles",
        what: "the mock takes the flow files of Langflow 1.0 to 1.13 and gives them back",
        budget: 90,
        run: checks::mock::flow_files,
    },
    Stage {
        name: "captures",
        what: "the streams of ten releases of real servers, at every cut",
        budget: 120,
        run: checks::captures::captures,
    },
    Stage {
        name: "conformance",
        what: "one set of vectors, every language",
        budget: 300,
        run: checks::conformance,
    },
    Stage {
        name: "faults",
        what: "every fault of the mock in every call and language, and what is written of it",
        budget: 120,
        run: checks::core::faults,
    },
    Stage {
        name: "fuzz",
        what: "the decoder under libFuzzer, and every input that it ever failed on",
        budget: 180,
        run: checks::core::fuzz,
    },
    Stage {
        name: "soak",
        what: "thousands of calls and streams left in the middle leave nothing behind",
        budget: 120,
        run: checks::core::soak,
    },
    Stage {
        name: "browser",
        what: "the WebAssembly engine in Node and Chromium, the package in bundlers and runtimes",
        budget: 300,
        run: browser::browser,
    },
    Stage {
        name: "docs",
        what: "every code block of the documentation runs",
        budget: 180,
        run: checks::docs,
    },
    Stage {
        name: "export",
        what: "exported flows ask what the real server asked, and the table of them is fresh",
        budget: 420,
        run: crate::export::export,
    },
    Stage {
        name: "real",
        what: "runs and streams on a real open-source server, every language",
        budget: 240,
        run: checks::real::real,
    },
    Stage {
        name: "webhooks",
        what: "deliveries of the mock verified by the package that receivers use",
        budget: 60,
        run: checks::webhooks,
    },
    Stage {
        name: "ui",
        what: "the live page of the mock in a real browser",
        budget: 180,
        run: pages::ui,
    },
    Stage {
        name: "packaging",
        what: "wheel and tarball in clean environments",
        budget: 120,
        run: checks::packaging,
    },
    Stage {
        name: "instructions",
        what: "decoder, request, extractor, run and stream cost no more instructions than on record",
        budget: 240,
        run: bench::stage,
    },
    Stage {
        name: "grow",
        what: "an operation added to the document works in three languages",
        budget: 420,
        run: checks::grow,
    },
    Stage {
        name: "secrets",
        what: "no key in anything that the tests have printed",
        budget: 10,
        run: checks::core::secrets,
    },
];

/// Prints the stages.
pub fn list() {
    for stage in STAGES {
        say(&format!(
            "{:<20} {} (budget {} s)",
            stage.name, stage.what, stage.budget
        ));
    }
}

/// Runs the stages of these names, or all, and ends with the sum.
pub fn run(names: &[String]) -> Result<bool> {
    if let Some(unknown) = names
        .iter()
        .find(|name| !STAGES.iter().any(|stage| stage.name == **name))
    {
        bail!("there is no stage {unknown:?}; `cargo xtask test --list` names them");
    }
    if names.is_empty() {
        // What an earlier run has printed is not this one's. There may be none.
        let _ = std::fs::remove_file(crate::process::kept());
    }
    let mut total = Counts::default();
    let mut lines = Vec::new();
    for stage in STAGES
        .iter()
        .filter(|stage| names.is_empty() || names.iter().any(|name| name == stage.name))
    {
        say(&format!(
            "\n=== {}: {} (budget {} s)",
            stage.name, stage.what, stage.budget
        ));
        let started = Instant::now();
        let counts = (stage.run)().unwrap_or_else(|error| {
            say(&format!("{}: {error:#}", stage.name));
            Counts {
                passed: 0,
                failed: 1,
            }
        });
        total += counts;
        let took = started.elapsed();
        let over = if took > Duration::from_secs(stage.budget) {
            "  OVER BUDGET"
        } else {
            ""
        };
        lines.push(format!(
            "{:<20} {:>5} passed {:>3} failed {:>5} s of {:>4} s{over}",
            stage.name,
            counts.passed,
            counts.failed,
            took.as_secs(),
            stage.budget
        ));
        if let Some(line) = lines.last() {
            say(line);
        }
    }
    say("\n=== all stages");
    lines.iter().for_each(|line| say(line));
    say(&format!(
        "\n{} passed, {} failed",
        total.passed, total.failed
    ));
    Ok(total.failed == 0)
}
