//! From the first call to the last goodbye.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Error;
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use url::Url;

use crate::call::{self, Call};
use crate::cli::Options;
use crate::ear::Count;
use crate::line::Line;
use crate::metronome::Metronome;
use crate::sound;

/// What is on its way at the end may still arrive.
const GRACE: Duration = Duration::from_secs(1);

/// What went wrong.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The system, or the sound.
    Internal(Error),
    /// The server was not reached.
    Signaling(Error),
    /// So many calls did not come up; why the first did not.
    NotUp(usize, Error),
    /// So many calls were lost; why the first was.
    Lost(usize, String),
}

impl Failure {
    /// For the shell.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Internal(_) => 1,
            Self::Signaling(_) => 3,
            Self::NotUp(..) => 5,
            Self::Lost(..) => 6,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Internal(error) | Self::Signaling(error) => write!(f, "{error:#}"),
            Self::NotUp(count, why) => write!(f, "calls that did not come up: {count} ({why:#})"),
            Self::Lost(count, why) => write!(f, "calls that were lost: {count} ({why})"),
        }
    }
}

/// Prints what happens and what was measured.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let packets = sound::encode(&options.sound).map_err(Failure::Internal)?;
    tell(&json!({"event": "encoded", "packets": packets.len()}));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Internal(error.into()))?;
    let outcome = runtime.block_on(load(options, packets));
    runtime.shutdown_background();
    outcome
}

async fn load(options: &Options, packets: Arc<[Bytes]>) -> Result<(), Failure> {
    let metronome = Metronome::start().map_err(|error| Failure::Internal(error.into()))?;
    let begun = Instant::now();
    let mut crowd = Crowd::gather(options, &packets, &metronome).await?;
    tell(&json!({
        "event": "connected", "calls": crowd.lines.len(), "ramp_s": begun.elapsed().as_secs_f64(),
        "setup_ms": crowd.setups(),
    }));
    sleep(options.settle).await;
    crowd.lines.iter().for_each(Line::begin);
    tell(&json!({"event": "holding"}));
    sleep(options.hold).await;
    crowd.lines.iter().for_each(Line::end);
    tell(&json!({"event": "held"}));
    sleep(GRACE).await;
    let mut sum = Count::default();
    for line in &crowd.lines {
        sum.add(&line.count());
    }
    let lost = crowd.hang_up().await;
    tell(&result(&sum, &crowd, lost.len(), options.hold));
    match lost.first() {
        Some(why) => Err(Failure::Lost(lost.len(), why.clone())),
        None => Ok(()),
    }
}

/// All calls that are up.
struct Crowd {
    lines: Vec<Line>,
    set_up: Vec<Duration>,
    /// Each watches one call, and ends with why it was lost.
    watching: JoinSet<Option<String>>,
    over: watch::Sender<bool>,
}

impl Crowd {
    async fn gather(
        options: &Options,
        packets: &Arc<[Bytes]>,
        metronome: &Metronome,
    ) -> Result<Self, Failure> {
        let (came, mut coming) = mpsc::channel(usize::from(options.calls));
        let (over, _) = watch::channel(false);
        let mut crowd = Self {
            lines: Vec::new(),
            set_up: Vec::new(),
            watching: JoinSet::new(),
            over,
        };
        for _ in 0..options.calls {
            let connecting = call::connect(place(options), Arc::clone(packets));
            let (limit, came) = (options.timeout, came.clone());
            tokio::spawn(async move {
                let call = timeout(limit, connecting).await;
                let call = call.unwrap_or_else(|_| Err(Error::msg("it took too long")));
                // Nobody waits any more: another call has failed.
                let _ = came.send(call).await;
            });
            // Those that are up already are heard meanwhile.
            let next = sleep(options.ramp);
            tokio::pin!(next);
            loop {
                tokio::select! {
                    () = &mut next => break,
                    Some(call) = coming.recv() => crowd.join(call, metronome)?,
                }
            }
        }
        while crowd.lines.len() < usize::from(options.calls) {
            match coming.recv().await {
                Some(call) => crowd.join(call, metronome)?,
                None => return Err(Failure::Internal(Error::msg("a call ended without a word"))),
            }
        }
        Ok(crowd)
    }

    fn join(&mut self, call: Result<Call, Error>, metronome: &Metronome) -> Result<(), Failure> {
        let call = call.map_err(|error| match error.downcast::<peer_cli::exit::Failure>() {
            Ok(failure) => Failure::Signaling(failure.into()),
            Err(error) => Failure::NotUp(1, error),
        })?;
        self.set_up.push(call.setup);
        self.lines.push(call.line.clone());
        metronome.add(call.line.clone());
        self.watching.spawn(watch_over(call, self.over.subscribe()));
        Ok(())
    }

    /// Ends all calls; why those were lost that were.
    async fn hang_up(&mut self) -> Vec<String> {
        self.over.send_replace(true);
        let mut lost = Vec::new();
        while let Some(ended) = self.watching.join_next().await {
            match ended {
                Ok(why) => lost.extend(why),
                Err(error) => lost.push(error.to_string()),
            }
        }
        lost
    }

    fn setups(&self) -> Value {
        let mut times = self.set_up.clone();
        times.sort_unstable();
        let at = |share: usize| {
            let place = (times.len() * share / 100).min(times.len().saturating_sub(1));
            times.get(place).map(|time| time.as_secs_f64() * 1e3)
        };
        json!({"p50": at(50), "p99": at(99)})
    }
}

async fn watch_over(mut call: Call, mut over: watch::Receiver<bool>) -> Option<String> {
    let why = tokio::select! {
        why = call.lost() => Some(why),
        _ = over.wait_for(|over| *over) => None,
    };
    call.hang_up().await;
    why
}

/// The server's address with the room in it.
fn place(options: &Options) -> Url {
    let mut url = options.server.clone();
    if let Some(room) = &options.room {
        url.query_pairs_mut().append_pair("room", room.as_str());
    }
    url
}

fn result(sum: &Count, crowd: &Crowd, lost_calls: usize, hold: Duration) -> Value {
    json!({
        "event": "result",
        "calls": crowd.lines.len(), "lost_calls": lost_calls, "hold_s": hold.as_secs_f64(),
        "sent": sum.sent, "lost": sum.lost(), "late": sum.late, "doubled": sum.doubled,
        "wrong": sum.wrong, "gaps": sum.gaps,
        "longest_gap_ms": sum.longest_gap.as_secs_f64() * 1e3,
        "rtt_ms": {"p50": sum.round_trip(0.5), "p99": sum.round_trip(0.99), "max": sum.round_trip(1.0)},
    })
}

#[expect(clippy::print_stdout, reason = "results go to standard output")]
fn tell(event: &Value) {
    println!("{event}");
}
