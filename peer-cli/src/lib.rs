//! A WebRTC peer for the terminal, for scripts and for CI.
//!
//! `main ▶ app ▶ call ▶ {signal, rtc, media, stats} ▶ voice ▶ {audio ▶ codec, proto} ▶ shared`: each room
//! may name those to its right. [`event`] and [`exit`] are values that anybody may name. `rtc` and
//! `media` never see each other; they meet in [`proto::packet::Packet`].

pub mod app;
pub mod audio;
pub mod call;
pub mod checks;
pub mod cli;
pub mod codec;
pub mod doctor;
pub mod entropy;
pub mod event;
pub mod exit;
pub mod media;
pub mod net;
pub mod output;
pub mod proto;
pub mod rtc;
pub mod signal;
pub mod stats;
pub mod voice;
