//! A sound server that does not answer when a program starts: it is said, and nothing waits for it.

use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::spawn;
use std::time::Duration;

use lab::Process;
use serde_json::Value;

use tests::program;

use super::{LIMIT, Studio, end_well};

/// The longest that a device may hold up a command; it takes two to nine seconds.
const SOON: Duration = Duration::from_secs(20);
const WORDS: &str = "the sound server does not answer";

/// A studio with devices whose server hangs.
fn frozen(test: &str) -> Option<Studio> {
    let studio = Studio::open(test)?;
    studio.furnish();
    studio.sound.freeze(true).unwrap();
    Some(studio)
}

/// Exit code and reason.
fn end(process: &mut Process) -> (Value, String) {
    let exit = process.wait_for("exit", SOON).unwrap().value;
    process.finish(LIMIT).unwrap();
    (
        exit["code"].clone(),
        exit["reason"].as_str().unwrap().to_owned(),
    )
}

#[test]
fn the_list_of_devices_says_what_is_wrong() {
    let Some(studio) = frozen("the_list_of_devices_says_what_is_wrong") else {
        return;
    };
    let (code, reason) = end(&mut studio.list());
    assert_eq!(code, 7, "{reason}");
    assert!(reason.contains(WORDS), "{reason}");
}

#[test]
fn a_call_begins_without_devices_unless_one_was_named() {
    let Some(studio) = frozen("a_call_begins_without_devices_unless_one_was_named") else {
        return;
    };
    for (mic, speaker, name) in [
        ("Desk", "null", "microphone \"Desk\""),
        ("silence", "Kitchen", "speaker \"Kitchen\""),
        ("silence", "#0", "speaker \"#0\""),
    ] {
        let (code, reason) = end(&mut studio.peer(&["call", "--mic", mic, "--speaker", speaker]));
        assert_eq!(code, 7, "{reason}");
        assert!(
            reason.starts_with(name) && reason.contains(WORDS),
            "{reason}"
        );
    }
    let nobody = ["--mic", "silence", "--speaker", "null"];
    let devices = ["--mic", "default", "--speaker", "default"];
    let [mut caller, answerer] =
        studio.call(&nobody, &[&devices[..], &["--duration", "1s"]].concat());
    for missing in ["no-microphone", "no-speaker"] {
        let warning = caller.wait_for("warning", SOON).unwrap().value;
        assert_eq!(warning["code"], missing);
    }
    caller.wait_for("connected", SOON).unwrap();
    end_well([caller, answerer]);
}

/// Answers to a client that says who it is, and to one that says what it is called.
const GREETINGS: usize = 2;

/// Passes the greetings on, and nothing that the server says after them.
fn fall_silent(client: UnixStream, server: &Path) {
    let mut server = UnixStream::connect(server).unwrap();
    let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    // It ends with either of them.
    spawn(move || std::io::copy(&mut from, &mut to).is_ok());
    let (mut client, mut answer) = (client, [0; 4096]);
    for _ in 0..GREETINGS {
        let length = server.read(&mut answer).unwrap();
        client.write_all(&answer[..length]).unwrap();
    }
    // Held until the test ends.
    std::mem::forget((client, server));
}

#[test]
fn a_server_that_falls_silent_after_the_greeting_is_not_waited_for() {
    let Some(studio) = Studio::open("a_server_that_falls_silent_after_the_greeting") else {
        return;
    };
    studio.furnish();
    let mut command = Command::new(program("peer-cli"));
    studio.sound.introduce(&mut command);
    let server = command.get_envs().find(|(name, _)| *name == "PULSE_SERVER");
    let server = server.unwrap().1.unwrap().to_str().unwrap();
    let server = PathBuf::from(server.strip_prefix("unix:").unwrap());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("silent");
    let listener = UnixListener::bind(&path).unwrap();
    spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let server = server.clone();
            spawn(move || fall_silent(client, &server));
        }
    });
    command.env("PULSE_SERVER", format!("unix:{}", path.display()));
    command.args(["devices", "--json"]);
    let mut list = Process::start("devices", command).unwrap();
    let (code, reason) = end(&mut list);
    assert_eq!(code, 7, "{reason}");
    assert!(reason.contains(WORDS), "{reason}");
}
