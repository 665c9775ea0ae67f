//! The little that a person looks at.

/// The numbers of one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Glance {
    /// WebSockets that are open.
    pub connections: i64,
    /// Rooms with somebody in them.
    pub rooms: i64,
    /// Text frames that have come from clients, since the start.
    pub heard: u64,
    /// Text frames that went to clients, since the start.
    pub told: u64,
    /// Bytes that wait for clients which read slowly.
    pub queued: i64,
}
