//! Who speaks when.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

use anyhow::Result;
use serde_json::Value;

use crate::cli::Load;
use crate::crowd::Crowd;
use crate::dialect::stamp_of;
use crate::frame;
use crate::member::State;
use crate::stamp::{Delivery, Stamp};
use crate::tally::{Latencies, Tally};

/// The longest wait for sockets.
const TURN: Duration = Duration::from_millis(20);

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
    /// How many have not yet heard the last one.
    awaited: usize,
}

/// When this one of so many first speaks: evenly over one period, so many at the same moment.
fn moment(number: usize, count: usize, together: usize, period: Duration) -> Duration {
    let first = number - number % together;
    period.mul_f64(first as f64 / count as f64)
}

/// All members, as they speak.
pub(crate) struct Speakers {
    room: usize,
    pace: Pace,
    speakers: Vec<Speaker>,
    /// Who speaks next, and when; all have the same period, so this is a ring.
    due: VecDeque<(Duration, usize)>,
    deliveries: Vec<Delivery>,
    speaking: bool,
    /// How long after their time messages left: this program, not the server, was too slow then.
    lateness: Latencies,
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
                awaited: 0,
            }
        });
        let speakers: Vec<_> = speakers.collect();
        let now = crowd.now();
        let (count, together) = (speakers.len(), options.together.get());
        let first = |number| match pace {
            Pace::Closed => now,
            Pace::Each(period) => now + moment(number, count, together, period),
        };
        Ok(Self {
            room: options.room,
            pace,
            due: (0..speakers.len())
                .map(|number| (first(number), number))
                .collect(),
            speakers,
            deliveries: Vec::new(),
            speaking: true,
            lateness: Latencies::new()?,
            until_left: None,
        })
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
            self.speak(crowd, number);
            if let Pace::Each(period) = self.pace {
                self.lateness.record(now - due);
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

    fn speak(&mut self, crowd: &mut Crowd, number: usize) {
        let Some(speaker) = self.speakers.get_mut(number) else {
            return;
        };
        if crowd
            .members
            .get(number)
            .is_none_or(|member| member.state == State::Ended)
        {
            return;
        }
        let stamp = Stamp {
            sender: u32::try_from(number).unwrap_or(u32::MAX),
            number: speaker.sent,
            sent: u64::try_from(crowd.now().as_nanos()).unwrap_or(u64::MAX),
        };
        speaker.sent += 1;
        speaker.awaited = self.room - 1;
        if let Some(place) = speaker.frame.get_mut(speaker.stamp.clone()) {
            stamp.write(place);
        }
        crowd.send(number, &speaker.frame);
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
        let moments = |together| {
            let period = Duration::from_millis(10);
            let all = (0..10).map(|number| moment(number, 10, together, period));
            all.map(|at| at.as_millis()).collect::<Vec<_>>()
        };
        assert_eq!(moments(1), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(moments(4), [0, 0, 0, 0, 4, 4, 4, 4, 8, 8]);
    }
}
