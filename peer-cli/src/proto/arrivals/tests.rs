#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

const MS: Duration = Duration::from_millis(1);

/// Stretches as (first number, marks): a digit for what came, `-` for what did not.
fn told(arrivals: &mut Arrivals) -> Vec<(u16, String)> {
    let marks = |stretch: &Stretch| {
        let mark = |at: &Option<i64>| if at.is_some() { '+' } else { '-' };
        stretch.arrivals().iter().map(mark).collect()
    };
    let stretches = arrivals.take();
    stretches.iter().map(|s| (s.first(), marks(s))).collect()
}

/// What is told of numbers that came 20 ms apart.
fn after(arrivals: &mut Arrivals, numbers: &[u16]) -> Vec<(u16, String)> {
    for (n, number) in numbers.iter().enumerate() {
        arrivals.note(*number, 20 * MS * n as u32);
    }
    told(arrivals)
}

fn one(first: u16, marks: &str) -> Vec<(u16, String)> {
    vec![(first, marks.to_owned())]
}

#[test]
fn what_came_and_what_did_not_is_told_once() {
    let mut arrivals = Arrivals::default();
    assert_eq!(told(&mut arrivals), []);
    assert_eq!(
        after(&mut arrivals, &[65_530, 65_531, 65_533]),
        one(65_530, "++-+")
    );
    assert_eq!(told(&mut arrivals), []);
    // Losses between two reports, in disorder, over the wrap, one of them twice.
    let more = after(&mut arrivals, &[0, 65_535, 0, 2, 5]);
    assert_eq!(more, one(65_534, "-++-+--+"));
}

#[test]
fn what_comes_late_is_told_alone_and_takes_nothing_back() {
    let mut arrivals = Arrivals::default();
    assert_eq!(after(&mut arrivals, &[10, 11, 14, 15]), one(10, "++--++"));
    let late = after(&mut arrivals, &[12, 17, 13]);
    assert_eq!(late, [(12, "++".to_owned()), (16, "-+".to_owned())]);
    assert_eq!(
        after(&mut arrivals, &[12, 16, 18]),
        [
            (12, "+".to_owned()),
            (16, "+".to_owned()),
            (18, "+".to_owned())
        ]
    );
}

#[test]
fn times_count_250_microseconds() {
    let mut arrivals = Arrivals::default();
    for (number, us) in [(1, 0), (2, 20_249), (3, 20_250), (4, 3_600_000_000)] {
        arrivals.note(number, Duration::from_micros(us));
    }
    let told: Vec<Vec<i64>> = arrivals
        .take()
        .iter()
        .map(|stretch| {
            stretch
                .arrivals()
                .iter()
                .copied()
                .map(Option::unwrap)
                .collect()
        })
        .collect();
    // An hour is no difference that fits: another stretch.
    assert_eq!(told, [vec![0, 80, 81], vec![14_400_000]]);
}

#[test]
fn a_jump_of_the_numbers_is_no_loss() {
    for jump in [1000, 20_000, 32_767, 32_768, 40_000, 60_000] {
        let (mut arrivals, mut lost) = (Arrivals::default(), 0);
        let mut came = 0;
        for round in 0..20u16 {
            let base = if round < 10 {
                round * 13
            } else {
                jump + round * 13
            };
            for n in 0..13 {
                // In the middle of one report, too.
                let number = if round == 9 && n > 6 {
                    jump + base + n
                } else {
                    base + n
                };
                arrivals.note(number, 20 * MS * u32::from(round * 13 + n));
            }
            for (_, marks) in told(&mut arrivals) {
                lost += marks.matches('-').count();
                came += marks.matches('+').count();
            }
        }
        assert_eq!((came, lost), (260, 0), "{jump}");
        // And from there on losses are told again.
        let base = jump + 20 * 13;
        assert_eq!(
            after(&mut arrivals, &[base, base + 2]),
            one(base, "+-+"),
            "{jump}"
        );
    }
}

#[test]
fn a_sender_that_jumps_with_each_packet_gets_few_words() {
    let mut arrivals = Arrivals::default();
    for round in 0..50 {
        for n in 0..100u16 {
            let number = (round * 100 + n).wrapping_mul(25_013);
            arrivals.note(number, 2 * MS * u32::from(n));
        }
        let stretches = arrivals.take();
        let numbers: usize = stretches.iter().map(|s| s.arrivals().len()).sum();
        assert_eq!((numbers, stretches.len()), (MOST_STRETCHES, MOST_STRETCHES));
    }
}

#[test]
fn of_a_flood_no_more_is_told_than_fits() {
    let mut arrivals = Arrivals::default();
    for n in 0..50_000u32 {
        arrivals.note(n as u16, MS * (n / 200));
    }
    let stretches = arrivals.take();
    let told: usize = stretches.iter().map(|s| s.arrivals().len()).sum();
    assert_eq!((told, stretches.len()), (MOST_HELD, 3));
}

proptest! {
    /// Whatever comes: every packet held is told once, with its time, and none that came is told lost in the same breath.
    #[test]
    fn everything_is_told_once(
        rounds in prop::collection::vec(
            prop::collection::vec((prop_oneof![20 => 0i32..30, 1 => -3000i32..3000], 0u64..50), 0..80),
            1..20,
        ),
    ) {
        let mut arrivals = Arrivals::default();
        let (mut base, mut now) = (0i32, 0u64);
        for round in rounds {
            let mut expected = BTreeMap::new();
            for (step, pause) in round {
                // In disorder by a few, now and then far away.
                base = base.wrapping_add(step - 12);
                now += pause;
                let number = base as u16;
                arrivals.note(number, MS * now as u32);
                expected.entry(number).or_insert(now as i64 * 4);
            }
            let mut told = BTreeMap::new();
            let stretches = arrivals.take();
            let all = stretches.len() < MOST_STRETCHES;
            for stretch in stretches {
                prop_assert!(stretch.arrivals().len() <= MOST_NUMBERS);
                let came: Vec<i64> = stretch.arrivals().iter().flatten().copied().collect();
                prop_assert!(came.windows(2).all(|w| i16::try_from(w[1] - w[0]).is_ok()));
                prop_assert!(stretch.arrivals().last().unwrap().is_some());
                for (n, at) in stretch.arrivals().iter().enumerate() {
                    let number = stretch.first().wrapping_add(n as u16);
                    match at {
                        Some(at) => prop_assert!(told.insert(number, *at).is_none(), "{} twice", number),
                        None => prop_assert!(!expected.contains_key(&number), "{} lost", number),
                    }
                }
            }
            prop_assert!(told.iter().all(|(number, at)| expected.get(number) == Some(at)));
            prop_assert!(!all || told.len() == expected.len(), "{:?} of {:?}", told, expected);
        }
    }
}
