//! The tables of mistakes that are not made, and of traps that are not walked into, name vectors and
//! tests: each of them is there.

use std::path::PathBuf;

use conformance::vector::load;

/// The numbers of the rows of a page; fails where a row names what is not there.
fn held(page: &str, letters: &[&str]) -> Vec<String> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(folder.join("../docs").join(page)).expect("a page of docs");
    let vectors = load(&folder.join("vectors")).expect("vectors");
    let of_table = |line: &&str| {
        let mut starts = letters.iter().map(|letter| format!("| {letter}"));
        starts.any(|start| line.starts_with(&start))
    };
    let rows = page.lines().filter(of_table);
    let mut numbers = Vec::new();
    for row in rows {
        let cells: Vec<_> = row.split(" | ").collect();
        numbers.push(cells[0].trim_start_matches("| ").to_owned());
        let held = cells[2].trim_end_matches(" |");
        for reference in held.split("; ") {
            let name = reference
                .split('`')
                .nth(1)
                .unwrap_or_else(|| panic!("{row}"));
            if reference.starts_with("vector") {
                assert!(
                    vectors.iter().any(|vector| vector.name == name),
                    "no vector {name:?}"
                );
                continue;
            }
            let (file, test) = name.split_once("::").unwrap_or((name, ""));
            let text = std::fs::read_to_string(folder.join("..").join(file));
            let text = text.unwrap_or_else(|error| panic!("{file}: {error}"));
            let there = ["fn ", "def "]
                .iter()
                .any(|word| text.contains(&format!("{word}{test}(")));
            assert!(test.is_empty() || there, "{file} has no test {test}");
        }
    }
    numbers
}

#[test]
fn every_mistake_is_held() {
    let expected = (1..=26)
        .map(|n| format!("L{n}"))
        .chain((1..=18).map(|n| format!("D{n}")));
    let numbers = held("pitfalls.md", &["L", "D"]);
    assert_eq!(numbers, expected.collect::<Vec<_>>());
}

#[test]
fn every_trap_is_held() {
    let expected = (1..=55).map(|n| format!("T{n}"));
    assert_eq!(held("traps.md", &["T"]), expected.collect::<Vec<_>>());
}
