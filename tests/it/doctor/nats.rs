//! What kind of NAT is in front of us, and whether UDP gets through it.

use super::*;

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
