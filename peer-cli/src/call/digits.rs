//! Digits of a call, both ways.

use super::Call;
use super::session::Key;
use crate::event::Event;
use crate::proto::dtmf::Digit;

impl Call {
    /// A digit came.
    pub(super) async fn on_digit(&mut self, key: Key, digit: Digit) {
        if let Some(session) = self.sessions.get_mut(&key) {
            session.digits.came(digit);
            self.tell_digits(key).await;
        }
    }

    /// Digits that came, those that had to wait, too.
    pub(super) async fn tell_digits(&mut self, key: Key) {
        let Some(session) = self.sessions.get_mut(&key) else {
            return;
        };
        let peer = session.party.peer.to_string();
        let was_up = session.was_connected();
        let digits = session.digits.due(was_up);
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
