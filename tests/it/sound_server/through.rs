//! Speech into the microphone of one process, out of the speaker of the other.

use std::time::Duration;

use super::chirps::{RATE, chirps, delays};
use super::{LIMIT, Studio, end_well};

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
