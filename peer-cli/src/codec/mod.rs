//! Codecs: the only place that names their crates.

pub mod opus;
