//! `loss=5%,delay=80ms,jitter=20ms,rate=64k,burst=3,stall=300ms/6s`.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use crate::proto::quantity;

/// The longest delay and jitter.
const LONGEST: Duration = Duration::from_secs(10);

/// Rates, bit/s.
const RATES: RangeInclusive<u64> = 1_000..=10_000_000_000;

/// Mean burst lengths, datagrams.
const BURSTS: RangeInclusive<f64> = 1.0..=1000.0;

/// What a bad network does to what we send; the default does nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Impairment {
    /// Mean share of lost datagrams, 0 to 1.
    pub loss: f64,
    /// Mean length of a burst of losses, datagrams; 1 means that each is lost independently.
    pub burst: f64,
    /// Mean delay.
    pub delay: Duration,
    /// Largest deviation from it, uniform in both directions; may reorder.
    pub jitter: Duration,
    /// Rate of the line, bit/s with IP and UDP headers; none is as fast as it gets.
    pub rate: Option<u64>,
    /// Times at which nothing gets through and nothing is lost.
    pub stall: Option<Stall>,
}

/// A line that stands still now and then, as a radio link does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stall {
    /// How long each time.
    pub length: Duration,
    /// From the beginning of one to that of the next, longer than `length`.
    pub every: Duration,
}

impl Default for Impairment {
    fn default() -> Self {
        Self {
            loss: 0.0,
            burst: 1.0,
            delay: Duration::ZERO,
            jitter: Duration::ZERO,
            rate: None,
            stall: None,
        }
    }
}

impl FromStr for Impairment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut impairment = Self::default();
        let mut seen = BTreeSet::new();
        for part in text.split(',') {
            let (key, value) = part
                .split_once('=')
                .ok_or_else(|| format!("\"{part}\" is not KEY=VALUE (write loss=5%,delay=80ms)"))?;
            if !seen.insert(key) {
                return Err(format!("{key} is given twice"));
            }
            impairment
                .set(key, value)
                .map_err(|reason| format!("{key}: {reason}"))?;
        }
        impairment.possible()
    }
}

impl Impairment {
    fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        match key {
            "loss" => self.loss = quantity::percentage(value)?,
            "delay" => self.delay = short(value)?,
            "jitter" => self.jitter = short(value)?,
            "rate" => self.rate = Some(rate(value)?),
            "burst" => self.burst = burst(value)?,
            "stall" => self.stall = Some(stall(value)?),
            _ => return Err("not one of loss, delay, jitter, rate, burst, stall".to_owned()),
        }
        Ok(())
    }

    /// A Gilbert model cannot lose nearly everything in bursts that are short: at least one datagram lies between two.
    fn possible(self) -> Result<Self, String> {
        let shortest = self.loss / (1.0 - self.loss);
        if self.burst > 1.0 && self.loss < 1.0 && self.burst < shortest {
            return Err(format!(
                "a loss of {:.0}% has bursts of at least {shortest:.1} (raise burst, or leave it out)",
                self.loss * 100.0
            ));
        }
        Ok(self)
    }
}

fn short(value: &str) -> Result<Duration, String> {
    let duration = quantity::duration(value)?;
    if duration > LONGEST {
        return Err(format!(
            "\"{value}\" is too long (at most {})",
            quantity::written(LONGEST)
        ));
    }
    Ok(duration)
}

fn rate(value: &str) -> Result<u64, String> {
    let rate = quantity::bit_rate(value)?;
    if !RATES.contains(&rate) {
        return Err(format!("\"{value}\" is out of range (1k to 10G bit/s)"));
    }
    Ok(rate)
}

fn burst(value: &str) -> Result<f64, String> {
    match quantity::number_and_unit(value) {
        Some((burst, "")) if BURSTS.contains(&burst) => Ok(burst),
        _ => Err(format!(
            "\"{value}\" is not a mean number of datagrams from 1 to 1000"
        )),
    }
}

fn stall(value: &str) -> Result<Stall, String> {
    let (length, every) = value
        .split_once('/')
        .ok_or_else(|| format!("\"{value}\" is not LENGTH/EVERY (write 300ms/6s)"))?;
    let (length, every) = (short(length)?, quantity::duration(every)?);
    if every <= length {
        return Err(format!(
            "\"{value}\" never moves (the second time must be longer than the first)"
        ));
    }
    Ok(Stall { length, every })
}
