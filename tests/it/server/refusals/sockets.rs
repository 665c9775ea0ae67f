//! WebSockets that are closed: each cause with its code, and its count.

use std::time::Duration;

use shared::{Role, Room, Secret};
use signaling::{Auth, Grant, Limits, ServerOptions, TokenKeys};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use super::super::client::{Client, hello};
use super::super::house::{House, LIMIT};
use super::super::http::{UPGRADE, upgraded};
use super::super::metrics::becomes;
use super::{ends, strict};

/// WebSockets that were closed.
async fn closed(house: &House, code: u16, reason: &str, times: u32) {
    let name = format!("signaling_closed_total{{code=\"{code}\",reason=\"{reason}\"}}");
    becomes(house, &[(&name, f64::from(times))]).await;
}

#[tokio::test]
async fn sockets_that_break_a_rule() {
    let house = strict(Limits {
        max_room: 2,
        max_rooms: 2,
        max_rate: 10,
        ..Limits::default()
    })
    .await;
    let ends = async |mut client: Client, code: u16, reason: &str, times: u32| {
        assert_eq!(client.closed().await.0, code, "{reason}");
        closed(&house, code, reason, times).await;
    };
    let wrong = Client::tutorial(&house, "?room=a%20b").await;
    ends(wrong, 1008, "bad query", 1).await;
    let twice = Client::tutorial(&house, "?room=a&room=b").await;
    ends(twice, 1008, "bad query", 2).await;
    let late = Client::silent(&house, "").await;
    ends(late, 1008, "no hello in time", 1).await;
    let mut rude = Client::silent(&house, "").await;
    rude.says(r#"{"event":"offer"}"#).await;
    ends(rude, 1008, "bad hello", 1).await;
    let (old, _) = Client::peer(&house, "?room=a", 1).await;
    let (_new, _) = Client::peer(&house, "?room=a", 1).await;
    ends(old, 4000, "replaced by a newer connection", 1).await;
    let mut binary = Client::tutorial(&house, "?room=a").await;
    binary.sends(Message::binary(vec![1])).await.expect("sent");
    ends(binary, 1003, "binary frame", 1).await;
    let mut large = Client::tutorial(&house, "?room=a").await;
    large.says(&"x".repeat(70_000)).await;
    ends(large, 1009, "frame too large", 1).await;
    let mut fast = Client::tutorial(&house, "?room=a").await;
    for _ in 0..100 {
        let _ = fast.sends(Message::text("x")).await;
    }
    ends(fast, 4029, "too many messages", 1).await;
    let mut long = Client::tutorial(&house, "?room=a").await;
    // In parts, each of which is permitted.
    for part in 0..3 {
        let code = if part == 0 {
            Data::Text
        } else {
            Data::Continue
        };
        let frame = Frame::message("x".repeat(30_000), OpCode::Data(code), part == 2);
        let _ = long.sends(Message::Frame(frame)).await;
    }
    ends(long, 1009, "frame too large", 2).await;
    let _guest = Client::tutorial(&house, "?room=a").await;
    let third = Client::tutorial(&house, "?room=a").await;
    ends(third, 4003, "room full", 1).await;
    let _other = Client::tutorial(&house, "?room=b").await;
    let nowhere = Client::tutorial(&house, "?room=c").await;
    ends(nowhere, 4003, "too many rooms", 1).await;
    // Who was refused is not counted among those who are here: `_new`, `_guest` and `_other`.
    becomes(&house, &[("signaling_connections", 3.0)]).await;
}

/// A length is believed before what it counts has come: there is a bound where none was asked for.
#[tokio::test]
async fn a_frame_of_any_length_without_a_limit() {
    let house = strict(Limits {
        max_frame: 0,
        max_bytes: 0,
        ..Limits::default()
    })
    .await;
    for (times, bits) in (1..).zip([25, 40, 62]) {
        let mut stream = upgraded(&house, UPGRADE).await;
        let mut head = vec![0x81, 0xff];
        head.extend((1_u64 << bits).to_be_bytes());
        head.extend([0; 4]);
        stream.write_all(&head).await.expect("sent");
        let told = ends(&mut stream).await;
        // A close frame with 1009.
        assert!(told[0] == 0x88 && told[2..4] == [0x03, 0xf1], "{told:?}");
        closed(&house, 1009, "frame too large", times).await;
    }
}

#[tokio::test]
async fn frames_that_are_none() {
    let house = strict(Limits::default()).await;
    for (frame, reason, times) in [
        (
            &b"\x81\x82\0\0\0\0\xff\xfe"[..],
            "text that is not UTF-8",
            1,
        ),
        // Not masked; compressed, which nobody has agreed on; a reserved opcode; a ping in fragments; a continuation of
        // nothing. RFC 6455 section 5.2.
        (b"\x81\x01x", "broken frame", 1),
        (b"\xc1\x81\0\0\0\0x", "broken frame", 2),
        (b"\x83\x81\0\0\0\0x", "broken frame", 3),
        (b"\x09\x80\0\0\0\0", "broken frame", 4),
        (b"\x80\x81\0\0\0\0x", "broken frame", 5),
    ] {
        let mut stream = upgraded(&house, UPGRADE).await;
        stream.write_all(frame).await.expect("sent");
        let told = ends(&mut stream).await;
        // A close frame with 1008.
        assert!(
            told[0] == 0x88 && told[2..4] == [0x03, 0xf0],
            "{frame:?}: {told:?}"
        );
        closed(&house, 1008, reason, times).await;
    }
}

#[tokio::test]
async fn too_many_bytes_whole_or_in_fragments_without_end() {
    let house = strict(Limits {
        max_rate: 0,
        max_bytes: 16 << 10,
        ..Limits::default()
    })
    .await;
    let mut client = Client::tutorial(&house, "").await;
    for _ in 0..2 {
        client.says(&"x".repeat(60_000)).await;
    }
    let told = client.closed().await;
    assert_eq!(told, (4030, "too many bytes".to_owned()));
    closed(&house, 4030, "too many bytes", 1).await;
    let mut stream = upgraded(&house, UPGRADE).await;
    let fragments = b"\x00\x80\0\0\0\0".repeat(10_000);
    stream.write_all(b"\x01\x80\0\0\0\0").await.expect("sent");
    // The server may end it in the middle.
    for _ in 0..3 {
        let _ = stream.write_all(&fragments).await;
    }
    closed(&house, 4030, "too many bytes", 2).await;
}

#[tokio::test]
async fn who_says_nothing_or_hears_nothing() {
    let house = House::open(ServerOptions {
        idle_timeout: Some(Duration::from_millis(500)),
        ping_every: Duration::from_millis(100),
        ping_deadline: Duration::from_millis(600),
        limits: Limits {
            max_queue: 64 << 10,
            max_rate: 0,
            max_bytes: 0,
            ..Limits::default()
        },
        ..ServerOptions::default()
    })
    .await;
    let mut idle = Client::tutorial(&house, "?room=quiet").await;
    assert_eq!(idle.closed().await, (4009, "idle for too long".to_owned()));
    closed(&house, 4009, "idle for too long", 1).await;
    let _slow = Client::narrow(&house, "?room=loud").await;
    let mut writer = Client::tutorial(&house, "?room=loud").await;
    let flood = async {
        loop {
            writer.says(&"x".repeat(60_000)).await;
        }
    };
    tokio::select! {
        () = flood => {}
        () = closed(&house, 4008, "too slow", 1) => {}
    }
}

/// Where nothing bounds them, the next ping may always be there before anything else is looked at.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_floods_with_pings_says_nothing_all_the_same() {
    let house = House::open(ServerOptions {
        idle_timeout: Some(Duration::from_millis(500)),
        limits: Limits {
            max_rate: 0,
            max_bytes: 0,
            ..Limits::default()
        },
        ..ServerOptions::default()
    })
    .await;
    let stream = upgraded(&house, UPGRADE).await;
    let (mut pongs, mut pings) = stream.into_split();
    let many = b"\x89\x80\0\0\0\0".repeat(10_000);
    let flood = async { while pings.write_all(&many).await.is_ok() {} };
    let drain = async { while matches!(pongs.read(&mut [0; 65_536]).await, Ok(1..)) {} };
    tokio::select! {
        () = async { tokio::join!(flood, drain); } => {}
        () = closed(&house, 4009, "idle for too long", 1) => {}
    }
    closed(&house, 4009, "idle for too long", 1).await;
}

