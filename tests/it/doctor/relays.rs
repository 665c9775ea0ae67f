//! Relays that work, refuse, or only seem to work.

use super::*;

/// Between two looks at a log.
const LOOK: Duration = Duration::from_millis(20);

#[test]
fn relays_are_tried_over_udp_tcp_and_tls() {
    let Some(lab) = lab(
        "relays_are_tried_over_udp_tcp_and_tls",
        Family::Dual,
        CoturnOptions::default(),
    ) else {
        return;
    };
    let ca = lab.authority().display().to_string();
    let (stun, udp, tcp, tls) = (lab.stun(), lab.turn(), lab.turn_tcp(), lab.turn_tls_443());
    let v6 = "turn:[2001:db8::1]:3478";
    let words = [
        "--stun", &stun, "--turn", &udp, "--turn", &tcp, "--turn", &tls, "--turn", v6, "--ca", &ca,
    ];
    let report = doctor(&lab, lab.credentials().1, &words);
    report.is(0, &[], ALL_WELL);
    let servers: Vec<_> = report
        .all("relay")
        .iter()
        .map(|check| check["server"].as_str().unwrap())
        .collect();
    assert_eq!(servers, [udp.as_str(), &tcp, &tls, v6], "{report}");
    for name in ["turn", "relay"] {
        for check in report.all(name) {
            assert!(
                check["ok"] == true && check["ms"].as_f64().unwrap() < 1000.0,
                "{report}"
            );
        }
    }
    assert!(
        report.all("turn")[0]["relayed"]
            .as_str()
            .unwrap()
            .starts_with("203.0.113.1:"),
        "{report}"
    );
    // The authority is not known to the system.
    let untrusted = doctor(
        &lab,
        lab.credentials().1,
        &["--stun", &stun, "--turn", &tls],
    );
    untrusted.is(8, &["turn-tls"], "give its authority with --ca FILE");
}

#[test]
fn relays_that_refuse() {
    let options = CoturnOptions {
        more: vec!["--user-quota=1".to_owned()],
        ..CoturnOptions::default()
    };
    let Some(lab) = lab("relays_that_refuse", Family::V4, options) else {
        return;
    };
    let (stun, udp) = (lab.stun(), lab.turn());
    let words = ["--stun", &stun, "--turn", &udp];
    let report = doctor(&lab, "wrong", &words);
    report.is(
        8,
        &["turn-credentials"],
        "refuses user \"test\": check --turn-user and PEER_TURN_PASSWORD",
    );
    assert_eq!(report.one("turn")["code"], 401, "{report}");
    let report = doctor(&lab, "", &words);
    report.is(
        8,
        &["turn-credentials"],
        "wants a user and password: give --turn-user",
    );
    // One allocation for each user: what the doctor took it gave back, …
    for _ in 0..3 {
        doctor(&lab, lab.credentials().1, &words).is(0, &[], ALL_WELL);
    }
    // … and a second one is too many while another doctor waits for what never comes back.
    mute_relay(&lab);
    let made = || {
        lab.relay()
            .unwrap()
            .log()
            .matches("ALLOCATE processed, success")
            .count()
    };
    let before = made();
    let patient = [&words[..], &["--timeout", "1m"]].concat();
    let holder = start(&lab, lab.credentials().1, &patient);
    let deadline = Instant::now() + PATIENCE;
    while made() == before {
        assert!(Instant::now() < deadline, "{}", lab.relay().unwrap().log());
        std::thread::sleep(LOOK);
    }
    let report = doctor(&lab, lab.credentials().1, &words);
    report.is(
        8,
        &["turn-quota"],
        "gives user \"test\" no more allocations (486, quota reached)",
    );
    assert_eq!(report.one("turn")["code"], 486, "{report}");
    drop(holder);
}

#[test]
fn a_relay_that_does_not_relay() {
    let options = CoturnOptions {
        more: vec!["--denied-peer-ip=203.0.113.1".to_owned()],
        ..CoturnOptions::default()
    };
    let Some(mut lab) = lab("a_relay_that_does_not_relay", Family::V4, options) else {
        return;
    };
    let (stun, udp) = (lab.stun(), lab.turn());
    let words = ["--stun", &stun, "--turn", &udp];
    let report = doctor(&lab, lab.credentials().1, &words);
    report.is(
        0,
        &["relay-to-itself"],
        "does not relay to its own addresses (403",
    );
    assert_eq!(report.one("relay")["code"], 403, "{report}");
    drop(lab);
    // A firewall that forgets the relay's ports.
    lab = NatLab::new(Family::V4).unwrap();
    mute_relay(&lab);
    let report = doctor(&lab, lab.credentials().1, &words);
    report.is(8, &["relay-mute"], "lets nothing through: its relay ports");
    assert_eq!(
        (&report.one("turn")["ok"], &report.one("relay")["ok"]),
        (&true.into(), &false.into()),
        "{report}"
    );
}
