//! How it is run: TLS, the file of options, the end.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::bail;
use clap::Args;

use super::grammar::span;
use crate::Tls;

/// Where options may stand, and how it ends.
#[derive(Debug, Args)]
#[command(next_help_heading = "Running it")]
pub(super) struct RunArguments {
    /// File with more options, TOML
    ///
    /// Its keys are the long names of these options, as in max-room = 16 or origin = ["https://a", "https://b"]. What is
    /// typed wins over the environment, and that over the file. Secrets come by the environment alone.
    #[arg(long, value_name = "FILE", env = "SIGNALING_CONFIG", hide_env = true)]
    pub(super) config: Option<PathBuf>,

    /// Over how long clients are told of the end, as in 30s
    ///
    /// At SIGTERM or SIGINT /readyz says 503 and nobody comes in any more, and those who are in are told one after another,
    /// evenly over this time, so that they do not all come to the next server at once. A second signal ends it at once.
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = span)]
    #[arg(env = "SIGNALING_DRAIN", hide_env = true)]
    pub(super) drain: Duration,

    /// No line on the terminal that says how the server does
    ///
    /// There is none either where stderr is no terminal, and with --log json.
    #[arg(long, env = "SIGNALING_NO_STATUS", hide_env = true)]
    pub(super) no_status: bool,
}

/// TLS, for `--help` in one group.
#[derive(Debug, Args)]
#[command(next_help_heading = "TLS: wss:// and https://")]
pub(super) struct TlsArguments {
    /// Certificate chain, its own first, PEM; SIGHUP reads it again
    ///
    /// New connections see the new certificate, the present ones go on. Where it cannot be read the old one stays.
    #[arg(long, value_name = "FILE", env = "SIGNALING_TLS_CERT", hide_env = true)]
    tls_cert: Option<PathBuf>,

    /// Its private key, PEM
    #[arg(long, value_name = "FILE", env = "SIGNALING_TLS_KEY", hide_env = true)]
    tls_key: Option<PathBuf>,
}

impl TlsArguments {
    pub(super) fn tls(&self) -> anyhow::Result<Option<Tls>> {
        match (&self.tls_cert, &self.tls_key) {
            (None, None) => Ok(None),
            (Some(certificate), Some(key)) => Tls::from_files(certificate, key).map(Some),
            (Some(_), None) => bail!("--tls-cert is nothing without its key: add --tls-key"),
            (None, Some(_)) => {
                bail!("--tls-key is nothing without its certificate: add --tls-cert")
            }
        }
    }
}
