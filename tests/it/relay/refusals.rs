//! What the relay refuses.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use shared::Secret;
use signaling::{RelayOptions, ServerOptions};
use stun_types::attribute::MessageIntegrity;
use stun_types::message::ShortTermCredentials;
use tests::TestServer;
use tokio::net::UdpSocket;
use turn_types::message::{ALLOCATE, CHANNEL_BIND, CREATE_PERMISSION, REFRESH};

use super::client::{Login, SILENCE, Transport, Turn, ice_servers, login};

const BOTH: [Transport; 2] = [Transport::Udp, Transport::Tcp];

fn loopback() -> RelayOptions {
    RelayOptions::at(SocketAddr::from(([127, 0, 0, 1], 0)))
}

fn strict() -> TestServer {
    TestServer::open(TestServer::options(), Some(loopback()))
}

#[tokio::test]
async fn a_stranger_gets_nothing_relayed() {
    let server = TestServer::with_relay();
    let nobody = Login {
        username: "4102444800:mallory".into(),
        password: "guessed".into(),
    };
    let peer = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    let at_peer = peer.local_addr().expect("bound");
    for transport in BOTH {
        let mut turn = Turn::connect(server.relay(), transport, nobody.clone()).await;
        for method in [ALLOCATE, REFRESH, CREATE_PERMISSION, CHANNEL_BIND] {
            assert_eq!(turn.asks_as_stranger(method).await, 401);
        }
        assert_eq!(turn.allocate(false).await, Err(401));
        assert_eq!(turn.permit(at_peer).await, Err(401));
        turn.sends(at_peer, b"let me through").await;
        // On a channel that it has not got.
        turn.write(b"\x40\x00\x00\x04abcd").await;
        // It is alive and well after that.
        assert_eq!(turn.refresh(600).await, Err(401));
    }
    let mut bytes = [0; 64];
    let heard = tokio::time::timeout(SILENCE, peer.recv_from(&mut bytes)).await;
    assert!(heard.is_err(), "{heard:?}");
    assert_eq!(server.relay_usage().allocations(), 0);
    assert_eq!(server.relay_usage().sockets(), 0);
}

/// As the server makes them, until this time.
fn made(secret: &str, unix: u64, user: &str) -> Login {
    let username = format!("{unix}:{user}");
    let key = ShortTermCredentials::new(secret.to_owned()).make_key();
    let mac = MessageIntegrity::compute(&[username.as_bytes()], &key).expect("HMAC-SHA1");
    let password = data_encoding::BASE64.encode(&mac);
    Login { username, password }
}

#[tokio::test]
async fn expired_credentials_are_refused_and_good_ones_are_made_by_anybody_with_the_secret() {
    let options = ServerOptions {
        turn_secret: Some(Secret::new("north")),
        ..TestServer::options()
    };
    let server = TestServer::open(options, Some(loopback()));
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock")
        .as_secs();
    for transport in BOTH {
        for (login, expected) in [
            (made("north", now - 60, "alice"), Some(401)),
            (made("south", now + 60, "alice"), Some(401)),
            (made("north", now + 60, "alice"), None),
        ] {
            let mut turn = Turn::connect(server.relay(), transport, login).await;
            assert_eq!(turn.allocate(false).await.err(), expected);
        }
    }
}

