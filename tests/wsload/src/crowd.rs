//! All connections on one thread: one wait for all of them, and what they heard since the last.

use std::io;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use mio::{Events, Interest, Poll, Token};

use crate::alarm::Alarm;
use crate::dialect::{Heard, Place};
use crate::frame;
use crate::member::{Door, Member, State};
use crate::stamp::Delivery;

/// The longest that all together may take to be there after the last was begun, or what was said to arrive.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
/// The longest wait for sockets.
pub(crate) const TURN: Duration = Duration::from_millis(20);
/// Reasons that are repeated.
const FEW: usize = 3;
/// Sockets that one wait tells of.
const EVENTS: usize = 1024;
/// Bytes of one read.
const SCRATCH: usize = 64 * 1024;

pub(crate) struct Crowd {
    poll: Poll,
    events: Events,
    alarm: Alarm,
    scratch: Vec<u8>,
    door: Door,
    begun: Instant,
    pub(crate) members: Vec<Member>,
    /// What has arrived since somebody took it out.
    pub(crate) deliveries: Vec<Delivery>,
    /// How long each took from its first packet until it was ready.
    pub(crate) openings: Vec<Duration>,
    /// Members that are over.
    pub(crate) ended: usize,
    /// When the watcher was told first that somebody has left.
    pub(crate) left: Option<Duration>,
}

impl Crowd {
    pub(crate) fn new(door: Door) -> Result<Self> {
        let poll = Poll::new().context("cannot wait for sockets")?;
        Ok(Self {
            alarm: Alarm::new(poll.registry())?,
            poll,
            events: Events::with_capacity(EVENTS),
            scratch: vec![0; SCRATCH],
            door,
            begun: Instant::now(),
            members: Vec::new(),
            deliveries: Vec::new(),
            openings: Vec::new(),
            ended: 0,
            left: None,
        })
    }

    /// Since the run began.
    pub(crate) fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    /// One connection more.
    pub(crate) fn admit(&mut self, place: Place, watcher: bool) -> Result<()> {
        let number = self.members.len();
        let now = self.now();
        let member = Member::connect(&self.door, place, watcher, now);
        let mut member =
            member.with_context(|| format!("connection {} (see ulimit -n)", number + 1))?;
        let both = Interest::READABLE | Interest::WRITABLE;
        self.poll
            .registry()
            .register(&mut member.stream, Token(number), both)?;
        self.members.push(member);
        Ok(())
    }

    /// Waits for at most this long and takes in what has come.
    pub(crate) fn turn(&mut self, wait: Duration) -> io::Result<()> {
        let wait = self.alarm.set(wait)?;
        match self.poll.poll(&mut self.events, wait) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => return Ok(()),
            other => other?,
        }
        let events = std::mem::replace(&mut self.events, Events::with_capacity(0));
        for event in &events {
            self.serve(event.token().0, event.is_readable(), event.is_writable());
        }
        self.events = events;
        Ok(())
    }

    fn serve(&mut self, number: usize, readable: bool, writable: bool) {
        let Some(member) = self.members.get_mut(number) else {
            return;
        };
        let before = member.state;
        if before == State::Ended {
            return;
        }
        if writable {
            member.writable();
        }
        if readable {
            self.listen(number);
        }
        self.note(number, before);
    }

    /// Takes in what there is for this one; also after a silence, when no event will come for what has waited.
    pub(crate) fn listen(&mut self, number: usize) {
        let at = self.begun.elapsed();
        let Some(member) = self.members.get_mut(number) else {
            return;
        };
        let (deliveries, left) = (&mut self.deliveries, &mut self.left);
        let (mut ready, mut other) = (false, None);
        member.readable(
            self.door.dialect,
            &mut self.scratch,
            &mut |heard| match heard {
                Heard::Message(stamp) => deliveries.push(Delivery {
                    to: number,
                    stamp,
                    at,
                }),
                Heard::Ready => ready = true,
                Heard::Other(id, tell) => other = Some((id, tell)),
                Heard::Left => *left = left.or(Some(at)),
                Heard::Nothing => {}
            },
        );
        if let Some((id, tell)) = other {
            member.other = id;
            ready = true;
            if tell {
                let hello = self.door.dialect.hello(&member.other);
                member.write(&frame::of_client(frame::TEXT, hello.as_bytes()));
            }
        }
        if ready && member.state == State::Open {
            member.state = State::Ready;
        }
    }

    fn note(&mut self, number: usize, before: State) {
        let now = self.begun.elapsed();
        let Some(member) = self.members.get(number) else {
            return;
        };
        match member.state {
            State::Ready if before != State::Ready => self.openings.push(now - member.begun),
            State::Ended if before != State::Ended => self.ended += 1,
            _ => {}
        }
    }

    /// Hands bytes to a member's socket.
    pub(crate) fn send(&mut self, number: usize, bytes: &[u8]) {
        let Some(member) = self.members.get_mut(number) else {
            return;
        };
        let before = member.state;
        member.write(bytes);
        self.note(number, before);
    }

    /// Why those ended that did, the first few.
    pub(crate) fn reasons(&self) -> Vec<String> {
        let reasons = self.members.iter().filter_map(|member| member.why.clone());
        reasons.take(FEW).collect()
    }
}
