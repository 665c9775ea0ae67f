//! One call of a proof: who speaks when, and what became of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use super::super::idle;
use super::super::{Bench, Scale};
use super::{LIMIT, SENTENCE, file, load, power_db, read, resample, save, start_server};
use lab::best_shift;
use lab::wav::Sound;
use lab::{Process, Room};

/// Raw sound and recordings.
const RATE: u32 = 48_000;
const SECOND: usize = RATE as usize;
/// What both ends are compared at.
const COMPARED_AT: u32 = 16_000;
/// The echo is weaker than what is played by this, dB. The near voice is as loud as the far one, so it is above its echo by as much.
const LOSS: f32 = 15.0;
const NOISE: f32 = -75.0;
/// Between the beginning of the call and the measurement of its processor time.
const SETTLE: Duration = Duration::from_secs(3);

/// Who speaks when.
pub(super) struct Script {
    name: String,
    delay: u64,
    words: Vec<String>,
    /// Seconds in which only the other side speaks; then both do, until the end.
    pub(super) alone: usize,
    seconds: usize,
    near: Vec<f32>,
}

/// What became of it.
pub(super) struct Heard {
    name: String,
    microphone: Sound,
    recorded: Sound,
    near: Vec<f32>,
    /// Samples by which the recording is later than the microphone.
    later: i64,
    alone: usize,
    /// Of the answering process, percent of a core.
    pub(super) load: f64,
    /// Its own figures.
    pub(super) counted: String,
}

/// The sentence of the fixtures with its pauses, over and over, at 48 kHz.
pub(super) fn speech(bench: &Bench, seconds: usize) -> Result<Sound> {
    let once = resample(&read(&bench.workspace.path(SENTENCE))?, RATE).samples;
    let samples = once
        .iter()
        .copied()
        .cycle()
        .take(seconds * SECOND)
        .collect();
    Ok(Sound {
        rate: RATE,
        samples,
    })
}

impl Script {
    /// The answerer is given these options.
    pub(super) fn new(bench: &Bench, delay: u64, words: &[&str]) -> Result<Self> {
        let (alone, seconds) = match bench.scale {
            Scale::Full => (16, 28),
            Scale::Short => (9, 12),
        };
        // Somebody else: the same sentence with a voice that is a quarter higher, from another word on.
        let mut sentence = read(&bench.workspace.path(SENTENCE))?;
        sentence.rate = sentence.rate * 5 / 4;
        let once = resample(&sentence, RATE).samples;
        let mut near = vec![0.0; alone * SECOND];
        let voice = once.iter().copied().cycle().skip(2 * SECOND);
        near.extend(voice.take((seconds - alone) * SECOND));
        let level = |sound: &[f32]| power_db(sound);
        let far = level(&speech(bench, 10)?.samples);
        let scale = 10_f64.powf((far - level(&near[alone * SECOND..])) / 20.0) as f32;
        near.iter_mut().for_each(|sample| *sample *= scale);
        Ok(Self {
            name: format!("echo-{delay}{}", words.concat()),
            delay,
            words: words.iter().map(ToString::to_string).collect(),
            alone,
            seconds,
            near,
        })
    }

    /// Makes the call.
    pub(super) fn play(&self, bench: &Bench) -> Result<Heard> {
        let folder = bench.workspace.scratch("prove")?;
        let path = |end: &str| folder.join(format!("{}{end}", self.name));
        let (far, recorded, figures) = (path("-far.wav"), path(".wav"), path(".jsonl"));
        save(&far, &speech(bench, self.seconds + 1)?)?;
        let (_server, url) = start_server(Command::new(&bench.programs.signaling))?;
        let place = ["--stun", "off", "--server", &url];
        let mut answer = bench.peer(&["answer", "-q", "--mic", "stdin", "--speaker", "stdout"]);
        answer.args(place).args(&self.words);
        answer.arg("--stats-file").arg(&figures);
        let room = Room {
            delay: Duration::from_millis(self.delay),
            loss_db: LOSS,
            noise_db: NOISE,
            near: self.near.clone(),
        };
        let inside = room.start(answer)?;
        let duration = format!("{}s", self.seconds);
        let mut call = bench.peer(&["call", "--json", "--duration", &duration]);
        call.args(place).arg("--mic").arg(file(&far));
        call.arg("--speaker").arg(file(&recorded));
        let mut call = Process::start("peer-cli call", call)?;
        call.wait_for("connected", LIMIT)?;
        let load = busy(inside.id(), Duration::from_secs(self.seconds as u64 - 5))?;
        call.succeed(LIMIT)?;
        let microphone = inside.finish(LIMIT)?;
        self.judge(microphone, load_both(&recorded, &figures)?, load)
    }

