//! Which paths to look for: `--stun`, `--turn` and what goes with them.

use super::super::groups::{IceArgs, ImpairArgs, NetworkArgs};
use super::super::options::{NetworkOptions, Stun};
use crate::checks::{Check, ChecksOptions};
use crate::rtc::{RelayPolicy, TurnServer};

/// Servers of the default `--stun`.
const DEFAULT_STUN: [&str; 2] = [
    "stun:stun.l.google.com:19302",
    "stun:stun2.l.google.com:19302",
];

/// Where the password for `--turn` comes from: never from the command line, which others can read.
const TURN_PASSWORD: &str = "PEER_TURN_PASSWORD";

/// Any number would do; a fixed one makes runs repeatable.
const DEFAULT_SEED: u64 = 1;

pub(super) fn network(
    args: NetworkArgs,
    impair: ImpairArgs,
    server_is_loopback: bool,
) -> Result<NetworkOptions, String> {
    // Who names addresses gets those and no other, unless it is asked for.
    let loopback = args.loopback || (server_is_loopback && args.bind.is_empty());
    let turn = turn(&args.ice)?;
    let relay = match (args.relay_only, args.no_relay) {
        (true, _) => RelayPolicy::Only,
        (_, true) => RelayPolicy::Never,
        _ => RelayPolicy::Allowed,
    };
    if relay == RelayPolicy::Never && !turn.is_empty() {
        return Err("--no-relay and --turn do not go together (leave one out)".to_owned());
    }
    Ok(NetworkOptions {
        stun: stun(&args.ice.stun)?,
        turn,
        relay,
        bind: args.bind,
        loopback,
        ..quiet_network(impair)
    })
}

/// Nothing but 127.0.0.1.
pub(super) fn quiet_network(args: ImpairArgs) -> NetworkOptions {
    NetworkOptions {
        stun: Stun::Off,
        turn: Vec::new(),
        relay: RelayPolicy::Never,
        bind: Vec::new(),
        loopback: true,
        impair: args.impair,
        impair_seed: args.impair_seed.unwrap_or(DEFAULT_SEED),
    }
}

/// The servers of `--turn`.
pub(super) fn turn(args: &IceArgs) -> Result<Vec<TurnServer>, String> {
    let urls = args.turn.iter().map(String::as_str);
    let urls: Vec<&str> = urls.filter(|url| !url.is_empty()).collect();
    turn_servers(&urls, args.turn_user.as_deref())
}

fn turn_servers(urls: &[&str], user: Option<&str>) -> Result<Vec<TurnServer>, String> {
    let user = user.filter(|user| !user.is_empty());
    if urls.is_empty() {
        return Ok(Vec::new());
    }
    let password = std::env::var(TURN_PASSWORD).unwrap_or_default();
    match user {
        Some(user) if password.is_empty() => {
            return Err(format!(
                "--turn-user {user} needs a password: set {TURN_PASSWORD} in the environment"
            ));
        }
        None if !password.is_empty() => {
            return Err(format!(
                "{TURN_PASSWORD} is set, but nobody to use it (give --turn-user)"
            ));
        }
        _ => {}
    }
    let secret = shared::Secret::new(password);
    urls.iter()
        .map(|url| {
            TurnServer::new(url, user.unwrap_or_default(), secret.clone())
                .map_err(|reason| format!("--turn: {reason}"))
        })
        .collect()
}

/// The servers of `--stun`.
pub(super) fn stun(urls: &[String]) -> Result<Stun, String> {
    match urls {
        // As for the server, an empty environment variable is none.
        [empty] if empty.is_empty() => stun(&[]),
        [off] if off == "off" => Ok(Stun::Off),
        urls if urls.iter().any(|url| url == "off") => {
            Err("--stun off and a STUN server do not go together (leave one out)".to_owned())
        }
        [] => servers(DEFAULT_STUN.iter().copied()),
        urls => servers(urls.iter().map(String::as_str)),
    }
}

fn servers<'a>(urls: impl Iterator<Item = &'a str>) -> Result<Stun, String> {
    let server = |url: &str| url.parse().map_err(|reason| format!("--stun: {reason}"));
    Ok(Stun::Servers(
        urls.map(server).collect::<Result<_, String>>()?,
    ))
}

/// A path that is not looked for cannot be expected.
pub(super) fn fits(checks: &ChecksOptions, relay: RelayPolicy) -> Result<(), String> {
    let expects = |wanted: fn(&Check) -> bool| checks.expect.iter().any(wanted);
    match relay {
        RelayPolicy::Only if expects(|check| matches!(check, Check::Direct)) => {
            Err("--expect direct can never be met with --relay-only (leave one out)".to_owned())
        }
        RelayPolicy::Never if expects(|check| matches!(check, Check::Relay)) => {
            Err("--expect relay can never be met with --no-relay (leave one out)".to_owned())
        }
        _ => Ok(()),
    }
}
