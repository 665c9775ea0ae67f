//! A session's data channels: control, chat, and whatever a page opens.

use std::time::Instant;

use shared::Bye;

use super::{CLOSED, CONTROL, Dialect, Effect, LinkId, Session};
use crate::proto::chat::{Control, Numbered};
use crate::proto::recovery::{Cause, Input};
use crate::rtc::{Channel, ChannelEvent};

impl Session {
    /// Takes what happened on a channel of this connection.
    pub(in crate::call) async fn channel(
        &mut self,
        link: LinkId,
        event: ChannelEvent,
    ) -> Vec<Effect> {
        match event {
            ChannelEvent::Opened(channel) => self.opened(link, channel).await,
            ChannelEvent::Text(channel, text) => self.text(link, &channel, text).await,
            ChannelEvent::Binary(channel, bytes) => vec![Effect::Binary {
                label: channel.label().to_owned(),
                bytes: bytes.to_vec(),
            }],
            ChannelEvent::Closed(channel) => self.channel_closed(link, &channel),
        }
    }

    async fn opened(&mut self, id: LinkId, channel: Channel) -> Vec<Effect> {
        let is_spare = self.link.id != id;
        let arrived = self.inbox.last();
        let Some(link) = self.link_of(id) else {
            return Vec::new();
        };
        if is_control(&channel) {
            // What came on the other channel before this one was open waits for its word.
            if let Some(seq) = arrived {
                acknowledge(&channel, seq).await;
            }
            link.control = Some(channel);
        } else if link.chat.is_none() || !channel.is_ours() {
            // A tutorial page listens on the channel that it opened itself.
            link.chat = Some(channel);
        }
        if is_spare && link.is_up() {
            return vec![Effect::Promote];
        }
        Vec::new()
    }

    async fn text(&mut self, id: LinkId, channel: &Channel, text: String) -> Vec<Effect> {
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
            let echo = false;
            return vec![Effect::Message { label, text, echo }];
        }
        let Some(message) = Numbered::parse(&text) else {
            return vec![self.complaint("a chat message without a number")];
        };
        let new = self.inbox.accept(message.seq);
        if let Some(control) = self.link_of(id).and_then(|link| link.control.as_ref()) {
            acknowledge(control, message.seq).await;
        }
        if !new {
            return Vec::new();
        }
        vec![Effect::Message {
            label,
            text: message.text,
            echo: message.echo,
        }]
    }

    fn channel_closed(&mut self, id: LinkId, channel: &Channel) -> Vec<Effect> {
        let replaced = self.spare.is_some();
        let dialect = self.party.dialect;
        let is_spare = self.link.id != id;
        let Some(link) = self.link_of(id) else {
            return Vec::new();
        };
        let is = |known: &Option<Channel>| known.as_ref().is_some_and(|known| known.is(channel));
        let last_of_tutorial = is(&link.chat) && dialect == Dialect::Tutorial;
        let control_gone = is(&link.control);
        if is(&link.chat) {
            link.chat = None;
        }
        if control_gone {
            link.control = None;
        }
        if is_spare || !(last_of_tutorial || control_gone) {
            return Vec::new();
        }
        if replaced {
            // They are on the second one already, which has yet to come up here.
            self.recover(Input::Lost(Cause::Failed));
            return Vec::new();
        }
        // A page that is closed says nothing else.
        vec![Effect::Bye {
            reason: CLOSED.to_owned(),
            direct: true,
        }]
    }

    /// When messages go out on our own channel, if they wait for another one.
    pub(in crate::call) fn held_back(&self) -> Option<Instant> {
        let ours = self.link.chat.as_ref().is_some_and(Channel::is_ours);
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
        let Some(chat) = &self.link.chat else { return };
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
        if let Some(control) = &self.link.control {
            let _ = control
                .send_text(&Control::Bye(bye.clone()).to_text())
                .await;
        }
    }

    /// Whether the other side will hear a goodbye on the control channel.
    pub(in crate::call) fn has_control(&self) -> bool {
        self.link.control.is_some()
    }

    /// The channels that must be empty before the connection is closed.
    pub(in crate::call) fn open_channels_to_flush(&self) -> Vec<Channel> {
        self.link
            .control
            .iter()
            .chain(&self.link.chat)
            .cloned()
            .collect()
    }
}

/// Says that everything up to this message has arrived.
async fn acknowledge(control: &Channel, seq: u64) {
    let _ = control.send_text(&Control::Ack(seq).to_text()).await;
}

fn is_control(channel: &Channel) -> bool {
    channel.label() == CONTROL && channel.protocol() == shared::SUBPROTOCOL
}
