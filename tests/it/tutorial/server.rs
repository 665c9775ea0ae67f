//! The tutorial's server: what one says, all others hear. No rooms, no subprotocol, no limits.

use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

/// More than all that any test says: nobody misses a frame.
const QUEUE: usize = 8192;

/// Ends with its owner.
pub(crate) struct TutorialServer {
    pub(crate) url: String,
    serving: JoinHandle<()>,
}

impl TutorialServer {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("ws://{}/socket", listener.local_addr().expect("an address"));
        let (everybody, _) = broadcast::channel(QUEUE);
        let serving = tokio::spawn(async move {
            for member in 0.. {
                let (stream, _) = listener.accept().await.expect("somebody comes");
                tokio::spawn(serve(member, stream, everybody.clone()));
            }
        });
        Self { url, serving }
    }
}

impl Drop for TutorialServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(member: u32, stream: TcpStream, everybody: broadcast::Sender<(u32, Utf8Bytes)>) {
    let mut hears = everybody.subscribe();
    let Ok(socket) = tokio_tungstenite::accept_async(stream).await else {
        return;
    };
    let (mut to_member, mut from_member) = socket.split();
    loop {
        tokio::select! {
            said = from_member.next() => match said {
                Some(Ok(Message::Text(text))) => drop(everybody.send((member, text))),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                _ => return,
            },
            Ok((from, text)) = hears.recv() => {
                if from != member && to_member.send(Message::Text(text)).await.is_err() {
                    return;
                }
            }
        }
    }
}
