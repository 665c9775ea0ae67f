//! Servers that are dead, silent or unknown, and signaling.

use super::*;

#[test]
fn servers_are_dead_silent_or_unknown() {
    let Some(lab) = lab(
        "servers_are_dead_silent_or_unknown",
        Family::V4,
        CoturnOptions::default(),
    ) else {
        return;
    };
    let (stun, udp) = (lab.stun(), lab.turn());
    let closed = format!("stun:{}", lab.closed());
    let silent = format!("stun:{}", lab.silent());
    let unknown = format!("stun:{}", lab.unknown_name());
    // Beside one that works nobody misses them.
    let words = [
        "--stun", &closed, "--stun", &stun, "--stun", &silent, "--stun", &unknown,
    ];
    let report = doctor(&lab, "", &words);
    report.is(0, &[], ALL_WELL);
    let grades: Vec<_> = report
        .all("stun")
        .iter()
        .map(|check| check["grade"].as_str().unwrap())
        .collect();
    assert_eq!(grades, ["warn", "ok", "warn", "warn"], "{report}");
    assert!(
        report.all("stun")[0]["text"]
            .as_str()
            .unwrap()
            .contains("ICMP port unreachable"),
        "{report}"
    );
    doctor(&lab, "", &["--stun", &closed]).is(8, &["stun"], "No STUN server answers");
    doctor(&lab, "", &["--stun", &silent]).is(5, &["udp-silent"], "the only server asked");
    let report = doctor(&lab, "", &["--stun", &unknown]);
    report.is(5, &["no-network"], "is this machine connected?");
    assert!(
        report.one("stun")["text"]
            .as_str()
            .unwrap()
            .contains("name server"),
        "{report}"
    );
    // A relay that is dead, over UDP and TCP; the time-out is kept.
    for (place, words) in [
        (lab.closed(), "nobody listens there"),
        (lab.silent(), "no reply"),
    ] {
        let dead = format!("turn:{place}");
        let report = doctor(
            &lab,
            lab.credentials().1,
            &["--stun", &stun, "--turn", &dead],
        );
        report.is(8, &["turn-unreachable"], words);
        let dead = format!("turn:{place}?transport=tcp");
        let report = doctor(
            &lab,
            lab.credentials().1,
            &["--stun", &stun, "--turn", &dead],
        );
        report.is(8, &["turn-unreachable"], &dead);
        // Beside one that works it is a warning.
        let report = doctor(
            &lab,
            lab.credentials().1,
            &["--stun", &stun, "--turn", &dead, "--turn", &udp],
        );
        report.is(0, &["turn-unreachable"], &dead);
    }
}

#[test]
fn signaling_is_not_reached() {
    let Some(lab) = lab(
        "signaling_is_not_reached",
        Family::V4,
        CoturnOptions::default(),
    ) else {
        return;
    };
    let (stun, socket) = (lab.stun(), lab.socket());
    let words = ["--server", &socket, "--stun", &stun];
    let report = doctor(&lab, "", &words);
    report.is(
        3,
        &["signaling"],
        "connection refused (is \"signaling\" running?)",
    );
    // It went on.
    assert_eq!(report.one("nat")["nat"], "port-restricted", "{report}");
    let silent = format!("ws://{}", lab.silent());
    doctor(&lab, "", &["--server", &silent, "--stun", &stun]).is(3, &["signaling"], "no answer");
    let _signaling = lab.start_signaling(&program("signaling"), &[]).unwrap();
    doctor(&lab, "", &words).is(0, &[], ALL_WELL);
}

#[test]
fn what_signaling_hands_out_is_refused() {
    let test = "what_signaling_hands_out_is_refused";
    let options = CoturnOptions {
        secret: Some("right".to_owned()),
        ..CoturnOptions::default()
    };
    let Some(lab) = lab(test, Family::V4, options) else {
        return;
    };
    let socket = lab.socket();
    for (secret, code) in [("right", 0), ("wrong", 8)] {
        let mut command = lab.public().command(program("signaling"));
        command
            .args([
                "--json",
                "--listen",
                &lab.server(80),
                "--turn-url",
                &lab.turn(),
            ])
            .env("SIGNALING_TURN_SECRET", secret);
        let mut signaling = Process::start("signaling", command).unwrap();
        signaling.wait_for("listening", PATIENCE).unwrap();
        let report = doctor(&lab, "", &["--server", &socket, "--stun", &lab.stun()]);
        match code {
            0 => report.is(0, &[], "and a relay where there is none"),
            _ => report.is(
                8,
                &["turn-credentials"],
                "refuses the credentials that the signaling server hands out",
            ),
        };
    }
}
