//! Devices that are pulled out and put back during a call, and a sound server that dies.

use std::time::{Duration, Instant};

use lab::{Device, Heard, Presence, Process, SoundServer};

use super::{LIMIT, Studio, tone};

const TONE: f64 = 440.0;
const RATE: u32 = 16_000;
/// How long is listened at once.
const LISTEN: Duration = Duration::from_secs(2);

/// How many seconds of the tone come out of this speaker just now.
fn tone_in(server: &SoundServer, speaker: &Device) -> f64 {
    let ear = server.listen(speaker, RATE).unwrap();
    std::thread::sleep(LISTEN);
    let Heard { sound, .. } = ear.stop().unwrap();
    Presence::of(TONE, &sound).total()
}

/// Whether the tone comes out of this speaker, within [`LIMIT`].
fn sounds(server: &SoundServer, speaker: &Device) -> bool {
    let deadline = Instant::now() + LIMIT;
    while tone_in(server, speaker) < 0.5 {
        if Instant::now() > deadline {
            return false;
        }
    }
    true
}

fn is_silent(server: &SoundServer, speaker: &Device) -> bool {
    tone_in(server, speaker) == 0.0
}

/// The next warning of a device, in words; others are passed over.
fn warning(peer: &mut Process, code: &str) -> String {
    loop {
        let event = peer.wait_for("warning", LIMIT).unwrap().value;
        if event["code"] == code {
            return event["text"].as_str().unwrap().to_owned();
        }
        assert!(
            event["code"] != "device-lost" && event["code"] != "device-back",
            "{event}"
        );
    }
}

/// Who hears a tone out of a speaker called Kitchen.
fn listener(studio: &Studio) -> [Process; 2] {
    let [caller, mut answerer] = studio.call(
        &["--mic", "silence", "--speaker", "Kitchen"],
        &["--mic", "tone:440", "--speaker", "null"],
    );
    answerer.wait_for("audio", LIMIT).unwrap();
    [caller, answerer]
}

fn hang_up([mut caller, mut answerer]: [Process; 2]) {
    caller.interrupt().unwrap();
    assert_eq!(caller.finish(LIMIT).unwrap(), 130);
    answerer.succeed(LIMIT).unwrap();
}

#[test]
fn a_speaker_that_is_pulled_out_is_replaced_and_comes_back() {
    let test = "a_speaker_that_is_pulled_out_is_replaced_and_comes_back";
    let Some(studio) = Studio::open(test) else {
        return;
    };
    let sound = &studio.sound;
    let other = sound.speaker("built_in", "Built-in", 48_000, 2).unwrap();
    sound.make_default(&other).unwrap();
    let kitchen = sound.speaker("kitchen", "Kitchen", 44_100, 2).unwrap();
    let mut peers = listener(&studio);
    assert!(sounds(sound, &kitchen) && is_silent(sound, &other));
    sound.unplug(&kitchen).unwrap();
    let words = warning(&mut peers[1], "device-lost");
    assert_eq!(words, "speaker \"Kitchen\" gone, now on default");
    assert!(sounds(sound, &other));
    let kitchen = sound.speaker("kitchen", "Kitchen", 48_000, 1).unwrap();
    assert_eq!(
        warning(&mut peers[1], "device-back"),
        "speaker \"Kitchen\" is back"
    );
    assert!(sounds(sound, &kitchen) && is_silent(sound, &other));
    hang_up(peers);
}

#[test]
fn without_another_speaker_there_is_silence_until_it_comes_back() {
    let Some(studio) = Studio::open("without_another_speaker_there_is_silence_until_it_comes_back")
    else {
        return;
    };
    let sound = &studio.sound;
    let mut kitchen = sound.speaker("kitchen", "Kitchen", 48_000, 2).unwrap();
    let mut peers = listener(&studio);
    // Twice, since what was lost once must be watched again.
    for _ in 0..2 {
        sound.unplug(&kitchen).unwrap();
        let words = warning(&mut peers[1], "device-lost");
        assert_eq!(words, "speaker \"Kitchen\" gone, now on silence");
        kitchen = sound.speaker("kitchen", "Kitchen", 48_000, 2).unwrap();
        let words = warning(&mut peers[1], "device-back");
        assert_eq!(words, "speaker \"Kitchen\" is back");
        assert!(sounds(sound, &kitchen));
    }
    hang_up(peers);
}

