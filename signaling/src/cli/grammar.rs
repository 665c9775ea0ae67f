//! Sizes, rates and switches as people write them.

use std::net::SocketAddr;
use std::time::Duration;

use crate::log::Format;

/// `65536`, `64k` or `1M` bytes; k is 1024.
pub(super) fn size(text: &str) -> Result<usize, String> {
    let (digits, factor) = match text.strip_suffix(['k', 'K']) {
        Some(digits) => (digits, 1 << 10),
        None => text
            .strip_suffix('M')
            .map_or((text, 1), |digits| (digits, 1 << 20)),
    };
    let number = digits
        .parse()
        .ok()
        .and_then(|n: usize| n.checked_mul(factor));
    number.ok_or_else(|| "not a size: write 65536, 64k or 1M".to_owned())
}

/// `100/s` or `100`.
pub(super) fn rate(text: &str) -> Result<u32, String> {
    let digits = text.strip_suffix("/s").unwrap_or(text);
    digits
        .parse()
        .map_err(|_| "not a rate: write 100/s".to_owned())
}

/// `4M/s` or `4M`: bytes a second.
pub(super) fn size_rate(text: &str) -> Result<u32, String> {
    let bytes = size(text.strip_suffix("/s").unwrap_or(text));
    let bytes = bytes.ok().and_then(|b| u32::try_from(b).ok());
    bytes.ok_or_else(|| "not a rate: write 512k/s or 4M/s, less than 4096M/s".to_owned())
}

/// `500ms`, `90s`, `30m`, `12h` or `7d`.
pub(super) fn span(text: &str) -> Result<Duration, String> {
    let wrong = || "not a time: write 500ms, 90s, 30m, 12h or 7d".to_owned();
    let unit = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let (digits, unit) = text.split_at(unit);
    let milliseconds: u64 = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60 * 1000,
        "h" => 60 * 60 * 1000,
        "d" => 24 * 60 * 60 * 1000,
        _ => return Err(wrong()),
    };
    let number: u32 = digits.parse().map_err(|_| wrong())?;
    Ok(Duration::from_millis(milliseconds * u64::from(number)))
}

/// `text` or `json`.
pub(super) fn log_format(text: &str) -> Result<Format, String> {
    match text {
        "text" => Ok(Format::Text),
        "json" => Ok(Format::Json),
        _ => Err("write text or json".to_owned()),
    }
}

/// `127.0.0.1:8080` or `[::]:8080`.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    let wrong = "it is to be an address with a port, not a name: write 127.0.0.1:8080 or [::]:8080";
    text.parse().map_err(|_| wrong.to_owned())
}

/// Something that may be had at a place of one's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Switch {
    Off,
    /// At the usual place.
    On,
    At(SocketAddr),
}

/// `on`, `off` or `ADDR:PORT`; an empty text is off.
pub(super) fn switch(text: &str) -> Result<Switch, String> {
    match text {
        "" | "off" | "false" | "no" | "0" => Ok(Switch::Off),
        "on" | "true" | "yes" | "1" => Ok(Switch::On),
        _ => text
            .parse()
            .map(Switch::At)
            .map_err(|_| "not an address with a port: write 0.0.0.0:3478 or [::]:3478".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_rates() {
        assert_eq!(size("0"), Ok(0));
        assert_eq!(size("64k"), Ok(65_536));
        assert_eq!(size("1M"), Ok(1 << 20));
        for bad in [
            "",
            "k",
            "1.5M",
            "-1",
            "64 k",
            "99999999999999999999",
            "18446744073709551615k",
        ] {
            assert!(size(bad).is_err(), "{bad}");
        }
        assert_eq!((rate("100/s"), rate("7")), (Ok(100), Ok(7)));
        for bad in ["", "/s", "1/m", "1.5/s", "-1"] {
            assert!(rate(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn spans() {
        let span = |text| span(text).map(|time| time.as_secs());
        assert_eq!((span("90s"), span("7d")), (Ok(90), Ok(604_800)));
        assert_eq!((span("1500ms"), span("2m")), (Ok(1), Ok(120)));
        for bad in ["", "s", "ms", "5", "1.5h", "-1m", "5w", "ä", "9999999999d"] {
            assert!(span(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn byte_rates_and_switches() {
        assert_eq!((size_rate("4M/s"), size_rate("0")), (Ok(4 << 20), Ok(0)));
        for bad in ["", "4096M/s", "M/s", "1/m"] {
            assert!(size_rate(bad).is_err(), "{bad}");
        }
        let at = Switch::At(SocketAddr::from(([127, 0, 0, 1], 3478)));
        for (text, switch_) in [
            ("", Switch::Off),
            ("off", Switch::Off),
            ("1", Switch::On),
            ("127.0.0.1:3478", at),
        ] {
            assert_eq!(switch(text), Ok(switch_), "{text}");
        }
        assert!(switch("localhost:3478").is_err());
    }
}
