//! Codecs: the only place that names their crates.

pub mod g711;
pub mod opus;

/// What went wrong inside a codec.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CodecError(String);
