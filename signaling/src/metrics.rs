//! What a server counts, as Prometheus reads it. The only place that names its crate.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use shared::Outcome;

use crate::verdict::Cause;

mod backplane;
mod glance;
mod labels;

use backplane::Backplane;
pub(crate) use backplane::Way;
pub use glance::Glance;
use labels::{Direction, End, How, IN, OUT, Why};

/// Of the answer (OpenMetrics 1.0).
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Bounds of the histograms, in seconds: 10 µs to 0.3 s, and 8 ms to 16 s.
const RELAYING: (f64, u16) = (0.000_01, 16);
const SETTING_UP: (f64, u16) = (0.008, 12);

/// The numbers of one server; clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Metrics(Arc<Numbers>);

#[derive(Debug)]
struct Numbers {
    registry: Registry,
    opened: Counter,
    connections: Gauge,
    rooms: Gauge,
    heard: Traffic,
    told: Traffic,
    queued: Waiting,
    closed: Family<End, Counter>,
    refused: Family<Why, Counter>,
    relaying: Histogram,
    calls: Family<How, Counter>,
    setting_up: Histogram,
    backplane: Backplane,
}

/// Bytes that wait for clients; clones are the same number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Waiting(Gauge);

impl Waiting {
    pub(crate) fn more(&self, bytes: usize) {
        self.0.inc_by(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    pub(crate) fn less(&self, bytes: usize) {
        self.0.dec_by(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    pub(crate) fn bytes(&self) -> usize {
        usize::try_from(self.0.get()).unwrap_or(0)
    }
}

/// Of one direction; looked up once, not with every frame.
#[derive(Debug)]
struct Traffic {
    frames: Counter,
    bytes: Counter,
}

impl Traffic {
    fn new(
        frames: &Family<Direction, Counter>,
        bytes: &Family<Direction, Counter>,
        way: &Direction,
    ) -> Self {
        Self {
            frames: frames.get_or_create(way).clone(),
            bytes: bytes.get_or_create(way).clone(),
        }
    }

    fn count(&self, frames: usize, bytes: usize) {
        self.frames.inc_by(frames as u64);
        self.bytes.inc_by(bytes as u64);
    }
}

impl Numbers {
    fn new() -> Self {
        let mut registry = Registry::with_prefix("signaling");
        let (frames, bytes) = (Family::default(), Family::default());
        registry.register(
            "messages",
            "Text frames from and to clients",
            frames.clone(),
        );
        let help = "Bytes of those frames";
        registry.register_with_unit("message", help, Unit::Bytes, bytes.clone());
        let backplane = Backplane::registered(&mut registry);
        let histogram = |(first, count)| Histogram::new(exponential_buckets(first, 2.0, count));
        Self {
            registry,
            opened: Counter::default(),
            connections: Gauge::default(),
            rooms: Gauge::default(),
            heard: Traffic::new(&frames, &bytes, &IN),
            told: Traffic::new(&frames, &bytes, &OUT),
            queued: Waiting::default(),
            closed: Family::default(),
            refused: Family::default(),
            relaying: histogram(RELAYING),
            calls: Family::default(),
            setting_up: histogram(SETTING_UP),
            backplane,
        }
    }

    fn registered(mut self) -> Self {
        labels::begin(&self.closed, &self.refused, &self.calls);
        let to = &mut self.registry;
        let (bytes, seconds) = (Unit::Bytes, Unit::Seconds);
        to.register(
            "connections_opened",
            "WebSockets that came in",
            self.opened.clone(),
        );
        to.register(
            "connections",
            "WebSockets that are open",
            self.connections.clone(),
        );
        to.register("rooms", "Rooms with somebody in them", self.rooms.clone());
        let help = "What waits for clients that read slowly";
        to.register_with_unit("queued", help, bytes, self.queued.0.clone());
        let help = "WebSockets that ended, by close code and reason";
        to.register("closed", help, self.closed.clone());
        to.register(
            "refused",
            "Requests that became no WebSocket",
            self.refused.clone(),
        );
        let help = "From a frame's arrival to the queues of all who hear it";
        to.register_with_unit("relaying", help, seconds.clone(), self.relaying.clone());
        to.register(
            "calls",
            "How calls came out, as peers say",
            self.calls.clone(),
        );
        let help = "Time to set up a call, as peers say";
        to.register_with_unit("call_setup", help, seconds, self.setting_up.clone());
        self
    }
}

impl Metrics {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Numbers::new().registered()))
    }

    /// A WebSocket is open.
    pub(crate) fn opened(&self) {
        self.0.opened.inc();
        self.0.connections.inc();
    }

    /// We have ended it.
    pub(crate) fn closed(&self, cause: Cause) {
        self.gone(cause.into());
    }

    /// It has ended by itself.
    pub(crate) fn ended(&self, reason: &'static str) {
        debug_assert!(labels::ENDS.contains(&reason), "{reason}");
        self.gone(End { code: None, reason });
    }

    fn gone(&self, end: End) {
        self.0.connections.dec();
        self.0.closed.get_or_create(&end).inc();
    }

    /// A request for one came to nothing.
    pub(crate) fn refused(&self, reason: &'static str) {
        debug_assert!(labels::REFUSALS.contains(&reason), "{reason}");
        self.0.refused.get_or_create(&Why { reason }).inc();
    }

    /// A client has said so many bytes.
    pub(crate) fn heard(&self, bytes: usize) {
        self.0.heard.count(1, bytes);
    }

    /// A client was told so many frames of so many bytes together.
    pub(crate) fn told(&self, frames: usize, bytes: usize) {
        self.0.told.count(frames, bytes);
    }

    /// What waits in all queues.
    pub(crate) fn queued(&self) -> Waiting {
        self.0.queued.clone()
    }

    /// A frame went to all who hear it.
    pub(crate) fn relayed(&self, took: Duration) {
        self.0.relaying.observe(took.as_secs_f64());
    }

    /// So many rooms there are.
    pub(crate) fn rooms(&self, count: usize) {
        self.0.rooms.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// How a call came out.
    pub(crate) fn called(&self, outcome: Outcome, setup: Option<Duration>) {
        let outcome = outcome.as_str();
        self.0.calls.get_or_create(&How { outcome }).inc();
        if let Some(setup) = setup {
            self.0.setting_up.observe(setup.as_secs_f64());
        }
    }

    /// What goes between servers.
    pub(crate) fn backplane(&self) -> &Backplane {
        &self.0.backplane
    }

    /// The little that a person looks at.
    pub(crate) fn glance(&self) -> Glance {
        let numbers = &self.0;
        Glance {
            connections: numbers.connections.get(),
            rooms: numbers.rooms.get(),
            heard: numbers.heard.frames.get(),
            told: numbers.told.frames.get(),
            queued: numbers.queued.0.get(),
        }
    }

    /// All of it, as text.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // A String takes whatever is written.
        let _ = encode(&mut text, &self.0.registry);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_can_be_read() {
        let metrics = Metrics::new();
        metrics.opened();
        metrics.opened();
        metrics.closed(Cause::NoToken);
        metrics.heard(10);
        metrics.told(2, 42);
        metrics.relayed(Duration::from_micros(15));
        metrics.called(Outcome::Relay, Some(Duration::from_millis(20)));
        metrics.rooms(3);
        let text = metrics.text();
        for line in [
            "signaling_connections 1",
            "signaling_connections_opened_total 2",
            "signaling_closed_total{code=\"4401\",reason=\"no token\"} 1",
            "signaling_messages_total{direction=\"out\"} 2",
            "signaling_message_bytes_total{direction=\"out\"} 42",
            "signaling_rooms 3",
            "signaling_relaying_seconds_bucket{le=\"0.00002\"} 1",
            "signaling_calls_total{outcome=\"relay\"} 1",
            "signaling_call_setup_seconds_count 1",
        ] {
            assert!(text.lines().any(|one| one == line), "{line}\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }
}
