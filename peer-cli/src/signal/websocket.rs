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

use super::haste::{Haste, due};
use super::refusal::{Refusal, of_closing, of_connecting, of_dialling};
use super::{Entered, HINTS, QUEUE, Signal, SignalEvent};
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
    let (hints, heard) = mpsc::channel(HINTS);
    let task = tokio::spawn(client.run(frames, Haste::new(heard)));
    Signal {
        outgoing,
        hints,
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
    async fn run(mut self, mut frames: mpsc::Receiver<String>, mut haste: Haste) {
        let mut backoff = Backoff::new(u64::from_ne_bytes(crate::entropy::bytes()));
        loop {
            let entered = tokio::select! {
                entered = self.enter_in(haste.attempt()) => entered,
                () = haste.moved() => continue,
            };
            let refusal = match entered {
                Ok((socket, entered)) => {
                    backoff.reset();
                    if self.tell(SignalEvent::Entered(entered)).await.is_err() {
                        return;
                    }
                    match self.serve(socket, &mut frames, &mut haste).await {
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
                () = tokio::time::sleep(haste.wait(backoff.next_wait())) => {}
                () = haste.moved() => {}
                () = self.events.closed() => return,
            }
        }
    }

    async fn tell(&self, event: SignalEvent) -> Result<(), ()> {
        self.events.send(event).await.map_err(|_| ())
    }

    /// The same as [`Self::enter`], within this time.
    async fn enter_in(&self, patience: Option<Duration>) -> Result<(Socket, Entered), Refusal> {
        let Some(patience) = patience else {
            return self.enter().await;
        };
        tokio::time::timeout(patience, self.enter())
            .await
            .unwrap_or_else(|_| Err(self.silent()))
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

    async fn serve(
        &self,
        mut socket: Socket,
        frames: &mut mpsc::Receiver<String>,
        haste: &mut Haste,
    ) -> Ended {
        haste.deadline = None;
        let mut heard = true;
        let mut ping = tokio::time::interval(PING_EVERY);
        ping.reset();
        loop {
            let deadline = haste.deadline;
            tokio::select! {
                frame = frames.recv() => {
                    if let Err(ended) = self.pass_on(&mut socket, frame).await {
                        return ended;
                    }
                }
                message = socket.next() => {
                    heard = true;
                    haste.deadline = None;
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
                hint = haste.hint() => {
                    haste.asked(hint);
                    if let Err(refusal) = self.ping(&mut socket).await {
                        return Ended::Lost(refusal);
                    }
                }
                () = due(deadline) => return Ended::Lost(self.silent()),
                _ = ping.tick() => {
                    if !heard {
                        return Ended::Lost(self.silent());
                    }
                    heard = false;
                    if let Err(refusal) = self.ping(&mut socket).await {
                        return Ended::Lost(refusal);
                    }
                }
            }
        }
    }

    /// Sends a frame of ours; without one we are done.
    async fn pass_on(&self, socket: &mut Socket, frame: Option<String>) -> Result<(), Ended> {
        let Some(frame) = frame else {
            let _ = socket.close(None).await;
            return Err(Ended::Closed);
        };
        let sending = socket.send(Message::text(frame));
        match tokio::time::timeout(SEND_TIMEOUT, sending).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Ended::Lost(self.after_error(socket, &error).await)),
            Err(_) => Err(Ended::Lost(self.silent())),
        }
    }

    async fn ping(&self, socket: &mut Socket) -> Result<(), Refusal> {
        let ping = Message::Ping(bytes::Bytes::new());
        socket.send(ping).await.map_err(|error| self.lost(&error))
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
