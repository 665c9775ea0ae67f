#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

const MS: Duration = Duration::from_millis(1);

fn spec(text: &str) -> Impairment {
    text.parse().unwrap()
}

/// Sends `count` datagrams of `length` bytes, one every `every`; the fate of each.
fn fates(
    text: &str,
    seed: u64,
    count: u32,
    length: usize,
    every: Duration,
) -> Vec<Option<Duration>> {
    let start = Instant::now();
    let mut impairer = Impairer::new(spec(text), seed);
    (0..count)
        .map(|n| {
            let now = start + every * n;
            while impairer.poll_output(now).is_some() {}
            match impairer.handle(now, length, n) {
                Fate::Leaves(at) => Some(at - now),
                Fate::Lost | Fate::QueueFull => None,
            }
        })
        .collect()
}

fn loss_of(fates: &[Option<Duration>]) -> f64 {
    fates.iter().filter(|fate| fate.is_none()).count() as f64 / fates.len() as f64
}

fn mean_burst(fates: &[Option<Duration>]) -> f64 {
    let bursts: Vec<usize> = fates
        .split(|fate| fate.is_some())
        .map(<[_]>::len)
        .filter(|&n| n > 0)
        .collect();
    bursts.iter().sum::<usize>() as f64 / bursts.len() as f64
}

#[test]
fn the_grammar_of_the_contract() {
    assert_eq!(
        spec("loss=5%,delay=80ms,jitter=20ms,rate=64k,burst=3,stall=300ms/6s"),
        Impairment {
            loss: 0.05,
            burst: 3.0,
            delay: 80 * MS,
            jitter: 20 * MS,
            rate: Some(64_000),
            stall: Some(Stall {
                length: 300 * MS,
                every: 6000 * MS
            })
        }
    );
    assert_eq!(
        spec("loss=100%"),
        Impairment {
            loss: 1.0,
            ..Impairment::default()
        }
    );
}

#[test]
fn mistakes_are_explained() {
    for (text, reason) in [
        ("", "\"\" is not KEY=VALUE (write loss=5%,delay=80ms)"),
        (
            "loss",
            "\"loss\" is not KEY=VALUE (write loss=5%,delay=80ms)",
        ),
        (
            "los=5%",
            "los: not one of loss, delay, jitter, rate, burst, stall",
        ),
        (
            "stall=300ms",
            "stall: \"300ms\" is not LENGTH/EVERY (write 300ms/6s)",
        ),
        (
            "stall=6s/6s",
            "stall: \"6s/6s\" never moves (the second time must be longer than the first)",
        ),
        ("loss=5", "loss: \"5\" has no unit (write 5%)"),
        ("loss=101%", "loss: \"101%\" is more than 100%"),
        ("loss=1%,loss=2%", "loss is given twice"),
        ("delay=11s", "delay: \"11s\" is too long (at most 10s)"),
        ("rate=10", "rate: \"10\" is out of range (1k to 10G bit/s)"),
        (
            "burst=0.5",
            "burst: \"0.5\" is not a mean number of datagrams from 1 to 1000",
        ),
        (
            "loss=80%,burst=2",
            "a loss of 80% has bursts of at least 4.0 (raise burst, or leave it out)",
        ),
    ] {
        assert_eq!(text.parse::<Impairment>(), Err(reason.to_owned()), "{text}");
    }
}

#[test]
fn independent_loss_has_its_mean_and_short_bursts() {
    let fates = fates("loss=10%", 1, 100_000, 100, MS);
    assert!((loss_of(&fates) - 0.1).abs() < 0.005, "{}", loss_of(&fates));
    assert!(
        (mean_burst(&fates) - 1.0 / 0.9).abs() < 0.03,
        "{}",
        mean_burst(&fates)
    );
}

#[test]
fn bursts_have_their_mean_length_and_keep_the_mean_loss() {
    for (text, loss, burst) in [
        ("loss=5%,burst=3", 0.05, 3.0),
        ("loss=20%,burst=10", 0.2, 10.0),
        ("loss=60%,burst=2", 0.6, 2.0),
    ] {
        let fates = fates(text, 2, 400_000, 100, MS);
        assert!(
            (loss_of(&fates) / loss - 1.0).abs() < 0.05,
            "{text}: {}",
            loss_of(&fates)
        );
        assert!(
            (mean_burst(&fates) / burst - 1.0).abs() < 0.05,
            "{text}: {}",
            mean_burst(&fates)
        );
    }
}

#[test]
fn all_is_lost_at_100_percent_and_nothing_at_0() {
    assert_eq!(loss_of(&fates("loss=100%,burst=3", 3, 1000, 100, MS)), 1.0);
    assert_eq!(loss_of(&fates("loss=0%,burst=3", 3, 1000, 100, MS)), 0.0);
}

#[test]
fn delay_and_jitter_are_uniform_around_the_mean() {
    let delays: Vec<f64> = fates("delay=80ms,jitter=20ms", 4, 50_000, 100, MS)
        .iter()
        .map(|fate| fate.unwrap().as_secs_f64() * 1e3)
        .collect();
    let mean = delays.iter().sum::<f64>() / delays.len() as f64;
    assert!((mean - 80.0).abs() < 0.3, "{mean}");
    assert!(delays.iter().all(|delay| (60.0..=100.0).contains(delay)));
    assert!(delays.iter().any(|&delay| delay < 61.0) && delays.iter().any(|&delay| delay > 99.0));
    // More jitter than delay is cut off at 0, not an error.
    assert!(fates("jitter=20ms", 4, 1000, 100, MS).contains(&Some(Duration::ZERO)));
}

