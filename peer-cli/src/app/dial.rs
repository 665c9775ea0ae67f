//! The one way out to servers, as the options and the environment say.

use std::net::IpAddr;
use std::path::Path;

use crate::exit::{Exit, Failure};
use crate::net::{Dialer, Proxies};

/// The dialer of a command.
pub(super) fn dialer(ca: Option<&Path>, bind: &[IpAddr]) -> Result<Dialer, Failure> {
    let proxies = Proxies::new(|name| std::env::var(name).ok());
    Dialer::new(ca, proxies, bind)
}

/// `--bind` names an address that this machine has not.
pub(super) fn no_such_address((ip, error): (IpAddr, std::io::Error)) -> Failure {
    Failure::new(Exit::Usage, format!("cannot use --bind {ip}: {error}"))
        .hint("give an address of this machine, or none")
}
