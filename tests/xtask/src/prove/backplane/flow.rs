//! Numbered messages through many rooms of two, and what became of them.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use lab::Chatter;

/// Which server's client speaks, and which one's hears it.
#[derive(Clone, Copy)]
pub(super) struct Pair {
    pub(super) from: usize,
    pub(super) to: usize,
}

/// What became of one room's messages.
pub(super) struct Done {
    pub(super) pair: Pair,
    pub(super) sent: usize,
    pub(super) heard: usize,
    pub(super) doubled: usize,
    pub(super) disordered: usize,
    /// Lost, though later ones were heard.
    pub(super) holes: usize,
    /// Of every one that was heard, in milliseconds.
    pub(super) delays: Vec<f64>,
    /// From the first one sent to the last one heard.
    pub(super) took: Duration,
}

impl Done {
    pub(super) fn lost(&self) -> usize {
        self.sent - self.heard.min(self.sent)
    }
}

/// Rooms in which both are there.
pub(super) struct Flow(Vec<(Pair, Chatter, Chatter)>);

/// How often senders send; several messages at once cost one system call.
const BEAT: Duration = Duration::from_millis(5);
/// How long after the last one was sent a receiver still waits for it.
const LATE: Duration = Duration::from_secs(3);
/// Characters of a message: about what a candidate has.
const LENGTH: usize = 200;

