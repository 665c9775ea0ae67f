//! From what was measured to the kind of NAT (RFC 5780 4.3, 4.4; names of RFC 3489 and RFC 4787).                      PURE

use std::net::SocketAddr;

/// What decides about the mapped address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mapping {
    /// One for all destinations.
    EndpointIndependent,
    /// One for each address.
    AddressDependent,
    /// One for each address and port.
    AddressAndPortDependent,
    /// Another for another address; whether ports matter was not measured.
    EndpointDependent,
}

/// Who gets in through a mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filtering {
    /// Everybody.
    EndpointIndependent,
    /// Addresses that we sent to.
    AddressDependent,
    /// Addresses and ports that we sent to.
    AddressAndPortDependent,
}

/// What was measured. A field is none if it could not be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    /// Our own address and port, as far as they are known.
    pub local: Option<SocketAddr>,
    /// Mapped addresses of one socket: towards the first server …
    pub first: Option<SocketAddr>,
    /// … its other address on the same port, or another server …
    pub other_address: Option<SocketAddr>,
    /// … and that other address on the other port.
    pub other_address_and_port: Option<SocketAddr>,
    /// Whether an answer came in from an address and port that were never sent to.
    pub heard_stranger: Option<bool>,
    /// Whether one came in from another port of an address that was.
    pub heard_other_port: Option<bool>,
}

/// The kind of NAT in front of us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// No NAT and no filter.
    Open,
    /// No NAT, but only answers come in.
    Firewall,
    /// Whether it filters is not known, but it does not translate.
    Untranslated,
    /// Endpoint-independent mapping and filtering.
    FullCone,
    /// Endpoint-independent mapping, address-dependent filtering.
    AddressRestricted,
    /// Endpoint-independent mapping, address- and port-dependent filtering.
    PortRestricted,
    /// Endpoint-independent mapping; the filtering is not known.
    Cone,
    /// Any other mapping.
    Symmetric,
    /// There is a NAT, and no more is known.
    Unknown,
}

impl Measured {
    /// How addresses are mapped.
    #[must_use]
    pub fn mapping(&self) -> Option<Mapping> {
        let first = self.first?;
        let other = self.other_address?;
        Some(match self.other_address_and_port {
            _ if first == other => Mapping::EndpointIndependent,
            Some(third) if third == other => Mapping::AddressDependent,
            Some(_) => Mapping::AddressAndPortDependent,
            None => Mapping::EndpointDependent,
        })
    }

    /// Who gets in. Silence of a place that does not answer when it is asked itself says nothing.
    #[must_use]
    pub fn filtering(&self) -> Option<Filtering> {
        match (self.heard_stranger?, self.heard_other_port?) {
            (true, _) => Some(Filtering::EndpointIndependent),
            _ if self.other_address_and_port.is_none() => None,
            (false, true) => Some(Filtering::AddressDependent),
            (false, false) => Some(Filtering::AddressAndPortDependent),
        }
    }

    /// The kind, if there was any answer.
    #[must_use]
    pub fn kind(&self) -> Option<Kind> {
        let first = self.first?;
        let filtering = self.filtering();
        if self.local == Some(first) {
            return Some(match filtering {
                Some(Filtering::EndpointIndependent) => Kind::Open,
                Some(_) => Kind::Firewall,
                None => Kind::Untranslated,
            });
        }
        Some(match (self.mapping(), filtering) {
            (None, _) => Kind::Unknown,
            (Some(Mapping::EndpointIndependent), None) => Kind::Cone,
            (Some(Mapping::EndpointIndependent), Some(filtering)) => match filtering {
                Filtering::EndpointIndependent => Kind::FullCone,
                Filtering::AddressDependent => Kind::AddressRestricted,
                Filtering::AddressAndPortDependent => Kind::PortRestricted,
            },
            (Some(_), _) => Kind::Symmetric,
        })
    }
}

impl Mapping {
    /// The word of RFC 4787.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::EndpointIndependent => "endpoint-independent",
            Self::AddressDependent => "address-dependent",
            Self::AddressAndPortDependent => "address-and-port-dependent",
            Self::EndpointDependent => "endpoint-dependent",
        }
    }
}

impl Filtering {
    /// The word of RFC 4787.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::EndpointIndependent => "endpoint-independent",
            Self::AddressDependent => "address-dependent",
            Self::AddressAndPortDependent => "address-and-port-dependent",
        }
    }
}

