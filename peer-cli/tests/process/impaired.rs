//! `--impair`: a bad network without a network.

use super::peer::{Ended, run};

fn loopback(impair: &[&str]) -> Ended {
    run(&[&["loopback", "--json", "--duration", "4s"][..], impair].concat()).expect_code(0)
}

/// A number of the summary of the peer that heard this one.
fn number(ended: &Ended, from: &str, name: &str) -> f64 {
    let all = ended.all("ended");
    let call = all.iter().find(|event| event["peer"] == from).unwrap();
    call["summary"][name]
        .as_f64()
        .unwrap_or_else(|| panic!("no {name}: {call}"))
}

#[test]
fn loss_is_as_asked_for_concealed_and_the_same_again() {
    let good = loopback(&[]);
    assert!(number(&good, "caller", "loss") < 0.01 && number(&good, "caller", "concealed") < 0.05);
    let runs = [(), ()].map(|()| loopback(&["--impair", "loss=15%", "--impair-seed", "3"]));
    for from in ["caller", "answerer"] {
        let [first, second] = [0, 1].map(|run| number(&runs[run], from, "loss"));
        assert!((0.07..0.25).contains(&first), "{first} of the packets lost");
        // Packets that are no sound shift the pattern a little.
        assert!(
            (first - second).abs() < 0.06,
            "{first} and {second} of the packets lost"
        );
        let concealed = number(&runs[0], from, "concealed");
        assert!(concealed > 0.03, "{concealed} of the sound concealed");
    }
}

#[test]
fn delay_is_seen_as_round_trip() {
    let ended = loopback(&["--impair", "delay=60ms"]);
    let rtt = number(&ended, "caller", "rtt");
    assert!((0.12..0.4).contains(&rtt), "twice 60 ms: {rtt}");
    let ended = run(&[
        "loopback",
        "--json",
        "--duration",
        "3s",
        "--impair",
        "delay=60ms",
        "--max-rtt",
        "50ms",
    ]);
    ended.expect_code(8);
}
