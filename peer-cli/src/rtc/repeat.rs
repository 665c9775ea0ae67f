//! The DTLS handshake, said more than once where the network takes its time.
//!
//! The crate's timer waits a second before it repeats a lost flight (RFC 9147 5.8.2), then two, then four, and what is lost
//! of the last flight is not repeated at all: one lost datagram in ten made one call in ten wait for nine seconds. So each
//! datagram of the handshake is sent again a little later, as long as no connection is up: on a quick network that is
//! never, and the other side drops what it knows (RFC 9147 5.2, 4.5.1).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use webrtc::runtime::AsyncUdpSocket;

use super::early::Arrived;
use super::impaired::{Datagram, Impaired};
use super::pace::Pace;
use super::relay::payload;

/// When copies follow, counted from the one before; apart, so that one burst of loss does not take them all.
const COPIES: [Duration; 2] = [Duration::from_millis(60), Duration::from_millis(140)];

/// Whether this is part of a handshake, also on its way into a relay: content types change_cipher_spec (20), alert (21)
/// and handshake (22) of RFC 9147 4.
pub(super) fn is_handshake(datagram: &[u8]) -> bool {
    payload(datagram)
        .first()
        .is_some_and(|content| (20..=22).contains(content))
}

/// Sends copies of a handshake's datagram the same way, while a connection is looked for.
pub(super) fn later(
    socket: &Arc<dyn AsyncUdpSocket>,
    impaired: Option<&Impaired>,
    pace: &Pace,
    datagram: &[u8],
    destination: SocketAddr,
) {
    let (socket, impaired, pace) = (Arc::clone(socket), impaired.cloned(), pace.clone());
    let datagram = datagram.to_vec();
    tokio::spawn(async move {
        for pause in COPIES {
            tokio::time::sleep(pause).await;
            if !pace.is_looking() {
                return;
            }
            if let Some(impaired) = &impaired {
                let bytes = datagram.clone();
                impaired.send(Datagram { bytes, destination });
            } else {
                let _ = socket.send_to(&datagram, destination).await;
            }
        }
    });
}

/// The same for what has come: a flight that is faster than our own end of the path is dropped by the crate, and some repeat it
/// after a second only.
pub(super) fn again(to: &mpsc::Sender<Arrived>, pace: &Pace, datagram: &[u8], from: SocketAddr) {
    // As many as have room; the others are repeated by the other side.
    let Ok(place) = to.clone().try_reserve_owned() else {
        return;
    };
    let (pace, datagram) = (pace.clone(), datagram.to_vec());
    tokio::spawn(async move {
        tokio::time::sleep(COPIES[0]).await;
        if pace.is_looking() {
            place.send((datagram, from));
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handshakes_are_known_also_inside_of_a_channel() {
        assert!(is_handshake(&[22, 254, 253]) && is_handshake(&[20, 254, 253]));
        assert!(is_handshake(&[0x40, 0, 0, 3, 22, 254, 253, 0]));
        assert!(!is_handshake(&[23, 254, 253]), "data");
        assert!(!is_handshake(&[0x40, 0, 0, 3, 23, 254, 253, 0]));
        assert!(!is_handshake(&[0, 1, 0, 0]) && !is_handshake(&[]) && !is_handshake(&[0x40]));
    }

    #[tokio::test]
    async fn what_came_comes_once_more_while_a_connection_is_looked_for() {
        let from = SocketAddr::from(([192, 0, 2, 1], 4711));
        let (to, mut again_rx) = mpsc::channel(2);
        let pace = Pace::new();
        for flight in [[22, 1], [22, 2], [22, 3]] {
            again(&to, &pace, &flight, from);
        }
        assert_eq!(again_rx.recv().await, Some((vec![22, 1], from)));
        assert_eq!(again_rx.recv().await, Some((vec![22, 2], from)));
        assert!(again_rx.try_recv().is_err(), "more than there is room for");
        again(&to, &pace, &[22, 4], from);
        pace.connected();
        drop(to);
        assert_eq!(again_rx.recv().await, None, "it is up");
    }
}