#[tokio::test]
async fn who_has_no_good_token() {
    let keys = TokenKeys::new(Some(Secret::new("x".repeat(32))), None).expect("a key");
    let signed = |room: Option<&str>, role: Option<Role>| {
        let grant = Grant {
            room: room.map(|room| Room::new(room).expect("a room")),
            role,
            ..Grant::default()
        };
        let token = keys.sign(&grant, Duration::from_secs(60));
        token.expect("a token")
    };
    let other = TokenKeys::new(Some(Secret::new("y".repeat(32))), None).expect("a key");
    let forged = other.sign(&Grant::default(), Duration::from_secs(60));
    let house = House::open(ServerOptions {
        auth: Auth::Token(keys.clone()),
        ..ServerOptions::default()
    })
    .await;
    for (query, reason) in [
        (String::new(), "no token"),
        ("?token=a.b.c".to_owned(), "strange token"),
        (
            format!("?token={}", forged.expect("a token")),
            "forged token",
        ),
        (
            format!("?room=attic&token={}", signed(Some("kitchen"), None)),
            "token for another room",
        ),
        (
            // A client of the tutorial has no role.
            format!("?token={}", signed(None, Some(Role::Call))),
            "another role",
        ),
    ] {
        let mut stranger = Client::tutorial(&house, &query).await;
        assert_eq!(stranger.closed().await.0, 4401, "{reason}");
        closed(&house, 4401, reason, 1).await;
    }
}

