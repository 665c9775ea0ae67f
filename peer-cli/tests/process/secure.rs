//! TLS with an authority of our own, and offices whose only way out is a proxy.

use std::path::Path;
use std::process::Command;

use super::gate::{Authority, Gate, Proxy};
use super::house::House;
use super::peer::{Ended, MUTE, Peer, command};

/// `call` for a second; nobody answers, which is exit 4 once the room is reached.
fn call(url: &str, more: &[&str], environment: &[(&str, &str)]) -> Ended {
    let arguments = [
        &["call", "--json", "-s", url, "--timeout", "1s"][..],
        &MUTE,
        more,
    ]
    .concat();
    let mut command = command(&arguments);
    set(&mut command, environment);
    Peer::spawn(command, true).finish()
}

fn set(command: &mut Command, environment: &[(&str, &str)]) {
    for name in [
        "HTTPS_PROXY",
        "https_proxy",
        "http_proxy",
        "ALL_PROXY",
        "all_proxy",
        "NO_PROXY",
        "no_proxy",
        "PEER_CA",
    ] {
        command.env_remove(name);
    }
    command.envs(environment.iter().copied());
}

fn shown(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_private_authority_is_trusted_only_when_it_is_named() {
    let house = House::open();
    let authority = Authority::new();
    let gate = Gate::open(&house, authority.certificate(&["127.0.0.1"]));
    let ended = call(&gate.url(), &["--ca", shown(authority.path())], &[]).expect_code(4);
    assert_eq!(ended.one("signaling")["state"], "connected");
    let ended = call(&gate.url(), &[], &[]).expect_code(3);
    let words = format!(
        "cannot trust {}: its certificate is signed by an authority that is not known here (give its authority with --ca FILE)",
        gate.url()
    );
    assert_eq!(ended.reason(), words);
    assert!(ended.said.contains(&words), "{}", ended.said);
    // Also as people who script it would.
    call(&gate.url(), &[], &[("PEER_CA", shown(authority.path()))]).expect_code(4);
    // Another authority is of no use.
    let other = Authority::new();
    let ended = call(&gate.url(), &["--ca", shown(other.path())], &[]).expect_code(3);
    assert!(
        ended.reason().contains("cannot trust"),
        "{}",
        ended.reason()
    );
}

#[test]
fn a_certificate_for_another_name_is_not_trusted() {
    let house = House::open();
    let authority = Authority::new();
    let gate = Gate::open(&house, authority.certificate(&["turn.example.org"]));
    let ended = call(&gate.url(), &["--ca", shown(authority.path())], &[]).expect_code(3);
    let words = "its certificate is for turn.example.org, not for 127.0.0.1";
    assert!(ended.reason().contains(words), "{}", ended.reason());
}

#[test]
fn a_self_signed_certificate_is_its_own_authority() {
    let house = House::open();
    let authority = Authority::with_names(&["127.0.0.1"]);
    let gate = Gate::open(&house, authority.itself());
    call(&gate.url(), &["--ca", shown(authority.path())], &[]).expect_code(4);
    let ended = call(&gate.url(), &[], &[]).expect_code(3);
    assert!(
        ended.reason().contains("cannot trust"),
        "{}",
        ended.reason()
    );
}

#[test]
fn plain_text_is_not_taken_for_tls() {
    let house = House::open();
    let url = house.url.replacen("ws:", "wss:", 1);
    let ended = call(&url, &[], &[]).expect_code(3);
    let words = format!("{url} does not speak TLS (did you mean {}?)", house.url);
    assert_eq!(ended.reason(), words);
}

#[test]
fn a_file_without_an_authority_is_a_mistake() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    let ended = call("ws://127.0.0.1:9", &["--ca", shown(&path)], &[]).expect_code(2);
    assert!(
        ended
            .reason()
            .starts_with(&format!("cannot use --ca {}: No such file", path.display()))
    );
    for (content, why) in [
        ("", "no certificate in it"),
        (
            "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n",
            "",
        ),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "",
        ),
    ] {
        std::fs::write(&path, content).unwrap();
        let ended = call("ws://127.0.0.1:9", &["--ca", shown(&path)], &[]).expect_code(2);
        let words = format!("cannot use --ca {}: {why}", path.display());
        assert!(ended.reason().starts_with(&words), "{}", ended.reason());
        assert!(
            ended.reason().contains("BEGIN CERTIFICATE"),
            "{}",
            ended.reason()
        );
    }
}

/// A name that only the proxy knows, so that nothing can go around it.
const INSIDE: &str = "wss://signaling.invalid/socket";

