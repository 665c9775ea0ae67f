//! What comes from other servers and goes to them.

use std::time::Instant;

use super::Task;
use crate::backplane::News;

impl Task {
    /// The exchange has asked for it.
    pub(super) fn tick(&mut self) {
        self.hub.tick(Instant::now());
        self.settle();
    }

    /// What has come from other servers.
    pub(super) fn hear(&mut self, news: &mut Vec<News>) {
        for one in news.drain(..) {
            match one {
                News::Back => self.hub.broker_is_back(Instant::now()),
                News::Message(payload) => self.hub.heard(Instant::now(), &payload),
            }
            self.settle();
        }
    }

    /// Says so to other servers.
    pub(super) fn stop(&mut self) {
        self.hub.stop(Instant::now());
        self.settle();
    }

    /// What clients have done here may be news there.
    pub(super) fn tell_servers(&mut self) {
        while let Some(abroad) = self.hub.poll_abroad() {
            self.courier.carry(abroad);
        }
        self.courier.servers(self.hub.servers());
    }
}
