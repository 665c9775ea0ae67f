//! The signaling server: it introduces WebRTC peers to each other and never sees their media. `shared/PROTOCOL.md` has
//! the words; the map of this crate:
//! - `hub`: who is in which room and who hears what (pure), with `envelope`, `identity`, `limits`, `text` (pure)
//! - `verdict`: why a connection is ended: close codes, and what is counted (pure)
//! - `switchboard`: the one task that owns the hub, and a bounded queue per connection
//! - `mesh`: what is known of other servers and told them, with `elsewhere`; `exchange`: hub and mesh together (pure)
//! - [`backplane`]: the message broker between servers
//! - [`auth`]: who may come in; `grant`: what they may do (pure); `forwarded`: whom a proxy speaks for (pure)
//! - `relay`: the embedded STUN and TURN server, and what clients are told of it
//! - `metrics`: what is counted, for Prometheus; [`status`]: the same at a glance, on a terminal
//! - `http`: router, WebSockets, TCP, the page (its files are in `web/`); the only room that names the HTTP framework
//! - `tls`: the certificate, and TLS below HTTP; the only room that names the TLS library
//! - [`cli`], [`announce`], [`log`], [`stop`]: arguments, the URLs to use, what is logged, signals; `descriptors`: how many
//!   sockets there may be; [`program`] joins them

use std::io;
use std::time::Duration;

use shared::Secret;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

mod activity;
pub mod announce;
pub mod auth;
pub mod backplane;
pub mod cli;
mod descriptors;
mod elsewhere;
mod envelope;
mod exchange;
mod forwarded;
mod gate;
mod grant;
mod http;
mod hub;
mod identity;
mod limits;
pub mod log;
mod mesh;
mod metrics;
pub mod program;
pub mod relay;
pub mod status;
pub mod stop;
mod switchboard;
mod text;
mod tls;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod trial;
mod verdict;

pub use activity::Activity;
pub use auth::{Auth, TokenKeys, WebhookOptions};
pub use backplane::Backplane;
pub use forwarded::Network;
pub use grant::Grant;
pub use limits::Limits;
pub use metrics::Glance;
pub use relay::{Relay, RelayOptions, RelayUsage};
pub use tls::{Acme, Tls};

use announce::Others;
use auth::Webhook;
use http::{Ending, Listeners};
use metrics::Metrics;
use switchboard::Switchboard;

/// What a server is told before it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerOptions {
    /// Bounds; 0 means none.
    pub limits: Limits,
    /// Who may come in.
    pub auth: Auth,
    /// Web origins that may connect, as browsers send them (RFC 6454 section 6.2); none given is any.
    pub origins: Vec<String>,
    /// Relays elsewhere that take credentials made with `turn_secret`: `turn:` and `turns:` URLs.
    pub turn_urls: Vec<String>,
    /// What short-lived TURN credentials are made with; without one the embedded relay makes one up.
    pub turn_secret: Option<Secret>,
    /// How servers share their rooms.
    pub backplane: Backplane,
    /// Whether browsers are shown the page.
    pub page: bool,
    /// Reverse proxies that are believed whom they speak for.
    pub trusted_proxies: Vec<Network>,
    /// How long a connection may live without becoming a WebSocket; less while very many do.
    pub http_timeout: Duration,
    /// How long a `peer.v1` client may take to say `hello`.
    pub hello_timeout: Duration,
    /// How long a client may say nothing but answers to pings; for ever, if there is none.
    pub idle_timeout: Option<Duration>,
    /// How often each client is pinged.
    pub ping_every: Duration,
    /// How long after a ping a client may be silent before it is taken for dead.
    pub ping_deadline: Duration,
    /// Over how long clients are told that the server ends, when it does so gently; 0 is at once.
    pub drain: Duration,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            auth: Auth::None,
            origins: Vec::new(),
            turn_urls: Vec::new(),
            turn_secret: None,
            backplane: Backplane::Local,
            page: true,
            trusted_proxies: Vec::new(),
            http_timeout: Duration::from_secs(10),
            hello_timeout: shared::limits::HELLO_TIMEOUT,
            idle_timeout: None,
            ping_every: Duration::from_secs(15),
            ping_deadline: Duration::from_secs(10),
            drain: Duration::ZERO,
        }
    }
}

