//! A peer that waits for long asks for fresh credentials before the old ones expire.

use std::time::{SystemTime, UNIX_EPOCH};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tests::{LIMIT, TestPeer};
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::HeaderValue;

/// What a server hands out that is short of time.
fn credentials(seconds: u64) -> Value {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock")
        .as_secs();
    json!([{
        "urls": ["turn:127.0.0.1:9"],
        "username": format!("{}:me", now + seconds),
        "credential": "secret",
    }])
}

#[tokio::test]
async fn fresh_credentials_are_asked_for_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("ws://{}/socket", listener.local_addr().expect("an address"));
    let peer = TestPeer::answer(&url, "");
    let serving = async {
        let (stream, _) = listener.accept().await.expect("the peer");
        #[expect(clippy::result_large_err, reason = "the signature is tungstenite's")]
        let grant = |_: &Request, mut response: Response| -> Result<Response, ErrorResponse> {
            let peer_v1 = HeaderValue::from_static("peer.v1");
            response
                .headers_mut()
                .insert("Sec-WebSocket-Protocol", peer_v1);
            Ok(response)
        };
        let mut socket = tokio_tungstenite::accept_hdr_async(stream, grant)
            .await
            .expect("a WebSocket");
        socket.next().await.expect("hello").expect("a frame");
        let data = json!({"id": "me", "room": null, "peers": [], "iceServers": credentials(4)});
        let welcome = json!({"event": "welcome", "data": data}).to_string();
        socket.send(Message::text(welcome)).await.expect("sent");
        // Twice: the answer to the first has a time of its own.
        for _ in 0..2 {
            loop {
                let frame = socket.next().await.expect("a frame").expect("a frame");
                if frame.is_text() && frame.to_string().contains("\"ice-servers\"") {
                    break;
                }
            }
            let data = json!({"iceServers": credentials(4)});
            let answer = json!({"event": "ice-servers", "data": data}).to_string();
            socket.send(Message::text(answer)).await.expect("sent");
        }
    };
    timeout(LIMIT, serving).await.expect("asked in time");
    peer.hang_up();
    peer.exits(130).await;
}
