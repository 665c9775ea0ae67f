//! Who speaks when.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

use anyhow::Result;
use serde_json::Value;

use crate::cli::Load;
use crate::crowd::{Crowd, TURN};
use crate::dialect::stamp_of;
use crate::frame;
use crate::member::State;
use crate::stamp::{Delivery, Stamp};
use crate::tally::{Latencies, Tally};

/// When a message follows the last.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// As soon as all others have heard it.
    Closed,
    /// After this time, whatever has become of it.
    Each(Duration),
}

struct Speaker {
    /// The message, ready to be sent but for its stamp.
    frame: Vec<u8>,
    stamp: Range<usize>,
    sent: u32,
    /// When the last one was due.
    due: Duration,
    /// How many have not yet heard the last one.
    awaited: usize,
}

/// When each of so many first speaks: at random within one period, as those do who know nothing of each other, but so many at the
/// same moment. In order; for each turn others, and the same in every run.
fn moments(
    count: usize,
    together: usize,
    period: Duration,
    turn: u64,
) -> impl Iterator<Item = (Duration, usize)> {
    let mut dice = fastrand::Rng::with_seed(turn);
    let mut at = Duration::ZERO;
    let each = (0..count).map(|number| {
        if number % together == 0 {
            at = period.mul_f64(dice.f64());
        }
        (at, number)
    });
    let mut all: Vec<_> = each.collect();
    all.sort_unstable();
    all.into_iter()
}

/// All members, as they speak.
pub(crate) struct Speakers {
    room: usize,
    pace: Pace,
    together: usize,
    /// How often they have begun.
    turns: u64,
    speakers: Vec<Speaker>,
    /// Who speaks next, and when; all have the same period, so this is a ring.
    due: VecDeque<(Duration, usize)>,
    deliveries: Vec<Delivery>,
    speaking: bool,
    /// How long after their time messages left: this program, not the server, was too slow then.
    lateness: Latencies,
    /// From when messages were due until they were heard: with the lateness of this program.
    since_due: Latencies,
    /// Messages of all until the slow one was put out.
    pub(crate) until_left: Option<u64>,
}

impl Speakers {
    pub(crate) fn new(options: &Load, crowd: &Crowd, pace: Pace) -> Result<Self> {
        let members = crowd.members.iter().take(options.connections);
        let speakers = members.map(|member| {
            let text = options
                .dialect
                .message(member.place, &member.other, options.size);
            let frame = frame::of_client(frame::TEXT, text.as_bytes());
            let stamp = stamp_of(&frame).unwrap_or_default();
            Speaker {
                frame,
                stamp,
                sent: 0,
                due: Duration::ZERO,
                awaited: 0,
            }
        });
        let speakers: Vec<_> = speakers.collect();
        Ok(Self {
            room: options.room,
            pace,
            together: options.together.get(),
            turns: 0,
            due: VecDeque::new(),
            speakers,
            deliveries: Vec::new(),
            speaking: false,
            lateness: Latencies::new()?,
            since_due: Latencies::new()?,
            until_left: None,
        })
    }

    /// They begin, or begin anew.
    pub(crate) fn start(&mut self, now: Duration) {
        self.turns += 1;
        self.speaking = true;
        self.lateness.clear();
        self.since_due.clear();
        let count = self.speakers.len();
        self.due = match self.pace {
            Pace::Closed => (0..count).map(|number| (now, number)).collect(),
            Pace::Each(period) => moments(count, self.together, period, self.turns)
                .map(|(at, number)| (now + at, number))
                .collect(),
        };
    }

    /// Lets them speak until then.
    pub(crate) fn until(
        &mut self,
        end: Duration,
        crowd: &mut Crowd,
        tally: &mut Tally,
    ) -> Result<()> {
        loop {
            let now = crowd.now();
            if now >= end {
                return Ok(());
            }
            let next = self.due.front().map_or(end, |(due, _)| *due).min(end);
            let wait = next.saturating_sub(now).min(TURN);
            self.turn(crowd, tally, wait)?;
        }
    }

    /// Nobody says anything any more.
    pub(crate) fn stop(&mut self) {
        self.speaking = false;
    }

