//! How late and how well a voice arrives over bad networks: real calls, file to file, several at a time.

mod beside;
mod call;
mod chirp;
mod measured;

use std::sync::Mutex;
use std::thread;

use anyhow::{Context, Result, ensure};

use self::call::{Heard, Setting, look, make};
use self::measured::Measured;
use super::quality::Quality;
use super::{Bench, Scale};
use crate::figures::{Spread, Table};

/// Calls at a time: as many as two cores carry without disturbing each other's clocks.
const AT_A_TIME: usize = 4;
/// Of a call in short.
const SHORT: usize = 12;
/// Seconds within which a stall must be forgotten, one chirp a second.
const STALL_OVER: usize = 5;
/// How much later the end of a call with stalls may be than its beginning, in ms.
const GROWN: f64 = 10.0;
/// What the programs of a test run and its busy machine may add to a delay, in ms.
const SLACK: f64 = 150.0;

/// A call and what is asked of it.
struct Trace {
    about: &'static str,
    setting: Setting,
    /// What the network itself takes at least, in ms; subtracted.
    network: f64,
    /// Median from mouth to ear, in ms.
    delay: Option<f64>,
    /// From this delay on, in ms, a stall is not over yet.
    stalled: Option<f64>,
    pesq: Option<f64>,
    stoi: Option<f64>,
    /// Percent of the samples.
    concealed: Option<f64>,
    /// Whether the short form has time for it.
    short: bool,
}

const NONE: Trace = Trace {
    about: "",
    setting: Setting {
        name: "",
        impair: "",
        options: &[],
        adapting: 0,
        seconds: 62,
    },
    network: 0.0,
    delay: None,
    stalled: None,
    pesq: None,
    stoi: None,
    concealed: None,
    short: false,
};

const fn setting(name: &'static str, impair: &'static str) -> Setting {
    Setting {
        name,
        impair,
        ..NONE.setting
    }
}

const TRACES: &[Trace] = &[
    Trace {
        about: "calm",
        setting: setting("calm", ""),
        delay: Some(45.0),
        pesq: Some(3.7),
        short: true,
        ..NONE
    },
    Trace {
        about: "calm, 10 ms frames",
        setting: Setting {
            options: &["--ptime", "10"],
            ..setting("calm-10", "")
        },
        delay: Some(35.0),
        pesq: Some(3.7),
        ..NONE
    },
    Trace {
        about: "5 % loss",
        setting: setting("loss-5", "loss=5%"),
        pesq: Some(3.3),
        ..NONE
    },
    Trace {
        about: "10 % loss in bursts of 2",
        setting: setting("gilbert-10", "loss=10%,burst=2"),
        pesq: Some(2.1),
        ..NONE
    },
    Trace {
        about: "20 % loss",
        setting: setting("loss-20", "loss=20%"),
        stoi: Some(0.8),
        ..NONE
    },
    Trace {
        about: "0–80 ms jitter, 5 % loss",
        setting: setting("jitter-80", "delay=40ms,jitter=40ms,loss=5%"),
        delay: Some(130.0),
        pesq: Some(2.4),
        short: true,
        ..NONE
    },
    Trace {
        about: "0–80 ms jitter",
        setting: setting("jitter-only", "delay=40ms,jitter=40ms"),
        ..NONE
    },
    Trace {
        about: "100 ± 20 ms",
        setting: setting("far", "delay=100ms,jitter=20ms"),
        network: 80.0,
        ..NONE
    },
    Trace {
        about: "a stall of 300 ms every 6 s",
        setting: setting("stalls", "stall=300ms/6s"),
        stalled: Some(100.0),
        ..NONE
    },
    Trace {
        about: "a line of 24 kbit/s",
        setting: Setting {
            adapting: 10,
            seconds: 72,
            ..setting("narrow", "rate=24k")
        },
        delay: Some(400.0),
        concealed: Some(3.0),
        ..NONE
    },
];

pub(super) fn run(bench: &Bench) -> Result<Table> {
    let traces: Vec<&Trace> = TRACES
        .iter()
        .filter(|trace| trace.short || bench.scale == Scale::Full)
        .collect();
    let folder = bench.workspace.scratch("prove")?;
    let settings: Vec<Setting> = traces
        .iter()
        .map(|trace| Setting {
            seconds: bench.rounds(trace.setting.seconds, SHORT),
            ..trace.setting
        })
        .collect();
    let made = all(&settings, |setting| make(bench, &folder, setting))?;
    let mut table = Table::default();
    let mut ours = Vec::new();
    for ((trace, setting), made) in traces.into_iter().zip(&settings).zip(made) {
        let heard = made.and_then(|made| look(bench, &folder, setting, &made));
        let heard = heard.with_context(|| trace.about)?;
        let found = Measured::of(bench, trace.network, &heard).with_context(|| trace.about)?;
        rows(bench, trace, &heard, &found, &mut table).with_context(|| trace.about)?;
        ours.push((trace, found));
    }
    if bench.scale == Scale::Full {
        table.beside = Some(beside::compare(bench, &folder, &ours)?);
    }
    Ok(table)
}

