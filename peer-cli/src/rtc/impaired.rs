//! `--impair`: carries out what the pure [`Impairer`] decides about each outgoing datagram.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc;
use webrtc::runtime::AsyncUdpSocket;

use crate::proto::impair::{Impairer, Impairment};

/// Datagrams waiting for the impairing task; more are dropped, as by any full queue.
const QUEUE: usize = 4096;

/// One outgoing datagram.
pub(super) struct Datagram {
    pub(super) bytes: Vec<u8>,
    pub(super) destination: SocketAddr,
}

/// The way into a bad network; clones are the same.
#[derive(Clone)]
pub(super) struct Impaired(mpsc::Sender<Datagram>);

impl Impaired {
    /// Starts the task that delays, drops and sends; it ends with the socket.
    pub(super) fn start(spec: Impairment, seed: u64, socket: Arc<dyn AsyncUdpSocket>) -> Self {
        let (tx, rx) = mpsc::channel(QUEUE);
        tokio::spawn(run(Impairer::new(spec, seed), rx, socket));
        Self(tx)
    }

    /// Hands over one datagram; never waits.
    pub(super) fn send(&self, datagram: Datagram) {
        let _ = self.0.try_send(datagram);
    }
}

async fn run(
    mut impairer: Impairer<Datagram>,
    mut incoming: mpsc::Receiver<Datagram>,
    socket: Arc<dyn AsyncUdpSocket>,
) {
    loop {
        while let Some(datagram) = impairer.poll_output(Instant::now()) {
            // A send error is one more lost datagram.
            let _ = socket.send_to(&datagram.bytes, datagram.destination).await;
        }
        let wake = impairer.poll_timeout();
        let timer = async {
            match wake {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            datagram = incoming.recv() => match datagram {
                Some(datagram) => {
                    let length = datagram.bytes.len();
                    impairer.handle(Instant::now(), length, datagram);
                }
                None => return,
            },
            () = timer => {}
        }
    }
}
