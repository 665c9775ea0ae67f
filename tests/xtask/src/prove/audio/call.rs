//! One call over a bad network: chirps one way, speech the other, and what both peers counted.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use lab::Process;
use lab::wav::{self, Sound};
use serde_json::Value;

use super::chirp;
use crate::demo::{COMPARED_AT, SENTENCE, file, start_server};
use crate::prove::{Bench, Scale, idle};
use crate::resample::resample;
use lab::compare::{self, DRIFT, compare};

/// For everything beside the call itself.
const LIMIT: Duration = Duration::from_secs(60);
/// Of a call, the seconds at its start and end that processor time is not measured in.
const EDGES: usize = 6;
/// How much later than expected a sentence is looked for, in seconds.
const LATEST: f64 = 1.2;

/// What a call is made with.
pub(super) struct Setting {
    /// For the names of files.
    pub(super) name: &'static str,
    /// The bad network of both peers, in the words of `--impair`; empty for none.
    pub(super) impair: &'static str,
    /// More options of both peers.
    pub(super) options: &'static [&'static str],
    /// Seconds to adapt, of which nothing is judged.
    pub(super) adapting: usize,
    /// Seconds of chirps, all in all.
    pub(super) seconds: usize,
}

/// A call that was made.
pub(super) struct Made {
    called: Said,
    answered: Said,
    cpu: Option<[f64; 2]>,
    chirps: PathBuf,
    speech: PathBuf,
}

/// What came of it.
pub(super) struct Heard {
    /// From mouth to ear, in seconds, chirp by chirp.
    pub(super) delays: Vec<Option<f64>>,
    /// Whole sentences, cut out and aligned: files of 16 kHz as long as the original.
    pub(super) sentences: Vec<PathBuf>,
    /// Share of the played samples that were made up, where the speech arrived.
    pub(super) concealed: f64,
    /// Percent of a core of `call` and `answer`; not measured in short calls.
    pub(super) cpu: Option<[f64; 2]>,
}

/// What one peer said.
#[derive(Default)]
pub(super) struct Said {
    /// The clocks of sample 0 of what was sent and of what was heard, in seconds.
    pub(super) sent: Option<f64>,
    heard: Option<f64>,
    /// The counters of received sound, second by second.
    inbound: Vec<Value>,
}

/// Makes the call; nothing else is done meanwhile.
pub(super) fn make(bench: &Bench, folder: &Path, setting: &Setting) -> Result<Made> {
    let path = |what: &str| folder.join(format!("audio-{}-{what}.wav", setting.name));
    let (chirps, chirps_heard, speech_heard) =
        (path("chirps"), path("chirps-heard"), path("speech-heard"));
    write(&chirps, &chirp::source(setting.seconds))?;
    let sentence = bench.workspace.path(SENTENCE);
    let (_server, url) = start_server(std::process::Command::new(&bench.programs.signaling))?;
    let peer = |words: &[&str], seed: &str| {
        let mut command = bench.peer(words);
        command.args(["--stun", "off", "--json", "--stats", "1s", "--server", &url]);
        command.args(setting.options);
        if !setting.impair.is_empty() {
            command.args(["--impair", setting.impair, "--impair-seed", seed]);
        }
        command
    };
    let mut answer = peer(&["answer"], "11");
    answer.arg("--mic").arg(format!("{},loop", file(&sentence)));
    answer.arg("--speaker").arg(file(&chirps_heard));
    let mut answer = Process::start("peer-cli answer", answer)?;
    answer.wait_for("signaling", LIMIT)?;
    let mut call = peer(&["call", "--hangup-on-eof"], "7");
    call.arg("--mic").arg(file(&chirps));
    call.arg("--speaker").arg(file(&speech_heard));
    let mut call = Process::start("peer-cli call", call)?;

    let limit = LIMIT + Duration::from_secs(setting.seconds as u64);
    let (mut called, mut answered) = (Said::default(), Said::default());
    let mut cpu = None;
    if bench.scale == Scale::Full {
        called.follow(&mut call, Some("connected"), LIMIT)?;
        let time = Duration::from_secs(setting.seconds.saturating_sub(EDGES) as u64);
        cpu = Some(idle::load([&call, &answer], time)?);
    }
    called.follow(&mut call, None, limit)?;
    answered.follow(&mut answer, None, LIMIT)?;
    call.succeed(LIMIT)?;
    answer.succeed(LIMIT)?;
    Ok(Made {
        called,
        answered,
        cpu,
        chirps: chirps_heard,
        speech: speech_heard,
    })
}

