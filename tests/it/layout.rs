//! The house keeps its shape: who may name which crate, what stays pure, who imports whom, how long a file may be.
//!
//! The sources are read as text; the rules stand in [`rules`], the checks are tried on small made-up sources in `checks_tests`.

mod graph;
mod rules;
mod scan;
mod source;
mod tokens;

mod checks;
mod checks_tests;

use std::path::Path;

use source::Source;

fn sources() -> Vec<Source> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = tests.parent().expect("the tests lie in the workspace");
    let sources = Source::read_all(root).expect("the sources can be read");
    assert!(
        sources.len() > 20,
        "only {} sources found: the walk has lost its way",
        sources.len()
    );
    sources
}

fn none(violations: &[String]) {
    assert!(
        violations.is_empty(),
        "the layout is broken:\n  {}\n",
        violations.join("\n  ")
    );
}

#[test]
fn every_foreign_crate_is_named_in_its_own_place() {
    none(&checks::foreign_crates(&sources(), rules::FOREIGN));
}

#[test]
fn pure_modules_have_no_io_clock_task_lock_or_randomness() {
    none(&checks::purity(&sources()));
}

#[test]
fn rooms_import_downwards_only() {
    none(&checks::order(
        &sources(),
        "peer-cli",
        rules::PEER_ORDER,
        rules::PEER_VALUES,
    ));
}

#[test]
fn there_are_no_import_circles() {
    none(&checks::circles(&sources()));
}

#[test]
fn crates_depend_on_what_they_may() {
    none(&checks::manifests(&sources()));
}

#[test]
fn files_are_small_and_well_named() {
    let report = checks::budgets(&sources());
    for warning in &report.long {
        println!("getting long: {warning}");
    }
    none(&report.violations);
}
