//! The options of the relay, ours and others.

use std::net::{IpAddr, SocketAddr};

use anyhow::bail;
use clap::builder::BoolishValueParser;

use super::TURN_SECRET;
use super::grammar::{Switch, switch};
use crate::RelayOptions;
use crate::relay::{DEFAULT_PORT, turn_url};

/// URLs of relays elsewhere, and characters of all of them: they stand in every `welcome`.
const MAX_TURN_URLS: usize = 16;
const MAX_TURN_CHARS: usize = 2048;

/// STUN and TURN, for `--help` in one group.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Relay, for peers without a direct path")]
pub(super) struct RelayArguments {
    /// Be a STUN and TURN server, too; default: port 3478 of --listen
    ///
    /// By UDP and TCP. Every peer.v1 client is given its URLs and credentials of its own, good for 24 hours. Relayed
    /// addresses take ports that the system picks: they must be reachable by UDP from outside.
    #[arg(long, value_name = "ADDR:PORT", env = "SIGNALING_RELAY", num_args = 0..=1)]
    #[arg(default_missing_value = "on", value_parser = switch, hide_env = true)]
    relay: Option<Switch>,

    /// Address under which the world reaches the relay (repeat for IPv6)
    ///
    /// For a machine behind a NAT that forwards to it, and for one with many addresses. The default is the address that is
    /// bound; on a wildcard, the name or address in the client's request.
    #[arg(long, value_name = "IP", env = "SIGNALING_RELAY_IP", hide_env = true)]
    #[arg(value_delimiter = ',')]
    relay_ip: Vec<IpAddr>,

    /// Relay to private and loopback addresses, too
    ///
    /// Whoever has credentials then reaches this machine and its network through the relay. Without it only public
    /// addresses are relayed to, and the relay's own.
    #[arg(long, env = "SIGNALING_RELAY_ALLOW_PRIVATE", hide_env = true)]
    #[arg(value_parser = BoolishValueParser::new())]
    relay_allow_private: bool,

    /// Relay elsewhere that clients are told of (repeat)
    ///
    /// Such as turn:relay.example:3478 or turns:relay.example:5349. It must share the secret SIGNALING_TURN_SECRET: coturn
    /// with use-auth-secret does. Clients get credentials for it that are good for 24 hours.
    #[arg(long, value_name = "URL", env = "SIGNALING_TURN_URL", hide_env = true)]
    #[arg(value_delimiter = ',', value_parser = turn_url)]
    turn_url: Vec<String>,
}

impl RelayArguments {
    /// Whether there is a relay that takes credentials, here or elsewhere.
    pub(super) fn is_told(&self) -> bool {
        !self.turn_url.is_empty() || self.relay.is_some_and(|relay| relay != Switch::Off)
    }

    /// The relays elsewhere, if they can be used.
    pub(super) fn turn_urls(&self, have_secret: bool) -> anyhow::Result<Vec<String>> {
        let urls = &self.turn_url;
        if let Some(url) = urls.first().filter(|_| !have_secret) {
            bail!(
                "--turn-url {url} needs the secret that it shares with that relay: set {TURN_SECRET}"
            );
        }
        let (count, chars) = (urls.len(), urls.iter().map(String::len).sum::<usize>());
        if count > MAX_TURN_URLS || chars > MAX_TURN_CHARS {
            bail!(
                "{count} --turn-url with {chars} characters are too many: at most {MAX_TURN_URLS} and {MAX_TURN_CHARS}"
            );
        }
        Ok(urls.clone())
    }

