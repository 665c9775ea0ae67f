//! The least and the most delay that a user allows: `20..200`, in milliseconds.

use std::str::FromStr;

/// The most that can be asked for, in ms: more than that is not kept.
const HIGHEST: u32 = 1500;
/// The most when nothing is asked for, in ms: talking over each other is worse than a gap.
const USUAL_MOST: u32 = 400;
/// 1 ms in samples.
const MS: i64 = 48;

/// Bounds of the delay that evens out jitter, in ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JitterBounds {
    least: u32,
    most: u32,
}

impl Default for JitterBounds {
    fn default() -> JitterBounds {
        JitterBounds {
            least: 0,
            most: USUAL_MOST,
        }
    }
}

impl JitterBounds {
    /// In samples.
    pub(super) fn least(self) -> i64 {
        i64::from(self.least) * MS
    }

    /// In samples.
    pub(super) fn most(self) -> i64 {
        i64::from(self.most) * MS
    }
}

impl FromStr for JitterBounds {
    type Err = String;

    fn from_str(text: &str) -> Result<JitterBounds, String> {
        let number = |part: &str| -> Result<u32, String> {
            match part.parse() {
                Ok(ms) if ms <= HIGHEST => Ok(ms),
                Ok(_) => Err(format!("\"{part}\" is too much (at most {HIGHEST} ms)")),
                Err(_) => Err(format!(
                    "\"{text}\" is not MIN..MAX in milliseconds (write 20..200, or 60)"
                )),
            }
        };
        let (least, most) = match text.split_once("..") {
            Some((least, most)) => (number(least)?, number(most)?),
            None => (number(text)?, number(text)?),
        };
        if least > most {
            return Err(format!(
                "\"{text}\" ends before it begins (write {most}..{least})"
            ));
        }
        Ok(JitterBounds { least, most })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grammar() {
        let bounds = |least, most| Ok(JitterBounds { least, most });
        assert_eq!("20..200".parse(), bounds(20, 200));
        assert_eq!("60".parse(), bounds(60, 60));
        assert_eq!("0..1500".parse(), bounds(0, 1500));
        for (text, reason) in [
            (
                "",
                "\"\" is not MIN..MAX in milliseconds (write 20..200, or 60)",
            ),
            (
                "20-200",
                "\"20-200\" is not MIN..MAX in milliseconds (write 20..200, or 60)",
            ),
            (
                "20ms",
                "\"20ms\" is not MIN..MAX in milliseconds (write 20..200, or 60)",
            ),
            (
                "20..",
                "\"20..\" is not MIN..MAX in milliseconds (write 20..200, or 60)",
            ),
            (
                "..20",
                "\"..20\" is not MIN..MAX in milliseconds (write 20..200, or 60)",
            ),
            (
                "-1..2",
                "\"-1..2\" is not MIN..MAX in milliseconds (write 20..200, or 60)",
            ),
            ("0..9999", "\"9999\" is too much (at most 1500 ms)"),
            (
                "200..20",
                "\"200..20\" ends before it begins (write 20..200)",
            ),
        ] {
            assert_eq!(
                text.parse::<JitterBounds>(),
                Err(reason.to_owned()),
                "{text}"
            );
        }
    }
}
