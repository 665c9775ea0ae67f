//! The example of the README's chapter for web developers, as it stands there: a page, and a script that tests it.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tests::program;

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("example")
}

/// Runs the script on this page; nothing where there is no browser, which is then said past the test harness.
fn run(test: &str, page: &Path) -> Option<Output> {
    let chromium = lab::BrowserKind::Chromium;
    if !chromium.is_here(&format!("example::{test}")) {
        return None;
    }
    // Both programs lie in one folder.
    let ours = program("peer-cli");
    assert_eq!(ours.parent(), program("signaling").parent());
    let path = env::var_os("PATH").unwrap();
    let folders = ours.parent().map(Path::to_owned).into_iter();
    let path = env::join_paths(folders.chain(env::split_paths(&path))).unwrap();
    let mut command = Command::new("sh");
    command
        .arg(example().join("test.sh"))
        .arg(format!("file://{}", page.display()))
        .env("PATH", path)
        .env("BROWSER", chromium.program().unwrap());
    Some(command.output().unwrap())
}

#[test]
fn a_page_that_works_passes() {
    let page = example().join("page.html");
    let Some(output) = run("a_page_that_works_passes", &page) else {
        return;
    };
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn a_page_whose_microphone_is_mute_fails() {
    let page = std::fs::read_to_string(example().join("page.html")).unwrap();
    let track = "connection.addTrack(track, microphone)";
    assert!(page.contains(track));
    let mute = page.replace(track, &format!("track.enabled = false, {track}"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("page.html");
    std::fs::write(&file, mute).unwrap();
    let Some(output) = run("a_page_whose_microphone_is_mute_fails", &file) else {
        return;
    };
    assert_eq!(output.status.code(), Some(8), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("audio"), "{said}");
}
