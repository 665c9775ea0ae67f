//! Processor time: of a peer that waits, and of two in an ordinary call.

use std::fs;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::Bench;
use crate::demo::{SENTENCE, file, start_server};
use crate::figures::Table;
use crate::shell;
use lab::Process;

const READY: Duration = Duration::from_secs(30);
/// After the start, so that starting is not counted.
const SETTLE: Duration = Duration::from_secs(2);
/// Bars in percent of one core.
const WAITING: f64 = 1.0;
const CALLING: f64 = 5.0;

pub(super) fn run(bench: &Bench) -> Result<Table> {
    let mut table = Table::default();
    if !cfg!(target_os = "linux") {
        table.informs(
            "processor time",
            "not measured: it is read from /proc, which only Linux has".into(),
        );
        return Ok(table);
    }
    let time = Duration::from_secs(bench.rounds(20, 3) as u64);
    let (_server, url) = start_server(Command::new(&bench.programs.signaling))?;
    let sentence = format!("{},loop", file(&bench.workspace.path(SENTENCE)));
    let sound = ["--mic", &sentence, "--speaker", "null"];
    let place = ["--stun", "off", "--json", "--server", &url];
    let peer = |verb| bench.peer(&[&[verb], &sound[..], &place[..]].concat());
    let mut row = |what: &str, load: f64, bar: f64| {
        let what = format!("{what}, {} s", time.as_secs());
        table.at_most(
            &what,
            load,
            format!("{load:.2} %"),
            bench.bar(bar),
            " % of a core",
        );
    };

    let mut answer = Process::start("peer-cli answer", peer("answer"))?;
    answer.wait_for("signaling", READY)?;
    let [waiting] = load([&answer], time)?;
    row("a waiting `answer`", waiting, WAITING);

    let mut call = Process::start("peer-cli call", peer("call"))?;
    call.wait_for("connected", READY)?;
    answer.wait_for("connected", READY)?;
    let [calling, answering] = load([&call, &answer], time)?;
    row(
        "`call` in a two-way Opus call, file to null",
        calling,
        CALLING,
    );
    row("`answer` in the same call", answering, CALLING);
    Ok(table)
}

/// The share of a core that each of these took over this time, in percent.
pub(super) fn load<const N: usize>(processes: [&Process; N], time: Duration) -> Result<[f64; N]> {
    shares(processes.map(|process| move || ticks(process.id())), time)
}

/// The same by whatever counts ticks.
pub(super) fn shares<const N: usize>(
    counters: [impl Fn() -> Result<f64>; N],
    time: Duration,
) -> Result<[f64; N]> {
    let hertz = hertz()?;
    sleep(SETTLE);
    let begun = Instant::now();
    let mut loads = [0.0; N];
    for (load, ticks) in loads.iter_mut().zip(&counters) {
        *load = -ticks()?;
    }
    sleep(time);
    let passed = begun.elapsed().as_secs_f64();
    for (load, ticks) in loads.iter_mut().zip(&counters) {
        *load = (*load + ticks()?) / hertz / passed * 100.0;
    }
    Ok(loads)
}

/// Of a process and all its descendants; who leaves takes its ticks along.
pub(super) fn ticks_of_family(process: u32) -> Result<f64> {
    let others = family(process)?.into_iter().skip(1);
    Ok(ticks(process)? + others.filter_map(|other| ticks(other).ok()).sum::<f64>())
}

/// A process, then its descendants.
fn family(process: u32) -> Result<Vec<u32>> {
    let mut parents = Vec::new();
    for entry in fs::read_dir("/proc").context("cannot read /proc")? {
        let name = entry?.file_name();
        let Some(child) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // Others come and go.
        let line = fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
        parents.extend(parent(&line).map(|parent: u32| (child, parent)));
    }
    let mut family = vec![process];
    let mut known = 0;
    while known < family.len() {
        let children = parents
            .iter()
            .filter(|(_, parent)| *parent == family[known]);
        let children: Vec<u32> = children.map(|(child, _)| *child).collect();
        family.extend(children);
        known += 1;
    }
    Ok(family)
}

/// The fourth field.
fn parent(line: &str) -> Option<u32> {
    line.rsplit_once(')')?
        .1
        .split_whitespace()
        .nth(1)?
        .parse()
        .ok()
}

/// Ticks in a second.
pub(super) fn hertz() -> Result<f64> {
    let ticks = shell::read(Command::new("getconf").arg("CLK_TCK"))?;
    ticks.trim().parse().context("getconf CLK_TCK")
}

/// Of all its threads, in user and in system mode.
pub(super) fn ticks(process: u32) -> Result<f64> {
    let path = format!("/proc/{process}/stat");
    let line = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    spent(&line).with_context(|| format!("no times in {path}"))
}

/// The 14th and 15th field; the second is a name in parentheses that may hold anything.
fn spent(line: &str) -> Option<f64> {
    let mut fields = line.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<f64>().ok();
    Some(next()? + next()?)
}

#[cfg(test)]
mod tests {
    use super::{family, parent, spent};

    #[test]
    fn times_are_found_behind_any_name() {
        let line = "71 (a) b (c)) S 1 71 71 0 -1 4194560 900 0 0 0 123 45 0 0 20 0 4 0 99";
        assert_eq!(spent(line), Some(168.0));
        assert_eq!(spent("71 (a) S 1"), None);
        assert_eq!(parent(line), Some(1));
        assert_eq!(parent("71 (a"), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_child_belongs_to_its_family() {
        use std::process::{Command, Stdio};
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn();
        let child = child.as_mut().expect("cat");
        let found = family(std::process::id()).expect("a family");
        assert!(found.contains(&child.id()), "{found:?}");
        assert!(
            !family(child.id())
                .expect("itself")
                .contains(&std::process::id())
        );
        drop(child.stdin.take());
        child.wait().expect("an end");
    }
}
