//! The WebSocket client: joins a room, comes back after a loss, falls back to plain mode.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use shared::limits::{HELLO_TIMEOUT, MAX_RECEIVE};
use shared::{Event, Hello, Incoming, SUBPROTOCOL, ServerEvent, Welcome};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};
use url::Url;

use super::refusal::{Refusal, of_closing, of_connecting, of_dialling};
use super::{Entered, QUEUE, Signal, SignalEvent};
use crate::exit::{Exit, Failure};
use crate::net::{Dialer, Errand, Stream};
use crate::proto::backoff::Backoff;

/// A server that takes no frame for this long is gone.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);

/// TCP, TLS and upgrade together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A server that is silent for this long is gone: ours pings every 15 s, and a quiet one answers the
/// ping of our own that this interval sends.
const PING_EVERY: Duration = Duration::from_secs(20);

/// A broadcast-only server may pass on anything; larger frames end the connection.
const MAX_MESSAGE: usize = 4 << 20;

type Socket = WebSocketStream<Stream>;

/// Starts connecting to `url` and keeps at it until refused or closed.
#[must_use]
pub fn connect(url: Url, hello: Hello, dialer: Dialer) -> Signal {
    let (outgoing, frames) = mpsc::channel(QUEUE);
    let (events_tx, events) = mpsc::channel(QUEUE);
    // The query may hold a token.
    let shown = url
        .as_str()
        .split('?')
        .next()
        .unwrap_or_default()
        .to_owned();
    let client = Client {
        url,
        shown,
        hello,
        dialer,
        plain: false,
        events: events_tx,
    };
    let task = tokio::spawn(client.run(frames));
    Signal {
        outgoing,
        events,
        task: Some(task),
    }
}

struct Client {
    url: Url,
    /// What error texts may repeat of it.
    shown: String,
    hello: Hello,
    dialer: Dialer,
    /// The server takes no subprotocol.
    plain: bool,
    events: mpsc::Sender<SignalEvent>,
}

/// How serving a socket ended.
enum Ended {
    /// We are done.
    Closed,
    /// The socket is.
    Lost(Refusal),
}

impl Client {
    async fn run(mut self, mut frames: mpsc::Receiver<String>) {
        let mut backoff = Backoff::new(u64::from_ne_bytes(crate::entropy::bytes()));
        loop {
            let refusal = match self.enter().await {
                Ok((socket, entered)) => {
                    backoff.reset();
                    if self.tell(SignalEvent::Entered(entered)).await.is_err() {
                        return;
                    }
                    match self.serve(socket, &mut frames).await {
                        Ended::Closed => return,
                        Ended::Lost(Refusal::Later(failure)) => {
                            if self.tell(SignalEvent::Lost(failure.reason)).await.is_err() {
                                return;
                            }
                            None
                        }
                        Ended::Lost(refusal) => Some(refusal),
                    }
                }
                Err(refusal) => Some(refusal),
            };
            let told = match refusal {
                Some(Refusal::NoSubprotocol) => {
                    self.plain = true;
                    continue;
                }
                Some(Refusal::Final(failure)) => {
                    let _ = self.tell(SignalEvent::Refused(failure)).await;
                    return;
                }
                Some(Refusal::Later(failure)) => self.tell(SignalEvent::Unreachable(failure)).await,
                None => Ok(()),
            };
            if told.is_err() || frames.is_closed() {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(backoff.next_wait()) => {}
                () = self.events.closed() => return,
            }
        }
    }

    async fn tell(&self, event: SignalEvent) -> Result<(), ()> {
        self.events.send(event).await.map_err(|_| ())
    }

    /// Connects and, where the server speaks it, says hello.
    async fn enter(&self) -> Result<(Socket, Entered), Refusal> {
        let mut request = self
            .url
            .as_str()
            .into_client_request()
            .map_err(|error| of_connecting(&self.shown, error))?;
        if !self.plain {
            request.headers_mut().insert(
                "Sec-WebSocket-Protocol",
                HeaderValue::from_static(SUBPROTOCOL),
            );
        }
        let config = WebSocketConfig::default()
            .max_message_size(Some(MAX_MESSAGE))
            .max_frame_size(Some(MAX_MESSAGE));
        let connecting = async {
            let stream = self.dial().await?;
            client_async_with_config(request, stream, Some(config))
                .await
                .map_err(|error| of_connecting(&self.shown, error))
        };
        let (mut socket, _) = tokio::time::timeout(CONNECT_TIMEOUT, connecting)
            .await
            .map_err(|_| self.silent())??;
        if self.plain {
            return Ok((socket, Entered::Plain));
        }
        let welcome = self.greet(&mut socket).await?;
        Ok((socket, Entered::PeerV1(welcome)))
    }

