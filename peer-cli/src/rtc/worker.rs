//! The task beside a connection: sorts its callbacks, gathers reflexive candidates, drains streams.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use shared::Candidate;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use webrtc::data_channel::DataChannel;

use super::channel::{Channel, ChannelEvent};
use super::event::PeerEvent;
use super::handler::Callback;
use super::servers::StunServer;
use super::socket::{Created, SMALL_BUFFER_BYTES};
use super::stun::{self, StunError};
use super::track;
use crate::proto::packet::Packet;

/// Channels that the other side may open; RFC 8831 would allow 65 534.
const MAX_CHANNELS: u64 = 64;

/// What the task works with.
pub(super) struct Worker {
    pub(super) callbacks: mpsc::Receiver<Callback>,
    pub(super) created: mpsc::UnboundedReceiver<Created>,
    pub(super) driver_ended: Arc<Notify>,
    pub(super) stun: Vec<StunServer>,
    pub(super) events: mpsc::Sender<PeerEvent>,
    pub(super) channels: mpsc::Sender<ChannelEvent>,
    pub(super) sound: mpsc::Sender<Packet>,
    pub(super) dropped: Arc<AtomicU64>,
}

/// One server's word on one socket.
type Mapped = (String, Result<String, StunError>);

/// What has been gathered so far.
#[derive(Default)]
struct Gathering {
    requests: JoinSet<Mapped>,
    /// The first host candidate: its ids are those of every other candidate of this bundle.
    model: Option<Candidate>,
    /// Reflexive candidates that came before the model.
    early: Vec<String>,
    hosts_done: bool,
    ended: bool,
    failures: Vec<(String, StunError)>,
    answered: bool,
}

/// Runs until the connection is closed and its streams have ended.
pub(super) async fn run(mut worker: Worker) {
    let mut gathering = Gathering::default();
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
                gathering.ask(&worker.stun, &created);
            }
            callback = worker.callbacks.recv() => match callback {
                Some(callback) => worker.callback(callback, &mut gathering, &channel_count).await,
                None => return,
            },
            Some(Ok(mapped)) = gathering.requests.join_next() => {
                worker.mapped(mapped, &mut gathering).await;
            }
            () = worker.driver_ended.notified() => worker.tell(PeerEvent::DriverEnded).await,
        }
        worker.end_of_candidates(&mut gathering).await;
    }
}

impl Gathering {
    /// Asks every server from this socket.
    fn ask(&mut self, servers: &[StunServer], created: &Created) {
        for server in servers {
            let (server, local) = (server.clone(), created.local);
            let socket = Arc::clone(&created.socket);
            let listener = created.listener.clone();
            self.requests.spawn(async move {
                let mapped = stun::mapped_address(&server, &socket, local, &listener).await;
                // A reflexive address equal to its base is redundant (RFC 8445 5.1.3).
                let line = mapped.map(|mapped| {
                    if mapped == local {
                        String::new()
                    } else {
                        stun::candidate_line(mapped, local)
                    }
                });
                (server.to_string(), line)
            });
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
            Callback::Event(PeerEvent::Candidate(candidate)) => {
                if gathering.model.is_none() {
                    gathering.model = Some(candidate.clone());
                }
                self.tell(PeerEvent::Candidate(candidate)).await;
                for line in std::mem::take(&mut gathering.early) {
                    self.reflexive(line, gathering).await;
                }
            }
            Callback::Event(event) => self.tell(event).await,
            Callback::GatheringComplete => gathering.hosts_done = true,
            Callback::DataChannel(channel) => {
                let channels = self.channels.clone();
                let count = Arc::clone(channel_count);
                tokio::spawn(async move { serve_channel(channel, channels, &count).await });
            }
            Callback::Track(remote) => {
                let codec = track::codec_of(remote.as_ref()).await;
                self.tell(PeerEvent::Track { codec }).await;
                let (sound, dropped) = (self.sound.clone(), Arc::clone(&self.dropped));
                tokio::spawn(track::receive(remote, sound, dropped));
            }
        }
    }

    async fn mapped(&self, (server, mapped): Mapped, gathering: &mut Gathering) {
        match mapped {
            Ok(line) => {
                gathering.answered = true;
                if !line.is_empty() {
                    self.reflexive(line, gathering).await;
                }
            }
            Err(StunError::Unreachable) => {}
            Err(error) => gathering.failures.push((server, error)),
        }
        if gathering.requests.is_empty() && !gathering.answered {
            self.report_failures(gathering).await;
        }
    }

    async fn report_failures(&self, gathering: &mut Gathering) {
        let mut failures = std::mem::take(&mut gathering.failures);
        failures.sort_by(|a, b| a.0.cmp(&b.0));
        failures.dedup_by(|a, b| a.0 == b.0);
        for (server, error) in failures {
            let why = match error {
                StunError::NoReply => {
                    format!(
                        "no reply in {}s (UDP blocked, or DNS?)",
                        stun::PATIENCE.as_secs()
                    )
                }
                StunError::Unresolved(why) => format!("cannot resolve its name: {why}"),
                StunError::Unreachable => continue,
            };
            self.tell(PeerEvent::StunFailed { server, why }).await;
        }
    }

    async fn reflexive(&self, line: String, gathering: &mut Gathering) {
        let Some(model) = &gathering.model else {
            gathering.early.push(line);
            return;
        };
        if gathering.ended {
            return;
        }
        let candidate = Candidate {
            candidate: line,
            ..model.clone()
        };
        self.tell(PeerEvent::Candidate(candidate)).await;
    }

    async fn end_of_candidates(&self, gathering: &mut Gathering) {
        if gathering.hosts_done && gathering.requests.is_empty() && !gathering.ended {
            gathering.ended = true;
            self.tell(PeerEvent::CandidatesEnd).await;
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
