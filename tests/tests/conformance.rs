//! Every vector, on every driver.
#![allow(clippy::unwrap_used, reason = "a test, its helpers too")]

use std::io::Write as _;
use std::path::PathBuf;

use conformance::driver::Driver;
use conformance::judge::{Verdict, classes, judge};
use conformance::vector::load;

#[test]
fn every_vector_in_every_language() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(judged());
}

async fn judged() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let vectors = load(&folder.join("vectors")).unwrap();
    assert!(vectors.len() >= 40, "only {} vectors", vectors.len());
    let classes = classes(&folder.join("../openapi/errors.toml")).unwrap();
    let drivers =
        std::env::var("CONFORMANCE_DRIVERS").unwrap_or_else(|_| "rust,rust-typed".to_owned());
    let only = std::env::var("CONFORMANCE_ONLY").unwrap_or_default();
    let mut out = std::io::stdout().lock();
    let (mut passed, mut failed) = (0, 0);
    for name in drivers.split(',') {
        let mut driver = Driver::start(name, &folder.join("drivers")).unwrap();
        let (mut runs, mut unsayable, mut bad) = (0, 0, 0);
        for vector in vectors.iter().filter(|vector| vector.name.contains(&only)) {
            match judge(vector, name, &mut driver, &classes).await {
                Verdict::Passed(count) => {
                    passed += 1;
                    runs += count;
                }
                Verdict::Failed(differences) => {
                    bad += 1;
                    writeln!(out, "FAILED {name}: {}", vector.name).unwrap();
                    for text in differences {
                        writeln!(out, "    {text}").unwrap();
                    }
                }
                Verdict::Unsayable(_) => unsayable += 1,
            }
        }
        failed += bad;
        writeln!(
            out,
            "{name}: {} vectors in {runs} runs, {bad} failed, {unsayable} that it cannot say",
            vectors.len()
        )
        .unwrap();
    }
    writeln!(out, "conformance: {passed} passed, {failed} failed").unwrap();
    assert_eq!(failed, 0, "{failed} vectors failed");
}
