#![allow(clippy::unwrap_used)]

use std::path::PathBuf;

use super::*;
use crate::audio::spec::{SinkSpec, SourceSpec};
use crate::proto::channels::Channels;
use crate::voice::Asked;

mod doctor;
mod mistakes;
mod pages;

fn parsed(line: &str) -> Result<Command, Stop> {
    parse(["peer-cli"].into_iter().chain(line.split_whitespace()))
}

#[track_caller]
fn call(line: &str) -> CallOptions {
    match parsed(&format!("call {line}")) {
        Ok(Command::Call(options)) => *options,
        other => panic!("{line}: {other:?}"),
    }
}

#[track_caller]
fn loopback(line: &str) -> LoopbackOptions {
    match parsed(&format!("loopback {line}")) {
        Ok(Command::Loopback(options)) => *options,
        other => panic!("{line}: {other:?}"),
    }
}

#[track_caller]
fn mistake(line: &str) -> String {
    let stop = parsed(line).unwrap_err();
    assert_eq!(stop.exit(), Exit::Usage, "{line}");
    stop.reason()
}

#[test]
fn no_argument_at_all_is_a_call() {
    let options = call("");
    assert_eq!(
        options.signaling.url().as_str(),
        "ws://127.0.0.1:8080/socket"
    );
    assert_eq!(
        (options.signaling.peers, options.signaling.keep),
        (1, false)
    );
    assert_eq!(options.sound.mic, SourceSpec::Default);
    assert_eq!(options.sound.speaker, SinkSpec::Default);
    assert_eq!(
        (
            options.sound.ptime_ms,
            options.sound.bitrate,
            options.sound.fec
        ),
        (20, 32_000, true)
    );
    assert!(options.messages.stdin && options.messages.texts.is_empty());
    assert!(
        options.network.loopback,
        "the default server is on this machine"
    );
    assert!(matches!(&options.network.stun, Stun::Servers(servers) if servers.len() == 2));
    assert_eq!(options.session.connect_limit(), Duration::from_secs(30));
    assert_eq!(options.session.wait_limit(), None);
    assert_eq!(options.output, OutputOptions::default());
}

#[test]
fn every_option_arrives_typed() {
    let options = call(
        "demo -s wss://example.org/ws?a=1 --name bob --to eve --peers 3 --allow-origin https://Example.org:443/ \
         --mic tone:440 --speaker file:got.wav --ptime 40 --bitrate 64k --no-fec --jitter 20..200 -m hi -m -dash \
         --stun stun:a --stun stun:b:1 --bind 192.0.2.1 --loopback --impair loss=5%,delay=80ms --impair-seed 7 \
         --timeout 5s --duration 1.5m --expect connected --expect message=^a --max-setup 2s --max-loss 1% \
         --max-rtt 50ms --json -vvv --stats 500ms --stats-file s.jsonl",
    );
    let signaling = &options.signaling;
    assert_eq!(
        signaling.url().as_str(),
        "wss://example.org/ws?a=1&room=demo"
    );
    assert_eq!(signaling.shown_server(), "wss://example.org/ws");
    assert_eq!(
        (signaling.name.as_deref(), signaling.to.as_deref()),
        (Some("bob"), Some("eve"))
    );
    assert_eq!(
        (signaling.peers, &*signaling.allow_origin),
        (3, &["https://example.org".to_owned()][..])
    );
    assert_eq!(options.sound.speaker, SinkSpec::File("got.wav".into()));
    assert_eq!(
        (
            options.sound.ptime_ms,
            options.sound.bitrate,
            options.sound.fec
        ),
        (40, 64_000, false)
    );
    assert_eq!(Ok(options.sound.jitter), "20..200".parse());
    assert_eq!(options.messages.texts, ["hi", "-dash"]);
    let network = &options.network;
    assert!(matches!(&network.stun, Stun::Servers(servers) if servers.len() == 2));
    assert_eq!(
        network.bind,
        ["192.0.2.1".parse::<std::net::IpAddr>().unwrap()]
    );
    assert_eq!(network.impair.map(|impair| impair.loss), Some(0.05));
    assert_eq!((network.loopback, network.impair_seed), (true, 7));
    assert_eq!(options.session.wait_limit(), Some(Duration::from_secs(5)));
    assert_eq!(options.session.duration, Some(Duration::from_secs(90)));
    assert_eq!(options.checks.expect.len(), 2);
    assert_eq!(
        (options.checks.max_loss, options.checks.max_rtt),
        (Some(0.01), Some(Duration::from_millis(50)))
    );
    let output = &options.output;
    assert_eq!(
        (output.json, output.verbosity, output.stats_shown),
        (true, 2, true)
    );
    assert_eq!(output.stats_every, Some(Duration::from_millis(500)));
    assert_eq!(output.stats_file, Some(PathBuf::from("s.jsonl")));
}

