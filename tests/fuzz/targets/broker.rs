//! Other servers speak, and whoever else may write to the broker.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| signaling::trial::broker(bytes));
