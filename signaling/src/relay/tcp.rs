//! Clients that come by TCP: a stream of frames in, a bounded queue of frames out.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::event::Event;
use super::frame;
use super::turn::{Client, Via};
use crate::gate::Gate;

/// Frames that wait for one client; more are lost, as datagrams would be.
const QUEUE: usize = 256;
/// Connections that the kernel may hold before they are accepted.
const BACKLOG: i32 = 256;
/// How often it is looked whether a connection is good for anything.
const CHECK: Duration = Duration::from_secs(10);
/// How long a client may take nothing at all.
const STUCK: Duration = Duration::from_secs(10);
/// Pause after a failed accept (too many open files), so that waiting costs no processor time.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
/// Bytes of one read.
const READ: usize = 4 << 10;

/// A listener of its own family only.
pub(super) fn bind(addr: SocketAddr) -> io::Result<TcpListener> {
    let domain = socket2::Domain::for_address(addr);
    let socket = socket2::Socket::new(domain, socket2::Type::STREAM, Some(socket2::Protocol::TCP))?;
    if addr.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // As everywhere but on Windows, where it means something else: a restart need not wait for old connections.
    if cfg!(not(windows)) {
        socket.set_reuse_address(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&addr.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// What the listeners share.
#[derive(Clone)]
pub(super) struct Reception {
    pub(super) events: mpsc::Sender<Event>,
    pub(super) gate: Arc<Gate>,
    pub(super) numbers: Arc<AtomicU64>,
    pub(super) shutdown: CancellationToken,
}

/// Accepts until `shutdown`; whoever is one too many is dropped.
pub(super) async fn accept(listener: TcpListener, reception: Reception) {
    let accepting = async {
        loop {
            match listener.accept().await {
                Ok((stream, remote)) => reception.take(stream, remote),
                Err(why) if why.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(why) => {
                    warn!("relay: cannot accept a connection: {why} (see ulimit -n)");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    };
    tokio::select! {
        () = accepting => {}
        () = reception.shutdown.cancelled() => {}
    }
}

impl Reception {
    fn take(&self, stream: TcpStream, remote: SocketAddr) {
        let (Ok(ticket), Ok(local)) = (self.gate.enter(remote.ip()), stream.local_addr()) else {
            return;
        };
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let client = Client {
            via: Via::Tcp(number),
            remote,
            local: local.ip(),
        };
        let reception = self.clone();
        tokio::spawn(async move {
            let _inside = ticket;
            tokio::select! {
                () = converse(stream, client, &reception.events) => {}
                () = reception.shutdown.cancelled() => {}
            }
        });
    }
}

async fn converse(stream: TcpStream, client: Client, events: &mpsc::Sender<Event>) {
    // Only slower if refused.
    let _ = stream.set_nodelay(true);
    let (outbox, queue) = mpsc::channel(QUEUE);
    if events.send(Event::Opened { client, outbox }).await.is_err() {
        return;
    }
    let (read, write) = stream.into_split();
    tokio::select! {
        () = listen(read, client, events) => {}
        () = speak(write, queue) => {}
        () = be_checked(client, events) => {}
    }
    // Refused only by a relay that stops.
    let _ = events.send(Event::Closed { client }).await;
}

/// Until the stream ends or turns out to be something else.
async fn listen(mut stream: OwnedReadHalf, client: Client, events: &mpsc::Sender<Event>) {
    let mut buffer = Vec::new();
    loop {
        buffer.reserve(READ);
        match stream.read_buf(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let mut taken = 0;
        loop {
            let frame = match frame::first(&buffer[taken..]) {
                Ok(Some(frame)) => frame,
                Ok(None) => break,
                Err(frame::NotTurn) => return,
            };
            let data = buffer[taken..taken + frame.length].to_vec();
            taken += frame.padded;
            if events.send(Event::Frame { client, data }).await.is_err() {
                return;
            }
        }
        buffer.drain(..taken);
    }
}

/// Until the relay lets go, the stream breaks or nothing moves.
async fn speak(mut stream: OwnedWriteHalf, mut queue: mpsc::Receiver<Vec<u8>>) {
    let mut frames = Vec::new();
    let mut bytes = Vec::new();
    while queue.recv_many(&mut frames, QUEUE).await > 0 {
        for mut data in frames.drain(..) {
            frame::pad(&mut data);
            bytes.append(&mut data);
        }
        if !matches!(timeout(STUCK, stream.write_all(&bytes)).await, Ok(Ok(()))) {
            return;
        }
        bytes.clear();
    }
}

async fn be_checked(client: Client, events: &mpsc::Sender<Event>) {
    let mut check = interval(CHECK);
    check.set_missed_tick_behavior(MissedTickBehavior::Delay);
    check.reset();
    loop {
        check.tick().await;
        if events.send(Event::Check { client }).await.is_err() {
            return;
        }
    }
}
