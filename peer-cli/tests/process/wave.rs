//! Sound files and raw samples, read and written by hand: the tests trust no code that they test.

use std::path::{Path, PathBuf};

/// Samples per second of everything that `peer-cli` writes.
pub(crate) const RATE: usize = 48_000;

/// The spoken sentence that the repository ships; 16 kHz.
pub(crate) fn spoken() -> PathBuf {
    fixture("speech.wav")
}

pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/fixtures")
        .join(name)
}

/// It as a microphone or a speaker.
pub(crate) fn spec(path: &Path) -> String {
    format!("file:{}", path.display())
}

/// A 16-bit mono file: its rate and its samples. What the header says must be there.
pub(crate) fn read(path: &Path) -> (usize, Vec<f32>) {
    let bytes = std::fs::read(path).unwrap();
    let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let name = path.display();
    assert_eq!(
        (&bytes[..4], &bytes[8..16]),
        (&b"RIFF"[..], &b"WAVEfmt "[..]),
        "{name}"
    );
    // PCM, one channel; 16 bits.
    assert_eq!(
        (&bytes[20..24], &bytes[32..36]),
        (&[1, 0, 1, 0][..], &[2, 0, 16, 0][..]),
        "{name}"
    );
    assert_eq!(&bytes[36..40], b"data", "{name}");
    let length = number(40);
    assert_eq!(
        number(4),
        length + 36,
        "{name}: two lengths that do not fit"
    );
    assert!(
        bytes.len() >= 44 + length,
        "{name}: the header promises more than there is"
    );
    (number(24), samples(&bytes[44..44 + length]))
}

/// Signed 16-bit little-endian samples.
pub(crate) fn samples(bytes: &[u8]) -> Vec<f32> {
    let sample = |pair: &[u8]| f32::from(i16::from_le_bytes([pair[0], pair[1]])) / 32_768.0;
    bytes.chunks_exact(2).map(sample).collect()
}

/// The other way round.
pub(crate) fn bytes(samples: &[f32]) -> Vec<u8> {
    let bytes = |sample: &f32| ((sample * 32_767.0) as i16).to_le_bytes();
    samples.iter().flat_map(bytes).collect()
}

/// A file of 16-bit mono sound.
pub(crate) fn write(path: &Path, rate: usize, samples: &[f32]) {
    std::fs::write(
        path,
        [header(rate, 1, 16, samples.len() * 2), bytes(samples)].concat(),
    )
    .unwrap();
}

/// The first 44 bytes of a PCM file.
pub(crate) fn header(rate: usize, channels: u16, bits: u16, length: usize) -> Vec<u8> {
    let [rate, length] = [rate, length].map(|number| u32::try_from(number).unwrap());
    let block = channels * bits / 8;
    let mut header = b"RIFF".to_vec();
    header.extend((length + 36).to_le_bytes());
    header.extend(b"WAVEfmt \x10\0\0\0\x01\0");
    header.extend(channels.to_le_bytes());
    header.extend(rate.to_le_bytes());
    header.extend((rate * u32::from(block)).to_le_bytes());
    header.extend(block.to_le_bytes());
    header.extend(bits.to_le_bytes());
    header.extend(b"data");
    header.extend(length.to_le_bytes());
    header
}

/// A third of the rate: 48 kHz to 16 kHz. Each new sample is a weighted mean, which keeps what speech needs.
pub(crate) fn third(samples: &[f32]) -> Vec<f32> {
    const WEIGHTS: [f32; 5] = [0.1, 0.2, 0.4, 0.2, 0.1];
    let at = |index: usize| samples.get(index.wrapping_sub(2)).copied().unwrap_or(0.0);
    (0..samples.len() / 3)
        .map(|step| {
            WEIGHTS
                .iter()
                .enumerate()
                .map(|(tap, weight)| weight * at(3 * step + tap))
                .sum()
        })
        .collect()
}

/// Three times the rate, on straight lines between the samples.
pub(crate) fn tripled(samples: &[f32]) -> Vec<f32> {
    let next = samples.iter().skip(1).chain(samples.last());
    samples
        .iter()
        .zip(next)
        .flat_map(|(a, b)| [*a, a + (b - a) / 3.0, a + (b - a) * 2.0 / 3.0])
        .collect()
}
