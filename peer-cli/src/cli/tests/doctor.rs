use super::super::options::{DoctorOptions, Stun};
use super::*;

fn doctor(line: &str) -> DoctorOptions {
    match parsed(&format!("doctor {line}")).unwrap() {
        Command::Doctor(options) => *options,
        other => panic!("{other:?}"),
    }
}

#[test]
fn doctor_looks_at_what_a_call_would_use() {
    let options = doctor("");
    assert_eq!(
        options.server.unwrap().as_str(),
        "ws://127.0.0.1:8080/socket"
    );
    assert_eq!(
        (options.mic, options.speaker),
        (SourceSpec::Default, SinkSpec::Default)
    );
    assert!(matches!(options.stun, Stun::Servers(servers) if servers.len() == 2));
    let options =
        doctor("-s off --stun off --mic off --speaker #1 --timeout 500ms --bind 127.0.0.1");
    assert!(options.server.is_none() && matches!(options.stun, Stun::Off));
    assert_eq!(
        (options.mic, options.speaker),
        (SourceSpec::Off, SinkSpec::Index(1))
    );
    assert_eq!(options.patience, Duration::from_millis(500));
    assert_eq!(options.bind.len(), 1);
}

#[test]
fn doctor_tries_devices_alone() {
    for line in [
        "--mic tone:440",
        "--mic file:a.wav",
        "--speaker null",
        "--speaker stdout",
    ] {
        let words = mistake(&format!("doctor {line}"));
        assert!(
            words.contains("doctor tries devices: default, NAME, #INDEX or off"),
            "{words}"
        );
    }
    assert!(mistake("doctor --turn turns:h?transport=udp").contains("is not a TURN URL"));
}
