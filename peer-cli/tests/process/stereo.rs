//! `--stereo`: two channels from file to file, and one for whoever did not ask for two.

use std::f64::consts::TAU;
use std::path::Path;

use super::house::House;
use super::peer::{Ended, Peer, run};
use super::recording::{self, count};
use super::wave;

const RATE: usize = 48_000;
const LEFT: f64 = 440.0;
const RIGHT: f64 = 1500.0;

/// Four seconds with one tone on the left and another on the right, at the rate of a CD.
fn music(path: &Path) {
    const CD: usize = 44_100;
    let tone = |n: usize, hertz: f64| (0.3 * (TAU * hertz * n as f64 / CD as f64).sin()) as f32;
    let frames = (0..4 * CD).flat_map(|n| [tone(n, LEFT), tone(n, RIGHT)]);
    let bytes = wave::bytes(&frames.collect::<Vec<f32>>());
    let header = wave::header(CD, 2, 16, bytes.len());
    std::fs::write(path, [header, bytes].concat()).unwrap();
}

/// A call that plays the music to somebody; what both said about it.
fn play(music: &Path, caller: &[&str], heard: &Path, answerer: &[&str]) -> [Ended; 2] {
    let house = House::open();
    let speaker = format!("file:{}", heard.display());
    let words = ["answer", "--json", "-s", &house.url, "--mic", "silence"];
    let mut other = Peer::start(&[&words, &["--speaker", &speaker][..], answerer].concat());
    other.wait_for("signaling");
    let mic = format!("file:{}", music.display());
    let words = ["call", "--json", "-s", &house.url, "--mic", &mic];
    let more = ["--speaker", "null", "--hangup-on-eof"];
    let call = run(&[&words[..], &more, caller].concat()).expect_code(0);
    [call, other.finish().expect_code(0)]
}

fn channels(ended: &Ended, direction: &str) -> u64 {
    let tracks = ended.all("track");
    let track = tracks.iter().find(|track| track["direction"] == direction);
    track.unwrap()["channels"].as_u64().unwrap()
}

#[test]
fn left_stays_left_and_right_stays_right() {
    let folder = tempfile::tempdir().unwrap();
    let (music_file, heard) = (folder.path().join("cd.wav"), folder.path().join("got.wav"));
    music(&music_file);
    let ended = play(&music_file, &["--stereo"], &heard, &["--stereo"]);
    assert_eq!(channels(&ended[0], "local"), 2);
    assert_eq!(channels(&ended[1], "remote"), 2);
    let [left, right] = recording::read(&heard);
    // In windows of 20 ms in which there is nothing else: 200 were sent, and a busy machine conceals some.
    for (side, own, other) in [(&left, LEFT, RIGHT), (&right, RIGHT, LEFT)] {
        assert!(count(side, own) > 100, "{}", count(side, own));
        assert_eq!(count(side, other), 0);
    }
}

#[test]
fn who_did_not_ask_for_two_channels_gets_both_in_one() {
    let folder = tempfile::tempdir().unwrap();
    let (music_file, heard) = (folder.path().join("cd.wav"), folder.path().join("got.wav"));
    music(&music_file);
    let ended = play(&music_file, &["--stereo"], &heard, &[]);
    assert_eq!(channels(&ended[0], "local"), 1);
    let (rate, mono) = wave::read(&heard);
    assert_eq!(rate, RATE);
    let shares = |window: &[f32]| [LEFT, RIGHT].map(|hertz| recording::share(window, hertz));
    let both = |window: &&[f32]| {
        shares(window)
            .iter()
            .all(|share| (0.3..0.7).contains(share))
    };
    let windows = mono.chunks_exact(RATE / 50).filter(both).count();
    assert!(windows > 100, "{windows}");
}

#[test]
fn raw_samples_come_by_turns() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cd.wav");
    music(&path);
    let mic = format!("file:{}", path.display());
    let words = ["loopback", "--stereo", "--mic", &mic, "--speaker", "stdout"];
    let output = super::peer::command(&[&words[..], &["--duration", "2s"]].concat())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    let sound = wave::samples(&output.stdout);
    let side =
        |first: usize| -> Vec<f32> { sound.iter().copied().skip(first).step_by(2).collect() };
    let (left, right) = (side(0), side(1));
    assert!(
        count(&left, LEFT) > 60 && count(&right, RIGHT) > 60,
        "{}",
        sound.len()
    );
}
