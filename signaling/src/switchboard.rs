//! The one task that owns the hub. Connections hand it their frames and read what is for them from a bounded queue each;
//! it never waits for any of them.

use std::collections::HashMap;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use shared::{PeerId, ServerEvent};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info};

use crate::backplane::{Courier, Ends};
use crate::exchange::Exchange;
use crate::grant::Grant;
use crate::hub::{Called, ConnId, Hub, Input, Kind, Output};
use crate::identity;
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::relay::{IceServers, Reached};
use crate::text::Text;
use crate::verdict::{Cause, Verdict};

mod abroad;
mod farewells;
mod link;
mod outbox;

use farewells::Farewells;
pub(crate) use link::{Link, Mouthpiece};
pub(crate) use outbox::Outbox;
use outbox::{Bounds, Inlet};

/// Frames and news on their way to the hub; a client whose frame finds it full waits, and so does its socket.
const COMMANDS: usize = 256;
/// Of these so many are taken at once, between two looks at the clock and at whether the server stops.
const AT_ONCE: usize = 64;

enum Command {
    Connect(Line, Input),
    Input(Input),
    /// A frame, and when it came.
    Frame(Input, Instant),
    /// Tell everybody to go, one after another over this long.
    Drain(Duration),
}

/// The switchboard's end of one connection.
struct Line {
    conn: ConnId,
    reached: Reached,
    inlet: Inlet,
    verdict: oneshot::Sender<Verdict>,
}

/// How connections reach the task.
#[derive(Clone)]
pub(crate) struct Switchboard {
    commands: mpsc::Sender<Command>,
    numbers: Arc<AtomicU64>,
    seed: [u8; 32],
    queues: Bounds,
    metrics: Metrics,
    up: watch::Receiver<bool>,
}

/// The task has stopped: so does the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stopped;

impl Switchboard {
    /// Starts the task; it ends with `shutdown`. `seed` makes the ids of tutorial clients unpredictable.
    pub(crate) fn start(
        limits: &Limits,
        hello_timeout: Duration,
        seed: [u8; 32],
        ice_servers: IceServers,
        metrics: Metrics,
        backplane: Ends,
        shutdown: CancellationToken,
    ) -> Self {
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let Ends { me, courier, up } = backplane;
        let (hub, now) = (Hub::new(limits, hello_timeout), Instant::now());
        let micros = u64::try_from(unix_time().as_micros()).unwrap_or(0);
        let task = Task {
            hub: match me {
                Some(me) => Exchange::among_others(hub, me, now, micros),
                None => Exchange::alone(hub, now),
            },
            courier,
            ice_servers,
            lines: HashMap::new(),
            metrics: metrics.clone(),
            farewells: Farewells::default(),
            draining: false,
        };
        tokio::spawn(task.run(inbox, shutdown));
        Self {
            commands,
            numbers: Arc::default(),
            seed,
            queues: Bounds {
                one: limits.max_queue,
                all: limits.max_queued,
            },
            metrics,
            up,
        }
    }

    /// Whether there should be other servers and none can be reached.
    pub(crate) fn is_cut_off(&self) -> bool {
        !*self.up.borrow()
    }

    /// Brings a new WebSocket into the hub.
    pub(crate) async fn connect(
        &self,
        (grant, origin): (Grant, Option<String>),
        reached: Reached,
        peer_v1: bool,
    ) -> Result<Link, Stopped> {
        let conn = ConnId(self.numbers.fetch_add(1, Ordering::Relaxed));
        let kind = if peer_v1 {
            Kind::Peer
        } else {
            Kind::Tutorial(self.tutorial_id(conn)?)
        };
        let (inlet, outbox) = outbox::outbox(self.queues, self.metrics.queued());
        let (decide, verdict) = oneshot::channel();
        let line = Line {
            conn,
            reached,
            inlet,
            verdict: decide,
        };
        let connected = Input::Connected {
            conn,
            grant,
            origin,
            kind,
        };
        let command = Command::Connect(line, connected);
        self.commands.send(command).await.map_err(|_| Stopped)?;
        Ok(Link {
            conn,
            outbox,
            verdict,
            commands: self.commands.clone(),
        })
    }

    /// Tells everybody to go, evenly over this long.
    pub(crate) async fn drain(&self, over: Duration) {
        // One that has stopped has told everybody.
        let _ = self.commands.send(Command::Drain(over)).await;
    }

    fn tutorial_id(&self, conn: ConnId) -> Result<PeerId, Stopped> {
        identity::of_number(&self.seed, conn.0).ok_or(Stopped)
    }
}

