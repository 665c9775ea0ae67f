//! What the host takes of a virtual machine's processors (proc(5), "steal"): a server that stands still meanwhile is not slow.

use std::fs;

/// Ticks of all processors since the machine began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ticks {
    stolen: u64,
    all: u64,
}

impl Ticks {
    /// Until now; nothing where nothing tells.
    pub(crate) fn now() -> Self {
        let page = fs::read_to_string("/proc/stat").unwrap_or_default();
        Self::read(&page).unwrap_or_default()
    }

    /// user, nice, system, idle, iowait, irq, softirq, steal; what follows is in the first two already.
    fn read(page: &str) -> Option<Self> {
        let line = page.lines().next()?.strip_prefix("cpu ")?;
        let ticks = line.split_whitespace().take(8).map(str::parse);
        let ticks: Vec<u64> = ticks.collect::<Result<_, _>>().ok()?;
        Some(Self {
            stolen: *ticks.get(7)?,
            all: ticks.iter().sum(),
        })
    }

    /// The share that was taken since then.
    pub(crate) fn share_since(self, before: Self) -> f64 {
        let all = self.all.saturating_sub(before.all).max(1);
        self.stolen.saturating_sub(before.stolen) as f64 / all as f64
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_share_is_of_all_that_was_there_meanwhile() {
        let page = |user, steal| format!("cpu  {user} 0 100 1000 5 0 3 {steal} 7 0\ncpu0 1 2 3\n");
        let [before, after] = [page(50, 10), page(130, 30)].map(|page| Ticks::read(&page).unwrap());
        assert!((after.share_since(before) - 0.2).abs() < 1e-9);
        assert_eq!(Ticks::read("cpu  1 2 3\n"), None);
        assert_eq!(Ticks::default().share_since(Ticks::default()), 0.0);
    }
}
