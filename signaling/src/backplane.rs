//! One room over many servers: what carries the messages that `mesh` makes and reads. A broker (`nats`) stands behind two queues
//! (`courier`); another one would, too.

use std::io;
use std::time::Duration;

use data_encoding::BASE32_NOPAD;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tracing::info;

use crate::elsewhere::ServerId;
use crate::metrics::Metrics;

mod address;
mod courier;
mod nats;
mod queue;

pub use address::{Backplane, BadAddress, Broker};
pub(crate) use courier::{Courier, News};

use courier::Queues;
use nats::Nats;

/// Random bytes of a server's name: enough that no two are ever the same.
const NAME: usize = 10;

/// How long a server that stops waits for the broker to take its last words.
const LAST_WORDS: Duration = Duration::from_millis(400);

/// What the switchboard needs of it.
pub(crate) struct Ends {
    /// What this server is called, unless it is alone.
    pub(crate) me: Option<ServerId>,
    pub(crate) courier: Courier,
    /// Whether other servers can be reached; if there can be none, that is so.
    pub(crate) up: watch::Receiver<bool>,
}

/// The broker's task, if there is one; it ends after its end of the queues.
pub(crate) struct Carrying(Option<JoinHandle<()>>);

impl Carrying {
    /// Waits until everything is said that is to be said, but not for long.
    pub(crate) async fn ended(self) {
        let Some(task) = self.0 else { return };
        let stop = task.abort_handle();
        if timeout(LAST_WORDS, task).await.is_err() {
            stop.abort();
        }
    }
}

/// Connects, unless there is nothing to connect to. `max_frame` is what clients may send.
pub(crate) fn start(
    backplane: &Backplane,
    max_frame: usize,
    metrics: &Metrics,
) -> io::Result<(Ends, Carrying)> {
    let Backplane::Nats(broker) = backplane else {
        let (me, courier, up) = (None, Courier::none(), watch::channel(true).1);
        return Ok((Ends { me, courier, up }, Carrying(None)));
    };
    let mut name = [0; NAME];
    getrandom::fill(&mut name).map_err(io::Error::other)?;
    let name = BASE32_NOPAD.encode(&name).to_ascii_lowercase();
    let me = ServerId::new(&name).ok_or(io::ErrorKind::InvalidData)?;
    info!(server = %me, broker = broker.url, cluster = broker.cluster, "rooms are shared");
    let ((out, outbox), (inbox, news)) = (queue::queue(), queue::queue());
    let (tell, up) = watch::channel(false);
    let nats = Nats {
        broker: broker.clone(),
        me: me.clone(),
        max_frame,
        inbox,
        up: tell,
        metrics: metrics.clone(),
    };
    let queues = Queues {
        out,
        news,
        up: up.clone(),
        metrics: metrics.clone(),
    };
    let (me, courier) = (Some(me), Courier::with(queues));
    let task = tokio::spawn(nats.run(outbox));
    Ok((Ends { me, courier, up }, Carrying(Some(task))))
}
