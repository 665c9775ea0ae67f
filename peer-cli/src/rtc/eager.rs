//! Nominations that come too early. A browser that calls nominates every path that works, each better one anew (the aggressive
//! nomination of RFC 5245 8.1.1.2), and the webrtc crate keeps the first: so those of relayed paths wait while a direct one may turn
//! up. A peer that nominates once (RFC 8445 8.1.1), as ours does, has waited itself and is not held up.
//!
//! And ours, where the other side has begun anew and does not have our answer yet: Firefox answers all checks of such a time and
//! remembers but the first from each address, so that a nomination behind it is confirmed and lost. It would go on sending to where
//! we were before, and nothing would tell us.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::tally::is_check;

/// How long a direct path has, from the first check that comes. Chromium checks a pair every 48 ms, one after the other, and there
/// are sixteen of them between two machines with a relay each.
const DIRECT_FIRST: Duration = Duration::from_millis(800);
/// And once a check of theirs has come directly, which shows that there is such a path.
const DIRECT_WORKS: Duration = Duration::from_secs(3);
/// A check through their relay may be faster than the candidate of it, which comes through the server.
const STRANGER: Duration = Duration::from_millis(250);
/// How long our answer may be on its way; who is "lite" (RFC 8445 2.5) never shows that it has come.
const ANSWER: Duration = Duration::from_secs(3);
/// Addresses of each kind that are remembered.
const MAX_ADDRESSES: usize = 64;
/// Length of a STUN header (RFC 8489 5), and of that of ChannelData (RFC 8656 12.4), bytes.
const HEADER: usize = 20;
const CHANNEL_HEADER: usize = 4;
/// The first bytes of what a relay takes and brings: Send and Data indications.
const SEND_INDICATION: [u8; 2] = [0x00, 0x16];
const DATA_INDICATION: [u8; 2] = [0x00, 0x17];
/// Attributes: RFC 8445 16.1, RFC 8656 18.4.
const USE_CANDIDATE: u16 = 0x0025;
const USERNAME: u16 = 0x0006;
const DATA: u16 = 0x0013;

/// What is known of the other side; clones are the same.
#[derive(Clone, Debug)]
// Never held across an await.
pub(super) struct Eager(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    /// Whether nothing but a relay is wanted, so that nothing better turns up.
    relay_only: bool,
    /// Of its credentials: others begin anew (RFC 8445 9).
    ufrag: String,
    /// Its candidates at relays.
    relayed: BTreeSet<SocketAddr>,
    /// Whether it has any other, and where.
    has_direct: bool,
    direct: BTreeSet<IpAddr>,
    /// Who is neither, and since when.
    strangers: BTreeMap<SocketAddr, Instant>,
    /// When its first check came, and whether that one nominated.
    first: Option<(Instant, bool)>,
    /// Whether one came that was not relayed.
    direct_works: bool,
    /// Since when our answer to these credentials has been on its way; nothing once it has come.
    answering: Option<Instant>,
}

impl Eager {
    pub(super) fn new(relay_only: bool) -> Self {
        Self(Arc::new(Mutex::new(Known {
            relay_only,
            ..Known::default()
        })))
    }

    /// An offer of the other side. If it begins anew, our nominations wait until it has our answer.
    pub(super) fn offered(&self, sdp: &str, now: Instant) {
        let before = self.known().ufrag.clone();
        self.described(sdp);
        let mut known = self.known();
        if !before.is_empty() && known.ufrag != before {
            known.answering = Some(now);
        }
    }

    /// A description of the other side, with its credentials and the candidates in it.
    pub(super) fn described(&self, sdp: &str) {
        let mut lines = sdp.lines();
        if let Some(ufrag) = lines.find_map(|line| line.strip_prefix("a=ice-ufrag:")) {
            let mut known = self.known();
            if known.ufrag != ufrag {
                *known = Known {
                    relay_only: known.relay_only,
                    ufrag: ufrag.to_owned(),
                    ..Known::default()
                };
            }
        }
        let candidates = sdp.lines().filter_map(|line| line.strip_prefix("a="));
        candidates
            .filter(|line| line.starts_with("candidate:"))
            .for_each(|line| self.know(line));
    }