/// Makes the calls, some at a time; in their order.
fn all<S: Sync, M: Send>(
    settings: &[S],
    make: impl Fn(&S) -> Result<M> + Sync,
) -> Result<Vec<Result<M>>> {
    let waiting = Mutex::new(settings.iter().enumerate());
    let next = || waiting.lock().ok().and_then(|mut waiting| waiting.next());
    let work = || {
        let mut done = Vec::new();
        while let Some((number, setting)) = next() {
            done.push((number, make(setting)));
        }
        done
    };
    let mut results = thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_A_TIME).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap_or_default())
            .collect::<Vec<_>>()
    });
    ensure!(
        results.len() == settings.len(),
        "a measuring thread panicked"
    );
    results.sort_by_key(|(number, _)| *number);
    Ok(results.into_iter().map(|(_, made)| made).collect())
}

fn rows(
    bench: &Bench,
    trace: &Trace,
    heard: &Heard,
    found: &Measured,
    table: &mut Table,
) -> Result<()> {
    let about = trace.about;
    let delay = found.delay.context("no chirp came through")?;
    let what = format!("{about}: from mouth to ear");
    let [whole, all] = found.chirps;
    let (median, p95) = (delay.median, delay.p95);
    let figure = format!("{median:.0} ms, p95 {p95:.0} ({whole} of {all} chirps)");
    match trace.delay {
        Some(bar) => {
            let bar = if bench.scale == Scale::Full {
                bar
            } else {
                bar + SLACK
            };
            table.at_most(&what, median, figure, bar, " ms");
        }
        None => table.informs(&what, figure),
    }
    if let (Some(bar), Scale::Full) = (trace.stalled, bench.scale) {
        stalls(trace, heard, bar, table);
    }
    if bench.scale == Scale::Full {
        quality(trace, found, table)?;
    }
    let concealed = found.concealed;
    let cpu = found.cpu.map_or_else(String::new, |[call, answer]| {
        format!("; {call:.1} and {answer:.1} % of a core")
    });
    let (what, figure) = (
        format!("{about}: concealed"),
        format!("{concealed:.1} %{cpu}"),
    );
    match trace.concealed {
        Some(bar) => table.at_most(&what, concealed, figure, bar, " %"),
        None => table.informs(&what, figure),
    }
    Ok(())
}

/// How long the delay stays high after a stall, and whether it grows.
fn stalls(trace: &Trace, heard: &Heard, bar: f64, table: &mut Table) {
    let (mut run, mut longest) = (0, 0);
    for delay in &heard.delays {
        // A chirp that did not come through whole tells nothing new.
        match delay {
            Some(delay) if delay * 1e3 - trace.network < bar => run = 0,
            _ => run += 1,
        }
        longest = longest.max(run);
    }
    let what = format!("{}: chirps in a row later than {bar} ms", trace.about);
    let shown = format!("{longest}, one a second");
    table.at_most(&what, longest as f64, shown, STALL_OVER as f64 - 1.0, "");
    let part = heard.delays.len() / 3;
    let median = |delays: &[Option<f64>]| {
        Spread::of(delays.iter().flatten().map(|delay| delay * 1e3).collect())
            .map_or(f64::NAN, |spread| spread.median)
    };
    let first = median(&heard.delays[..part]);
    let last = median(&heard.delays[heard.delays.len() - part..]);
    table.at_most(
        &format!("{}: the last third later than the first by", trace.about),
        last - first,
        format!("{:.0} ms", last - first),
        GROWN,
        " ms",
    );
}

fn quality(trace: &Trace, found: &Measured, table: &mut Table) -> Result<()> {
    let Quality { pesq, stoi } = found.quality.as_ref().context("no sentence was heard")?;
    let about = trace.about;
    let figures = [
        ("PESQ", *pesq, format!("{pesq:.2}"), trace.pesq),
        ("STOI", *stoi, format!("{stoi:.3}"), trace.stoi),
    ];
    for (measure, figure, shown, bar) in figures {
        let what = format!("{about}: {measure}, mean of {} sentences", found.sentences);
        match bar {
            Some(bar) => table.at_least(&what, figure, shown, bar),
            None => table.informs(&what, shown),
        }
    }
    Ok(())
}
