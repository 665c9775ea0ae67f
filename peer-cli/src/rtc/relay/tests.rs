//! The addresses that exist nowhere.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::proto::channels::Channels;
use crate::proto::sending::Wanted;
use crate::rtc::options::Sound;

fn options(urls: &[&str], relay: RelayPolicy) -> PeerOptions {
    let server = |url: &&str| TurnServer::new(url, "u", shared::Secret::new("p")).unwrap();
    PeerOptions {
        bind: vec![],
        loopback: true,
        loopback_only: false,
        stun: vec![],
        turn: urls.iter().map(server).collect(),
        relay,
        dialer: Dialer::default(),
        impairment: None,
        sound: Sound::None,
        codecs: vec![],
        channels: Channels::Mono,
        wanted: Wanted::default(),
    }
}

#[test]
fn each_server_has_a_name_and_addresses_of_its_own() {
    let urls = ["turn:a", "turns:b:443"];
    let (relays, _reports) = Relays::new(&options(&urls, RelayPolicy::Allowed));
    let told = relays.ice_servers();
    assert_eq!(told.len(), 2);
    for (index, server) in told.iter().enumerate() {
        let url = &server.urls[0];
        let host = url.strip_prefix("turn:").unwrap();
        let host = host.strip_suffix("?transport=udp").unwrap();
        for address in relays.resolve(host).unwrap() {
            assert_eq!(relays.index_of(address), Some(index), "{address}");
        }
        let behind = relays.behind(url).unwrap();
        assert_eq!(behind.host(), ["a", "b"][index]);
    }
    assert_eq!(relays.resolve("relay-2.invalid:3478"), None);
    assert_eq!(relays.resolve("example.org:3478"), None);
    assert_eq!(relays.index_of("240.0.0.9:3478".parse().unwrap()), None);
    assert_eq!(relays.index_of("192.0.2.1:3478".parse().unwrap()), None);
}

#[test]
fn no_relay_is_none_and_many_are_bounded() {
    let urls = ["turn:a"; 20];
    let (relays, _reports) = Relays::new(&options(&urls, RelayPolicy::Never));
    assert_eq!(relays.count(), 0);
    let (relays, _reports) = Relays::new(&options(&urls, RelayPolicy::Only));
    assert_eq!(relays.count(), MAX_SERVERS);
}
