//! What calls cost: one with files, a hundred at once, and whether ten minutes of them leave anything behind.

use std::thread::sleep;
use std::time::Duration;

use anyhow::Result;
use lab::Process;
use serde_json::Value;

use super::{Bench, Scale, idle};
use crate::demo::{SENTENCE, file, start_server};
use crate::figures::Table;

mod concealed;
pub(super) mod memory;

use concealed::Concealed;
use memory::Diary;

/// Calls that one peer holds at once.
const CALLS: (usize, usize) = (100, 10);
/// How long processor time is measured, seconds.
const MEASURED: (usize, usize) = (60, 3);
/// The small crowd that stays for the whole time beside the one call with files.
const FEW: usize = 10;
/// How many times memory is looked at, and how long after each other, seconds.
const LOOKS: usize = 10;
const BETWEEN: (usize, usize) = (60, 1);

/// Bars in percent of a core.
const ONE_CALL: f64 = 4.0;
const PROCESSED: f64 = 7.0;
const EACH_CALL: f64 = 1.0;
/// Megabytes for each call of many, and how many any may grow by: in the first seconds every program still grows.
const EACH_CALL_MB: f64 = 2.0;
const GROWTH_MB: (f64, f64) = (1.0, 5.0);
/// Percent of the packets, and of the sound that is made up, in the runs that may be disturbed by all the others.
const DISTURBED: f64 = 5.0;
/// Percent of the sound: of a hundred minutes half a second.
const MADE_UP: f64 = 0.01;

/// For a program to say something.
const READY: Duration = Duration::from_secs(30);
/// For a hundred calls to come up, twelve a second at most.
const UP: Duration = Duration::from_secs(90);
/// More than the measuring inside of it takes, with its own settling.
const MARGIN: Duration = Duration::from_secs(4);

pub(super) fn run(bench: &Bench) -> Result<Table> {
    let mut table = Table::default();
    if !cfg!(target_os = "linux") {
        table.informs(
            "processor time and memory",
            "not measured: they are read from /proc, which only Linux has".into(),
        );
        return Ok(table);
    }
    let (_server, url) = start_server(bench.signaling())?;
    let place = Place { bench, url };
    let [call, answer] = place.files("files", &[])?;
    let few = (bench.scale == Scale::Full)
        .then(|| place.crowd("few", FEW, place.whole_time()))
        .transpose()?;
    let mut staying = vec![
        ("`call` with files", &call),
        ("`answer` with files", &answer),
    ];
    if let Some(few) = &few {
        staying.push(("`answer --echo` with ten calls", &few.answer));
    }
    let diary = Diary::begin(&staying, LOOKS, place.seconds(BETWEEN));

    one_call(
        &place,
        [&call, &answer],
        "file to file",
        ONE_CALL,
        &mut table,
    )?;
    let processed = place.files("processed", &["--aec", "--ns", "--agc"])?;
    let [first, second] = &processed;
    one_call(
        &place,
        [first, second],
        "all processing",
        PROCESSED,
        &mut table,
    )?;
    drop(processed);
    many_calls(&place, &mut table)?;
    let bar = match bench.scale {
        Scale::Full => GROWTH_MB.0,
        Scale::Short => GROWTH_MB.1,
    };
    for (what, growth) in diary.end()? {
        let what = format!(
            "{what}, {LOOKS} looks {} s apart",
            bench.rounds(BETWEEN.0, BETWEEN.1)
        );
        let what = format!("memory of {what}: the greatest growth since the first");
        table.at_most(&what, growth.megabytes, growth.to_string(), bar, " MB");
    }
    Ok(table)
}

fn one_call(
    place: &Place,
    pair: [&Process; 2],
    how: &str,
    bar: f64,
    table: &mut Table,
) -> Result<()> {
    let time = place.seconds(MEASURED);
    let [calling, answering] = idle::load(pair, time)?;
    for (what, load) in [("`call`", calling), ("`answer`", answering)] {
        let what = format!("{what} in one call, {how}, {} s", time.as_secs());
        let bar = place.bench.bar(bar);
        table.at_most(&what, load, format!("{load:.2} %"), bar, " % of a core");
    }
    Ok(())
}

