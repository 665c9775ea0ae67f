#![allow(clippy::unwrap_used)]

use std::f64::consts::TAU;

use super::*;
use crate::audio::FRAME;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures");

/// Reads a source to its end, in frames of 20 ms.
fn read_all(source: &mut FileSource) -> Vec<f32> {
    let (mut sound, mut frame) = (Vec::new(), [0.0; 960]);
    loop {
        match source.read(&mut frame).unwrap() {
            Read::Full => sound.extend_from_slice(&frame),
            Read::Last(samples) => {
                sound.extend_from_slice(&frame[..samples]);
                return sound;
            }
            Read::NotYet => panic!("files never wait"),
        }
        assert!(sound.len() < 480_000, "no end");
    }
}

fn open(path: &Path) -> Vec<f32> {
    let mut source = FileSource::open(path, false, Channels::Mono).unwrap();
    source.start().unwrap();
    read_all(&mut source)
}

/// Amplitude of the part at `hz`, and the share of the power that it is.
fn tone_in(sound: &[f32], hz: f64) -> (f64, f64) {
    let (mut re, mut im, mut power) = (0.0, 0.0, 0.0);
    for (n, sample) in sound.iter().enumerate() {
        let (sin, cos) = (TAU * hz * n as f64 / 48_000.0).sin_cos();
        re += f64::from(*sample) * cos;
        im += f64::from(*sample) * sin;
        power += f64::from(*sample) * f64::from(*sample);
    }
    let amplitude = 2.0 * (re * re + im * im).sqrt() / sound.len() as f64;
    (
        amplitude,
        amplitude * amplitude / 2.0 / (power / sound.len() as f64),
    )
}

/// A wav file: `format` 1 whole numbers, 3 floating point; the tone is on the left channel only.
fn wav(format: u16, bits: u16, channels: u16, rate: u32, samples: u32) -> Vec<u8> {
    let frame = channels * bits / 8;
    let mut bytes = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0".to_vec();
    bytes.extend([format.to_le_bytes(), channels.to_le_bytes()].concat());
    bytes.extend([rate.to_le_bytes(), (rate * u32::from(frame)).to_le_bytes()].concat());
    bytes.extend([frame.to_le_bytes(), bits.to_le_bytes()].concat());
    bytes.extend(b"data");
    bytes.extend((samples * u32::from(frame)).to_le_bytes());
    for n in 0..samples {
        let tone = (TAU * 440.0 * f64::from(n) / f64::from(rate)).sin() * 0.25;
        for channel in 0..channels {
            let value = if channel == 0 { tone } else { 0.0 };
            match (format, bits) {
                (3, _) => bytes.extend((value as f32).to_le_bytes()),
                (_, 8) => bytes.push((128.0 + value * 127.0).round() as u8),
                _ => {
                    let whole = (value * 2f64.powi(i32::from(bits) - 1)) as i32;
                    bytes.extend(&whole.to_le_bytes()[..usize::from(bits / 8)]);
                }
            }
        }
    }
    let length = (bytes.len() - 8) as u32;
    bytes[4..8].copy_from_slice(&length.to_le_bytes());
    bytes
}

#[test]
fn wav_of_every_kind_is_read_in_full() {
    let folder = tempfile::tempdir().unwrap();
    for (format, bits, channels, rate) in [
        (1, 8, 1, 48_000),
        (1, 16, 1, 48_000),
        (1, 24, 2, 48_000),
        (1, 32, 1, 44_100),
        (3, 32, 2, 16_000),
        (1, 16, 6, 96_000),
        (1, 16, 1, 8_000),
    ] {
        let name = format!("{format}-{bits}-{channels}-{rate}.wav");
        let path = folder.path().join(&name);
        std::fs::write(&path, wav(format, bits, channels, rate, rate / 2)).unwrap();
        let sound = open(&path);
        assert_eq!(sound.len(), 24_000, "{name}");
        let (amplitude, share) = tone_in(&sound, 440.0);
        let expected = 0.25 / f64::from(channels);
        assert!(
            (amplitude / expected - 1.0).abs() < 0.03 && share > 0.97,
            "{name}: {amplitude} {share}"
        );
    }
}

#[test]
fn flac_mp3_and_opus_are_read_in_full() {
    for (name, slack) in [
        ("tone-440.flac", 0),
        ("tone-440.opus", 0),
        ("tone-440.mp3", 0),
    ] {
        let sound = open(&Path::new(FIXTURES).join(name));
        assert!(
            sound.len().abs_diff(24_000) <= slack,
            "{name}: {}",
            sound.len()
        );
        let (amplitude, share) = tone_in(&sound[2000..22_000], 440.0);
        assert!(
            (amplitude / 0.25 - 1.0).abs() < 0.1 && share > 0.97,
            "{name}: {amplitude} {share}"
        );
    }
}

