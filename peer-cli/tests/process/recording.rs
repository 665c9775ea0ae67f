//! `--record`: both sides of a call in one file, left and right, each sound where it belongs; and several calls in one speaker.

use std::f64::consts::TAU;
use std::path::Path;

use super::house::House;
use super::peer::run;
use super::wave;

const RATE: usize = 48_000;
/// Windows in which tones are looked for: 20 ms.
const WINDOW: usize = RATE / 50;

/// Left and right; what the header says must be there.
pub(crate) fn read(path: &Path) -> [Vec<f32>; 2] {
    let bytes = std::fs::read(path).unwrap();
    let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    assert_eq!(&bytes[8..16], b"WAVEfmt ");
    // PCM, two channels, 48 kHz; frames of 4 bytes, 16 bits a sample.
    assert_eq!((&bytes[20..24], number(24)), (&[1, 0, 2, 0][..], RATE));
    assert_eq!(&bytes[32..36], &[4, 0, 16, 0]);
    let length = number(40);
    assert_eq!(number(4), length + 36);
    assert!(
        bytes.len() >= 44 + length,
        "the header promises more than there is"
    );
    let both = wave::samples(&bytes[44..44 + length]);
    let side = |first: usize| both.iter().skip(first).step_by(2).copied().collect();
    [side(0), side(1)]
}

/// The share of the energy that is at this frequency.
pub(crate) fn share(window: &[f32], hertz: f64) -> f64 {
    let (mut re, mut im, mut energy) = (0.0, 0.0, 1e-9);
    for (n, sample) in window.iter().enumerate() {
        let (sin, cos) = (TAU * hertz * n as f64 / RATE as f64).sin_cos();
        let sample = f64::from(*sample);
        re += sample * cos;
        im += sample * sin;
        energy += sample * sample;
    }
    (re * re + im * im) * 2.0 / window.len() as f64 / energy
}

/// The windows in which there is nothing but this tone.
fn windows(sound: &[f32], hertz: f64) -> Vec<bool> {
    let loud = |window: &[f32]| window.iter().any(|sample| sample.abs() > 0.05);
    let windows = sound.chunks_exact(WINDOW);
    windows
        .map(|window| loud(window) && share(window, hertz) > 0.8)
        .collect()
}

/// How many they are.
pub(crate) fn count(sound: &[f32], hertz: f64) -> usize {
    windows(sound, hertz)
        .into_iter()
        .filter(|there| *there)
        .count()
}

#[test]
fn each_side_is_in_its_channel_from_connected_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("both.wav");
    let name = path.display().to_string();
    run(&["loopback", "--json", "--record", &name, "--duration", "3s"]).expect_code(0);
    let [us, them] = read(&path);
    assert!(us.len().abs_diff(3 * RATE) < RATE / 2, "{}", us.len());
    for side in [&us, &them] {
        let windows = windows(side, 440.0);
        let first = windows.iter().position(|there| *there);
        // From the first moment on: what is heard has come through network and playout.
        assert!(first.is_some_and(|first| first < 15), "{first:?}");
        let there = windows.iter().filter(|there| **there).count();
        assert!(there > 120, "{there} of {}", windows.len());
    }
}

#[test]
fn an_echo_comes_back_on_the_right_as_late_as_it_is() {
    let house = House::open();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("both.wav");
    let name = path.display().to_string();
    let echoed = folder.path().join("echo.wav");
    let echoed_name = echoed.display().to_string();
    // Silence, then a tone: its beginning is an edge on both sides.
    let edge = folder.path().join("edge.wav");
    let tone = |n: usize| (0.4 * (TAU * 440.0 * n as f64 / RATE as f64).sin()) as f32;
    let sound: Vec<f32> = (0..3 * RATE)
        .map(|n| if n < RATE { 0.0 } else { tone(n) })
        .collect();
    wave::write(&edge, RATE, &sound);
    let mut echo = house.start("answer", &["--echo", "--record", &echoed_name]);
    echo.wait_for("signaling");
    let played = folder.path().join("played.wav");
    let sound = [&*wave::spec(&edge), &*wave::spec(&played)];
    let caller = house.peer("call", sound, &["--record", &name, "--hangup-on-eof"]);
    caller.finish().expect_code(0);
    echo.finish().expect_code(0);
    let edge = |sound: &[f32]| sound.iter().position(|sample| sample.abs() > 0.05).unwrap();
    let [us, them] = read(&path);
    let (_, played) = wave::read(&played);
    // Sample 0 of what is sent is at connected, and so is that of the speaker's file.
    assert!(edge(&us).abs_diff(RATE) < RATE / 25, "{}", edge(&us));
    assert!(
        edge(&them).abs_diff(edge(&played)) < RATE / 25,
        "{} {}",
        edge(&them),
        edge(&played)
    );
    assert!(edge(&them) > edge(&us));
    // Who echoes sends what it hears.
    let [us, them] = read(&echoed);
    assert!(us == them, "{} {}", us.len(), them.len());
    assert!(count(&us, 440.0) > 80);
}

