//! Data through the relay, both directions.

use std::net::{IpAddr, SocketAddr};

use signaling::RelayOptions;
use tests::TestServer;
use tokio::net::UdpSocket;
use tokio::time::timeout;

use super::client::{Transport, Turn, ice_servers, login};

/// A client with an allocation, and its relayed address.
async fn relayed(server: &TestServer, name: &str, transport: Transport) -> (Turn, SocketAddr) {
    let login = login(&ice_servers(&server.url(), name).await);
    let mut turn = Turn::connect(server.relay(), transport, login).await;
    let relayed = turn.allocate(false).await.expect("an allocation");
    (turn, relayed)
}

#[tokio::test]
async fn two_clients_talk_through_it_by_udp_by_tcp_and_mixed() {
    let server = TestServer::with_relay();
    for (one, other) in [
        (Transport::Udp, Transport::Udp),
        (Transport::Tcp, Transport::Tcp),
        (Transport::Udp, Transport::Tcp),
    ] {
        let (mut alice, at_alice) = relayed(&server, "alice", one).await;
        let (mut bob, at_bob) = relayed(&server, "bob", other).await;
        alice.permit(at_bob).await.expect("a permission");
        alice.sends(at_bob, b"before bob has permitted it").await;
        bob.hears_nothing().await;
        bob.permit(at_alice).await.expect("a permission");
        alice.sends(at_bob, b"hi").await;
        assert_eq!(bob.hears().await, (at_alice, b"hi".to_vec()));
        bob.sends(at_alice, b"ho").await;
        assert_eq!(alice.hears().await, (at_bob, b"ho".to_vec()));
        // On channels, with every length that padding can make a difference for.
        alice.bind(0x4000, at_bob).await.expect("a channel");
        bob.bind(0x7fff, at_alice).await.expect("a channel");
        for length in [0, 1, 2, 3, 4, 5, 1200, 1201] {
            let data = vec![7; length];
            alice.sends(at_bob, &data).await;
            assert_eq!(bob.hears().await, (at_alice, data.clone()));
            bob.sends(at_alice, &data).await;
            assert_eq!(alice.hears().await, (at_bob, data));
        }
    }
}

#[tokio::test]
async fn a_plain_socket_is_reached_by_its_permission_alone() {
    let server = TestServer::with_relay();
    for transport in [Transport::Udp, Transport::Tcp] {
        let (mut alice, at_alice) = relayed(&server, "alice", transport).await;
        let peer = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        let at_peer = peer.local_addr().expect("bound");
        peer.send_to(b"uninvited", at_alice).await.expect("a way");
        alice.hears_nothing().await;
        alice.sends(at_peer, b"too early").await;
        alice.permit(at_peer).await.expect("a permission");
        alice.sends(at_peer, b"hi").await;
        let mut bytes = [0; 64];
        let (length, from) = timeout(tests::LIMIT, peer.recv_from(&mut bytes))
            .await
            .expect("something to hear")
            .expect("a datagram");
        assert_eq!((&bytes[..length], from), (&b"hi"[..], at_alice));
        peer.send_to(b"ho", at_alice).await.expect("a way");
        assert_eq!(alice.hears().await, (at_peer, b"ho".to_vec()));
    }
}

#[tokio::test]
async fn many_datagrams_pass_in_order_and_none_is_lost() {
    let server = TestServer::with_relay();
    let (mut alice, at_alice) = relayed(&server, "alice", Transport::Tcp).await;
    let (mut bob, at_bob) = relayed(&server, "bob", Transport::Tcp).await;
    alice.bind(0x4000, at_bob).await.expect("a channel");
    bob.bind(0x4000, at_alice).await.expect("a channel");
    for round in 0u32..50 {
        // As many as wait at once in its queue; by TCP nothing is lost before and after it.
        for number in round * 100..(round + 1) * 100 {
            alice.sends(at_bob, &number.to_be_bytes().repeat(250)).await;
        }
        for number in round * 100..(round + 1) * 100 {
            assert_eq!(bob.hears().await.1, number.to_be_bytes().repeat(250));
        }
    }
    assert_eq!(server.relay_usage().dropped(), 0);
}

