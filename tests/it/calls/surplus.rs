//! A caller that names hundreds of addresses: they are not all sent to.

use serde_json::json;
use tests::{LIMIT, Stranger, TestPeer, TestServer};
use tokio::net::UdpSocket;
use tokio::time::timeout;

use super::noise::real_offer;

/// What a peer uses of them.
const USED: u16 = 64;
/// Named inside of the description, and once more so many after it.
const NAMED: u16 = 300;
/// Connectivity checks at the first address until the last ones would have had theirs, many times.
const CHECKS: usize = 20;

fn candidate(foundation: u16, address: &str, port: u16) -> String {
    format!("candidate:{foundation} 1 udp 2130706431 {address} {port} typ host")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_checks_no_more_addresses_than_it_wants_to() {
    let wanted = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    let surplus = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    let port = |socket: &UdpSocket| socket.local_addr().expect("bound").port();
    let line = |n: u16| match n {
        0 => candidate(n, "127.0.0.1", port(&wanted)),
        // Nobody is there.
        1..USED => candidate(n, "127.0.0.2", 20_000 + n),
        _ => candidate(n, "127.0.0.1", port(&surplus)),
    };
    let offer = real_offer().await;
    let at = offer.rfind("\r\nm=").expect("sections") + 2;
    let lines: String = (0..NAMED).map(|n| format!("a={}\r\n", line(n))).collect();
    let offer = format!("{}{lines}{}", &offer[..at], &offer[at..]);

    let server = TestServer::start();
    let mut ben = TestPeer::answer(&server.url(), "--echo").is_waiting().await;
    let (mut caller, welcome) = Stranger::peer(&server.url(), "caller", "call").await;
    let to = &welcome["peers"][0]["id"];
    let data = json!({"type": "offer", "sdp": offer});
    let frame = json!({"event": "offer", "to": to, "session": "many", "data": data});
    caller.says(frame.to_string()).await;
    caller.hears("answer").await;
    for n in NAMED..2 * NAMED {
        let data = json!({"candidate": line(n), "sdpMid": "0", "sdpMLineIndex": 0});
        let frame = json!({"event": "candidate", "to": to, "session": "many", "data": data});
        caller.says(frame.to_string()).await;
    }

    ben.warns("too-many-candidates").await;
    let mut datagram = [0; 2048];
    for _ in 0..CHECKS {
        let heard = timeout(LIMIT, wanted.recv(&mut datagram)).await;
        heard.expect("a check").expect("a datagram");
    }
    let heard = surplus.try_recv(&mut datagram);
    assert!(heard.is_err(), "a check of what is too much: {heard:?}");
    let told = |event: &serde_json::Value| event["code"] == "too-many-candidates";
    assert_eq!(ben.count(told), 1);
}
