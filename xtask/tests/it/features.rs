//! That no dependency compiles twice: `cargo xtask`, the functions for the local stack and the tests turn
//! on the same features of every crate from outside.

use std::collections::BTreeSet;
use std::process::Command;

use matome_local_stack::lambda;

/// Every crate from outside with the features it is built with.
fn outside(selected: &[String], edges: &str) -> BTreeSet<String> {
    let mut tree = Command::new(matome_local_stack::variable("CARGO").unwrap_or_else(|| "cargo".to_owned()));
    tree.args([
        "tree",
        "--offline",
        "--locked",
        "--prefix",
        "none",
        "--format",
        "{p} [{f}]",
        "--edges",
        edges,
    ])
    .args(selected);
    let output = tree.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| line.trim_end_matches(" (*)").to_owned())
        // Ours stand with their folders.
        .filter(|line| !line.is_empty() && !line.contains('/'))
        .collect()
}

#[test]
fn every_dependency_compiles_once() {
    let tests = outside(&["--workspace".to_owned()], "normal,build,dev");
    let package = |name: String| ["--package".to_owned(), name];
    let xtask: Vec<String> = package("xtask".to_owned()).into();
    let mut functions = xtask.clone();
    functions.extend(lambda::FUNCTIONS.iter().flat_map(|function| package(lambda::package(function))));
    for (what, selected) in [("cargo xtask", xtask), ("the local functions", functions)] {
        let built = outside(&selected, "normal,build");
        assert!(built.len() > 300, "{what}: only {} crates", built.len());
        let twice: Vec<_> = built.difference(&tests).collect();
        assert!(
            twice.is_empty(),
            "{what} builds these with other features than the tests do; \
             let xtask/Cargo.toml or the workspace turn on what is missing: {twice:#?}"
        );
    }
}
