//! A spoken sentence from one process to another: whole, well, and a tone told from its neighbour.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use super::{Bench, Scale, quality};
use crate::demo::{SENTENCE, file, read, start_server};
use crate::figures::Table;
use lab::Process;
use lab::compare::{self, DRIFT, compare};
use lab::wav;

/// For one call from its start to its end.
const LIMIT: Duration = Duration::from_secs(60);
/// Milliseconds that may be missing at either end.
const MISSING: f64 = 100.0;
/// Wide-band PESQ.
const QUALITY: f64 = 3.5;
/// Correlation below which the sentence is not recognised.
const RECOGNISED: f64 = 0.6;

pub(super) fn run(bench: &Bench) -> Result<Table> {
    let folder = bench.workspace.scratch("prove")?;
    let mut table = Table::default();
    quality(bench, &folder, &mut table)?;
    wholeness(bench, &folder, &mut table)?;
    for (hertz, expected) in [(440, 0), (450, 8)] {
        let code = expect_tone(bench, hertz)?;
        let what = format!("`--expect tone=440` with {hertz} Hz sent");
        table.judged(
            &what,
            format!("exit {code}"),
            format!("exit {expected}"),
            code == expected,
        );
    }
    Ok(table)
}

/// The sentence as it is: how alike, and how good.
fn quality(bench: &Bench, folder: &Path, table: &mut Table) -> Result<()> {
    let original = bench.workspace.path(SENTENCE);
    let sent = read(&original)?;
    let heard = read(&send(bench, &original, &folder.join("speech.wav"))?)?;
    let found = compare(&sent, &heard, DRIFT);
    table.at_least(
        "similarity of the waveforms",
        found.similarity,
        format!("{:.2}", found.similarity),
        RECOGNISED,
    );
    // The short form does without Python.
    if bench.scale == Scale::Full {
        let aligned = folder.join("speech-aligned.wav");
        fs::write(
            &aligned,
            wav::write(&compare::aligned(&sent, &heard, found.delay)),
        )
        .with_context(|| format!("cannot write {}", aligned.display()))?;
        let judged = quality::judge(bench.workspace, &original, &aligned)?;
        table.at_least(
            "PESQ, wide band, after alignment",
            judged.pesq,
            format!("{:.2}", judged.pesq),
            QUALITY,
        );
        table.informs("STOI", format!("{:.3}", judged.stoi));
    }
    Ok(())
}

/// The sentence without its silence before and after: what is cut off now is speech.
fn wholeness(bench: &Bench, folder: &Path, table: &mut Table) -> Result<()> {
    let sent = compare::trimmed(&read(&bench.workspace.path(SENTENCE))?);
    let original = folder.join("speech-without-silence.wav");
    fs::write(&original, wav::write(&sent))
        .with_context(|| format!("cannot write {}", original.display()))?;
    let heard = read(&send(
        bench,
        &original,
        &folder.join("speech-without-silence-heard.wav"),
    )?)?;
    let found = compare(&sent, &heard, DRIFT);
    let ends = [
        ("missing at the start", found.missing_start),
        ("missing at the end", found.missing_end),
    ];
    for (what, seconds) in ends {
        table.at_most(
            what,
            seconds * 1e3,
            format!("{:.0} ms", seconds * 1e3),
            MISSING,
            " ms",
        );
    }
    table.informs(
        "length sent, length heard",
        format!("{:.2} s, {:.2} s", sent.seconds(), heard.seconds()),
    );
    Ok(())
}

/// One call from a file to a file; both ends must say that all went well.
fn send(bench: &Bench, from: &Path, to: &Path) -> Result<PathBuf> {
    let (_server, url) = start_server(std::process::Command::new(&bench.programs.signaling))?;
    let common = ["--stun", "off", "--json", "--server", &url];
    let mut answer = bench.peer(&["answer", "--mic", "silence"]);
    answer.args(common).arg("--speaker").arg(file(to));
    let mut answer = Process::start("peer-cli answer", answer)?;
    answer.wait_for("signaling", LIMIT)?;
    let mut call = bench.peer(&["call", "--speaker", "null", "--hangup-on-eof"]);
    call.args(common).arg("--mic").arg(file(from));
    let mut call = Process::start("peer-cli call", call)?;
    call.succeed(LIMIT)?;
    answer.succeed(LIMIT)?;
    Ok(to.to_owned())
}

/// The exit code of an `answer` that expects 440 Hz and is sent this.
fn expect_tone(bench: &Bench, hertz: u32) -> Result<i32> {
    let (_server, url) = start_server(std::process::Command::new(&bench.programs.signaling))?;
    let common = [
        "--speaker",
        "null",
        "--stun",
        "off",
        "--json",
        "--server",
        &url,
    ];
    let mut answer = bench.peer(&["answer", "--mic", "silence", "--expect", "tone=440"]);
    answer.args(common);
    let mut answer = Process::start("peer-cli answer", answer)?;
    answer.wait_for("signaling", LIMIT)?;
    let mut call = bench.peer(&["call", "--mic", &format!("tone:{hertz}")]);
    call.args(common);
    let _call = Process::start("peer-cli call", call)?;
    answer.finish(LIMIT)
}
