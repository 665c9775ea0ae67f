use super::*;

const MS: Duration = Duration::from_millis(1);

fn left(sound: &[f32]) -> Vec<f32> {
    sound.iter().step_by(2).copied().collect()
}

fn right(sound: &[f32]) -> Vec<f32> {
    sound.iter().skip(1).step_by(2).copied().collect()
}

#[test]
fn pieces_of_threads_that_wake_unevenly_follow_each_other_without_a_gap() {
    let mut tracks = TwoTracks::default();
    for n in 0..50u32 {
        let late = MS * (n * 7 % 15);
        tracks.put(Side::Us, 1, MS * 20 * n + late, &[0.5; 960]);
        tracks.put(Side::Them, 0, MS * 20 * n, &[-0.25; 960]);
    }
    let sound = tracks.take(MS * 1000);
    assert_eq!(sound.len(), 2 * 48_000);
    assert!(left(&sound).iter().all(|s| *s == 0.5));
    assert!(right(&sound).iter().all(|s| *s == -0.25));
    assert_eq!(tracks.length(), MS * 1000);
}

#[test]
fn a_side_that_says_nothing_is_silent_and_holds_up_nobody() {
    let mut tracks = TwoTracks::default();
    for n in 0..100 {
        tracks.put(Side::Them, 0, MS * 10 * n, &[0.1; 480]);
    }
    let sound = tracks.take(MS * 1000);
    assert_eq!(sound.len(), 2 * 48 * 700);
    assert!(left(&sound).iter().all(|s| *s == 0.0) && right(&sound).iter().all(|s| *s == 0.1));
    // It begins later, and at its own time.
    tracks.put(Side::Us, 1, MS * 900, &[0.2; 480]);
    let sound = tracks.finish();
    assert_eq!(sound.len(), 2 * 48 * 300);
    let us = left(&sound);
    let begins = us.iter().position(|s| *s > 0.0);
    assert_eq!(
        (begins, us.iter().filter(|s| **s == 0.2).count()),
        (Some(48 * 200), 480)
    );
}

#[test]
fn what_comes_too_late_is_lost_and_does_not_move_the_rest() {
    let mut tracks = TwoTracks::default();
    assert_eq!(tracks.take(MS * 1300).len(), 2 * 48_000);
    tracks.put(Side::Us, 1, MS * 995, &[0.3; 480]);
    tracks.put(Side::Us, 1, MS * 1500, &[0.4; 480]);
    tracks.put(Side::Us, 2, MS, &[0.4; 480]);
    tracks.put(Side::Us, 3, MS * 10_000_000, &[0.4; 480]);
    let sound = left(&tracks.finish());
    assert_eq!(sound[..240], [0.3; 240]);
    assert!(sound[240..24_000].iter().all(|s| *s == 0.0));
    assert_eq!(sound[24_000..], [0.4; 480]);
}

#[test]
fn several_givers_are_summed_within_full_scale() {
    let mut tracks = TwoTracks::default();
    for giver in 0..3 {
        tracks.put(Side::Us, giver, Duration::ZERO, &[0.6; 4800]);
    }
    let sound = left(&tracks.finish());
    assert!(sound.iter().all(|s| *s <= 1.0) && sound[4000] > 0.9);
}

/// Sample n of a sound in which each one is different: exactly, up to 16 million.
fn sample(n: usize) -> f32 {
    n as f32 / 16_777_216.0
}

fn number(sample: f32) -> usize {
    (sample * 16_777_216.0) as usize
}

fn piece(from: usize, length: usize) -> Vec<f32> {
    (from..from + length).map(sample).collect()
}

/// What one giver's 20 ms pieces of a sound become that are fetched at these times, ms.
fn fetched(times: impl IntoIterator<Item = f64>) -> Vec<f32> {
    let mut tracks = TwoTracks::default();
    let mut sound = Vec::new();
    for (n, ms) in times.into_iter().enumerate() {
        let at = Duration::from_secs_f64(ms / 1000.0);
        tracks.put(Side::Us, 1, at, &piece(n * 960 + 1, 960));
        sound.extend(left(&tracks.take(at)));
    }
    sound.extend(left(&tracks.finish()));
    sound
}

