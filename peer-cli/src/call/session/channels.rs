//! A session's data channels: control, chat, and whatever a page opens.

use std::time::Instant;

use shared::Bye;

use super::{CONTROL, Dialect, Effect, Session};
use crate::proto::chat::{Control, Numbered};
use crate::rtc::{Channel, ChannelEvent};

impl Session {
    /// Takes what happened on a channel.
    pub(in crate::call) async fn channel(&mut self, event: ChannelEvent) -> Vec<Effect> {
        match event {
            ChannelEvent::Opened(channel) => self.opened(channel),
            ChannelEvent::Text(channel, text) => return self.text(&channel, text).await,
            ChannelEvent::Binary(channel, bytes) => {
                return vec![Effect::Binary {
                    label: channel.label().to_owned(),
                    bytes: bytes.to_vec(),
                }];
            }
            ChannelEvent::Closed(channel) => return self.channel_closed(&channel),
        }
        Vec::new()
    }

    fn opened(&mut self, channel: Channel) {
        if is_control(&channel) {
            self.control = Some(channel);
        } else if self.chat.is_none() || !channel.is_ours() {
            // A tutorial page listens on the channel that it opened itself.
            self.chat = Some(channel);
        }
    }

    async fn text(&mut self, channel: &Channel, text: String) -> Vec<Effect> {
        if is_control(channel) {
            return match Control::parse(&text) {
                Some(Control::Bye(bye)) => vec![Effect::Bye {
                    reason: bye.reason,
                    direct: true,
                }],
                Some(Control::Ack(seq)) => {
                    self.outbox.acknowledge(seq);
                    Vec::new()
                }
                None => Vec::new(),
            };
        }
        let label = channel.label().to_owned();
        if channel.protocol() != shared::SUBPROTOCOL {
            return vec![Effect::Message { label, text }];
        }
        let Some(message) = Numbered::parse(&text) else {
            return vec![self.complaint("a chat message without a number")];
        };
        let new = self.inbox.accept(message.seq);
        if let Some(control) = &self.control {
            let _ = control
                .send_text(&Control::Ack(message.seq).to_text())
                .await;
        }
        if new {
            vec![Effect::Message {
                label,
                text: message.text,
            }]
        } else {
            Vec::new()
        }
    }

    fn channel_closed(&mut self, channel: &Channel) -> Vec<Effect> {
        let is = |known: &Option<Channel>| known.as_ref().is_some_and(|known| known.is(channel));
        let last_of_tutorial = is(&self.chat) && self.party.dialect == Dialect::Tutorial;
        let control_gone = is(&self.control);
        if is(&self.chat) {
            self.chat = None;
        }
        if control_gone {
            self.control = None;
        }
        // A page that is closed says nothing else.
        if last_of_tutorial || control_gone {
            return vec![Effect::Bye {
                reason: "closed the connection".to_owned(),
                direct: true,
            }];
        }
        Vec::new()
    }

    /// When messages go out on our own channel, if they wait for another one.
    pub(in crate::call) fn held_back(&self) -> Option<Instant> {
        let ours = self.chat.as_ref().is_some_and(Channel::is_ours);
        self.held_back
            .filter(|_| ours && !self.outbox.is_empty() && self.was_connected())
    }

    /// Hands waiting messages to the channel, as many as it takes.
    pub(in crate::call) async fn flush_messages(&mut self) {
        if !self.was_connected() {
            return;
        }
        match self.held_back() {
            Some(until) if until > Instant::now() => return,
            Some(_) => self.held_back = None,
            None => {}
        }
        let Some(chat) = &self.chat else { return };
        let numbered = chat.protocol() == shared::SUBPROTOCOL;
        while let Some(message) = self.outbox.next() {
            let sent = if numbered {
                chat.send_text(&message.to_text()).await
            } else {
                chat.send_text(&message.text).await
            };
            if sent.is_err() {
                return;
            }
            self.outbox.mark_sent();
            if !numbered {
                self.outbox.assume_arrived();
            }
        }
    }

    /// Says goodbye on the control channel.
    pub(in crate::call) async fn say_bye(&self, bye: &Bye) {
        if let Some(control) = &self.control {
            let _ = control
                .send_text(&Control::Bye(bye.clone()).to_text())
                .await;
        }
    }

    /// Whether the other side will hear a goodbye on the control channel.
    pub(in crate::call) fn has_control(&self) -> bool {
        self.control.is_some()
    }

    /// The channels that must be empty before the connection is closed.
    pub(in crate::call) fn open_channels_to_flush(&self) -> Vec<Channel> {
        self.control.iter().chain(&self.chat).cloned().collect()
    }
}

fn is_control(channel: &Channel) -> bool {
    channel.label() == CONTROL && channel.protocol() == shared::SUBPROTOCOL
}
