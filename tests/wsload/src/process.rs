//! What another process has used, from /proc.

use std::fs;

use anyhow::{Context, Result};

/// USER_HZ of every Linux that Rust runs on (time(7)).
const TICKS: f64 = 100.0;

/// Of one process at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    /// Processor seconds, user and system, of all its threads.
    pub(crate) seconds: f64,
    /// Bytes that are resident.
    pub(crate) resident: f64,
}

impl Usage {
    /// Of a server that may not be known: then nothing.
    pub(crate) fn of_server(process: Option<u32>) -> Result<Self> {
        process.map_or(Ok(Self::default()), |pid| Self::of(&pid.to_string()))
    }

    /// Of this program.
    pub(crate) fn of_ours() -> Result<Self> {
        Self::of("self")
    }

    fn of(name: &str) -> Result<Self> {
        let read = |file: &str| {
            let path = format!("/proc/{name}/{file}");
            fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))
        };
        let seconds = seconds(&read("stat")?).context("no times in /proc")?;
        let resident = resident(&read("status")?).context("no VmRSS in /proc")?;
        Ok(Self { seconds, resident })
    }
}

/// The 14th and 15th field; the second is a name in parentheses that may hold anything.
fn seconds(line: &str) -> Option<f64> {
    let mut fields = line.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<f64>().ok();
    Some((next()? + next()?) / TICKS)
}

fn resident(page: &str) -> Option<f64> {
    let line = page.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: f64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes * 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_found() {
        let line = "71 (a) b (c)) S 1 71 71 0 -1 4194560 900 0 0 0 123 45 0 0 20 0 4 0 99";
        assert_eq!(seconds(line), Some(1.68));
        assert_eq!(seconds("71 (a) S 1"), None);
        assert_eq!(
            resident("VmPeak:\t 9 kB\nVmRSS:\t   10 kB\n"),
            Some(10_240.0)
        );
        assert_eq!(resident(""), None);
    }
}
