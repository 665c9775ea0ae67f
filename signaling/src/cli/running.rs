//! How it is run: TLS, the file of options, the end.

use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::thread::available_parallelism;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use clap::builder::BoolishValueParser;
use clap::{Args, value_parser};

use super::grammar::span;
use crate::{Acme, Tls};

/// More than any machine has processors for them.
const MOST_THREADS: i64 = 1024;

/// Where options may stand, and how it ends.
#[derive(Debug, Args)]
#[command(next_help_heading = "Running it")]
pub(super) struct RunArguments {
    /// File with more options, TOML
    ///
    /// Its keys are the long names of these options, as in max-room = 16 or origin = ["https://a", "https://b"]. What is
    /// typed wins over the environment, and that over the file. Secrets come by the environment alone, but for a password in
    /// backplane, where others cannot read the file.
    #[arg(long, value_name = "FILE", env = "SIGNALING_CONFIG", hide_env = true)]
    pub(super) config: Option<PathBuf>,

    /// Time over which clients are told of the end
    ///
    /// At SIGTERM or SIGINT /readyz says 503 and nobody comes in any more, and those who are in are told one after another,
    /// evenly over this time, so that they do not all come to the next server at once. A second signal ends it at once.
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = span)]
    #[arg(env = "SIGNALING_DRAIN", hide_env = true)]
    pub(super) drain: Duration,

    /// Threads that serve; default: half of the processors, with TLS all
    ///
    /// Two at least, where there are two processors. A message is so little work that more threads would mostly wake each
    /// other; the handshakes of TLS are much.
    #[arg(long, value_name = "N", env = "SIGNALING_THREADS", hide_env = true)]
    #[arg(value_parser = value_parser!(u16).range(1..=MOST_THREADS))]
    pub(super) threads: Option<u16>,

    /// No status line on the terminal
    ///
    /// That says how many connections and rooms there are, messages a second, and what waits. There is none either where stderr is no terminal, and with --log json.
    #[arg(long, env = "SIGNALING_NO_STATUS", hide_env = true)]
    #[arg(value_parser = BoolishValueParser::new())]
    pub(super) no_status: bool,
}

impl RunArguments {
    /// A message costs half as much again with two threads as with one: its sender's task, the switchboard and its recipient's wake each
    /// other across them. But a thread that is all there is keeps everybody waiting for whoever keeps it busy (README, `prove hostile`).
    pub(super) fn threads(&self, has_tls: bool) -> usize {
        let processors = available_parallelism().map_or(1, NonZeroUsize::get);
        let usual = if has_tls {
            processors
        } else {
            processors.div_ceil(2).max(2).min(processors)
        };
        self.threads.map_or(usual, usize::from)
    }
}

/// TLS, for `--help` in one group.
#[derive(Debug, Args)]
#[command(next_help_heading = "TLS: wss:// and https://")]
pub(super) struct TlsArguments {
    /// Certificate chain, PEM; SIGHUP reads it again
    ///
    /// The server's own certificate first. New connections see the new certificate, the present ones go on. Where it cannot be read the old one stays.
    #[arg(long, value_name = "FILE", env = "SIGNALING_TLS_CERT", hide_env = true)]
    tls_cert: Option<PathBuf>,

    /// Its private key, PEM
    #[arg(long, value_name = "FILE", env = "SIGNALING_TLS_KEY", hide_env = true)]
    tls_key: Option<PathBuf>,

    /// Name to get a certificate for, ACME (repeat)
    ///
    /// From Let's Encrypt, unless --acme-directory names another authority; that is to agree to its terms. The authority
    /// connects to port 443 of the name, which must be this server, or be forwarded to it as it comes (TLS-ALPN-01).
    #[arg(long, value_name = "DOMAIN", env = "SIGNALING_ACME", hide_env = true)]
    #[arg(value_delimiter = ',', value_parser = domain)]
    acme: Vec<String>,

    /// Where the authority writes to when something is wrong
    #[arg(
        long,
        value_name = "MAIL",
        env = "SIGNALING_ACME_EMAIL",
        hide_env = true,
        hide_short_help = true
    )]
    acme_email: Option<String>,

    /// Folder that keeps that certificate and its keys
    #[arg(
        long,
        value_name = "DIR",
        env = "SIGNALING_ACME_CACHE",
        hide_env = true
    )]
    acme_cache: Option<PathBuf>,

    /// Another authority; default: Let's Encrypt
    ///
    /// Its certificate is checked against the authorities of the system, or those in the file that SSL_CERT_FILE names.
    #[arg(
        long,
        value_name = "URL",
        env = "SIGNALING_ACME_DIRECTORY",
        hide_env = true
    )]
    #[arg(hide_short_help = true)]
    acme_directory: Option<String>,
}

