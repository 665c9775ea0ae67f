//! A server among attackers: its memory is bounded, honest rooms notice nothing, and every refusal is counted.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use lab::Process;
use serde_json::Value;

use super::calls::memory::Diary;
use super::{Bench, Scale};
use crate::demo::READY;
use crate::figures::Table;
use crate::shell;

mod counters;

use counters::Counters;

/// Known to nobody but this proof's own processes, which end with it.
const SECRET: &str = "the secret of one server among attackers";
/// Small enough that each limit is reached again and again.
const LIMITS: &[&str] = &[
    "--max-rooms",
    "700",
    "--http-timeout",
    "3s",
    "--hello-timeout",
    "2s",
    "--idle-timeout",
    "5s",
];
/// Seconds of the storm, of the calm before, and for the last of it to end.
const STORM: (usize, usize) = (600, 5);
const CALM: (usize, usize) = (30, 2);
const END: Duration = Duration::from_secs(8);
/// For all endings that the server may still take its time with.
const LATE: Duration = Duration::from_secs(90);

/// Different rooms that are asked for in a full storm; in a shorter one as many in proportion.
const ROOMS: f64 = 100_000.0;
/// Bars: milliseconds for 99 of 100 messages, megabytes above the memory before the storm.
const LATENCY_MS: f64 = 20.0;
const MEMORY_MB: f64 = 256.0;

pub(super) fn run(bench: &Bench) -> Result<Table> {
    let mut table = Table::default();
    if !cfg!(target_os = "linux") {
        table.informs(
            "a server among attackers",
            "not measured: memory is read from /proc, which only Linux has".into(),
        );
        return Ok(table);
    }
    let storm = match (bench.scale, bench.minutes) {
        (Scale::Full, Some(minutes)) => minutes * 60,
        _ => bench.rounds(STORM.0, STORM.1) as u64,
    };
    let place = Place::open(bench)?;
    let calm = bench.rounds(CALM.0, CALM.1) as u64;
    let through = storm + END.as_secs();
    let honest = [
        "honest",
        "--calm",
        &calm.to_string(),
        "--storm",
        &through.to_string(),
    ];
    let mut honest = Process::start("hostile honest", place.side(&honest, false))?;
    let before = honest
        .wait_for("calm", READY + Duration::from_secs(calm))?
        .value;
    let diary = Diary::begin(
        &[("signaling", &place.server)],
        usize::try_from(through)?,
        Duration::from_secs(1),
    );
    let attack = ["attack", "--seconds", &storm.to_string()];
    let mut attack = Process::start("hostile attack", place.side(&attack, true))?;
    let attacked = attack.wait_for("attacked", LATE + Duration::from_secs(storm))?;
    let during = honest.wait_for("storm", LATE + Duration::from_secs(through))?;
    let counters = place.counters()?;
    attempts(&attacked.value, storm, &mut table);
    counted(&attacked.value, &counters, &mut table)?;
    honest_rooms(bench, [&before, &during.value], &mut table)?;
    for (_, growth) in diary.end()? {
        table.at_most(
            "memory of the server: the greatest growth since the first second of the storm",
            growth.megabytes,
            growth.to_string(),
            MEMORY_MB,
            " MB",
        );
    }
    Ok(table)
}

/// The server, and what its clients need to know.
struct Place<'a> {
    bench: &'a Bench<'a>,
    server: Process,
    clients: String,
    metrics: String,
    token: String,
}

impl<'a> Place<'a> {
    fn open(bench: &'a Bench) -> Result<Self> {
        let signaling = || {
            let mut command = bench.signaling();
            command.env("SIGNALING_TOKEN_SECRET", SECRET);
            command
        };
        let mut command = signaling();
        command.args(["--listen", "127.0.0.1:0", "--json", "--auth", "token"]);
        command.args(["--trust-proxy", "127.0.0.1", "--metrics", "127.0.0.1:0"]);
        command.args(LIMITS);
        let mut server = Process::start("signaling", command)?;
        let listening = server.wait_for("listening", READY)?.value;
        let place = |name: &str| {
            let place = listening[name].as_str();
            place
                .map(str::to_owned)
                .with_context(|| format!("no {name} in {listening}"))
        };
        let token = shell::read(signaling().args(["token", "--expires", "1d"]))?;
        Ok(Self {
            clients: place("addr")?,
            metrics: place("metrics")?,
            token: token.trim().to_owned(),
            bench,
            server,
        })
    }

    /// Attackers have machines of their own: here they get the processor that nobody else wants.
    fn side(&self, words: &[&str], last: bool) -> Command {
        let program = &self.bench.programs.hostile;
        let mut command = Command::new(if last {
            "nice".as_ref()
        } else {
            program.as_os_str()
        });
        if last {
            command.args(["-n", "19"]).arg(program);
        }
        command.args(words);
        command.args(["--server", &self.clients, "--token", &self.token]);
        command
    }

