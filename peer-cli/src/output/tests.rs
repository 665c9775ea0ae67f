#![allow(clippy::unwrap_used)]

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::event::{
    Content, Device, DeviceKind, Direction, EndedBy, Endpoint, EndpointType, Path, PeerState,
    Protocol, Setup, SignalingMode, SignalingState, Summary,
};

mod people;
mod streams;

const BOB: &str = "k7m2xqabcdef";

fn printed(options: OutputOptions, events: Vec<Event>) -> (String, String) {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let mut output = Output::new(options, &mut stdout, &mut stderr);
    for event in events {
        output
            .event(&Stamped::new(Duration::from_millis(12_345), event))
            .unwrap();
    }
    drop(output);
    (
        String::from_utf8(stdout).unwrap(),
        String::from_utf8(stderr).unwrap(),
    )
}

fn verbose(verbosity: u8) -> OutputOptions {
    OutputOptions {
        verbosity,
        stats_shown: true,
        ..OutputOptions::default()
    }
}

fn quiet() -> OutputOptions {
    OutputOptions {
        quiet: true,
        stats_shown: true,
        ..OutputOptions::default()
    }
}

fn json() -> OutputOptions {
    OutputOptions {
        json: true,
        ..OutputOptions::default()
    }
}

/// What people see at the normal level once bob is known: stderr without its line end.
#[track_caller]
fn says(event: Event, text: &str) {
    let (stdout, stderr) = printed(verbose(0), vec![joined(), event]);
    assert_eq!((&*stdout, stderr.trim_end_matches('\n')), ("", text));
}

fn joined() -> Event {
    Event::Peer {
        state: PeerState::Joined,
        id: BOB.into(),
        name: Some("bob".into()),
    }
}

fn message(text: &str) -> Event {
    Event::Message {
        peer: BOB.into(),
        label: "chat".into(),
        content: Content::Text(text.into()),
    }
}

fn connected(path: Path) -> Event {
    let ms = Duration::from_millis;
    let endpoint = |port| Endpoint {
        kind: EndpointType::Host,
        address: format!("127.0.0.1:{port}"),
        protocol: Protocol::Udp,
    };
    let setup_ms = Setup {
        signaling: ms(3),
        offer_answer: Some(ms(8)),
        ice: Some(ms(6)),
        dtls: None,
        total: ms(142),
    };
    let (local, remote) = (Some(endpoint(1)), Some(endpoint(2)));
    Event::Connected {
        peer: BOB.into(),
        path,
        local,
        remote,
        setup_ms,
    }
}

fn ended(by: EndedBy) -> Event {
    let summary = Summary {
        duration: Duration::from_secs(42),
        path: Some(Path::Direct),
        rtt: Some(Duration::from_millis(12)),
        loss: Some(0.001),
        ..Summary::default()
    };
    Event::Ended {
        peer: BOB.into(),
        by,
        reason: Some("no packets for 30s".into()),
        summary,
    }
}

fn signaling(state: SignalingState) -> Event {
    Event::Signaling {
        state,
        id: Some(BOB.into()),
        mode: Some(SignalingMode::PeerV1),
    }
}

fn hello() -> Event {
    let (room, server) = (Some("demo".into()), Some("ws://h/socket".into()));
    Event::Hello {
        version: "0.1.0".into(),
        room,
        server,
    }
}

#[test]
fn quiet_leaves_errors_and_results() {
    let failed = Event::Expect {
        check: "audio".into(),
        ok: false,
        got: "no sound".into(),
    };
    let (stdout, stderr) = printed(
        quiet(),
        vec![
            hello(),
            signaling(SignalingState::Connected),
            connected(Path::Direct),
            message("hi"),
            Event::Stats {
                peer: BOB.into(),
                stats: vec![],
            },
            failed,
            ended(EndedBy::Local),
            Event::Exit {
                code: 8,
                reason: "1 of 1 expectations not met".into(),
            },
        ],
    );
    assert_eq!(stdout, "hi\n");
    assert_eq!(
        stderr,
        "not met: audio (no sound)\nerror: 1 of 1 expectations not met\n"
    );
}

#[test]
fn results_go_to_stdout_one_line_each_and_harmless() {
    let (stdout, stderr) = printed(
        verbose(0),
        vec![message("hi"), message("\u{1b}[31mred\nsecond line")],
    );
    assert_eq!(
        (&*stdout, &*stderr),
        ("hi\n\\u{1b}[31mred\\nsecond line\n", "")
    );
    let name = Some("\u{1b}[2J".to_owned());
    let evil = Event::Peer {
        state: PeerState::Joined,
        id: BOB.into(),
        name,
    };
    assert!(
        !printed(verbose(1), vec![evil, connected(Path::Direct)])
            .1
            .contains('\u{1b}')
    );

    let sound = OutputOptions {
        stdout_is_sound: true,
        ..OutputOptions::default()
    };
    assert_eq!(
        printed(sound, vec![message("hi")]),
        (String::new(), "hi\n".to_owned())
    );
}

#[test]
fn json_is_every_event_and_nothing_else_on_stdout() {
    let (stdout, stderr) = printed(
        json(),
        vec![
            message("a\nb"),
            Event::warning("x", "y"),
            Event::Exit {
                code: 3,
                reason: "refused".into(),
            },
        ],
    );
    assert_eq!(
        stdout,
        "{\"event\":\"message\",\"t\":12.345,\"peer\":\"k7m2xqabcdef\",\"label\":\"chat\",\"text\":\"a\\nb\"}\n\
         {\"event\":\"warning\",\"t\":12.345,\"code\":\"x\",\"text\":\"y\"}\n\
         {\"event\":\"exit\",\"t\":12.345,\"code\":3,\"reason\":\"refused\"}\n"
    );
    assert_eq!(stderr, "error: refused\n");
}
