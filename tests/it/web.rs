//! The machines of the server's page (signaling/web), which have no I/O, on Node: `tests/web`.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::process::Command;

#[test]
fn the_machines_of_the_page_stand_disorder() {
    if Command::new("node").arg("--version").output().is_err() {
        let test = "web::the_machines_of_the_page_stand_disorder";
        lab::skipped(test, "needs Node (cargo xtask test)");
        return;
    }
    // Beside each other, as modules: a browser is told so by the page, Node by a package.
    let folder = tempfile::tempdir().unwrap();
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    for source in [tests.join("web"), tests.join("../signaling/web")] {
        for entry in fs::read_dir(source).unwrap() {
            let file = entry.unwrap().path();
            if file.extension().is_some_and(|end| end == "js") {
                fs::copy(&file, folder.path().join(file.file_name().unwrap())).unwrap();
            }
        }
    }
    fs::write(folder.path().join("package.json"), r#"{"type":"module"}"#).unwrap();
    let mut node = Command::new("node");
    let output = node
        .args(["--test", "--test-reporter=tap"])
        .current_dir(&folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("# pass 4"), "{said}");
}
