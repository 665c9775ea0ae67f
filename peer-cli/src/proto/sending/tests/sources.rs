//! Feedback that ends and comes back, receiver reports in its place, packets whose time of arrival is not told.

use super::*;

#[test]
fn feedback_that_ends_leaves_receiver_reports_which_are_enough() {
    let mut call = Call::new("delay=20ms,jitter=3ms");
    assert_eq!(call.run(10).bitrate, 32_000);
    call.feedback = false;
    call.change("rate=24k,delay=20ms");
    // Some seconds until it counts as ended, and the care of one who hears a report a second.
    call.run(30);
    call.look();
    let narrow = call.run(30);
    let (loss, ..) = call.look();
    assert!(
        narrow.bitrate <= 15_000 && loss <= 0.03,
        "{narrow:?} {loss}"
    );
    call.change("delay=20ms");
    assert_eq!(call.run(40).bitrate, 32_000);
}

#[test]
fn feedback_that_comes_back_counts_again() {
    let mut call = Call::new("rate=32k,delay=20ms");
    call.run(10);
    call.feedback = false;
    call.run(20);
    assert_eq!(call.sender.source, Source::Reports);
    call.feedback = true;
    call.run(10);
    assert!(matches!(call.sender.source, Source::Feedback { .. }));
    call.look();
    let settled = call.run(50);
    let (loss, middle, slow) = call.look();
    assert!(loss <= 0.01, "{loss}");
    assert!(
        middle <= 100 * MS && slow <= 180 * MS,
        "{middle:?} {slow:?}"
    );
    assert!(settled.bitrate >= 14_000, "{settled:?}");
    call.change("delay=20ms");
    assert_eq!(call.run(30).bitrate, 32_000);
}

/// A report on 50 packets of a second, or on none; nearly everything is lost.
fn dreadful(packets: u32) -> Input<'static> {
    Input::Report(Report {
        fraction_lost: 0.9,
        round_trip: Some(50 * MS),
        packets,
        bytes: 100 * packets as usize,
        span: Duration::from_secs(1),
    })
}

#[test]
fn who_is_sent_nothing_has_nothing_to_feed_back() {
    let mut call = Call::new("delay=20ms");
    let calm = call.run(10);
    let mut now = call.now;
    for _ in 0..60 {
        now += 1000 * MS;
        call.sender.handle(now, dreadful(0));
    }
    // A long silence ends; the first reports come before the first feedback.
    for _ in 0..4 {
        now += 1000 * MS;
        call.sender.handle(now, dreadful(50));
    }
    assert_eq!(call.sender.present(), calm);
    for _ in 0..4 {
        now += 1000 * MS;
        call.sender.handle(now, dreadful(50));
    }
    assert!(call.sender.present().expected_loss > 20);
}

#[test]
fn reports_beside_feedback_are_of_no_account() {
    let mut call = Call::new("delay=20ms");
    let calm = call.run(10);
    for _ in 0..60 {
        call.run(1);
        let now = call.now;
        call.sender.handle(now, dreadful(50));
    }
    assert_eq!(call.sender.present(), calm);
}

#[test]
fn what_came_without_a_time_is_no_loss_and_tells_no_delay() {
    let start = Instant::now();
    let mut sender = Sender::new(WANTED);
    let mut now = start;
    for n in 0..500u32 {
        let told: Vec<Sent> = (0..12)
            .map(|_| {
                now += 20 * MS;
                Sent {
                    departure: now,
                    arrival: if n % 2 == 0 {
                        Arrival::Untold
                    } else {
                        Arrival::At(now - start)
                    },
                    bytes: 100,
                }
            })
            .collect();
        sender.handle(now + 50 * MS, Input::Feedback(&told));
    }
    let present = sender.present();
    assert_eq!((present.bitrate, present.expected_loss), (32_000, 0));
}