impl Kind {
    /// The word for scripts.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Firewall => "firewall",
            Self::Untranslated => "none",
            Self::FullCone => "full-cone",
            Self::AddressRestricted => "address-restricted",
            Self::PortRestricted => "port-restricted",
            Self::Cone => "cone",
            Self::Symmetric => "symmetric",
            Self::Unknown => "unknown",
        }
    }

    /// The words for people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Open => "no NAT, open Internet",
            Self::Firewall => "no NAT, but a firewall that lets only answers in",
            Self::Untranslated => "no NAT",
            Self::FullCone => "full cone NAT: everybody may send to an address that we opened",
            Self::AddressRestricted => {
                "address-restricted NAT: those whom we sent to may answer from any port"
            }
            Self::PortRestricted => "port-restricted NAT: only those whom we sent to may answer",
            Self::Cone => "a NAT that gives one address for all destinations",
            Self::Symmetric => "symmetric NAT: another address for each destination",
            Self::Unknown => {
                "a NAT whose kind only a server with RFC 5780, or a second STUN server, can tell"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const LOCAL: &str = "192.168.1.10:5000";

    /// `1`, `2`, `3` are mapped addresses, `l` the local one, `-` nothing; then who was heard: `y`, `n`, `-`.
    fn measured(code: &str) -> Measured {
        let codes: Vec<char> = code.chars().collect();
        let mapped = |code| match code {
            '-' => None,
            'l' => Some(LOCAL.parse().unwrap()),
            digit => Some(format!("203.0.113.11:400{digit}").parse().unwrap()),
        };
        let heard = |code| match code {
            '-' => None,
            code => Some(code == 'y'),
        };
        Measured {
            local: Some(LOCAL.parse().unwrap()),
            first: mapped(codes[0]),
            other_address: mapped(codes[1]),
            other_address_and_port: mapped(codes[2]),
            heard_stranger: heard(codes[3]),
            heard_other_port: heard(codes[4]),
        }
    }

    #[test]
    fn kinds_of_nat() {
        use Kind::*;
        for (code, kind, mapping, filtering) in [
            (
                "lllyy",
                Some(Open),
                "endpoint-independent",
                "endpoint-independent",
            ),
            (
                "lllny",
                Some(Firewall),
                "endpoint-independent",
                "address-dependent",
            ),
            (
                "lllnn",
                Some(Firewall),
                "endpoint-independent",
                "address-and-port-dependent",
            ),
            ("ll---", Some(Untranslated), "endpoint-independent", ""),
            ("l----", Some(Untranslated), "", ""),
            (
                "111yy",
                Some(FullCone),
                "endpoint-independent",
                "endpoint-independent",
            ),
            // A filter that lets strangers in lets other ports in; the answer was lost.
            (
                "111yn",
                Some(FullCone),
                "endpoint-independent",
                "endpoint-independent",
            ),
            (
                "111ny",
                Some(AddressRestricted),
                "endpoint-independent",
                "address-dependent",
            ),
            (
                "111nn",
                Some(PortRestricted),
                "endpoint-independent",
                "address-and-port-dependent",
            ),
            ("11---", Some(Cone), "endpoint-independent", ""),
            (
                "122nn",
                Some(Symmetric),
                "address-dependent",
                "address-and-port-dependent",
            ),
            (
                "123nn",
                Some(Symmetric),
                "address-and-port-dependent",
                "address-and-port-dependent",
            ),
            (
                "123yy",
                Some(Symmetric),
                "address-and-port-dependent",
                "endpoint-independent",
            ),
            ("12---", Some(Symmetric), "endpoint-dependent", ""),
            ("1----", Some(Unknown), "", ""),
            // The server's other address is dead: nothing follows from silence.
            ("1--nn", Some(Unknown), "", ""),
            ("11-nn", Some(Cone), "endpoint-independent", ""),
            ("-----", None, "", ""),
        ] {
            let measured = measured(code);
            assert_eq!(measured.kind(), kind, "{code}");
            assert_eq!(
                measured.mapping().map_or("", Mapping::word),
                mapping,
                "{code}"
            );
            assert_eq!(
                measured.filtering().map_or("", Filtering::word),
                filtering,
                "{code}"
            );
        }
    }
}
