//! Where a relay may send to: a relay that reaches into its own network is a hole in the wall around it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether somebody on the Internet may be behind this address: no loopback, private, link-local, shared (RFC 6598),
/// multicast, broadcast, reserved or unspecified one, whatever it is wrapped in.
pub(super) fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => match embedded(ip) {
            Some(inner) => is_public_v4(inner),
            None => is_public_v6(ip),
        },
    }
}

/// The special-purpose registry of IANA (RFC 6890), as far as something may listen there. Documentation and benchmark
/// networks are nobody's: a laboratory may use them as its Internet.
fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let protocol = (a, b, c) == (192, 0, 0);
    // 0.0.0.0/8 is this host; 240.0.0.0/4 reserved, with the broadcast at its end.
    let special = a == 0 || a >= 240;
    let near = ip.is_loopback() || ip.is_private() || ip.is_link_local() || shared;
    !(near || ip.is_multicast() || protocol || special)
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let nowhere = ip.is_unspecified() || ip.is_loopback() || ip.is_multicast();
    let site_local = ip.segments()[0] & 0xffc0 == 0xfec0;
    let near = ip.is_unique_local() || ip.is_unicast_link_local() || site_local;
    !nowhere && !near
}

/// The IPv4 address that an IPv6 address stands for: mapped, compatible (RFC 4291), translated (RFC 6052, RFC 8215,
/// RFC 2765) or 6to4 (RFC 3056).
fn embedded(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let s = ip.segments();
    let v4 = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match s {
        // ::1 and :: are themselves.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x64, 0xff9b, 1, _, _, _, high, low]
        | [0x2002, high, low, ..] => Some(v4(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn private_places_are_told_however_they_are_written() {
        let private = [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.8.8.8",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.168.1.1",
            "224.0.0.1",
            "239.255.255.250",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "::10.1.1.1",
            "::ffff:0:10.1.1.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::192.168.0.1",
            "2002:7f00:1::",
            "2002:a00:1::5",
        ];
        for ip in private {
            assert!(!is_public(ip.parse().unwrap()), "{ip}");
        }
    }

    #[test]
    fn the_internet_is_open() {
        let public = [
            "1.1.1.1",
            "9.255.255.255",
            "100.63.0.1",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "192.0.2.1",
            "198.18.0.1",
            "203.0.113.7",
            "223.255.255.255",
            "2001:db8::1",
            "2606:4700::1",
            "::ffff:1.1.1.1",
            "64:ff9b::1.1.1.1",
            "2002:101:101::1",
        ];
        for ip in public {
            assert!(is_public(ip.parse().unwrap()), "{ip}");
        }
    }
}
