//! Every fault, every call, every language: each ends in time, with the right code, and says rightly
//! whether the flow may have run.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::PathBuf;

use conformance::driver::Driver;
use conformance::faults::{CALLS, Case, cell, load, page};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_in_every_language() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let cases = load(&folder.join("faults.json")).unwrap();
    let kinds: BTreeSet<_> = cases
        .iter()
        .filter_map(|case| case.fault["kind"].as_str())
        .collect();
    assert_eq!(kinds.len(), 17, "the mock has kinds that the matrix lacks");
    let drivers = std::env::var("CONFORMANCE_DRIVERS").unwrap_or_else(|_| "rust".to_owned());
    let uploads = tempfile::tempdir().unwrap();
    let file = uploads.path().join("flow.json");
    // Large enough to be sent in several pieces.
    let notes = "A long description. ".repeat(4_000);
    let flow = serde_json::json!({"name": "Uploaded", "description": notes, "data": {"nodes": [], "edges": []}});
    std::fs::write(&file, flow.to_string()).unwrap();

    let work = drivers
        .split(',')
        .filter(|name| ["rust", "python", "python-async", "node"].contains(name))
        .map(|name| {
            let (name, folder, cases, file) =
                (name.to_owned(), folder.clone(), cases.clone(), file.clone());
            tokio::spawn(async move {
                let mut driver = Driver::start(&name, &folder.join("drivers")).unwrap();
                let (mut passed, mut failed) = (0, Vec::new());
                for case in &cases {
                    for call in CALLS {
                        let wrong = one(&mut driver, case, call, &file).await;
                        match wrong.is_empty() {
                            true => passed += 1,
                            false => {
                                failed.push(format!("{name}: {} {call}: {wrong:?}", case.fault))
                            }
                        }
                    }
                }
                (passed, failed)
            })
        });
    let (mut passed, mut failed) = (0, Vec::new());
    for outcome in futures::future::join_all(work).await {
        let (good, bad) = outcome.unwrap();
        passed += good;
        failed.extend(bad);
    }
    let mut out = std::io::stdout().lock();
    for line in &failed {
        writeln!(out, "FAILED {line}").unwrap();
    }
    writeln!(out, "faults: {passed} passed, {} failed", failed.len()).unwrap();
    assert!(failed.is_empty(), "{} cells differ", failed.len());

    // Only what has just been seen to be so gets into the documentation.
    let written = folder.join("../docs/faults.md");
    let fresh = page(&cases);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&written, &fresh).unwrap();
    }
    let there = std::fs::read_to_string(&written).unwrap_or_default();
    assert_eq!(
        there, fresh,
        "docs/faults.md is old: run this test with UPDATE_DOCS=1"
    );
}

async fn one(driver: &mut Driver, case: &Case, call: &str, file: &std::path::Path) -> Vec<String> {
    match cell(driver, &case.fault, call, file).await {
        Err(error) => vec![format!("{error:#}")],
        Ok(outcome) => {
            let mut wrong = outcome.wrong;
            let expected = case.expect.get(call).map_or("", String::as_str);
            if outcome.text != expected {
                wrong.push(format!("expected {expected:?}, found {:?}", outcome.text));
            }
            wrong
        }
    }
}