    fn judge(
        &self,
        microphone: Sound,
        (recorded, counted): (Sound, String),
        load: f64,
    ) -> Result<Heard> {
        let at = |sound: &Sound| -> Vec<f64> {
            let sound = resample(sound, COMPARED_AT);
            sound.samples.iter().copied().map(f64::from).collect()
        };
        let near = Sound {
            rate: RATE,
            samples: self.near.clone(),
        };
        let reach = i64::from(COMPARED_AT);
        let later = best_shift(&at(&near), &at(&recorded), -reach..=2 * reach);
        Ok(Heard {
            name: self.name.clone(),
            microphone,
            recorded,
            near: self.near.clone(),
            later: later * i64::from(RATE / COMPARED_AT),
            alone: self.alone,
            load,
            counted,
        })
    }
}

/// The recording, and the last words of the figures.
fn load_both(recorded: &Path, figures: &Path) -> Result<(Sound, String)> {
    let lines = fs::read_to_string(figures).context("the answerer wrote no figures")?;
    let source = lines.lines().rev().find_map(|line| {
        let event: Value = serde_json::from_str(line).ok()?;
        let objects = event["stats"].as_array()?;
        objects
            .iter()
            .find(|o| o["type"] == "media-source")
            .cloned()
    });
    let source = source.context("no media-source in the answerer's figures")?;
    let loss = |name: &str| {
        source[name]
            .as_f64()
            .map_or("-".into(), |db| format!("{db:.0} dB"))
    };
    let number = |name: &str| source[name].as_u64().unwrap_or(0);
    let counted = format!(
        "return loss {}, its enhancement {}; frames missed {}, shifts {}",
        loss("echoReturnLoss"),
        loss("echoReturnLossEnhancement"),
        number("echoReferenceMissed"),
        number("echoReferenceShifts"),
    );
    Ok((load(recorded)?, counted))
}

/// The share of a core that a process takes over this time, in percent.
fn busy(process: u32, time: Duration) -> Result<f64> {
    sleep(SETTLE);
    let before = idle::ticks(process)?;
    sleep(time);
    Ok((idle::ticks(process)? - before) / idle::hertz()? / time.as_secs_f64() * 100.0)
}

impl Heard {
    /// By how much less of the echo was recorded than captured, dB; seconds since it was first heard.
    pub(super) fn weaker(&self, from: usize, to: usize) -> f64 {
        let samples = &self.microphone.samples;
        let loud = |step: &[f32]| power_db(step) > -50.0;
        let start = samples.chunks(SECOND / 100).position(loud).unwrap_or(0) * SECOND / 100;
        let (from, to) = (
            start + from * SECOND,
            (start + to * SECOND).min(self.alone * SECOND),
        );
        power_db(&samples[from.min(to)..to]) - power_db(&self.part(from, to))
    }

    /// What was recorded of this part of the microphone's sound.
    fn part(&self, from: usize, to: usize) -> Vec<f32> {
        let at = |sample: usize| usize::try_from(sample as i64 + self.later).ok();
        let sample = |n| at(n).and_then(|n| self.recorded.samples.get(n));
        (from..to)
            .map(|n| sample(n).copied().unwrap_or(0.0))
            .collect()
    }

    /// The near voice as it was, and as it was recorded so many samples later than it fits best, as files that can be judged.
    pub(super) fn double_talk(&self, bench: &Bench, later: usize) -> Result<[PathBuf; 2]> {
        let folder = bench.workspace.scratch("prove")?;
        // The first words are those that double talk is detected by.
        let (from, to) = ((self.alone + 1) * SECOND, self.near.len() - SECOND);
        let sounds = [
            self.near[from..to].to_vec(),
            self.part(from + later, to + later),
        ];
        let paths =
            ["near", "near-heard"].map(|end| folder.join(format!("{}-{end}.wav", self.name)));
        for (path, samples) in paths.iter().zip(sounds) {
            let sound = resample(
                &Sound {
                    rate: RATE,
                    samples,
                },
                COMPARED_AT,
            );
            save(path, &sound)?;
        }
        Ok(paths)
    }
}
