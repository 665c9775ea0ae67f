//! A spoken sentence from one process to another: all of it, and nothing else.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use lab::Sound;
use lab::compare::{Match, compare};
use peer_cli::audio::spec::SourceSpec;
use peer_cli::audio::{FRAME, Read, open_source};
use peer_cli::proto::channels::Channels;

use super::house::House;
use super::peer::{Ended, command, run};
use super::wave::{self, RATE};

/// Samples per second of the sentence.
const FIXTURE: usize = 16_000;
/// Pieces of it may be so much later or earlier, in seconds, where a busy machine made the playout wait.
const DRIFT: f64 = 0.1;
/// What may be missing of a sentence at either end, in seconds.
const SLACK: f64 = 0.1;
/// 32 kbit/s of Opus keep the waveform of speech: about 0.95. A busy machine delays some packets, which are concealed; of other sound
/// nothing is alike.
const ALIKE: f64 = 0.75;

#[track_caller]
fn is_whole(sent: &[f32], heard: &[f32]) -> Match {
    let [sent, heard] = [sent, heard].map(|samples| Sound {
        rate: FIXTURE as u32,
        samples: samples.to_vec(),
    });
    let found = compare(&sent, &heard, DRIFT);
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
    assert_eq!(rate, FIXTURE);
    sentence.truncate(5 * rate / 2);
    sentence
}

/// What arrived, at the rate of the fixture.
fn heard(path: &Path) -> Vec<f32> {
    let (rate, sound) = wave::read(path);
    assert_eq!(rate, RATE);
    wave::third(&sound)
}

/// Decoded by the program's own reader, which has tests of its own.
fn decoded(path: &Path) -> Vec<f32> {
    let spec = SourceSpec::File {
        path: path.to_owned(),
        repeat: false,
    };
    let mut source = open_source(&spec, Channels::Mono).unwrap().unwrap();
    source.start().unwrap();
    let mut sound = Vec::new();
    let mut frame = [0.0; FRAME];
    loop {
        match source.read(&mut frame).unwrap() {
            Read::Full => sound.extend(frame),
            Read::Last(samples) => {
                sound.extend(&frame[..samples]);
                return sound;
            }
            Read::NotYet => panic!("a file has its sound at once"),
        }
    }
}

/// One side sends a file to its end, the other writes one; what the latter told.
fn record(house: &House, from: &Path, to: &Path) -> Ended {
    let answerer = house.peer("answer", ["silence", &wave::spec(to)], &[]);
    // Who answers has no end of its own.
    let caller = house.peer("call", [&wave::spec(from), "null"], &["--hangup-on-eof"]);
    caller.finish().expect_code(0);
    answerer.finish().expect_code(0)
}

#[test]
fn nothing_is_missing_at_either_end() {
    let house = House::open();
    let folder = tempfile::tempdir().unwrap();
    let got = folder.path().join("got.wav");
    let answerer = record(&house, &wave::spoken(), &got);
    let (rate, sent) = wave::read(&wave::spoken());
    assert_eq!(rate, FIXTURE);
    let heard = heard(&got);
    is_whole(&sent, &heard);
    // Nothing but the sentence: a recording lasts about as long as the call.
    let lasts = heard.len() as f64 / FIXTURE as f64;
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
    wave::write(&said, FIXTURE, &sent);
    let mut answerer = house.start("answer", &["--echo"]);
    answerer.wait_for("signaling");
    let sound = [&*wave::spec(&said), &*wave::spec(&back)];
    // The way back takes a moment longer than the file.
    let mut caller = house.peer("call", sound, &["--duration", "4s", "-m", "anybody?"]);
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
fn a_recording_in_ogg_is_whole_too() {
    let house = House::open();
    let folder = tempfile::tempdir().unwrap();
    let [said, got] = ["said.wav", "got.ogg"].map(|name| folder.path().join(name));
    let sent = excerpt();
    wave::write(&said, FIXTURE, &sent);
    record(&house, &said, &got);
    assert!(std::fs::read(&got).unwrap().starts_with(b"OggS"));
    is_whole(&sent, &wave::third(&decoded(&got)));
}

#[test]
fn a_recording_is_valid_while_it_grows_and_after_a_kill() {
    let house = House::open();
    let folder = tempfile::tempdir().unwrap();
    let got = folder.path().join("got.wav");
    let mut answerer = house.answerer(["silence", &wave::spec(&got)], &[]);
    let _caller = house.peer("call", ["tone:440", "null"], &[]);
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
        let mic = format!("{},loop", wave::spec(&path));
        let ended = run(&["loopback", "--json", "--mic", &mic, "--expect", "tone=440"]);
        assert_eq!(ended.code, 0, "{}: {ended:#?}", path.display());
    }
}
