//! coturn, the STUN and TURN server of the laboratory: UDP and TCP on 3478, TLS on 5349, RFC 5780 with two addresses.

use std::fs::{self, File};
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::authority::Authority;
use crate::namespace::Namespace;
use crate::scratch::Scratch;

/// What a server is to be like.
#[derive(Clone, Debug, Default)]
pub struct CoturnOptions {
    /// Time-limited credentials of this shared secret (`use-auth-secret`) in place of the user `test`, password `test`.
    pub secret: Option<String>,
    /// More words of `turnserver`.
    pub more: Vec<String>,
}

/// A running server; killed when dropped.
#[derive(Debug)]
pub struct Coturn {
    child: Child,
    folder: Scratch,
}

/// The ports that it listens on.
pub(crate) const PORT: u16 = 3478;
pub(crate) const TLS_PORT: u16 = 5349;
/// Credentials, unless a secret is given.
pub(crate) const USER: &str = "test";
pub(crate) const PASSWORD: &str = "test";
/// The name of its first addresses, in every host's list of names and in its certificate.
pub(crate) const SERVER_NAME: &str = "server.lab.test";
const REALM: &str = "lab.test";
/// From start to listening.
const PATIENCE: Duration = Duration::from_secs(15);
/// Between two looks at whether it listens.
const LOOK: Duration = Duration::from_millis(20);

impl Coturn {
    /// Starts it on these addresses of the namespace and waits until it listens.
    ///
    /// # Errors
    /// When it does not start; with its log.
    pub(crate) fn start(
        place: &Namespace,
        addresses: &[IpAddr],
        authority: &Authority,
        options: &CoturnOptions,
    ) -> Result<Self> {
        let names: Vec<String> = addresses.iter().map(|ip| format!("IP:{ip}")).collect();
        let names = format!("DNS:{},{}", SERVER_NAME, names.join(","));
        let (certificate, key) = authority.issue(&names)?;
        let folder = Scratch::new()?;
        let mut command = place.command("turnserver");
        command.args(["-n", "--no-cli", "--no-software-attribute", "--simple-log"]);
        command.args(["--log-file", "stdout", "--verbose", "--realm", REALM]);
        command.args(["--listening-port", &PORT.to_string()]);
        command.args(["--tls-listening-port", &TLS_PORT.to_string()]);
        command.args(["--min-port", "49160", "--max-port", "49960"]);
        for ip in addresses {
            command.args(["--listening-ip", &ip.to_string()]);
        }
        // One relay address of each family, that of the first listener.
        for family in [IpAddr::is_ipv4, IpAddr::is_ipv6] {
            if let Some(ip) = addresses.iter().find(|ip| family(ip)) {
                command.args(["--relay-ip", &ip.to_string()]);
            }
        }
        command
            .arg("--cert")
            .arg(certificate)
            .arg("--pkey")
            .arg(key);
        command.arg("--pidfile").arg(folder.file("pid"));
        command.arg("--userdb").arg(folder.file("users"));
        match &options.secret {
            Some(secret) => {
                command.arg("--use-auth-secret");
                command.arg(format!("--static-auth-secret={secret}"))
            }
            None => command.args(["--lt-cred-mech", "--user", &format!("{USER}:{PASSWORD}")]),
        };
        command.args(&options.more);
        let log = File::create(folder.file("log")).context("cannot create the log of coturn")?;
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("cannot start turnserver")?;
        let mut coturn = Self { child, folder };
        coturn.listens(place)?;
        Ok(coturn)
    }

    fn listens(&mut self, place: &Namespace) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        let ours = format!("pid={},", self.child.id());
        loop {
            let on = |flags: &str, port: u16| -> Result<bool> {
                let sockets = place.run(&format!("ss -Hn{flags}p sport = :{port}"))?;
                Ok(sockets.contains(&ours))
            };
            if on("lu", PORT)? && on("lt", PORT)? && on("lt", TLS_PORT)? {
                return Ok(());
            }
            let ended = self.child.try_wait()?;
            if ended.is_some() || Instant::now() > deadline {
                bail!("turnserver does not listen ({ended:?}): {}", self.log());
            }
            sleep(LOOK);
        }
    }

    /// Its process, for measuring what it costs.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read(self.log_file())
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    fn log_file(&self) -> PathBuf {
        self.folder.file("log")
    }
}

impl Drop for Coturn {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
