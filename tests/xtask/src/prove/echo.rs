//! Voice processing between real processes: a caller speaks, the answerer's speaker is heard in its own microphone (`lab::Room`
//! around its pipes), and the caller records what comes back.

mod room;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};

use super::{Bench, Scale, quality};
use crate::demo::{SENTENCE, file, read, start_server};
use crate::figures::Table;
use crate::resample::resample;
use lab::Process;
use lab::wav::{self, Sound};
use room::{Heard, Script};

/// For one call from its start to its end.
const LIMIT: Duration = Duration::from_secs(90);
/// Rooms at a time.
const AT_A_TIME: usize = 2;
/// From playing to hearing, ms.
const DELAYS: [u64; 3] = [40, 120, 300];
/// The one that shows everything else.
const MIDDLE: u64 = 120;
/// Bars: dB in the first second and in seconds 5 to 15, intelligibility in double talk, percent of a core.
const FIRST: f64 = 20.0;
const LATER: f64 = 35.0;
const DOUBLE_TALK: f64 = 0.78;
const LOAD: f64 = 7.0;
/// What a test run asks for on a machine that does other things, too.
const SHORT: f64 = 15.0;
/// Bars: dB of noise, and the level that speech of −40 dBFS reaches within 2 s.
const NOISE: f64 = 11.0;
const LEVELS: std::ops::RangeInclusive<f64> = -30.0..=-18.0;

pub(super) fn run(bench: &Bench) -> Result<Table> {
    if bench.scale == Scale::Short {
        return in_short(bench);
    }
    let mut table = Table::default();
    let options: [(u64, &[&str]); 5] = [
        (DELAYS[0], &["--aec"]),
        (DELAYS[1], &["--aec"]),
        (DELAYS[2], &["--aec"]),
        (MIDDLE, &["--aec", "--ns", "--agc"]),
        (MIDDLE, &[]),
    ];
    let heard = play(bench, &options);
    let [a, b, c, all, none] =
        <[_; 5]>::try_from(heard).map_err(|_| anyhow!("a room is missing"))?;
    let (noise, level) = thread::scope(|scope| {
        let noise = scope.spawn(|| noise(bench));
        let level = quiet_voice(bench);
        (joined(noise.join()), level)
    });
    for (delay, heard) in DELAYS.into_iter().zip([a?, b?, c?]) {
        rows(
            bench,
            &mut table,
            &format!("echo after {delay} ms"),
            &heard,
            false,
        )?;
    }
    let all = all?;
    rows(
        bench,
        &mut table,
        "with noise suppression and gain control",
        &all,
        true,
    )?;
    table.at_most(
        "processor time of that side of the call, all processing on",
        all.load,
        format!("{:.1} %", all.load),
        LOAD,
        " % of a core",
    );
    let later = none?.weaker(5, 15);
    table.informs("for comparison, without --aec: weaker by", decibels(later));
    noise_and_level(&mut table, noise?, level?);
    Ok(table)
}

/// Some rooms at a time: more would keep each other's clocks waiting.
fn play(bench: &Bench, options: &[(u64, &[&str])]) -> Vec<Result<Heard>> {
    let together = |some: &[(u64, &[&str])]| {
        thread::scope(|scope| {
            let mut rooms = Vec::new();
            for &(delay, words) in some {
                rooms.push(scope.spawn(move || Script::new(bench, delay, words)?.play(bench)));
            }
            let heard = rooms.into_iter().map(|room| joined(room.join()));
            heard.collect::<Vec<_>>()
        })
    };
    options.chunks(AT_A_TIME).flat_map(together).collect()
}

/// What the other two do, each alone.
fn noise_and_level(table: &mut Table, noise: f64, level: f64) {
    table.at_least(
        "--ns: white noise of −45 dBFS is weaker by",
        noise,
        decibels(noise),
        NOISE,
    );
    table.judged(
        "--agc: speech of −40 dBFS after 2 s",
        format!("{level:.0} dBFS"),
        format!("{:.0} to {:.0} dBFS", LEVELS.start(), LEVELS.end()),
        LEVELS.contains(&level),
    );
}

/// One room, and no more than that something is taken away.
fn in_short(bench: &Bench) -> Result<Table> {
    let mut table = Table::default();
    let script = Script::new(bench, MIDDLE, &["--aec"])?;
    let heard = script.play(bench)?;
    let (first, later) = (heard.weaker(0, 1), heard.weaker(5, script.alone));
    let row = format!("echo after {MIDDLE} ms is weaker by, first second");
    table.at_least(&row, first, decibels(first), SHORT);
    let row = format!(
        "echo after {MIDDLE} ms is weaker by, seconds 5 to {}",
        script.alone
    );
    table.at_least(&row, later, decibels(later), SHORT);
    Ok(table)
}