    /// Sends what is due, waits, and takes in what has come.
    pub(crate) fn turn(
        &mut self,
        crowd: &mut Crowd,
        tally: &mut Tally,
        wait: Duration,
    ) -> Result<()> {
        let now = crowd.now();
        while let Some((due, number)) = self
            .due
            .front()
            .copied()
            .filter(|(due, _)| self.speaking && *due <= now)
        {
            self.due.pop_front();
            let sent = self.speak(crowd, number, due);
            if let Pace::Each(period) = self.pace {
                if let Some(sent) = sent.filter(|_| tally.counts(due)) {
                    self.lateness.record(sent.saturating_sub(due));
                }
                self.due.push_back((due + period, number));
            }
        }
        crowd.turn(wait)?;
        self.wake_the_slow(crowd);
        std::mem::swap(&mut self.deliveries, &mut crowd.deliveries);
        for delivery in &self.deliveries {
            if !tally.take(delivery) {
                continue;
            }
            let number = delivery.stamp.sender as usize;
            let Some(speaker) = self.speakers.get_mut(number) else {
                continue;
            };
            // Nobody remembers it of one whose sender has spoken again since.
            if delivery.stamp.number + 1 == speaker.sent && tally.counts(delivery.at) {
                self.since_due
                    .record(delivery.at.saturating_sub(speaker.due));
            }
            speaker.awaited = speaker.awaited.saturating_sub(1);
            if speaker.awaited == 0 && matches!(self.pace, Pace::Closed) {
                self.due.push_back((delivery.at, number));
            }
        }
        self.deliveries.clear();
        Ok(())
    }

    /// Once it has been heard that somebody was put out, the one that read nothing reads.
    fn wake_the_slow(&mut self, crowd: &mut Crowd) {
        let slow = self.speakers.len();
        let member = crowd.members.get_mut(slow);
        if let Some(member) = member.filter(|member| member.deaf && crowd.left.is_some()) {
            member.deaf = false;
            self.until_left = Some(self.sent());
            crowd.listen(slow);
        }
    }

    /// When it was said, unless its connection is over.
    fn speak(&mut self, crowd: &mut Crowd, number: usize, due: Duration) -> Option<Duration> {
        let speaker = self.speakers.get_mut(number)?;
        let member = crowd.members.get(number)?;
        if member.state == State::Ended {
            return None;
        }
        let sent = crowd.now();
        let stamp = Stamp {
            sender: u32::try_from(number).unwrap_or(u32::MAX),
            number: speaker.sent,
            sent: u64::try_from(sent.as_nanos()).unwrap_or(u64::MAX),
        };
        speaker.sent += 1;
        speaker.due = due;
        speaker.awaited = self.room - 1;
        if let Some(place) = speaker.frame.get_mut(speaker.stamp.clone()) {
            stamp.write(place);
        }
        crowd.send(number, &speaker.frame);
        Some(sent)
    }

    /// Messages of all.
    pub(crate) fn sent(&self) -> u64 {
        self.speakers
            .iter()
            .map(|speaker| u64::from(speaker.sent))
            .sum()
    }

    /// Deliveries that have not been made.
    pub(crate) fn missing(&self, tally: &Tally) -> u64 {
        let of = |(number, speaker): (usize, &Speaker)| {
            let first = number - number % self.room;
            let others = (first..first + self.room).filter(|to| *to != number);
            others
                .map(|to| tally.missing(to, number, speaker.sent))
                .sum::<u64>()
        };
        self.speakers.iter().enumerate().map(of).sum()
    }

    /// From when messages were due until they were heard, milliseconds.
    pub(crate) fn since_due(&self) -> Value {
        self.since_due.quantiles()
    }

    /// How long after their time messages left, milliseconds.
    pub(crate) fn lateness(&self) -> Value {
        self.lateness.quantiles()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_moment_of_its_own_unless_it_shares_one() {
        let period = Duration::from_millis(500);
        let different = |together| {
            let of = |turn| moments(100, together, period, turn).collect::<Vec<_>>();
            let all = of(1);
            assert!(all.is_sorted() && all.iter().all(|(at, _)| *at < period));
            assert!(all == of(1) && all != of(2));
            let mut who: Vec<_> = all.iter().map(|(_, number)| *number).collect();
            who.sort_unstable();
            assert_eq!(who, (0..100).collect::<Vec<_>>());
            let mut at: Vec<_> = all.into_iter().map(|(at, _)| at).collect();
            at.dedup();
            at.len()
        };
        assert_eq!([1, 20, 30].map(different), [100, 5, 4]);
    }
}
