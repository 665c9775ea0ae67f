//! Quantities as people write them: `500ms`, `5%`, `64k`.

use std::time::Duration;

/// The longest duration taken: far beyond any call, far below what a clock can be moved by.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// `500ms`, `30s`, `5m`, `2h`; decimals are fine, a missing unit is not.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("\"{text}\" is not a duration (write 500ms, 30s or 5m)");
    let (number, unit) = number_and_unit(text).ok_or_else(wrong)?;
    let seconds = match unit {
        "ms" => number / 1e3,
        "s" => number,
        "m" => number * 60.0,
        "h" => number * 3600.0,
        "" => {
            return Err(format!(
                "\"{text}\" has no unit (write {text}s or {text}ms)"
            ));
        }
        _ => return Err(wrong()),
    };
    match Duration::try_from_secs_f64(seconds) {
        Ok(duration) if duration <= LONGEST => Ok(duration),
        _ => Err(format!("\"{text}\" is too long (at most 8760h)")),
    }
}

/// `5%` as 0.05; between 0 and 100 %.
pub fn percentage(text: &str) -> Result<f64, String> {
    match number_and_unit(text) {
        Some((number, "%")) if number <= 100.0 => Ok(number / 100.0),
        Some((_, "%")) => Err(format!("\"{text}\" is more than 100%")),
        Some((_, "")) => Err(format!("\"{text}\" has no unit (write {text}%)")),
        _ => Err(format!("\"{text}\" is not a percentage (write 5% or 0.5%)")),
    }
}

/// `64k`, `1.5M`, `64000`: bits a second, k = 1000.
pub fn bit_rate(text: &str) -> Result<u64, String> {
    let wrong = || format!("\"{text}\" is not a rate in bit/s (write 64k or 1M; k = 1000)");
    let (number, unit) = number_and_unit(text).ok_or_else(wrong)?;
    let factor = match unit {
        "" => 1.0,
        "k" | "K" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        _ => return Err(wrong()),
    };
    // The cast saturates: nobody's rate is near 2^64 bit/s.
    Ok((number * factor).round() as u64)
}

/// Splits digits, with at most one decimal point between them, from what follows.
pub(crate) fn number_and_unit(text: &str) -> Option<(f64, &str)> {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    if !number.starts_with(|c: char| c.is_ascii_digit()) || number.ends_with('.') {
        return None;
    }
    Some((number.parse().ok()?, unit))
}

/// A duration as one would type it, in the largest unit that keeps it whole: `500ms`, `30s`, `5m`.
pub fn written(duration: Duration) -> String {
    let millis = duration.as_millis();
    if duration.is_zero() {
        "0s".to_owned()
    } else if !duration.subsec_nanos().is_multiple_of(1_000_000) {
        format!("{}ms", duration.as_secs_f64() * 1e3)
    } else if !millis.is_multiple_of(1000) {
        format!("{millis}ms")
    } else if !millis.is_multiple_of(60_000) {
        format!("{}s", millis / 1000)
    } else {
        format!("{}m", millis / 60_000)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations() {
        for (text, millis) in [
            ("500ms", 500),
            ("30s", 30_000),
            ("5m", 300_000),
            ("1.5s", 1500),
            ("0s", 0),
            ("2h", 7_200_000),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in [
            "",
            "s",
            "-1s",
            "1 s",
            "1S",
            "1.s",
            ".5s",
            "1..5s",
            "1d",
            "∞s",
            "9999999999h",
            "1e9s",
            "nans",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
        assert_eq!(
            duration("30"),
            Err("\"30\" has no unit (write 30s or 30ms)".to_owned())
        );
    }

    #[test]
    fn percentages() {
        for (text, share) in [("5%", 0.05), ("0.5%", 0.005), ("0%", 0.0), ("100%", 1.0)] {
            assert_eq!(percentage(text), Ok(share), "{text}");
        }
        for text in ["", "%", "5", "-5%", "101%", "5 %", "five%", "5%%"] {
            assert!(percentage(text).is_err(), "{text}");
        }
    }

    #[test]
    fn rates() {
        for (text, rate) in [
            ("64k", 64_000),
            ("1.5M", 1_500_000),
            ("64000", 64_000),
            ("1G", 1_000_000_000),
        ] {
            assert_eq!(bit_rate(text), Ok(rate), "{text}");
        }
        for text in ["", "k", "-64k", "64kb", "64 k"] {
            assert!(bit_rate(text).is_err(), "{text}");
        }
    }

    #[test]
    fn fractions_of_a_millisecond_are_kept() {
        assert_eq!(written(Duration::from_micros(500)), "0.5ms");
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(millis in 0u64..10_000_000) {
            let written = written(Duration::from_millis(millis));
            prop_assert_eq!(duration(&written), Ok(Duration::from_millis(millis)));
        }

        #[test]
        fn no_text_panics(text in ".*") {
            let _ = (duration(&text), percentage(&text), bit_rate(&text));
        }
    }
}