/// A signaling server. The caller brings the listener and the end.
#[derive(Debug)]
pub struct Server {
    options: ServerOptions,
    /// Who decides about coming in, if somebody else does.
    webhook: Option<Webhook>,
    relay: Option<Relay>,
    tls: Option<Tls>,
    /// For those who ask how it is.
    asked: Option<TcpListener>,
    gently: CancellationToken,
    metrics: Metrics,
}

impl Server {
    /// Does nothing yet.
    ///
    /// # Errors
    /// When `--auth-url` is `https:` and this system has no certificate authorities.
    pub fn new(options: ServerOptions) -> anyhow::Result<Self> {
        let webhook = match &options.auth {
            Auth::Webhook(service) => Some(Webhook::new(service.clone())?),
            Auth::None | Auth::Token(_) => None,
        };
        Ok(Self {
            options,
            webhook,
            relay: None,
            tls: None,
            asked: None,
            gently: CancellationToken::new(),
            metrics: Metrics::new(),
        })
    }

    /// Relays, too, for the clients of this server.
    #[must_use]
    pub fn with_relay(mut self, relay: Relay) -> Self {
        self.relay = Some(relay);
        self
    }

    /// Speaks TLS, and nothing else.
    #[must_use]
    pub fn with_tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Tells what it has counted on this listener, to whoever reaches it, and on the other one not any more.
    #[must_use]
    pub fn with_metrics(mut self, listener: TcpListener) -> Self {
        self.asked = Some(listener);
        self
    }

    /// Ends gently once `gently` is cancelled: `/readyz` says 503, nobody comes in any more, those who are in are told (close
    /// code 1001) one after another over [`ServerOptions::drain`], and then it ends.
    #[must_use]
    pub fn drained_by(mut self, gently: CancellationToken) -> Self {
        self.gently = gently;
        self
    }

    /// What it will be doing.
    #[must_use]
    pub fn activity(&self) -> Activity {
        Activity(self.metrics.clone())
    }

    /// What listens beside the listener for clients.
    #[must_use]
    pub fn others(&self) -> Others {
        Others {
            relay: self.relay.as_ref().map(Relay::addr),
            metrics: self.asked.as_ref().and_then(|m| m.local_addr().ok()),
        }
    }

    /// Serves on the listener until `shutdown`; then everybody is told (close code 1001) and, within a second, it returns.
    pub async fn serve(self, listener: TcpListener, shutdown: CancellationToken) -> io::Result<()> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(io::Error::other)?;
        let options = self.options;
        let at_once = shutdown.child_token();
        // Also when nobody waits for this future any more.
        let relay_stop = at_once.child_token();
        let _stopped = relay_stop.clone().drop_guard();
        let (ice_servers, relaying) = relay::start(
            self.relay,
            options.turn_secret.clone(),
            options.turn_urls.clone(),
            &options.limits,
            &relay_stop,
        )?;
        let metrics = self.metrics;
        let max_frame = limits::frame(options.limits.max_frame);
        let (backplane, carrying) = backplane::start(&options.backplane, max_frame, &metrics)?;
        let switchboard = Switchboard::start(
            &options.limits,
            options.hello_timeout,
            seed,
            ice_servers,
            metrics.clone(),
            backplane,
            at_once.clone(),
        );
        let ending = Ending {
            gently: self.gently,
            at_once,
        };
        let listeners = Listeners {
            clients: listener,
            tls: self.tls,
            metrics: self.asked,
        };
        let served = http::serve(
            (options, self.webhook),
            switchboard,
            metrics,
            listeners,
            ending,
        )
        .await;
        carrying.ended().await;
        relay_stop.cancel();
        match relaying {
            Some(relaying) => relaying.await.map_err(io::Error::other).and(served),
            None => served,
        }
    }
}
