//! The NATs are what they are called: measured from inside by RFC 5780, with a program that knows nothing of the rules.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use lab::{Family, Nat, NatLab, Side};
use serde_json::Value;

const SERVERS: [&str; 2] = ["203.0.113.1", "203.0.113.2"];
const SERVERS_V6: [&str; 2] = ["2001:db8::1", "2001:db8::2"];

fn lab(test: &str, family: Family) -> Option<NatLab> {
    lab::may_build(test).then(|| NatLab::new(family).unwrap())
}

fn probe(lab: &NatLab, side: Side, servers: &[&str]) -> Value {
    let mut command = lab.command(side, env!("CARGO_BIN_EXE_natprobe"));
    let output = command.args(servers).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn mapping_and_filtering_are_those_of_the_kind() {
    let Some(mut lab) = lab("mapping_and_filtering_are_those_of_the_kind", Family::V4) else {
        return;
    };
    let independent = "endpoint-independent";
    for (nat, mapping, filtering) in [
        (Nat::Open, independent, independent),
        (Nat::FullCone, independent, independent),
        (Nat::AddressRestricted, independent, "address-dependent"),
        (
            Nat::PortRestricted,
            independent,
            "address-and-port-dependent",
        ),
        (
            Nat::Symmetric,
            "endpoint-dependent",
            "address-and-port-dependent",
        ),
        (Nat::UdpBlocked, "udp-blocked", "udp-blocked"),
    ] {
        let sides = [Side::A, Side::B];
        for side in sides {
            lab.set(side, nat).unwrap();
        }
        let lab = &lab;
        let found = std::thread::scope(|scope| {
            let probes = sides.map(|side| scope.spawn(move || probe(lab, side, &SERVERS)));
            probes.map(|probe| probe.join().unwrap())
        });
        for found in found {
            assert_eq!(found["mapping"], mapping, "{nat}: {found}");
            assert_eq!(found["filtering"], filtering, "{nat}: {found}");
        }
    }
}

#[test]
fn an_address_is_lost_and_another_works() {
    let Some(mut lab) = lab("an_address_is_lost_and_another_works", Family::V4) else {
        return;
    };
    for nat in [Nat::AddressRestricted, Nat::PortRestricted] {
        lab.set(Side::A, nat).unwrap();
        lab.delete_address(Side::A).unwrap();
        assert_eq!(probe(&lab, Side::A, &SERVERS)["mapping"], "udp-blocked");
        lab.add_address(Side::A).unwrap();
        let found = probe(&lab, Side::A, &SERVERS);
        assert_eq!(found["mapping"], "endpoint-independent", "{found}");
    }
}

#[test]
fn darkness_ends() {
    let Some(lab) = lab("darkness_ends", Family::Dual) else {
        return;
    };
    for servers in [&SERVERS, &SERVERS_V6] {
        lab.dark(Side::B).unwrap();
        assert_eq!(probe(&lab, Side::B, servers)["mapping"], "udp-blocked");
        let other = probe(&lab, Side::A, servers);
        assert_eq!(other["mapping"], "endpoint-independent", "{other}");
        lab.light(Side::B).unwrap();
        let found = probe(&lab, Side::B, servers);
        assert_eq!(found["mapping"], "endpoint-independent", "{found}");
    }
}

#[test]
fn without_ipv4_there_is_ipv6() {
    let Some(mut lab) = lab("without_ipv4_there_is_ipv6", Family::V6) else {
        return;
    };
    let found = probe(&lab, Side::A, &SERVERS_V6);
    assert_eq!(found["mapping"], "endpoint-independent", "{found}");
    assert_eq!(found["filtering"], "address-and-port-dependent", "{found}");
    let mapped = found["mapped"][0].as_str().unwrap();
    assert!(mapped.starts_with("[2001:db8:1::10]:"), "{found}");
    lab.set(Side::A, Nat::UdpBlocked).unwrap();
    assert_eq!(probe(&lab, Side::A, &SERVERS_V6)["mapping"], "udp-blocked");
    assert_eq!(probe(&lab, Side::A, &SERVERS)["mapping"], "udp-blocked");
}

/// TLS with the laboratory's authority, on the relay's own port and on the one that offices let out.
#[test]
fn an_office_reaches_the_relay_by_tls_on_443_alone() {
    let Some(mut lab) = lab(
        "an_office_reaches_the_relay_by_tls_on_443_alone",
        Family::V4,
    ) else {
        return;
    };
    let shakes_hands = |lab: &NatLab, address: &str| {
        let mut command = lab.command(Side::A, "timeout");
        command.args([
            "2",
            "openssl",
            "s_client",
            "-verify_return_error",
            "-CAfile",
        ]);
        command
            .arg(lab.authority())
            .args(["-verify_hostname", "server.lab.test"]);
        command.args(["-connect", address]);
        let output = command.stdin(std::process::Stdio::null()).output().unwrap();
        String::from_utf8_lossy(&output.stdout).contains("Verify return code: 0 (ok)")
    };
    assert!(shakes_hands(&lab, "server.lab.test:443"));
    assert!(shakes_hands(&lab, "203.0.113.1:5349"));
    lab.set(Side::A, Nat::WebOnly).unwrap();
    assert!(shakes_hands(&lab, "server.lab.test:443"));
    assert!(!shakes_hands(&lab, "203.0.113.1:5349"));
    assert_eq!(probe(&lab, Side::A, &SERVERS)["mapping"], "udp-blocked");
}

#[test]
fn many_stand_side_by_side() {
    let test = "many_stand_side_by_side";
    let (Some(mut one), Some(two)) = (lab(test, Family::V4), lab(test, Family::V4)) else {
        return;
    };
    one.set(Side::A, Nat::Symmetric).unwrap();
    assert_eq!(
        probe(&one, Side::A, &SERVERS)["mapping"],
        "endpoint-dependent"
    );
    assert_eq!(
        probe(&two, Side::A, &SERVERS)["mapping"],
        "endpoint-independent"
    );
}

/// Frames of every kind go through the cable, and as badly as it is told.
#[test]
fn a_cable_is_as_bad_as_it_is_told() {
    if !lab::may_build("a_cable_is_as_bad_as_it_is_told") {
        return;
    }
    let lab = NatLab::with_cables(Family::Dual, 1).unwrap();
    let count = |server: &str| probe(&lab, Side::A, &[server]);
    for server in [SERVERS[0], SERVERS_V6[0]] {
        let found = count(server);
        assert_eq!(found["answered"], found["sent"], "{found}");
        assert!(found["least_ms"].as_f64().unwrap() < 50.0, "{found}");
    }
    let bad = lab::Line {
        loss: 0.2,
        delay: std::time::Duration::from_millis(50),
        ..lab::Line::default()
    };
    lab.cable(Side::A).unwrap().set(bad);
    let found = count(SERVERS[0]);
    let number = |name: &str| found[name].as_f64().unwrap();
    // 20 % each way are 36 % there and back.
    let lost = 1.0 - number("answered") / number("sent");
    assert!((0.2..0.5).contains(&lost), "{found}");
    // The cable and the probe look at the clock at different moments.
    assert!(number("least_ms") >= 99.0, "{found}");
}
