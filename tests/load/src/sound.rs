//! The sound, encoded once for all calls.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use peer_cli::audio::spec::SourceSpec;
use peer_cli::audio::{self, Read};
use peer_cli::codec::opus::{Encoder, EncoderOptions};
use peer_cli::proto::channels::Channels;

/// A minute of 20 ms packets: more of a longer file would teach nothing.
const MOST: usize = 3000;

/// Packets of 20 ms, as an ordinary call would send them.
///
/// # Errors
/// When the file cannot be read, or holds less than a packet.
pub(crate) fn encode(path: &Path) -> Result<Arc<[Bytes]>> {
    let spec = SourceSpec::File {
        path: path.to_owned(),
        repeat: false,
    };
    let source = audio::open_source(&spec, Channels::Mono)?;
    let mut source = source.context("a file is always a source")?;
    let mut encoder = Encoder::new(&EncoderOptions::default())?;
    let mut frame = vec![0.0; encoder.frame()];
    let mut packets = Vec::new();
    source.start()?;
    while packets.len() < MOST && source.read(&mut frame)? == Read::Full {
        packets.push(encoder.encode(&frame)?);
    }
    if packets.is_empty() {
        bail!("{} is shorter than 20 ms", path.display());
    }
    Ok(packets.into())
}
