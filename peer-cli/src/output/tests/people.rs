use super::*;

fn sending([echo_cancellation, noise_suppression, auto_gain_control]: [bool; 3]) -> Event {
    Event::Track {
        peer: BOB.into(),
        direction: Direction::Local,
        kind: crate::event::Kind::Audio,
        codec: None,
        channels: None,
        clock_us: None,
        processing: Some(crate::event::Processing {
            echo_cancellation,
            noise_suppression,
            auto_gain_control,
            because: "as asked".into(),
        }),
    }
}

#[test]
fn a_call_in_peoples_words() {
    says(connected(Path::Direct), "bob: connected directly in 142 ms");
    says(
        connected(Path::Relay),
        "bob: connected through a relay (direct path failed) in 142 ms",
    );
    says(
        Event::Audio {
            peer: BOB.into(),
            after: Duration::from_micros(40_250),
        },
        "hearing bob (first sound after 40 ms)",
    );
    says(
        ended(EndedBy::Remote),
        "bob hung up (00:42, direct, rtt 12 ms, loss 0.1%)",
    );
    says(
        ended(EndedBy::Local),
        "hung up on bob (00:42, direct, rtt 12 ms, loss 0.1%)",
    );
    says(
        ended(EndedBy::Lost),
        "bob vanished: no packets for 30s (00:42, direct, rtt 12 ms, loss 0.1%)",
    );
    says(
        Event::Reconnecting {
            peer: BOB.into(),
            why: "no packets for 5s".into(),
            attempt: 1,
        },
        "reconnecting (1) to bob: no packets for 5s",
    );
    says(
        Event::Reconnected {
            peer: BOB.into(),
            path: Path::Direct,
            local: None,
            remote: None,
            after: Duration::from_millis(5270),
        },
        "bob: connected directly again after 5.3s",
    );
    says(
        Event::warning_with(
            "no-microphone",
            "no microphone: sending silence",
            "try --mic tone:440",
        ),
        "no microphone: sending silence (try --mic tone:440)",
    );
    says(
        Event::Expect {
            check: "tone=440".into(),
            ok: true,
            got: "440 Hz".into(),
        },
        "met: tone=440 (440 Hz)",
    );
    says(
        Event::Message {
            peer: BOB.into(),
            label: "raw".into(),
            content: Content::Binary(vec![0; 12]),
        },
        "binary message from bob on \"raw\": 12 bytes, not shown (--json shows them)",
    );
}

#[test]
fn a_relay_that_was_asked_for_is_no_failure() {
    let options = |json| OutputOptions {
        json,
        relay_only: true,
        ..OutputOptions::default()
    };
    let again = Event::Reconnected {
        peer: BOB.into(),
        path: Path::Relay,
        local: None,
        remote: None,
        after: Duration::from_millis(5270),
    };
    let events = vec![joined(), connected(Path::Relay), again];
    let (_, told) = printed(options(false), events.clone());
    assert_eq!(
        told,
        "bob: connected through a relay (relay only) in 142 ms\n\
         bob: connected through a relay (relay only) again after 5.3s\n"
    );
    // For scripts it is a relayed path like any other.
    assert_eq!(
        printed(options(true), events.clone()).0,
        printed(json(), events).0
    );
}

#[test]
fn signaling_in_peoples_words() {
    let (_, stderr) = printed(
        verbose(0),
        vec![hello(), signaling(SignalingState::Connected)],
    );
    assert_eq!(stderr, "in room \"demo\" of ws://h/socket as k7m2xq\n");
    says(
        signaling(SignalingState::Lost),
        "signaling lost, reconnecting",
    );
    let plain = Event::Signaling {
        state: SignalingState::Connected,
        id: None,
        mode: Some(SignalingMode::Plain),
    };
    says(plain, "in the room (a server that only broadcasts)");

    let lost = || signaling(SignalingState::Lost);
    let (_, stderr) = printed(
        verbose(0),
        vec![
            connected(Path::Direct),
            lost(),
            ended(EndedBy::Local),
            lost(),
        ],
    );
    let lines: Vec<&str> = stderr.lines().collect();
    assert_eq!(lines[1], "signaling lost; the call goes on, reconnecting");
    assert_eq!(lines[3], "signaling lost, reconnecting");
}

