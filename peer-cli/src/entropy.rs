//! Random bytes from the operating system: the one place that asks for them.

/// `N` random bytes.
#[must_use]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // Without an entropy source there is no DTLS, no ICE and no call either: nothing to go on with.
    #[allow(clippy::expect_used, reason = "see above")]
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// `N` random bytes as lower-case hexadecimal.
#[must_use]
pub fn hex<const N: usize>() -> String {
    data_encoding::HEXLOWER.encode(&bytes::<N>())
}
