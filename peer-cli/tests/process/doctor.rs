//! `doctor` where there is nothing but loopback. Against real relays and NATs it is tried in the laboratory of the whole workspace's tests.

use std::net::{TcpListener, UdpSocket};
use std::time::Duration;

use super::gate::Proxy;
use super::house::House;
use super::peer::{Ended, Peer, command, run};

/// No sound card is looked for.
const DEAF: [&str; 4] = ["--mic", "off", "--speaker", "off"];

fn doctor(more: &[&str]) -> Ended {
    run(&[&["doctor", "--json"][..], &DEAF, more].concat())
}

fn codes(ended: &Ended) -> Vec<&str> {
    let verdict = ended.one("verdict");
    verdict["codes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|code| code.as_str().unwrap())
        .collect()
}

fn verdict(ended: &Ended) -> &str {
    ended.one("verdict")["text"].as_str().unwrap()
}

/// Bound, and never read.
fn silent() -> (UdpSocket, String) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap().to_string();
    (socket, address)
}

#[test]
fn signaling_is_entered_and_nobody_disturbed() {
    let house = House::open();
    let mut waiting = Peer::start(&[
        "answer",
        "--json",
        "-s",
        &house.url,
        "--mic",
        "silence",
        "--speaker",
        "null",
    ]);
    waiting.wait_for("signaling");
    let ended = doctor(&["-s", &house.url]).expect_code(0);
    let check = ended.one("check");
    assert_eq!(
        (&check["name"], &check["server"]),
        (&"signaling".into(), &house.url.as_str().into())
    );
    assert_eq!(
        (&check["ok"], &check["mode"]),
        (&true.into(), &"peer.v1".into())
    );
    assert_eq!(ended.one("hello")["server"], house.url.as_str());
    assert!(codes(&ended).is_empty() && ended.one("verdict")["ok"] == true);
    // Its own call comes first: whoever was in the room was told before it.
    let call = [
        "call",
        "--json",
        "-s",
        &house.url,
        "--duration",
        "100ms",
        "--mic",
        "silence",
        "--speaker",
        "null",
    ];
    let called = run(&call).expect_code(0);
    let waiting = waiting.finish().expect_code(0);
    let came: Vec<_> = waiting
        .all("peer")
        .iter()
        .map(|event| event["id"].clone())
        .collect();
    let caller = called.all("signaling")[0]["id"].clone();
    assert!(came.iter().all(|id| *id == caller), "{came:?}");
}

#[test]
fn what_the_signaling_server_offers_is_tried_too() {
    let house = House::at("127.0.0.1:0", &["--relay", "127.0.0.1:0"]);
    let (_socket, address) = silent();
    let stun = format!("stun:{address}");
    let ended = doctor(&["-s", &house.url, "--stun", &stun, "--timeout", "500ms"]).expect_code(0);
    assert!(codes(&ended).is_empty(), "{ended:#?}");
    let found: Vec<_> = ended
        .all("check")
        .iter()
        .map(|check| {
            (
                check["name"].as_str().unwrap(),
                check["grade"].as_str().unwrap(),
            )
        })
        .collect();
    let relays = [
        ("turn", "ok"),
        ("relay", "ok"),
        ("turn", "ok"),
        ("relay", "ok"),
    ];
    let first = [
        ("signaling", "ok"),
        ("stun", "warn"),
        ("stun", "ok"),
        ("nat", "ok"),
    ];
    assert_eq!(found, [first, relays].concat(), "{ended:#?}");
    // Nobody asks for STUN: the relays stay.
    let ended = doctor(&["-s", &house.url]).expect_code(0);
    assert_eq!(ended.all("check").len(), 5, "{ended:#?}");
}

#[test]
fn a_relay_is_reached_through_the_proxy_of_the_office() {
    let house = House::at("127.0.0.1:0", &["--relay", "127.0.0.1:0"]);
    let offered = doctor(&["-s", &house.url]).expect_code(0);
    let relay = offered
        .all("check")
        .iter()
        .filter_map(|check| check["server"].as_str())
        .find_map(|url| url.strip_prefix("turn:")?.strip_suffix("?transport=tcp"))
        .map(|address| address.parse().unwrap());
    let through = |proxy: &Proxy| {
        let mut command = command(&["doctor", "--json", "-s", "off", "--turn-user", "u"]);
        command
            .args(DEAF)
            .args(["--turn", "turn:relay.invalid?transport=tcp"])
            .env("HTTPS_PROXY", proxy.url(""))
            .env("PEER_TURN_PASSWORD", "wrong");
        Peer::spawn(command, true).finish().expect_code(8)
    };
    // The relay's own word for the wrong password: it was reached.
    let proxy = Proxy::open(relay.unwrap(), None);
    let ended = through(&proxy);
    assert_eq!(ended.one("check")["code"], 401, "{ended:#?}");
    assert_eq!(codes(&ended), ["turn-credentials"]);
    assert!(
        proxy
            .asked()
            .iter()
            .all(|target| target == "relay.invalid:3478")
    );
    assert!(!proxy.asked().is_empty());
    let ended = through(&Proxy::open(relay.unwrap(), Some("u:p")));
    assert_eq!(codes(&ended), ["proxy"]);
    assert!(
        verdict(&ended).contains("wants a user and password (407)"),
        "{}",
        verdict(&ended)
    );
}