    /// The embedded relay with the usual limits, if there is to be one.
    pub(super) fn options(&self, signaling: SocketAddr) -> anyhow::Result<Option<RelayOptions>> {
        let listen = match self.relay {
            None if self.relay_allow_private || !self.relay_ip.is_empty() => {
                bail!("--relay-ip and --relay-allow-private are nothing without --relay: add it")
            }
            None | Some(Switch::Off) => return Ok(None),
            Some(Switch::On) => SocketAddr::new(signaling.ip(), DEFAULT_PORT),
            Some(Switch::At(addr)) => addr,
        };
        let ips = &self.relay_ip;
        if let Some(ip) = ips.iter().find(|ip| ip.is_unspecified()) {
            bail!("--relay-ip {ip} is no address that anybody can reach: name the public one");
        }
        if ips.len() > 2 || (ips.len() == 2 && ips[0].is_ipv4() == ips[1].is_ipv4()) {
            bail!(
                "--relay-ip is given {} times: once for IPv4 and once for IPv6 at most",
                ips.len()
            );
        }
        Ok(Some(RelayOptions {
            ips: ips.clone(),
            allow_private: self.relay_allow_private,
            ..RelayOptions::at(listen)
        }))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use clap::Parser;
    use shared::Secret;

    use super::*;
    use crate::cli::{Arguments, Secrets};

    fn relay(line: &str) -> anyhow::Result<Option<RelayOptions>> {
        Arguments::try_parse_from(line.split(' '))
            .unwrap()
            .relay_options()
    }

    #[test]
    fn a_relay_is_where_signaling_is_unless_it_is_told() {
        let at = |addr: &str| Some(RelayOptions::at(addr.parse().unwrap()));
        assert_eq!(relay("signaling --relay").unwrap(), at("127.0.0.1:3478"));
        assert_eq!(
            relay("signaling --relay on --json").unwrap(),
            at("127.0.0.1:3478")
        );
        assert_eq!(
            relay("signaling --relay --listen 0.0.0.0:1").unwrap(),
            at("0.0.0.0:3478")
        );
        assert_eq!(relay("signaling --relay [::1]:0").unwrap(), at("[::1]:0"));
        assert_eq!(relay("signaling --relay off").unwrap(), None);
        let line = "signaling --relay --relay-ip 192.0.2.1 --relay-ip 2001:db8::1 --relay-allow-private \
                    --max-allocations 3 --max-allocations-per-peer 2 --max-relay-rate 1M/s";
        let options = relay(&line.split_whitespace().collect::<Vec<_>>().join(" "))
            .unwrap()
            .unwrap();
        assert_eq!(options.ips.len(), 2);
        assert!(options.allow_private);
        let limits = (
            options.max_allocations,
            options.max_allocations_per_user,
            options.max_rate,
        );
        assert_eq!(limits, (3, 2, 1 << 20));
    }

    #[test]
    fn relay_options_that_cannot_be_are_explained() {
        let twice =
            relay("signaling --relay --relay-ip 192.0.2.1 --relay-ip 192.0.2.2").unwrap_err();
        assert!(twice.to_string().contains("2 times"), "{twice}");
        for alone in [
            "signaling --relay-ip 192.0.2.1",
            "signaling --relay-allow-private",
        ] {
            let error = relay(alone).unwrap_err().to_string();
            assert!(error.contains("without --relay"), "{error}");
        }
        let nowhere = relay("signaling --relay --relay-ip ::").unwrap_err();
        assert!(nowhere.to_string().contains("--relay-ip ::"), "{nowhere}");
        let elsewhere = "signaling --turn-url turn:relay.example:3478";
        let elsewhere = Arguments::try_parse_from(elsewhere.split(' ')).unwrap();
        let error = elsewhere.server_options(Secrets::default()).unwrap_err();
        let error = error.to_string();
        assert!(
            error.contains("turn:relay.example:3478") && error.contains(TURN_SECRET),
            "{error}"
        );
        let secrets = || Secrets {
            turn: Some(Secret::new("s")),
            ..Secrets::default()
        };
        let options = elsewhere.server_options(secrets()).unwrap();
        assert_eq!(options.turn_urls, ["turn:relay.example:3478"]);
        let many = format!("signaling{}", " --turn-url turn:a".repeat(17));
        let many = Arguments::try_parse_from(many.split(' ')).unwrap();
        assert!(many.server_options(secrets()).is_err());
    }
}
