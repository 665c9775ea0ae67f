//! A microphone that hears the speaker beside it: whoever calls does not hear himself back.

use std::path::Path;
use std::time::Duration;

use lab::{Room, Sound, wav};

use super::{Studio, end_well};

/// How long one call lasts, and from when it is listened to.
const SECONDS: usize = 12;
const FROM: usize = 5;
/// The canceller takes away more than 40 dB; a machine that does other things too loses its place for a second.
const WEAKER: f64 = 15.0;
/// Calls, of which one has to go undisturbed.
const TRIES: usize = 3;

/// What comes back to a caller who speaks, in dBFS by the second, when the answerer is given these options.
fn comes_back(studio: &Studio, folder: &Path, options: &[&str]) -> Vec<f64> {
    let speech = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/speech.wav");
    let mic = format!("file:{},loop", speech.display());
    let back = folder.join("back.wav");
    let speaker = format!("file:{}", back.display());
    let duration = format!("{SECONDS}s");
    let answer = ["--mic", "Desk", "--speaker", "Kitchen"];
    let call = [
        "--mic",
        &mic,
        "--speaker",
        &speaker,
        "--duration",
        &duration,
    ];
    end_well(studio.call(&[&answer, options].concat(), &call));
    let Sound { rate, samples } = wav::parse(&std::fs::read(&back).unwrap()).unwrap();
    let power =
        |part: &[f32]| part.iter().map(|s| f64::from(s * s)).sum::<f64>() / part.len() as f64;
    let seconds = samples.chunks_exact(rate as usize).skip(FROM);
    seconds
        .map(|second| 10.0 * power(second).max(1e-10).log10())
        .collect()
}

fn median(mut levels: Vec<f64>) -> f64 {
    assert!(levels.len() >= 5, "{levels:?}");
    levels.sort_by(f64::total_cmp);
    levels[levels.len() / 2]
}

#[test]
fn whoever_calls_does_not_hear_himself_back() {
    let Some(studio) = Studio::open("whoever_calls_does_not_hear_himself_back") else {
        return;
    };
    let sound = &studio.sound;
    let (speaker, mic) = studio.furnish();
    let room = Room {
        delay: Duration::from_millis(10),
        loss_db: 6.0,
        noise_db: -75.0,
        near: Vec::new(),
    };
    let _air = sound.in_a_room(&speaker, &mic, room).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let plain = comes_back(&studio, folder.path(), &["--no-aec", "--no-ns", "--no-agc"]);
    eprintln!("comes back, dBFS by the second: {plain:.0?}");
    let plain = median(plain);
    assert!(plain > -50.0, "{plain}");
    // A machine that stands still for a moment shifts the echo against what is known of it, and it must be learnt anew.
    let weaker = (0..TRIES).any(|_| {
        // What devices get when nothing is said, but for the level, which would be no measure then.
        let processed = comes_back(&studio, folder.path(), &["--no-agc"]);
        eprintln!("processed: {processed:.0?}");
        plain - median(processed) > WEAKER
    });
    assert!(weaker, "plain {plain}");
}
