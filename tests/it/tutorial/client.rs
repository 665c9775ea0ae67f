//! The tutorial's page as a program: `offer`, `answer`, `candidate` over the broadcast, and nothing else. It imports nothing
//! of ours. Where its page would throw, it panics.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use webrtc::peer_connection::{RTCIceCandidateInit, RTCSessionDescription};

use super::page::{Happening, Page};

/// Far more than anything takes.
const LIMIT: Duration = Duration::from_secs(20);

pub(super) struct TutorialClient {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    page: Page,
    open: bool,
    closed: bool,
    packets: usize,
    texts: Vec<String>,
    offers: usize,
}

impl TutorialClient {
    pub(super) async fn open(url: &str) -> Self {
        let (socket, _) = connect_async(url).await.expect("a WebSocket");
        Self {
            socket,
            page: Page::open().await,
            open: false,
            closed: false,
            packets: 0,
            texts: Vec::new(),
            offers: 0,
        }
    }

    /// The button of the tutorial: the offer is sent first and set afterwards, when gathering begins.
    pub(super) async fn calls(&mut self) {
        let connection = &self.page.connection;
        let offer = connection.create_offer(None).await.expect("an offer");
        let data = json!({"type": "offer", "sdp": offer.sdp});
        self.sends("offer", data).await;
        let set = self.page.connection.set_local_description(offer).await;
        set.expect("our own offer");
    }

    /// Until its channel is open.
    pub(super) async fn is_open(&mut self) {
        self.until("an open channel", |page| page.open).await;
    }

    /// On the channel that it made.
    pub(super) async fn says(&mut self, text: &str) {
        let sent = self.page.channel.send_text(text).await;
        sent.expect("an open channel");
    }

    /// `restartIce()`, as a page does whose network has changed.
    pub(super) async fn restarts(&mut self) {
        let options = rtc::peer_connection::configuration::RTCOfferOptions { ice_restart: true };
        let connection = &self.page.connection;
        let offer = connection.create_offer(Some(options)).await;
        let offer = offer.expect("an offer");
        let data = json!({"type": "offer", "sdp": offer.sdp});
        let set = connection.set_local_description(offer).await;
        set.expect("our own offer");
        self.sends("offer", data).await;
    }

    /// Until so many packets of sound more have come.
    pub(super) async fn hears_more(&mut self, packets: usize) {
        self.hears(self.packets + packets).await;
    }

    /// The same, but bytes.
    pub(super) async fn says_bytes(&mut self, bytes: &[u8]) {
        let sent = self.page.channel.send(bytes.into()).await;
        sent.expect("an open channel");
    }

    /// Until this text has come on the channel that it made.
    pub(super) async fn reads(&mut self, text: &str) {
        self.until(text, |page| page.texts.iter().any(|heard| heard == text))
            .await;
    }

    /// Until so many packets of sound have come.
    pub(super) async fn hears(&mut self, packets: usize) {
        self.until("sound", |page| page.packets >= packets).await;
    }

    /// Until its channel is closed: the other side has hung up. Returns all that was read on it.
    pub(super) async fn until_left(mut self) -> Vec<String> {
        self.until("the end", |page| page.closed).await;
        let _ = self.page.connection.close().await;
        self.texts
    }

    /// Closes the page: connection and socket end together.
    pub(super) async fn leaves(self) {
        let closed = self.page.connection.close().await;
        closed.expect("a closed connection");
    }

    async fn until(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        let working = async {
            while !done(self) {
                tokio::select! {
                    Some(happening) = self.page.happenings.recv() => self.on(happening).await,
                    Some(frame) = self.socket.next() => {
                        if let Message::Text(text) = frame.expect("an open socket") {
                            self.on_frame(&text).await;
                        }
                    }
                }
            }
        };
        assert!(
            timeout(LIMIT, working).await.is_ok(),
            "the page waits for {what}: open {}, {} packets, read {:?}",
            self.open,
            self.packets,
            self.texts
        );
    }

    async fn on(&mut self, happening: Happening) {
        match happening {
            Happening::Candidate(candidate) => self.sends("candidate", candidate).await,
            Happening::Open => self.open = true,
            Happening::Text(text) => self.texts.push(text),
            Happening::Closed => self.closed = true,
            Happening::Packet => self.packets += 1,
        }
    }

    async fn sends(&mut self, event: &str, data: Value) {
        let frame = json!({"event": event, "data": data}).to_string();
        let sent = self.socket.send(Message::text(frame)).await;
        sent.expect("an open socket");
    }

    async fn on_frame(&mut self, text: &str) {
        let frame: Value = serde_json::from_str(text).expect("JSON.parse");
        let data = &frame["data"];
        match frame["event"].as_str() {
            Some("offer") => self.on_offer(data).await,
            Some("answer") => self.on_answer(data).await,
            Some("candidate") => self.on_candidate(data).await,
            _ => {}
        }
    }

    async fn on_offer(&mut self, data: &Value) {
        assert_eq!(data["type"], "offer");
        let sdp = data["sdp"].as_str().expect("an offer has sdp").to_owned();
        assert!(
            sdp.contains("m=application") && sdp.contains("m=audio"),
            "{sdp}"
        );
        self.offers += 1;
        assert_eq!(self.offers, 1, "a second offer would be another call");
        let offer = RTCSessionDescription::offer(sdp).expect("an offer");
        let connection = &self.page.connection;
        let set = connection.set_remote_description(offer).await;
        set.expect("their offer");
        let answer = connection.create_answer(None).await.expect("an answer");
        let data = json!({"type": "answer", "sdp": answer.sdp});
        let set = connection.set_local_description(answer).await;
        set.expect("our own answer");
        self.sends("answer", data).await;
    }

    async fn on_answer(&mut self, data: &Value) {
        assert_eq!(data["type"], "answer");
        let sdp = data["sdp"].as_str().expect("an answer has sdp").to_owned();
        let answer = RTCSessionDescription::answer(sdp).expect("an answer");
        let set = self.page.connection.set_remote_description(answer).await;
        set.expect("their answer");
    }

    /// Not queued: one that comes before the description is an error, as in a browser, and so is `null`.
    async fn on_candidate(&mut self, data: &Value) {
        let text = |key: &str| data[key].as_str().map(str::to_owned);
        let candidate = RTCIceCandidateInit {
            candidate: text("candidate").expect("data is an RTCIceCandidateInit"),
            sdp_mid: text("sdpMid"),
            sdp_mline_index: data["sdpMLineIndex"]
                .as_u64()
                .and_then(|n| n.try_into().ok()),
            username_fragment: text("usernameFragment"),
            url: None,
        };
        let added = self.page.connection.add_ice_candidate(candidate).await;
        added.expect("a candidate after its description");
    }
}
