//! Who is in the room, and whom to call: "who offers" of the protocol, as a machine without I/O.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use shared::{App, PeerId, PeerInfo, Role};

/// Two idle callers wait this long for somebody who answers before they call each other.
const CALLER_PATIENCE: Duration = Duration::from_secs(1);

/// What happened in the room.
#[derive(Clone, Debug)]
pub enum Input {
    /// We are in the room of a `peer.v1` server, with these others; again after a reconnect.
    Entered {
        /// Our id.
        me: PeerId,
        /// The others, oldest first.
        peers: Vec<PeerInfo>,
    },
    /// We are on a server that knows only the broadcast.
    EnteredPlain,
    /// Somebody came.
    Joined(PeerInfo),
    /// Somebody went.
    Left(PeerId),
    /// We have a session with this member now, whoever offered.
    Started(PeerId),
    /// The session with this member is over; do not call it again.
    Ended(PeerId),
    /// This member holds as many calls as it wants.
    Busy(PeerId),
    /// This member is not to be called.
    Passed(PeerId),
    /// Only time has passed.
    Timeout,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Offer a call to this member; to whoever listens, in a plain room.
    Offer(Option<PeerId>),
    /// Nobody is here whom we could call yet.
    NobodyWaits,
    /// All the others wait to be called, as we do.
    EverybodyWaits,
    /// This member is busy, and there is nobody else.
    AllBusy(PeerId),
}

/// How to choose.
#[derive(Clone, Debug)]
pub struct Options {
    /// What we came for.
    pub role: Role,
    /// Call nobody but the member with this name or id.
    pub to: Option<String>,
    /// Calls to hold at once.
    pub capacity: usize,
}

#[derive(Debug)]
struct Member {
    info: PeerInfo,
    since: Instant,
    /// Called, or busy: not to be called again before it comes anew.
    done: bool,
}

/// The room as one peer sees it.
#[derive(Debug)]
pub struct Lobby {
    options: Options,
    me: Option<PeerId>,
    members: Vec<Member>,
    outputs: VecDeque<Output>,
    plain: bool,
    /// Sessions with members of the room, and with callers we never saw join.
    held: Vec<PeerId>,
    said_waiting: bool,
}

