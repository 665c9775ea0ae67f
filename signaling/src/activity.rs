//! How a server does, at a glance.

use crate::metrics::{Glance, Metrics};

/// What a server is doing, for whoever runs it; clones are the same.
#[derive(Debug, Clone)]
pub struct Activity(pub(crate) Metrics);

impl Activity {
    /// As it is now.
    #[must_use]
    pub fn now(&self) -> Glance {
        self.0.glance()
    }
}
