//! Speech into the microphone of one process, out of the speaker of the other.

use std::time::Duration;

use lab::{Channel, Presence};

use super::chirps::{RATE, chirps, delays};
use super::{LIMIT, Studio, end_well, tone};

/// Mouth to ear on one machine that does other things too. On a quiet one the median is about 90 ms.
const DELAY: Duration = Duration::from_millis(400);

#[test]
fn what_is_said_into_one_is_heard_out_of_the_other() {
    let Some(studio) = Studio::open("what_is_said_into_one_is_heard_out_of_the_other") else {
        return;
    };
    let sound = &studio.sound;
    let (speaker, mic) = studio.furnish();
    let mouth = sound.listen_beside(&mic, RATE).unwrap();
    let ear = sound.listen(&speaker, RATE).unwrap();
    let mut peers = studio.call(
        &[
            "--mic",
            "silence",
            "--speaker",
            "Kitchen",
            "--duration",
            "9s",
        ],
        &["--mic", "Desk", "--speaker", "null", "--duration", "9s"],
    );
    peers[1].wait_for("connected", LIMIT).unwrap();
    let voice = sound.say(&mic, &chirps(8)).unwrap();
    end_well(peers);
    drop(voice);
    let delays = delays(&mouth.stop().unwrap(), &ear.stop().unwrap());
    let mut sorted = delays.clone();
    sorted.sort();
    // One may fall into the beginning, one into the end.
    assert!(delays.len() >= 5, "{delays:?}");
    let median = sorted[sorted.len() / 2];
    assert!(median < DELAY, "{delays:?}");
    assert!(median > Duration::from_millis(5), "{delays:?}");
}

#[test]
fn what_is_left_of_one_stays_left_of_the_other() {
    let Some(studio) = Studio::open("what_is_left_of_one_stays_left_of_the_other") else {
        return;
    };
    let sound = &studio.sound;
    let speaker = sound.speaker("kitchen", "Kitchen", 48_000, 2).unwrap();
    let mic = sound.microphone("desk", "Desk", 48_000, 2).unwrap();
    let sides = [(Channel::Left, 440.0), (Channel::Right, 1500.0)];
    let ears = sides.map(|(side, _)| sound.listen_to(side, &speaker, 16_000).unwrap());
    let voices = sides.map(|(side, hertz)| sound.say_to(side, &mic, &tone(hertz, 12)).unwrap());
    let common = ["--stereo", "--duration", "4s"];
    let answer = ["--mic", "silence", "--speaker", "Kitchen"];
    let call = ["--mic", "Desk", "--speaker", "null"];
    let peers = studio.call(
        &[&answer[..], &common].concat(),
        &[&call[..], &common].concat(),
    );
    end_well(peers);
    drop(voices);
    let heard = ears.map(|ear| ear.stop().unwrap().sound);
    for (own, other) in [(0, 1), (1, 0)] {
        let of = |which: usize| Presence::of(sides[which].1, &heard[own]).total();
        assert!(of(own) > 0.5, "{own}: {} s", of(own));
        assert_eq!(of(other), 0.0, "{own}");
    }
}
