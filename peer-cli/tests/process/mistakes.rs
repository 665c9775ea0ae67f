//! Exit 2: what is wrong, what to do, and with `--json` the promised last line.

use super::peer::run;

#[test]
fn mistakes_are_told_to_people_and_to_scripts() {
    for (line, part) in [
        ("call --sever ws://127.0.0.1:1", "'--server'"),
        (
            "call -s http://127.0.0.1:1/socket",
            "(did you mean ws://127.0.0.1:1/socket?)",
        ),
        ("call no/room", "a room has only letters"),
        ("call --echo --mic tone:440", "leave out --mic"),
        ("answer --to bob", "'--to'"),
        (
            "loopback --expect direct --expect relay",
            "exclude each other",
        ),
        ("call --timeout 30", "has no unit (write 30s or 30ms)"),
        (
            "call --speaker file:got.txt",
            "must end in .wav, .ogg or .opus",
        ),
        ("pipe", "'pipe'"),
    ] {
        let arguments: Vec<&str> = line.split(' ').collect();
        let ended = run(&arguments).expect_code(2);
        assert!(ended.out.is_empty(), "{line}: {ended:#?}");
        assert!(ended.said.starts_with("error: "), "{line}: {}", ended.said);
        assert!(ended.said.contains(part), "{line}: {}", ended.said);

        let arguments = [&arguments[..], &["--json"]].concat();
        let ended = run(&arguments).expect_code(2);
        assert!(ended.said.contains(part), "{line}: {}", ended.said);
        let reason = ended.reason();
        assert!(
            reason.contains(part) && !reason.contains('\n'),
            "{line}: {reason}"
        );
    }
}

#[test]
fn sound_and_events_cannot_share_stdout() {
    let ended = super::peer::command(&["call", "--speaker", "stdout", "--json"])
        .output()
        .unwrap();
    assert_eq!(ended.status.code(), Some(2));
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(
        said.contains("--speaker stdout and --json both need stdout"),
        "{said}"
    );
}