impl Lobby {
    /// A lobby that nobody has entered.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self {
            options,
            me: None,
            members: Vec::new(),
            outputs: VecDeque::new(),
            plain: false,
            held: Vec::new(),
            said_waiting: false,
        }
    }

    /// What others call this member: its name, else its id.
    #[must_use]
    pub fn name_of<'a>(&'a self, id: &'a PeerId) -> &'a str {
        self.member(id)
            .and_then(|member| member.info.name.as_ref())
            .map_or(id.as_str(), |name| name.as_str())
    }

    /// The member with this id.
    #[must_use]
    pub fn info(&self, id: &PeerId) -> Option<&PeerInfo> {
        self.member(id).map(|member| &member.info)
    }

    /// Whether a call with this one is what the user asked for (`--to`).
    #[must_use]
    pub fn is_wanted(&self, id: &PeerId) -> bool {
        self.options
            .to
            .as_deref()
            .is_none_or(|to| id.as_str() == to || self.name_of(id) == to)
    }

    /// Whether one more call fits.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.held.len() < self.options.capacity
    }

    /// Whether we have a session with this member.
    #[must_use]
    pub fn holds(&self, id: &PeerId) -> bool {
        self.held.contains(id)
    }

    /// The next thing to do, if any.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Input::Timeout`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.options.role != Role::Call || !self.held.is_empty() {
            return None;
        }
        self.members
            .iter()
            .filter(|member| self.is_idle_caller(member))
            .map(|member| member.since + CALLER_PATIENCE)
            .min()
    }

    /// Takes one input.
    pub fn handle(&mut self, now: Instant, input: Input) {
        match input {
            Input::Entered { me, peers } => self.enter(now, me, peers),
            Input::EnteredPlain => {
                self.plain = true;
                if self.options.role == Role::Call && self.held.is_empty() {
                    self.outputs.push_back(Output::Offer(None));
                }
                return;
            }
            Input::Joined(info) => self.join(now, info),
            Input::Left(id) => self.members.retain(|member| member.info.id != id),
            Input::Started(id) => {
                self.held.push(id);
                return;
            }
            Input::Ended(id) => {
                if let Some(place) = self.held.iter().position(|held| *held == id) {
                    self.held.swap_remove(place);
                }
                self.set_done(&id);
            }
            Input::Busy(id) => {
                self.set_done(&id);
                // Somebody does wait, but not for us.
                self.outputs
                    .retain(|output| !matches!(output, Output::NobodyWaits));
                self.choose(now);
                if self.outputs.is_empty() && self.held.is_empty() {
                    self.outputs.push_back(Output::AllBusy(id));
                }
                return;
            }
            Input::Passed(id) => self.set_done(&id),
            Input::Timeout => {}
        }
        self.choose(now);
        self.say(now);
    }

    fn enter(&mut self, now: Instant, me: PeerId, peers: Vec<PeerInfo>) {
        self.me = Some(me);
        let before = std::mem::take(&mut self.members);
        for info in peers {
            let known = before.iter().find(|member| member.info.id == info.id);
            self.members.push(Member {
                since: known.map_or(now, |member| member.since),
                done: known.is_some_and(|member| member.done),
                info,
            });
        }
    }

    fn join(&mut self, now: Instant, info: PeerInfo) {
        // A member that takes over its own connection is announced again; it is the same one.
        let known = self.members.iter().position(|m| m.info.id == info.id);
        let done = known.is_some_and(|place| self.members.remove(place).done);
        self.members.push(Member {
            info,
            since: now,
            done,
        });
    }

    fn set_done(&mut self, id: &PeerId) {
        if let Some(member) = self.members.iter_mut().find(|m| m.info.id == *id) {
            member.done = true;
        }
    }

    fn member(&self, id: &PeerId) -> Option<&Member> {
        self.members.iter().find(|member| member.info.id == *id)
    }

    /// Picks whom to call now.
    fn choose(&mut self, now: Instant) {
        let deciding = matches!(self.outputs.back(), Some(Output::Offer(_)));
        let callable = self.options.role == Role::Call && !self.plain && self.me.is_some();
        if deciding || !callable || !self.has_room() {
            return;
        }
        let choice = [Role::Answer, Role::Either]
            .into_iter()
            .find_map(|role| self.find(|member| member.info.role == Some(role)))
            .or_else(|| self.find(|member| self.held.is_empty() && member.info.is_tutorial()))
            .or_else(|| {
                self.find(|member| {
                    self.held.is_empty()
                        && self.is_idle_caller(member)
                        && now >= member.since + CALLER_PATIENCE
                })
            });
        if let Some(id) = choice {
            self.outputs.push_back(Output::Offer(Some(id)));
        }
    }

    fn find(&self, wanted: impl Fn(&Member) -> bool) -> Option<PeerId> {
        self.members
            .iter()
            .find(|member| self.may_call(member) && wanted(member))
            .map(|member| member.info.id.clone())
    }

    fn may_call(&self, member: &Member) -> bool {
        !member.done
            && !self.held.contains(&member.info.id)
            && (member.info.is_tutorial() || member.info.app == Some(App::Call))
            && self.is_wanted(&member.info.id)
    }

    /// Another caller without a call, whom we should call: between two, the lower id offers.
    fn is_idle_caller(&self, member: &Member) -> bool {
        self.may_call(member)
            && member.info.role == Some(Role::Call)
            && self.me.as_ref().is_some_and(|me| *me < member.info.id)
    }

    /// Says once how it looks, where that is not what the user hopes for.
    fn say(&mut self, now: Instant) {
        if self.said_waiting
            || !self.held.is_empty()
            || self.me.is_none()
            || !self.outputs.is_empty()
        {
            return;
        }
        match self.options.role {
            Role::Call if self.poll_timeout().is_none_or(|at| at > now) => {
                self.said_waiting = true;
                self.outputs.push_back(Output::NobodyWaits);
            }
            Role::Answer => {
                let mut peers = self.members.iter().map(|member| &member.info);
                let waits = |info: &PeerInfo| {
                    info.app == Some(App::Call) && info.role == Some(Role::Answer)
                };
                if !self.members.is_empty() && peers.all(waits) {
                    self.said_waiting = true;
                    self.outputs.push_back(Output::EverybodyWaits);
                }
            }
            _ => {}
        }
    }
}

/// What to do with an offer that crosses our own (perfect negotiation, W3C webrtc-pc).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glare {
    /// Drop ours, take theirs.
    Yield,
    /// Keep ours, ignore theirs: they will yield.
    Insist,
}

/// Who yields: the lower id is the polite one; a peer without an id of its own cannot yield.
#[must_use]
pub fn glare(me: &PeerId, them: Option<&PeerId>) -> Glare {
    match them {
        Some(them) if me > them => Glare::Insist,
        _ => Glare::Yield,
    }
}

#[cfg(test)]
mod tests;
