//! A frame of a client, read and relayed.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| signaling::trial::frame(bytes));
