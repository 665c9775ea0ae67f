//! Runs of `wsload` and what they found.

use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use lab::Process;
use serde_json::Value;

use super::super::Bench;
use super::servers::{Kind, Servers};
use crate::figures::Spread;

/// A run connects thousands, and talks for seconds.
const PATIENCE: Duration = Duration::from_secs(90);
/// What one run found.
#[derive(Clone, Debug)]
pub(super) struct Run {
    /// When all were there.
    pub(super) connected: Value,
    pub(super) result: Value,
    /// What became of the slow one, if there was one.
    pub(super) slow: Option<Value>,
}

/// What all runs with one server found, one in each round.
pub(super) struct Runs {
    pub(super) kind: Kind,
    pub(super) runs: Vec<Run>,
}

/// A server and who loads it.
struct Loaded {
    load: Process,
    /// Ends with it.
    _server: Process,
}

impl Loaded {
    /// A server of this kind, started for it, loaded in this way.
    fn start(bench: &Bench, servers: &Servers, kind: Kind, words: &[String]) -> Result<Self> {
        let served = servers.start(kind)?;
        let mut command = Command::new(&bench.programs.wsload);
        command
            .args(["load", "--server", &served.url, "--dialect", served.dialect])
            .args(["--pid", &served.process.id().to_string()])
            .args(words);
        Ok(Self {
            load: Process::start("wsload", command)?,
            _server: served.process,
        })
    }

    fn tells(&mut self, event: &str) -> Result<Value> {
        Ok(self.load.wait_for(event, PATIENCE)?.value)
    }
}

/// Loads a server of this kind in this way.
pub(super) fn once(bench: &Bench, servers: &Servers, kind: Kind, words: &[String]) -> Result<Run> {
    let mut loaded = Loaded::start(bench, servers, kind, words)?;
    let connected = loaded.tells("connected")?;
    let slow = words.iter().any(|word| word == "--slow");
    let slow = slow.then(|| loaded.tells("slow")).transpose()?;
    let result = loaded.tells("result")?;
    loaded.load.succeed(PATIENCE)?;
    Ok(Run {
        connected,
        result,
        slow,
    })
}

/// How many turns.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turns {
    pub(super) most: usize,
    /// Fewer, once each server has had so many undisturbed ones.
    pub(super) undisturbed: usize,
}

/// All of these hold their connections; one after the other is spoken to, forth and back: what the machine does meanwhile, and what
/// its host does, meets all of them alike, since a turn is short.
pub(super) fn in_turns(
    bench: &Bench,
    servers: &Servers,
    kinds: &[Kind],
    turns: Turns,
    words: &[String],
) -> Result<Vec<Runs>> {
    let mut all = Vec::new();
    for kind in kinds {
        let mut loaded = Loaded::start(bench, servers, *kind, words)?;
        let connected = loaded.tells("connected")?;
        all.push((loaded, connected, Runs::new(*kind)));
    }
    for _ in 0..turns.most {
        for (loaded, connected, runs) in &mut all {
            loaded.load.write("turn")?;
            runs.runs.push(Run {
                connected: connected.clone(),
                result: loaded.tells("result")?,
                slow: None,
            });
        }
        all.reverse();
        let enough = |runs: &Runs| runs.undisturbed().runs.len() >= turns.undisturbed;
        if all.iter().all(|(_, _, runs)| enough(runs)) {
            break;
        }
    }
    all.sort_by_key(|(_, _, runs)| kinds.iter().position(|kind| *kind == runs.kind));
    let end = |(mut loaded, _, runs): (Loaded, Value, Runs)| {
        drop(loaded.load.take_input());
        loaded.load.succeed(PATIENCE)?;
        Ok(runs)
    };
    all.into_iter().map(end).collect()
}

/// All of these, started anew, so many times, each round beginning with another: whatever else the machine does meanwhile disturbs
/// all of them alike.
pub(super) fn alternating(
    bench: &Bench,
    servers: &Servers,
    kinds: &[Kind],
    rounds: usize,
    words: &[String],
) -> Result<Vec<Runs>> {
    let mut all: Vec<Runs> = kinds.iter().copied().map(Runs::new).collect();
    for _ in 0..rounds {
        for runs in &mut all {
            runs.runs.push(once(bench, servers, runs.kind, words)?);
        }
        all.rotate_left(1);
    }
    if !all.is_empty() {
        let turns = rounds % all.len();
        all.rotate_right(turns);
    }
    Ok(all)
}

impl Run {
    /// Of the processors' time, what the host took while it was measured.
    fn stolen(&self) -> f64 {
        number(&self.result, "/stolen")
    }
}

impl Runs {
    const fn new(kind: Kind) -> Self {
        let runs = Vec::new();
        Self { kind, runs }
    }

    /// Of the runs with this kind.
    pub(super) fn of(all: &[Self], kind: Kind) -> Option<&Self> {
        all.iter().find(|runs| runs.kind == kind)
    }

    /// A figure of the results, by its path.
    pub(super) fn spread(&self, path: &str) -> Option<Spread> {
        let values = self.runs.iter().map(|run| number(&run.result, path));
        Spread::of(values.collect())
    }

    pub(super) fn median(&self, path: &str) -> f64 {
        self.spread(path).map_or(f64::NAN, |spread| spread.median)
    }

    /// Those in which the host left the processors to this machine.
    pub(super) fn undisturbed(&self) -> Self {
        let runs = self.runs.iter().filter(|run| run.stolen() == 0.0);
        Self {
            kind: self.kind,
            runs: runs.cloned().collect(),
        }
    }

    /// The p99 of all turns together, milliseconds.
    pub(super) fn whole(&self) -> f64 {
        let last = self.runs.last();
        last.map_or(f64::NAN, |run| number(&run.result, "/all_turns_ms/p99"))
    }

    /// Of the processors' time, what the host took in all of them.
    pub(super) fn stolen(&self) -> f64 {
        self.runs.iter().map(Run::stolen).sum::<f64>() / self.runs.len() as f64
    }

    /// Messages that were lost or came twice, in all runs.
    pub(super) fn failures(&self) -> f64 {
        let of = |run: &Run| number(&run.result, "/lost") + number(&run.result, "/doubled");
        self.runs.iter().map(of).sum()
    }
}

/// A number in an event, by its path; NaN, which meets no bar, where there is none.
pub(super) fn number(event: &Value, path: &str) -> f64 {
    event
        .pointer(path)
        .and_then(Value::as_f64)
        .unwrap_or(f64::NAN)
}

/// `load`'s options.
pub(super) fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

/// To the thousand, and above a million with a comma more.
pub(super) fn in_thousands(number: f64) -> String {
    let thousands = (number / 1e3).round();
    if thousands < 1e3 {
        return format!("{thousands},000");
    }
    let millions = (thousands / 1e3).floor();
    format!("{millions},{:03},000", thousands - millions * 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_numbers_can_be_read() {
        assert_eq!(in_thousands(288_400.0), "288,000");
        assert_eq!(in_thousands(2_005_300.0), "2,005,000");
        assert_eq!(in_thousands(999_900.0), "1,000,000");
    }
}
