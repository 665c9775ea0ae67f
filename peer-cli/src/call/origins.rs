//! Pages from elsewhere must not listen in: whose offers a peer with a live microphone refuses.

use shared::{Bye, PeerEvent as Wire, PeerId, SessionId};

use super::Call;
use crate::event::Event;
use crate::exit::Failure;

impl Call {
    /// The web origin of a page that must not hear a live microphone.
    pub(super) fn foreign_origin(&self, from: &PeerId) -> Option<String> {
        if !self.plan.sound.mic.is_device() {
            return None;
        }
        let origin = self.lobby.info(from)?.origin.clone()?;
        let allowed = self.plan.server_origin.as_ref() == Some(&origin)
            || self.plan.allow_origin.contains(&origin)
            || is_local(&origin);
        (!allowed).then_some(origin)
    }

    /// Says so to both.
    pub(super) async fn refuse(
        &mut self,
        from: PeerId,
        session: Option<SessionId>,
        origin: &str,
    ) -> Result<(), Failure> {
        self.emit
            .emit(Event::warning_with(
                "foreign-page",
                format!("refused a call from {origin}"),
                "see --allow-origin",
            ))
            .await;
        let bye = Bye {
            reason: "this origin may not listen".to_owned(),
            outcome: None,
            setup_ms: None,
        };
        self.reply(from, session, Wire::Bye(bye)).await;
        Ok(())
    }
}

/// Pages of this machine, and those without an origin of their own (files).
fn is_local(origin: &str) -> bool {
    let Ok(url) = url::Url::parse(origin) else {
        return origin == "null";
    };
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_local;

    #[test]
    fn local_pages_are_trusted_and_no_others() {
        for origin in [
            "null",
            "http://localhost:3000",
            "http://127.0.0.1",
            "http://[::1]:8080",
        ] {
            assert!(is_local(origin), "{origin}");
        }
        for origin in [
            "https://evil.example",
            "https://localhost.evil.example",
            "x",
            "",
            "file:",
        ] {
            assert!(!is_local(origin), "{origin}");
        }
    }
}
