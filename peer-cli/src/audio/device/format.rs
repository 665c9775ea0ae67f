//! What a device can do, and the best choice for a call.

use cpal::traits::DeviceTrait as _;
use cpal::{BufferSize, SampleFormat, StreamConfig, SupportedBufferSize, SupportedStreamConfig};

use crate::audio::{DeviceKind, SAMPLE_RATE};

/// Formats that we convert.
const FORMATS: [SampleFormat; 7] = [
    SampleFormat::F32,
    SampleFormat::I16,
    SampleFormat::I32,
    SampleFormat::I24,
    SampleFormat::U8,
    SampleFormat::U16,
    SampleFormat::F64,
];
/// Periods tried in turn, in ms. Never the default of the system: it may be seconds.
const PERIODS_MS: [u32; 3] = [10, 20, 40];

/// The way a device is used.
#[derive(Debug, Clone, Copy)]
pub(super) struct Format {
    pub(super) sample: SampleFormat,
    pub(super) channels: usize,
    pub(super) rate: u32,
    buffers: SupportedBufferSize,
}

impl Format {
    /// The device's own format, at 48 kHz if it can.
    pub(super) fn choose(device: &cpal::Device, kind: DeviceKind) -> Result<Format, cpal::Error> {
        let preferred = match kind {
            DeviceKind::Input => device.default_input_config()?,
            DeviceKind::Output => device.default_output_config()?,
        };
        let ranges: Vec<_> = match kind {
            DeviceKind::Input => device.supported_input_configs()?.collect(),
            DeviceKind::Output => device.supported_output_configs()?.collect(),
        };
        let same = |config: &SupportedStreamConfig| {
            (
                config.channels() == preferred.channels(),
                config.sample_format() == preferred.sample_format(),
            )
        };
        let possible = ranges
            .into_iter()
            .filter(|range| FORMATS.contains(&range.sample_format()));
        let exact = possible
            .filter_map(|range| range.try_with_sample_rate(SAMPLE_RATE))
            .max_by_key(same);
        let chosen = exact.unwrap_or(preferred);
        if !FORMATS.contains(&chosen.sample_format()) {
            let message = format!("its samples are {}", chosen.sample_format());
            return Err(cpal::Error::with_message(
                cpal::ErrorKind::UnsupportedConfig,
                message,
            ));
        }
        Ok(Format {
            sample: chosen.sample_format(),
            channels: usize::from(chosen.channels()),
            rate: chosen.sample_rate(),
            buffers: *chosen.buffer_size(),
        })
    }

    /// Tries short periods first.
    pub(super) fn open<T>(
        &self,
        mut build: impl FnMut(StreamConfig) -> Result<T, cpal::Error>,
    ) -> Result<T, cpal::Error> {
        let mut last = Err(cpal::Error::new(cpal::ErrorKind::UnsupportedConfig));
        for ms in PERIODS_MS {
            let mut frames = self.rate / 1000 * ms;
            if let SupportedBufferSize::Range { min, max } = self.buffers {
                frames = frames.clamp(min.min(max), max);
            }
            last = build(StreamConfig {
                channels: self.channels as u16,
                sample_rate: self.rate,
                buffer_size: BufferSize::Fixed(frames),
            });
            match &last {
                Err(error) if error.kind() == cpal::ErrorKind::UnsupportedConfig => {}
                _ => break,
            }
        }
        last
    }
}

/// Calls `$build` with the type of the samples in place of `$sample`.
macro_rules! with_sample {
    ($format:expr, $sample:ident => $build:expr) => {
        match $format {
            cpal::SampleFormat::F32 => {
                type $sample = f32;
                $build
            }
            cpal::SampleFormat::I16 => {
                type $sample = i16;
                $build
            }
            cpal::SampleFormat::I32 => {
                type $sample = i32;
                $build
            }
            cpal::SampleFormat::I24 => {
                type $sample = cpal::I24;
                $build
            }
            cpal::SampleFormat::U8 => {
                type $sample = u8;
                $build
            }
            cpal::SampleFormat::U16 => {
                type $sample = u16;
                $build
            }
            cpal::SampleFormat::F64 => {
                type $sample = f64;
                $build
            }
            _ => Err(cpal::Error::new(cpal::ErrorKind::UnsupportedConfig)),
        }
    };
}
pub(super) use with_sample;