    /// A candidate of the other side, as it stands in SDP (RFC 8839 5.1).
    pub(super) fn know(&self, candidate: &str) {
        let words: Vec<&str> = candidate.split_whitespace().collect();
        let [_, _, transport, _, address, port, _, kind, ..] = words[..] else {
            return;
        };
        let mut known = self.known();
        let address = address.parse::<IpAddr>();
        if kind != "relay" {
            known.has_direct |= transport.eq_ignore_ascii_case("udp");
            if let Ok(address) = address
                && known.direct.len() < MAX_ADDRESSES
            {
                known.direct.insert(address);
            }
        } else if let (Ok(address), Ok(port)) = (address, port.parse())
            && known.relayed.len() < MAX_ADDRESSES
        {
            known.relayed.insert(SocketAddr::new(address, port));
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of what came: a check of now has our credentials in it, and they were in our answer.
    pub(super) fn hears(&self, datagram: &[u8]) {
        let (check, _) = unwrapped(datagram);
        if is_check(check) {
            let mut known = self.known();
            if known.is_of_now(check) {
                known.answering = None;
            }
        }
    }

    /// Whether what is to leave nominates a path while our answer is on its way. It will be repeated.
    pub(super) fn is_too_early(&self, datagram: &[u8], now: Instant) -> bool {
        let (check, _) = unwrapped(datagram);
        if !is_check(check) || attribute(check, USE_CANDIDATE).is_none() {
            return false;
        }
        let since = self.known().answering;
        since.is_some_and(|since| now.duration_since(since) < ANSWER)
    }

    /// Whether what came from there nominates a relayed path while a direct one may still turn up. It will be repeated.
    pub(super) fn has_to_wait(&self, from: SocketAddr, datagram: &[u8], now: Instant) -> bool {
        let (check, ours) = unwrapped(datagram);
        if !is_check(check) {
            return false;
        }
        let nominates = attribute(check, USE_CANDIDATE).is_some();
        let mut known = self.known();
        if !known.is_of_now(check) {
            return false;
        }
        let (since, eager) = *known.first.get_or_insert((now, nominates));
        let relayed = ours || known.relayed.contains(&from) || known.is_strange(from, now);
        known.direct_works |= !relayed;
        let limit = if known.direct_works {
            DIRECT_WORKS
        } else {
            DIRECT_FIRST
        };
        let waits = eager && known.has_direct && !known.relay_only;
        nominates && relayed && waits && now.duration_since(since) < limit
    }
}

impl Known {
    /// Whether a check is one of the credentials of now: those of before a restart still come for a while.
    fn is_of_now(&self, check: &[u8]) -> bool {
        let username = attribute(check, USERNAME).unwrap_or_default();
        self.ufrag.is_empty()
            || username
                .strip_suffix(self.ufrag.as_bytes())
                .is_some_and(|ours| ours.ends_with(b":"))
    }

    /// Whether an address may yet turn out to be that of a relay. No relay is at home in a private network.
    fn is_strange(&mut self, from: SocketAddr, now: Instant) -> bool {
        let ip = from.ip().to_canonical();
        if self.direct.contains(&ip) || is_private(ip) {
            return false;
        }
        if self.strangers.len() >= MAX_ADDRESSES && !self.strangers.contains_key(&from) {
            return false;
        }
        let since = *self.strangers.entry(from).or_insert(now);
        now.duration_since(since) < STRANGER
    }
}

fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_private() || ip.is_link_local() || ip.is_loopback(),
        IpAddr::V6(ip) => ip.is_unique_local() || ip.is_unicast_link_local() || ip.is_loopback(),
    }
}

