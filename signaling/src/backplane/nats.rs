//! The broker's task: NATS subjects, and a connection that is made again whenever it ends. The only place that names its client.
//!
//! While the broker is away the client keeps a few messages and the queue before it the rest; after eight seconds nobody is known
//! any more to whom anything could be said.

use std::time::Duration;

use async_nats::{Client, ClientError, ConnectOptions, Event, PublishErrorKind, Subscriber};
use futures_util::{StreamExt, stream};
use shared::Secret;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tracing::{info, warn};

use super::address::Broker;
use super::courier::{News, Parcel};
use super::queue::{Inlet, Outlet};
use crate::elsewhere::ServerId;
use crate::metrics::{Metrics, Way};

/// Between two looks at whether a silent broker still lives; it may miss two of them.
const PING: Duration = Duration::from_secs(2);
/// For TCP and the greeting.
const CONNECTING: Duration = Duration::from_secs(5);
/// Between two tries to connect: the first at once, then longer.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LAST_PAUSE: Duration = Duration::from_secs(1);
/// Messages that the client holds; the rest waits in queues that are bounded in bytes.
const HELD: usize = 256;
/// How long the last words of this server may take.
const LAST_WORDS: Duration = Duration::from_millis(300);
/// Bytes that a frame grows by at most on its way, and that a part of a list of members may have.
const HEAD: usize = 512;
const LIST: usize = 48 * 1024;

/// What the task works with.
pub(super) struct Nats {
    pub(super) broker: Broker,
    pub(super) me: ServerId,
    pub(super) max_frame: usize,
    pub(super) inbox: Inlet<News>,
    pub(super) up: watch::Sender<bool>,
    pub(super) metrics: Metrics,
}

impl Nats {
    /// Until nothing is left to be sent and nobody to send it.
    pub(super) async fn run(self, outbox: Outlet<Parcel>) {
        let (events, changes) = mpsc::unbounded_channel();
        let url = &self.broker.url;
        let client = match self.options(events).connect(url).await {
            Ok(client) => client,
            // It tries again for ever; this is about what it needs before.
            Err(why) => return warn!("cannot use the broker {url}: {why}"),
        };
        let (all, mine) = (self.subject(None), self.subject(Some(&self.me)));
        let (Ok(all), Ok(mine)) = (client.subscribe(all).await, client.subscribe(mine).await)
        else {
            return warn!("cannot listen at the broker {url}");
        };
        tokio::select! {
            () = self.publish(&client, outbox) => {}
            () = self.hear(all, mine) => {}
            () = self.watch(&client, changes) => {}
        }
    }

    fn options(&self, events: mpsc::UnboundedSender<Event>) -> ConnectOptions {
        let options = ConnectOptions::new()
            .name("signaling")
            .no_echo()
            .retry_on_initial_connect()
            .connection_timeout(CONNECTING)
            .ping_interval(PING)
            .client_capacity(HELD)
            .reconnect_delay_callback(pause)
            .event_callback(move |event| {
                // Refused only when the server stops.
                let _ = events.send(event);
                std::future::ready(())
            });
        match &self.broker.login {
            Some((user, password)) => {
                options.user_and_password(user.clone(), Secret::expose(password).to_owned())
            }
            None => options,
        }
    }

    /// `peer-v1`, the name of these rooms, and who shall hear it.
    fn subject(&self, to: Option<&ServerId>) -> String {
        let cluster = &self.broker.cluster;
        to.map_or_else(
            || format!("peer-v1.{cluster}.all"),
            |server| format!("peer-v1.{cluster}.to.{server}"),
        )
    }

    async fn publish(&self, client: &Client, mut outbox: Outlet<Parcel>) {
        while let Some(queued) = outbox.recv().await {
            let Parcel { to, payload } = &queued.item;
            let subject = self.subject(to.as_ref());
            if let Err(why) = client.publish(subject, payload.clone()).await {
                let large = why.kind() == PublishErrorKind::MaxPayloadExceeded;
                let why = if large { "too large" } else { "broker" };
                self.metrics.backplane().lost(why, 1);
            }
        }
        // It may be away.
        let _ = timeout(LAST_WORDS, client.flush()).await;
    }

    async fn hear(&self, all: Subscriber, mine: Subscriber) {
        let mut messages = stream::select(mine, all);
        while let Some(message) = messages.next().await {
            self.metrics.backplane().message(Way::In);
            let bytes = message.payload.len();
            // What finds no space is missed by its number, and counted then.
            let _ = self.inbox.push(News::Message(message.payload), bytes);
        }
    }

    async fn watch(&self, client: &Client, mut changes: mpsc::UnboundedReceiver<Event>) {
        let url = &self.broker.url;
        let mut complaint = None;
        while let Some(event) = changes.recv().await {
            match event {
                Event::Connected => {
                    complaint = None;
                    info!("connected to the broker {url}");
                    self.is_up(true);
                    self.compare(client.max_payload());
                    // One word: there is space for it, or the others learn with the next beat.
                    let _ = self.inbox.push(News::Back, 0);
                }
                Event::Disconnected => {
                    self.is_up(false);
                    warn!("lost the broker {url}: rooms are this server's own until it is back");
                }
                Event::ClientError(ClientError::Other(why)) => self.complain(&why, &mut complaint),
                Event::ServerError(why) => self.complain(&why.to_string(), &mut complaint),
                _ => {}
            }
        }
    }

    fn is_up(&self, up: bool) {
        self.up.send_replace(up);
        self.metrics.backplane().up(up);
    }

    /// Once for each reason, not with every try.
    fn complain(&self, why: &str, last: &mut Option<String>) {
        if last.as_deref() != Some(why) {
            let url = &self.broker.url;
            let hint = if why.to_lowercase().contains("authorization") {
                "which user and password does it want?"
            } else {
                "is nats-server running there?"
            };
            warn!("no broker at {url}: {why} ({hint} trying on)");
            *last = Some(why.to_owned());
        }
    }

    fn compare(&self, max_payload: usize) {
        if self.max_frame.saturating_add(HEAD).max(LIST) > max_payload {
            warn!(
                "the broker takes at most {max_payload} bytes: larger frames, and below {LIST} lists of members, reach nobody \
                 at other servers (raise max_payload there, or lower --max-frame)"
            );
        }
    }
}

/// Before a try, the first of which has the number 1.
fn pause(tries: usize) -> Duration {
    let doublings = u32::try_from(tries.saturating_sub(2)).unwrap_or(u32::MAX);
    let pause = 2u32.checked_pow(doublings).map(|f| FIRST_PAUSE * f);
    match tries {
        0 | 1 => Duration::ZERO,
        _ => pause.map_or(LAST_PAUSE, |pause| pause.min(LAST_PAUSE)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_stay() {
        let millis = [0, 1, 2, 3, 4, 6, 7, 1000, usize::MAX].map(|n| pause(n).as_millis());
        assert_eq!(millis, [0, 0, 50, 100, 200, 800, 1000, 1000, 1000]);
    }
}
