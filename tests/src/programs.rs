//! The programs of this build, for tests that start them as processes.

use std::path::PathBuf;

/// Where this program is: two folders above the test's own.
///
/// # Panics
/// When it was not built.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test has a file");
    let folder = test.ancestors().nth(2).expect("a test lies in target/");
    let path = folder.join(name);
    assert!(
        path.is_file(),
        "{} is missing: this test runs the real programs (run \"cargo build\", or \"cargo test --workspace\")",
        path.display()
    );
    path
}
