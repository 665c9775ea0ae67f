//! What the calls of many pairs came to.

use lab::Family;

use super::BAR;
use crate::figures::{Spread, Table};
use crate::prove::Bench;

/// Set-up times and failures by kind of call.
#[derive(Debug, Default)]
pub(super) struct Tally {
    direct: Calls,
    relayed: Calls,
    direct_without: Calls,
    refused_without: Calls,
}

/// Of one kind.
#[derive(Debug, Default)]
struct Calls {
    times: Vec<f64>,
    failures: Vec<String>,
}

impl Tally {
    /// A call that was offered a relay, of a pair that needs none (`direct`) or does.
    pub(super) fn with_relay(&mut self, direct: bool, found: Result<f64, String>) {
        let calls = if direct {
            &mut self.direct
        } else {
            &mut self.relayed
        };
        calls.add(found);
    }

    /// A call that was not.
    pub(super) fn without_relay(&mut self, direct: bool, found: Result<f64, String>) {
        let calls = if direct {
            &mut self.direct_without
        } else {
            &mut self.refused_without
        };
        calls.add(found);
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self {
            direct: self.direct.and(other.direct),
            relayed: self.relayed.and(other.relayed),
            direct_without: self.direct_without.and(other.direct_without),
            refused_without: self.refused_without.and(other.refused_without),
        }
    }

    /// The rows of the thirty-six pairs.
    pub(super) fn rows(&self, table: &mut Table, bench: &Bench) {
        let calls = [
            (
                "with a relay offered, pairs with a direct path: calls that took it",
                &self.direct,
            ),
            (
                "with a relay offered, pairs without: calls through the relay",
                &self.relayed,
            ),
            (
                "without a relay, pairs with a direct path: calls that took it",
                &self.direct_without,
            ),
            (
                "without a relay, pairs without: calls that end with exit 5 and the cause",
                &self.refused_without,
            ),
        ];
        for (what, calls) in calls {
            table.judged(what, calls.to_string(), "all".into(), calls.whole());
        }
        for (what, calls) in [("direct", &self.direct), ("relayed", &self.relayed)] {
            if let Some(spread) = Spread::of(calls.times.clone()) {
                table.at_most(
                    &format!("the slowest set-up of a {what} call"),
                    spread.greatest,
                    format!("{:.0} ms, median {:.0} ms", spread.greatest, spread.median),
                    bench.bar(BAR),
                    " ms",
                );
            }
        }
        if let Some(spread) = Spread::of(self.refused_without.times.clone()) {
            table.informs(
                "from the second peer to \"no path\"",
                format!("{spread} ms"),
            );
        }
    }

    /// One row for another Internet.
    pub(super) fn family_row(&self, family: Family, table: &mut Table) {
        let all = [
            &self.direct,
            &self.relayed,
            &self.direct_without,
            &self.refused_without,
        ];
        let names = [
            "direct",
            "relayed",
            "direct without a relay",
            "refused without",
        ];
        let figures: Vec<String> = all
            .iter()
            .zip(names)
            .map(|(calls, name)| format!("{name} {calls}"))
            .collect();
        table.judged(
            &format!("{family}, firewalls that let no stranger in; UDP blocked on one side"),
            figures.join(", "),
            "all".into(),
            all.iter().all(|calls| calls.whole()),
        );
    }
}

impl Calls {
    fn add(&mut self, found: Result<f64, String>) {
        match found {
            Ok(time) => self.times.push(time),
            Err(why) => self.failures.push(why),
        }
    }

    fn and(mut self, other: Self) -> Self {
        self.times.extend(other.times);
        self.failures.extend(other.failures);
        self
    }

    fn whole(&self) -> bool {
        self.failures.is_empty() && !self.times.is_empty()
    }
}

impl std::fmt::Display for Calls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let good = self.times.len();
        write!(f, "{good} of {}", good + self.failures.len())
    }
}
