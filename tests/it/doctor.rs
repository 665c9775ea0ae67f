//! `peer-cli doctor` in laboratories that have a fault, one for each verdict.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use lab::{CoturnOptions, Family, Nat, NatLab, Process, Side};
use serde_json::Value;

/// Nothing takes longer, on a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(40);

fn lab(test: &str, family: Family, relay: CoturnOptions) -> Option<NatLab> {
    lab::may_build(&format!("doctor::{test}")).then(|| NatLab::with_relay(family, relay).unwrap())
}

/// What the doctor said on host A.
struct Report {
    code: i32,
    checks: Vec<Value>,
    verdict: Value,
}

/// The doctor with these words more; no signaling server and no sound card unless the words name them.
fn doctor(lab: &NatLab, password: &str, words: &[&str]) -> Report {
    let mut command = lab.command(Side::A, program("peer-cli"));
    command
        .args(["doctor", "--json", "--mic", "off", "--speaker", "off"])
        .args(words);
    if !words.contains(&"--server") {
        command.args(["--server", "off"]);
    }
    if !password.is_empty() {
        command
            .env("PEER_TURN_PASSWORD", password)
            .args(["--turn-user", lab.credentials().0]);
    }
    let mut process = Process::start("doctor", command).unwrap();
    let deadline = Instant::now() + PATIENCE;
    let (mut checks, mut verdict) = (Vec::new(), Value::Null);
    while let Some(event) = process.next(deadline).unwrap() {
        if event.is("check") {
            checks.push(event.value);
        } else if event.is("verdict") {
            verdict = event.value;
        }
    }
    Report {
        code: process.finish(PATIENCE).unwrap(),
        checks,
        verdict,
    }
}

/// The programs of this build stand two folders above this test's.
fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let path = test.ancestors().nth(2).unwrap().join(name);
    assert!(
        path.is_file(),
        "{} is missing (run \"cargo build\", or \"cargo test --workspace\")",
        path.display()
    );
    path
}

impl Report {
    #[track_caller]
    fn is(&self, code: i32, codes: &[&str], words: &str) -> &Self {
        let verdict = &self.verdict;
        assert_eq!(
            (self.code, &verdict["codes"]),
            (code, &serde_json::json!(codes)),
            "{self}"
        );
        assert_eq!(verdict["ok"], code == 0, "{self}");
        assert!(
            verdict["text"].as_str().unwrap().contains(words),
            "no {words:?}: {self}"
        );
        self
    }

    /// The checks of this name.
    fn all(&self, name: &str) -> Vec<&Value> {
        self.checks
            .iter()
            .filter(|check| check["name"] == name)
            .collect()
    }

    #[track_caller]
    fn one(&self, name: &str) -> &Value {
        match self.all(name)[..] {
            [check] => check,
            ref all => panic!("{} checks of {name}: {self}", all.len()),
        }
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let lines = self
            .checks
            .iter()
            .chain([&self.verdict])
            .map(ToString::to_string);
        write!(
            f,
            "exit {}:\n  {}",
            self.code,
            lines.collect::<Vec<_>>().join("\n  ")
        )
    }
}

const ALL_WELL: &str = "All is well";

#[test]
fn every_kind_of_nat_is_told() {
    let Some(mut lab) = lab(
        "every_kind_of_nat_is_told",
        Family::V4,
        CoturnOptions::default(),
    ) else {
        return;
    };
    let independent = "endpoint-independent";
    let dependent = "address-and-port-dependent";
    for (nat, kind, mapping, filtering) in [
        (Nat::Open, "full-cone", independent, independent),
        (Nat::FullCone, "full-cone", independent, independent),
        (
            Nat::AddressRestricted,
            "address-restricted",
            independent,
            "address-dependent",
        ),
        (
            Nat::PortRestricted,
            "port-restricted",
            independent,
            dependent,
        ),
        (Nat::Symmetric, "symmetric", dependent, dependent),
    ] {
        lab.set(Side::A, nat).unwrap();
        let report = doctor(&lab, "", &["--stun", &lab.stun()]);
        let found = report.one("nat");
        assert_eq!(found["nat"], kind, "{nat}: {report}");
        assert_eq!(
            (&found["mapping"], &found["filtering"]),
            (&mapping.into(), &filtering.into()),
            "{nat}: {report}"
        );
        assert!(
            report.one("stun")["mapped"]
                .as_str()
                .unwrap()
                .starts_with("203.0.113.11:"),
            "{report}"
        );
        match nat {
            Nat::Symmetric => report.is(0, &["nat-symmetric"], "need a relay (--turn)"),
            _ => report.is(0, &[], ALL_WELL),
        };
    }
    // With a relay that is no problem any more.
    let words = ["--stun", &lab.stun(), "--turn", &lab.turn()];
    doctor(&lab, lab.credentials().1, &words).is(0, &[], "and a relay where there is none");
}

