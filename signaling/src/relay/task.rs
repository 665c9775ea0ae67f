//! The one task that owns the TURN machine: it reads clients' datagrams itself and hears of everything else by a bounded
//! queue; it waits for nobody.

use std::collections::HashMap;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::mpsc;
use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::event::Event;
use super::ports::Ports;
use super::tcp::{self, Reception};
use super::turn::{Class, Client, Config, Input, Moment, Output, Turn, Via};
use super::udp::{Buffers, Socket};
use super::{Relay, RelayUsage};
use crate::gate::Gate;
use crate::limits::Limits;

/// What waits for the task; senders then wait, and what is for them waits in the kernel.
const EVENTS: usize = 1024;
/// Of them, how many are looked at before the sockets are again.
const AT_ONCE: usize = 64;
/// Places in a stream's queue that are kept for answers.
const KEPT: usize = 32;

struct Task {
    turn: Turn,
    udp: Vec<Socket>,
    ports: Ports,
    streams: HashMap<u64, mpsc::Sender<Vec<u8>>>,
    /// Datagrams that the kernel or a stream did not take.
    lost: u64,
    usage: RelayUsage,
}

/// Serves until `shutdown`; what it had opened is closed then.
pub(super) async fn run(relay: Relay, config: Config, limits: Limits, shutdown: CancellationToken) {
    let (events, mut inbox) = mpsc::channel(EVENTS);
    let reception = Reception {
        events: events.clone(),
        gate: Arc::new(Gate::new(&limits)),
        numbers: Arc::default(),
        shutdown: shutdown.clone(),
    };
    let accept = |listener| tokio::spawn(tcp::accept(listener, reception.clone()));
    let doors: Vec<_> = relay.tcp.into_iter().map(accept).collect();
    let wildcard = relay.bound.ip().is_unspecified();
    let machine = if wildcard {
        config.machine.clone()
    } else {
        Vec::new()
    };
    let mut task = Task {
        turn: Turn::new(config),
        udp: relay.udp,
        ports: Ports::new(events, relay.options.ips, machine),
        streams: HashMap::new(),
        lost: 0,
        usage: relay.usage,
    };
    tokio::select! {
        () = task.serve(&mut inbox) => {}
        () = shutdown.cancelled() => {}
    }
    task.turn.end();
    task.carry_out();
    task.streams.clear();
    task.count();
    for door in doors {
        // It ends by itself, and its port is free then.
        let _ = door.await;
    }
}

impl Task {
    async fn serve(&mut self, inbox: &mut mpsc::Receiver<Event>) {
        let mut buffers = Buffers::new();
        let mut news = Vec::with_capacity(AT_ONCE);
        loop {
            let deadline = self.turn.poll_timeout();
            let tick = async {
                match deadline {
                    Some(at) => sleep_until(at.into()).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                count = inbox.recv_many(&mut news, AT_ONCE) => if count == 0 { return },
                index = readable(&self.udp) => self.read(index, &mut buffers),
                () = tick => self.handle(now(), Input::Tick),
            }
            for event in news.drain(..) {
                self.hear(event);
            }
            self.count();
        }
    }

    fn read(&mut self, index: usize, buffers: &mut Buffers) {
        let now = now();
        let Self { turn, udp, .. } = self;
        // An error is news of a datagram sent before, or that there is nothing to read after all.
        let _ = udp[index].read(buffers, |remote, local, data| {
            let via = Via::Udp(index);
            let client = Client { via, remote, local };
            turn.handle(now, Input::FromClient { client, data });
        });
        self.carry_out();
    }

    fn hear(&mut self, event: Event) {
        match event {
            Event::FromPeer { port, from, data } => {
                let data = &data;
                self.handle(now(), Input::FromPeer { port, from, data });
            }
            Event::Frame { client, data } => {
                let data = &data;
                self.handle(now(), Input::FromClient { client, data });
            }
            Event::Opened { client, outbox } => {
                if let Via::Tcp(number) = client.via {
                    self.streams.insert(number, outbox);
                }
            }
            // Good for nothing so far, and it had its time.
            Event::Check { client } if !self.turn.serves(&client) => self.hang_up(client),
            Event::Check { .. } => {}
            Event::Closed { client } => {
                self.hang_up(client);
                self.handle(now(), Input::Gone { client });
            }
        }
    }

    /// The stream's writer ends with its queue, and the stream with that.
    fn hang_up(&mut self, client: Client) {
        if let Via::Tcp(number) = client.via {
            self.streams.remove(&number);
        }
    }

    fn handle(&mut self, now: Moment, input: Input<'_>) {
        self.turn.handle(now, input);
        self.carry_out();
    }

    fn carry_out(&mut self) {
        while let Some(output) = self.turn.poll_output() {
            match output {
                Output::ToClient {
                    client,
                    data,
                    class,
                } => self.deliver(client, data, class),
                Output::ToPeer { port, to, data } => {
                    self.lost += u64::from(!self.ports.send(port, to, &data));
                }
                Output::Bind { port, wanted } => {
                    let relayed = self.ports.bind(port, wanted);
                    debug!(port = port.0, ?relayed, "allocation");
                    self.turn.handle(now(), Input::Bound { port, relayed });
                }
                Output::Unbind { port } => {
                    debug!(port = port.0, "allocation ends");
                    self.ports.close(port);
                }
            }
        }
    }

    fn deliver(&mut self, client: Client, data: Vec<u8>, class: Class) {
        let number = match client.via {
            Via::Udp(index) => {
                let taken = self.udp[index].send(client.local, client.remote, &data);
                self.lost += u64::from(!taken);
                return;
            }
            Via::Tcp(number) => number,
        };
        let Some(outbox) = self.streams.get(&number) else {
            return;
        };
        if class == Class::Data && outbox.capacity() <= KEPT {
            self.lost += 1;
        } else if outbox.try_send(data).is_err() {
            // An answer that cannot be given: the client would wait for it for ever.
            self.hang_up(client);
        }
    }

    fn count(&self) {
        let counters = &self.usage.0;
        let allocations = self.turn.allocations();
        counters.allocations.store(allocations, Ordering::Relaxed);
        counters
            .sockets
            .store(self.ports.count(), Ordering::Relaxed);
        counters
            .streams
            .store(self.streams.len(), Ordering::Relaxed);
        let dropped = self.turn.dropped() + self.lost;
        counters.dropped.store(dropped, Ordering::Relaxed);
    }
}

/// Which of the sockets can be read.
async fn readable(sockets: &[Socket]) -> usize {
    let one = async |index: usize| match sockets.get(index) {
        Some(socket) if socket.readable().await.is_ok() => index,
        _ => pending().await,
    };
    tokio::select! {
        index = one(0) => index,
        index = one(1) => index,
    }
}

fn now() -> Moment {
    let unix = SystemTime::now().duration_since(UNIX_EPOCH);
    Moment {
        at: Instant::now(),
        // A clock before 1970 lets nobody in for long, and no call ends by it.
        unix: unix.map_or(0, |since| since.as_secs()),
    }
}
