//! The TCP stream, or TLS on one, below HTTP and WebSocket: no delay, no endless silence before the upgrade, and an end that lets the
//! close code arrive.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::coop::poll_proceed;
use tokio::time::{sleep, timeout};
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use crate::metrics::Metrics;
use crate::tls::{Stream, Tls};

/// Bytes that cost as much as a read.
const STEP: usize = 512;

/// Bytes that the kernel keeps for a client who does not read them, as we ask for it (Linux takes twice as many). It would let
/// them grow to megabytes, which are in no queue of ours and seen by nobody.
const SEND_BUFFER: usize = 128 * 1024;

mod fate;
mod threshold;

pub(super) use fate::Fate;
pub(super) use threshold::Threshold;

use fate::{DEAD, HTTP, SLOW, SOCKET};
use threshold::Asking;

/// How long input is thrown away after our last word. A socket closed with input unread is reset by the kernel, and a reset
/// can overtake the close code.
const LINGER: Duration = Duration::from_secs(1);

/// Pause after a failed accept (too many open files), so that waiting costs no processor time.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Accepts connections as [`Wire`]s.
pub(super) struct Door {
    listener: TcpListener,
    tls: Option<Tls>,
    threshold: Threshold,
    goodbyes: TaskTracker,
}

impl Door {
    /// `goodbyes` tracks connections that are still being ended.
    pub(super) fn new(
        (listener, tls): (TcpListener, Option<Tls>),
        threshold: Threshold,
        goodbyes: TaskTracker,
    ) -> Self {
        // Whoever is accepted inherits it. Only more memory if refused.
        let _ = SockRef::from(&listener).set_send_buffer_size(SEND_BUFFER);
        Self {
            listener,
            tls,
            threshold,
            goodbyes,
        }
    }

    /// `None` if it is one too many.
    fn wire(&self, stream: TcpStream, addr: SocketAddr) -> Option<Wire> {
        let plain = self.tls.is_none();
        let asking = self.threshold.step_on(&stream, addr.ip(), plain)?;
        // Only slower if refused.
        let _ = stream.set_nodelay(true);
        let stream = match &self.tls {
            Some(tls) => tls.accept(stream),
            None => Stream::plain(stream),
        };
        Some(Wire {
            stream: Some(stream),
            fate: Fate::default(),
            asking: Some(asking),
            goodbyes: self.goodbyes.clone(),
            metrics: self.threshold.metrics(),
        })
    }
}

impl Listener for Door {
    type Io = Wire;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Wire, SocketAddr) {
        loop {
            match self.listener.accept().await {
                Ok((stream, addr)) => {
                    if let Some(wire) = self.wire(stream, addr) {
                        return (wire, addr);
                    }
                }
                Err(e) if e.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(e) => {
                    self.threshold.cannot_accept();
                    warn!("cannot accept a connection: {e} (see ulimit -n)");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// Who is on the other side.
#[derive(Clone)]
pub(super) struct Caller {
    pub(super) addr: SocketAddr,
    /// The address of ours that it has reached.
    pub(super) local: Option<IpAddr>,
    pub(super) fate: Fate,
}

impl Connected<IncomingStream<'_, Door>> for Caller {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        Self {
            addr: *stream.remote_addr(),
            local: stream.io().local_ip(),
            fate: stream.io().fate.clone(),
        }
    }
}

/// One connection.
pub(super) struct Wire {
    /// Some until dropped.
    stream: Option<Stream>,
    fate: Fate,
    /// Until the upgrade.
    asking: Option<Box<Asking>>,
    goodbyes: TaskTracker,
    metrics: Metrics,
}

impl Wire {
    fn with<T>(
        self: Pin<&mut Self>,
        poll: impl FnOnce(Pin<&mut Stream>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let this = self.get_mut();
        let Some(stream) = this.stream.as_mut() else {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        };
        let was_open = !stream.has_failed();
        let polled = poll(Pin::new(stream));
        if let Poll::Ready(Err(why)) = &polled
            && was_open
            && stream.has_failed()
            // Who just went has refused nothing: such are the probes of balancers.
            && why.kind() == io::ErrorKind::InvalidData
        {
            debug!("no TLS: {why}");
            this.metrics.refused("no TLS");
        }
        polled
    }

    fn local_ip(&self) -> Option<IpAddr> {
        let local = self.stream.as_ref()?.tcp()?.local_addr().ok()?;
        Some(local.ip().to_canonical())
    }

    /// Whether it is still no WebSocket, and how that goes.
    fn asking(&mut self) -> Option<&mut Asking> {
        if self.fate.now() != HTTP {
            self.asking = None;
        }
        self.asking.as_deref_mut()
    }
}

/// Whoever brings much gives way to others sooner: a read costs one of the 128 steps of a turn, however much it brings.
fn be_fair(cx: &mut Context<'_>, bytes: usize) {
    for _ in 0..bytes / STEP {
        if let Poll::Ready(step) = poll_proceed(cx) {
            step.made_progress();
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(asking) = self.asking() {
            asking.may_read(cx)?;
        }
        let before = buf.filled().len();
        let read = self.as_mut().with(|stream| stream.poll_read(cx, buf));
        let bytes = buf.filled().len() - before;
        self.fate.hears(bytes);
        be_fair(cx, bytes);
        if let (Some(asking), Poll::Ready(result)) = (self.asking(), &read) {
            asking.has_read(result.as_ref().map(|()| bytes));
        }
        read
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if let Some(asking) = self.asking() {
            asking.may_write(cx, buf)?;
        }
        self.with(|stream| stream.poll_write(cx, buf))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|stream| stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|stream| stream.poll_shutdown(cx))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let Some(asking) = self.asking() {
            asking.may_write(cx, bufs.first().map_or(&[], |buf| buf))?;
        }
        self.with(|stream| stream.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        let Some(stream) = self.stream.take() else {
            return;
        };
        if let Some(asking) = self.asking() {
            let last_word = asking.ended();
            if let Some(tcp) = stream.unsecured().filter(|_| !last_word.is_empty()) {
                // As far as the socket takes it; the end says enough.
                let _ = tcp.try_write(last_word.as_bytes());
            }
        }
        match (self.fate.now(), tokio::runtime::Handle::try_current()) {
            (SOCKET | SLOW, Ok(runtime)) => {
                let goodbye = linger(stream, self.fate.clone());
                self.goodbyes.spawn_on(goodbye, &runtime);
            }
            (DEAD, _) => reset(&stream),
            _ => {}
        }
    }
}

/// Says that nothing more comes and throws away what still arrives, for a moment.
async fn linger(mut stream: Stream, fate: Fate) {
    let drain = async {
        stream.shutdown().await?;
        let mut waste = [0; 4096];
        // Below TLS: nobody wants to know what it says.
        if let Some(stream) = stream.tcp_mut() {
            while stream.read(&mut waste).await? > 0 {}
        }
        io::Result::Ok(())
    };
    let ended = timeout(LINGER, drain).await;
    if ended.is_err() && fate.now() == SLOW {
        reset(&stream);
    }
}

fn reset(stream: &Stream) {
    // If it cannot be set the stream is broken already.
    let _ = stream.tcp().map(TcpStream::set_zero_linger);
}

#[cfg(test)]
mod tests;
