//! A spoken sentence from one process to another: all of it, and nothing else.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use super::align::{self, Match, compare};
use super::house::House;
use super::peer::{Peer, command, run};
use super::wave::{self, RATE};

/// What may be missing of a sentence at either end, in seconds.
const SLACK: f64 = 0.1;
/// 32 kbit/s of Opus keep the waveform of speech.
const ALIKE: f64 = 0.9;

#[track_caller]
fn is_whole(sent: &[f32], heard: &[f32]) -> Match {
    let found = compare(sent, heard);
    assert!(
        found.missing_start <= SLACK && found.missing_end <= SLACK,
        "{found:?}"
    );
    assert!(found.similarity >= ALIKE, "{found:?}");
    // The first sample of a recording is the moment of the connection, when the source starts too.
    assert!((0.0..1.0).contains(&found.delay), "{found:?}");
    found
}

/// The beginning of the sentence, which is enough where the whole is tried elsewhere.
fn excerpt() -> Vec<f32> {
    let (rate, mut sentence) = wave::read(&wave::spoken());
    assert_eq!(rate, align::RATE);
    sentence.truncate(5 * rate / 2);
    sentence
}

fn file(path: &Path) -> String {
    format!("file:{}", path.display())
}

/// What arrived, at the rate of the fixture.
fn heard(path: &Path) -> Vec<f32> {
    let (rate, sound) = wave::read(path);
    assert_eq!(rate, RATE);
    wave::third(&sound)
}

#[test]
fn nothing_is_missing_at_either_end() {
    let house = House::open();
    let folder = tempfile::tempdir().unwrap();
    let got = folder.path().join("got.wav");
    let (speaker, mic) = (file(&got), file(&wave::spoken()));
    let mut answerer = Peer::start(&[
        "answer",
        "--json",
        "-s",
        &house.url,
        "--mic",
        "silence",
        "--speaker",
        &speaker,
    ]);
    answerer.wait_for("signaling");
    let caller = run(&[
        "call",
        "--json",
        "-s",
        &house.url,
        "--mic",
        &mic,
        "--speaker",
        "null",
        "--hangup-on-eof",
    ]);
    caller.expect_code(0);
    let answerer = answerer.finish().expect_code(0);
    let (rate, sent) = wave::read(&wave::spoken());
    assert_eq!(rate, align::RATE);
    let heard = heard(&got);
    is_whole(&sent, &heard);
    // Nothing but the sentence: a recording lasts about as long as the call.
    let lasts = heard.len() as f64 / align::RATE as f64;
    let call = answerer.one("ended")["summary"]["duration"]
        .as_f64()
        .unwrap();
    assert!(
        (lasts - call).abs() < 0.5,
        "{lasts} s of a call of {call} s"
    );
}

#[test]
fn an_echo_is_the_same_sentence() {
    let house = House::open();
    let folder = tempfile::tempdir().unwrap();
    let (said, back) = (
        folder.path().join("said.wav"),
        folder.path().join("back.wav"),
    );
    let sent = excerpt();
    wave::write(&said, align::RATE, &sent);
    let mut answerer = Peer::start(&["answer", "--json", "-s", &house.url, "--echo"]);
    answerer.wait_for("signaling");
    // The way back takes a moment longer than the file.
    let (mic, speaker) = (file(&said), file(&back));
    let arguments = [
        "call",
        "--json",
        "-s",
        &house.url,
        "--mic",
        &mic,
        "--speaker",
        &speaker,
    ];
    let mut caller =
        Peer::start(&[&arguments[..], &["--duration", "4s", "-m", "anybody?"]].concat());
    let message = caller.wait_for("message");
    assert_eq!(message["text"], "anybody?");
    caller.finish().expect_code(0);
    answerer.finish().expect_code(0);
    is_whole(&sent, &heard(&back));
}