fn many_calls(place: &Place, table: &mut Table) -> Result<()> {
    let count = place.bench.rounds(CALLS.0, CALLS.1);
    let time = place.seconds(MEASURED);
    let mut crowd = place.crowd("many", count, time + MARGIN)?;
    let holding = crowd.load.wait_for("holding", UP)?.at;
    let [answering, loading] = idle::load([&crowd.answer, &crowd.load], time)?;
    let memory = memory::resident(crowd.answer.id())? - crowd.waiting;
    let held = crowd.load.wait_for("held", UP)?.at;
    let result = crowd.load.wait_for("result", READY)?.value;
    crowd.load.succeed(READY)?;
    let concealed = Concealed::between(&mut crowd.answer, holding, held)?;

    let calls = format!("{count} calls at once");
    let each = answering / count as f64;
    let bar = place.bench.bar(EACH_CALL);
    let figure = format!("{each:.2} %, {answering:.0} % together");
    let what = format!("{calls}: `answer --echo`, for each");
    table.at_most(&what, each, figure, bar, " % of a core");
    let each = memory / count as f64;
    let what = format!("{calls}: memory, for each");
    table.at_most(&what, each, format!("{each:.2} MB"), EACH_CALL_MB, " MB");
    quality(place, &calls, &result, &concealed, table);
    let each = loading / count as f64;
    let what = format!("{calls}: the generator itself, for each");
    table.informs(&what, format!("{each:.2} % of a core"));
    Ok(())
}

fn quality(place: &Place, calls: &str, result: &Value, concealed: &Concealed, table: &mut Table) {
    let short = place.bench.scale == Scale::Short;
    let number = |name: &str| result[name].as_f64().unwrap_or(f64::NAN);
    let (sent, lost) = (number("sent"), number("lost") + number("wrong"));
    let what = format!("{calls}: packets that did not come back");
    let bar = if short { DISTURBED } else { 0.0 };
    let share = lost / sent * 100.0;
    table.at_most(&what, share, format!("{lost} of {sent}"), bar, " %");
    let what = format!("{calls}: sound that the playout made up");
    let bar = if short { DISTURBED } else { MADE_UP };
    let share = concealed.share() * 100.0;
    table.at_most(&what, share, concealed.to_string(), bar, " %");
    let trip = |name: &str| result["rtt_ms"][name].as_f64().unwrap_or(f64::NAN);
    let (half, most, all) = (trip("p50"), trip("p99"), trip("max"));
    table.informs(
        &format!("{calls}: round trip of a packet"),
        format!("median {half:.1} ms, 99 % {most:.1} ms, all {all:.1} ms"),
    );
    let (late, gaps) = (number("late"), number("gaps"));
    table.informs(
        &format!("{calls}: packets after more than 100 ms; gaps of more than 60 ms"),
        format!("{late}; {gaps}"),
    );
}

/// Where all of it happens.
struct Place<'a> {
    bench: &'a Bench<'a>,
    url: String,
}

/// A peer that echoes, and what loads it.
struct Crowd {
    answer: Process,
    load: Process,
    /// Memory of the peer before the first call, MB.
    waiting: f64,
}

impl Place<'_> {
    fn seconds(&self, (full, short): (usize, usize)) -> Duration {
        Duration::from_secs(self.bench.rounds(full, short) as u64)
    }

    /// From before the first look at memory until after the last.
    fn whole_time(&self) -> Duration {
        self.seconds(BETWEEN) * (LOOKS as u32 + 1)
    }

    /// Two that are in a call, from file to file, with these options more.
    fn files(&self, room: &str, more: &[&str]) -> Result<[Process; 2]> {
        let sentence = format!("{},loop", file(&self.bench.workspace.path(SENTENCE)));
        let folder = self.bench.workspace.scratch("prove")?;
        let start = |name: &'static str, verb: &str| {
            let heard = file(&folder.join(format!("calls-{room}-{verb}.wav")));
            let sound = [verb, room, "--mic", &sentence, "--speaker", &heard];
            Process::start(
                name,
                self.bench
                    .peer(&[&sound[..], more, &self.server()].concat()),
            )
        };
        let mut answer = start("peer-cli answer", "answer")?;
        answer.wait_for("signaling", READY)?;
        let mut call = start("peer-cli call", "call")?;
        call.wait_for("connected", READY)?;
        Ok([call, answer])
    }

    /// So many calls for so long.
    fn crowd(&self, room: &str, count: usize, hold: Duration) -> Result<Crowd> {
        let (count, hold) = (count.to_string(), format!("{}s", hold.as_secs()));
        // More often than it would look at its calls by itself, and printed: what it costs is not hidden.
        let words = ["answer", room, "--echo", "--peers", &count, "--stats", "1s"];
        let words = [&words[..], &self.server()].concat();
        let mut answer = Process::start("peer-cli answer", self.bench.peer(&words))?;
        answer.wait_for("signaling", READY)?;
        sleep(Duration::from_millis(500));
        let waiting = memory::resident(answer.id())?;
        let mut load = std::process::Command::new(&self.bench.programs.load);
        load.args(["--server", &self.url, "--room", room, "--calls", &count])
            .args(["--hold", &hold, "--sound"])
            .arg(self.bench.workspace.path(SENTENCE));
        let load = Process::start("load", load)?;
        Ok(Crowd {
            answer,
            load,
            waiting,
        })
    }

    fn server(&self) -> [&str; 5] {
        ["--stun", "off", "--json", "--server", &self.url]
    }
}