/// Where the sound goes on with another sample than the next one: something was lost, or silence inserted.
fn breaks(sound: &[f32]) -> Vec<usize> {
    let begins = sound.iter().position(|s| *s > 0.0).unwrap_or(0);
    let number = |at: usize| number(sound[at]);
    (begins + 1..sound.len())
        .filter(|at| number(*at) != 0 && number(*at) != number(at - 1) + 1)
        .collect()
}

/// How much later than its number says, in ms, this sample of the sound is found.
fn off(sound: &[f32], n: usize) -> f64 {
    let near = n.saturating_sub(48_000)..sound.len().min(n + 48_000);
    let at = near.into_iter().find(|at| number(sound[*at]) == n);
    at.map_or(f64::NAN, |at| (at as f64 - n as f64) / 48.0)
}

#[test]
fn a_microphone_that_is_fetched_late_leaves_no_gap_and_loses_nothing() {
    // Now and then the thread sleeps for 80 ms, and then fetches all at once; a good many fetches are a little late.
    let late = |n: u32| match n % 25 {
        10..14 => f64::from(14 - n % 25) * 20.0,
        m => f64::from(m * 7 % 19),
    };
    let sound = fetched((0..500).map(|n| f64::from(n) * 20.0 + late(n)));
    assert!(breaks(&sound).is_empty());
    assert!(off(&sound, 400 * 960).abs() < 1.0);
}

#[test]
fn who_begins_off_his_place_is_moved_once() {
    // The first piece is fetched 60 ms late, all others in time.
    let sound = fetched((0..500).map(|n| f64::from(n) * 20.0 + if n == 0 { 60.0 } else { 0.0 }));
    assert_eq!(breaks(&sound).len(), 1);
    assert!(off(&sound, 10 * 960) > 50.0);
    assert!(off(&sound, 100 * 960).abs() < 1.0);
    // All are late by 100 ms from somewhere on: something was lost on the way.
    let sound = fetched((0..500).map(|n| f64::from(n) * 20.0 + if n < 90 { 0.0 } else { 100.0 }));
    assert_eq!(breaks(&sound).len(), 1);
    assert!((off(&sound, 200 * 960) - 100.0).abs() < 1.0);
}

#[test]
fn a_gap_is_a_gap_at_once() {
    let sound = fetched((0..100).map(|n| f64::from(n) * 20.0 + if n < 50 { 0.0 } else { 400.0 }));
    assert!((off(&sound, 50 * 960 + 1) - 400.0).abs() < 1.0);
}

#[test]
fn clocks_that_drift_apart_are_kept_together() {
    for drift in [1.001, 0.999] {
        // 100 s at 1000 ppm: 100 ms, and fetches late by up to 15 ms.
        let late = |n: u32| f64::from(n * 7 % 16);
        let sound = fetched((0..5000).map(|n| f64::from(n) * 20.0 * drift + late(n)));
        let moves = breaks(&sound).len();
        assert!((3..=8).contains(&moves), "{moves}");
        for n in (500..4500u32).step_by(500) {
            let due = f64::from(n) * 20.0 * (drift - 1.0);
            // A sample may be one of those that were lost.
            let found = (0..4).map(|k| off(&sound, n as usize * 960 + 1 + k * 480));
            let found = found.filter(|ms| ms.is_finite()).fold(f64::NAN, f64::min);
            assert!((found - due).abs() < 25.0, "{n}: {found} {due}");
        }
    }
}

#[test]
fn whoever_gives_after_a_pause_begins_anew() {
    let mut tracks = TwoTracks::default();
    tracks.put(Side::Us, 1, Duration::ZERO, &[0.1; 4800]);
    tracks.put(Side::Them, 1, Duration::ZERO, &[0.2; 7200]);
    assert_eq!(tracks.finish().len(), 2 * 7200);
    tracks.put(Side::Us, 1, MS * 150, &[0.3; 480]);
    assert_eq!(left(&tracks.finish()), [0.3; 480]);
}

#[test]
fn a_minute_without_a_word_is_taken_by_the_second() {
    let mut tracks = TwoTracks::default();
    let minute = MS * 60_000;
    let taken = std::iter::from_fn(|| Some(tracks.take(minute)).filter(|sound| !sound.is_empty()));
    let lengths: Vec<usize> = taken.map(|sound| sound.len()).collect();
    assert!(lengths.iter().all(|length| *length <= 2 * 48_000));
    assert_eq!(lengths.iter().sum::<usize>(), 2 * (60 * 48_000 - 14_400));
}
