//! The worst of all calls, for the thresholds.

use std::collections::BTreeMap;
use std::time::Duration;

use super::ChecksOptions;
use crate::event::Event;
use crate::proto::quantity;

/// Measurements of calls that run, and the worst of those that ended.
#[derive(Debug, Default)]
pub(super) struct Worst {
    setup: Option<Duration>,
    loss: Option<f64>,
    rtt: Option<Duration>,
    running: BTreeMap<String, Running>,
}

/// One running call.
#[derive(Debug, Default)]
struct Running {
    loss: Option<f64>,
    rtt_total: Duration,
    rtt_count: u32,
}

impl Running {
    fn mean_rtt(&self) -> Option<Duration> {
        self.rtt_total.checked_div(self.rtt_count)
    }
}

impl Worst {
    pub(super) fn setup(&mut self, setup: Duration) {
        self.setup = self.setup.max(Some(setup));
    }

    pub(super) fn loss(&mut self, peer: &str, share: f64) {
        self.running(peer).loss = Some(share);
    }

    pub(super) fn rtt(&mut self, peer: &str, rtt: Duration) {
        let running = self.running(peer);
        running.rtt_total = running.rtt_total.saturating_add(rtt);
        running.rtt_count = running.rtt_count.saturating_add(1);
    }

    pub(super) fn ended(&mut self, peer: &str) {
        if let Some(call) = self.running.remove(peer) {
            self.loss = larger(self.loss, call.loss);
            self.rtt = self.rtt.max(call.mean_rtt());
        }
    }

    fn running(&mut self, peer: &str) -> &mut Running {
        self.running.entry(peer.to_owned()).or_default()
    }

    /// One `expect` event for each threshold given.
    pub(super) fn results(&self, options: &ChecksOptions) -> impl Iterator<Item = Event> {
        let loss = self
            .running
            .values()
            .fold(self.loss, |worst, call| larger(worst, call.loss));
        let rtt = self
            .running
            .values()
            .fold(self.rtt, |worst, call| worst.max(call.mean_rtt()));
        [
            options
                .max_setup
                .map(|limit| within("max-setup", limit, self.setup)),
            options.max_loss.map(|limit| Event::Expect {
                check: format!("max-loss={}", percent(limit)),
                ok: loss.is_some_and(|loss| loss <= limit),
                got: loss.map_or_else(not_measured, percent),
            }),
            options.max_rtt.map(|limit| within("max-rtt", limit, rtt)),
        ]
        .into_iter()
        .flatten()
    }
}

fn within(name: &str, limit: Duration, got: Option<Duration>) -> Event {
    Event::Expect {
        check: format!("{name}={}", quantity::written(limit)),
        ok: got.is_some_and(|got| got <= limit),
        got: got.map_or_else(not_measured, |got| {
            format!("{:.1}ms", got.as_secs_f64() * 1e3)
        }),
    }
}

fn not_measured() -> String {
    "not measured".to_owned()
}

fn larger(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.max(b)),
        (a, b) => a.or(b),
    }
}

/// At most two decimals, and none that say nothing: `5%`, `0.25%`.
fn percent(share: f64) -> String {
    let text = format!("{:.2}", share * 100.0);
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}
