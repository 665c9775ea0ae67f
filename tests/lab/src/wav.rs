//! Just enough of RIFF WAVE to read what a call recorded: 16-bit PCM, mixed down to one channel.                      PURE

use anyhow::{Context, Result, bail, ensure};

/// One channel of sound, samples between −1 and 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Sound {
    /// Samples a second.
    pub rate: u32,
    /// One after the other.
    pub samples: Vec<f32>,
}

const PCM: u16 = 1;
const EXTENSIBLE: u16 = 0xFFFE;
/// Of one 16-bit sample.
const FULL_SCALE: f32 = 32_768.0;

impl Sound {
    /// How long it is.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.samples.len() as f64 / f64::from(self.rate)
    }
}

/// Reads a whole file; a data chunk that promises more than there is gives what there is.
pub fn parse(file: &[u8]) -> Result<Sound> {
    ensure!(
        file.len() >= 12 && &file[..4] == b"RIFF" && &file[8..12] == b"WAVE",
        "not a wav file"
    );
    let mut format = None;
    let mut rest = &file[12..];
    while rest.len() >= 8 {
        let (head, body) = rest.split_at(8);
        let announced = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        let length = announced.min(body.len());
        match &head[..4] {
            b"fmt " => format = Some(Format::parse(&body[..length])?),
            b"data" => {
                return Ok(format
                    .context("wav data before its format")?
                    .mono(&body[..length]));
            }
            _ => {}
        }
        // Chunks are padded to an even length.
        rest = body.get(length + (length & 1)..).unwrap_or_default();
    }
    bail!("wav file without data")
}

/// A whole file of one channel.
pub fn write(sound: &Sound) -> Vec<u8> {
    let data: Vec<u8> = sound
        .samples
        .iter()
        .flat_map(|sample| {
            ((sample * FULL_SCALE)
                .round()
                .clamp(-FULL_SCALE, FULL_SCALE - 1.0) as i16)
                .to_le_bytes()
        })
        .collect();
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
    let mut file = b"RIFF".to_vec();
    file.extend(length.saturating_add(36).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16_u32.to_le_bytes());
    for half in [PCM, 1] {
        file.extend(half.to_le_bytes());
    }
    for whole in [sound.rate, sound.rate * 2] {
        file.extend(whole.to_le_bytes());
    }
    for half in [2_u16, 16] {
        file.extend(half.to_le_bytes());
    }
    file.extend(b"data");
    file.extend(length.to_le_bytes());
    file.extend(data);
    file
}

struct Format {
    channels: usize,
    rate: u32,
}

impl Format {
    fn parse(chunk: &[u8]) -> Result<Self> {
        ensure!(
            chunk.len() >= 16,
            "wav format of {} bytes, at least 16 expected",
            chunk.len()
        );
        let half = |at: usize| u16::from_le_bytes([chunk[at], chunk[at + 1]]);
        let (kind, channels, bits) = (half(0), usize::from(half(2)), half(14));
        let rate = u32::from_le_bytes([chunk[4], chunk[5], chunk[6], chunk[7]]);
        ensure!(
            [PCM, EXTENSIBLE].contains(&kind) && bits == 16,
            "wav format {kind} with {bits} bits, only 16-bit PCM is read here"
        );
        ensure!(
            channels > 0 && rate > 0,
            "wav with {channels} channels at {rate} Hz"
        );
        Ok(Self { channels, rate })
    }

    fn mono(&self, data: &[u8]) -> Sound {
        let samples = data
            .chunks_exact(2 * self.channels)
            .map(|frame| {
                let sum: f32 = frame
                    .chunks_exact(2)
                    .map(|sample| f32::from(i16::from_le_bytes([sample[0], sample[1]])))
                    .sum();
                sum / (self.channels as f32 * FULL_SCALE)
            })
            .collect();
        Sound {
            rate: self.rate,
            samples,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Sound, parse, write};

    fn ramp() -> Sound {
        Sound {
            rate: 16_000,
            samples: (-50_i16..50).map(|n| f32::from(n) / 64.0).collect(),
        }
    }

    #[test]
    fn reads_what_it_wrote() {
        assert_eq!(parse(&write(&ramp())).expect("valid"), ramp());
    }

    #[test]
    fn a_file_cut_short_gives_what_is_there() {
        let file = write(&ramp());
        assert_eq!(
            parse(&file[..file.len() - 41])
                .expect("valid")
                .samples
                .len(),
            100 - 21
        );
    }

    #[test]
    fn two_channels_become_their_mean() {
        let mut file = write(&Sound {
            rate: 8000,
            samples: vec![0.5, -0.5, 0.25, 0.75],
        });
        file[22] = 2;
        assert_eq!(parse(&file).expect("valid").samples, [0.0, 0.5]);
    }

    #[test]
    fn refuses_what_it_cannot_read() {
        let good = write(&ramp());
        for (at, byte) in [(0, b'X'), (20, 3), (34, 8), (22, 0), (36, b'X')] {
            let mut file = good.clone();
            file[at] = byte;
            assert!(parse(&file).is_err(), "byte {at}");
        }
        for end in 0..44 {
            assert!(parse(&good[..end]).is_err(), "cut at {end}");
        }
    }
}