    async fn dial(&self) -> Result<Stream, Refusal> {
        let host = self.url.host_str().unwrap_or_default();
        let port = self.url.port_or_known_default().unwrap_or_default();
        self.dialer
            .dial(Errand::Signaling, self.url.scheme() == "wss", host, port)
            .await
            .map_err(|error| of_dialling(&self.shown, &error))
    }

    async fn greet(&self, socket: &mut Socket) -> Result<Welcome, Refusal> {
        let greeting = async {
            socket.send(Message::text(self.hello.to_text())).await?;
            while let Some(message) = socket.next().await {
                match message? {
                    Message::Text(text) => {
                        if let Ok(Incoming {
                            event: Event::Server(ServerEvent::Welcome(welcome)),
                            ..
                        }) = Incoming::parse(&text)
                        {
                            return Ok(Ok(welcome));
                        }
                    }
                    Message::Close(frame) => return Ok(Err(frame)),
                    _ => {}
                }
            }
            Ok(Err(None))
        };
        match tokio::time::timeout(HELLO_TIMEOUT, greeting).await {
            Ok(Ok(Ok(welcome))) => Ok(welcome),
            Ok(Ok(Err(frame))) => Err(of_closing(&self.shown, frame.as_ref())),
            Ok(Err(error)) => Err(self.lost(&error)),
            Err(_) => Err(self.silent()),
        }
    }

    async fn serve(&self, mut socket: Socket, frames: &mut mpsc::Receiver<String>) -> Ended {
        let mut heard = true;
        let mut ping = tokio::time::interval(PING_EVERY);
        ping.reset();
        loop {
            tokio::select! {
                frame = frames.recv() => {
                    let Some(frame) = frame else {
                        let _ = socket.close(None).await;
                        return Ended::Closed;
                    };
                    match tokio::time::timeout(SEND_TIMEOUT, socket.send(Message::text(frame))).await {
                        Ok(Ok(())) => {}
                        Ok(Err(error)) => {
                            return Ended::Lost(self.after_error(&mut socket, &error).await);
                        }
                        Err(_) => return Ended::Lost(self.silent()),
                    }
                }
                message = socket.next() => {
                    heard = true;
                    match message {
                        Some(Ok(Message::Text(text))) => {
                            if self.tell(read(&text)).await.is_err() {
                                // Nobody listens, but what is queued still has to leave.
                                while let Some(frame) = frames.recv().await {
                                    let _ = socket.send(Message::text(frame)).await;
                                }
                                let _ = socket.close(None).await;
                                return Ended::Closed;
                            }
                        }
                        Some(Ok(Message::Close(frame))) => return self.closed(frame.as_ref()),
                        Some(Ok(_)) => {}
                        Some(Err(error)) => return Ended::Lost(self.lost(&error)),
                        None => return self.closed(None),
                    }
                }
                _ = ping.tick() => {
                    if !heard {
                        return Ended::Lost(self.silent());
                    }
                    heard = false;
                    if let Err(error) = socket.send(Message::Ping(bytes::Bytes::new())).await {
                        return Ended::Lost(self.lost(&error));
                    }
                }
            }
        }
    }

    /// A failed send may hide the close frame that explains it.
    async fn after_error(&self, socket: &mut Socket, error: &Error) -> Refusal {
        while let Some(Ok(message)) = socket.next().await {
            if let Message::Close(frame) = message {
                return of_closing(&self.shown, frame.as_ref());
            }
        }
        self.lost(error)
    }

    fn closed(&self, frame: Option<&CloseFrame>) -> Ended {
        Ended::Lost(of_closing(&self.shown, frame))
    }

    fn lost(&self, error: &Error) -> Refusal {
        Refusal::Later(Failure::new(
            Exit::Signaling,
            format!("{}: {error}", self.shown),
        ))
    }

    fn silent(&self) -> Refusal {
        Refusal::Later(
            Failure::new(
                Exit::Signaling,
                format!("cannot reach {}: no answer", self.shown),
            )
            .hint("is the address right, or a firewall between?"),
        )
    }
}

/// Reads a frame; one that is too large is not even looked at.
fn read(text: &str) -> SignalEvent {
    if text.len() > MAX_RECEIVE {
        return SignalEvent::Malformed(shared::WireError::Envelope(format!(
            "{} bytes are more than the {MAX_RECEIVE} allowed",
            text.len()
        )));
    }
    match Incoming::parse(text) {
        Ok(frame) => SignalEvent::Frame(frame),
        Err(error) => SignalEvent::Malformed(error),
    }
}
