//! Other implementations on the same traces: a call of `peer-cli`, with somebody else at its other end.

mod aiortc;
mod call;
mod chromium;
mod recording;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};

use self::call::Made;
use self::recording::Recording;
use super::Trace;
use super::measured::Measured;
use crate::figures::Comparison;
use crate::prove::Bench;

/// Somebody else's implementation.
struct Other {
    /// For the names of files.
    name: &'static str,
    /// With its version.
    title: String,
    /// Begins to listen in the one room of the server with this address; files may have names that begin with this path.
    listen: Box<Listen>,
}

type Listen = dyn Fn(&str, &Path) -> Result<Box<dyn Listener>> + Send + Sync;

/// Somebody who waits in the room, answers, and keeps what is heard.
trait Listener {
    /// Its process; others may descend from it.
    fn process(&self) -> u32;

    /// It is over.
    fn finish(self: Box<Self>) -> Result<Recording>;
}

/// One call to make.
struct Call<'a> {
    other: &'a Other,
    trace: &'a Trace,
    source: PathBuf,
    /// The names of its files begin with this path.
    begin: PathBuf,
}

/// Characters of a reason.
const SHORT: usize = 160;
/// Shown where there is no figure.
const NONE: &str = "–";

/// Makes the same calls to all others that can be had here, and puts them beside ours. Whoever cannot be had is named.
pub(super) fn compare(
    bench: &Bench,
    folder: &Path,
    ours: &[(&Trace, Measured)],
) -> Result<Comparison> {
    let heads = ["delay (p95), PESQ, STOI, concealed, CPU", "peer-cli"];
    let mut table = Comparison {
        heads: heads.map(str::to_owned).into(),
        ..Comparison::default()
    };
    let ready = [
        ("Chromium", chromium::ready()),
        ("aiortc", aiortc::ready(bench)),
    ];
    let others = ready.map(|(name, ready)| match ready {
        Ok(other) => {
            table.heads.push(other.title.clone());
            Some(other)
        }
        Err(why) => {
            table.heads.push(name.to_owned());
            println!("NOT MEASURED: {name} could not be had: {why:#}");
            table.notes.push(format!("{name} could not be had here."));
            None
        }
    });
    let calls = calls(bench, folder, ours, &others)?;
    let made = super::all(&calls, |call| call.make(bench))?;
    let made: Vec<_> = calls.iter().zip(made).collect();
    let found = super::all(&made, |(call, made)| call.look(bench, made))?;
    let mut found = found.into_iter();
    for (trace, ours) in ours {
        let mut row = vec![trace.about.to_owned(), cell(ours)];
        for other in &others {
            let found = other.as_ref().and_then(|_| found.next());
            row.push(match found {
                None => NONE.to_owned(),
                Some(Ok(found)) => cell(&found),
                Some(Err(why)) => {
                    println!("NOT MEASURED: {}, {why:#}", trace.about);
                    table.notes.push(sentence(trace.about, &why));
                    NONE.to_owned()
                }
            });
        }
        table.rows.push(row);
    }
    Ok(table)
}

/// Trace by trace, all others.
fn calls<'a>(
    bench: &Bench,
    folder: &Path,
    ours: &[(&'a Trace, Measured)],
    others: &'a [Option<Other>],
) -> Result<Vec<Call<'a>>> {
    let mut calls = Vec::new();
    for (trace, _) in ours {
        let source = call::source(bench, folder, &trace.setting)?;
        for other in others.iter().flatten() {
            let name = format!("audio-{}-{}", trace.setting.name, other.name);
            calls.push(Call {
                other,
                trace,
                source: source.clone(),
                begin: folder.join(name),
            });
        }
    }
    Ok(calls)
}

impl Call<'_> {
    fn look(&self, bench: &Bench, made: &Result<Made>) -> Result<Measured> {
        let title = &self.other.title;
        let made = made.as_ref().map_err(|why| anyhow!("{title}: {why:#}"))?;
        if let Some(seconds) = made.buffered() {
            let (about, ms) = (self.trace.about, seconds * 1e3);
            println!("{title}, {about}: by its own count {ms:.0} ms in the jitter buffer");
        }
        let heard = self.heard(bench, made);
        let found = heard.and_then(|heard| Measured::of(bench, self.trace.network, &heard));
        found.with_context(|| title.clone())
    }
}

/// Why there is no figure, for the README: not all that a failed program has said.
fn sentence(about: &str, why: &anyhow::Error) -> String {
    let all = format!("{why:#}");
    let first = all.lines().next().unwrap_or_default();
    let short: String = first.chars().take(SHORT).collect();
    format!("Not measured: {about}, {short}.")
}

/// All figures in one cell.
fn cell(found: &Measured) -> String {
    let delay = found.delay.map_or_else(
        || "no chirp came through whole".to_owned(),
        |delay| format!("{:.0} ms ({:.0})", delay.median, delay.p95),
    );
    let quality = found.quality.as_ref().map_or_else(
        || format!("{NONE}, {NONE}"),
        |quality| format!("{:.2}, {:.3}", quality.pesq, quality.stoi),
    );
    let cpu = found
        .cpu
        .map_or_else(|| NONE.to_owned(), |[_, ear]| format!("{ear:.1} %"));
    format!("{delay}, {quality}, {:.1} %, {cpu}", found.concealed)
}