#[test]
fn chained_opus_files_play_one_after_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chain.ogg");
    let mut bytes = std::fs::read(Path::new(FIXTURES).join("tone-440.opus")).unwrap();
    let second = folder.path().join("second.ogg");
    write_tone(&second, 30);
    bytes.extend(std::fs::read(second).unwrap());
    std::fs::write(&path, bytes).unwrap();
    assert_eq!(open(&path).len(), 24_000 + 30 * FRAME);
}

#[test]
fn a_file_can_be_repeated_without_a_gap_and_started_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.wav");
    std::fs::write(&path, wav(1, 16, 1, 48_000, 1_000)).unwrap();
    let once = open(&path);
    let mut source = FileSource::open(&path, true, Channels::Mono).unwrap();
    source.start().unwrap();
    let mut frame = [0.0; 2_500];
    assert_eq!(source.read(&mut frame).unwrap(), Read::Full);
    assert_eq!(
        (&frame[..1_000], &frame[1_000..2_000], &frame[2_000..]),
        (&once[..], &once[..], &once[..500])
    );
    source.start().unwrap();
    source.read(&mut frame).unwrap();
    assert_eq!(frame[..1_000], once[..]);

    std::fs::write(&path, wav(1, 16, 1, 48_000, 0)).unwrap();
    let mut source = FileSource::open(&path, true, Channels::Mono).unwrap();
    assert!(
        source
            .read(&mut frame)
            .unwrap_err()
            .to_string()
            .contains("no sound in it")
    );
}

#[test]
fn a_file_cut_off_in_the_middle_plays_as_far_as_it_goes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.wav");
    std::fs::write(&path, &wav(1, 16, 1, 48_000, 24_000)[..24_044]).unwrap();
    assert!(open(&path).len().abs_diff(12_000) < 1200);
}

#[test]
fn unusable_files_are_refused_with_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let mut vorbis = std::fs::read(Path::new(FIXTURES).join("tone-440.opus")).unwrap();
    vorbis[0x1c..0x24].copy_from_slice(b"\x01vorbis\0");
    for (path, reason) in [
        (folder.path().join("missing.wav"), "no such file"),
        (folder.path().to_owned(), "directory"),
        (put("empty.wav", b""), "is empty"),
        (
            put("text.wav", &b"this is no sound at all ".repeat(100)),
            "Ogg Opus work",
        ),
        (put("zero.mp3", &[0; 3000]), "Ogg Opus work"),
        (put("vorbis.ogg", &vorbis), "Ogg"),
        (put("rate.wav", &wav(1, 16, 1, 1_000, 500)), "1000 Hz"),
        (put("short.wav", b"RIFF\x10\0\0\0WAVE"), "Ogg Opus work"),
    ] {
        let error = FileSource::open(&path, false, Channels::Mono)
            .err()
            .map(|error| error.to_string())
            .unwrap();
        assert!(
            error.contains(reason) && error.starts_with(&*path.to_string_lossy()),
            "{error}"
        );
    }
    let error = create(&folder.path().join("none/x.wav"), Channels::Mono)
        .err()
        .map(|e| e.to_string())
        .unwrap();
    assert!(error.contains("cannot be written: no such file"), "{error}");
    assert!(create(Path::new("x.mp3"), Channels::Mono).is_err());
}

fn write_tone(path: &Path, frames: usize) {
    let mut sink = create(path, Channels::Mono).unwrap();
    for f in 0..frames {
        let at = |i: usize| ((TAU * 440.0 * (f * FRAME + i) as f64 / 48_000.0).sin() * 0.25) as f32;
        sink.write(&std::array::from_fn::<_, FRAME, _>(at)).unwrap();
    }
    sink.close().unwrap();
}

#[test]
fn what_is_written_is_read_back_to_the_sample() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.wav", "a.ogg", "a.opus"] {
        for frames in [0, 1, 2, 33, 101] {
            let path = folder.path().join(name);
            write_tone(&path, frames);
            let sound = open(&path);
            assert_eq!(sound.len(), frames * FRAME, "{name}");
            if frames > 30 {
                let (amplitude, share) = tone_in(&sound[480..frames * FRAME - 480], 440.0);
                assert!(
                    (amplitude / 0.25 - 1.0).abs() < 0.05 && share > 0.97,
                    "{name}: {amplitude} {share}"
                );
            }
        }
    }
}

#[test]
fn a_file_is_valid_while_it_is_being_written() {
    let folder = tempfile::tempdir().unwrap();
    for (name, lag) in [("live.wav", 10), ("live.ogg", 24)] {
        let path = folder.path().join(name);
        let mut sink = create(&path, Channels::Mono).unwrap();
        for frame in 0..200usize {
            sink.write(&[0.1; FRAME]).unwrap();
            if frame % 37 == 36 {
                let there = open(&path).len() / FRAME;
                assert!(
                    there <= frame + 1 && there + lag > frame,
                    "{name}: {there} of {frame}"
                );
            }
        }
        sink.stop().unwrap();
        if name == "live.wav" {
            assert_eq!(open(&path).len(), 200 * FRAME);
        }
        std::mem::forget(sink);
    }
}
