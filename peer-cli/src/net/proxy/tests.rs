#![allow(clippy::unwrap_used)]

use super::*;

fn proxies(environment: &[(&str, &str)]) -> Proxies {
    Proxies::new(|name| {
        let set = environment.iter().find(|(key, _)| *key == name);
        set.map(|(_, value)| (*value).to_owned())
    })
}

/// Where the way leads: `-`, or the proxy as `[tls ]host:port`.
fn way(environment: &[(&str, &str)], secure: bool, host: &str) -> String {
    match proxies(environment).towards(secure, host, 443).unwrap() {
        None => "-".to_owned(),
        Some(proxy) => format!(
            "{}{}:{}",
            if proxy.tls { "tls " } else { "" },
            proxy.host,
            proxy.port
        ),
    }
}

#[test]
fn variables_are_read_as_curl_reads_them() {
    for (environment, secure, expected) in [
        (&[][..], true, "-"),
        (&[("HTTPS_PROXY", "http://p:3128")], true, "p:3128"),
        (&[("HTTPS_PROXY", "http://p:3128")], false, "-"),
        (
            &[("https_proxy", "p:1"), ("HTTPS_PROXY", "http://q:2")],
            true,
            "p:1",
        ),
        (
            &[("https_proxy", ""), ("ALL_PROXY", "http://q:2")],
            true,
            "-",
        ),
        (&[("ALL_PROXY", "http://q:2")], true, "q:2"),
        (&[("ALL_PROXY", "http://q:2")], false, "q:2"),
        (&[("HTTP_PROXY", "http://q:2")], false, "-"),
        (&[("http_proxy", "http://q")], false, "q:80"),
        (&[("http_proxy", "http://q")], true, "-"),
        (
            &[("HTTPS_PROXY", "https://[2001:db8::1]")],
            true,
            "tls 2001:db8::1:443",
        ),
    ] {
        assert_eq!(
            way(environment, secure, "example.org"),
            expected,
            "{environment:?}"
        );
    }
}

#[test]
fn no_proxy_table() {
    for (list, host, direct) in [
        ("", "example.org", false),
        ("*", "example.org", true),
        ("example.org", "example.org", true),
        ("EXAMPLE.org", "Example.ORG.", true),
        ("example.org", "turn.example.org", true),
        (".example.org", "turn.example.org", true),
        ("*.example.org", "turn.example.org", true),
        ("example.org", "badexample.org", false),
        ("example.org", "example.org.evil", false),
        ("a.b, example.org", "example.org", true),
        ("a.b example.org", "example.org", true),
        ("example.org:443", "example.org", true),
        ("example.org:80", "example.org", false),
        ("192.0.2.1", "192.0.2.1", true),
        ("192.0.2.1", "192.0.2.11", false),
        ("192.0.2.0/24", "192.0.2.77", true),
        ("192.0.2.0/24", "192.0.3.77", false),
        ("0.0.0.0/0", "192.0.3.77", true),
        ("0.0.0.0/0", "2001:db8::1", false),
        ("192.0.2.0/33", "192.0.2.0", false),
        ("192.0.2.0/24", "example.org", false),
        ("2001:db8::/32", "2001:db8:1::1", true),
        ("2001:db8::/32", "2001:db9::1", false),
        ("::/0", "2001:db9::1", true),
        ("[2001:db8::1]", "[2001:db8::1]", true),
        (",, :x,/8", "example.org", false),
    ] {
        let environment = [("HTTPS_PROXY", "http://p:1"), ("NO_PROXY", list)];
        let expected = if direct { "-" } else { "p:1" };
        assert_eq!(way(&environment, true, host), expected, "{list:?} {host}");
    }
}

#[test]
fn this_machine_needs_no_proxy() {
    let environment = [("ALL_PROXY", "http://p:1")];
    for host in [
        "127.0.0.1",
        "127.9.9.9",
        "::1",
        "[::1]",
        "localhost",
        "LOCALHOST.",
        "a.localhost",
    ] {
        assert_eq!(way(&environment, true, host), "-", "{host}");
    }
    assert_eq!(way(&environment, true, "localhost.example.org"), "p:1");
}

#[test]
fn credentials_are_decoded_and_never_repeated() {
    let proxy = |url: &str| proxies(&[("HTTPS_PROXY", url)]).towards(true, "h", 1);
    let read = proxy("http://us%40er:p%3Aw@p:1").unwrap().unwrap();
    assert_eq!(
        read.credentials,
        Some(("us@er".to_owned(), "p:w".to_owned()))
    );
    for wrong in [
        "socks5://u:hunter2@p:1",
        "http://u:hunter2@p:port",
        "http://",
    ] {
        let error = proxy(wrong).map(|_| ()).unwrap_err();
        let text = format!("{error} {error:?} {:?}", error.hint());
        assert!(
            text.contains("HTTPS_PROXY") && !text.contains("hunter2"),
            "{text}"
        );
    }
}
