//! What processes hold in memory, from time to time.

use std::fmt;
use std::fs;
use std::thread::{self, JoinHandle, sleep};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use lab::Process;

/// Megabytes of this process that are in memory.
pub(in crate::prove) fn resident(id: u32) -> Result<f64> {
    let path = format!("/proc/{id}/status");
    let page = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    kilobytes(&page)
        .map(|kilobytes| kilobytes / 1024.0)
        .with_context(|| format!("no VmRSS in {path}"))
}

fn kilobytes(page: &str) -> Option<f64> {
    let line = page.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// Looks from beside everything else.
pub(in crate::prove) struct Diary {
    names: Vec<&'static str>,
    looking: JoinHandle<Result<Vec<Vec<f64>>>>,
}

/// How far memory has gone above what it was at the first look.
#[derive(Debug, PartialEq)]
pub(in crate::prove) struct Growth {
    pub(in crate::prove) megabytes: f64,
    first: f64,
    last: f64,
}

impl Diary {
    /// Looks so many times, the first one after the first pause.
    pub(in crate::prove) fn begin(
        processes: &[(&'static str, &Process)],
        looks: usize,
        between: Duration,
    ) -> Self {
        let ids: Vec<u32> = processes.iter().map(|(_, process)| process.id()).collect();
        let looking = thread::spawn(move || {
            let mut pages = vec![Vec::new(); ids.len()];
            for _ in 0..looks {
                sleep(between);
                for (page, id) in pages.iter_mut().zip(&ids) {
                    page.push(resident(*id)?);
                }
            }
            Ok(pages)
        });
        let names = processes.iter().map(|(name, _)| *name).collect();
        Self { names, looking }
    }

    /// Waits for the last look.
    pub(in crate::prove) fn end(self) -> Result<Vec<(&'static str, Growth)>> {
        let pages = self.looking.join();
        let pages = pages.map_err(|_| anyhow!("whoever looks at memory has panicked"))??;
        let growths = pages
            .iter()
            .map(|page| Growth::of(page).context("no looks"));
        self.names
            .into_iter()
            .zip(growths)
            .map(|(name, growth)| Ok((name, growth?)))
            .collect()
    }
}

impl Growth {
    fn of(looks: &[f64]) -> Option<Self> {
        let (first, last) = (*looks.first()?, *looks.last()?);
        let greatest = looks.iter().copied().fold(first, f64::max);
        let megabytes = greatest - first;
        Some(Self {
            megabytes,
            first,
            last,
        })
    }
}

impl fmt::Display for Growth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            megabytes,
            first,
            last,
        } = self;
        write!(
            f,
            "{megabytes:.2} MB: {first:.1} at first, {last:.1} at last"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::{Growth, kilobytes};

    #[test]
    fn resident_memory_is_found() {
        let page = "VmPeak:\t  9 kB\nVmRSS:\t   17960 kB\nThreads:\t7\n";
        assert_eq!(kilobytes(page), Some(17_960.0));
        assert_eq!(kilobytes("Threads:\t7\n"), None);
    }

    #[test]
    fn a_peak_counts_also_when_it_is_over() {
        let growth = Growth::of(&[4.0, 4.5, 3.5]).expect("looks");
        assert_eq!(growth.to_string(), "0.50 MB: 4.0 at first, 3.5 at last");
        assert_eq!(Growth::of(&[]), None);
    }
}
