//! Building a connection: codecs, timers, sockets, and mDNS where it can be had.

use std::sync::Arc;
use std::time::Duration;

use rtc::ice::mdns::MulticastDnsMode;
use rtc::peer_connection::configuration::RTCIceTransportPolicy;
use rtc::rtp_transceiver::rtp_sender::RtpCodecKind;
use tokio::sync::{Notify, mpsc};
use webrtc::peer_connection::{
    MediaEngine, PeerConnection, PeerConnectionBuilder, RTCConfiguration, RTCConfigurationBuilder,
    SettingEngine, SettingEngineBuilder,
};

use super::RtcError;
use super::addresses::LocalAddresses;
use super::eager::Eager;
use super::early::Early;
use super::feedback::Feedback;
use super::formats;
use super::handler::{Callback, Handler};
use super::options::{PeerOptions, RelayPolicy};
use super::pace::Pace;
use super::relay::{Relays, Report};
use super::runtime::PacedRuntime;
use super::socket::{Below, Created, SocketFactory};
use super::tally::Tally;

/// ICE checks this far apart (the crate waits 200 ms); a pair is tried for 30 s, since a pair that the crate gives up is
/// never tried again. How many of them leave is the business of [`Pace`], and when there is no hope that of the call.
const CHECK_INTERVAL: Duration = Duration::from_millis(20);
const CHECKS_PER_PAIR: u16 = 1500;

/// Silence until a path counts as disconnected, then as failed; and how often it is kept alive.
const DISCONNECTED_AFTER: Duration = Duration::from_secs(5);
const FAILED_AFTER: Duration = Duration::from_secs(25);
const KEEPALIVE: Duration = Duration::from_secs(2);

/// A better pair may still turn up for this long after a reflexive one works.
const REFLEXIVE_WAIT: Duration = Duration::from_millis(100);

/// The same for a relayed pair: a direct one wins wherever there is one. Between two NATs one with Chromium
/// works after 0.1 s or after 0.75 s.
const RELAY_WAIT: Duration = Duration::from_millis(1000);

/// The same for a pair whose check came before its candidate did, as on a quick network: one tick.
const PEER_REFLEXIVE_WAIT: Duration = CHECK_INTERVAL;

/// Unacknowledged data-channel bytes before sending is refused.
const SEND_BUFFER_LIMIT: usize = 4 << 20;

/// Callbacks on their way; a connection makes a few dozen.
const CALLBACK_QUEUE: usize = 1024;

/// A connection whose driver runs, and what comes out of it.
pub(super) struct Built {
    pub(super) connection: Arc<dyn PeerConnection>,
    pub(super) callbacks: mpsc::Receiver<Callback>,
    pub(super) created: mpsc::UnboundedReceiver<Created>,
    pub(super) driver_ended: Arc<Notify>,
    pub(super) pace: Pace,
    pub(super) tally: Tally,
    pub(super) eager: Eager,
    pub(super) early: Early,
    pub(super) relays: Relays,
    pub(super) reports: mpsc::UnboundedReceiver<Report>,
    pub(super) feedback: Feedback,
}

/// Builds a connection; where mDNS cannot be joined, without it, and says why.
pub(super) async fn build(options: &PeerOptions) -> Result<(Built, Option<String>), RtcError> {
    // On the heap: the crate's builder has some 50 KiB, which everything that awaits this would hold on its stack, too.
    let attempt = |mdns| Box::pin(attempt(options, mdns));
    // Loopback needs no mDNS, and joining 5353 fails where there is no multicast route.
    if options.loopback_only {
        let built = attempt(MulticastDnsMode::Disabled).await?;
        return Ok((built, None));
    }
    match attempt(MulticastDnsMode::QueryOnly).await {
        Ok(built) => Ok((built, None)),
        Err(error) => {
            let built = attempt(MulticastDnsMode::Disabled).await?;
            Ok((built, Some(error.to_string())))
        }
    }
}

/// Everything is made anew for each attempt: a driver that failed leaves its traces.
async fn attempt(options: &PeerOptions, mdns: MulticastDnsMode) -> Result<Built, RtcError> {
    let (callbacks_tx, callbacks) = mpsc::channel(CALLBACK_QUEUE);
    let (relays, reports) = Relays::new(options);
    let pace = Pace::new();
    let tally = Tally::default();
    let eager = Eager::new(options.relay == RelayPolicy::Only);
    let early = Early::new();
    let below = Below {
        pace: pace.clone(),
        tally: tally.clone(),
        eager: eager.clone(),
        early: early.clone(),
    };
    let (sockets, created) = SocketFactory::new(options.impairment, relays.clone(), below);
    let driver_ended = Arc::new(Notify::new());
    let runtime = PacedRuntime::new(
        pace.clone(),
        sockets,
        relays.clone(),
        Arc::clone(&driver_ended),
    );
    let mut media = MediaEngine::default();
    for codec in formats::offered(&options.codecs) {
        media.register_codec(codec, RtpCodecKind::Audio)?;
    }
    let feedback = Feedback::new(options.wanted, callbacks_tx.clone());
    let interceptors = feedback.register(&mut media)?;
    let addresses = LocalAddresses {
        bind: options.bind.clone(),
        loopback: options.loopback,
        loopback_only: options.loopback_only,
    };
    let connection = PeerConnectionBuilder::new()
        .with_media_engine(media)
        .with_interceptor_registry(interceptors)
        .with_configuration(configuration(options, &relays))
        .with_setting_engine(settings(mdns, options.relay))
        .with_runtime(Arc::new(runtime))
        .with_handler(Arc::new(Handler(callbacks_tx)))
        .with_udp_addrs(vec![addresses])
        .with_data_channel_send_buffer_limit(SEND_BUFFER_LIMIT)
        .build()
        .await?;
    Ok(Built {
        connection: Arc::new(connection),
        callbacks,
        created,
        driver_ended,
        pace,
        tally,
        eager,
        early,
        relays,
        reports,
        feedback,
    })
}

/// The relays, under addresses that only our sockets know.
pub(super) fn configuration(options: &PeerOptions, relays: &Relays) -> RTCConfiguration {
    RTCConfigurationBuilder::default()
        .with_ice_servers(relays.ice_servers())
        .with_ice_transport_policy(match options.relay {
            RelayPolicy::Only => RTCIceTransportPolicy::Relay,
            _ => RTCIceTransportPolicy::All,
        })
        .build()
}

fn settings(mdns: MulticastDnsMode, relay: RelayPolicy) -> SettingEngine {
    let relay_wait = match relay {
        RelayPolicy::Only => Duration::ZERO,
        _ => RELAY_WAIT,
    };
    SettingEngineBuilder::new()
        .with_multicast_dns_mode(mdns)
        .with_ice_connection_attempts(Some(CHECK_INTERVAL), Some(CHECKS_PER_PAIR))
        .with_ice_timeouts(
            Some(DISCONNECTED_AFTER),
            Some(FAILED_AFTER),
            Some(KEEPALIVE),
        )
        // A restart binds anew: the addresses of before may be gone.
        .with_discard_local_candidates_during_ice_restart(true)
        .with_srflx_acceptance_min_wait(Some(REFLEXIVE_WAIT))
        .with_relay_acceptance_min_wait(Some(relay_wait))
        .with_prflx_acceptance_min_wait(Some(PEER_REFLEXIVE_WAIT))
        .build()
}
