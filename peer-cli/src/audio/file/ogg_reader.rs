//! Ogg Opus (RFC 7845), brought to the channels asked for by the decoder; chained files play one after the other.

use std::collections::VecDeque;
use std::fs::File;
use std::io::BufReader;

use ogg::{OggReadError, Packet, PacketReader};

use super::{FORMATS, Reader};
use crate::codec::opus::{self, Decoder};
use crate::proto::channels::Channels;

pub(super) struct OggReader {
    packets: PacketReader<BufReader<File>>,
    /// Packets of the first page, read ahead to learn where the stream starts.
    ahead: VecDeque<Packet>,
    channels: Channels,
    stream: Stream,
}

/// One link of the chain.
struct Stream {
    serial: u32,
    channels: usize,
    decoder: Decoder,
    gain: f32,
    /// Samples of each channel still to be left out at the start.
    skip: usize,
    /// Granule position reached.
    position: u64,
}

impl OggReader {
    pub(super) fn new(file: File, channels: Channels) -> Result<OggReader, String> {
        let mut packets = PacketReader::new(BufReader::new(file));
        let Some(head) = packets.read_packet().map_err(|error| words(&error))? else {
            return Err(format!("is empty ({FORMATS})"));
        };
        let stream = Stream::new(&head, channels)?;
        let mut reader = OggReader {
            packets,
            ahead: VecDeque::new(),
            channels,
            stream,
        };
        reader.begin()?;
        Ok(reader)
    }

    /// Skips the tags and reads the first page of sound.
    fn begin(&mut self) -> Result<(), String> {
        let mut tags = false;
        while let Some(packet) = self.packets.read_packet().map_err(|error| words(&error))? {
            if packet.stream_serial() != self.stream.serial {
                continue;
            }
            if !tags {
                tags = true;
                continue;
            }
            let (last, end) = (packet.last_in_page(), packet.last_in_stream());
            let granule = packet.absgp_page();
            self.ahead.push_back(packet);
            if last || end {
                let samples: usize = self
                    .ahead
                    .iter()
                    .filter_map(|p| opus::duration(&p.data))
                    .sum();
                // A recording may have begun before the file did; in one that is shorter than a page the granule cuts its end.
                let start = granule.saturating_sub(samples as u64);
                self.stream.position = if end { 0 } else { start };
                break;
            }
        }
        Ok(())
    }

    fn next(&mut self) -> Result<Option<Packet>, String> {
        match self.ahead.pop_front() {
            Some(packet) => Ok(Some(packet)),
            None => self.packets.read_packet().map_err(|error| words(&error)),
        }
    }
}

impl Reader for OggReader {
    fn rate(&self) -> u32 {
        opus::SAMPLE_RATE
    }

    fn read(&mut self, out: &mut Vec<f32>) -> Result<bool, String> {
        let Some(packet) = self.next()? else {
            return Ok(false);
        };
        if packet.stream_serial() == self.stream.serial {
            self.stream.decode(&packet, out)?;
        } else if packet.first_in_stream() && packet.data.starts_with(b"OpusHead") {
            self.stream = Stream::new(&packet, self.channels)?;
            self.begin()?;
        }
        Ok(true)
    }
}

impl Stream {
    /// Reads the identification header (RFC 7845, section 5.1).
    fn new(head: &Packet, wanted: Channels) -> Result<Stream, String> {
        let data = &head.data;
        if !data.starts_with(b"OpusHead") || data.len() < 19 {
            return Err(format!("is Ogg, but not Opus ({FORMATS})"));
        }
        let (version, channels, family) = (data[8], data[9], data[18]);
        if version >> 4 != 0 {
            return Err(format!(
                "is of version {version} of Ogg Opus, which is unknown"
            ));
        }
        if family != 0 || !(1..=2).contains(&channels) {
            return Err(format!(
                "has {channels} channels (one or two work in Ogg Opus)"
            ));
        }
        let gain = f32::from(i16::from_le_bytes([data[16], data[17]])) / 256.0;
        Ok(Stream {
            serial: head.stream_serial(),
            channels: wanted.count(),
            decoder: Decoder::new(wanted).map_err(|error| error.to_string())?,
            gain: 10f32.powf(gain / 20.0),
            skip: usize::from(u16::from_le_bytes([data[10], data[11]])),
            position: 0,
        })
    }

    fn decode(&mut self, packet: &Packet, out: &mut Vec<f32>) -> Result<(), String> {
        let expected = opus::duration(&packet.data).unwrap_or(0);
        let sound = match self.decoder.decode(&packet.data) {
            Ok(sound) => sound,
            // One broken packet is a gap, not the end.
            Err(_) => self
                .decoder
                .conceal(expected)
                .map_err(|error| error.to_string())?,
        };
        // The granule position of a page is that of its end: the last page tells where the sound is cut.
        let left = usize::try_from(packet.absgp_page().saturating_sub(self.position))
            .unwrap_or(usize::MAX);
        let samples = sound.len() / self.channels;
        let end = samples.min(left);
        self.position += samples as u64;
        if packet.last_in_page() {
            // A hole in the file must not silence the rest.
            self.position = packet.absgp_page();
        }
        let start = self.skip.min(end);
        self.skip -= start;
        let played = &sound[start * self.channels..end * self.channels];
        out.extend(played.iter().map(|sample| sample * self.gain));
        Ok(())
    }
}

fn words(error: &OggReadError) -> String {
    match error {
        OggReadError::ReadError(error) => format!("cannot be read: {}", super::plain(error)),
        other => format!("is a broken Ogg file: {other:?}"),
    }
}
