#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

const PROXIES: [&str; 3] = ["10.0.0.0/8", "127.0.0.1", "fd00::/8"];

fn trusted() -> Vec<Network> {
    PROXIES.iter().map(|text| text.parse().unwrap()).collect()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn asks(peer: &str, said: &Said<'_>) -> Visitor {
    visitor(&trusted(), ip(peer), said)
}

fn old(peer: &str, chain: &[&str]) -> String {
    let said = Said {
        x_forwarded_for: chain.to_vec(),
        ..Said::default()
    };
    asks(peer, &said).ip.to_string()
}

fn new(peer: &str, chain: &[&str]) -> Visitor {
    let said = Said {
        forwarded: chain.to_vec(),
        ..Said::default()
    };
    asks(peer, &said)
}

#[test]
fn networks_and_addresses() {
    for good in ["10.0.0.1", "10.0.0.0/8", "fd00::/8", "::1", "0.0.0.0/0"] {
        assert!(good.parse::<Network>().is_ok(), "{good}");
    }
    for bad in ["", "10.0.0.0/33", "localhost", "10.0.0.1:80", "10.0.0"] {
        assert!(bad.parse::<Network>().is_err(), "{bad}");
    }
    assert!(is_trusted(&trusted(), ip("::ffff:10.1.2.3")));
    assert!(!is_trusted(&trusted(), ip("11.1.2.3")));
}

#[test]
fn the_right_most_address_that_is_not_trusted_counts() {
    for (peer, chain, who) in [
        ("127.0.0.1", vec!["192.0.2.1"], "192.0.2.1"),
        // What the client has written itself stands to the left.
        ("10.0.0.9", vec!["6.6.6.6, 192.0.2.1"], "192.0.2.1"),
        (
            "10.0.0.9",
            vec!["6.6.6.6", "192.0.2.1, 10.0.0.8"],
            "192.0.2.1",
        ),
        ("10.0.0.9", vec!["192.0.2.1:4711"], "192.0.2.1"),
        ("fd00::1", vec!["[2001:db8::1]:4711"], "2001:db8::1"),
        ("fd00::1", vec!["2001:db8::1"], "2001:db8::1"),
        ("10.0.0.9", vec!["::ffff:192.0.2.1"], "192.0.2.1"),
        // Nobody but proxies: the first of them asks for itself.
        ("10.0.0.9", vec!["10.0.0.7, 10.0.0.8"], "10.0.0.7"),
        // What cannot be read ends the chain at the proxy that handed it on.
        ("10.0.0.9", vec!["192.0.2.1, nonsense"], "10.0.0.9"),
        ("10.0.0.9", vec!["192.0.2.1, unknown, 10.0.0.8"], "10.0.0.8"),
        ("10.0.0.9", vec![" , ,"], "10.0.0.9"),
        // Whoever is not trusted is believed nothing.
        ("192.0.2.9", vec!["192.0.2.1"], "192.0.2.9"),
    ] {
        assert_eq!(old(peer, &chain), who, "{peer} {chain:?}");
    }
}

#[test]
fn rfc_7239_with_its_quotes() {
    let one = new(
        "10.0.0.9",
        &[r#"for="[2001:db8:cafe::17]:4711";proto=https;host="a.example:8443""#],
    );
    assert_eq!(one.ip, ip("2001:db8:cafe::17"));
    assert!(one.secure && one.proxied);
    assert_eq!(one.host.as_deref(), Some("a.example:8443"));
    // The hop of the client says how the client came; a comma in quotes is none.
    let two = new(
        "10.0.0.9",
        &[
            r#"For=192.0.2.43;Proto=HTTPS;secret="a,\",b""#,
            "for=10.0.0.8;proto=http",
        ],
    );
    assert_eq!((two.ip, two.secure), (ip("192.0.2.43"), true));
    for hidden in ["for=unknown", "for=_SEVKISEK", "for=", "for", "by=10.0.0.1"] {
        let visitor = new("10.0.0.9", &[hidden]);
        assert_eq!(
            (visitor.ip, visitor.proxied),
            (ip("10.0.0.9"), true),
            "{hidden}"
        );
    }
}

#[test]
fn a_header_that_the_proxy_does_not_set_cannot_outvote_the_one_that_it_sets() {
    let both = |old: &'static str, new: &'static str| {
        let said = Said {
            x_forwarded_for: vec![old],
            forwarded: vec![new],
            ..Said::default()
        };
        asks("127.0.0.1", &said)
    };
    assert_eq!(both("192.0.2.1", "for=192.0.2.1").ip, ip("192.0.2.1"));
    let forged = both("192.0.2.1", "for=192.0.2.2");
    assert_eq!((forged.ip, forged.proxied), (ip("127.0.0.1"), true));
}

#[test]
fn scheme_and_host_are_those_that_the_last_proxy_saw() {
    let said = Said {
        x_forwarded_for: vec!["192.0.2.1"],
        x_forwarded_proto: vec!["http, https"],
        x_forwarded_host: vec!["evil.example", "a.example"],
        ..Said::default()
    };
    let visitor = asks("127.0.0.1", &said);
    assert!(visitor.secure);
    assert_eq!(visitor.host.as_deref(), Some("a.example"));
    let stranger = asks("192.0.2.9", &said);
    assert_eq!(stranger, Visitor::direct(ip("192.0.2.9")));
    // Without a chain the proxy asks for itself, as its health checks do.
    let alone = asks("127.0.0.1", &Said::default());
    assert!(!alone.proxied);
}

proptest! {
    #[test]
    fn whatever_is_written_nobody_becomes_local_and_nothing_panics(
        old in proptest::collection::vec(".{0,40}", 0..4),
        new in proptest::collection::vec("[a-z0-9=;,\"\\\\:\\[\\]. ]{0,60}", 0..4),
    ) {
        let said = Said {
            x_forwarded_for: old.iter().map(String::as_str).collect(),
            forwarded: new.iter().map(String::as_str).collect(),
            ..Said::default()
        };
        let visitor = visitor(&trusted(), ip("127.0.0.1"), &said);
        let chain = list(&said.x_forwarded_for).count() + element::all(&said.forwarded).len();
        prop_assert_eq!(visitor.proxied, chain > 0);
    }

    /// A client behind one proxy is who the proxy says it is, whatever it wrote itself.
    #[test]
    fn a_client_cannot_choose_its_address(forged in ".{0,60}", real in any::<u32>()) {
        let real = IpAddr::from(real.to_be_bytes());
        prop_assume!(!is_trusted(&trusted(), real));
        let value = format!("{forged}, {real}");
        let said = Said { x_forwarded_for: vec![&value], ..Said::default() };
        prop_assert_eq!(visitor(&trusted(), ip("127.0.0.1"), &said).ip, real.to_canonical());
    }
}