/// The message of that number.
pub(super) fn text(number: usize) -> String {
    let start = format!(r#"{{"event":"count","n":{number},"data":""#);
    let more = LENGTH.saturating_sub(start.len() + 2);
    format!("{start}{}\"}}", "x".repeat(more))
}

fn number(text: &str) -> Option<usize> {
    let rest = text.strip_prefix(r#"{"event":"count","n":"#)?;
    rest.split_once(',')?.0.parse().ok()
}

/// Until what one says is heard by the other: their servers know of each other then.
pub(super) fn meet(sender: &mut Chatter, receiver: &mut Chatter, limit: Duration) -> Result<()> {
    let deadline = Instant::now() + limit;
    for try_ in 0.. {
        let text = format!("meet {try_}");
        sender.write(text.clone())?;
        sender.flush()?;
        while let Some(heard) = receiver.read(Duration::from_millis(20))? {
            if heard == text {
                return Ok(());
            }
        }
        if Instant::now() > deadline {
            break;
        }
    }
    bail!("the two servers never heard of each other")
}

/// Waits for this event of a `peer.v1` server.
pub(super) fn event(chatter: &mut Chatter, name: &str, limit: Duration) -> Result<()> {
    let deadline = Instant::now() + limit;
    let start = format!(r#"{{"event":"{name}""#);
    while Instant::now() < deadline {
        let heard = chatter.read(Duration::from_millis(100))?;
        if heard.is_some_and(|text| text.starts_with(&start)) {
            return Ok(());
        }
    }
    bail!("no \"{name}\" within {limit:?}")
}

impl Flow {
    pub(super) fn open(servers: &[SocketAddr], pairs: &[Pair], limit: Duration) -> Result<Self> {
        let mut rooms = Vec::new();
        for (number, pair) in pairs.iter().enumerate() {
            let room = format!("flow-{number}");
            let mut sender = Chatter::tutorial(servers[pair.from], &room)?;
            let mut receiver = Chatter::tutorial(servers[pair.to], &room)?;
            meet(&mut sender, &mut receiver, limit)?;
            rooms.push((*pair, sender, receiver));
        }
        Ok(Self(rooms))
    }

    /// So many messages a second in all rooms together, for so long; in the middle something happens.
    pub(super) fn run(
        self,
        rate: usize,
        time: Duration,
        middle: impl FnOnce() -> Result<()>,
    ) -> Result<Vec<Done>> {
        let start = Instant::now();
        let over = AtomicBool::new(false);
        let (mut senders, mut receivers) = (Vec::new(), Vec::new());
        for (pair, sender, receiver) in self.0 {
            senders.push(sender);
            receivers.push((pair, receiver));
        }
        thread::scope(|scope| {
            let hearing: Vec<_> = receivers
                .into_iter()
                .map(|(pair, receiver)| (pair, scope.spawn(|| hear(receiver, &over))))
                .collect();
            let sending = scope.spawn(|| send(senders, rate, time, start));
            thread::sleep(time / 2);
            let happened = middle();
            let sent = sending.join();
            over.store(true, Ordering::Release);
            let heard: Vec<_> = hearing
                .into_iter()
                .map(|(pair, thread)| (pair, thread.join()))
                .collect();
            happened?;
            let sent = sent.ok().context("the sender's thread has ended")?;
            heard
                .into_iter()
                .zip(sent)
                .map(|((pair, heard), times)| {
                    let heard = heard.ok().context("a receiver's thread has ended")?;
                    Ok(judge(pair, &times, &heard))
                })
                .collect()
        })
    }
}

/// When each message was sent, by sender; one whose server has died sends no more.
fn send(
    mut senders: Vec<Chatter>,
    rate: usize,
    time: Duration,
    start: Instant,
) -> Vec<Vec<Instant>> {
    let mut sent = vec![Vec::new(); senders.len()];
    let mut dead = vec![false; senders.len()];
    let each = rate as f64 / senders.len() as f64;
    loop {
        let passed = start.elapsed().min(time);
        let due = (passed.as_secs_f64() * each) as usize;
        for ((sender, sent), dead) in senders.iter_mut().zip(&mut sent).zip(&mut dead) {
            while sent.len() < due && !*dead {
                sent.push(Instant::now());
                *dead = sender.write(text(sent.len())).is_err();
            }
            *dead = *dead || sender.flush().is_err();
        }
        if passed == time {
            return sent;
        }
        thread::sleep(BEAT);
    }
}

/// Numbers and when they came, until nothing more does.
fn hear(mut receiver: Chatter, over: &AtomicBool) -> Vec<(usize, Instant)> {
    let mut heard = Vec::new();
    let mut last = Instant::now();
    loop {
        match receiver.read(Duration::from_millis(100)) {
            Ok(Some(text)) => {
                last = Instant::now();
                heard.extend(number(&text).map(|number| (number, last)));
            }
            Ok(None) if over.load(Ordering::Acquire) && last.elapsed() > LATE => return heard,
            Ok(None) => {}
            Err(_) => return heard,
        }
    }
}

fn judge(pair: Pair, sent: &[Instant], heard: &[(usize, Instant)]) -> Done {
    let mut came = vec![0usize; sent.len() + 1];
    let (mut disordered, mut greatest, mut delays) = (0, 0, Vec::new());
    for (number, at) in heard {
        let Some(count) = came.get_mut(*number) else {
            continue;
        };
        *count += 1;
        disordered += usize::from(*number < greatest);
        greatest = greatest.max(*number);
        let delay = sent
            .get(number - 1)
            .map(|sent| at.saturating_duration_since(*sent));
        delays.extend(delay.map(|delay| delay.as_secs_f64() * 1000.0));
    }
    let first = sent.first().copied();
    let last = heard.last().map(|(_, at)| *at);
    Done {
        pair,
        sent: sent.len(),
        heard: came.iter().filter(|count| **count > 0).count(),
        doubled: came.iter().filter(|count| **count > 1).count(),
        disordered,
        holes: came
            .iter()
            .take(greatest)
            .skip(1)
            .filter(|count| **count == 0)
            .count(),
        delays,
        took: first
            .zip(last)
            .map_or(Duration::ZERO, |(first, last)| last - first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_doubled_or_late_is_counted() {
        let now = Instant::now();
        let heard = [1, 2, 2, 5, 4].map(|number| (number, now));
        let done = judge(Pair { from: 0, to: 1 }, &[now; 7], &heard);
        assert_eq!((done.sent, done.heard, done.lost()), (7, 4, 3));
        assert_eq!((done.doubled, done.disordered, done.holes), (1, 1, 1));
        assert_eq!(number(&text(17)), Some(17));
        assert_eq!(text(17).len(), LENGTH);
    }
}
