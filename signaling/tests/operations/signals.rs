//! Its end by a signal.

use std::io::Read;
use std::time::{Duration, Instant};

use super::house::Running;
use super::socket::Socket;

#[test]
fn signals_end_it_in_time_and_every_websocket_is_told() {
    for signal in ["-TERM", "-INT"] {
        let running = Running::start(&["--max-connections", "100", "--max-half-open", "50"]);
        let mut client = Socket::open(running.connect());
        let addr = running.addr;
        let start = Instant::now();
        running.signal(signal);
        let (code, said) = running.ends();
        let took = start.elapsed();
        assert_eq!(code, Some(0));
        assert!(took < Duration::from_secs(1), "took {took:?}");
        let told = format!("listening on ws://{addr}/socket\nopen http://{addr}/ in a browser\n");
        assert_eq!(said, told);
        let mut rest = Vec::new();
        client.stream.read_to_end(&mut rest).unwrap();
        // RFC 6455 section 5.2: a final close frame, its length, 1001 and the reason.
        assert_eq!(rest, b"\x88\x13\x03\xe9server going away");
    }
}