/// Looks at what a call left behind. Not while other calls are made: the work would delay them.
pub(super) fn look(bench: &Bench, folder: &Path, setting: &Setting, made: &Made) -> Result<Heard> {
    let later = |heard: Option<f64>, sent: Option<f64>| {
        let clocks = heard.zip(sent).context("a track has no clock")?;
        anyhow::Ok(clocks.0 - clocks.1)
    };
    let apart = later(made.answered.heard, made.called.sent)?;
    let delays = chirp::delays(&read(&made.chirps)?, apart, setting.seconds);
    let apart = later(made.called.heard, made.answered.sent)?;
    let speech = Speech {
        original: read(&bench.workspace.path(SENTENCE))?,
        heard: &read(&made.speech)?,
        apart,
        adapting: setting.adapting,
    };
    Ok(Heard {
        delays: delays.into_iter().skip(setting.adapting).collect(),
        sentences: speech.sentences(&folder.join(format!("audio-{}", setting.name)))?,
        concealed: concealed(&made.called.inbound, setting.adapting)?,
        cpu: made.cpu,
    })
}

impl Said {
    /// Reads events up to the one of this name, or to the end.
    pub(super) fn follow(
        &mut self,
        peer: &mut Process,
        last: Option<&str>,
        limit: Duration,
    ) -> Result<()> {
        let deadline = Instant::now() + limit;
        while let Some(event) = peer.next(deadline)? {
            self.take(&event.value);
            if last.is_some_and(|last| event.is(last)) {
                break;
            }
        }
        Ok(())
    }

    fn take(&mut self, value: &Value) {
        match value["event"].as_str().unwrap_or_default() {
            "track" => {
                let clock = value["clock_us"].as_f64().map(|us| us / 1e6);
                let side = if value["direction"] == "remote" {
                    &mut self.heard
                } else {
                    &mut self.sent
                };
                *side = side.or(clock);
            }
            "stats" => {
                let objects = value["stats"].as_array().into_iter().flatten();
                let inbound = objects.filter(|object| object["type"] == "inbound-rtp");
                self.inbound.extend(inbound.cloned());
            }
            _ => {}
        }
    }
}

/// The share of made-up samples from the end of adapting to the end.
fn concealed(inbound: &[Value], adapting: usize) -> Result<f64> {
    let count = |at: Option<&Value>, name: &str| at.and_then(|object| object[name].as_f64());
    let (first, last) = (inbound.get(adapting.saturating_sub(1)), inbound.last());
    let grown = |name: &str| {
        let begun = if adapting == 0 {
            None
        } else {
            count(first, name)
        };
        Some(count(last, name)? - begun.unwrap_or(0.0))
    };
    let (made_up, all) = (grown("concealedSamples"), grown("totalSamplesReceived"));
    let (made_up, all) = made_up.zip(all).context("no counters of received sound")?;
    ensure!(all > 0.0, "no sound was counted");
    Ok(made_up / all)
}

/// A sentence that was said again and again.
pub(super) struct Speech<'a> {
    pub(super) original: Sound,
    pub(super) heard: &'a Sound,
    /// How much later the recording begins than the first sentence, in seconds.
    pub(super) apart: f64,
    /// Sentences that begin within so many seconds are passed over.
    pub(super) adapting: usize,
}

impl Speech<'_> {
    /// Cuts out every whole repetition of the sentence and aligns it; the files have names that begin with this path.
    pub(super) fn sentences(&self, begin: &Path) -> Result<Vec<PathBuf>> {
        let length = self.original.seconds();
        let heard = resample(self.heard, COMPARED_AT);
        let end = heard.seconds();
        let mut files = Vec::new();
        for number in 0.. {
            let said = number as f64 * length;
            let from = said - self.apart;
            if from + length + LATEST > end {
                break;
            }
            if from < 0.0 || said < self.adapting as f64 {
                continue;
            }
            let at = |seconds: f64| (seconds * f64::from(heard.rate)) as usize;
            let piece = Sound {
                rate: heard.rate,
                samples: heard.samples[at(from)..at(from + length + LATEST)].to_vec(),
            };
            let found = compare(&self.original, &piece, DRIFT);
            let file = PathBuf::from(format!("{}-sentence-{number}.wav", begin.display()));
            write(
                &file,
                &compare::aligned(&self.original, &piece, found.delay),
            )?;
            files.push(file);
        }
        Ok(files)
    }
}

pub(super) fn write(path: &Path, sound: &Sound) -> Result<()> {
    fs::write(path, wav::write(sound)).with_context(|| format!("cannot write {}", path.display()))
}

pub(super) fn read(path: &Path) -> Result<Sound> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    wav::parse(&bytes).with_context(|| format!("cannot read {}", path.display()))
}