/// A name in the DNS that a certificate can be asked for: RFC 1035 section 2.3.1, with digits in front as RFC 1123 has it.
fn domain(text: &str) -> Result<String, String> {
    let is_label = |label: &str| {
        let fits = (1..=63).contains(&label.len());
        fits && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    let fits = text.len() <= 253 && text.parse::<IpAddr>().is_err();
    let is_name = fits && text.contains('.') && text.split('.').all(is_label);
    is_name
        .then(|| text.to_ascii_lowercase())
        .ok_or_else(|| "not a name in the DNS: write peer.example.org".to_owned())
}

impl TlsArguments {
    pub(super) fn is_asked_for(&self) -> bool {
        self.tls_cert.is_some() || !self.acme.is_empty()
    }

    pub(super) fn tls(&self) -> anyhow::Result<Option<Tls>> {
        if let Some(acme) = self.acme()? {
            return Tls::from_acme(&acme).map(Some);
        }
        match (&self.tls_cert, &self.tls_key) {
            (None, None) => Ok(None),
            (Some(certificate), Some(key)) => Tls::from_files(certificate, key).map(Some),
            (Some(_), None) => bail!("--tls-cert is nothing without its key: add --tls-key"),
            (None, Some(_)) => {
                bail!("--tls-key is nothing without its certificate: add --tls-cert")
            }
        }
    }

    fn acme(&self) -> anyhow::Result<Option<Acme>> {
        let Some(domain) = self.acme.first() else {
            return self.without_acme();
        };
        ensure!(
            self.tls_cert.is_none() && self.tls_key.is_none(),
            "--acme {domain} gets a certificate, and --tls-cert has one: leave one of them out"
        );
        let cache = self.acme_cache.clone().with_context(|| {
            format!("--acme {domain} would ask for a new certificate at every start, which authorities limit: add --acme-cache DIR")
        })?;
        let directory = self.acme_directory.clone();
        Ok(Some(Acme {
            domains: self.acme.clone(),
            email: self.acme_email.clone(),
            cache,
            directory: directory.unwrap_or_else(|| Acme::DIRECTORY.to_owned()),
        }))
    }

    /// What is said about a certificate that nobody asks for is a mistake.
    fn without_acme(&self) -> anyhow::Result<Option<Acme>> {
        for (option, is_given) in [
            ("--acme-email", self.acme_email.is_some()),
            ("--acme-cache", self.acme_cache.is_some()),
            ("--acme-directory", self.acme_directory.is_some()),
        ] {
            ensure!(!is_given, "{option} is nothing without --acme: add it");
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use clap::Parser;

    use super::*;
    use crate::cli::Arguments;

    #[test]
    fn threads_are_as_many_as_are_asked_for_and_at_least_one() {
        let threads = |line: &str| {
            let arguments = Arguments::try_parse_from(line.split(' ')).unwrap();
            arguments.threads()
        };
        let (few, many) = (
            threads("signaling"),
            threads("signaling --tls-cert c --tls-key k"),
        );
        assert!(few >= 1 && (many / 2..=many).contains(&few), "{few} {many}");
        assert_eq!(threads("signaling --threads 3"), 3);
        for bad in ["0", "1025", "-1", "many"] {
            assert!(Arguments::try_parse_from(["signaling", "--threads", bad]).is_err());
        }
    }

    #[test]
    fn domains_are_names() {
        assert_eq!(domain("Peer.example.ORG"), Ok("peer.example.org".into()));
        assert_eq!(
            domain("xn--bcher-kva.example"),
            Ok("xn--bcher-kva.example".into())
        );
        for bad in [
            "",
            "localhost",
            "192.0.2.1",
            "::1",
            "a..b",
            "*.example.org",
            "a_b.example",
            ".a.b",
            "https://a.b",
        ] {
            assert!(domain(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_does_not_go_together_is_explained() {
        for (line, said) in [
            ("--acme a.example", "add --acme-cache DIR"),
            ("--acme-email a@b", "--acme-email is nothing without --acme"),
            ("--acme-cache d", "--acme-cache is nothing without --acme"),
            (
                "--acme-directory https://a/d",
                "--acme-directory is nothing without --acme",
            ),
            (
                "--acme-directory https://a/d --tls-cert c --tls-key k",
                "without --acme",
            ),
            (
                "--acme a.example --tls-cert c --tls-key k",
                "leave one of them out",
            ),
            ("--tls-cert c", "add --tls-key"),
            ("--tls-key k", "add --tls-cert"),
        ] {
            let line = format!("signaling {line}");
            let arguments = Arguments::try_parse_from(line.split(' ')).unwrap();
            let why = arguments.tls().unwrap_err().to_string();
            assert!(why.contains(said), "{line}: {why}");
        }
    }
}
