//! The one way out to servers, as the options and the environment say.

use std::net::IpAddr;
use std::path::Path;

use crate::exit::Failure;
use crate::net::{Dialer, Proxies};

/// The dialer of a command.
pub(super) fn dialer(ca: Option<&Path>, bind: &[IpAddr]) -> Result<Dialer, Failure> {
    let proxies = Proxies::new(|name| std::env::var(name).ok());
    Dialer::new(ca, proxies, bind)
}
