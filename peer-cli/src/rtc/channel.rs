//! A data channel (RFC 8831), drained by a task of its own.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use webrtc::data_channel::{DataChannel, DataChannelEvent, RTCDataChannelMessage};

/// How often a flush looks whether everything has been acknowledged.
const FLUSH_POLL: Duration = Duration::from_millis(5);

/// What happens on data channels, in order for each channel.
#[derive(Debug)]
pub enum ChannelEvent {
    /// Open on both sides.
    Opened(Channel),
    /// Text arrived.
    Text(Channel, String),
    /// Bytes arrived.
    Binary(Channel, Bytes),
    /// Closed by the other side; a driver that ends says so itself.
    Closed(Channel),
}

/// One data channel; clones are the same channel.
#[derive(Clone)]
pub struct Channel {
    inner: Arc<dyn DataChannel>,
    label: Arc<str>,
    protocol: Arc<str>,
    ours: bool,
}

impl Channel {
    pub(super) fn new(
        inner: Arc<dyn DataChannel>,
        label: &str,
        protocol: &str,
        ours: bool,
    ) -> Self {
        Self {
            inner,
            label: label.into(),
            protocol: protocol.into(),
            ours,
        }
    }

    /// The name that its opener gave it.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The subprotocol that its opener named; empty for none.
    #[must_use]
    pub fn protocol(&self) -> &str {
        &self.protocol
    }

    /// Whether this side opened it.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        self.ours
    }

    /// Whether both are the same channel.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    /// Queues text; never waits.
    ///
    /// # Errors
    /// When the channel is closed or 4 MiB are queued already.
    pub async fn send_text(&self, text: &str) -> Result<(), String> {
        self.inner
            .try_send_text(text)
            .await
            .map_err(|error| error.to_string())
    }

    /// Waits until the other side has acknowledged all that was sent, or the channel is gone.
    pub async fn flush(&self) {
        while matches!(self.inner.outstanding_bytes().await, Ok(bytes) if bytes > 0) {
            tokio::time::sleep(FLUSH_POLL).await;
        }
    }

    /// Reads the channel until it closes.
    pub(super) async fn drain(self, events: mpsc::Sender<ChannelEvent>) {
        while let Some(event) = self.inner.poll().await {
            let event = match event {
                DataChannelEvent::OnOpen => ChannelEvent::Opened(self.clone()),
                DataChannelEvent::OnMessage(message) => self.message(message),
                DataChannelEvent::OnClose => {
                    let _ = events.send(ChannelEvent::Closed(self.clone())).await;
                    return;
                }
                _ => continue,
            };
            if events.send(event).await.is_err() {
                return;
            }
        }
    }

    fn message(&self, message: RTCDataChannelMessage) -> ChannelEvent {
        if !message.is_string {
            return ChannelEvent::Binary(self.clone(), message.data.freeze());
        }
        match String::from_utf8(message.data.to_vec()) {
            Ok(text) => ChannelEvent::Text(self.clone(), text),
            // Marked as text but not UTF-8: hand the bytes on instead of inventing characters.
            Err(error) => ChannelEvent::Binary(self.clone(), error.into_bytes().into()),
        }
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel")
            .field("label", &self.label)
            .field("protocol", &self.protocol)
            .finish_non_exhaustive()
    }
}
