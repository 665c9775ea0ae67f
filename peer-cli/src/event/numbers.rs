//! How the numbers of events are rounded.

use std::time::Duration;

use data_encoding::BASE64;
use serde::Serializer;

/// Milliseconds with at most one decimal.
pub(super) fn milliseconds<S: Serializer>(
    time: &Duration,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(rounded(time.as_secs_f64() * 1e3, 10.0))
}

/// Seconds with at most three decimals.
pub(super) fn milliseconds_of_seconds<S: Serializer>(
    time: &Duration,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(rounded(time.as_secs_f64(), 1e3))
}

/// Milliseconds, if known.
pub(super) fn maybe_milliseconds<S: Serializer>(
    time: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => milliseconds(time, serializer),
        None => serializer.serialize_none(),
    }
}

/// Seconds with at most six decimals, if known.
pub(super) fn maybe_microseconds_of_seconds<S: Serializer>(
    time: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => serializer.serialize_f64(rounded(time.as_secs_f64(), 1e6)),
        None => serializer.serialize_none(),
    }
}

/// A share with at most four decimals, if known.
pub(super) fn maybe_fraction<S: Serializer>(
    share: &Option<f64>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match share {
        Some(share) => serializer.serialize_f64(rounded(*share, 1e4)),
        None => serializer.serialize_none(),
    }
}

/// Bytes as RFC 4648 base64.
pub(super) fn base64<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&BASE64.encode(bytes))
}

fn rounded(value: f64, steps: f64) -> f64 {
    (value * steps).round() / steps
}