#[test]
fn jitter_reorders_and_without_it_order_is_kept() {
    let order = |text: &str| {
        let start = Instant::now();
        let mut impairer = Impairer::new(spec(text), 5);
        (0..200).for_each(|n| assert!(matches!(impairer.handle(start, 100, n), Fate::Leaves(_))));
        let mut order = Vec::new();
        while let Some(at) = impairer.poll_timeout() {
            order.extend(impairer.poll_output(at));
        }
        order
    };
    let sorted: Vec<u32> = (0..200).collect();
    assert_eq!(order("delay=50ms"), sorted);
    let mut jittered = order("delay=50ms,jitter=20ms");
    assert_ne!(jittered, sorted);
    jittered.sort_unstable();
    assert_eq!(jittered, sorted);
}

#[test]
fn a_datagram_leaves_at_its_time_and_not_before() {
    let start = Instant::now();
    let mut impairer = Impairer::new(spec("delay=80ms"), 6);
    assert_eq!(
        impairer.handle(start, 100, 'a'),
        Fate::Leaves(start + 80 * MS)
    );
    assert_eq!(impairer.poll_timeout(), Some(start + 80 * MS));
    assert_eq!(impairer.poll_output(start + 79 * MS), None);
    assert_eq!(impairer.poll_output(start + 80 * MS), Some('a'));
    assert_eq!(impairer.poll_timeout(), None);
    assert!(impairer.is_empty());
}

#[test]
fn a_narrow_line_sends_at_its_rate_and_drops_beyond_200_ms() {
    // 972 bytes and 28 of headers: 8000 bits, 125 ms at 64 kbit/s.
    let start = Instant::now();
    let mut impairer = Impairer::new(spec("rate=64k"), 7);
    assert_eq!(
        impairer.handle(start, 972, ()),
        Fate::Leaves(start + 125 * MS)
    );
    assert_eq!(
        impairer.handle(start, 972, ()),
        Fate::Leaves(start + 250 * MS)
    );
    assert_eq!(impairer.handle(start, 972, ()), Fate::QueueFull);
    assert_eq!(
        impairer.handle(start + 50 * MS, 972, ()),
        Fate::Leaves(start + 375 * MS)
    );

    // Offered twice the rate for 100 s, half gets through.
    let fates = fates("rate=64k", 7, 1600, 972, Duration::from_micros(62_500));
    assert!((loss_of(&fates) - 0.5).abs() < 0.01, "{}", loss_of(&fates));
}

#[test]
fn a_full_queue_does_not_change_what_is_lost() {
    let start = Instant::now();
    let lost = |rate: &str| {
        let mut impairer = Impairer::new(spec(&format!("loss=30%,burst=2{rate}")), 8);
        [(); 500].map(|()| impairer.handle(start, 500, ()) == Fate::Lost)
    };
    assert_eq!(lost(""), lost(",rate=16k"));
}

#[test]
fn memory_is_bounded() {
    let start = Instant::now();
    let mut impairer = Impairer::new(spec("delay=10s"), 9);
    for _ in 0..MAX_UNDER_WAY {
        assert!(matches!(impairer.handle(start, 0, ()), Fate::Leaves(_)));
    }
    assert_eq!(impairer.handle(start, 0, ()), Fate::QueueFull);
    assert_eq!(impairer.len(), MAX_UNDER_WAY);
}

#[test]
fn the_seed_decides() {
    let run = |seed| {
        fates(
            "loss=10%,burst=2,delay=80ms,jitter=20ms,rate=1M",
            seed,
            2000,
            200,
            MS,
        )
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

proptest! {
    #[test]
    fn no_text_panics(text in "[a-z=%,0-9.]*") {
        let _ = text.parse::<Impairment>();
    }

    #[test]
    fn what_leaves_is_what_came_without_the_lost(
        seed: u64,
        lengths in prop::collection::vec(0usize..2000, 1..200),
        jitter in 0u32..50,
    ) {
        let start = Instant::now();
        let spec = Impairment { loss: 0.2, burst: 2.0, delay: 10 * MS, jitter: MS * jitter, rate: Some(100_000), stall: None };
        let mut impairer = Impairer::new(spec, seed);
        let mut expected = Vec::new();
        for (n, length) in lengths.into_iter().enumerate() {
            if let Fate::Leaves(at) = impairer.handle(start + MS * n as u32, length, n) {
                expected.push((at, n));
            }
        }
        expected.sort_unstable();
        for (at, n) in expected {
            prop_assert_eq!(impairer.poll_timeout(), Some(at));
            prop_assert_eq!(impairer.poll_output(at), Some(n));
        }
        prop_assert!(impairer.is_empty());
    }
}

#[test]
fn a_stall_holds_everything_and_loses_nothing() {
    let fates = fates("delay=5ms,stall=300ms/2s", 1, 450, 100, 10 * MS);
    for (n, fate) in fates.iter().enumerate() {
        let would_leave = n as u32 * 10 + 5;
        let into = if would_leave < 2000 {
            300
        } else {
            would_leave % 2000
        };
        let held = 300_u32.saturating_sub(into);
        assert_eq!(*fate, Some((5 + held) * MS), "datagram {n}");
    }
}
