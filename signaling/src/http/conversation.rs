//! One WebSocket from its first frame to its last: what it says goes to the switchboard, what is for it comes from there.

use std::convert::Infallible;
use std::future::pending;
use std::pin::pin;
use std::time::{Duration, Instant};

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::time::{MissedTickBehavior, interval, sleep, sleep_until, timeout};
use tracing::debug;
use tungstenite::Error as WsError;
use tungstenite::error::ProtocolError;

use super::House;
use super::wire::{Caller, Fate};
use crate::metrics::Metrics;
use crate::switchboard::{Link, Mouthpiece, Outbox};
use crate::text::Text;
use crate::verdict::{Cause, Verdict};

mod ration;
mod silence;

use ration::{Flood, Ration};
use silence::{Silence, TooLong};

/// How long a close code is tried.
const LAST_WORD: Duration = Duration::from_secs(1);

/// The same when the whole server stops.
const LAST_WORD_IN_HASTE: Duration = Duration::from_millis(300);

/// RFC 6455 section 5.5: 125 bytes in a control frame, two of them the code.
const MAX_REASON: usize = 123;

/// How a conversation ends.
#[derive(Debug)]
enum End {
    /// The client said so, or hung up.
    Theirs,
    /// We say so, with a code.
    Ours(Verdict),
    /// Nothing was heard for too long, not even an answer to a ping.
    Dead,
    /// The stream broke.
    Broken,
}

impl End {
    fn ours(cause: Cause) -> Self {
        Self::Ours(cause.into())
    }

    fn count(&self, metrics: &Metrics) {
        match self {
            Self::Ours(verdict) => metrics.closed(verdict.cause),
            Self::Theirs => metrics.ended("the client left"),
            Self::Dead => metrics.ended("the client fell silent"),
            Self::Broken => metrics.ended("the connection broke"),
        }
    }
}

/// Closes without a conversation.
pub(super) async fn refuse(house: &House, caller: &Caller, socket: WebSocket, verdict: Verdict) {
    let (sink, _stream) = socket.split();
    house.metrics.opened();
    house.metrics.closed(verdict.cause);
    farewell(sink, caller, End::Ours(verdict)).await;
}

/// Runs to the end, whoever brings it about.
pub(super) async fn hold(
    house: &House,
    caller: &Caller,
    socket: WebSocket,
    link: Link,
    stays: Option<Duration>,
) {
    let conn = link.conn.0;
    let mouthpiece = link.mouthpiece();
    let Link {
        mut outbox,
        verdict,
        ..
    } = link;
    let (mut sink, mut stream) = socket.split();
    house.metrics.opened();
    let end = tokio::select! {
        biased;
        // A switchboard that lets go without one has stopped, and so does the server.
        verdict = verdict => End::Ours(verdict.unwrap_or_else(|_| Cause::GoingAway.into())),
        Err(_) = speak(house, &mut sink, &mut outbox) => End::Broken,
        () = expiry(stays) => End::Ours(expired()),
        end = listen(house, &caller.fate, &mut stream, &mouthpiece) => end,
    };
    debug!(conn, ?end, "ended");
    end.count(&house.metrics);
    mouthpiece.gone().await;
    farewell(sink, caller, end).await;
}

/// When the time is over for which it may stay, if there is one.
async fn expiry(stays: Option<Duration>) {
    match stays {
        Some(time) => sleep(time).await,
        None => pending().await,
    }
}

fn expired() -> Verdict {
    let reason = "the time is over for which it was let in";
    Verdict::new(Cause::TimeOver, reason)
}

/// Writes what is for the client, and a ping now and then so that a silent one must answer. Returns when the stream breaks.
async fn speak(
    house: &House,
    sink: &mut SplitSink<WebSocket, Message>,
    outbox: &mut Outbox,
) -> Result<Infallible, axum::Error> {
    // An interval of nothing is refused by the timer.
    let mut ping = interval(house.options.ping_every.max(Duration::from_millis(1)));
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ping.reset();
    let mut batch = Vec::new();
    loop {
        tokio::select! {
            next = outbox.next(&mut batch) => if next.is_err() {
                // The switchboard has let go; its verdict says why.
                return pending().await;
            },
            _ = ping.tick() => sink.feed(Message::Ping(Bytes::new())).await?,
        }
        // All that has come meanwhile goes into the same segment.
        let frames = batch.len();
        let bytes = batch.iter().map(Text::len).sum();
        for text in batch.drain(..) {
            sink.feed(message(&text)).await?;
            outbox.wrote(&text);
        }
        house.metrics.told(frames, bytes);
        sink.flush().await?;
    }
}

