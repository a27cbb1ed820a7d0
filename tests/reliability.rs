//! What docs/RELIABILITY.md says is tested is tested: every test that it names exists.

use std::path::Path;

const PAGE: &str = include_str!("../docs/RELIABILITY.md");

/// The words in backticks that are named like our tests: sentences.
fn named(text: &str) -> Vec<&str> {
    let words = text.split('`').skip(1).step_by(2);
    let sentence = |word: &&str| {
        word.matches('_').count() >= 3 && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    words.filter(sentence).collect()
}

fn sources(folder: &Path, into: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn every_test_that_the_page_names_exists() {
    let mut code = String::new();
    // Tests run in the package's folder; what was built there may be run from a copy of it.
    ["src", "tests"].iter().for_each(|folder| sources(Path::new(folder), &mut code));
    let names = named(PAGE);
    assert!(names.len() > 50, "the page names {} tests", names.len());
    let missing: Vec<_> = names.iter().filter(|name| !code.contains(&format!("fn {name}("))).collect();
    assert!(missing.is_empty(), "docs/RELIABILITY.md names tests that are not there: {missing:?}");
}

#[test]
fn every_row_of_the_fault_table_names_a_test() {
    let faults = PAGE.split("## Faults on the wire").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows: Vec<_> = faults.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| fault")).collect();
    assert!(rows.len() > 30, "{} rows", rows.len());
    for row in rows {
        assert!(!named(row.rsplit('|').nth(1).unwrap()).is_empty(), "no test: {row}");
    }
}
