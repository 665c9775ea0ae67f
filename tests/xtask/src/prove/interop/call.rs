//! One call between `peer-cli` and another stack, from its offer to its end.

use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Error, Result, bail, ensure};
use lab::{Presence, Process, Sound, wav};

use super::stack::{Caller, OURS, Other, Stack};
use super::told::{LIMIT, Told};
use crate::demo::{file, start_server};
use crate::prove::Bench;

/// What it showed.
pub(super) struct Call {
    /// From the beginning of the other's offer, or of `peer-cli call`, until that one is connected; in milliseconds.
    pub(super) set_up: f64,
    /// The texts that came as they were sent: there, and here.
    pub(super) messages: [bool; 2],
    /// Whether the tone was heard: there, and here.
    pub(super) sound: [bool; 2],
    /// From one side's hanging up until the other says that the call has ended, in milliseconds; `None`: it did not end well.
    pub(super) noticed: Option<f64>,
}

/// Messages that are sent each way.
const MESSAGES: usize = 3;
/// So much of a tone is to be heard, in seconds.
const ENOUGH: f64 = 2.0;
/// Between two looks at what was heard.
const LOOK: Duration = Duration::from_millis(100);
/// The exit code of Ctrl-C.
const INTERRUPTED: i32 = 130;

/// `peer-cli`, with what it hears.
struct Ours {
    told: Told,
    speaker: PathBuf,
}

impl Call {
    pub(super) fn make(bench: &Bench, stack: &Stack, caller: Caller) -> Result<Self> {
        let (_server, url) = start_server(bench.signaling())?;
        let which = match caller {
            Caller::Other => "calls",
            Caller::Ours => "called",
        };
        let folder = bench.workspace.scratch("prove")?;
        let path = folder.join(format!("interop-{}-{which}", stack.name));
        let (mut ours, mut other, set_up) = match caller {
            Caller::Other => {
                let mut ours = Ours::start(bench, "answer", &url, &path, stack)?;
                let in_room = |event: &serde_json::Value| event["state"] == "connected";
                ours.told.until("its server", in_room)?;
                let mut other = (stack.start)(&url, &path)?;
                let set_up = other.call()?;
                ours.told.sees("connected")?;
                (ours, other, set_up)
            }
            Caller::Ours => {
                let mut other = (stack.start)(&url, &path)?;
                let mut ours = Ours::start(bench, "call", &url, &path, stack)?;
                let connected = ours.told.sees("connected")?.at;
                let set_up = connected - ours.told.process.started();
                other.connected()?;
                (ours, other, set_up.as_secs_f64() * 1e3)
            }
        };
        let messages = ours.exchange(&mut *other);
        let sound = ours.listen(&mut *other, stack);
        let noticed = ours.part(&mut *other, caller);
        let said = |why: &Error| println!("{}, {caller}: {why:#}", stack.title);
        let noticed = noticed.inspect_err(said).ok();
        Ok(Self {
            set_up,
            messages: messages.map(|came| came.inspect_err(said).is_ok()),
            sound: sound.map(|came| came.inspect_err(said).is_ok()),
            noticed: noticed.map(|noticed| noticed.as_secs_f64() * 1e3),
        })
    }
}

impl Ours {
    fn start(bench: &Bench, verb: &str, url: &str, path: &Path, stack: &Stack) -> Result<Self> {
        let speaker = path.with_extension("wav");
        let expected = format!("tone={}", stack.tone);
        let mut command = bench.peer(&[verb, "--stun", "off", "--json", "--server", url]);
        command
            .args(["--mic", &format!("tone:{OURS}")])
            .args(["--speaker", &file(&speaker)])
            .args(["--expect", &expected])
            .args([
                "--expect",
                &format!("message=^{}$", text("there", MESSAGES)),
            ])
            // It ends when this proof says so.
            .args(["--duration", "300s"]);
        let told = Told::by(Process::start("peer-cli", command)?);
        Ok(Self { told, speaker })
    }

    /// Messages both ways: whether they came there, and here.
    fn exchange(&mut self, other: &mut dyn Other) -> [Result<()>; 2] {
        let texts = |from: &str| -> Vec<String> {
            (1..=MESSAGES).map(|number| text(from, number)).collect()
        };
        let (from_here, from_there) = (texts("here"), texts("there"));
        let sent = from_here
            .iter()
            .try_for_each(|text| self.told.process.write(text));
        let there = sent.and_then(|()| same(&from_here, &other.texts(MESSAGES)?));
        let sent = from_there.iter().try_for_each(|text| other.send(text));
        let here = sent.and_then(|()| same(&from_there, &self.told.texts(MESSAGES)?));
        [
            there.context("messages there"),
            here.context("messages here"),
        ]
    }

    /// Tones both ways: whether they are heard there, and here.
    fn listen(&self, other: &mut dyn Other, stack: &Stack) -> [Result<()>; 2] {
        let there = if stack.decodes {
            hears(OURS, || other.heard())
        } else {
            Ok(())
        };
        let here = hears(stack.tone, || {
            let file = std::fs::read(&self.speaker)
                .with_context(|| format!("cannot read {}", self.speaker.display()))?;
            wav::parse(&file)
        });
        [there.context("sound there"), here.context("sound here")]
    }

    /// Who has called hangs up; how long until the other says that it is over.
    fn part(&mut self, other: &mut dyn Other, caller: Caller) -> Result<Duration> {
        let begun = Instant::now();
        let (noticed, code) = match caller {
            Caller::Other => {
                other.hang_up()?;
                (self.told.sees("ended")?.at, 0)
            }
            Caller::Ours => {
                self.told.process.interrupt()?;
                (other.ended()?, INTERRUPTED)
            }
        };
        let ended = self.told.finish()?;
        ensure!(ended == code, "peer-cli ended with {ended}, not {code}");
        let missed = self.told.all("expect").find(|event| event["ok"] != true);
        if let Some(missed) = missed {
            bail!("peer-cli did not see what it expected: {missed}");
        }
        other.well()?;
        Ok(noticed.saturating_duration_since(begun))
    }
}

fn text(from: &str, number: usize) -> String {
    format!("from {from} {number}")
}

fn same(sent: &[String], came: &[String]) -> Result<()> {
    ensure!(sent == came, "{sent:?} were sent, {came:?} came");
    Ok(())
}

/// Waits until a tone is heard for long enough altogether, in what may grow.
fn hears(hertz: u32, mut heard: impl FnMut() -> Result<Sound>) -> Result<()> {
    let deadline = Instant::now() + LIMIT;
    loop {
        let tone = Presence::of(f64::from(hertz), &heard()?);
        if tone.total() >= ENOUGH {
            return Ok(());
        }
        let (there, all) = (tone.total(), tone.seconds());
        ensure!(
            Instant::now() < deadline,
            "{hertz} Hz were heard for {there:.1} s of {all:.1} s"
        );
        sleep(LOOK);
    }
}