#[test]
fn without_signaling_it_goes_on_and_exits_3() {
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let url = format!("ws://{closed}/socket?token=hunter2");
    let (_socket, address) = silent();
    let stun = format!("stun:{address}");
    let ended = doctor(&["-s", &url, "--stun", &stun, "--timeout", "300ms"]).expect_code(3);
    assert_eq!(ended.all("check").len(), 2);
    assert_eq!(ended.all("check")[0]["text"], "connection refused");
    assert_eq!(codes(&ended), ["signaling", "udp-silent"]);
    assert!(
        verdict(&ended).starts_with("Cannot reach ws://127.0.0.1:"),
        "{}",
        verdict(&ended)
    );
    assert!(
        verdict(&ended).contains("(is \"signaling\" running?)"),
        "{}",
        verdict(&ended)
    );
    assert!(!format!("{ended:?}").contains("hunter2"), "{ended:#?}");
}

#[test]
fn silence_takes_a_few_seconds_at_most() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = format!("ws://{}/socket", listener.local_addr().unwrap());
    let (_one, first) = silent();
    let (_two, second) = silent();
    let (stun, turn) = (format!("stun:{first}"), format!("turn:{second}"));
    let tcp = format!("turn:{}?transport=tcp", listener.local_addr().unwrap());
    let ended = doctor(&[
        "-s", &server, "--stun", &stun, "--turn", &turn, "--turn", &tcp,
    ])
    .expect_code(3);
    // Three seconds of patience, all at once, on a machine that does other things too.
    let took = ended.events.last().unwrap()["t"].as_f64().unwrap();
    assert!((3.0..8.0).contains(&took), "{took}");
    let silent = ended.all("check");
    assert_eq!(silent.len(), 4);
    assert!(
        silent.iter().all(|check| check["ok"] == false),
        "{silent:#?}"
    );
    assert_eq!(
        codes(&ended),
        ["signaling", "udp-silent", "turn-unreachable"]
    );
}

#[test]
fn words_for_people() {
    let closed = UdpSocket::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let stun = format!("stun:{closed}");
    let ended =
        run(&[&["doctor", "-s", "off", "--stun", &stun][..], &DEAF].concat()).expect_code(8);
    assert_eq!(
        ended.out,
        [
            format!("fail  stun        {stun}: nobody listens there (ICMP port unreachable)"),
            "No STUN server answers: calls work only inside your own network (try another --stun)."
                .to_owned(),
        ]
    );
    assert_eq!(
        ended.said,
        "error: something that a call would miss does not work"
    );
}

#[test]
fn where_nothing_is_asked_nothing_fails() {
    let ended = doctor(&["-s", "off", "--stun", "off"]).expect_code(0);
    assert!(ended.all("check").is_empty() && codes(&ended).is_empty());
    assert!(
        verdict(&ended).contains("no STUN or TURN server was asked"),
        "{}",
        verdict(&ended)
    );
}

#[test]
fn mistakes_and_interrupts() {
    for (arguments, words) in [
        (
            &["--bind", "192.0.2.77"][..],
            "cannot use --bind 192.0.2.77",
        ),
        (&["--mic", "tone:440"], "--mic: doctor tries devices"),
        (&["--speaker", "null"], "--speaker: doctor tries devices"),
        (&["--turn", "stun:a"], "is not a TURN URL"),
        (&["-s", "http://a"], "did you mean ws://a?"),
        (
            &["--ca", "/nonexistent/ca.pem"],
            "cannot use --ca /nonexistent/ca.pem: No such file",
        ),
    ] {
        let ended =
            run(&[&["doctor", "--json", "--stun", "off"][..], arguments].concat()).expect_code(2);
        assert!(ended.reason().contains(words), "{}", ended.reason());
    }
    let (_socket, address) = silent();
    let mut command = command(&[
        "doctor",
        "--json",
        "-s",
        "off",
        "--timeout",
        "1m",
        "--stun",
        &format!("stun:{address}"),
    ]);
    command.args(DEAF);
    let mut patient = Peer::spawn(command, true);
    patient.wait_for("hello");
    patient.signal("-INT");
    let ended = patient.finish().expect_code(130);
    let took = ended.events.last().unwrap()["t"].as_f64().unwrap();
    assert!(took < Duration::from_secs(10).as_secs_f64(), "{took}");
}