#[tokio::test]
async fn a_page_from_elsewhere() {
    let house = House::open(ServerOptions {
        origins: vec!["https://mine.example".to_owned()],
        ..ServerOptions::default()
    })
    .await;
    let mut page = Client::open(&house, "", false, Some("https://evil.example")).await;
    assert_eq!(page.closed().await.0, 1008);
    closed(&house, 1008, "foreign origin", 1).await;
}

/// A frame that takes longer than an answer to a ping may is no silence.
#[tokio::test]
async fn who_speaks_slowly_is_heard_out() {
    let house = House::open(ServerOptions {
        ping_every: Duration::from_millis(100),
        ping_deadline: Duration::from_millis(300),
        ..ServerOptions::default()
    })
    .await;
    let mut ann = Client::tutorial(&house, "").await;
    let mut slow = upgraded(&house, UPGRADE).await;
    slow.write_all(b"\x81\x8a\0\0\0\0").await.expect("sent");
    // Not one pong in all this time.
    let speaks = async {
        for byte in b"0123456789" {
            tokio::time::sleep(Duration::from_millis(150)).await;
            slow.write_all(&[*byte]).await.expect("sent");
        }
    };
    let (heard, ()) = tokio::join!(ann.hears(), speaks);
    assert_eq!(heard, "0123456789");
    drop(ann);
    // And then it is silent.
    let mut rest = Vec::new();
    let end = timeout(LIMIT, slow.read_to_end(&mut rest)).await;
    let _ = end.expect("an end");
    let name = "signaling_closed_total{code=\"\",reason=\"the client fell silent\"}";
    becomes(&house, &[(name, 1.0)]).await;
}

/// The patience of the hello that never comes is not that of the one that was said.
#[tokio::test]
async fn whoever_speaks_now_and_then_stays() {
    let house = House::open(ServerOptions {
        idle_timeout: Some(Duration::from_secs(2)),
        ..ServerOptions::default()
    })
    .await;
    let (mut peer, _) = Client::peer(&house, "", 1).await;
    let mut other = Client::tutorial(&house, "").await;
    peer.event("joined").await;
    for _ in 0..6 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        peer.says(&hello(1)).await;
        other.says(r#"{"event":"still here"}"#).await;
        assert_eq!(peer.event("error").await["data"]["code"], "bad-frame");
        peer.event("still here").await;
    }
}