/// Since 1970.
fn unix_time() -> Duration {
    let unix = SystemTime::now().duration_since(UNIX_EPOCH);
    unix.unwrap_or_default()
}

struct Task {
    hub: Exchange,
    courier: Courier,
    ice_servers: IceServers,
    lines: HashMap<ConnId, Line>,
    metrics: Metrics,
    farewells: Farewells,
    /// Nobody comes in any more.
    draining: bool,
}

impl Task {
    async fn run(mut self, mut inbox: mpsc::Receiver<Command>, shutdown: CancellationToken) {
        let mut commands = Vec::with_capacity(AT_ONCE);
        let mut news = Vec::new();
        loop {
            let tick = at(self.hub.poll_timeout());
            let farewell = at(self.farewells.poll_timeout());
            tokio::select! {
                () = shutdown.cancelled() => return self.stop(),
                () = self.courier.hear(&mut news) => self.hear(&mut news),
                count = inbox.recv_many(&mut commands, AT_ONCE) => if count == 0 {
                    return self.stop();
                },
                () = tick => self.tick(),
                () = farewell => self.say_farewell(),
            }
            for command in commands.drain(..) {
                self.carry_out(command);
            }
        }
    }

    fn carry_out(&mut self, command: Command) {
        match command {
            Command::Input(input) => self.handle(input),
            Command::Frame(input, came) => {
                self.handle(input);
                self.metrics.relayed(came.elapsed());
            }
            Command::Connect(line, input) => {
                let conn = line.conn;
                self.lines.insert(conn, line);
                if self.draining {
                    // It was at the door when the others began to be told.
                    return self.end(conn, Cause::GoingAway.into());
                }
                self.handle(input);
            }
            Command::Drain(over) => {
                self.draining = true;
                let everybody = self.lines.keys().copied();
                self.farewells = Farewells::new(everybody, Instant::now(), over);
            }
        }
    }

    fn handle(&mut self, input: Input) {
        if let Input::Gone { conn } = &input {
            self.lines.remove(conn);
        }
        self.hub.handle(Instant::now(), input);
        self.settle();
    }

    /// What is to be done, is done.
    fn settle(&mut self) {
        while let Some(output) = self.hub.poll_output() {
            match output {
                Output::Close { conn, verdict } => self.end(conn, verdict),
                Output::Send { conn, text } => self.deliver(conn, text),
                // The exchange has kept it.
                Output::Home(_) => {}
                Output::Called(Called { outcome, setup }) => self.metrics.called(outcome, setup),
                Output::WithIceServers { conn, id, event } => {
                    let text = self.with_ice_servers(conn, &id, event).to_text();
                    self.deliver(conn, text.into());
                }
            }
        }
        self.tell_servers();
        self.metrics.rooms(self.hub.rooms());
    }

    /// Credentials are made at the last moment, so that they are good for as long as promised.
    fn with_ice_servers(&self, conn: ConnId, id: &PeerId, event: ServerEvent) -> ServerEvent {
        let Some(line) = self.lines.get(&conn) else {
            return event;
        };
        let unix = unix_time().as_secs();
        let list = self.ice_servers.list(unix, id, &line.reached);
        match event {
            ServerEvent::Welcome(mut welcome) => {
                welcome.ice_servers = list;
                ServerEvent::Welcome(welcome)
            }
            ServerEvent::IceServers(_) => ServerEvent::IceServers(list),
            other => other,
        }
    }

    /// Into its queue; whoever has let it run over leaves the room at once, and the others never notice.
    fn deliver(&mut self, conn: ConnId, text: Text) {
        let Some(line) = self.lines.get(&conn) else {
            return;
        };
        if line.inlet.push(text).is_err() {
            info!(conn = conn.0, "a client reads too slowly and is closed");
            self.end(conn, Cause::TooSlow.into());
            self.hub.handle(Instant::now(), Input::Gone { conn });
        }
    }

    fn say_farewell(&mut self) {
        while let Some(conn) = self.farewells.next(Instant::now()) {
            self.end(conn, Cause::GoingAway.into());
        }
    }

    fn end(&mut self, conn: ConnId, verdict: Verdict) {
        if let Some(line) = self.lines.remove(&conn) {
            debug!(conn = conn.0, ?verdict, "closing");
            // Nobody to hear it: the connection has ended by itself.
            let _ = line.verdict.send(verdict);
        }
    }
}

async fn at(deadline: Option<Instant>) {
    match deadline {
        Some(at) => sleep_until(at.into()).await,
        None => pending().await,
    }
}
