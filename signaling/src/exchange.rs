//! The rooms as one server's clients see them: the hub, and beside it what is known of other servers, if there may be any. PURE

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;

use crate::elsewhere::{Calendar, Home, ServerId};
use crate::hub::{Hub, Input, Output};
use crate::mesh::{self, Loss, Mesh};

/// For the broker, or for who counts.
#[derive(Debug)]
pub(crate) enum Abroad {
    /// To that server, or to all of them.
    Publish {
        to: Option<ServerId>,
        payload: Bytes,
    },
    /// So many messages of other servers did not come.
    Lost { count: u64, why: Loss },
}

pub(crate) struct Exchange {
    hub: Hub,
    mesh: Option<Mesh>,
    abroad: VecDeque<Abroad>,
    now: Instant,
}

impl Exchange {
    /// With no other servers.
    pub(crate) fn alone(hub: Hub, now: Instant) -> Self {
        Self {
            hub,
            mesh: None,
            abroad: VecDeque::new(),
            now,
        }
    }

    /// With whoever else is heard; `micros` have passed since 1970 by now.
    pub(crate) fn among_others(hub: Hub, me: ServerId, now: Instant, micros: u64) -> Self {
        let calendar = Calendar {
            start: (now, micros),
        };
        Self {
            hub: hub.shared(calendar),
            mesh: Some(Mesh::new(me, now, calendar)),
            abroad: VecDeque::new(),
            now,
        }
    }

    /// Takes in what clients do and that time has passed; then poll both outputs until they are empty.
    pub(crate) fn handle(&mut self, now: Instant, input: Input) {
        self.now = now;
        self.hub.handle(now, input);
    }

    /// Takes in a message of another server; the same afterwards.
    pub(crate) fn heard(&mut self, now: Instant, payload: &[u8]) {
        self.mesh(now, |mesh| mesh.heard(now, payload));
    }

    /// The broker can be reached.
    pub(crate) fn broker_is_back(&mut self, now: Instant) {
        self.mesh(now, |mesh| mesh.broker_is_back(now));
    }

    /// Tells the others that this server stops.
    pub(crate) fn stop(&mut self, now: Instant) {
        self.mesh(now, Mesh::stop);
    }

    /// What is to be done next for clients of this server.
    pub(crate) fn poll_output(&mut self) -> Option<Output> {
        loop {
            let output = self.hub.poll_output()?;
            let Some(mesh) = &mut self.mesh else {
                return Some(output);
            };
            match output {
                Output::Home(Home::Joined(member)) => mesh.joined(self.now, member),
                Output::Home(Home::Left(id)) => mesh.left(&id),
                Output::Home(Home::Letter { server, letter }) => mesh.letter(&server, letter),
                Output::Home(Home::Absent { server, absence }) => mesh.absent(&server, absence),
                Output::Home(Home::Stray) => {
                    let (count, why) = (1, Loss::Stray);
                    self.abroad.push_back(Abroad::Lost { count, why });
                }
                output => return Some(output),
            }
            self.settle();
        }
    }

    /// What is to be done next for other servers.
    pub(crate) fn poll_abroad(&mut self) -> Option<Abroad> {
        self.abroad.pop_front()
    }

    /// When to call `tick`.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let mesh = self.mesh.as_ref().map(Mesh::poll_timeout);
        self.hub.poll_timeout().into_iter().chain(mesh).min()
    }

    /// `poll_timeout` has come.
    pub(crate) fn tick(&mut self, now: Instant) {
        self.handle(now, Input::Tick);
        if self.mesh.as_ref().is_some_and(|m| m.poll_timeout() <= now) {
            self.mesh(now, |mesh| mesh.tick(now));
        }
    }

    /// Rooms with somebody of this server in them.
    pub(crate) fn rooms(&self) -> usize {
        self.hub.rooms()
    }

    /// Other servers that are heard.
    pub(crate) fn servers(&self) -> usize {
        self.mesh.as_ref().map_or(0, Mesh::servers)
    }

    /// Claims to ids that are known, here and elsewhere.
    #[cfg(any(test, fuzzing))]
    fn claims(&self) -> usize {
        self.mesh.as_ref().map_or(0, Mesh::claims)
    }

    fn mesh(&mut self, now: Instant, act: impl FnOnce(&mut Mesh)) {
        self.now = now;
        if let Some(mesh) = &mut self.mesh {
            act(mesh);
        }
        self.settle();
    }

    /// What the mesh has to say goes to the hub, or out.
    fn settle(&mut self) {
        let (now, mesh) = (self.now, &mut self.mesh);
        while let Some(output) = mesh.as_mut().and_then(Mesh::poll_output) {
            match output {
                mesh::Output::Publish { to, payload } => {
                    self.abroad.push_back(Abroad::Publish { to, payload });
                }
                mesh::Output::Lost { count, why } => {
                    self.abroad.push_back(Abroad::Lost { count, why });
                }
                mesh::Output::Foreign(news) => self.hub.handle(now, Input::Foreign(news)),
            }
        }
    }
}

#[cfg(any(test, fuzzing))]
pub(crate) mod tests;
