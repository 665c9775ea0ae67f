//! Any rate, any number of channels, by name and by number.

use std::thread::scope;

use lab::Presence;

use super::{LIMIT, Studio, end_well, tone};

/// Rate and channels of microphone and speaker.
const FORMATS: [((u32, u32), (u32, u32)); 4] = [
    ((44_100, 1), (8_000, 1)),
    ((48_000, 2), (44_100, 2)),
    ((96_000, 1), (48_000, 6)),
    ((8_000, 2), (96_000, 2)),
];
const TONE: f64 = 440.0;

#[test]
fn every_format_carries_a_tone() {
    let Some(studio) = Studio::open("every_format_carries_a_tone") else {
        return;
    };
    // Two at a time: each is a call between two processes, and a machine may have two cores.
    let numbered: Vec<_> = FORMATS.into_iter().enumerate().collect();
    for pair in numbered.chunks(2) {
        scope(|scope| {
            for (number, (mic, speaker)) in pair {
                let studio = &studio;
                scope.spawn(move || carries_a_tone(studio, *number, *mic, *speaker));
            }
        });
    }
}

fn carries_a_tone(studio: &Studio, number: usize, mic: (u32, u32), speaker: (u32, u32)) {
    let sound = &studio.sound;
    let (name, title) = (format!("mic{number}"), format!("Microphone {number}"));
    let mic = sound.microphone(&name, &title, mic.0, mic.1).unwrap();
    let (name, title) = (format!("spk{number}"), format!("Speaker {number}"));
    let speaker = sound.speaker(&name, &title, speaker.0, speaker.1).unwrap();
    let ear = sound.listen(&speaker, 16_000).unwrap();
    let voice = sound.say(&mic, &tone(TONE, 10)).unwrap();
    let room = format!("room{number}");
    let peers = studio.call(
        &[
            &room,
            "--mic",
            "silence",
            "--speaker",
            &speaker.title,
            "--expect",
            "tone=440",
            "--duration",
            "4s",
        ],
        &[
            &room,
            "--mic",
            &mic.title,
            // To the noise suppression a tone is noise.
            "--no-ns",
            "--no-agc",
            "--speaker",
            "null",
            "--duration",
            "4s",
        ],
    );
    end_well(peers);
    drop(voice);
    let heard = ear.stop().unwrap();
    let tone = Presence::of(TONE, &heard.sound);
    assert!(
        // A wrong rate would leave none of it; gaps are those of a busy machine.
        tone.total() > 0.3,
        "{}: {} s of the tone",
        speaker.title,
        tone.total()
    );
}

#[test]
fn a_number_means_the_device_that_the_list_shows_there() {
    let Some(studio) = Studio::open("a_number_means_the_device_that_the_list_shows_there") else {
        return;
    };
    let sound = &studio.sound;
    let first = sound.speaker("one", "First", 48_000, 2).unwrap();
    let second = sound.speaker("two", "Second", 48_000, 2).unwrap();
    sound.make_default(&first).unwrap();
    let mut list = studio.list();
    let number = loop {
        let device = list.wait_for("device", LIMIT).unwrap().value;
        if device["name"] == "Second" && device["kind"] == "output" {
            break device["index"].as_u64().unwrap();
        }
    };
    let ears = [&first, &second].map(|device| sound.listen(device, 16_000).unwrap());
    let peers = studio.call(
        &[
            "--mic",
            "silence",
            "--speaker",
            &format!("#{number}"),
            "--duration",
            "3s",
        ],
        &["--mic", "tone:440", "--speaker", "null", "--duration", "3s"],
    );
    end_well(peers);
    let [first, second] = ears.map(|ear| Presence::of(TONE, &ear.stop().unwrap().sound));
    assert_eq!(first.total(), 0.0);
    assert!(second.total() > 0.5, "{}", second.total());
}