/// What arrives in the end, and whether a relay of ours passes it on.
fn unwrapped(datagram: &[u8]) -> (&[u8], bool) {
    let inner = if datagram.starts_with(&SEND_INDICATION) || datagram.starts_with(&DATA_INDICATION)
    {
        attribute(datagram, DATA)
    } else if matches!(datagram.first(), Some(0x40..0x50)) {
        datagram.get(CHANNEL_HEADER..)
    } else {
        None
    };
    inner.map_or((datagram, false), |inner| (inner, true))
}

/// The value of the first attribute of this type (RFC 8489 14).
fn attribute(message: &[u8], wanted: u16) -> Option<&[u8]> {
    let mut rest = message.get(HEADER..)?;
    loop {
        let (head, tail) = rest.split_at_checked(4)?;
        let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
        if u16::from_be_bytes([head[0], head[1]]) == wanted {
            return tail.get(..length);
        }
        rest = tail.get(length.next_multiple_of(4)..)?;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The first bytes of a Binding request.
    const BINDING: [u8; 2] = [0x00, 0x01];
    const HOST: &str = "candidate:1 1 udp 2122260223 192.168.1.10 60889 typ host";
    const RELAY: &str =
        "candidate:2 1 udp 41885439 203.0.113.1 45011 typ relay raddr 0.0.0.0 rport 0";

    fn at(address: &str) -> SocketAddr {
        address.parse().unwrap()
    }

    fn check_by(by: u8, nominates: bool) -> Vec<u8> {
        let mut check = [&BINDING[..], &[0; HEADER - 2]].concat();
        // USERNAME of three bytes, padded.
        check.extend([0x00, 0x06, 0x00, 0x03, b'a', b':', by, 0]);
        if nominates {
            check.extend([0x00, 0x25, 0x00, 0x00]);
        }
        check
    }

    fn check(nominates: bool) -> Vec<u8> {
        check_by(b'b', nominates)
    }

    fn eager(candidates: &[&str]) -> Eager {
        let eager = Eager::new(false);
        candidates.iter().for_each(|line| eager.know(line));
        eager
    }

    #[test]
    fn a_relayed_path_waits_and_a_direct_one_does_not() {
        let (relay, direct) = (at("203.0.113.1:45011"), at("192.168.1.10:60889"));
        let (now, eager) = (Instant::now(), eager(&[HOST, RELAY]));
        assert!(eager.has_to_wait(relay, &check(true), now));
        assert!(!eager.has_to_wait(relay, &check(false), now));
        assert!(!eager.has_to_wait(relay, &check(true), now + DIRECT_FIRST));
        // A direct one works, and will be nominated before long.
        assert!(!eager.has_to_wait(direct, &check(true), now));
        assert!(eager.has_to_wait(relay, &check(true), now + DIRECT_FIRST));
        assert!(!eager.has_to_wait(relay, &check(true), now + DIRECT_WORKS));
    }

    #[test]
    fn a_relay_whose_candidate_comes_after_its_check_waits_too() {
        let (relay, now) = (at("203.0.113.1:45011"), Instant::now());
        let eager = eager(&[HOST]);
        assert!(eager.has_to_wait(relay, &check(true), now));
        eager.know(RELAY);
        assert!(eager.has_to_wait(relay, &check(true), now + STRANGER));
    }

    #[test]
    fn who_comes_from_a_place_that_nobody_named_waits_but_a_moment() {
        let (stranger, now) = (at("198.51.100.7:4711"), Instant::now());
        let eager = eager(&[HOST]);
        assert!(eager.has_to_wait(stranger, &check(true), now));
        assert!(!eager.has_to_wait(stranger, &check(true), now + STRANGER));
        // Behind a name of multicast DNS (RFC 8828), or a NAT with a port for each destination.
        for known in ["10.1.2.3:4711", "127.0.0.1:4711", "192.168.1.10:4711"] {
            assert!(!eager.has_to_wait(at(known), &check(true), now), "{known}");
        }
    }

    #[test]
    fn what_comes_through_a_relay_of_ours_waits_too() {
        let (server, now) = (at("203.0.113.1:3478"), Instant::now());
        let check = check(true);
        let channel = [&[0x40, 0x01, 0, check.len() as u8][..], &check].concat();
        let data = [&[0x00, 0x13, 0, check.len() as u8][..], &check].concat();
        let indication = [&DATA_INDICATION[..], &[0; HEADER - 2], &data].concat();
        for wrapped in [channel, indication] {
            assert!(eager(&[HOST]).has_to_wait(server, &wrapped, now));
        }
    }

    #[test]
    fn who_has_waited_or_has_no_other_way_is_not_held_up() {
        let (relay, now) = (at("203.0.113.1:45011"), Instant::now());
        let regular = eager(&[HOST, RELAY]);
        assert!(!regular.has_to_wait(relay, &check(false), now));
        assert!(!regular.has_to_wait(relay, &check(true), now));
        assert!(!eager(&[RELAY]).has_to_wait(relay, &check(true), now));
    }

    #[test]
    fn where_only_a_relay_is_wanted_nothing_waits() {
        let eager = Eager::new(true);
        [HOST, RELAY].iter().for_each(|line| eager.know(line));
        assert!(!eager.has_to_wait(at("203.0.113.1:45011"), &check(true), Instant::now()));
    }

    #[test]
    fn other_credentials_begin_anew_and_the_same_do_not() {
        let (relay, now) = (at("203.0.113.1:45011"), Instant::now());
        let sdp = |ufrag| format!("v=0\r\na=ice-ufrag:{ufrag}\r\na={HOST}\r\na={RELAY}\r\n");
        let (eager, later) = (eager(&[]), now + DIRECT_FIRST);
        eager.described(&sdp("b"));
        assert!(eager.has_to_wait(relay, &check(true), now));
        eager.described(&sdp("b"));
        assert!(!eager.has_to_wait(relay, &check(true), later));
        eager.described(&sdp("c"));
        // Those of before do not count.
        assert!(!eager.has_to_wait(relay, &check(false), later));
        assert!(eager.has_to_wait(relay, &check_by(b'c', true), later));
    }

    #[test]
    fn ours_wait_while_our_answer_to_a_restart_is_on_its_way_and_no_longer() {
        let sdp = |ufrag| format!("v=0\r\na=ice-ufrag:{ufrag}\r\n");
        let (now, ours) = (Instant::now(), check(true));
        let eager = eager(&[]);
        eager.offered(&sdp("b"), now);
        assert!(!eager.is_too_early(&ours, now), "the first offer");
        eager.offered(&sdp("b"), now);
        assert!(!eager.is_too_early(&ours, now), "no restart");
        eager.offered(&sdp("c"), now);
        let relayed = [&[0x40, 0x01, 0, ours.len() as u8][..], &ours].concat();
        assert!(eager.is_too_early(&ours, now) && eager.is_too_early(&relayed, now));
        assert!(!eager.is_too_early(&check(false), now), "it is looked on");
        assert!(!eager.is_too_early(&ours, now + ANSWER));
        eager.hears(&check_by(b'b', false));
        assert!(eager.is_too_early(&ours, now), "one of before");
        eager.hears(&check_by(b'c', false));
        assert!(!eager.is_too_early(&ours, now));
        // What they answer is no offer: they have ours.
        eager.described(&sdp("d"));
        assert!(!eager.is_too_early(&ours, now));
    }

    proptest! {
        #[test]
        fn no_datagram_and_no_candidate_does_harm(bytes: Vec<u8>, line in ".{0,80}") {
            let eager = eager(&[HOST, &line]);
            let wrapped = [&[0x40, 0, 0, 0][..], &bytes].concat();
            let check = [&BINDING[..], &bytes].concat();
            for datagram in [bytes, wrapped, check] {
                eager.hears(&datagram);
                eager.is_too_early(&datagram, Instant::now());
                eager.has_to_wait(at("192.0.2.1:1"), &datagram, Instant::now());
            }
        }
    }
}
