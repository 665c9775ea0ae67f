//! TURN over TCP and TLS (RFC 8656 3.1): messages one after the other.

use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;

use super::framing::{Frames, padded};
use super::{Arrived, RelayError};
use crate::net::{DialError, Dialer, Stream};
use crate::rtc::servers::{TurnServer, TurnTransport};

/// Messages on their way out: half a second of a busy call. More are lost, as on any network.
pub(super) const QUEUE: usize = 256;

/// Bytes read at once.
const PIECE: usize = 16 * 1024;

/// Connects, through a proxy where there is one.
pub(super) async fn dial(dialer: &Dialer, server: &TurnServer) -> Result<Stream, RelayError> {
    let dialed = match server.transport() {
        TurnTransport::Tls => dialer.tls(server.host(), server.port()).await,
        _ => dialer.tcp(server.host(), server.port()).await,
    };
    dialed.map_err(|error| RelayError::Unreachable(error.to_string()))
}

/// Carries messages until the route is gone (`None`) or the stream ends, for the reason that is returned.
pub(super) async fn run(
    stream: impl AsyncRead + AsyncWrite,
    messages: mpsc::Receiver<Vec<u8>>,
    arrived: &mpsc::Sender<Arrived>,
    from: SocketAddr,
) -> Option<String> {
    let (reader, writer) = tokio::io::split(stream);
    tokio::select! {
        why = read(reader, arrived, from) => Some(why),
        why = write(writer, messages) => why,
    }
}

async fn read(
    mut reader: impl AsyncRead + Unpin,
    arrived: &mpsc::Sender<Arrived>,
    from: SocketAddr,
) -> String {
    let mut frames = Frames::default();
    let mut piece = vec![0_u8; PIECE];
    loop {
        match reader.read(&mut piece).await {
            Ok(0) => return "the server closed the connection".to_owned(),
            Ok(length) => frames.push(&piece[..length]),
            Err(error) => return DialError::from(error).to_string(),
        }
        loop {
            match frames.next() {
                // A socket that is not read loses what comes, as any socket does.
                Ok(Some(message)) => drop(arrived.try_send((message.to_vec(), from))),
                Ok(None) => break,
                Err(_) => return "what answers there is no TURN server".to_owned(),
            }
        }
    }
}

async fn write(
    mut writer: impl AsyncWrite + Unpin,
    mut messages: mpsc::Receiver<Vec<u8>>,
) -> Option<String> {
    while let Some(message) = messages.recv().await {
        let mut batch = padded(message);
        // What else waits goes into the same segment.
        while let Ok(message) = messages.try_recv() {
            batch.extend(padded(message));
        }
        if let Err(error) = write_whole(&mut writer, &batch).await {
            return Some(DialError::from(error).to_string());
        }
    }
    // The last word, which frees the allocation, has left.
    let _ = writer.shutdown().await;
    None
}

async fn write_whole(writer: &mut (impl AsyncWrite + Unpin), batch: &[u8]) -> std::io::Result<()> {
    writer.write_all(batch).await?;
    writer.flush().await
}
