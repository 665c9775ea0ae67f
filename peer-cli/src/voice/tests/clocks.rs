use super::acoustics::SECOND;
use super::*;
use crate::voice::drift::{Advice, Drift};

#[test]
fn clocks_that_differ_by_200_ppm_are_followed() {
    let far = speech(44);
    for ppm in [200.0, -200.0] {
        let room = Acoustics {
            ppm,
            delay: SECOND / 12,
            ..Acoustics::default()
        };
        let heard = room.run(ECHO, &far, &vec![0.0; 40 * SECOND]);
        for from in (5..40).step_by(5) {
            let weaker = heard.weaker(from, from + 5);
            // Until they are known the canceller loses its place now and then, for a second.
            let wanted = if from < 25 { 30.0 } else { 40.0 };
            assert!(weaker >= wanted, "{ppm} ppm, from {from} s: {weaker}");
        }
        assert_eq!((heard.stats.missed, heard.stats.shifts), (0, 0), "{ppm}");
    }
}

#[test]
fn lost_sound_of_the_microphone_is_noticed_and_made_up_for() {
    let far = speech(22);
    let room = Acoustics {
        delay: SECOND / 12,
        stall: 8 * SECOND..8 * SECOND + SECOND / 10,
        ..Acoustics::default()
    };
    let heard = room.run(ECHO, &far, &vec![0.0; 20 * SECOND]);
    assert_eq!(heard.stats.shifts, 1);
    let (before, after) = (heard.weaker(5, 7), heard.weaker(14, 19));
    assert!(before >= 35.0 && after >= 35.0, "{before} {after}");
}

#[test]
fn what_comes_too_late_is_left_out_and_counted() {
    let far = speech(22);
    let room = Acoustics {
        delay: SECOND / 12,
        held_up: 8 * SECOND..8 * SECOND + SECOND / 10,
        ..Acoustics::default()
    };
    let heard = room.run(ECHO, &far, &vec![0.0; 20 * SECOND]);
    assert_eq!(heard.stats.shifts, 1);
    assert!((7..12).contains(&heard.stats.missed), "{:?}", heard.stats);
    // The canceller does not lose its place: a second later all is as before.
    let (before, after) = (heard.weaker(5, 7), heard.weaker(9, 19));
    assert!(before >= 35.0 && after >= 35.0, "{before} {after}");
}

#[test]
fn what_nobody_fetches_is_lost_and_counted() {
    let (mut tap, mut played) = reference();
    for _ in 0..60 {
        tap.played(&[0.5; 480]);
    }
    assert_eq!(played.take_lost(), 10 * 480);
    let mut got = 0;
    played.fetch(|sound| got += sound.len());
    assert_eq!((got, played.take_lost()), (50 * 480, 0));
    assert!(!tap.is_over());
    drop(played);
    assert!(tap.is_over());
}

/// A buffer that fills by `ppm` and is emptied as advised.
fn level_after(ppm: f64, seconds: usize) -> (f64, f64) {
    let (mut drift, mut level, mut speed, mut farthest) = (Drift::default(), 1000.0, 0.0, 0.0_f64);
    for _ in 0..seconds * 50 {
        level += 960.0 * (ppm * 1e-6 - speed);
        match drift.saw(level as i64, 960) {
            Some(Advice::Speed(advised)) => speed = advised,
            Some(Advice::Late(by)) => panic!("{by} at {ppm} ppm"),
            None => {}
        }
        farthest = farthest.max((level - 1000.0).abs());
    }
    ((level - 1000.0).abs(), farthest)
}

#[test]
fn the_level_is_kept_whatever_the_clocks_do() {
    for ppm in [0.0, 20.0, -50.0, 200.0, -200.0, 500.0] {
        let (last, farthest) = level_after(ppm, 600);
        // In samples: 15 ms would be a jump.
        assert!(last < 100.0 && farthest < 600.0, "{ppm}: {last} {farthest}");
    }
}

/// A level for so many seconds; what was advised.
fn advice(drift: &mut Drift, level: i64, seconds: usize) -> Vec<Advice> {
    (0..seconds * 50)
        .filter_map(|_| drift.saw(level, 960))
        .collect()
}

#[test]
fn a_jump_is_no_drift() {
    let mut drift = Drift::default();
    assert_eq!(advice(&mut drift, 500, 4), [Advice::Speed(0.0)]);
    // Threads that wake late are none either.
    assert_eq!(advice(&mut drift, 540, 4), [Advice::Speed(0.0)]);
    // Whoever empties the buffer was late: everything goes on at the new level.
    assert_eq!(advice(&mut drift, 1460, 8), [Advice::Speed(0.0)]);
    // Something was missing, and came after all; or did not.
    drift.missed();
    assert_eq!(advice(&mut drift, 1960, 1), [Advice::Late(500)]);
    drift.missed();
    assert_eq!(advice(&mut drift, 1460, 1), []);
}
