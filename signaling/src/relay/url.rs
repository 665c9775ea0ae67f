//! URLs of relays elsewhere (RFC 7065), as an operator writes them.

use std::net::Ipv6Addr;

/// The same URL, or what is wrong with it. The value stands in front of the message already.
pub(crate) fn turn_url(text: &str) -> Result<String, String> {
    let form = "write turn:HOST:PORT, turn:HOST:PORT?transport=tcp or turns:HOST:PORT";
    let (scheme, rest) = text.split_once(':').ok_or(form)?;
    if !["turn", "turns"].contains(&scheme) {
        return Err(format!("{scheme:?} is no relay: {form}"));
    }
    let (place, query) = match rest.split_once('?') {
        Some((place, query)) => (place, Some(query)),
        None => (rest, None),
    };
    if !matches!(query, None | Some("transport=udp" | "transport=tcp")) {
        return Err(format!(
            "only ?transport=udp and ?transport=tcp may follow: {form}"
        ));
    }
    if place.contains('@') {
        return Err(
            "credentials do not belong into the URL: they are made of SIGNALING_TURN_SECRET".into(),
        );
    }
    if place.starts_with("//") || !is_place(place) {
        return Err(form.into());
    }
    Ok(text.to_owned())
}

/// HOST, HOST:PORT, or the same with an address in brackets.
fn is_place(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[').and_then(|t| t.split_once(']')) {
        Some((ip, port)) if ip.parse::<Ipv6Addr>().is_ok() => {
            (true, port.strip_prefix(':').ok_or(port))
        }
        Some(_) => return false,
        None => {
            let (host, port) = text
                .split_once(':')
                .map_or((text, Err("")), |(h, p)| (h, Ok(p)));
            let named = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
            (
                !host.is_empty() && host.len() <= 253 && host.bytes().all(named),
                port,
            )
        }
    };
    let port = match port {
        Ok(port) => port.parse::<u16>().is_ok_and(|p| p != 0),
        Err(rest) => rest.is_empty(),
    };
    host && port
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_relays_and_nothing_else() {
        for good in [
            "turn:relay.example",
            "turn:relay.example:3478",
            "turn:192.0.2.1:3478?transport=udp",
            "turn:[2001:db8::1]:3478?transport=tcp",
            "turn:[2001:db8::1]",
            "turns:relay.example:5349?transport=tcp",
        ] {
            assert_eq!(turn_url(good).as_deref(), Ok(good));
        }
        for bad in [
            "",
            "relay.example",
            "relay.example:3478",
            "stun:relay.example",
            "https://relay.example",
            "turn:",
            "turn://relay.example",
            "turn:a:0",
            "turn:a:65536",
            "turn:a:b",
            "turn:a b",
            "turn:[1.2.3.4]:1",
            "turn:[::1",
            "turn:a?transport=sctp",
            "turn:a?x",
            "turn:u@a",
        ] {
            assert!(turn_url(bad).is_err(), "{bad}");
        }
    }
}
