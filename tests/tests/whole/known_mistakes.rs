//! `docs/known-mistakes.md` names a test for each mistake that others made: each of them exists.

use std::path::Path;

const PAGE: &str = include_str!("../../../docs/known-mistakes.md");

#[test]
fn each_known_mistake_has_its_test() {
    let house = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut sources = String::new();
    for part in ["agent", "broker", "gateway", "tests"] {
        gather(&house.join(part), &mut sources);
    }
    let rows: Vec<&str> = PAGE
        .lines()
        .filter(|it| it.starts_with("| "))
        .skip(1)
        .collect();
    assert!(rows.len() >= 19, "{}", rows.len());
    for row in rows {
        let tests: Vec<&str> = row.split('`').skip(1).step_by(2).collect();
        assert!(!tests.is_empty(), "no test: {row}");
        for test in tests {
            assert!(
                sources.contains(&format!("fn {test}(")),
                "{test} is nowhere: {row}"
            );
        }
    }
}

/// The text of every Rust file below a folder.
fn gather(folder: &Path, text: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if name != "node_modules" && name != "target" {
                gather(&path, text);
            }
        } else if name.ends_with(".rs") {
            text.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}
