//! Tokens at random, nearly good, or signed by mistake.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| signaling::trial::token(bytes));
