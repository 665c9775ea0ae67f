//! What the other side reports about our packets, and what we make of it: RTCP (RFC 3550 6.4) and transport-wide feedback
//! (draft-holmer-rmcat-transport-wide-cc-extensions-01), heard in the crate's interceptor chain.

mod chain;
mod heard;
mod teller;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rtc::interceptor::{CongestionControlBuilder, Registry, Slot, TwccSenderBuilder};
use serde_json::Value;
use tokio::sync::mpsc;
use webrtc::peer_connection::{MediaEngine, register_default_interceptors};

use super::RtcError;
use super::event::PeerEvent;
use super::handler::Callback;
use crate::proto::sending::{Input, Sender, Wanted};
use chain::{Estimator, Reports};
use heard::Heard;
use teller::Teller;

/// How often we tell the other side when its packets came: each costs some 80 bytes, which a narrow way back feels.
const FEEDBACK_EVERY: Duration = Duration::from_millis(250);

/// Nearest the wire: it sees what leaves as it leaves.
const NEAREST: Slot = Slot::Custom(500);

/// What one connection hears about what it sends; clones are the same.
#[derive(Clone)]
pub(super) struct Feedback(Arc<Mutex<Shared>>);

struct Shared {
    heard: Heard,
    wanted: Wanted,
    sender: Sender,
    changes: mpsc::Sender<Callback>,
}

impl Feedback {
    /// Changes of how to send go out as events.
    pub(super) fn new(wanted: Wanted, changes: mpsc::Sender<Callback>) -> Self {
        Self(Arc::new(Mutex::new(Shared {
            heard: Heard::default(),
            wanted,
            sender: Sender::new(wanted),
            changes,
        })))
    }

    /// The crate's default interceptors, and ours.
    pub(super) fn register(&self, media: &mut MediaEngine) -> Result<Registry, RtcError> {
        // The defaults offer and answer transport-cc, but only receive it.
        let registry = register_default_interceptors(Registry::new(), media)?;
        Ok(self.add_links(registry))
    }

    /// Those that number our packets, read the feedback, and tell about the packets of the other side.
    fn add_links(&self, registry: Registry) -> Registry {
        let estimator = CongestionControlBuilder::new(Estimator(self.clone()));
        registry
            .with(Slot::TwccReceiver, Teller::new(FEEDBACK_EVERY))
            .with(Slot::TwccSender, TwccSenderBuilder::new().build())
            .with(Slot::CongestionControl, estimator.build())
            .with(NEAREST, Reports::new(self.clone()))
    }

    /// Adds what was heard to the objects of a report (W3C webrtc-stats `remote-inbound-rtp`, `remote-outbound-rtp`).
    pub(super) fn add_to(&self, objects: &mut Vec<Value>) {
        if let Ok(shared) = self.0.lock() {
            shared.heard.add_to(objects);
            let (present, available) = (shared.sender.present(), shared.sender.available());
            heard::add_sending(objects, present, shared.wanted, available);
        }
    }

    /// Works on what was heard.
    fn with(&self, work: impl FnOnce(&mut Heard)) {
        if let Ok(mut shared) = self.0.lock() {
            work(&mut shared.heard);
        }
    }

    /// Tells the controller, and the call what comes of it.
    fn handle(&self, now: Instant, input: Input<'_>) {
        let Ok(mut shared) = self.0.lock() else {
            return;
        };
        shared.sender.handle(now, input);
        if let Some(sending) = shared.sender.poll_output() {
            // A full queue: the next change tells more.
            let _ = shared
                .changes
                .try_send(Callback::Event(PeerEvent::Sending(sending)));
        }
    }
}
