//! The two laws of G.711: a sign, three bits of exponent, four of mantissa.

/// Which of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Law {
    /// µ-law, North America and Japan.
    Mu,
    /// A-law, elsewhere.
    A,
}

/// Added before the logarithm in µ-law, and the largest magnitude that still fits then.
const BIAS: i32 = 0x84;
const CLIP: i32 = 32_635;

impl Law {
    /// A 16-bit sample as a byte.
    pub fn encode(self, sample: i16) -> u8 {
        match self {
            Law::Mu => mu(i32::from(sample)),
            Law::A => a(i32::from(sample)),
        }
    }

    /// The middle of the interval that a byte stands for.
    pub fn decode(self, byte: u8) -> i16 {
        match self {
            Law::Mu => {
                let byte = !byte;
                let (exponent, mantissa) = (byte >> 4 & 7, i32::from(byte & 0x0f));
                signed(
                    (((mantissa << 3) + BIAS) << exponent) - BIAS,
                    byte & 0x80 != 0,
                )
            }
            Law::A => {
                let byte = byte ^ 0x55;
                let (exponent, mantissa) = (byte >> 4 & 7, i32::from(byte & 0x0f));
                let magnitude = match exponent {
                    0 => (mantissa << 4) + 8,
                    _ => ((mantissa << 4) + 0x108) << (exponent - 1),
                };
                signed(magnitude, byte & 0x80 == 0)
            }
        }
    }
}

fn mu(sample: i32) -> u8 {
    let magnitude = sample.abs().min(CLIP) + BIAS;
    // The bias sets bit 7 at least.
    let exponent = magnitude.ilog2() - 7;
    let mantissa = magnitude >> (exponent + 3) & 0x0f;
    let sign = if sample < 0 { 0x80 } else { 0 };
    !(sign | (exponent << 4) as u8 | mantissa as u8)
}

fn a(sample: i32) -> u8 {
    // One's complement: the intervals of both signs are alike.
    let magnitude = if sample < 0 { !sample } else { sample };
    let code = if magnitude < 256 {
        (magnitude >> 4) as u8
    } else {
        let exponent = magnitude.ilog2() - 7;
        (exponent << 4) as u8 | (magnitude >> (exponent + 3) & 0x0f) as u8
    };
    let sign = if sample < 0 { 0 } else { 0x80 };
    (code | sign) ^ 0x55
}

fn signed(magnitude: i32, negative: bool) -> i16 {
    let value = if negative { -magnitude } else { magnitude };
    value.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
}
