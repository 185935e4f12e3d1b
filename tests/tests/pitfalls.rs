//! The table of mistakes that are not made names vectors and tests: each of them is there.

use std::path::PathBuf;

use conformance::vector::load;

#[test]
fn every_reference_is_there() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(folder.join("../docs/pitfalls.md")).unwrap();
    let vectors = load(&folder.join("vectors")).unwrap();
    let rows = page
        .lines()
        .filter(|line| line.starts_with("| L") || line.starts_with("| D"));
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
    let expected = (1..=26)
        .map(|n| format!("L{n}"))
        .chain((1..=18).map(|n| format!("D{n}")));
    assert_eq!(numbers, expected.collect::<Vec<_>>());
}
