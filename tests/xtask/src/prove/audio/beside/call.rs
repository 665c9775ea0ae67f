//! One call over a bad network to a listener of somebody else's: chirps first, speech after them.

use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result};
use lab::Process;

use super::super::call::{Heard, Said, Setting, Speech, read, write};
use super::super::chirp;
use super::{Call, Recording};
use crate::demo::{SENTENCE, file, start_server};
use crate::prove::{Bench, idle};
use crate::resample::resample;

/// About as many as a minute of speech has.
const SENTENCES: usize = 7;
/// Of a call, the seconds that processor time is not measured in.
const EDGES: f64 = 6.0;
/// For everything beside the sound itself.
const LIMIT: Duration = Duration::from_secs(60);
/// From the end of the call until a listener has handed out all that it ever will.
const LAST: Duration = Duration::from_millis(1500);

/// A call that was made.
pub(super) struct Made {
    said: Said,
    /// Of the source, in seconds.
    length: f64,
    cpu: [f64; 2],
    recording: Recording,
}

impl Made {
    /// By the listener's own count the mean time in its jitter buffer, in seconds.
    pub(super) fn buffered(&self) -> Option<f64> {
        self.recording.buffered
    }
}

/// What is played to the listeners of one trace.
pub(super) fn source(bench: &Bench, folder: &Path, setting: &Setting) -> Result<PathBuf> {
    let sentence = read(&bench.workspace.path(SENTENCE))?;
    let mut sound = chirp::source(setting.seconds);
    let sentence = resample(&sentence, chirp::RATE).samples;
    for _ in 0..SENTENCES {
        sound.samples.extend(&sentence);
    }
    let path = folder.join(format!("audio-{}-beside.wav", setting.name));
    write(&path, &sound)?;
    Ok(path)
}

impl Call<'_> {
    /// The bad network is the caller's way out, as it is for the chirps of our own calls.
    pub(super) fn make(&self, bench: &Bench) -> Result<Made> {
        let (_server, url) = start_server(bench.signaling())?;
        let (setting, length) = (&self.trace.setting, read(&self.source)?.seconds());
        let listener = (self.other.listen)(&url, &self.begin)?;
        let mut call = bench.peer(&["call", "--hangup-on-eof", "--speaker", "off"]);
        call.args(["--stun", "off", "--json", "--server", &url]);
        call.args(setting.options);
        if !setting.impair.is_empty() {
            call.args(["--impair", setting.impair, "--impair-seed", "7"]);
        }
        call.arg("--mic").arg(file(&self.source));
        let mut call = Process::start("peer-cli call", call)?;
        let mut said = Said::default();
        said.follow(&mut call, Some("connected"), LIMIT)?;
        let ends = [call.id(), listener.process()];
        let counters = ends.map(|process| move || idle::ticks_of_family(process));
        let cpu = idle::shares(counters, Duration::from_secs_f64(length - EDGES))?;
        said.follow(&mut call, None, LIMIT + Duration::from_secs_f64(length))?;
        call.succeed(LIMIT)?;
        sleep(LAST);
        Ok(Made {
            said,
            length,
            cpu,
            recording: listener.finish()?,
        })
    }

    /// Looks at what the listener has heard, as at what our own peers hear.
    pub(super) fn heard(&self, bench: &Bench, made: &Made) -> Result<Heard> {
        let (recording, setting) = (&made.recording, &self.trace.setting);
        let apart = recording.begun - made.said.sent.context("a track has no clock")?;
        let delays = chirp::delays(&recording.sound, apart, setting.seconds);
        let delays = delays.into_iter().enumerate().map(|(number, delay)| {
            let delay = delay?;
            Some(delay + recording.late(chirp::emitted(number) - apart + delay))
        });
        let speech = Speech {
            original: read(&bench.workspace.path(SENTENCE))?,
            heard: &recording.sound,
            apart: apart - setting.seconds as f64,
            adapting: 0,
        };
        let (from, to) = (setting.adapting as f64 - apart, made.length - apart);
        Ok(Heard {
            delays: delays.skip(setting.adapting).collect(),
            sentences: speech.sentences(&self.begin)?,
            concealed: recording.made_up(from, to)?,
            cpu: Some(made.cpu),
        })
    }
}