#[test]
fn the_way_out_is_a_proxy() {
    let house = House::open();
    let authority = Authority::new();
    let gate = Gate::open(&house, authority.certificate(&["signaling.invalid"]));
    let proxy = Proxy::open(gate.addr, None);
    let ca = ["--ca", shown(authority.path())];
    let url = proxy.url("");
    call(INSIDE, &ca, &[("HTTPS_PROXY", &url)])
        .expect_code(4)
        .one("signaling");
    assert_eq!(proxy.asked(), ["signaling.invalid:443"]);
    // Plain text goes through the one for plain text.
    let proxy = Proxy::open(house.addr(), None);
    let url = proxy.url("");
    let plain = "ws://signaling.invalid:8080/socket";
    call(plain, &[], &[("http_proxy", &url)])
        .expect_code(4)
        .one("signaling");
    call(plain, &[], &[("ALL_PROXY", &url)])
        .expect_code(4)
        .one("signaling");
    assert_eq!(proxy.asked(), ["signaling.invalid:8080"; 2]);
    // Around it where it is told so: then nobody knows the name.
    let ended = call(plain, &[], &[("ALL_PROXY", &url), ("NO_PROXY", "invalid")]).expect_code(3);
    assert!(!ended.reason().contains("proxy"), "{}", ended.reason());
    // This machine needs no proxy.
    call(&house.url, &[], &[("ALL_PROXY", &url)])
        .expect_code(4)
        .one("signaling");
    assert_eq!(proxy.asked().len(), 2);
}

#[test]
fn a_proxy_asks_who_we_are() {
    let house = House::open();
    let proxy = Proxy::open(house.addr(), Some("us@er:hunter2"));
    let plain = "ws://signaling.invalid/socket";
    let url = proxy.url("us%40er:hunter2@");
    call(plain, &[], &[("http_proxy", &url)])
        .expect_code(4)
        .one("signaling");
    for (credentials, words) in [
        ("", "wants a user and password (407)"),
        ("us%40er:wrong7@", "refuses our user and password (407)"),
    ] {
        let url = proxy.url(credentials);
        for more in [&["--json"][..], &["-vv"]] {
            let mut command =
                command(&[&["call", "-s", plain, "--timeout", "1s"][..], &MUTE, more].concat());
            set(&mut command, &[("http_proxy", &url)]);
            let ended = Peer::spawn(command, more == ["--json"])
                .finish()
                .expect_code(3);
            assert!(ended.said.contains(words), "{}", ended.said);
            assert!(
                ended.said.contains(&proxy.addr.to_string()),
                "{}",
                ended.said
            );
            assert!(!format!("{ended:?}").contains("wrong7"), "{ended:#?}");
        }
    }
}

#[test]
fn a_proxy_refuses_fails_or_is_not_there() {
    let target = "ws://signaling.invalid/socket";
    for (answer, words, code) in [
        (
            "HTTP/1.1 403 Forbidden\r\n\r\n",
            "does not let us through to signaling.invalid:80 (403)",
            3,
        ),
        (
            "HTTP/1.1 502 Bad Gateway\r\n\r\n",
            "cannot reach signaling.invalid:80 either (502)",
            3,
        ),
        (
            "SSH-2.0-OpenSSH\r\n\r\n",
            "does not answer like an HTTP proxy",
            3,
        ),
        ("", "the connection was cut", 3),
    ] {
        let proxy = Proxy::answering(answer);
        let ended =
            call(target, &[], &[("http_proxy", &proxy.url("u:hunter2@"))]).expect_code(code);
        let words = format!("cannot reach {target}: proxy {}: {words}", proxy.addr);
        assert!(ended.reason().starts_with(&words), "{}", ended.reason());
        assert!(!format!("{ended:?}").contains("hunter2"), "{ended:#?}");
    }
    let gone = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let ended = call(target, &[], &[("http_proxy", &format!("http://{gone}"))]).expect_code(3);
    let words = format!("cannot reach {target}: proxy {gone}: connection refused (");
    assert!(ended.reason().starts_with(&words), "{}", ended.reason());
    let ended = call(
        target,
        &[],
        &[("ALL_PROXY", "socks5://u:hunter2@127.0.0.1:1")],
    )
    .expect_code(2);
    assert!(
        ended.reason().contains("ALL_PROXY is not a proxy"),
        "{}",
        ended.reason()
    );
    assert!(!format!("{ended:?}").contains("hunter2"), "{ended:#?}");
}
