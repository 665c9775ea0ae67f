//! What comes from signaling: the room, offers, answers, candidates.

use std::time::Instant;

use shared::{PeerId, ServerEvent};

use super::{Call, words};
use crate::event::{Event, PeerState, SignalingMode, SignalingState};
use crate::exit::{Exit, Failure};
use crate::proto::lobby::{self, Output};
use crate::signal::{Entered, SignalEvent};

/// Characters of an id that people are shown when there is no name.
const SHORT_ID: usize = 6;

impl Call {
    pub(super) async fn on_signal(&mut self, event: Option<SignalEvent>) -> Result<(), Failure> {
        match event {
            Some(SignalEvent::Entered(entered)) => self.on_entered(entered).await,
            Some(SignalEvent::Frame(frame)) => self.on_frame(frame).await,
            Some(SignalEvent::Malformed(error)) => {
                self.tell(words::malformed("the room", &error.to_string()))
                    .await;
                Ok(())
            }
            Some(SignalEvent::Unreachable(failure)) => {
                self.on_unreachable(failure).await;
                Ok(())
            }
            Some(SignalEvent::Lost(why)) => {
                tracing::info!(why, "signaling lost");
                self.emit.emit(signaling(SignalingState::Lost)).await;
                self.on_signaling(false).await
            }
            Some(SignalEvent::Refused(failure)) => self.on_refused(failure).await,
            None => {
                self.signal = None;
                Ok(())
            }
        }
    }

    async fn on_entered(&mut self, entered: Entered) -> Result<(), Failure> {
        let now = Instant::now();
        let state = if self.entered.is_some() {
            SignalingState::Reconnected
        } else {
            SignalingState::Connected
        };
        self.entered.get_or_insert(now);
        let (mode, input) = match entered {
            Entered::PeerV1(welcome) => {
                self.plain = false;
                self.me = Some(welcome.id.clone());
                self.use_servers(&welcome.ice_servers).await;
                self.check_relays()?;
                let input = lobby::Input::Entered {
                    me: welcome.id,
                    peers: welcome.peers.clone(),
                };
                (SignalingMode::PeerV1, (input, welcome.peers))
            }
            Entered::Plain => {
                self.check_relays()?;
                self.plain = true;
                let own = || PeerId::new(crate::entropy::hex::<13>()).ok();
                self.me = self.me.take().or_else(own);
                (SignalingMode::Plain, (lobby::Input::EnteredPlain, vec![]))
            }
        };
        let (input, peers) = input;
        self.emit
            .emit(Event::Signaling {
                state,
                id: self.me.as_ref().map(PeerId::to_string),
                mode: Some(mode),
            })
            .await;
        for info in &peers {
            self.emit.emit(presence(PeerState::Joined, info)).await;
        }
        self.on_signaling(true).await?;
        self.lobby.handle(now, input);
        self.follow_lobby().await
    }

    async fn on_unreachable(&mut self, failure: Failure) {
        let first = self.unreachable.is_none() && self.entered.is_none();
        if first {
            self.emit
                .emit(Event::Warning {
                    code: "unreachable",
                    text: failure.reason.clone(),
                    hint: failure.hint.clone(),
                })
                .await;
        }
        self.unreachable = Some(failure);
    }

    /// Signaling is over. A call that is up goes on without it.
    async fn on_refused(&mut self, failure: Failure) -> Result<(), Failure> {
        self.signal = None;
        if self.connected_count() == 0 {
            return Err(failure);
        }
        self.emit
            .emit(Event::Warning {
                code: "signaling-refused",
                text: failure.reason,
                hint: failure.hint,
            })
            .await;
        Ok(())
    }

    /// Does what the lobby decides.
    pub(super) async fn follow_lobby(&mut self) -> Result<(), Failure> {
        while let Some(output) = self.lobby.poll_output() {
            match output {
                // The last word is spoken.
                _ if self.outcome.is_some() => {}
                Output::Offer(peer) => self.offer(peer).await?,
                Output::NobodyWaits => {
                    let room = self.room_name();
                    let limit = words::seconds(self.plan.session.connect_limit());
                    self.emit
                        .emit(Event::warning(
                            "nobody-waits",
                            format!("nobody waits in {room} yet ({limit})"),
                        ))
                        .await;
                }
                Output::EverybodyWaits => {
                    let text = "the other peer waits too; run \"call\" on one side";
                    self.emit
                        .emit(Event::warning("everybody-waits", text))
                        .await;
                }
                Output::AllBusy(peer) => {
                    let name = self.name_of(&peer);
                    self.end(Exit::NobodyAnswered, format!("\"{name}\" is busy"))
                        .await;
                }
            }
        }
        Ok(())
    }

    pub(super) fn room_name(&self) -> String {
        match &self.plan.room {
            Some(room) => format!("\"{room}\""),
            None => "the room".to_owned(),
        }
    }

    pub(super) fn name_of(&self, peer: &PeerId) -> String {
        let name = self.lobby.name_of(peer);
        let short = name == peer.as_str() && name.len() > 2 * SHORT_ID;
        if short {
            name[..SHORT_ID].to_owned()
        } else {
            name.to_owned()
        }
    }

    pub(super) async fn on_server(&mut self, event: ServerEvent) -> Result<(), Failure> {
        let now = Instant::now();
        match event {
            ServerEvent::Joined(info) => {
                self.emit.emit(presence(PeerState::Joined, &info)).await;
                // Perhaps one that has missed what we said.
                self.say_again(Some(&info.id)).await?;
                self.lobby.handle(now, lobby::Input::Joined(info));
            }
            ServerEvent::Left { id } => {
                if let Some(info) = self.lobby.info(&id) {
                    let event = presence(PeerState::Left, info);
                    self.emit.emit(event).await;
                }
                self.lobby.handle(now, lobby::Input::Left(id.clone()));
                self.on_left(&id).await?;
            }
            ServerEvent::Error { code, text } => {
                tracing::info!(code, text, "the server complains");
            }
            ServerEvent::IceServers(servers) => self.use_fresh_servers(&servers).await,
            ServerEvent::Welcome(_) => {}
        }
        self.follow_lobby().await
    }
}

fn signaling(state: SignalingState) -> Event {
    Event::Signaling {
        state,
        id: None,
        mode: None,
    }
}

fn presence(state: PeerState, info: &shared::PeerInfo) -> Event {
    Event::Peer {
        state,
        id: info.id.to_string(),
        name: info.name.as_ref().map(ToString::to_string),
    }
}
