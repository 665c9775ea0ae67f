//! Messages that arrive once and in order, and the words of the control channel.
//!
//! Between `peer.v1` peers a chat message is `{"seq":N,"text":…}` and `control` carries its
//! acknowledgement; to anybody else nothing but the text is sent.

use std::collections::VecDeque;

use serde_json::{Value, json};
use shared::Bye;

/// Messages that wait for their acknowledgement; a person types fewer, a program is told to wait.
pub const MAX_UNACKNOWLEDGED: usize = 1024;

/// What fits into one data-channel message (64 KiB, RFC 8841 6.1) with its number around it, bytes.
const MAX_ENCODED: usize = 64 * 1024 - 64;

/// Cuts a text so that each part fits into one message, escaped as JSON.
#[must_use]
pub fn parts(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut encoded) = (0, 0);
    for (at, character) in text.char_indices() {
        let length = match character {
            '"' | '\\' | '\n' | '\r' | '\t' => 2,
            control if control < ' ' => 6,
            other => other.len_utf8(),
        };
        if encoded + length > MAX_ENCODED {
            parts.push(&text[start..at]);
            (start, encoded) = (at, 0);
        }
        encoded += length;
    }
    parts.push(&text[start..]);
    parts
}

/// Messages on their way out.
#[derive(Debug, Default)]
pub struct Outbox {
    /// Unacknowledged, oldest first.
    waiting: VecDeque<Numbered>,
    /// How many of them have been handed to the channel.
    sent: usize,
    last: u64,
}

/// A message with its number, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbered {
    /// Its number.
    pub seq: u64,
    /// What the user wrote.
    pub text: String,
    /// It is what the other side wrote, sent back; nobody sends that back once more.
    pub echo: bool,
}

impl Numbered {
    /// As it travels between `peer.v1` peers.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut message = json!({"seq": self.seq, "text": self.text});
        if self.echo {
            message["echo"] = true.into();
        }
        message.to_string()
    }

    /// Reads a frame of a `peer.v1` chat channel.
    #[must_use]
    pub fn parse(frame: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(frame).ok()?;
        Some(Self {
            seq: value.get("seq")?.as_u64()?,
            text: value.get("text")?.as_str()?.to_owned(),
            echo: value.get("echo") == Some(&Value::Bool(true)),
        })
    }
}

impl Outbox {
    /// Queues a message; gives it back when too many are unacknowledged.
    ///
    /// # Errors
    /// The text, when the queue is full.
    pub fn push(&mut self, text: String) -> Result<(), String> {
        self.add(text, false)
    }

    /// Queues what came, to send it back.
    ///
    /// # Errors
    /// The text, when the queue is full.
    pub fn push_echo(&mut self, text: String) -> Result<(), String> {
        self.add(text, true)
    }

    fn add(&mut self, text: String, echo: bool) -> Result<(), String> {
        if self.waiting.len() >= MAX_UNACKNOWLEDGED {
            return Err(text);
        }
        self.last += 1;
        self.waiting.push_back(Numbered {
            seq: self.last,
            text,
            echo,
        });
        Ok(())
    }

    /// Whether one more fits.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.waiting.len() < MAX_UNACKNOWLEDGED
    }

    /// How many have not arrived.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// How many have arrived.
    #[must_use]
    pub fn arrived(&self) -> u64 {
        self.last - self.waiting.len() as u64
    }

    /// The next message to hand to the channel.
    #[must_use]
    pub fn next(&self) -> Option<&Numbered> {
        self.waiting.get(self.sent)
    }

    /// The message that [`Self::next`] gave is with the channel.
    pub fn mark_sent(&mut self) {
        self.sent = (self.sent + 1).min(self.waiting.len());
    }

    /// The other side has all messages up to this number.
    pub fn acknowledge(&mut self, seq: u64) {
        while self.sent > 0 && self.waiting.front().is_some_and(|first| first.seq <= seq) {
            self.waiting.pop_front();
            self.sent -= 1;
        }
    }

    /// A new channel: all that is unacknowledged goes out once more.
    pub fn rewind(&mut self) {
        self.sent = 0;
    }

    /// All that was handed over counts as arrived: nobody will acknowledge it.
    pub fn assume_arrived(&mut self) {
        self.waiting.drain(..self.sent);
        self.sent = 0;
    }

    /// Whether everything has arrived.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

/// What has arrived.
#[derive(Debug, Default)]
pub struct Inbox(u64);

impl Inbox {
    /// Whether a message is new; a repeat after a resend is not.
    pub fn accept(&mut self, seq: u64) -> bool {
        let new = seq > self.0;
        self.0 = self.0.max(seq);
        new
    }

