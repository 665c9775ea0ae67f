#![allow(clippy::unwrap_used)]

use super::*;

const SETUP: Duration = Duration::from_micros(23_240);
const TONE: SoundCheck = SoundCheck::Tone { hz: 440 };

fn options(expect: &[&str]) -> ChecksOptions {
    ChecksOptions {
        expect: expect.iter().map(|text| text.parse().unwrap()).collect(),
        ..Default::default()
    }
}

fn connected(path: Path) -> Fact<'static> {
    Fact::Connected { path, setup: SETUP }
}

fn tone(met: bool, got: &str) -> Fact<'_> {
    Fact::Sound {
        check: TONE,
        met,
        got,
    }
}

/// `check ok got`, one a line.
fn results(checks: &Checks) -> Vec<String> {
    let line = |event| match event {
        Event::Expect { check, ok, got } => format!("{check} {ok} {got}"),
        other => panic!("{other:?}"),
    };
    checks.results().into_iter().map(line).collect()
}

#[test]
fn the_words_of_the_contract_read_back() {
    for text in [
        "connected",
        "audio",
        "tone=440",
        "message=^hi .*$",
        "direct",
        "relay",
    ] {
        assert_eq!(text.parse::<Check>().unwrap().to_string(), text);
    }
    for (text, reason) in [
        ("tone", "\"tone\" needs a frequency (write tone=440)"),
        (
            "message=(",
            "\"(\" is not a regular expression: unclosed group",
        ),
        ("tone=", "\"\" is not a frequency from 20 to 20000 Hz"),
        (
            "tone=24001",
            "\"24001\" is not a frequency from 20 to 20000 Hz",
        ),
        (
            "sound",
            "\"sound\" is not one of connected, audio, tone=HZ, message=REGEX, direct, relay",
        ),
        (
            "audio=1",
            "\"audio=1\" is not one of connected, audio, tone=HZ, message=REGEX, direct, relay",
        ),
    ] {
        assert_eq!(text.parse::<Check>().unwrap_err(), reason);
    }
}

#[test]
fn ends_once_when_all_are_met() {
    let now = Instant::now();
    let mut checks = Checks::new(
        options(&["connected", "tone=440", "message=^hi$", "direct"]),
        false,
        1,
    );
    checks.handle(now, "bob", connected(Path::Direct));
    checks.handle(now, "bob", Fact::Message("well hi"));
    assert_eq!(checks.poll_output(now), None);
    checks.handle(now, "bob", Fact::Message("hi"));
    assert_eq!(checks.poll_output(now), None);
    checks.handle(now, "bob", tone(true, "440 Hz"));
    assert_eq!(checks.poll_output(now), Some(Verdict::Met));
    assert_eq!(checks.poll_output(now), None);
    assert_eq!(checks.poll_timeout(), None);
    assert_eq!(
        results(&checks),
        [
            "connected true connected",
            "tone=440 true 440 Hz",
            "message=^hi$ true \"hi\"",
            "direct true direct"
        ]
    );
}

#[test]
fn patience_is_ten_seconds_connected() {
    let now = Instant::now();
    let mut checks = Checks::new(options(&["tone=440"]), false, 1);
    assert_eq!(checks.poll_timeout(), None);
    assert_eq!(
        checks.poll_output(now + 10 * PATIENCE),
        None,
        "waiting for a peer does not count"
    );
    checks.handle(now, "bob", connected(Path::Direct));
    checks.handle(now, "bob", tone(false, "450 Hz"));
    assert_eq!(checks.poll_timeout(), Some(now + PATIENCE));
    assert_eq!(
        checks.poll_output(now + PATIENCE - Duration::from_millis(1)),
        None
    );
    assert_eq!(checks.poll_output(now + PATIENCE), Some(Verdict::TimeUp));
    assert_eq!(checks.poll_output(now + PATIENCE), None);
    assert_eq!(results(&checks), ["tone=440 false 450 Hz"]);
}

#[test]
fn patience_starts_again_with_the_next_call() {
    let now = Instant::now();
    let mut checks = Checks::new(options(&["audio"]), false, 1);
    checks.handle(now, "bob", connected(Path::Direct));
    checks.handle(now + PATIENCE / 2, "bob", Fact::Ended);
    assert_eq!(checks.poll_timeout(), None);
    checks.handle(now + PATIENCE, "eve", connected(Path::Direct));
    assert_eq!(checks.poll_timeout(), Some(now + 2 * PATIENCE));
}