#[tokio::test]
async fn clients_see_where_they_come_from() {
    let server = TestServer::with_relay();
    for transport in [Transport::Udp, Transport::Tcp] {
        let login = login(&ice_servers(&server.url(), "alice").await);
        let mut turn = Turn::connect(server.relay(), transport, login).await;
        let mapped = turn.binding().await;
        assert!(mapped.ip().is_loopback() && mapped != server.relay());
    }
}

/// On every address, and without a name of its own.
fn everywhere(ip: &str) -> TestServer {
    let relay = RelayOptions {
        allow_private: true,
        ..RelayOptions::at(SocketAddr::new(ip.parse().expect("an address"), 0))
    };
    TestServer::open(TestServer::options(), Some(relay))
}

#[tokio::test]
async fn ipv6_is_relayed_for_those_who_ask_for_it() {
    let server = everywhere("::");
    let login = login(&ice_servers(&server.url(), "alice").await);
    let port = server.relay().port();
    for ip in ["127.0.0.1", "::1"] {
        let place = SocketAddr::new(ip.parse().expect("an address"), port);
        for transport in [Transport::Udp, Transport::Tcp] {
            let mut alice = Turn::connect(place, transport, login.clone()).await;
            let at_alice = alice.allocate(true).await.expect("an allocation");
            assert_eq!(at_alice.ip().to_string(), "::1");
            let peer = UdpSocket::bind("[::1]:0").await.expect("a port");
            let at_peer = peer.local_addr().expect("bound");
            alice.bind(0x4000, at_peer).await.expect("a channel");
            alice.sends(at_peer, b"hi").await;
            let mut bytes = [0; 64];
            let (length, from) = timeout(tests::LIMIT, peer.recv_from(&mut bytes))
                .await
                .expect("something to hear")
                .expect("a datagram");
            assert_eq!((&bytes[..length], from), (&b"hi"[..], at_alice));
            peer.send_to(b"ho", at_alice).await.expect("a way");
            assert_eq!(alice.hears().await, (at_peer, b"ho".to_vec()));
            alice.refresh(0).await.expect("an end");
        }
    }
}

#[tokio::test]
async fn on_a_wildcard_clients_are_told_and_given_what_they_have_reached() {
    let server = everywhere("0.0.0.0");
    let port = server.relay().port();
    let list = ice_servers(&server.url(), "alice").await;
    assert_eq!(list[0]["urls"][0], format!("stun:127.0.0.1:{port}"));
    // An address of loopback that nothing is bound to: the answer must come from there.
    let place = SocketAddr::from(([127, 0, 0, 9], port));
    if !cfg!(target_os = "linux") {
        return;
    }
    for transport in [Transport::Udp, Transport::Tcp] {
        let mut alice = Turn::connect(place, transport, login(&list)).await;
        let relayed = alice.allocate(false).await.expect("an allocation");
        assert_eq!(relayed.ip(), place.ip());
        let v6 = Turn::connect(place, transport, login(&list))
            .await
            .allocate(true)
            .await;
        assert!(v6.is_ok_and(|at| at.ip() == IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])));
    }
}

#[tokio::test]
async fn a_public_address_stands_in_for_the_bound_one() {
    // RFC 5737: nobody has it, so nothing can be bound there either.
    let public: IpAddr = "203.0.113.5".parse().expect("an address");
    let relay = RelayOptions {
        ips: vec![public],
        ..RelayOptions::at(SocketAddr::from(([127, 0, 0, 1], 0)))
    };
    let server = TestServer::open(TestServer::options(), Some(relay));
    let list = ice_servers(&server.url(), "alice").await;
    let port = server.relay().port();
    assert_eq!(list[0]["urls"][0], format!("stun:203.0.113.5:{port}"));
    let (mut alice, at_alice) = relayed(&server, "alice", Transport::Udp).await;
    let (mut bob, at_bob) = relayed(&server, "bob", Transport::Udp).await;
    assert_eq!((at_alice.ip(), at_bob.ip()), (public, public));
    // They find each other although no packet could.
    alice.permit(at_bob).await.expect("a permission");
    bob.permit(at_alice).await.expect("a permission");
    alice.sends(at_bob, b"hi").await;
    assert_eq!(bob.hears().await, (at_alice, b"hi".to_vec()));
}
