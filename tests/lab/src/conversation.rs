//! Two peers that never stop: a tone and numbered messages both ways, while something happens to the network.

use std::fs;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};

use crate::letters::{Delivery, Letter};
use crate::nat_lab::NatLab;
use crate::process::{Event, Process};
use crate::scratch::Scratch;
use crate::talk::{First, INTERRUPTED, Servers, Talk};
use crate::tone::Presence;
use crate::wav;

/// A running conversation.
#[derive(Debug)]
pub struct Conversation {
    talk: Talk,
    writers: [Writer; 2],
    /// By peer: what it has told since it was connected.
    events: [Vec<Event>; 2],
    folder: Scratch,
}

/// What is to be known of it, by peer: first the caller, then the answerer.
#[derive(Debug)]
pub struct Report {
    /// Messages from the caller, and those from the answerer.
    pub deliveries: [Delivery; 2],
    /// How long after the return of the path the tone was back at each, in seconds; `None`: never.
    pub sound_back: [Option<f64>; 2],
    /// The longest time without the tone at each, from a second after its beginning on, in seconds.
    pub longest_gap: [f64; 2],
    /// All that each told from `connected` on.
    pub events: [Vec<Event>; 2],
}

/// Writes lines to a peer's standard input until told to stop.
#[derive(Debug)]
struct Writer {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Letter>>,
}

/// Hertz of the tone, within what every codec carries.
const TONE: f64 = 440.0;
/// Between two messages of one peer.
const PAUSE: Duration = Duration::from_millis(100);
/// From start to connected.
const READY: Duration = Duration::from_secs(40);
/// From the last message to all of them having arrived, and from hanging up to the end.
const FLUSHED: Duration = Duration::from_secs(30);
/// After `connected`, the time that the tone may take to settle, in seconds.
const SETTLED: f64 = 1.0;

impl Conversation {
    /// Starts both peers and waits until each hears the other.
    ///
    /// # Errors
    /// When they do not meet.
    pub fn start(
        lab: &NatLab,
        program: &std::path::Path,
        servers: Servers,
        more: &[&str],
    ) -> Result<Self> {
        let folder = Scratch::new()?;
        let sinks =
            ["call.wav", "answer.wav"].map(|name| format!("file:{}", folder.file(name).display()));
        let words = sinks
            .each_ref()
            .map(|sink| [&["--mic", "tone:440", "--speaker", sink.as_str()], more].concat());
        let mut talk = Talk::start(
            lab,
            program,
            servers,
            First::Answer,
            words.each_ref().map(Vec::as_slice),
        )?;
        let mut events = [Vec::new(), Vec::new()];
        for (peer, events) in talk.both().into_iter().zip(&mut events) {
            events.push(peer.wait_for("connected", READY)?);
            while !events.iter().any(|event| event.is("audio")) {
                let next = peer.next(Instant::now() + READY)?;
                events.push(next.context("ended before it heard anything")?);
            }
        }
        let writers = [
            Writer::start(&mut talk.call, "c")?,
            Writer::start(&mut talk.answer, "a")?,
        ];
        Ok(Self {
            talk,
            writers,
            events,
            folder,
        })
    }

    /// Both peers, for what shall happen to one of them.
    pub fn talk(&mut self) -> &mut Talk {
        &mut self.talk
    }

    /// Stops writing, waits for what is on its way, hangs up, and looks at what was heard. `back`: when the path was whole again.
    ///
    /// # Errors
    /// When a peer has ended before, or does not end well.
    pub fn end(mut self, back: Option<Instant>) -> Result<Report> {
        let mut sent = Vec::new();
        for writer in self.writers {
            sent.push(writer.end()?);
        }
        let [call, answer] = self.talk.both();
        let deadline = Instant::now() + FLUSHED;
        // Whoever misses messages at the deadline has lost them; the report counts.
        read_until(call, &mut self.events[0], sent[1].len(), deadline)?;
        read_until(answer, &mut self.events[1], sent[0].len(), deadline)?;
        call.interrupt()?;
        for (peer, events) in [call, answer].into_iter().zip(&mut self.events) {
            let deadline = Instant::now() + FLUSHED;
            while let Some(event) = peer.next(deadline)? {
                events.push(event);
            }
        }
        let codes = [
            self.talk.call.finish(FLUSHED)?,
            self.talk.answer.finish(FLUSHED)?,
        ];
        ensure!(
            codes == [INTERRUPTED, 0],
            "{}",
            self.talk
                .answer
                .complaint(&format!("and call ended with {codes:?}"))
        );
        let [to_call, to_answer] = self.events.each_ref().map(|events| letters(events));
        let heard = [("call.wav", 0), ("answer.wav", 1)]
            .map(|(file, index)| hear(&self.folder, file, &self.events[index]));
        let [heard_by_call, heard_by_answer] = heard;
        let heard = [heard_by_call?, heard_by_answer?];
        Ok(Report {
            deliveries: [
                Delivery::of(&sent[0], &to_answer, back),
                Delivery::of(&sent[1], &to_call, back),
            ],
            sound_back: heard.each_ref().map(|(begun, presence)| {
                let back = back?.saturating_duration_since(*begun).as_secs_f64();
                Some(presence.back_after(back)? - back)
            }),
            longest_gap: heard
                .each_ref()
                .map(|(_, presence)| presence.longest_gap(SETTLED, presence.seconds() - SETTLED)),
            events: self.events,
        })
    }
}

/// Reads events until so many messages have come, the deadline has, or the process has ended.
fn read_until(
    peer: &mut Process,
    events: &mut Vec<Event>,
    messages: usize,
    deadline: Instant,
) -> Result<()> {
    let mut count = events.iter().filter(|event| event.is("message")).count();
    while count < messages && Instant::now() < deadline {
        let Ok(next) = peer.next(deadline) else {
            return Ok(());
        };
        let event = next.with_context(|| format!("{}", peer.complaint("ended during the call")))?;
        count += usize::from(event.is("message"));
        events.push(event);
    }
    Ok(())
}

fn letters(events: &[Event]) -> Vec<Letter> {
    let messages = events.iter().filter(|event| event.is("message"));
    messages
        .map(|event| Letter {
            at: event.at,
            text: event.value["text"].as_str().unwrap_or_default().to_owned(),
        })
        .collect()
}

/// When the recording began, and where the tone is in it.
fn hear(folder: &Scratch, file: &str, events: &[Event]) -> Result<(Instant, Presence)> {
    let is_playback = |event: &&Event| event.is("track") && event.value["direction"] == "remote";
    let begun = events.iter().find(is_playback).context("no remote track")?;
    let path = folder.file(file);
    let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok((begun.at, Presence::of(TONE, &wav::parse(&bytes)?)))
}

impl Writer {
    fn start(peer: &mut Process, name: &'static str) -> Result<Self> {
        let mut input = peer.take_input().context("no standard input")?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = spawn(move || {
            let mut sent = Vec::new();
            while !stopped.load(Ordering::Relaxed) {
                let letter = Letter {
                    at: Instant::now(),
                    text: format!("{name}{}", sent.len() + 1),
                };
                if writeln!(input, "{}", letter.text).is_err() {
                    break;
                }
                sent.push(letter);
                sleep(PAUSE);
            }
            // The end of input is no hanging up.
            drop(input);
            sent
        });
        Ok(Self { stop, thread })
    }

    fn end(self) -> Result<Vec<Letter>> {
        self.stop.store(true, Ordering::Relaxed);
        let sent = self.thread.join();
        sent.map_err(|_| anyhow!("a writer panicked"))
    }
}
