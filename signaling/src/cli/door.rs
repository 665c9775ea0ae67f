//! Proxies in front of the door, how much each client may bring through it and how long it may take, and who asks how it is.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::ensure;
use clap::Args;

use super::grammar::{address, size, size_rate, span};
use crate::forwarded::Network;
use crate::limits::{BURST, MOST_FRAME};
use crate::{Limits, ServerOptions};

#[derive(Debug, Args)]
pub(super) struct DoorArguments {
    /// Reverse proxy whose X-Forwarded-For or Forwarded counts (repeat)
    ///
    /// An address, or a network such as 10.0.0.0/8. A client's address is then the last one in that chain that is none of
    /// these proxies. Scheme and host of the URLs that this server tells are those of X-Forwarded-Proto and X-Forwarded-Host,
    /// or of Forwarded (RFC 7239). The same headers of others are ignored.
    #[arg(long, value_name = "ADDR|CIDR", env = "SIGNALING_TRUST_PROXY")]
    #[arg(hide_env = true, value_delimiter = ',')]
    #[arg(help_heading = "Who may come in")]
    trust_proxy: Vec<Network>,

    /// Tell /metrics, /healthz and /readyz here, to everybody
    ///
    /// Then --listen has no /metrics any more. Without it /metrics is there, for this machine alone.
    #[arg(
        long,
        value_name = "ADDR:PORT",
        env = "SIGNALING_METRICS",
        hide_env = true,
        help_heading = "Seen from outside",
        value_parser = address
    )]
    pub(super) metrics: Option<SocketAddr>,

    /// Connections that are no WebSocket yet, at once
    #[arg(long, value_name = "N", default_value = "4096")]
    #[arg(env = "SIGNALING_MAX_HALF_OPEN", hide_env = true)]
    #[arg(help_heading = LIMITS)]
    max_half_open: usize,

    /// Bytes a second from one client (burst: 4 s)
    #[arg(long, value_name = "SIZE/s", default_value = "256k/s", value_parser = size_rate)]
    #[arg(env = "SIGNALING_MAX_BYTES", hide_env = true, help_heading = LIMITS)]
    max_bytes: u32,

    /// Bytes that may wait for all clients together
    ///
    /// The nearer it comes, the less may wait for one client before it is closed as too slow; 64k always may.
    #[arg(long, value_name = "SIZE", default_value = "256M", value_parser = size)]
    #[arg(env = "SIGNALING_MAX_QUEUED", hide_env = true, help_heading = LIMITS)]
    max_queued: usize,

    /// To become a WebSocket
    ///
    /// Less while more than half of --max-half-open connections are none.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = patience)]
    #[arg(env = "SIGNALING_HTTP_TIMEOUT", hide_env = true, help_heading = TIMES)]
    http_timeout: Duration,

    /// To say hello, which opens peer.v1
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = patience)]
    #[arg(env = "SIGNALING_HELLO_TIMEOUT", hide_env = true, help_heading = TIMES)]
    hello_timeout: Duration,

    /// Between two messages; default: for ever
    ///
    /// An answer to a ping is no message: who waits for a call says nothing, perhaps for days.
    #[arg(long, value_name = "TIME", value_parser = patience)]
    #[arg(env = "SIGNALING_IDLE_TIMEOUT", hide_env = true, help_heading = TIMES)]
    idle_timeout: Option<Duration>,
}

/// The heading of the other limits.
const LIMITS: &str = "Limits (0 = none)";
const TIMES: &str = "How long a client may take";

impl DoorArguments {
    /// Puts them where they belong.
    pub(super) fn apply(&self, options: &mut ServerOptions) -> anyhow::Result<()> {
        let frame = options.limits.max_frame;
        ensure!(
            frame <= MOST_FRAME,
            "--max-frame {frame}: at most 16M (0 is as much), since space is made for a frame before it comes"
        );
        let burst = self.max_bytes as usize * BURST;
        ensure!(
            burst == 0 || frame <= burst,
            "--max-bytes {}/s never lets a --max-frame of {frame} bytes through: at least {}/s, or 0",
            self.max_bytes,
            frame.div_ceil(BURST)
        );
        options.limits = Limits {
            max_half_open: self.max_half_open,
            max_bytes: self.max_bytes,
            max_queued: self.max_queued,
            ..options.limits.clone()
        };
        options.trusted_proxies.clone_from(&self.trust_proxy);
        options.http_timeout = self.http_timeout;
        options.hello_timeout = self.hello_timeout;
        options.idle_timeout = self.idle_timeout;
        Ok(())
    }

    /// A warning, if whoever connects is believed to be whom it likes.
    pub(super) fn too_trusting(&self) -> Option<&'static str> {
        let everybody = self.trust_proxy.iter().any(Network::is_everything);
        everybody.then_some(
            "--trust-proxy covers every address: any client can claim any other address, so limits by address do not hold",
        )
    }
}

/// A time in which something can be done.
fn patience(text: &str) -> Result<Duration, String> {
    match span(text)? {
        Duration::ZERO => Err("nobody can be as quick as that".to_owned()),
        time => Ok(time),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use clap::Parser;

    use super::*;
    use crate::cli::{Arguments, Secrets};

    #[test]
    fn trust_in_everybody_is_worth_a_word() {
        let warnings = |line: &str| {
            let arguments = Arguments::try_parse_from(line.split_whitespace()).unwrap();
            arguments.warnings(&Secrets::default()).join(" ")
        };
        assert_eq!(warnings("signaling --trust-proxy 10.0.0.0/8,::1"), "");
        for everybody in ["0.0.0.0/0", "::/0", "10.0.0.1,0.0.0.0/0"] {
            let told = warnings(&format!("signaling --trust-proxy {everybody}"));
            assert!(told.contains("every address"), "{everybody}: {told}");
        }
    }

    fn options(line: &str) -> anyhow::Result<ServerOptions> {
        let arguments = Arguments::try_parse_from(line.split_whitespace())?;
        arguments.server_options(Secrets::default())
    }

    #[test]
    fn they_reach_the_server() {
        let line = "signaling --trust-proxy 10.0.0.0/8,::1 --trust-proxy 192.0.2.1 --max-bytes 64k/s --max-half-open 0 \
                    --max-queued 1M --http-timeout 500ms --hello-timeout 1m --idle-timeout 1h";
        let options = options(line).unwrap();
        assert_eq!(options.trusted_proxies.len(), 3);
        let limits = options.limits;
        assert_eq!(
            (limits.max_bytes, limits.max_half_open, limits.max_queued),
            (64 << 10, 0, 1 << 20)
        );
        let times = (
            options.http_timeout.as_millis(),
            options.hello_timeout.as_secs(),
        );
        assert_eq!(times, (500, 60));
        assert_eq!(options.idle_timeout, Some(Duration::from_secs(3600)));
    }

    #[test]
    fn what_cannot_be_is_explained() {
        for (line, named) in [
            ("signaling --trust-proxy localhost", "localhost"),
            ("signaling --trust-proxy 10.0.0.0/40", "10.0.0.0/40"),
            ("signaling --max-bytes 15k/s", "--max-frame of 65536"),
            ("signaling --max-frame 17M --max-bytes 0", "at most 16M"),
            ("signaling --idle-timeout 0s", "0s"),
            ("signaling --http-timeout soon", "soon"),
            ("signaling --metrics 9090", "9090"),
        ] {
            let error = options(line).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
        assert!(options("signaling --max-bytes 16k/s").is_ok());
        assert!(options("signaling --max-bytes 0").is_ok());
    }
}
