//! Exit 7 and 9: devices that are not there, files that cannot be used. Known before anybody is called.

use super::house::House;
use super::peer::{Ended, run};

#[track_caller]
fn fails(house: &House, mic: &str, speaker: &str) -> Ended {
    let caller = house.peer("call", [mic, speaker], &["--timeout", "20s"]);
    let ended = caller.finish();
    assert!(ended.all("candidate").is_empty());
    assert!(
        ended.said.contains(&format!("error: {}", ended.reason())),
        "{}",
        ended.said
    );
    ended
}

#[test]
fn a_file_that_cannot_be_used() {
    let house = House::open();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(
        path("note.wav"),
        "this is no sound at all, but it is long enough to be looked at",
    )
    .unwrap();
    std::fs::write(path("empty.wav"), "").unwrap();
    std::fs::create_dir(path("folder.wav")).unwrap();
    for (mic, speaker, what, why) in [
        (
            "missing.wav",
            "",
            "missing.wav",
            "cannot be read: no such file or directory",
        ),
        ("folder.wav", "", "folder.wav", "it is a directory"),
        ("note.wav", "", "note.wav", "no sound file that can be read"),
        ("empty.wav", "", "empty.wav", "is empty"),
        (
            "",
            "away/got.wav",
            "away/got.wav",
            "cannot be written: no such file or directory",
        ),
        (
            "",
            "away/got.ogg",
            "away/got.ogg",
            "cannot be written: no such file or directory",
        ),
        ("", "folder.wav", "folder.wav", "cannot be written"),
    ] {
        let mic = if mic.is_empty() {
            "silence".to_owned()
        } else {
            format!("file:{}", path(mic))
        };
        let speaker = if speaker.is_empty() {
            "null".to_owned()
        } else {
            format!("file:{}", path(speaker))
        };
        let ended = fails(&house, &mic, &speaker).expect_code(9);
        assert!(
            ended.reason().contains(&path(what)) && ended.reason().contains(why),
            "{}",
            ended.reason()
        );
    }
}

#[test]
fn statistics_that_cannot_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("away/stats.jsonl").display().to_string();
    let output = super::peer::command(&["loopback", "--json", "--stats-file", &path])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(9));
    let last = String::from_utf8(output.stdout).unwrap();
    let last = super::schema::event(last.trim_end());
    assert_eq!(last["event"], "exit");
    assert!(last["reason"].as_str().unwrap().contains(&path), "{last}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told() {
    // A device that is always full.
    let output = super::peer::command(&["loopback", "--json"])
        .stdout(std::fs::File::create("/dev/full").unwrap())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(9));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("cannot write stdout"), "{said}");
}

#[test]
fn a_device_that_is_not_there() {
    let house = House::open();
    let name = "A Microphone That Nobody Has";
    let ended = fails(&house, name, "null").expect_code(7);
    assert!(
        ended
            .reason()
            .starts_with(&format!("microphone \"{name}\": not found")),
        "{}",
        ended.reason()
    );
    let name = "A Speaker That Nobody Has";
    let ended = fails(&house, "silence", name).expect_code(7);
    assert!(
        ended
            .reason()
            .starts_with(&format!("speaker \"{name}\": not found")),
        "{}",
        ended.reason()
    );
    let ended = fails(&house, "#4711", "null").expect_code(7);
    assert!(ended.reason().contains("#4711"), "{}", ended.reason());
}

#[test]
fn devices_are_listed_or_their_absence_is_explained() {
    let ended = run(&["devices", "--json"]).expect_code(0);
    let found = ended.all("device").len();
    let absent = ended
        .all("warning")
        .iter()
        .filter(|event| event["code"] == "no-devices")
        .count();
    assert_eq!(absent, usize::from(found == 0), "{ended:#?}");
    let people = run(&["devices"]).expect_code(0);
    assert_eq!(people.out.len(), found, "{people:#?}");
    assert_eq!(
        people.said.contains("no sound devices found"),
        found == 0,
        "{people:#?}"
    );
}
