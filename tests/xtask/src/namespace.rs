//! The plainest machine there is, for whoever may make one.

use anyhow::Result;
use lab::Namespace;

use crate::setup::{self, Job};

/// A namespace, as root or, where the system lets everybody, without.
pub(crate) fn make() -> Result<Namespace> {
    setup::ensure(&[Job::Namespaces])?;
    if setup::is_root() {
        Namespace::new()
    } else {
        Namespace::unprivileged()
    }
}
