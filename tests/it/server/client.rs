//! A WebSocket client in short words.

use std::net::SocketAddr;

use futures_util::{FutureExt, SinkExt, StreamExt};
use serde_json::Value;
use tokio::io::Interest;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{ClientRequestBuilder, Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::house::{House, LIMIT};

pub(super) struct Client {
    socket: WebSocketStream<TcpStream>,
}

/// A secret for each number.
pub(super) fn secret(who: u32) -> String {
    format!("a-secret-that-is-long-enough-{who}")
}

pub(super) fn hello(who: u32) -> String {
    format!(
        r#"{{"event":"hello","data":{{"version":1,"name":"n{who}","role":"answer","app":"call","secret":"{}"}}}}"#,
        secret(who)
    )
}

impl Client {
    /// `query` as in a URL: empty, or `?room=demo`.
    pub(super) async fn tutorial(house: &House, query: &str) -> Self {
        Self::open(house, query, false, None).await
    }

    /// Offers `peer.v1` and says nothing yet.
    pub(super) async fn silent(house: &House, query: &str) -> Self {
        Self::open(house, query, true, None).await
    }

    /// Has said `hello` and heard `welcome`: also its `data`.
    pub(super) async fn peer(house: &House, query: &str, who: u32) -> (Self, Value) {
        let mut client = Self::silent(house, query).await;
        client.says(&hello(who)).await;
        let welcome = client.event("welcome").await;
        (client, welcome["data"].clone())
    }

    pub(super) async fn open(
        house: &House,
        query: &str,
        peer_v1: bool,
        origin: Option<&str>,
    ) -> Self {
        let stream = TcpStream::connect(house.addr)
            .await
            .expect("the server listens");
        Self::over(stream, query, peer_v1, origin).await
    }

    /// At any server: a member at once, or one who has said `hello` and heard `welcome`, with its `data`.
    pub(super) async fn at(addr: SocketAddr, query: &str, who: Option<u32>) -> (Self, Value) {
        let stream = TcpStream::connect(addr).await.expect("the server listens");
        let mut client = Self::over(stream, query, who.is_some(), None).await;
        let Some(who) = who else {
            return (client, Value::Null);
        };
        client.says(&hello(who)).await;
        let welcome = client.event("welcome").await;
        (client, welcome["data"].clone())
    }

    /// With a receive buffer as small as the kernel allows.
    pub(super) async fn narrow(house: &House, query: &str) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4096).expect("a small buffer");
        let stream = socket
            .connect(house.addr)
            .await
            .expect("the server listens");
        Self::over(stream, query, false, None).await
    }

    async fn over(stream: TcpStream, query: &str, peer_v1: bool, origin: Option<&str>) -> Self {
        let addr = stream.peer_addr().expect("connected");
        let url = format!("ws://{addr}/socket{query}").parse().expect("a URL");
        let mut request = ClientRequestBuilder::new(url);
        if peer_v1 {
            request = request.with_sub_protocol("peer.v1");
        }
        if let Some(origin) = origin {
            request = request.with_header("Origin", origin);
        }
        let opened = timeout(LIMIT, client_async(request, stream))
            .await
            .expect("an answer");
        let (socket, response) = opened.expect("an upgrade");
        let chosen = response.headers().get("Sec-WebSocket-Protocol");
        assert_eq!(
            chosen.is_some(),
            peer_v1,
            "the subprotocol is chosen only when offered"
        );
        Self { socket }
    }

    pub(super) async fn says(&mut self, text: &str) {
        self.sends(Message::text(text))
            .await
            .expect("an open socket");
    }

    pub(super) async fn sends(&mut self, message: Message) -> Result<(), Error> {
        timeout(LIMIT, self.socket.send(message))
            .await
            .expect("the server reads")
    }

    /// The next text frame.
    pub(super) async fn hears(&mut self) -> String {
        match self.next().await {
            Ok(Message::Text(text)) => text.as_str().to_owned(),
            other => panic!("expected a text frame, not {other:?}"),
        }
    }

    /// The next frame, which is this event.
    pub(super) async fn event(&mut self, name: &str) -> Value {
        let text = self.hears().await;
        let value: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(value["event"], name, "{text}");
        value
    }

    /// The next event of this name, whatever comes before.
    pub(super) async fn event_among(&mut self, name: &str) -> Value {
        loop {
            let value: Value = serde_json::from_str(&self.hears().await).expect("JSON");
            if value["event"] == name {
                return value;
            }
        }
    }

    /// The code and reason that it is closed with, whatever comes before.
    pub(super) async fn closed(&mut self) -> (u16, String) {
        loop {
            match self.next().await {
                Ok(Message::Close(Some(frame))) => {
                    return (frame.code.into(), frame.reason.as_str().to_owned());
                }
                Ok(Message::Text(_) | Message::Ping(_)) => {}
                other => panic!("expected a close frame, not {other:?}"),
            }
        }
    }

    /// Whatever comes next, pings aside; the stream's end is an error.
    pub(super) async fn next(&mut self) -> Result<Message, Error> {
        let next = async {
            loop {
                let next = self.socket.next().await;
                match next.unwrap_or(Err(Error::ConnectionClosed))? {
                    Message::Ping(_) | Message::Pong(_) => {}
                    message => return Ok(message),
                }
            }
        };
        timeout(LIMIT, next).await.expect("something to hear")
    }

    /// Reads what is there already: has it been closed?
    pub(super) fn has_ended(&mut self) -> bool {
        while let Some(next) = self.socket.next().now_or_never() {
            if !matches!(next, Some(Ok(Message::Text(_) | Message::Ping(_)))) {
                return true;
            }
        }
        false
    }

    /// Waits, without reading, until the server has reset the connection.
    pub(super) async fn until_reset(&mut self) {
        let stream = self.socket.get_ref();
        let reset = async {
            loop {
                let ready = stream
                    .ready(Interest::ERROR)
                    .await
                    .expect("a watched socket");
                if ready.is_error() {
                    return stream.take_error().expect("an error to take");
                }
            }
        };
        let error = timeout(LIMIT, reset)
            .await
            .expect("a reset")
            .map(|e| e.kind());
        assert_eq!(error, Some(std::io::ErrorKind::ConnectionReset));
    }

    /// Nothing was heard: the next thing is what `other`, of the same room, says now.
    pub(super) async fn heard_nothing_before(&mut self, other: &mut Self) {
        let marker = r#"{"event":"marker"}"#;
        other.says(marker).await;
        let next = self.hears().await;
        assert!(next.contains("marker"), "heard {next}");
    }
}