#[test]
fn without_rfc_5780_two_servers_tell_the_mapping() {
    let options = CoturnOptions {
        more: vec!["--no-rfc5780".to_owned()],
        ..CoturnOptions::default()
    };
    let Some(mut lab) = lab(
        "without_rfc_5780_two_servers_tell_the_mapping",
        Family::V4,
        options,
    ) else {
        return;
    };
    let words = ["--stun", "stun:203.0.113.1", "--stun", "stun:203.0.113.2"];
    for (nat, kind, mapping) in [
        (Nat::PortRestricted, "cone", "endpoint-independent"),
        (Nat::Symmetric, "symmetric", "endpoint-dependent"),
    ] {
        lab.set(Side::A, nat).unwrap();
        let report = doctor(&lab, "", &words);
        let found = report.one("nat");
        assert_eq!(
            (&found["nat"], &found["mapping"]),
            (&kind.into(), &mapping.into()),
            "{report}"
        );
        assert!(found.get("filtering").is_none(), "{report}");
    }
    let report = doctor(&lab, "", &words[..2]);
    assert_eq!(report.one("nat")["nat"], "unknown", "{report}");
}

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
fn udp_is_blocked() {
    let Some(mut lab) = lab("udp_is_blocked", Family::V4, CoturnOptions::default()) else {
        return;
    };
    let _signaling = lab.start_signaling(&program("signaling"), &[]).unwrap();
    let (stun, udp, socket) = (lab.stun(), lab.turn(), lab.socket());
    let (tls, ca) = (lab.turn_tls_443(), lab.authority().display().to_string());
    let words = ["--server", &socket, "--stun", &stun, "--turn", &udp];
    let with_tls = [&words[..], &["--turn", &tls, "--ca", &ca]].concat();
    for nat in [Nat::UdpBlocked, Nat::WebOnly] {
        lab.set(Side::A, nat).unwrap();
        let report = doctor(&lab, lab.credentials().1, &words);
        report.is(
            5,
            &["udp-blocked"],
            "UDP is blocked here: calls need a relay over TCP or TLS (--turn turns:HOST:443)",
        );
        assert_eq!(report.one("signaling")["ok"], true, "{report}");
        assert_eq!(report.one("stun")["text"], "no reply", "{report}");
        assert!(report.all("nat").is_empty(), "{report}");
        let report = doctor(&lab, lab.credentials().1, &with_tls);
        report.is(
            0,
            &["udp-blocked"],
            "calls go through turns:server.lab.test:443",
        );
    }
}

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
fn relays_that_refuse() {
    let options = CoturnOptions {
        more: vec!["--user-quota=1".to_owned()],
        ..CoturnOptions::default()
    };
    let Some(lab) = lab("relays_that_refuse", Family::V4, options) else {
        return;
    };
    let (stun, udp, tcp) = (lab.stun(), lab.turn(), lab.turn_tcp());
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
    // … and of two at once one is too many.
    let both = [&words[..], &["--turn", &tcp]].concat();
    let report = doctor(&lab, lab.credentials().1, &both);
    report.is(
        8,
        &["turn-quota"],
        "gives user \"test\" no more allocations (486, quota reached)",
    );
    assert!(
        report.all("turn").iter().any(|check| check["code"] == 486),
        "{report}"
    );
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
    let mut nft = lab.public().command("nft");
    let rule = "insert rule inet public inp udp dport 49160-49960 drop";
    assert!(nft.args(rule.split(' ')).status().unwrap().success());
    let report = doctor(&lab, lab.credentials().1, &words);
    report.is(8, &["relay-mute"], "lets nothing through: its relay ports");
    assert_eq!(
        (&report.one("turn")["ok"], &report.one("relay")["ok"]),
        (&true.into(), &false.into()),
        "{report}"
    );
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
fn without_ipv4_there_is_ipv6() {
    let Some(mut lab) = lab(
        "without_ipv4_there_is_ipv6",
        Family::V6,
        CoturnOptions::default(),
    ) else {
        return;
    };
    let words = ["--stun", &lab.stun(), "--turn", &lab.turn()];
    for (nat, kind) in [(Nat::PortRestricted, "firewall"), (Nat::Open, "open")] {
        lab.set(Side::A, nat).unwrap();
        let report = doctor(&lab, lab.credentials().1, &words);
        report.is(0, &[], ALL_WELL);
        assert_eq!(report.one("nat")["nat"], kind, "{report}");
        assert!(
            report.one("turn")["relayed"]
                .as_str()
                .unwrap()
                .starts_with("[2001:db8::1]:"),
            "{report}"
        );
    }
}
