use super::acoustics::SECOND;
use super::*;
use crate::audio::FRAME;

#[test]
fn the_echo_is_taken_away_wherever_it_comes_back() {
    let far = speech(17);
    for ms in [40, 120, 300] {
        let room = Acoustics {
            delay: ms * SECOND / 1000,
            ..Acoustics::default()
        };
        let heard = room.run(ECHO, &far, &vec![0.0; 15 * SECOND]);
        let (first, later) = (heard.weaker(0, 1), heard.weaker(5, 15));
        assert!(first > 20.0 && later >= 35.0, "{ms} ms: {first} {later}");
        let stats = heard.stats;
        assert_eq!((stats.missed, stats.shifts, stats.lost), (0, 0, 0), "{ms}");
        assert!(
            stats.echo_return_loss.is_some_and(|loss| loss > 5.0),
            "{stats:?}"
        );
        assert!(stats.echo_return_loss_enhancement.is_some(), "{stats:?}");
    }
}

#[test]
fn packets_may_have_any_length() {
    let far = speech(9);
    for packet in [1, 4, 6] {
        let room = Acoustics {
            packet: packet * FRAME,
            delay: SECOND / 12,
            ..Acoustics::default()
        };
        let heard = room.run(ECHO, &far, &vec![0.0; 8 * SECOND]);
        let later = heard.weaker(4, 7);
        assert!(later >= 35.0, "{packet}: {later}");
        assert_eq!((heard.stats.missed, heard.stats.shifts), (0, 0), "{packet}");
    }
}

#[test]
fn without_a_reference_the_echo_stays() {
    // What notices that the tests above measure something.
    let far = speech(6);
    let off = Processing {
        echo: false,
        gain: false,
        noise: true,
    };
    let heard = Acoustics::default().run(off, &far, &vec![0.0; 5 * SECOND]);
    assert!(heard.weaker(2, 5) < 10.0);
    assert_eq!(heard.stats, VoiceStats::default());
}

#[test]
fn who_speaks_into_the_echo_is_heard() {
    let far = speech(17);
    let mut near = speech(17);
    // The same voice, other words.
    near.rotate_left(4 * SECOND);
    near[..4 * SECOND].fill(0.0);
    near.truncate(15 * SECOND);
    let room = Acoustics {
        loss_db: 15.0,
        ..Acoustics::default()
    };
    let heard = room.run(ECHO, &far, &near);
    let alike = envelopes_alike(&near[6 * SECOND..], &heard.sent[6 * SECOND..]);
    assert!(alike > 0.8, "{alike}");
    let kept = decibels(power(&heard.sent[6 * SECOND..])) - decibels(power(&near[6 * SECOND..]));
    assert!((-8.0..1.0).contains(&kept), "{kept} dB");
}

/// Correlation of the loudness from 20 ms to 20 ms: what STOI does in a single band.
fn envelopes_alike(a: &[f32], b: &[f32]) -> f64 {
    let steps = |sound: &[f32]| -> Vec<f64> {
        let step = sound.chunks_exact(2 * FRAME);
        let loudness: Vec<f64> = step.map(|part| power(part).sqrt()).collect();
        let mean = loudness.iter().sum::<f64>() / loudness.len() as f64;
        loudness.iter().map(|value| value - mean).collect()
    };
    let (a, b) = (steps(a), steps(b));
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    product(&a, &b) / (product(&a, &a) * product(&b, &b)).sqrt()
}
