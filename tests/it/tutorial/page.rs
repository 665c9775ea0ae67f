//! What a tutorial's page has of a browser: its connection, and what its callbacks bring.

use std::sync::Arc;

use async_trait::async_trait;
use rtc::ice::mdns::MulticastDnsMode;
use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodec, RTCRtpCodecParameters, RTCRtpCodingParameters, RTCRtpEncodingParameters,
    RtpCodecKind,
};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use webrtc::data_channel::{DataChannel, DataChannelEvent};
use webrtc::media_stream::MediaStreamTrack;
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};
use webrtc::peer_connection::{
    MediaEngine, PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler,
    RTCPeerConnectionIceEvent, Registry, SettingEngineBuilder, register_default_interceptors,
};

/// Names our sound; any number would do.
const SSRC: u32 = 0x7075_7470;

/// What happens to the page.
#[derive(Debug)]
pub(super) enum Happening {
    /// `onicecandidate`, as `toJSON` gives it.
    Candidate(Value),
    /// `onopen` of the channel that the page made.
    Open,
    /// `onmessage` of that channel.
    Text(String),
    /// `onclose` of that channel.
    Closed,
    /// One packet of sound.
    Packet,
}

/// The connection, with sound that goes back to where it came from and a channel of its own.
pub(super) struct Page {
    pub(super) connection: Arc<dyn PeerConnection>,
    pub(super) channel: Arc<dyn DataChannel>,
    pub(super) happenings: mpsc::UnboundedReceiver<Happening>,
}

struct Handler {
    tell: mpsc::UnboundedSender<Happening>,
    mirror: Arc<TrackLocalStaticRTP>,
}

#[async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_candidate(&self, event: RTCPeerConnectionIceEvent) {
        let init = event.candidate.to_json().expect("a candidate");
        let _ = self.tell.send(Happening::Candidate(json!({
            "candidate": init.candidate,
            "sdpMid": init.sdp_mid,
            "sdpMLineIndex": init.sdp_mline_index,
            "usernameFragment": init.username_fragment,
        })));
    }

    // There is no `on_data_channel`: the tutorial has none.

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        let (tell, mirror) = (self.tell.clone(), Arc::clone(&self.mirror));
        tokio::spawn(async move {
            while let Some(event) = track.poll().await {
                if let TrackRemoteEvent::OnRtpPacket(mut packet) = event {
                    packet.header.ssrc = SSRC;
                    packet.header.extension = false;
                    packet.header.extensions.clear();
                    // Until the other side has described itself there is nowhere to send it.
                    let _ = mirror.write_rtp(packet).await;
                    let _ = tell.send(Happening::Packet);
                }
            }
        });
    }
}

fn opus() -> RTCRtpCodec {
    RTCRtpCodec {
        mime_type: "audio/opus".to_owned(),
        clock_rate: 48_000,
        channels: 2,
        sdp_fmtp_line: "minptime=10;useinbandfec=1".to_owned(),
        rtcp_feedback: vec![],
    }
}

impl Page {
    /// `new RTCPeerConnection()`, `addTrack`, `createDataChannel`.
    pub(super) async fn open() -> Self {
        let (tell, happenings) = mpsc::unbounded_channel();
        let coding = RTCRtpEncodingParameters {
            rtp_coding_parameters: RTCRtpCodingParameters {
                ssrc: Some(SSRC),
                ..Default::default()
            },
            codec: opus(),
            ..Default::default()
        };
        let [stream, id, label] = ["stream", "track", "sound"].map(str::to_owned);
        let kind = RtpCodecKind::Audio;
        let track = MediaStreamTrack::new(stream, id, label, kind, vec![coding]);
        let mirror = Arc::new(TrackLocalStaticRTP::new(track));
        let handler = Handler {
            tell: tell.clone(),
            mirror: Arc::clone(&mirror),
        };
        let connection = connect(Arc::new(handler)).await;
        let track: Arc<dyn TrackLocal> = mirror;
        connection.add_track(track).await.expect("a track");
        let channel = connection
            .create_data_channel("dataChannel", None)
            .await
            .expect("a channel");
        tokio::spawn(listen(Arc::clone(&channel), tell));
        Self {
            connection,
            channel,
            happenings,
        }
    }
}

async fn connect(handler: Arc<Handler>) -> Arc<dyn PeerConnection> {
    let mut media = MediaEngine::default();
    let codec = RTCRtpCodecParameters {
        rtp_codec: opus(),
        payload_type: 111,
    };
    media
        .register_codec(codec, RtpCodecKind::Audio)
        .expect("a codec");
    let interceptors =
        register_default_interceptors(Registry::new(), &mut media).expect("interceptors");
    let settings = SettingEngineBuilder::new()
        .with_multicast_dns_mode(MulticastDnsMode::Disabled)
        .build();
    let connection = PeerConnectionBuilder::new()
        .with_media_engine(media)
        .with_interceptor_registry(interceptors)
        .with_setting_engine(settings)
        .with_handler(handler)
        .with_udp_addrs(vec!["127.0.0.1:0"])
        .build()
        .await
        .expect("a connection");
    Arc::new(connection)
}

async fn listen(channel: Arc<dyn DataChannel>, tell: mpsc::UnboundedSender<Happening>) {
    while let Some(event) = channel.poll().await {
        let happening = match event {
            DataChannelEvent::OnOpen => Happening::Open,
            DataChannelEvent::OnMessage(message) => {
                Happening::Text(String::from_utf8_lossy(&message.data).into_owned())
            }
            DataChannelEvent::OnClose => break,
            _ => continue,
        };
        let _ = tell.send(happening);
    }
    let _ = tell.send(Happening::Closed);
}