/// The same allocation as a frame. A `Text` is UTF-8, so the other arm is not reached.
fn message(text: &Text) -> Message {
    Message::Text(Utf8Bytes::try_from(text.bytes()).unwrap_or_default())
}

/// Hands on what the client says until it breaks a rule or falls silent.
async fn listen(
    house: &House,
    fate: &Fate,
    stream: &mut SplitStream<WebSocket>,
    mouthpiece: &Mouthpiece,
) -> End {
    let options = &house.options;
    let mut ration = Ration::new(&options.limits, fate);
    let patience = options.ping_every + options.ping_deadline;
    let mut silence = Silence::new(options.idle_timeout, patience, Instant::now(), fate.heard());
    // One for all messages: to set a timer costs more than to look at the clock.
    let mut alarm = pin!(sleep_until(silence.due().into()));
    loop {
        let message = tokio::select! {
            biased;
            next = ration.next(stream) => match next {
                Err(Flood) => return End::ours(Cause::TooManyBytes),
                Ok(None) => return End::Theirs,
                Ok(Some(Err(e))) => return broken(e),
                Ok(Some(Ok(message))) => message,
            },
            () = &mut alarm => match silence.judge(Instant::now(), fate.heard()) {
                Some(TooLong::Idle) => return End::ours(Cause::Idle),
                Some(TooLong::Dead) => return End::Dead,
                None => {
                    alarm.as_mut().reset(silence.due().into());
                    continue;
                }
            },
        };
        let now = Instant::now();
        silence.broken(now, fate.heard(), matches!(message, Message::Text(_)));
        if !ration.messages.take(now) {
            return End::ours(Cause::TooManyMessages);
        }
        match message {
            Message::Text(text) => {
                house.metrics.heard(text.len());
                if mouthpiece.say(Text::from(text.as_str())).await.is_err() {
                    return End::ours(Cause::GoingAway);
                }
            }
            Message::Binary(_) => return End::ours(Cause::Binary),
            Message::Close(_) => return End::Theirs,
            Message::Ping(_) | Message::Pong(_) => {}
        }
    }
}

/// What an error of the stream means for its end.
fn broken(error: axum::Error) -> End {
    match error.into_inner().downcast::<WsError>().map(|e| *e) {
        Ok(WsError::Capacity(_)) => End::ours(Cause::TooLarge),
        Ok(WsError::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => End::Theirs,
        Ok(WsError::Protocol(why)) => {
            let why = why.to_string().to_lowercase();
            End::Ours(Verdict::new(Cause::BrokenFrame, why))
        }
        Ok(WsError::Utf8(_)) => {
            let why = "a text frame is not UTF-8";
            End::Ours(Verdict::new(Cause::NotUtf8, why))
        }
        _ => End::Broken,
    }
}

/// The last word, tried for a moment; the stream below sees to it that it can arrive.
async fn farewell(mut sink: SplitSink<WebSocket, Message>, caller: &Caller, end: End) {
    match end {
        End::Broken => {}
        End::Dead => caller.fate.dead(),
        // Our half of the closing handshake waits to be written.
        End::Theirs => drop(timeout(LAST_WORD, sink.flush()).await),
        End::Ours(Verdict { cause, reason }) => {
            let haste = cause == Cause::GoingAway;
            let patience = if haste { LAST_WORD_IN_HASTE } else { LAST_WORD };
            if cause == Cause::TooSlow {
                caller.fate.slow();
            }
            let reason = Utf8Bytes::from(shortened(&reason));
            let close = Message::Close(Some(CloseFrame {
                code: cause.code().code(),
                reason,
            }));
            if !matches!(timeout(patience, sink.send(close)).await, Ok(Ok(()))) {
                caller.fate.dead();
            }
        }
    }
}

fn shortened(reason: &str) -> &str {
    let mut end = reason.len().min(MAX_REASON);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    &reason[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_fits_into_a_close_frame() {
        assert_eq!(shortened("short"), "short");
        let long = "é".repeat(100);
        assert_eq!(shortened(&long), "é".repeat(61));
    }
}
