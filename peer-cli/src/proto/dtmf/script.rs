//! What is to be dialled: `1w2#`.

use std::fmt;
use std::str::FromStr;

/// The digits in the order of their codes (RFC 4733 3.2).
const DIGITS: &[u8; 16] = b"0123456789*#ABCD";
/// A script has at most so many steps: two minutes or so.
const LONGEST: usize = 256;

/// One of `0` to `9`, `*`, `#`, `A` to `D`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digit(u8);

impl Digit {
    /// The digit of an event, if it is one.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Digit> {
        (usize::from(code) < DIGITS.len()).then_some(Digit(code))
    }

    /// Its event.
    #[must_use]
    pub fn code(self) -> u8 {
        self.0
    }

    /// As it is written.
    #[must_use]
    pub fn character(self) -> char {
        DIGITS
            .get(usize::from(self.0))
            .map_or('?', |digit| char::from(*digit))
    }
}

impl fmt::Display for Digit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.character())
    }
}

/// A digit, or a pause of half a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Sounds.
    Digit(Digit),
    /// Does not: `w`.
    Pause,
}

/// Steps one after the other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Script(pub(super) Vec<Step>);

impl FromStr for Script {
    type Err = String;

    fn from_str(text: &str) -> Result<Script, String> {
        let step = |c: char| match c {
            'w' | 'W' => Ok(Step::Pause),
            c => {
                let upper = c.to_ascii_uppercase();
                let code = DIGITS.iter().position(|digit| char::from(*digit) == upper);
                let code = code.ok_or(format!(
                    "no digit {c:?} (0 to 9, *, #, A to D; w waits 500 ms)"
                ))?;
                Ok(Step::Digit(Digit(code as u8)))
            }
        };
        let steps: Vec<Step> = text.chars().map(step).collect::<Result<_, String>>()?;
        if steps.is_empty() {
            return Err("nothing to dial".to_owned());
        }
        if steps.len() > LONGEST {
            return Err(format!(
                "at most {LONGEST} digits and pauses, not {}",
                steps.len()
            ));
        }
        Ok(Script(steps))
    }
}
