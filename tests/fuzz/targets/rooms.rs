//! Clients come, speak and go.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| signaling::trial::rooms(bytes));
