//! Digits of a call, both ways.

use super::Call;
use super::session::Key;
use crate::event::Event;
use crate::proto::dtmf::Digit;

/// Digits that wait for a call to be up on our side: more than fingers dial in that time.
const EARLY_DIGITS: usize = 32;

impl Call {
    /// A digit came.
    pub(super) async fn on_digit(&mut self, key: Key, digit: Digit) {
        let Some(session) = self.sessions.get_mut(&key) else {
            return;
        };
        if session.digits.len() < EARLY_DIGITS {
            session.digits.push(digit);
        }
        self.tell_digits(key).await;
    }

    /// Digits that came; those that came before the call was up on our side, too: the other side may be up a round trip earlier,
    /// or, where packets are lost, a second.
    pub(super) async fn tell_digits(&mut self, key: Key) {
        let session = self.sessions.get_mut(&key);
        let Some(session) = session.filter(|s| s.was_connected()) else {
            return;
        };
        let (peer, digits) = (
            session.party.peer.to_string(),
            std::mem::take(&mut session.digits),
        );
        for digit in digits {
            let (peer, digit) = (peer.clone(), digit.character());
            self.emit.emit(Event::Dtmf { peer, digit }).await;
        }
    }

    /// Sends the digits of `--dtmf`.
    pub(super) async fn dial(&mut self, key: Key) {
        let Some(script) = self.plan.sound.dtmf.clone() else {
            return;
        };
        let Some(session) = self.sessions.get(&key) else {
            return;
        };
        if !session.link.rtc.dial(script) {
            let text = format!(
                "{} takes no digits (no telephone-event)",
                session.party.name
            );
            self.emit.emit(Event::warning("dtmf", text)).await;
        }
    }
}
