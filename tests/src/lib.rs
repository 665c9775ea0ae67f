//! What tests of more than one crate share: a server, peers and strangers in short words. The tests themselves are one
//! program: `it/`.

mod dice;
mod peer;
mod programs;
mod server;
mod stranger;

pub use dice::Dice;
pub use peer::{Ended, TestPeer};
pub use programs::program;
pub use server::TestServer;
pub use stranger::Stranger;

use std::time::{Duration, Instant};

/// How long anything may take that a test waits for: far more than on an idle machine, so that only a hang ends it.
pub const LIMIT: Duration = Duration::from_secs(20);

/// Waits until it is so, looking now and then.
///
/// # Panics
/// When it does not become so.
pub async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !is_so() {
        assert!(Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
