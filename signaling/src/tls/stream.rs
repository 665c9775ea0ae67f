//! A TCP stream, or TLS on one. The handshake is part of the first read or write, so that accepting waits for nobody.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use tokio_rustls::{Accept, TlsAcceptor};

/// How every TLS connection begins: a record of type handshake, RFC 8446 section 5.1.
const HANDSHAKE: u8 = 22;

/// For whoever speaks HTTP where TLS is spoken.
const NO_TLS: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n\
    this server speaks TLS: use wss:// (peer-cli --server wss://...), or https:// in a browser\n";

/// One connection, secured or not.
pub(crate) struct Stream(State);

enum State {
    Plain(TcpStream),
    /// Its first byte tells whether TLS is spoken at all.
    Fresh(TcpStream, TlsAcceptor),
    Shaking(Box<Accept<TcpStream>>),
    Secured(Box<TlsStream<TcpStream>>),
    /// The handshake has failed.
    Over,
}

impl Stream {
    pub(crate) const fn plain(stream: TcpStream) -> Self {
        Self(State::Plain(stream))
    }

    pub(super) const fn secured(stream: TcpStream, acceptor: TlsAcceptor) -> Self {
        Self(State::Fresh(stream, acceptor))
    }

    /// Below whatever lies on it; none after a handshake that has failed.
    pub(crate) fn tcp(&self) -> Option<&TcpStream> {
        match &self.0 {
            State::Plain(stream) | State::Fresh(stream, _) => Some(stream),
            State::Shaking(accept) => accept.get_ref(),
            State::Secured(stream) => Some(stream.get_ref().0),
            State::Over => None,
        }
    }

    /// Where what is written is what the client reads.
    pub(crate) const fn unsecured(&self) -> Option<&TcpStream> {
        match &self.0 {
            State::Plain(stream) => Some(stream),
            _ => None,
        }
    }

    /// The same, to read what nobody wants to decrypt any more.
    pub(crate) fn tcp_mut(&mut self) -> Option<&mut TcpStream> {
        match &mut self.0 {
            State::Plain(stream) | State::Fresh(stream, _) => Some(stream),
            State::Shaking(accept) => accept.get_mut(),
            State::Secured(stream) => Some(stream.get_mut().0),
            State::Over => None,
        }
    }

    /// Whether a handshake was tried in vain.
    pub(crate) const fn has_failed(&self) -> bool {
        matches!(self.0, State::Over)
    }

    /// Until what is written and read is what the peers say.
    fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let next = match &mut self.0 {
                State::Plain(_) | State::Secured(_) => return Poll::Ready(Ok(())),
                State::Over => Err(io::ErrorKind::NotConnected.into()),
                State::Fresh(stream, acceptor) => ready!(poll_greeted(stream, cx))
                    .map(|()| acceptor.clone())
                    .map(Next::Shake),
                State::Shaking(accept) => ready!(Pin::new(accept.as_mut()).poll(cx))
                    .map(Box::new)
                    .map(Next::Speak),
            };
            let before = std::mem::replace(&mut self.0, State::Over);
            self.0 = match (next?, before) {
                (Next::Shake(acceptor), State::Fresh(stream, _)) => {
                    State::Shaking(Box::new(acceptor.accept(stream)))
                }
                (Next::Speak(stream), _) => State::Secured(stream),
                (Next::Shake(_), other) => other,
            };
        }
    }

    /// What lies open, once it does.
    fn poll_way(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Pin<&mut dyn Way>>> {
        ready!(self.poll_open(cx))?;
        Poll::Ready(match &mut self.0 {
            State::Plain(stream) => Ok(Pin::new(stream)),
            State::Secured(stream) => Ok(Pin::new(stream.as_mut())),
            State::Fresh(..) | State::Shaking(_) | State::Over => {
                Err(io::ErrorKind::NotConnected.into())
            }
        })
    }
}

/// To and fro.
trait Way: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Way for T {}

/// A step on the way.
enum Next {
    Shake(TlsAcceptor),
    Speak(Box<TlsStream<TcpStream>>),
}

/// Whether it begins as TLS does. The byte stays in the socket, for the handshake.
fn poll_greeted(stream: &mut TcpStream, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
    let mut byte = [0];
    let mut first = ReadBuf::new(&mut byte);
    ready!(stream.poll_peek(cx, &mut first))?;
    Poll::Ready(match first.filled() {
        [HANDSHAKE] => Ok(()),
        [] => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => {
            say_no(stream);
            Err(io::ErrorKind::InvalidData.into())
        }
    })
}

/// Into a buffer that is still empty. What was asked is read first: closing a socket with input unread resets it.
fn say_no(stream: &TcpStream) {
    let mut asked = [0; 4096];
    let _ = stream.try_read(&mut asked);
    let _ = stream.try_write(NO_TLS);
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_way(cx))?.poll_read(cx, buf)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_way(cx))?.poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_way(cx))?.poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_way(cx))?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            State::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            State::Secured(stream) => Pin::new(stream.as_mut()).poll_shutdown(cx),
            // Nothing was said that had to be ended.
            State::Fresh(..) | State::Shaking(_) | State::Over => Poll::Ready(Ok(())),
        }
    }
}
