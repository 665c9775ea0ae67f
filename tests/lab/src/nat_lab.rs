//! Host A – NAT A – a public segment with servers – NAT B – host B.

use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::authority::Authority;
use crate::cable::Cable;
use crate::coturn::{Coturn, CoturnOptions, SERVER_NAME};
use crate::namespace::Namespace;
use crate::nat::Nat;
use crate::process::Process;
use crate::scratch::Scratch;

mod public;
mod site;

use public::{NAME_SERVER, SIGNALING_PORT};
use site::Site;

/// Which side of the laboratory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Host A behind NAT A.
    A,
    /// Host B behind NAT B.
    B,
}

/// Which Internet it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// IPv4 with NATs.
    V4,
    /// IPv6 with firewalls in the places of the NATs.
    V6,
    /// Both on every host.
    Dual,
}

/// Two hosts behind two NATs, and a public segment. Addresses are those set aside for documents (RFC 5737, RFC 3849).
pub struct NatLab {
    family: Family,
    sites: [Site; 2],
    public: Namespace,
    authority: Authority,
    coturn: Option<Coturn>,
    coturn_options: CoturnOptions,
    _files: Scratch,
}

impl NatLab {
    /// Builds it with coturn in it and port-restricted NATs.
    ///
    /// # Errors
    /// Without root, or when a tool is missing.
    pub fn new(family: Family) -> Result<Self> {
        Self::with_relay(family, CoturnOptions::default())
    }

    /// With a coturn of this kind.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_relay(family: Family, options: CoturnOptions) -> Result<Self> {
        Self::build(family, options, None)
    }

    /// With a cable between each host and its NAT that can be made bad ([`Self::cable`]); the seed is that of its luck.
    ///
    /// # Errors
    /// As [`Self::new`], and without `socat`.
    pub fn with_cables(family: Family, seed: u64) -> Result<Self> {
        Self::build(family, CoturnOptions::default(), Some(seed))
    }

    fn build(family: Family, options: CoturnOptions, seed: Option<u64>) -> Result<Self> {
        let files = Scratch::new()?;
        let public = Namespace::new()?;
        public.without_address_detection()?;
        public::segment(&public, family)?;
        let sites = [
            Site::new(1, family, &public, seed)?,
            Site::new(2, family, &public, seed)?,
        ];
        let mut lab = Self {
            family,
            sites,
            public,
            authority: Authority::new()?,
            coturn: None,
            coturn_options: options,
            _files: files,
        };
        lab.names()?;
        for side in [Side::A, Side::B] {
            lab.set(side, Nat::PortRestricted)?;
        }
        lab.start_relay()?;
        Ok(lab)
    }

    /// The same names on every host, and a name server that never answers.
    fn names(&self) -> Result<()> {
        let (hosts, servers) = (self._files.file("hosts"), self._files.file("resolv.conf"));
        let mut text = String::from("127.0.0.1 localhost\n::1 localhost\n");
        for ip in self.server_addresses() {
            text += &format!("{ip} {SERVER_NAME}\n");
        }
        fs::write(&hosts, text).context("cannot write a list of names")?;
        fs::write(&servers, format!("nameserver {NAME_SERVER}\n"))
            .context("cannot write a list of name servers")?;
        for host in self.sites.iter().map(|site| &site.host) {
            host.lay_over(&hosts, "/etc/hosts")?;
            host.lay_over(&servers, "/etc/resolv.conf")?;
        }
        Ok(())
    }

    /// The kind of NAT on this side from now on; what it knew of connections is forgotten.
    ///
    /// # Errors
    /// When `nft` or `conntrack` fails.
    pub fn set(&mut self, side: Side, nat: Nat) -> Result<()> {
        self.site_mut(side).set(nat)
    }

    /// A program on this side's host.
    #[must_use]
    pub fn command(&self, side: Side, program: impl AsRef<OsStr>) -> Command {
        self.site(side).host.command(program)
    }

    /// This side's cable, in a laboratory that has them.
    #[must_use]
    pub fn cable(&self, side: Side) -> Option<&Cable> {
        self.site(side).cable.as_ref()
    }

    /// The namespace where the servers stand.
    #[must_use]
    pub fn public(&self) -> &Namespace {
        &self.public
    }

    /// Drops everything between this host and the world, until [`Self::light`].
    ///
    /// # Errors
    /// When `nft` fails.
    pub fn dark(&self, side: Side) -> Result<()> {
        self.site(side).dark()
    }

    /// Ends the darkness.
    ///
    /// # Errors
    /// When it was not dark.
    pub fn light(&self, side: Side) -> Result<()> {
        self.site(side).light()
    }

    /// Lets nothing through any more, for good, of the UDP flows that this side's NAT knows now. What begins later finds its way, and so
    /// does TCP: a path that dies beside others that live.
    ///
    /// # Errors
    /// When `nft` or `conntrack` fails, as where nothing flows.
    pub fn kill_flows(&self, side: Side) -> Result<()> {
        self.site(side).kill_flows(false)
    }

    /// The same, but only of what comes to this side: the other one notices nothing.
    ///
    /// # Errors
    /// As [`Self::kill_flows`].
    pub fn deafen_flows(&self, side: Side) -> Result<()> {
        self.site(side).kill_flows(true)
    }

    /// Deletes the host's address, so that every socket on it is dead.
    ///
    /// # Errors
    /// When `ip` fails.
    pub fn delete_address(&mut self, side: Side) -> Result<()> {
        self.site_mut(side).delete_address()
    }

    /// Gives it another address, as in another network.
    ///
    /// # Errors
    /// When `ip` fails.
    pub fn add_address(&mut self, side: Side) -> Result<()> {
        self.site_mut(side).add_address()
    }

    /// The host's present IPv4 address.
    #[must_use]
    pub fn host_address(&self, side: Side) -> Ipv4Addr {
        self.site(side).address()
    }

    /// Starts coturn, which must not be running.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start_relay(&mut self) -> Result<()> {
        self.coturn = None;
        let addresses: Vec<IpAddr> = self.listening_addresses();
        let coturn = Coturn::start(
            &self.public,
            &addresses,
            &self.authority,
            &self.coturn_options,
        )?;
        self.coturn = Some(coturn);
        Ok(())
    }

    /// Kills coturn; every allocation is gone.
    pub fn kill_relay(&mut self) {
        self.coturn = None;
    }

    /// The running coturn.
    #[must_use]
    pub fn relay(&self) -> Option<&Coturn> {
        self.coturn.as_ref()
    }

    /// Starts the signaling server with these words more; [`Self::socket`] is where it is then.
    ///
    /// # Errors
    /// When it does not say that it listens.
    pub fn start_signaling(&self, program: &Path, more: &[&str]) -> Result<Process> {
        let mut command = self.public.command(program);
        let place = self.server(SIGNALING_PORT);
        command.args(["--json", "--listen", &place]).args(more);
        let mut server = Process::start("signaling", command)?;
        server.wait_for("listening", std::time::Duration::from_secs(20))?;
        Ok(server)
    }

    fn site(&self, side: Side) -> &Site {
        &self.sites[side as usize]
    }

    fn site_mut(&mut self, side: Side) -> &mut Site {
        &mut self.sites[side as usize]
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6 only",
            Self::Dual => "dual stack",
        })
    }
}

impl fmt::Debug for NatLab {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatLab")
            .field("family", &self.family)
            .field("sites", &self.sites)
            .finish_non_exhaustive()
    }
}