/// One room: echo alone, then somebody who speaks into it. With gain control the dB are no measure: it makes all louder.
fn rows(bench: &Bench, table: &mut Table, what: &str, heard: &Heard, gain: bool) -> Result<()> {
    let weaker = [
        ("first second", heard.weaker(0, 1), FIRST),
        ("seconds 5 to 15", heard.weaker(5, 15), LATER),
    ];
    for (when, found, bar) in weaker {
        let row = format!("{what}: weaker by, {when}");
        if gain {
            table.informs(&row, decibels(found));
        } else {
            table.at_least(&row, found, decibels(found), bar);
        }
    }
    let stoi = double_talk(bench, heard)?;
    let row = format!("{what}: STOI of a near voice 15 dB above it");
    table.at_least(&row, stoi, format!("{stoi:.2}"), DOUBLE_TALK);
    let row = format!("{what}: what the answerer counts");
    table.informs(&row, heard.counted.clone());
    Ok(())
}

/// Where it fits best: the processing moves waveform and loudness by different times, up to 8 ms.
fn double_talk(bench: &Bench, heard: &Heard) -> Result<f64> {
    let mut best = 0.0_f64;
    for shift in [0, 120, 240, 360] {
        let [said, got] = heard.double_talk(bench, shift)?;
        best = best.max(quality::judge(bench.workspace, &said, &got)?.stoi);
    }
    Ok(best)
}

/// By how much `--ns` makes white noise weaker, dB.
fn noise(bench: &Bench) -> Result<f64> {
    let mut state = 1_u64;
    let mut even = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 40) as f32 / 8_388_608.0 - 1.0
    };
    // Uniform noise has a third of its peak's power.
    let peak = 10_f32.powf(-45.0 / 20.0) * 3_f32.sqrt();
    let samples = (0..10 * 48_000).map(|_| even() * peak).collect();
    let sent = Sound {
        rate: 48_000,
        samples,
    };
    let heard = send(bench, &sent, "noise", "--ns")?;
    Ok(level(&sent, 4, 9) - level(&heard, 4, 9))
}

/// What `--agc` makes of speech at −40 dBFS, from second 2 on.
fn quiet_voice(bench: &Bench) -> Result<f64> {
    let mut sent = room::speech(bench, 10)?;
    let scale = 10_f64.powf((-40.0 - level(&sent, 0, 10)) / 20.0) as f32;
    sent.samples.iter_mut().for_each(|sample| *sample *= scale);
    let heard = send(bench, &sent, "quiet", "--agc")?;
    Ok(level(&heard, 2, 9))
}

/// One call from a file, processed, to a file.
fn send(bench: &Bench, sound: &Sound, name: &str, option: &str) -> Result<Sound> {
    let folder = bench.workspace.scratch("prove")?;
    let [from, to] = ["sent", "heard"].map(|end| folder.join(format!("{name}-{end}.wav")));
    save(&from, sound)?;
    let (_server, url) = start_server(Command::new(&bench.programs.signaling))?;
    let common = ["--stun", "off", "--json", "--server", &url];
    let mut answer = bench.peer(&["answer", "--mic", "silence"]);
    answer.args(common).arg("--speaker").arg(file(&to));
    let mut answer = Process::start("peer-cli answer", answer)?;
    answer.wait_for("signaling", LIMIT)?;
    let mut call = bench.peer(&["call", "--speaker", "null", "--hangup-on-eof", option]);
    call.args(common).arg("--mic").arg(file(&from));
    Process::start("peer-cli call", call)?.succeed(LIMIT)?;
    answer.succeed(LIMIT)?;
    load(&to)
}

/// At its own rate.
fn load(path: &Path) -> Result<Sound> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    wav::parse(&bytes).with_context(|| format!("cannot read {}", path.display()))
}

fn save(path: &Path, sound: &Sound) -> Result<()> {
    fs::write(path, wav::write(sound)).with_context(|| format!("cannot write {}", path.display()))
}

/// dBFS between two seconds.
fn level(sound: &Sound, from: usize, to: usize) -> f64 {
    let rate = sound.rate as usize;
    let end = (to * rate).min(sound.samples.len());
    power_db(&sound.samples[(from * rate).min(end)..end])
}

fn power_db(samples: &[f32]) -> f64 {
    let sum: f64 = samples.iter().map(|s| f64::from(*s) * f64::from(*s)).sum();
    10.0 * (sum / samples.len().max(1) as f64).max(1e-12).log10()
}

fn decibels(value: f64) -> String {
    format!("{value:.0} dB")
}

fn joined<T>(outcome: thread::Result<Result<T>>) -> Result<T> {
    outcome.unwrap_or_else(|_| Err(anyhow!("a measurement broke down")))
}
