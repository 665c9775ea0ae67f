//! The datagram socket that clients ask: an answer leaves from the very address that was asked, also on a wildcard.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr};

use quinn_udp::{RecvMeta, Transmit, UdpSocketState};
use socket2::{Domain, Protocol, SockRef, Type};
use tokio::io::Interest;
use tokio::net::UdpSocket;

/// Bytes that the kernel may hold for each socket: some tens of milliseconds of many calls. It may grant less.
const KERNEL_BUFFER: usize = 1 << 20;

/// Reads of one system call.
const BATCH: usize = 8;
/// Bytes of one read: what the kernel joins to one (GRO) fits, too.
const READ: usize = 1 << 16;

/// Where a batch is read into.
pub(super) struct Buffers {
    bytes: Vec<[u8; READ]>,
    meta: [RecvMeta; BATCH],
}

impl Buffers {
    pub(super) fn new() -> Self {
        Self {
            bytes: vec![[0; READ]; BATCH],
            meta: [RecvMeta::default(); BATCH],
        }
    }
}

/// One socket of one family.
pub(super) struct Socket {
    io: UdpSocket,
    state: UdpSocketState,
    local: SocketAddr,
}

impl Socket {
    pub(super) fn bind(addr: SocketAddr) -> io::Result<Self> {
        let io = open(addr)?;
        let state = UdpSocketState::new((&io).into())?;
        let local = io.local_addr()?;
        Ok(Self { io, state, local })
    }

    pub(super) const fn local(&self) -> SocketAddr {
        self.local
    }

    /// Until there is something to read.
    pub(super) async fn readable(&self) -> io::Result<()> {
        self.io.readable().await
    }

    /// Reads one batch and shows each datagram: its source, the address of ours that it was sent to, its bytes.
    pub(super) fn read(
        &self,
        buffers: &mut Buffers,
        mut show: impl FnMut(SocketAddr, IpAddr, &[u8]),
    ) -> io::Result<()> {
        let Buffers { bytes, meta } = buffers;
        let mut slices = bytes.iter_mut().map(|b| IoSliceMut::new(b));
        let mut slices: [IoSliceMut<'_>; BATCH] =
            std::array::from_fn(|_| slices.next().unwrap_or_else(|| IoSliceMut::new(&mut [])));
        let read = || self.state.recv((&self.io).into(), &mut slices, meta);
        let count = self.io.try_io(Interest::READABLE, read)?;
        for (meta, bytes) in meta.iter().zip(bytes.iter()).take(count) {
            let local = meta.dst_ip.unwrap_or(self.local.ip()).to_canonical();
            for datagram in bytes[..meta.len].chunks(meta.stride.max(1)) {
                show(meta.addr, local, datagram);
            }
        }
        Ok(())
    }

    /// Whether the kernel took it; if it has no room, it is lost as any datagram may be.
    pub(super) fn send(&self, from: IpAddr, to: SocketAddr, contents: &[u8]) -> bool {
        let transmit = Transmit {
            destination: to,
            ecn: None,
            contents,
            segment_size: None,
            src_ip: (!from.is_unspecified()).then_some(from),
        };
        self.state.try_send((&self.io).into(), &transmit).is_ok()
    }
}

/// The same for a socket that needs no choice of source. Asks the kernel itself: a socket that has just been opened counts as
/// not writable for the runtime until it has heard of it from there.
pub(super) fn send(socket: &UdpSocket, to: SocketAddr, contents: &[u8]) -> bool {
    SockRef::from(socket).send_to(contents, &to.into()).is_ok()
}

/// A socket of its own family only, with room in the kernel.
pub(super) fn open(addr: SocketAddr) -> io::Result<UdpSocket> {
    let socket = socket2::Socket::new(Domain::for_address(addr), Type::DGRAM, Some(Protocol::UDP))?;
    if addr.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&addr.into())?;
    let room = SockRef::from(&socket);
    // Refused is less than asked for, and fast senders lose more.
    let _ = room.set_recv_buffer_size(KERNEL_BUFFER);
    let _ = room.set_send_buffer_size(KERNEL_BUFFER);
    UdpSocket::from_std(socket.into())
}
