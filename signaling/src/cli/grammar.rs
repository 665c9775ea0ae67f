//! Sizes and rates as people write them.

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
}
