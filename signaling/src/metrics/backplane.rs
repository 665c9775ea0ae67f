//! What goes between servers.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::{Direction, IN, OUT, Why};

/// One way of messages.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Way {
    In,
    Out,
}

/// The numbers of one backplane; all are 0 where there is none.
#[derive(Debug)]
pub(crate) struct Backplane {
    up: Gauge,
    servers: Gauge,
    came: Counter,
    went: Counter,
    lost: Family<Why, Counter>,
}

/// What becomes of messages: of ours before the broker, and of those of other servers.
const REASONS: [&str; 6] = [
    "queue full",
    "too large",
    "broker",
    "missing",
    "malformed",
    "unknown sender",
];

impl Backplane {
    pub(super) fn registered(registry: &mut Registry) -> Self {
        let messages: Family<Direction, Counter> = Family::default();
        // One after the other: each look-up locks the family until the end of its statement.
        let came = messages.get_or_create(&IN).clone();
        let went = messages.get_or_create(&OUT).clone();
        let lost: Family<Why, Counter> = Family::default();
        // All that there may be: a rate needs the 0 that was before.
        for reason in REASONS {
            drop(lost.get_or_create(&Why { reason }));
        }
        let own = Self {
            up: Gauge::default(),
            servers: Gauge::default(),
            came,
            went,
            lost,
        };
        let help = "Whether the broker of --backplane can be reached";
        registry.register("backplane_up", help, own.up.clone());
        let help = "Other servers that are heard through it";
        registry.register("backplane_servers", help, own.servers.clone());
        let help = "Messages to and from other servers";
        registry.register("backplane_messages", help, messages);
        let help = "Messages between servers that did not come, by what became of them";
        registry.register("backplane_lost", help, own.lost.clone());
        own
    }

    pub(crate) fn up(&self, up: bool) {
        self.up.set(i64::from(up));
    }

    pub(crate) fn servers(&self, count: usize) {
        self.servers.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    pub(crate) fn message(&self, way: Way) {
        match way {
            Way::In => self.came.inc(),
            Way::Out => self.went.inc(),
        };
    }

    pub(crate) fn lost(&self, reason: &'static str, count: u64) {
        self.lost.get_or_create(&Why { reason }).inc_by(count);
    }
}
