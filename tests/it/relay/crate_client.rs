//! The TURN client of the `rtc` crate: somebody else's reading of the RFC.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rtc::sansio::Protocol;
use rtc::shared::{TransportContext, TransportMessage, TransportProtocol};
use rtc::turn::client::{Client, ClientConfig, Event};
use tests::{LIMIT, TestServer};
use tokio::time::timeout;

use super::client::{Line, Login, Transport, ice_servers, login};

struct Endpoint {
    client: Client,
    line: Line,
    context: TransportContext,
}

/// How long may pass between two looks at the client's timers.
const TICK: Duration = Duration::from_millis(50);

impl Endpoint {
    async fn connect(peer_addr: SocketAddr, transport: Transport, login: Login) -> Self {
        let line = Line::connect(peer_addr, transport).await;
        let local_addr = line.local();
        let transport_protocol = match transport {
            Transport::Udp => TransportProtocol::UDP,
            Transport::Tcp => TransportProtocol::TCP,
        };
        let config = ClientConfig {
            turn_serv_addr: peer_addr.to_string(),
            local_addr,
            transport_protocol,
            username: login.username,
            password: login.password,
            ..ClientConfig::default()
        };
        let provider = rtc::crypto::default_provider().expect("some crypto");
        let context = TransportContext {
            local_addr,
            peer_addr,
            transport_protocol,
            ..TransportContext::default()
        };
        Self {
            client: Client::new(config, provider).expect("a client"),
            line,
            context,
        }
    }

    async fn allocate(&mut self) -> SocketAddr {
        self.client.allocate(Instant::now()).expect("a request");
        self.until(|event| match event {
            Event::AllocateResponse(_, relayed) => Some(relayed),
            Event::AllocateError(_, why) => panic!("{why}"),
            _ => None,
        })
        .await
    }

    async fn permit(&mut self, own: SocketAddr, peer: SocketAddr) {
        let mut relay = self.client.relay(own).expect("an allocation");
        relay
            .create_permission(Instant::now(), peer)
            .expect("a request");
        self.until(|event| match event {
            Event::CreatePermissionResponse(_, to) if to == peer => Some(()),
            Event::CreatePermissionError(_, why) => panic!("{why}"),
            _ => None,
        })
        .await;
    }

    async fn sends(&mut self, own: SocketAddr, peer: SocketAddr, data: &[u8]) {
        let mut relay = self.client.relay(own).expect("an allocation");
        relay
            .send_to(Instant::now(), data, peer)
            .expect("a permission");
        self.flush().await;
    }

    /// Data from a peer, and whether it came on a channel.
    async fn hears(&mut self) -> (bool, SocketAddr, Vec<u8>) {
        self.until(|event| match event {
            Event::DataIndicationOrChannelData(channel, from, data) => {
                Some((channel.is_some(), from, data.to_vec()))
            }
            _ => None,
        })
        .await
    }

    async fn until<T>(&mut self, mut wanted: impl FnMut(Event) -> Option<T>) -> T {
        let found = async {
            loop {
                self.flush().await;
                while let Some(event) = self.client.poll_event() {
                    if let Some(found) = wanted(event) {
                        return found;
                    }
                }
                self.turn().await;
            }
        };
        timeout(LIMIT, found).await.expect("an answer")
    }

    async fn flush(&mut self) {
        while let Some(message) = self.client.poll_write() {
            self.line.write(&message.message).await;
        }
    }

    /// One datagram or frame into the client, or a look at its timers.
    async fn turn(&mut self) {
        let now = Instant::now();
        match timeout(TICK, self.line.read()).await {
            Ok(bytes) => {
                let message = TransportMessage {
                    now,
                    transport: self.context,
                    message: (&bytes[..]).into(),
                };
                self.client.handle_read(message).expect("understood");
            }
            Err(_) => self.client.handle_timeout(now).expect("a timer"),
        }
    }
}

#[tokio::test]
async fn it_talks_to_another_of_its_kind_on_channels_in_the_end() {
    let server = TestServer::with_relay();
    let url = server.url();
    let alice = login(&ice_servers(&url, "alice").await);
    let bob = login(&ice_servers(&url, "bob").await);
    let mut alice = Endpoint::connect(server.relay(), Transport::Udp, alice).await;
    let mut bob = Endpoint::connect(server.relay(), Transport::Tcp, bob).await;
    let (at_alice, at_bob) = (alice.allocate().await, bob.allocate().await);
    alice.permit(at_alice, at_bob).await;
    bob.permit(at_bob, at_alice).await;
    let (mut to_bob, mut to_alice) = (false, false);
    for round in 0u8..100 {
        // Its channels are bound while indications flow; lengths change so that padding counts.
        let data = vec![round; 1 + usize::from(round)];
        alice.sends(at_alice, at_bob, &data).await;
        let (channel, from, heard) = bob.hears().await;
        to_bob |= channel;
        assert_eq!((from, &heard), (at_alice, &data));
        bob.sends(at_bob, at_alice, &data).await;
        let (channel, from, heard) = alice.hears().await;
        to_alice |= channel;
        assert_eq!((from, &heard), (at_bob, &data));
    }
    assert!(to_bob && to_alice, "no channel was used");
    let usage = server.relay_usage();
    for (endpoint, own) in [(&mut alice, at_alice), (&mut bob, at_bob)] {
        let mut relay = endpoint.client.relay(own).expect("an allocation");
        relay.close(Instant::now()).expect("a request");
        endpoint.flush().await;
    }
    tests::until("both allocations are freed", || usage.allocations() == 0).await;
}