#[test]
fn a_microphone_that_is_pulled_out_comes_back() {
    let Some(studio) = Studio::open("a_microphone_that_is_pulled_out_comes_back") else {
        return;
    };
    let sound = &studio.sound;
    let speaker = sound.speaker("kitchen", "Kitchen", 48_000, 2).unwrap();
    let desk = sound.microphone("desk", "Desk", 44_100, 1).unwrap();
    let voice = sound.say(&desk, &tone(TONE, 60)).unwrap();
    let mut peers = studio.call(
        &["--mic", "silence", "--speaker", "Kitchen"],
        &["--mic", "Desk", "--speaker", "null", "--no-ns", "--no-agc"],
    );
    peers[1].wait_for("audio", LIMIT).unwrap();
    assert!(sounds(sound, &speaker));
    sound.unplug(&desk).unwrap();
    drop(voice);
    // What monitors the speaker is the default microphone now: the call hears itself, or nothing.
    let words = warning(&mut peers[0], "device-lost");
    assert!(
        words.starts_with("microphone \"Desk\" gone, now on "),
        "{words}"
    );
    let desk = sound.microphone("desk", "Desk", 48_000, 2).unwrap();
    assert_eq!(
        warning(&mut peers[0], "device-back"),
        "microphone \"Desk\" is back"
    );
    let voice = sound.say(&desk, &tone(TONE, 60)).unwrap();
    assert!(sounds(sound, &speaker));
    drop(voice);
    hang_up(peers);
}

#[test]
fn a_sound_server_that_is_killed_is_used_again_when_it_is_back() {
    let test = "a_sound_server_that_is_killed_is_used_again_when_it_is_back";
    let Some(mut studio) = Studio::open(test) else {
        return;
    };
    let (_, desk) = studio.furnish();
    let mut peers = studio.call(
        &["--mic", "silence", "--speaker", "Kitchen"],
        &["--mic", "Desk", "--speaker", "null", "--no-ns", "--no-agc"],
    );
    let voice = studio.sound.say(&desk, &tone(TONE, 60)).unwrap();
    peers[1].wait_for("audio", LIMIT).unwrap();
    studio.sound.kill().unwrap();
    drop(voice);
    for (peer, words) in peers.iter_mut().zip([
        "microphone \"Desk\" gone, now on silence",
        "speaker \"Kitchen\" gone, now on silence",
    ]) {
        assert_eq!(warning(peer, "device-lost"), words);
    }
    studio.sound.restart().unwrap();
    let (kitchen, desk) = studio.furnish();
    let voice = studio.sound.say(&desk, &tone(TONE, 60)).unwrap();
    for (peer, words) in peers
        .iter_mut()
        .zip(["microphone \"Desk\" is back", "speaker \"Kitchen\" is back"])
    {
        assert_eq!(warning(peer, "device-back"), words);
    }
    assert!(sounds(&studio.sound, &kitchen));
    drop(voice);
    hang_up(peers);
}

#[test]
fn a_sound_server_that_hangs_holds_up_nothing_else() {
    let Some(studio) = Studio::open("a_sound_server_that_hangs_holds_up_nothing_else") else {
        return;
    };
    let sound = &studio.sound;
    let kitchen = sound.speaker("kitchen", "Kitchen", 48_000, 2).unwrap();
    let mut peers = listener(&studio);
    sound.freeze(true).unwrap();
    let words = warning(&mut peers[1], "device-lost");
    assert_eq!(words, "speaker \"Kitchen\" gone, now on silence");
    peers[0].write("still there?").unwrap();
    let message = peers[1].wait_for("message", LIMIT).unwrap().value;
    assert_eq!(message["text"], "still there?");
    sound.freeze(false).unwrap();
    assert_eq!(
        warning(&mut peers[1], "device-back"),
        "speaker \"Kitchen\" is back"
    );
    assert!(sounds(sound, &kitchen));
    sound.freeze(true).unwrap();
    // Also not the end.
    hang_up(peers);
    sound.freeze(false).unwrap();
}
