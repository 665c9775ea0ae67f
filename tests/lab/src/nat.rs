//! What a NAT does to UDP, and the rules of nftables that make Linux do it.                                           PURE

use std::fmt;
use std::net::Ipv4Addr;

/// Kinds of NAT by mapping and filtering (RFC 4787 sections 4 and 5; the names are those of RFC 3489).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Nat {
    /// All UDP that comes for the NAT's address goes to the one host behind it, asked for or not.
    Open,
    /// Endpoint-independent mapping and filtering: any outsider may use a port that the host opened.
    FullCone,
    /// Endpoint-independent mapping, address-dependent filtering.
    AddressRestricted,
    /// Endpoint-independent mapping, address- and port-dependent filtering.
    PortRestricted,
    /// Address- and port-dependent mapping and filtering: a new random port for each destination.
    Symmetric,
    /// No UDP at all; TCP to any port.
    UdpBlocked,
    /// A strict office: TCP to ports 80 and 443, and nothing else.
    WebOnly,
}

impl Nat {
    /// The six kinds of the table of pairs.
    pub const SIX: [Self; 6] = [
        Self::Open,
        Self::FullCone,
        Self::AddressRestricted,
        Self::PortRestricted,
        Self::Symmetric,
        Self::UdpBlocked,
    ];

    /// Whether a path without relay exists between hosts behind these two.
    ///
    /// An outsider with an unforeseeable port gets in only where the port is not filtered.
    #[must_use]
    pub fn allows_direct(self, other: Self) -> bool {
        let passes_udp = |nat: Self| !matches!(nat, Self::UdpBlocked | Self::WebOnly);
        let filters_port = |nat: Self| matches!(nat, Self::PortRestricted | Self::Symmetric);
        let meets = |one: Self, two: Self| one == Self::Symmetric && filters_port(two);
        passes_udp(self) && passes_udp(other) && !meets(self, other) && !meets(other, self)
    }

    /// The whole ruleset of a NAT between `lan` and `wan`, before a host with this address.
    pub(crate) fn rules(self, host: Ipv4Addr) -> String {
        format!(
            "table ip nat_kind
delete table ip nat_kind
table ip nat_kind {{
  map ports {{ type inet_service : ipv4_addr; flags dynamic,timeout; timeout 2m; size 4096; }}
  set pairs {{ type ipv4_addr . inet_service; flags dynamic,timeout; timeout 2m; size 4096; }}
  chain pre {{ type nat hook prerouting priority dstnat;
    {to_host}
  }}
  chain post {{ type nat hook postrouting priority srcnat;
    {mapping}
    oifname wan masquerade
  }}
  # Unsolicited packets must be dropped, not answered: a packet that reaches the NAT itself is entered in conntrack,
  # and the host's own packet to that peer then gets another port.
  chain inp {{ type filter hook input priority filter;
    iifname wan ct state new drop
  }}
  chain forw {{ type filter hook forward priority filter;
    {blocked}
    {learn}
    iifname wan ct state new ct status dnat accept
    iifname wan ct state new drop
  }}
}}
{v6}",
            to_host = self.to_host(host),
            mapping = self.mapping(),
            blocked = self.blocked(),
            learn = self.learn(),
            v6 = self.firewall(),
        )
    }

    fn to_host(self, host: Ipv4Addr) -> String {
        match self {
            Self::Open => format!("iifname wan meta l4proto udp dnat to {host}"),
            Self::FullCone => "iifname wan meta l4proto udp dnat to udp dport map @ports".into(),
            Self::AddressRestricted => {
                format!("iifname wan meta l4proto udp ip saddr . udp dport @pairs dnat to {host}")
            }
            _ => String::new(),
        }
    }

    fn mapping(self) -> &'static str {
        // Otherwise masquerade keeps the port that the host uses: one for all destinations.
        match self {
            Self::Symmetric => "oifname wan meta l4proto udp masquerade random,fully-random",
            _ => "",
        }
    }

    fn blocked(self) -> &'static str {
        match self {
            Self::UdpBlocked => "meta l4proto udp drop",
            Self::WebOnly => "meta l4proto udp drop\n    iifname lan tcp dport != { 80, 443 } drop",
            _ => "",
        }
    }

    fn learn(self) -> &'static str {
        match self {
            Self::FullCone => "iifname lan meta l4proto udp update @ports { udp sport : ip saddr }",
            Self::AddressRestricted => {
                "iifname lan meta l4proto udp update @pairs { ip daddr . udp sport }"
            }
            _ => "",
        }
    }

    /// IPv6 is not translated (RFC 6092): what is left of the kind is whether strangers get in.
    fn firewall(self) -> String {
        let strangers = match self {
            Self::Open | Self::FullCone => "",
            _ => "iifname wan ct state new drop",
        };
        format!(
            "table ip6 nat_kind
delete table ip6 nat_kind
table ip6 nat_kind {{
  chain forw {{ type filter hook forward priority filter;
    {}
    meta l4proto ipv6-icmp accept
    {strangers}
  }}
}}
",
            self.blocked()
        )
    }
}

impl fmt::Display for Nat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Open => "open",
            Self::FullCone => "full cone",
            Self::AddressRestricted => "address-restricted",
            Self::PortRestricted => "port-restricted",
            Self::Symmetric => "symmetric",
            Self::UdpBlocked => "UDP blocked",
            Self::WebOnly => "only TCP 80, 443",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Nat;

    #[test]
    fn fourteen_of_thirty_six_pairs_have_no_direct_path() {
        let impossible: Vec<_> = Nat::SIX
            .iter()
            .flat_map(|a| Nat::SIX.map(|b| (*a, b)))
            .filter(|(a, b)| !a.allows_direct(*b))
            .collect();
        assert_eq!(impossible.len(), 14, "{impossible:?}");
        for (a, b) in impossible {
            assert!(!b.allows_direct(a), "{a} and {b} in either order");
        }
        assert!(Nat::PortRestricted.allows_direct(Nat::PortRestricted));
        assert!(Nat::AddressRestricted.allows_direct(Nat::Symmetric));
        assert!(!Nat::PortRestricted.allows_direct(Nat::Symmetric));
    }
}
