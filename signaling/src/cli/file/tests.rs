#![allow(clippy::unwrap_used)]

use std::io::Write;

use clap::{ArgAction, CommandFactory};
use tempfile::NamedTempFile;

use super::super::{Arguments, Refused, Secrets};
use super::*;

fn file(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn read(text: &str, typed: &[&str]) -> Result<Arguments, Refused> {
    let file = file(text);
    let path = file.path().to_str().unwrap();
    let line = ["signaling", "--config", path]
        .into_iter()
        .chain(typed.iter().copied());
    Arguments::read(line.map(OsString::from))
}

/// What is said of a file that is wrong, after its path.
fn wrong(text: &str) -> String {
    let file = file(text);
    let path = file.path().to_str().unwrap().to_owned();
    match Arguments::read(["signaling", "--config", &path].map(OsString::from)) {
        Err(Refused::Configuration(why, _)) => {
            let why = format!("{why:#}");
            why.strip_prefix(&format!("{path}:"))
                .unwrap_or(&why)
                .to_owned()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_file_says_what_could_be_typed() {
    let arguments = read(
        "listen = \"127.0.0.1:0\"\nmax-room = 3\nmax-frame = \"1k\" # a comment\nno-page = true\n\
         origin = [\"https://a\", \"https://b\"]\nrelay = true\ndrain = \"30s\"\n",
        &[],
    )
    .unwrap();
    let options = arguments.server_options(Secrets::default()).unwrap();
    assert_eq!(options.origins, ["https://a", "https://b"]);
    assert_eq!(
        (options.limits.max_room, options.limits.max_frame),
        (3, 1024)
    );
    assert_eq!((options.page, options.drain.as_secs()), (false, 30));
    assert_eq!(options.limits.max_rooms, 10_000, "the rest is as ever");
    let relay = arguments.relay_options().unwrap().unwrap();
    assert_eq!(relay.listen.port(), 3478);
    assert!(
        read("relay = false\nno-page = false", &[])
            .unwrap()
            .relay_options()
            .unwrap()
            .is_none()
    );
}

#[test]
fn what_is_typed_wins() {
    let typed = ["--max-room", "5", "--origin", "https://c"];
    let arguments = read(
        "max-room = 3\nmax-rooms = 4\norigin = \"https://a\"",
        &typed,
    )
    .unwrap();
    let options = arguments.server_options(Secrets::default()).unwrap();
    assert_eq!((options.limits.max_room, options.limits.max_rooms), (5, 4));
    assert_eq!(options.origins, ["https://c"]);
}

/// A value that each option takes; whoever adds one that none of these fits extends this.
fn some_value(arg: &Arg) -> String {
    let tried = [
        "7",
        "\"127.0.0.1:0\"",
        "\"192.0.2.1\"",
        "\"5s\"",
        "\"json\"",
        "\"none\"",
        "\"turn:a\"",
    ];
    let tried = tried.iter().chain(&[
        "\"local\"",
        "\"https://a\"",
        "\"64k\"",
        "\"peer.example.org\"",
    ]);
    if matches!(arg.get_action(), ArgAction::SetTrue) {
        return "true".to_owned();
    }
    let fits = |value: &&&str| check(arg, &[value.trim_matches('"').to_owned()]).is_ok();
    let mut tried = tried;
    let value = tried.find(fits);
    value
        .unwrap_or_else(|| panic!("no value for {}", long(arg)))
        .to_string()
}

/// There is no second list: every option of the program can stand in a file, and arrives as if it were typed.
#[test]
fn every_option_can_stand_in_a_file() {
    let mut count = 0;
    for arg in Arguments::command().get_arguments() {
        let name = long(arg);
        if name == NOT_IN_FILE {
            continue;
        }
        let value = some_value(arg);
        let text = format!("{name} = {value}\n");
        let from_file = read(&text, &[]).unwrap_or_else(|why| panic!("{text}: {why:?}"));
        let typed = match arg.get_action() {
            ArgAction::SetTrue => format!("--{name}"),
            _ => format!("--{name}={}", value.trim_matches('"')),
        };
        let typed = Arguments::read(["signaling", &typed].map(OsString::from)).unwrap();
        let plain = |arguments: Arguments| {
            let text = format!("{arguments:?}");
            let file = text.find("config: Some(");
            // The path of the file is the one difference.
            match file.and_then(|at| Some((at, at + text[at..].find("\")")?))) {
                Some((from, to)) => text[..from].to_owned() + "config: None" + &text[to + 2..],
                None => text,
            }
        };
        assert_eq!(plain(from_file), plain(typed), "{text}");
        count += 1;
    }
    assert!(count > 20, "{count}");
}

#[test]
fn mistakes_are_named_with_their_line() {
    for (text, said) in [
        (
            "\nmax-room = -1",
            "2: invalid value '-1' for '--max-room <N>'",
        ),
        (
            "max-frame = \"64q\"",
            "1: invalid value '64q' for '--max-frame <SIZE>': not a size",
        ),
        (
            "auth = \"all\"",
            "1: invalid value 'all' for '--auth <WHO>' [possible values: none, token",
        ),
        (
            "# one\n\nroom = 1",
            "3: unknown key \"room\": the keys are the long options of --help",
        ),
        (
            "max_room = 1",
            "1: unknown key \"max_room\": write max-room",
        ),
        (
            "--max-room = 1",
            "1: unknown key \"--max-room\": write max-room",
        ),
        ("config = \"x\"", "1: unknown key \"config\""),
        ("help = true", "1: unknown key \"help\""),
        (
            "token-secret = \"x\"",
            "1: unknown key \"token-secret\": secrets come by the environment alone",
        ),
        (
            "max-room = [1]",
            "1: max-room is a list: expected is N as a text in quotation marks or a whole number",
        ),
        (
            "no-page = \"yes\"",
            "1: no-page is a text: expected is true or false",
        ),
        (
            "no-page = 1",
            "1: no-page is 1, a whole number: expected is true",
        ),
        (
            "max-room = 1.5",
            "1: max-room is 1.5, a float: expected is N as a text",
        ),
        (
            "\nmax-room = 0x10",
            "2: max-room is 0x10, a number to base 16: expected is N",
        ),
        (
            "max-room = true",
            "1: max-room is true, a boolean: expected is N",
        ),
        (
            "token-key = false",
            "1: token-key is false, a boolean: expected is FILE",
        ),
        (
            "relay = 1.5",
            "1: relay is 1.5, a float: expected is ADDR:PORT",
        ),
        (
            "relay = { port = 1 }",
            "1: relay is a table: expected is ADDR:PORT",
        ),
        (
            "backplane = [\"nats://u:hunter2@a\"]",
            "1: backplane is a list: expected is URL as a text",
        ),
        ("max-room = 1\nmax-room = 2", "2: duplicate key"),
        ("[limits]\nmax-room = 1", "1: unknown key \"limits\""),
        ("max-room 1", "1: "),
        (
            "origin = [1979-05-27]",
            "1: origin is 1979-05-27, a date or time: expected is ORIGIN as a text in quotation marks or a whole number, \
             or a list of such",
        ),
    ] {
        let why = wrong(text);
        assert!(why.starts_with(said), "{text}: {why}");
        assert!(!why.contains('\n'), "one line: {why}");
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let line = ["signaling", "--config", "/nowhere/signaling.toml"];
    let Err(Refused::Configuration(why, _)) = Arguments::read(line.map(OsString::from)) else {
        panic!("it is not there");
    };
    let why = format!("{why:#}");
    assert!(
        why.starts_with("--config /nowhere/signaling.toml: No such file"),
        "{why}"
    );
}

#[cfg(unix)]
#[test]
fn a_password_stands_where_others_cannot_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let text = "max-room = 3\nbackplane = \"nats://u:hunter2@broker.example\"";
    let file = file(text);
    let path = file.path().to_str().unwrap();
    let read = |mode| {
        let mode = fs::Permissions::from_mode(mode);
        fs::set_permissions(path, mode).unwrap();
        Arguments::read(["signaling", "--config", path].map(OsString::from))
    };
    for mode in [0o600, 0o640] {
        let options = read(mode).unwrap().server_options(Secrets::default());
        let shared = options.unwrap().backplane;
        assert!(matches!(shared, crate::Backplane::Nats(_)), "{mode:o}");
    }
    let Err(Refused::Configuration(why, _)) = read(0o644) else {
        panic!("everybody can read it");
    };
    let why = format!("{why:#}");
    let said = format!("{path}:2: every user can read this file");
    assert!(why.starts_with(&said) && !why.contains("hunter2"), "{why}");
    // Without a password it is like any other option.
    fs::write(path, "backplane = \"nats://broker.example\"").unwrap();
    assert!(read(0o644).is_ok());
}