    /// The last that has arrived, if any.
    #[must_use]
    pub fn last(&self) -> Option<u64> {
        (self.0 > 0).then_some(self.0)
    }
}

/// A word of the control channel.
#[derive(Clone, Debug, PartialEq)]
pub enum Control {
    /// The call is over.
    Bye(Bye),
    /// All messages up to this number have arrived.
    Ack(u64),
}

impl Control {
    /// As it travels.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self {
            Self::Bye(bye) => json!({"event": "bye", "data": bye}),
            Self::Ack(seq) => json!({"event": "ack", "data": {"seq": seq}}),
        }
        .to_string()
    }

    /// Reads a frame of the control channel; `None` for what this version does not know.
    #[must_use]
    pub fn parse(frame: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(frame).ok()?;
        let data = value.get("data");
        match value.get("event")?.as_str()? {
            "bye" => Some(Self::Bye(Bye {
                reason: data
                    .and_then(|data| data.get("reason")?.as_str())
                    .unwrap_or("hung up")
                    .to_owned(),
                outcome: None,
                setup_ms: None,
            })),
            "ack" => Some(Self::Ack(data?.get("seq")?.as_u64()?)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_words_are_these() {
        let message = Numbered {
            seq: 3,
            text: "hi \"you\"".into(),
            echo: false,
        };
        assert_eq!(message.to_text(), r#"{"seq":3,"text":"hi \"you\""}"#);
        let echo = Numbered {
            echo: true,
            ..message.clone()
        };
        let frame = r#"{"echo":true,"seq":3,"text":"hi \"you\""}"#;
        assert_eq!(echo.to_text(), frame);
        assert_eq!(Numbered::parse(frame), Some(echo));
        assert_eq!(Numbered::parse(&message.to_text()), Some(message));
        assert_eq!(
            Control::Ack(7).to_text(),
            r#"{"data":{"seq":7},"event":"ack"}"#
        );
        assert_eq!(
            Control::parse(&Control::Ack(7).to_text()),
            Some(Control::Ack(7))
        );
        let bye = Bye {
            reason: "done".into(),
            outcome: None,
            setup_ms: None,
        };
        assert_eq!(
            Control::parse(&Control::Bye(bye.clone()).to_text()),
            Some(Control::Bye(bye))
        );
        for odd in [
            "",
            "7",
            "{}",
            r#"{"event":7}"#,
            r#"{"event":"ack"}"#,
            r#"{"event":"mute"}"#,
        ] {
            assert_eq!(Control::parse(odd), None);
            assert_eq!(Numbered::parse(odd), None);
        }
    }

    #[test]
    fn every_part_fits_and_nothing_is_lost() {
        for text in ["", "hi", &"x".repeat(200_000), &"\u{1}é\"".repeat(50_000)] {
            let parts = parts(text);
            assert_eq!(parts.concat(), text);
            let encoded = |part: &&str| serde_json::to_string(part).unwrap().len();
            assert!(parts.iter().all(|part| encoded(part) <= MAX_ENCODED + 2));
        }
    }

    #[test]
    fn the_queue_is_bounded_and_nothing_is_lost() {
        let mut outbox = Outbox::default();
        for number in 0..MAX_UNACKNOWLEDGED {
            outbox.push(number.to_string()).unwrap();
        }
        assert_eq!(outbox.push("more".into()), Err("more".to_owned()));
        outbox.mark_sent();
        outbox.acknowledge(u64::MAX);
        assert_eq!(
            outbox.next().unwrap().seq,
            2,
            "only what was sent can have arrived"
        );
        outbox.push("more".into()).unwrap();
    }

    proptest! {
        /// Over a channel that loses its unacknowledged tail and is resent, each text comes once, in order.
        #[test]
        fn once_and_in_order(count in 0_usize..40, cuts in proptest::collection::vec(0_usize..6, 0..20)) {
            let mut outbox = Outbox::default();
            for number in 0..count {
                outbox.push(number.to_string()).unwrap();
            }
            let (mut inbox, mut heard) = (Inbox::default(), vec![]);
            let mut cuts = cuts.into_iter().chain(std::iter::repeat(6));
            while !outbox.is_empty() {
                let arriving = cuts.next().unwrap();
                outbox.rewind();
                let mut last = 0;
                for _ in 0..arriving {
                    let Some(message) = outbox.next().cloned() else { break };
                    outbox.mark_sent();
                    if inbox.accept(message.seq) {
                        heard.push(message.text);
                    }
                    last = message.seq;
                }
                // Some acknowledgements are lost as well.
                outbox.acknowledge(last.saturating_sub(arriving as u64 % 2));
                if arriving == 6 { outbox.acknowledge(last); }
            }
            prop_assert_eq!(heard, (0..count).map(|n| n.to_string()).collect::<Vec<_>>());
        }
    }
}
