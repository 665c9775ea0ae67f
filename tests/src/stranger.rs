//! Somebody in the room who knows nothing but WebSocket and JSON.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{ClientRequestBuilder, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::LIMIT;

/// One WebSocket, and whatever its owner says.
#[derive(Debug)]
pub struct Stranger {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Stranger {
    /// As a browser tutorial comes: no subprotocol, a member at once.
    pub async fn tutorial(url: &str) -> Self {
        Self::open(url, false).await
    }

    /// As a `peer.v1` client with this role, which has heard `welcome`: also what that said.
    pub async fn peer(url: &str, name: &str, role: &str) -> (Self, Value) {
        let mut stranger = Self::open(url, true).await;
        let secret = format!("the-secret-of-the-stranger-{name}");
        let data =
            json!({"version": 1, "name": name, "role": role, "app": "call", "secret": secret});
        stranger
            .says(json!({"event": "hello", "data": data}).to_string())
            .await;
        let welcome = stranger.hears("welcome").await;
        (stranger, welcome["data"].clone())
    }

    async fn open(url: &str, peer_v1: bool) -> Self {
        let mut request = ClientRequestBuilder::new(url.parse().expect("a URL"));
        if peer_v1 {
            request = request.with_sub_protocol("peer.v1");
        }
        let opened = timeout(LIMIT, connect_async(request)).await;
        let (socket, _) = opened.expect("an answer").expect("an upgrade");
        Self { socket }
    }

    /// Sends one text frame.
    ///
    /// # Panics
    /// When nobody reads it.
    pub async fn says(&mut self, text: impl Into<String>) {
        timeout(LIMIT, self.socket.send(Message::text(text.into())))
            .await
            .expect("the server reads")
            .expect("an open socket");
    }

    /// The next JSON frame with this `event`, whatever comes before.
    ///
    /// # Panics
    /// When it does not come.
    pub async fn hears(&mut self, event: &str) -> Value {
        let heard = timeout(LIMIT, async {
            loop {
                let frame = self.text().await;
                if frame["event"] == event {
                    return frame;
                }
            }
        });
        let missing = || panic!("no {event} within {LIMIT:?}");
        heard.await.unwrap_or_else(|_| missing())
    }

    /// The next text frame; `null` if it is no JSON.
    ///
    /// # Panics
    /// When there is none.
    pub async fn next(&mut self) -> Value {
        timeout(LIMIT, self.text())
            .await
            .expect("something to hear")
    }

    /// The same, for ever: pings come all the time.
    async fn text(&mut self) -> Value {
        loop {
            match self.socket.next().await.expect("an open socket") {
                Ok(Message::Text(text)) => return serde_json::from_str(&text).unwrap_or_default(),
                Ok(Message::Ping(_) | Message::Pong(_)) => {}
                other => panic!("expected a text frame, not {other:?}"),
            }
        }
    }
}