#[test]
fn the_printer_knows_that_only_relays_are_wanted() {
    assert!(call("demo --relay-only").output.relay_only);
    assert!(!call("demo --no-relay").output.relay_only);
}

#[test]
fn loopback_and_echo_have_defaults_of_their_own() {
    let options = loopback("");
    assert_eq!(
        (options.sound.mic, options.sound.speaker),
        (SourceSpec::Tone { hz: 440 }, SinkSpec::Null)
    );
    assert!(!options.messages.stdin && options.network.loopback);
    assert!(matches!(options.network.stun, Stun::Off));

    let sound = call("--echo").sound;
    assert_eq!(
        (&sound.mic, &sound.speaker),
        (&SourceSpec::Off, &SinkSpec::Null)
    );
    assert!(sound.has_audio());
    assert!(!call("--mic off --speaker off").sound.has_audio());
    match parsed("answer --keep --peers 50").unwrap() {
        Command::Answer(options) => {
            assert!(options.signaling.keep && options.signaling.peers == 50)
        }
        other => panic!("{other:?}"),
    }
    assert!(
        matches!(parsed("devices --json"), Ok(Command::Devices(options)) if options.output.json)
    );
}

#[test]
fn voice_processing_is_left_to_the_devices_unless_something_is_said() {
    let said = |line: &str| {
        let asked = call(line).sound.processing;
        [asked.echo, asked.noise, asked.gain]
    };
    assert_eq!(said(""), [None; 3]);
    assert_eq!(said("--aec --no-ns"), [Some(true), Some(false), None]);
    // The last word counts, as for a script that adds to what is there.
    assert_eq!(said("--agc --no-agc"), [None, None, Some(false)]);
    assert_eq!(said("--no-aec --aec"), [Some(true), None, None]);
    assert!(!call("--echo").sound.processing.echo.unwrap_or(false));
}

#[test]
fn stereo_is_for_music() {
    let sound = call("--stereo").sound;
    let Asked { echo, noise, gain } = sound.processing;
    assert_eq!([echo, noise, gain], [Some(false); 3]);
    assert_eq!((sound.channels, sound.bitrate), (Channels::Stereo, 96_000));
    assert_eq!(call("--stereo --bitrate 64k").sound.bitrate, 64_000);
    assert_eq!(call("").sound.channels, Channels::Mono);
}

#[test]
fn what_stdin_and_stdout_are_for() {
    assert!(!call("--mic stdin").messages.stdin);
    assert!(call("--speaker stdout").output.stdout_is_sound);
    let hang_up = |line: &str| call(line).session.hang_up;
    assert_eq!(hang_up("--mic file:a.wav"), HangUp::Never);
    assert_eq!(
        hang_up("--hangup-on-eof --mic file:a.wav"),
        HangUp::SourceEnds
    );
    assert_eq!(hang_up("--hangup-on-eof --mic stdin"), HangUp::SourceEnds);
    assert_eq!(
        hang_up("--hangup-on-eof --mic file:a.wav,loop"),
        HangUp::InputEnds
    );
    assert_eq!(hang_up("--hangup-on-eof"), HangUp::InputEnds);
}

#[test]
fn an_empty_server_is_none_given() {
    let options = call("--server= --stun=");
    assert_eq!(
        options.signaling.url().as_str(),
        "ws://127.0.0.1:8080/socket"
    );
    assert!(matches!(&options.network.stun, Stun::Servers(servers) if servers.len() == 2));
}

#[test]
fn statistics() {
    let stats = |line: &str| {
        let output = call(line).output;
        (output.stats_every, output.stats_shown)
    };
    assert_eq!(stats("--stats"), (Some(Duration::from_secs(1)), true));
    assert_eq!(
        stats("--stats=2s demo"),
        (Some(Duration::from_secs(2)), true)
    );
    assert_eq!(
        stats("--stats-file a"),
        (Some(Duration::from_secs(1)), false)
    );
    assert!(mistake("call --stats demo").contains("write --stats=1s demo"));
    assert!(mistake("call --stats 1ms").contains("at least 100ms"));
}