#[test]
fn it_can_be_read_when_the_program_is_killed() {
    let house = House::open();
    let folder = tempfile::tempdir().unwrap();
    for ending in ["wav", "ogg"] {
        let path = folder.path().join(format!("cut.{ending}"));
        let name = path.display().to_string();
        let mut answerer = house.answerer(["tone:440", "null"], &["--record", &name]);
        let caller = house.peer("call", ["tone:660", "null"], &["--duration", "20s"]);
        answerer.wait_for("audio");
        // A second and a half of it.
        let enough = if ending == "wav" { 300_000 } else { 12_000 };
        let deadline = std::time::Instant::now() + super::peer::PATIENCE;
        while std::fs::metadata(&path).unwrap().len() < enough {
            assert!(
                std::time::Instant::now() < deadline,
                "{ending}: it does not grow"
            );
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        answerer.vanish();
        drop(caller);
        if ending == "wav" {
            let [us, them] = read(&path);
            assert!(count(&us, 440.0) > 50 && count(&us, 660.0) == 0);
            assert!(count(&them, 660.0) > 40 && count(&them, 440.0) == 0);
        }
        // Both tones come out of it again.
        let mic = format!("file:{name},loop");
        run(&["loopback", "--json", "--mic", &mic, "--expect", "audio"]).expect_code(0);
    }
}

#[test]
fn two_callers_are_heard_together_and_do_not_hear_each_other() {
    let house = House::open();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let heard = |name: &str| format!("file:{}", path(name));
    let more = ["--peers", "2", "--record", &path("both.wav")];
    let host = house.answerer(["tone:1000", &heard("host.wav")], &more);
    let guests = [("tone:440", "ann.wav"), ("tone:660", "bob.wav")]
        .map(|(mic, file)| house.peer("call", [mic, &heard(file)], &["--duration", "4s"]));
    for guest in guests {
        guest.finish().expect_code(0);
    }
    host.finish().expect_code(0);
    // Neither of them heard the other.
    for file in ["ann.wav", "bob.wav"] {
        let (_, sound) = wave::read(&folder.path().join(file));
        assert!(count(&sound, 1000.0) > 100, "{file}");
        assert_eq!(count(&sound, 440.0) + count(&sound, 660.0), 0, "{file}");
    }
    let (_, mix) = wave::read(&folder.path().join("host.wav"));
    let [_, recorded] = read(&folder.path().join("both.wav"));
    for sound in [mix, recorded] {
        let both = sound.chunks_exact(WINDOW).filter(|window| {
            let (ann, bob) = (share(window, 440.0), share(window, 660.0));
            ann > 0.2 && bob > 0.2 && ann + bob > 0.8
        });
        assert!(both.count() > 80);
    }
}

#[test]
fn a_wrong_name_is_refused_and_a_wrong_place_is_exit_9() {
    for name in ["both.mp3", "both", "file:both.wav", ".wav"] {
        let ended = run(&["loopback", "--record", name]).expect_code(2);
        assert!(
            ended
                .said
                .contains("must be a file that ends in .wav, .ogg or .opus"),
            "{}",
            ended.said
        );
    }
    let words = ["call", "--record", "a.wav", "--speaker", "file:a.wav"];
    let ended = run(&words).expect_code(2);
    assert!(
        ended
            .said
            .contains("--record and --speaker both write a.wav"),
        "{}",
        ended.said
    );
    let ended = run(&["loopback", "--record", "/no/such/folder/a.wav"]).expect_code(9);
    assert!(
        ended
            .said
            .contains("/no/such/folder/a.wav: cannot be written"),
        "{}",
        ended.said
    );
}

/// A pipe as a file to record to.
#[cfg(target_os = "linux")]
fn pipe(folder: &Path) -> String {
    let path = folder.join("pipe.wav").display().to_string();
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    assert!(made.unwrap().success());
    path
}

#[cfg(target_os = "linux")]
#[test]
fn a_pipe_that_nobody_opens_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = pipe(folder.path());
    let ended = run(&["loopback", "--json", "--record", &path]).expect_code(9);
    assert!(
        ended.reason().contains("it has not opened for 5 s"),
        "{}",
        ended.reason()
    );
    assert!(ended.all("connected").is_empty());
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_hangs_holds_up_no_call() {
    let house = House::open();
    let folder = tempfile::tempdir().unwrap();
    let path = pipe(folder.path());
    // Open at this end, and never read.
    let both_ends = std::fs::File::options().read(true).write(true).open(&path);
    let _end = both_ends.unwrap();
    let mut answerer = house.answerer(["tone:440", "null"], &["--keep", "--record", &path]);
    for text in ["one", "two"] {
        let more = ["--expect", "audio", "--duration", "1s", "-m", text];
        let caller = house.peer("call", ["tone:660", "null"], &more);
        answerer.wait_until("message", |event| event["text"] == text);
        caller.finish().expect_code(0);
    }
    answerer.signal("-TERM");
    let answerer = answerer.finish().expect_code(9);
    let reason = answerer.reason();
    assert!(
        reason.contains("it has taken nothing for 5 s, and holds only the first 0."),
        "{reason}"
    );
    assert_eq!(answerer.all("ended").len(), 2);
}
