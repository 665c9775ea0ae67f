//! Help pages to the letter: what users read changes on purpose only.

use std::path::PathBuf;
use std::process::Command;

use super::{house, peer};

/// The goldens are written anew with this in the environment.
const UPDATE: &str = "UPDATE_GOLDENS";
/// Columns of a terminal that nobody has widened, less one.
const WIDTH: usize = 79;

#[track_caller]
fn golden(name: &str, mut command: Command) {
    let output = command.env_remove("COLUMNS").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{name}");
    assert!(output.stderr.is_empty(), "{name}: help is a result");
    let page = String::from_utf8(output.stdout).unwrap();
    let wide: Vec<&str> = page
        .lines()
        .filter(|line| line.chars().count() > WIDTH)
        .collect();
    assert!(
        wide.is_empty(),
        "{name}: wider than {WIDTH} columns: {wide:#?}"
    );
    assert!(
        !page.contains('\u{1b}'),
        "{name}: colours without a terminal"
    );
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/goldens")
        .join(format!("{name}.txt"));
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let wanted = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error} (write it with {UPDATE}=1)", path.display()));
    assert!(
        page == wanted,
        "{name} is not as in {} (if that is wanted: {UPDATE}=1); it is now:\n{page}",
        path.display()
    );
}

#[test]
fn every_page_of_peer_cli() {
    golden("peer-cli.short", peer::command(&["-h"]));
    golden("peer-cli.long", peer::command(&["--help"]));
    for verb in ["call", "answer", "loopback", "devices", "doctor"] {
        golden(&format!("{verb}.short"), peer::command(&[verb, "-h"]));
        golden(&format!("{verb}.long"), peer::command(&[verb, "--help"]));
        // The same page by its other name.
        golden(&format!("{verb}.long"), peer::command(&["help", verb]));
    }
}

#[test]
fn both_pages_of_signaling() {
    for (name, option) in [("signaling.short", "-h"), ("signaling.long", "--help")] {
        let mut command = Command::new(house::program());
        command.arg(option);
        golden(name, command);
    }
}

#[test]
fn the_version_is_that_of_the_package() {
    let ended = peer::run(&["--version"]).expect_code(0);
    assert_eq!(
        ended.out,
        [format!("peer-cli {}", env!("CARGO_PKG_VERSION"))]
    );
}

#[test]
fn no_argument_at_all_shows_what_there_is_and_is_a_mistake() {
    let ended = peer::run(&[]).expect_code(2);
    assert!(ended.out.is_empty(), "{ended:#?}");
    for part in [
        "Usage: peer-cli",
        "call",
        "answer",
        "loopback",
        "devices",
        "doctor",
    ] {
        assert!(ended.said.contains(part), "{part}: {}", ended.said);
    }
}
