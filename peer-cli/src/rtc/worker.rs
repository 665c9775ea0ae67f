//! The task beside a connection: sorts its callbacks, gathers what the crate does not, drains streams.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{Notify, mpsc};
use webrtc::data_channel::DataChannel;

use super::channel::{Channel, ChannelEvent};
use super::event::PeerEvent;
use super::formats::Formats;
use super::gather::Gathering;
use super::handler::Callback;
use super::relay::{Relays, Report};
use super::servers::StunServer;
use super::socket::{Created, SMALL_BUFFER_BYTES};
use super::track;
use crate::proto::packet::Packet;

/// Channels that the other side may open; RFC 8831 would allow 65 534.
const MAX_CHANNELS: u64 = 64;

/// What the task works with.
pub(super) struct Worker {
    pub(super) callbacks: mpsc::Receiver<Callback>,
    pub(super) created: mpsc::UnboundedReceiver<Created>,
    pub(super) reports: mpsc::UnboundedReceiver<Report>,
    /// Ways to relays that each socket opens.
    pub(super) relays: Relays,
    /// Only relayed candidates are gathered.
    pub(super) relay_only: bool,
    pub(super) driver_ended: Arc<Notify>,
    pub(super) stun: Vec<StunServer>,
    pub(super) events: mpsc::Sender<PeerEvent>,
    pub(super) channels: mpsc::Sender<ChannelEvent>,
    pub(super) sound: mpsc::Sender<Packet>,
    pub(super) formats: Formats,
    pub(super) dropped: Arc<AtomicU64>,
}

/// Runs until the connection is closed and its streams have ended.
pub(super) async fn run(mut worker: Worker) {
    let mut gathering = Gathering::new(worker.relay_only);
    let channel_count = Arc::new(AtomicU64::new(0));
    let mut warned_small = false;
    loop {
        tokio::select! {
            // The sockets were there before anything happened on them.
            biased;
            Some(created) = worker.created.recv() => {
                if created.granted < SMALL_BUFFER_BYTES && !warned_small {
                    warned_small = true;
                    worker.tell(PeerEvent::SmallBuffers(created.granted)).await;
                }
                gathering.socket(&worker.stun, worker.relays.count(), &created);
            }
            callback = worker.callbacks.recv() => match callback {
                Some(callback) => worker.callback(callback, &mut gathering, &channel_count).await,
                None => return,
            },
            Some(report) = worker.reports.recv() => gathering.relay(report),
            Some(mapped) = gathering.next_mapped() => gathering.mapped(mapped),
            () = worker.driver_ended.notified() => worker.tell(PeerEvent::DriverEnded).await,
        }
        while let Some(event) = gathering.poll_event() {
            worker.tell(event).await;
        }
    }
}

impl Worker {
    async fn callback(
        &self,
        callback: Callback,
        gathering: &mut Gathering,
        channel_count: &Arc<AtomicU64>,
    ) {
        match callback {
            Callback::Event(PeerEvent::Candidate(candidate)) => gathering.candidate(candidate),
            Callback::Event(event) => self.tell(event).await,
            Callback::GatheringComplete => gathering.complete(),
            Callback::DataChannel(channel) => {
                let channels = self.channels.clone();
                let count = Arc::clone(channel_count);
                tokio::spawn(async move { serve_channel(channel, channels, &count).await });
            }
            Callback::Track(remote) => {
                let (sound, dropped) = (self.sound.clone(), Arc::clone(&self.dropped));
                let (formats, events) = (self.formats.clone(), self.events.clone());
                tokio::spawn(track::receive(remote, formats, sound, events, dropped));
            }
        }
    }

    async fn tell(&self, event: PeerEvent) {
        // The call is gone when nobody listens; the connection is closing then.
        let _ = self.events.send(event).await;
    }
}

async fn serve_channel(
    channel: Arc<dyn DataChannel>,
    events: mpsc::Sender<ChannelEvent>,
    count: &AtomicU64,
) {
    if count.fetch_add(1, Ordering::Relaxed) >= MAX_CHANNELS {
        let _ = channel.close().await;
        return;
    }
    let label = channel.label().await.unwrap_or_default();
    let protocol = channel.protocol().await.unwrap_or_default();
    Channel::new(channel, &label, &protocol, false)
        .drain(events)
        .await;
}