#[test]
fn sound_can_be_piped_in_and_out() {
    let house = House::open();
    let sent = excerpt();
    let arguments = [
        "answer",
        "-s",
        &house.url,
        "--mic",
        "silence",
        "--speaker",
        "stdout",
    ];
    let mut answerer = command(&arguments).spawn().unwrap();
    // With its own end of the pipe, so that nothing waits for anything.
    let mut output = answerer.stdout.take().unwrap();
    let sound = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut output, &mut bytes).map(|_| bytes)
    });
    let arguments = [
        "call",
        "--json",
        "-s",
        &house.url,
        "--mic",
        "stdin",
        "--speaker",
        "null",
        "--hangup-on-eof",
    ];
    let mut caller = command(&[&arguments[..], &["-m", "no sample"]].concat());
    caller.stdin(Stdio::piped());
    let mut child = caller.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let raw = wave::bytes(&wave::tripled(&sent));
    let feeder = std::thread::spawn(move || input.write_all(&raw));
    let status = child.wait_with_output().unwrap();
    assert_eq!(
        status.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&status.stderr)
    );
    feeder.join().unwrap().unwrap();
    let words = answerer.wait_with_output().unwrap();
    assert_eq!(words.status.code(), Some(0));
    let heard = sound.join().unwrap().unwrap();
    is_whole(&sent, &wave::third(&wave::samples(&heard)));
    // Messages go elsewhere then.
    let said = String::from_utf8(words.stderr).unwrap();
    assert!(said.lines().any(|line| line == "no sample"), "{said}");
}

#[test]
fn a_recording_in_ogg_can_be_sent_again() {
    let house = House::open();
    let folder = tempfile::tempdir().unwrap();
    let [said, first, second] =
        ["said.wav", "first.ogg", "second.wav"].map(|name| folder.path().join(name));
    let sent = excerpt();
    wave::write(&said, align::RATE, &sent);
    for (from, to) in [(&said, &first), (&first, &second)] {
        let (mic, speaker) = (file(from), file(to));
        let mut answerer = Peer::start(&[
            "answer",
            "--json",
            "-s",
            &house.url,
            "--mic",
            "silence",
            "--speaker",
            &speaker,
        ]);
        answerer.wait_for("signaling");
        run(&[
            "call",
            "--json",
            "-s",
            &house.url,
            "--mic",
            &mic,
            "--speaker",
            "null",
            "--hangup-on-eof",
        ])
        .expect_code(0);
        answerer.finish().expect_code(0);
    }
    assert!(std::fs::read(&first).unwrap().starts_with(b"OggS"));
    let found = compare(&sent, &heard(&second));
    assert!(
        found.missing_start <= SLACK && found.missing_end <= SLACK,
        "{found:?}"
    );
    assert!(
        found.similarity >= 0.8,
        "two codecs, one after the other: {found:?}"
    );
}

#[test]
fn a_recording_is_valid_while_it_grows_and_after_a_kill() {
    let house = House::open();
    let folder = tempfile::tempdir().unwrap();
    let got = folder.path().join("got.wav");
    let speaker = file(&got);
    let mut answerer = Peer::start(&[
        "answer",
        "--json",
        "-s",
        &house.url,
        "--mic",
        "silence",
        "--speaker",
        &speaker,
    ]);
    answerer.wait_for("signaling");
    let _caller = Peer::start(&[
        "call",
        "--json",
        "-s",
        &house.url,
        "--mic",
        "tone:440",
        "--speaker",
        "null",
    ]);
    answerer.wait_for("audio");
    let mut lengths = Vec::new();
    while lengths.len() < 5 {
        let length = wave::read(&got).1.len();
        if lengths.last() != Some(&length) {
            lengths.push(length);
        }
    }
    assert!(lengths.is_sorted(), "{lengths:?}");
    answerer.vanish();
    let (rate, sound) = wave::read(&got);
    assert!(rate == RATE && sound.len() >= lengths[4]);
    let loudest = sound.iter().copied().fold(0.0, f32::max);
    assert!(loudest > 0.1, "only silence was kept: {loudest}");
}

#[test]
fn files_of_every_kind_are_heard() {
    let folder = tempfile::tempdir().unwrap();
    let wide = folder.path().join("wide.wav");
    // 44.1 kHz, stereo, 24 bit.
    let tone = (0..44_100).flat_map(|at| {
        let sample = (f64::from(at) * 440.0 * std::f64::consts::TAU / 44_100.0).sin() * 2_000_000.0;
        let bytes = (sample as i32).to_le_bytes();
        [bytes[0], bytes[1], bytes[2], bytes[0], bytes[1], bytes[2]]
    });
    let tone: Vec<u8> = tone.collect();
    std::fs::write(
        &wide,
        [wave::header(44_100, 2, 24, tone.len()), tone].concat(),
    )
    .unwrap();
    let mut files = vec![wide];
    files.extend(["tone-440.flac", "tone-440.mp3", "tone-440.opus"].map(wave::fixture));
    for path in files {
        let mic = format!("{},loop", file(&path));
        let ended = run(&["loopback", "--json", "--mic", &mic, "--expect", "tone=440"]);
        assert_eq!(ended.code, 0, "{}: {ended:#?}", path.display());
    }
}