#[test]
fn the_end_needs_words_only_if_it_is_bad() {
    let exit = |code, reason: &str| Event::Exit {
        code,
        reason: reason.into(),
    };
    says(exit(0, "hung up"), "");
    says(exit(130, "interrupted"), "");
    says(
        exit(4, "nobody waits in \"demo\""),
        "error: nobody waits in \"demo\"",
    );
    assert_eq!(printed(verbose(1), vec![exit(0, "hung up")]).1, "hung up\n");
}

#[test]
fn a_peer_without_a_name_is_its_short_id_and_names_outlive_presence_in_a_call() {
    let left = || Event::Peer {
        state: PeerState::Left,
        id: BOB.into(),
        name: None,
    };
    let (_, stderr) = printed(verbose(0), vec![connected(Path::Direct)]);
    assert_eq!(stderr, "k7m2xq: connected directly in 142 ms\n");
    let (_, stderr) = printed(
        verbose(0),
        vec![
            joined(),
            connected(Path::Direct),
            left(),
            ended(EndedBy::Remote),
        ],
    );
    assert!(
        stderr.ends_with("bob hung up (00:42, direct, rtt 12 ms, loss 0.1%)\n"),
        "{stderr}"
    );
    let (_, stderr) = printed(verbose(0), vec![joined(), left(), connected(Path::Direct)]);
    assert_eq!(stderr, "k7m2xq: connected directly in 142 ms\n");
}

#[test]
fn verbose_adds_candidates_tracks_presence_and_phases() {
    let endpoint = Endpoint {
        kind: EndpointType::Srflx,
        address: "192.0.2.1:9".into(),
        protocol: Protocol::Udp,
    };
    let events = || {
        vec![
            hello(),
            joined(),
            Event::Candidate {
                peer: None,
                direction: Direction::Local,
                endpoint: endpoint.clone(),
            },
            connected(Path::Direct),
            Event::Track {
                peer: BOB.into(),
                direction: Direction::Remote,
                kind: crate::event::Kind::Audio,
                codec: Some("opus".into()),
                channels: Some(2),
                clock_us: None,
                processing: None,
            },
            sending([true, false, true]),
            sending([false; 3]),
        ]
    };
    let (_, stderr) = printed(verbose(1), events());
    assert_eq!(
        stderr.lines().collect::<Vec<_>>(),
        [
            "peer-cli 0.1.0",
            "bob is in the room",
            "our candidate: udp 192.0.2.1:9 (srflx)",
            "bob: connected directly in 142 ms (signaling 3.0 ms, offer and answer 8.0 ms, ICE 6.0 ms), \
             udp 127.0.0.1:1 (host) to udp 127.0.0.1:2 (host)",
            "playing sound from bob (opus, stereo)",
            "sending sound to bob; echo cancellation, gain control (as asked)",
            "sending sound to bob; no voice processing (as asked)",
        ]
    );
    assert_eq!(
        printed(verbose(0), events()).1,
        "bob: connected directly in 142 ms\n"
    );
}

#[test]
fn devices_are_a_table_on_stdout() {
    let device = |kind, index, name: &str, default| {
        Event::Device(Device {
            kind,
            index,
            name: name.into(),
            default,
            rate: Some(48_000),
            channels: Some(2),
        })
    };
    let devices = vec![
        device(DeviceKind::Input, 0, "USB", true),
        device(DeviceKind::Output, 12, "HDMI 1", false),
    ];
    assert_eq!(
        printed(verbose(0), devices).0,
        "microphone  #0     48000 Hz   2 ch  USB  (default)\nspeaker     #12    48000 Hz   2 ch  HDMI 1\n"
    );
}

#[test]
fn no_event_is_without_words() {
    let peer = || BOB.to_owned();
    let events = [
        hello(),
        signaling(SignalingState::Reconnected),
        joined(),
        connected(Path::Direct),
        Event::Audio {
            peer: peer(),
            after: Duration::ZERO,
        },
        message("hi"),
        Event::Stats {
            peer: peer(),
            stats: vec![],
        },
        Event::warning("code", "text"),
        Event::Reconnecting {
            peer: peer(),
            why: "cable".into(),
            attempt: 2,
        },
        Event::Expect {
            check: "audio".into(),
            ok: true,
            got: "sound".into(),
        },
        ended(EndedBy::Local),
        Event::Exit {
            code: 0,
            reason: "done".into(),
        },
    ];
    for event in events {
        let name = event.name();
        let (stdout, stderr) = printed(verbose(1), vec![event]);
        assert_eq!((stdout + &stderr).lines().count(), 1, "{name}");
    }
}
