//! wav, flac and mp3.

use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;

use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;

use super::{FORMATS, Reader};
use crate::proto::channels::Channels;

/// Broken packets in a row after which a file counts as broken.
const PATIENCE: u32 = 50;

pub(super) struct Decoded {
    format: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track: u32,
    rate: u32,
    channels: Channels,
    interleaved: Vec<f32>,
    broken: u32,
}

impl Decoded {
    pub(super) fn new(file: File, path: &Path, channels: Channels) -> Result<Decoded, String> {
        let mut hint = Hint::new();
        if let Some(ending) = path.extension().and_then(|ending| ending.to_str()) {
            hint.with_extension(ending);
        }
        let unknown =
            |reason: &str| format!("is no sound file that can be read: {reason} ({FORMATS})");
        let stream = MediaSourceStream::new(Box::new(file), Default::default());
        let format = symphonia::default::get_probe()
            .probe(
                &hint,
                stream,
                FormatOptions::default(),
                MetadataOptions::default(),
            )
            .map_err(|error| unknown(&words(&error)))?;
        let track = format
            .default_track(TrackType::Audio)
            .ok_or_else(|| unknown("it holds no sound"))?;
        let parameters = track
            .codec_params
            .as_ref()
            .and_then(|parameters| parameters.audio());
        let parameters = parameters.ok_or_else(|| unknown("its codec is unknown"))?;
        let rate = parameters
            .sample_rate
            .ok_or_else(|| unknown("it states no sample rate"))?;
        let decoder = symphonia::default::get_codecs()
            .make_audio_decoder(parameters, &AudioDecoderOptions::default())
            .map_err(|error| unknown(&words(&error)))?;
        let track = track.id;
        Ok(Decoded {
            format,
            decoder,
            track,
            rate,
            channels,
            interleaved: Vec::new(),
            broken: 0,
        })
    }
}

impl Reader for Decoded {
    fn rate(&self) -> u32 {
        self.rate
    }

    fn read(&mut self, out: &mut Vec<f32>) -> Result<bool, String> {
        let packet = match self.format.next_packet() {
            Ok(Some(packet)) => packet,
            Ok(None) => return Ok(false),
            // Cut off: what is there is played.
            Err(Error::IoError(error)) if error.kind() == ErrorKind::UnexpectedEof => {
                return Ok(false);
            }
            Err(error) => return Err(format!("is broken in the middle: {}", words(&error))),
        };
        if packet.track_id != self.track {
            return Ok(true);
        }
        let decoded = match self.decoder.decode(&packet) {
            Ok(decoded) => decoded,
            Err(Error::DecodeError(_)) if self.broken < PATIENCE => {
                self.broken += 1;
                return Ok(true);
            }
            Err(error) => return Err(format!("is broken in the middle: {}", words(&error))),
        };
        self.broken = 0;
        if decoded.spec().rate() != self.rate {
            return Err("changes its sample rate in the middle".to_owned());
        }
        let channels = decoded.num_planes().max(1);
        decoded.copy_to_vec_interleaved(&mut self.interleaved);
        self.channels.append(channels, &self.interleaved, out);
        Ok(true)
    }
}

fn words(error: &Error) -> String {
    match error {
        Error::IoError(error) => super::plain(error),
        Error::DecodeError(what) | Error::Unsupported(what) | Error::LimitError(what) => {
            (*what).to_owned()
        }
        other => other.to_string(),
    }
}
