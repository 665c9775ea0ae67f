//! The switchboard's end of the backplane: what goes to the broker and what comes from it, through two bounded queues.

use std::future::pending;

use bytes::Bytes;
use tokio::sync::watch;

use super::queue::{Inlet, Outlet};
use crate::elsewhere::ServerId;
use crate::exchange::Abroad;
use crate::metrics::{Metrics, Way};

/// To one server, or to all of them.
#[derive(Debug)]
pub(super) struct Parcel {
    pub(super) to: Option<ServerId>,
    pub(super) payload: Bytes,
}

/// What comes from the broker.
#[derive(Debug)]
pub(crate) enum News {
    /// It can be reached again, or for the first time.
    Back,
    Message(Bytes),
}

/// Without a broker nothing comes and nothing goes.
pub(crate) struct Courier(Option<Queues>);

pub(super) struct Queues {
    pub(super) out: Inlet<Parcel>,
    pub(super) news: Outlet<News>,
    pub(super) up: watch::Receiver<bool>,
    pub(super) metrics: Metrics,
}

/// Messages that are taken in one go, so that clients have their turn, too.
const MANY: usize = 64;

impl Courier {
    /// For one server alone.
    pub(crate) const fn none() -> Self {
        Self(None)
    }

    pub(super) const fn with(queues: Queues) -> Self {
        Self(Some(queues))
    }

    /// Waits until something has come; empty once nothing will any more.
    pub(crate) async fn hear(&mut self, into: &mut Vec<News>) {
        let Some(queues) = &mut self.0 else {
            return pending().await;
        };
        let Some(first) = queues.news.recv().await else {
            // The broker's task has ended, which it does only at the end of this server.
            return pending().await;
        };
        into.push(first.item);
        while into.len() < MANY
            && let Ok(next) = queues.news.try_recv()
        {
            into.push(next.item);
        }
    }

    /// Sends it on its way, or counts it.
    pub(crate) fn carry(&self, abroad: Abroad) {
        let Some(queues) = &self.0 else { return };
        match abroad {
            Abroad::Lost { count, why } => queues.metrics.backplane().lost(why.name(), count),
            // Says that we live now, not when the broker is back.
            Abroad::Publish { to: None, .. } if !*queues.up.borrow() => {}
            Abroad::Publish { to, payload } => {
                let bytes = payload.len();
                let counted = queues.metrics.backplane();
                match queues.out.push(Parcel { to, payload }, bytes) {
                    Ok(()) => counted.message(Way::Out),
                    Err(_) => counted.lost("queue full", 1),
                }
            }
        }
    }

    /// So many other servers are heard.
    pub(crate) fn servers(&self, count: usize) {
        if let Some(queues) = &self.0 {
            queues.metrics.backplane().servers(count);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::queue::queue;
    use super::*;

    #[test]
    fn what_says_that_we_live_now_does_not_wait_for_a_broker() {
        let ((out, mut outlet), (_inlet, news)) = (queue(), queue());
        let (is_up, up) = watch::channel(false);
        let metrics = Metrics::new();
        let courier = Courier::with(Queues {
            out,
            news,
            up,
            metrics,
        });
        let other = ServerId::new("another").unwrap();
        let carry = |to: Option<&ServerId>| {
            let (to, payload) = (to.cloned(), Bytes::from_static(b"x"));
            courier.carry(Abroad::Publish { to, payload });
        };
        let mut gone = || outlet.try_recv().ok().map(|queued| queued.item.to);
        carry(None);
        assert_eq!(gone(), None, "nobody is there to hear it");
        carry(Some(&other));
        assert_eq!(gone(), Some(Some(other)), "a message is kept for it");
        is_up.send_replace(true);
        carry(None);
        assert_eq!(gone(), Some(None));
    }
}