    /// Once nobody is inside any more.
    fn counters(&self) -> Result<Counters> {
        counters::settled(&self.metrics, LATE)
    }
}

fn attempts(attacked: &Value, storm: u64, table: &mut Table) {
    let kinds = attacked["kinds"].as_object().into_iter().flatten();
    let kinds: Vec<(&str, u64)> = kinds
        .map(|(kind, number)| (kind.as_str(), number.as_u64().unwrap_or(0)))
        .collect();
    let all: u64 = kinds.iter().map(|(_, number)| number).sum();
    let list: Vec<String> = kinds
        .iter()
        .map(|(kind, n)| format!("{n} {kind}"))
        .collect();
    table.informs(
        &format!("attempts within {storm} s: {all}"),
        list.join(", "),
    );
    let rooms = attacked["rooms"].as_u64().unwrap_or(0);
    let share = storm as f64 / STORM.0 as f64;
    table.at_least(
        "different rooms that they asked for",
        rooms as f64,
        rooms.to_string(),
        (ROOMS * share).floor(),
    );
    let strange = &attacked["strange"];
    table.judged(
        "attempts that ended otherwise than they should",
        if strange.as_object().is_some_and(serde_json::Map::is_empty) {
            "0".to_owned()
        } else {
            strange.to_string()
        },
        "0".to_owned(),
        strange.as_object().is_some_and(serde_json::Map::is_empty),
    );
}

/// What attackers have seen against what the server has counted, by way of being turned away and in all.
fn counted(attacked: &Value, counters: &Counters, table: &mut Table) -> Result<()> {
    let endings = attacked["endings"].as_object().context("no endings")?;
    let (mut seen_in_all, mut different) = (0, Vec::new());
    for (ending, number) in endings {
        let seen = number.as_u64().context("no number")?;
        let counted = match counters::reasons(ending) {
            Some([]) => continue,
            Some(reasons) => counters.of(reasons),
            None => bail!("an ending that means nothing: {ending}"),
        };
        seen_in_all += seen;
        if seen != counted {
            different.push(format!("{ending}: {seen} seen, {counted} counted"));
        }
    }
    let counted = counters.all();
    let same = seen_in_all == counted && different.is_empty();
    let mut figure = format!("{seen_in_all} seen, {counted} counted");
    if !different.is_empty() {
        figure = format!("{figure}; {}", different.join("; "));
    }
    table.judged(
        "refusals and closings that attackers saw, and that were counted, by each reason",
        figure,
        "the same".to_owned(),
        same,
    );
    table.informs("by reason", counters.to_string());
    Ok(())
}

fn honest_rooms(bench: &Bench, [calm, storm]: [&Value; 2], table: &mut Table) -> Result<()> {
    let number = |phase: &Value, name: &str| {
        let number = phase[name].as_u64();
        number.with_context(|| format!("no {name} in {phase}"))
    };
    let [sent, heard] =
        ["sent", "heard"].map(|name| Ok(number(calm, name)? + number(storm, name)?));
    let (sent, heard): (Result<u64>, Result<u64>) = (sent, heard);
    let (sent, heard) = (sent?, heard?);
    let disordered = number(calm, "out_of_order")? + number(storm, "out_of_order")?;
    let whole = sent == heard && disordered == 0 && storm["members_lost"] == Value::Array(vec![]);
    table.judged(
        "messages between honest members of 20 rooms of two",
        format!("{sent} sent, {heard} heard, {disordered} out of order"),
        "none lost, doubled or out of order".to_owned(),
        whole,
    );
    let spread = |phase: &Value, name: &str| {
        let part = |part: &str| phase[name][part].as_f64().unwrap_or(f64::NAN);
        let words = format!(
            "median {:.1}, 99 % {:.1}, all {:.1} ms",
            part("p50"),
            part("p99"),
            part("max")
        );
        (part("p99"), words)
    };
    for (name, what) in [
        ("latency_ms", "messages of honest rooms"),
        (
            "set_up_ms",
            "newcomers, from their connection to their welcome",
        ),
    ] {
        let ((_, before), (p99, during)) = (spread(calm, name), spread(storm, name));
        table.informs(&format!("{what}, before the storm"), before);
        table.at_most(
            &format!("{what}, 99 % of them in the storm"),
            p99,
            during,
            bench.bar(LATENCY_MS),
            " ms",
        );
    }
    let turned_away = storm["turned_away"].as_array().map_or(0, Vec::len);
    let came = number(storm, "newcomers")?;
    table.judged(
        "newcomers in the storm",
        format!("{came} came in, {turned_away} turned away"),
        "none turned away".to_owned(),
        turned_away == 0 && came > 0,
    );
    Ok(())
}
