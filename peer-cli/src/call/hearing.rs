//! What is heard and read: messages, and what the sound path reports.

use std::time::Instant;

use super::Call;
use super::examiner::OwnedFact;
use super::session::Key;
use crate::audio::ErrorClass;
use crate::audio::spec::SinkSpec;
use crate::cli::HangUp;
use crate::event::{Content, Direction, Event, Kind};
use crate::exit::{Exit, Failure};
use crate::media::MediaEvent;

impl Call {
    pub(super) async fn on_message(&mut self, key: Key, label: String, text: String, echo: bool) {
        let Some(session) = self.sessions.get_mut(&key) else {
            return;
        };
        let peer = session.party.peer.to_string();
        // Two echoes would go on for ever.
        if self.plan.sound.echo && !echo {
            // Dropped when the other side does not read its own words back.
            let _ = session.outbox.push_echo(text.clone());
            session.flush_messages().await;
        }
        let fact = OwnedFact::Message(text.clone());
        self.examinee.report(&peer, fact).await;
        let content = Content::Text(text);
        self.emit
            .emit(Event::Message {
                peer,
                label,
                content,
            })
            .await;
    }

    pub(super) async fn on_binary(&mut self, key: Key, label: String, bytes: Vec<u8>) {
        let Some(session) = self.sessions.get(&key) else {
            return;
        };
        let peer = session.party.peer.to_string();
        let content = Content::Binary(bytes);
        self.emit
            .emit(Event::Message {
                peer,
                label,
                content,
            })
            .await;
    }

    pub(super) async fn on_sound(
        &mut self,
        key: Option<Key>,
        event: MediaEvent,
    ) -> Result<(), Failure> {
        match event {
            MediaEvent::CaptureStarted { clock_us } => {
                for key in self.of_capture(key) {
                    self.track(key, Direction::Local, clock_us).await;
                }
            }
            MediaEvent::CaptureEnded => {
                if self.plan.session.hang_up == HangUp::SourceEnds {
                    for key in self.of_capture(key) {
                        if let Some(session) = self.sessions.get_mut(&key) {
                            session.finish = true;
                        }
                    }
                }
            }
            // With the speaker off nothing was negotiated that could be played.
            MediaEvent::PlaybackStarted { .. } if self.plan.sound.speaker == SinkSpec::Off => {}
            MediaEvent::PlaybackStarted { stream, clock_us } => {
                self.track(stream.0, Direction::Remote, clock_us).await;
            }
            MediaEvent::FirstSound { stream, at } => self.first_sound(stream.0, at).await,
            MediaEvent::CheckMet { stream, check, got } => {
                if let Some(session) = self.sessions.get(&stream.0) {
                    let met = true;
                    let fact = OwnedFact::Sound { check, met, got };
                    self.examinee
                        .report(session.party.peer.as_str(), fact)
                        .await;
                }
            }
            MediaEvent::Drained { stream } => self.on_drained(stream.0).await,
            event => return self.on_sound_trouble(event).await,
        }
        Ok(())
    }

    async fn on_sound_trouble(&mut self, event: MediaEvent) -> Result<(), Failure> {
        match event {
            MediaEvent::Warning { code, text, hint } => {
                self.emit.emit(Event::Warning { code, text, hint }).await;
            }
            MediaEvent::DeviceLost { kind, name, now_on } => {
                let now_on = now_on.unwrap_or_else(|| "silence".to_owned());
                let text = format!("{kind} \"{name}\" gone, now on {now_on}");
                self.emit.emit(Event::warning("device-lost", text)).await;
            }
            MediaEvent::DeviceBack { kind, name, now_on } => {
                let text = match now_on {
                    None => format!("{kind} \"{name}\" is back"),
                    Some(other) => format!("{kind} \"{name}\" is still gone, now on {other}"),
                };
                self.emit.emit(Event::warning("device-back", text)).await;
            }
            MediaEvent::Failed(error) => {
                let exit = match error.class() {
                    ErrorClass::File => Exit::File,
                    ErrorClass::NoDevice | ErrorClass::Device => Exit::Device,
                    ErrorClass::Internal => Exit::Internal,
                };
                return Err(Failure::new(exit, error.to_string()));
            }
            _ => {}
        }
        Ok(())
    }

    /// The calls that a capture works for: its own, or all when it is shared.
    fn of_capture(&self, key: Option<Key>) -> Vec<Key> {
        match key {
            Some(key) => vec![key],
            None => self
                .sessions
                .values()
                .filter(|session| session.is_connected())
                .map(|session| session.key)
                .collect(),
        }
    }

    async fn track(&mut self, key: Key, direction: Direction, clock_us: u64) {
        let Some(session) = self.sessions.get(&key) else {
            return;
        };
        let sends = session
            .sends
            .map(|(codec, _)| format!("audio/{}", codec.name()));
        let (codec, channels) = match direction {
            Direction::Local => (sends, session.sends.map(|(_, channels)| channels)),
            Direction::Remote => (session.codec.clone().or(sends), Some(self.desk.channels())),
        };
        let processing = (direction == Direction::Local).then(|| self.desk.processing());
        self.emit
            .emit(Event::Track {
                peer: session.party.peer.to_string(),
                direction,
                kind: Kind::Audio,
                codec,
                channels: channels.map(|channels| channels.count() as u8),
                clock_us: Some(clock_us),
                processing,
            })
            .await;
    }

    async fn first_sound(&mut self, key: Key, at: Instant) {
        let Some(session) = self.sessions.get_mut(&key) else {
            return;
        };
        session.heard = true;
        let connected = session.timing.connected_at().unwrap_or(at);
        self.emit
            .emit(Event::Audio {
                peer: session.party.peer.to_string(),
                after: at.saturating_duration_since(connected),
            })
            .await;
    }

    /// Says once that a call is silent; `due` is when that is worth saying.
    pub(super) async fn warn_of_silence(&mut self, now: Instant) {
        if !self.listens() {
            return;
        }
        let mut silent = Vec::new();
        for session in self.sessions.values_mut() {
            if let Some(due) = session.silence_due()
                && now >= due
            {
                session.heard = true;
                silent.push(session.party.name.clone());
            }
        }
        for name in silent {
            let text = format!("connected, but no sound from {name} for 5s");
            self.emit.emit(Event::warning("silent", text)).await;
        }
    }

    /// Whether sound is expected at all.
    pub(super) fn listens(&self) -> bool {
        self.plan.sound.speaker != SinkSpec::Off && !self.plan.sound.echo
    }
}