#[tokio::test]
async fn private_places_are_refused_and_its_own_relayed_addresses_are_not() {
    let server = strict();
    let peer = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    let at_peer = peer.local_addr().expect("bound");
    for transport in BOTH {
        let alice = login(&ice_servers(&server.url(), "alice").await);
        let mut alice = Turn::connect(server.relay(), transport, alice).await;
        let at_alice = alice.allocate(false).await.expect("an allocation");
        for place in [
            "10.0.0.1:80",
            "192.168.0.1:80",
            "169.254.169.254:80",
            "224.0.0.1:1",
            "0.0.0.0:1",
            "127.0.0.2:22",
        ] {
            let place = place.parse().expect("an address");
            assert_eq!(alice.permit(place).await, Err(403), "{place}");
            assert_eq!(alice.bind(0x4000, place).await, Err(403), "{place}");
        }
        assert_eq!(
            alice.permit("[::1]:1".parse().expect("an address")).await,
            Err(443)
        );
        // Relayed addresses are on loopback here; another port of the same address is still none of them.
        alice
            .permit(at_peer)
            .await
            .expect("the relay's own address");
        alice.sends(at_peer, b"x").await;
        let bob = login(&ice_servers(&server.url(), "bob").await);
        let mut bob = Turn::connect(server.relay(), transport, bob).await;
        let at_bob = bob.allocate(false).await.expect("an allocation");
        alice.permit(at_bob).await.expect("a permission");
        bob.permit(at_alice).await.expect("a permission");
        alice.sends(at_bob, b"hi").await;
        assert_eq!(bob.hears().await, (at_alice, b"hi".to_vec()));
    }
    let mut bytes = [0; 64];
    let heard = tokio::time::timeout(SILENCE, peer.recv_from(&mut bytes)).await;
    assert!(heard.is_err(), "{heard:?}");
}

#[tokio::test]
async fn quotas_are_said_as_486_and_508() {
    let relay = RelayOptions {
        max_allocations: 3,
        max_allocations_per_user: 2,
        ..loopback()
    };
    let server = TestServer::open(TestServer::options(), Some(relay));
    let alice = login(&ice_servers(&server.url(), "alice").await);
    let mut turns = Vec::new();
    for (transport, expected) in [
        (Transport::Udp, None),
        (Transport::Tcp, None),
        (Transport::Udp, Some(486)),
    ] {
        let mut turn = Turn::connect(server.relay(), transport, alice.clone()).await;
        assert_eq!(turn.allocate(false).await.err(), expected);
        turns.push(turn);
    }
    let bob = login(&ice_servers(&server.url(), "bob").await);
    let mut third = Turn::connect(server.relay(), Transport::Udp, bob).await;
    third.allocate(false).await.expect("an allocation");
    let carol = login(&ice_servers(&server.url(), "carol").await);
    let mut fourth = Turn::connect(server.relay(), Transport::Udp, carol).await;
    assert_eq!(fourth.allocate(false).await, Err(508));
    assert_eq!(turns[0].refresh(0).await, Ok(0));
    fourth.allocate(false).await.expect("room again");
}

#[tokio::test]
async fn an_allocation_of_somebody_else_is_441_and_none_is_437() {
    let server = TestServer::with_relay();
    let alice = login(&ice_servers(&server.url(), "alice").await);
    let mallory = login(&ice_servers(&server.url(), "mallory").await);
    for transport in BOTH {
        let mut turn = Turn::connect(server.relay(), transport, alice.clone()).await;
        turn.allocate(false).await.expect("an allocation");
        assert_eq!(turn.allocate(false).await, Err(437), "a second one");
        turn.set_login(mallory.clone());
        assert_eq!(turn.refresh(0).await, Err(441));
        turn.set_login(alice.clone());
        assert_eq!(turn.refresh(600).await, Ok(600));
        assert_eq!(turn.refresh(0).await, Ok(0));
        assert_eq!(turn.refresh(600).await, Err(437));
    }
}

#[tokio::test]
async fn other_protocols_on_its_port_are_hung_up_on() {
    let server = TestServer::with_relay();
    let nobody = Login {
        username: String::new(),
        password: String::new(),
    };
    let mut turn = Turn::connect(server.relay(), Transport::Tcp, nobody).await;
    turn.write(b"\x16\x03\x01\x02\x00\x01\x00\x01").await;
    turn.is_closed().await;
    // Whoever says nothing, or nothing that leads to an allocation, has some seconds.
    let idle = tokio::net::TcpStream::connect(server.relay())
        .await
        .expect("a relay");
    let mut byte = [0];
    let ended = tokio::time::timeout(Duration::from_secs(30), async {
        use tokio::io::AsyncReadExt;
        let mut idle = idle;
        idle.read(&mut byte).await
    });
    assert!(
        matches!(ended.await, Ok(Ok(0) | Err(_))),
        "it was hung up on"
    );
    let usage = server.relay_usage();
    tests::until("no stream is left", || usage.streams() == 0).await;
}
