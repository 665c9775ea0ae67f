//! Exit 8, and exit 0 where everything is as it should be.

use super::ends::call_with;
use super::house::House;
use super::peer::run;

#[test]
fn the_right_tone_is_recognised() {
    let ended = run(&[
        "loopback", "--json", "--expect", "tone=440", "--expect", "audio",
    ])
    .expect_code(0);
    let met: Vec<_> = ended
        .all("expect")
        .iter()
        .map(|event| (event["check"].clone(), event["ok"].clone()))
        .collect();
    assert_eq!(
        met,
        [
            ("tone=440".into(), true.into()),
            ("audio".into(), true.into())
        ]
    );
    assert_eq!(ended.reason(), "every expectation is met");
    // One side hears it in each direction.
    assert_eq!(ended.all("connected").len(), 2);
}

#[test]
fn the_wrong_tone_is_not() {
    let arguments = [
        "loopback",
        "--json",
        "--mic",
        "tone:450",
        "--expect",
        "tone=440",
        "--duration",
        "3s",
    ];
    let ended = run(&arguments).expect_code(8);
    let expect = ended.one("expect");
    assert_eq!(
        (&expect["check"], &expect["ok"]),
        (&"tone=440".into(), &false.into())
    );
    assert!(
        expect["got"].as_str().unwrap().contains("450 Hz"),
        "{expect}"
    );
    assert!(
        ended.reason().starts_with("not met: tone=440"),
        "{}",
        ended.reason()
    );
}

#[test]
fn without_a_duration_an_unmet_expectation_has_ten_seconds() {
    let ended = run(&[
        "loopback", "--json", "--mic", "silence", "--expect", "audio",
    ])
    .expect_code(8);
    let lasted = ended.all("ended")[0]["summary"]["duration"]
        .as_f64()
        .unwrap();
    assert!((9.5..14.0).contains(&lasted), "{lasted}");
}

#[test]
fn thresholds_are_judged() {
    let arguments = [
        "loopback",
        "--json",
        "--duration",
        "1200ms",
        "--max-setup",
        "1ms",
        "--max-loss",
        "50%",
        "--max-rtt",
        "10s",
    ];
    let ended = run(&arguments).expect_code(8);
    let missed: Vec<_> = ended
        .all("expect")
        .into_iter()
        .filter(|event| event["ok"] == false)
        .collect();
    assert_eq!(missed.len(), 1, "{ended:#?}");
    assert_eq!(missed[0]["check"], "max-setup=1ms");
    let arguments = [
        "loopback",
        "--json",
        "--duration",
        "1200ms",
        "--max-setup",
        "15s",
        "--max-loss",
        "50%",
        "--max-rtt",
        "10s",
    ];
    let ended = run(&arguments).expect_code(0);
    assert_eq!(ended.all("expect").len(), 3);
}

#[test]
fn messages_and_paths_count_between_two_processes() {
    let house = House::open();
    let wants = |regex| {
        [
            "--expect",
            regex,
            "--expect",
            "direct",
            "--expect",
            "connected",
        ]
    };
    let mut answerer = call_with("answer", &house, &wants("message=^ready [0-9]+$"));
    answerer.wait_for("signaling");
    let caller = call_with("call", &house, &["-m", "ready 7"]);
    let answerer = answerer.finish().expect_code(0);
    assert_eq!(answerer.all("expect").len(), 3);
    caller.finish().expect_code(0);

    let mut answerer = call_with("answer", &house, &["--expect", "message=^go$"]);
    answerer.wait_for("signaling");
    call_with("call", &house, &["-m", "stop", "--duration", "300ms"])
        .finish()
        .expect_code(0);
    let answerer = answerer.finish().expect_code(8);
    assert!(
        answerer.one("expect")["got"]
            .as_str()
            .unwrap()
            .contains("stop"),
        "{answerer:#?}"
    );
}

#[test]
fn nobody_to_expect_anything_of_is_nobody() {
    let house = House::open();
    let caller = call_with("call", &house, &["--timeout", "500ms", "--expect", "audio"]);
    let ended = caller.finish().expect_code(4);
    assert_eq!(ended.one("expect")["ok"], false);
}