#[test]
fn with_a_duration_nothing_ends_early() {
    let now = Instant::now();
    let mut checks = Checks::new(options(&["connected"]), true, 1);
    checks.handle(now, "bob", connected(Path::Direct));
    assert_eq!(checks.poll_output(now + 2 * PATIENCE), None);
    assert_eq!(checks.poll_timeout(), None);
    assert_eq!(results(&checks), ["connected true connected"]);
}

#[test]
fn a_path_may_change_and_the_last_counts() {
    let now = Instant::now();
    let mut checks = Checks::new(options(&["direct", "relay"]), true, 1);
    assert_eq!(
        results(&checks),
        ["direct false not connected", "relay false not connected"]
    );
    checks.handle(now, "bob", connected(Path::Relay));
    assert_eq!(results(&checks), ["direct false relay", "relay true relay"]);
    checks.handle(now, "bob", Fact::Path(Path::Direct));
    assert_eq!(
        results(&checks),
        ["direct true direct", "relay false direct"]
    );
}

#[test]
fn loopback_needs_both_sides() {
    let now = Instant::now();
    let mut checks = Checks::new(options(&["tone=440"]), false, 2);
    checks.handle(now, "a", connected(Path::Direct));
    checks.handle(now, "b", connected(Path::Direct));
    checks.handle(now, "a", tone(true, "440 Hz"));
    checks.handle(now, "a", tone(true, "440 Hz"));
    assert_eq!(checks.poll_output(now), None);
    checks.handle(now, "b", tone(false, "silence"));
    assert_eq!(results(&checks), ["tone=440 false silence"]);
    checks.handle(now, "b", tone(true, "441 Hz"));
    assert_eq!(checks.poll_output(now), Some(Verdict::Met));
    checks.handle(now, "a", tone(false, "late"));
    assert_eq!(results(&checks), ["tone=440 true 441 Hz"]);
}

#[test]
fn another_tone_has_no_bearing() {
    let now = Instant::now();
    let mut checks = Checks::new(options(&["tone=440", "audio"]), false, 1);
    checks.handle(
        now,
        "bob",
        Fact::Sound {
            check: SoundCheck::Tone { hz: 450 },
            met: true,
            got: "450 Hz",
        },
    );
    assert_eq!(
        results(&checks),
        ["tone=440 false no sound", "audio false no sound"]
    );
    assert_eq!(checks.sound_checks(), [TONE, SoundCheck::Audio]);
}

#[test]
fn thresholds_judge_the_worst_call_and_end_nothing() {
    let now = Instant::now();
    let ms = Duration::from_millis;
    let limits = ChecksOptions {
        max_setup: Some(ms(25)),
        max_loss: Some(0.01),
        max_rtt: Some(ms(50)),
        ..Default::default()
    };
    let mut checks = Checks::new(limits, false, 1);
    assert_eq!(
        results(&checks),
        [
            "max-setup=25ms false not measured",
            "max-loss=1% false not measured",
            "max-rtt=50ms false not measured"
        ]
    );
    checks.handle(now, "bob", connected(Path::Direct));
    checks.handle(now, "bob", Fact::Loss(0.2));
    checks.handle(now, "bob", Fact::Loss(0.01));
    checks.handle(now, "bob", Fact::Rtt(ms(90)));
    checks.handle(now, "bob", Fact::Rtt(ms(10)));
    assert_eq!(checks.poll_output(now + 2 * PATIENCE), None);
    assert_eq!(
        results(&checks),
        [
            "max-setup=25ms true 23.2ms",
            "max-loss=1% true 1%",
            "max-rtt=50ms true 50.0ms"
        ]
    );
    checks.handle(now, "bob", Fact::Ended);
    checks.handle(
        now,
        "eve",
        Fact::Connected {
            path: Path::Direct,
            setup: ms(26),
        },
    );
    checks.handle(now, "eve", Fact::Loss(0.012_34));
    checks.handle(now, "eve", Fact::Rtt(ms(51)));
    assert_eq!(
        results(&checks),
        [
            "max-setup=25ms false 26.0ms",
            "max-loss=1% false 1.23%",
            "max-rtt=50ms false 51.0ms"
        ]
    );
}

#[test]
fn long_texts_are_cut_and_made_harmless() {
    let now = Instant::now();
    let mut checks = Checks::new(options(&["message=^x$"]), false, 1);
    checks.handle(
        now,
        "bob",
        Fact::Message(&format!("\u{1b}[2J{}", "ä".repeat(200))),
    );
    assert_eq!(
        results(&checks),
        [format!(
            "message=^x$ false \"\\u{{1b}}[2J{}\"",
            "ä".repeat(96)
        )]
    );
}
