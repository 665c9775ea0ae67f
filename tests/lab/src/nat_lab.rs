//! Host A – NAT A – a public segment with servers – NAT B – host B.

use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::authority::Authority;
use crate::coturn::{self, Coturn, CoturnOptions};
use crate::namespace::Namespace;
use crate::nat::Nat;
use crate::process::Process;
use crate::scratch::Scratch;

mod site;
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

/// The servers' addresses; the second ones are what RFC 5780 needs.
const SERVER: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);
const SECOND: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 2);
const SERVER_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
const SECOND_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2);
/// The name of the first addresses, in every host's list of names.
pub(crate) const SERVER_NAME: &str = "server.lab.test";
/// Where names are asked for in vain: nobody has this address.
const NAME_SERVER: &str = "203.0.113.99";
/// The signaling server's port: also the strictest NAT lets it through.
const SIGNALING_PORT: u16 = 80;
/// On this port of the server, UDP and TCP, whatever comes is dropped.
const SILENT_PORT: u16 = 3500;
/// On this one nobody listens, and that is said.
const CLOSED_PORT: u16 = 3501;
/// Behind 443 stands the relay's TLS, as offices let it out.
const PUBLIC_RULES: &str = "table inet public {
  chain pre { type nat hook prerouting priority dstnat;
    tcp dport 443 redirect to :5349
  }
  chain inp { type filter hook input priority filter;
    meta l4proto { tcp, udp } th dport 3500 drop
  }
}
";

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
        let files = Scratch::new()?;
        let public = Namespace::new()?;
        site::without_address_detection(&public, family)?;
        segment(&public, family)?;
        let sites = [
            Site::new(1, family, &public)?,
            Site::new(2, family, &public)?,
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

    /// The signaling server's URL.
    #[must_use]
    pub fn socket(&self) -> String {
        format!("ws://{}/socket", self.server(SIGNALING_PORT))
    }

    /// A port of the server: `203.0.113.1:3478`, `[2001:db8::1]:3478`; IPv4 where there are both.
    #[must_use]
    pub fn server(&self, port: u16) -> String {
        match self.family {
            Family::V4 | Family::Dual => format!("{SERVER}:{port}"),
            Family::V6 => format!("[{SERVER_V6}]:{port}"),
        }
    }

    /// `stun:` of coturn.
    #[must_use]
    pub fn stun(&self) -> String {
        format!("stun:{}", self.server(coturn::PORT))
    }

    /// `turn:` of coturn over UDP.
    #[must_use]
    pub fn turn(&self) -> String {
        format!("turn:{}", self.server(coturn::PORT))
    }

    /// `turn:` of coturn over TCP.
    #[must_use]
    pub fn turn_tcp(&self) -> String {
        format!("{}?transport=tcp", self.turn())
    }

    /// `turns:` of coturn, by its address.
    #[must_use]
    pub fn turn_tls(&self) -> String {
        format!("turns:{}", self.server(coturn::TLS_PORT))
    }

    /// `turns:` of coturn on the port that every office lets out, by its name.
    #[must_use]
    pub fn turn_tls_443(&self) -> String {
        format!("turns:{SERVER_NAME}:443")
    }

    /// User and password of coturn, where it has no shared secret.
    #[must_use]
    pub fn credentials(&self) -> (&'static str, &'static str) {
        (coturn::USER, coturn::PASSWORD)
    }

    /// `--ca` for the laboratory's TLS servers.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.authority.certificate()
    }

    /// Where whatever comes is dropped.
    #[must_use]
    pub fn silent(&self) -> String {
        self.server(SILENT_PORT)
    }

    /// Where nobody listens, and the kernel says so.
    #[must_use]
    pub fn closed(&self) -> String {
        self.server(CLOSED_PORT)
    }

    /// A name that the name server is asked for and never tells.
    #[must_use]
    pub fn unknown_name(&self) -> &'static str {
        "nobody.lab.test"
    }

    fn server_addresses(&self) -> Vec<IpAddr> {
        match self.family {
            Family::V4 => vec![SERVER.into()],
            Family::V6 => vec![SERVER_V6.into()],
            Family::Dual => vec![SERVER.into(), SERVER_V6.into()],
        }
    }

    fn listening_addresses(&self) -> Vec<IpAddr> {
        match self.family {
            Family::V4 => vec![SERVER.into(), SECOND.into()],
            Family::V6 => vec![SERVER_V6.into(), SECOND_V6.into()],
            Family::Dual => vec![
                SERVER.into(),
                SECOND.into(),
                SERVER_V6.into(),
                SECOND_V6.into(),
            ],
        }
    }

    fn site(&self, side: Side) -> &Site {
        &self.sites[side as usize]
    }

    fn site_mut(&mut self, side: Side) -> &mut Site {
        &mut self.sites[side as usize]
    }
}

/// The public segment: a bridge with the servers' addresses.
fn segment(public: &Namespace, family: Family) -> Result<()> {
    let mut lines = String::from("link add br0 type bridge\nlink set br0 up\n");
    if family != Family::V6 {
        lines += &format!("addr add {SERVER}/24 dev br0\naddr add {SECOND}/24 dev br0\n");
    }
    if family != Family::V4 {
        lines += &format!(
            "addr add {SERVER_V6}/48 dev br0 nodad\naddr add {SECOND_V6}/48 dev br0 nodad\n"
        );
    }
    public.ip(&lines)?;
    public.feed("nft -f -", PUBLIC_RULES).map(drop)
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
