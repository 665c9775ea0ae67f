//! What the server has counted, as it tells Prometheus.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Of those who ended it themselves, with a word or without.
const LEFT: [&str; 2] = ["the client left", "the connection broke"];
/// Between two looks.
const LOOK: Duration = Duration::from_millis(200);

/// Who was turned away, by close code and reason, or by reason alone.
pub(super) struct Counters(BTreeMap<String, u64>);

/// What the server calls the end that an attacker has seen; nothing for one that is none of its doing.
pub(super) fn reasons(ending: &str) -> Option<&'static [&'static str]> {
    Some(match ending {
        "left" => &[],
        "400" => &["no HTTP"],
        "404" => &["nothing there"],
        "405" => &["not that method"],
        "426" => &["no WebSocket"],
        "429" => &["too many from one address"],
        "503" => &["the server is full"],
        "1003" => &["1003"],
        "1008" => &["1008"],
        "1009" => &["1009"],
        "4000" => &["4000"],
        "4003" => &["4003"],
        "4009" => &["4009"],
        "4029" => &["4029"],
        "4030" => &["4030"],
        "4401" => &["4401"],
        // Who does not read hears no code.
        "silence" => &[
            "too slow to ask",
            "too slow to read an answer",
            "request too large",
            "4008",
        ],
        _ => return None,
    })
}

impl Counters {
    fn read(page: &str) -> Self {
        let lines = page.lines().filter_map(|line| {
            let rest = line
                .strip_prefix("signaling_closed_total{code=\"")
                .or_else(|| line.strip_prefix("signaling_refused_total{reason=\""))?;
            let (why, number) = rest.split_once("\"} ")?;
            Some((why.replace("\",reason=\"", " "), number.parse().ok()?))
        });
        Self(
            lines
                .filter(|(why, count)| *count > 0 && !LEFT.contains(&why.trim_start()))
                .collect(),
        )
    }

    pub(super) fn of(&self, reasons: &[&str]) -> u64 {
        let is_one = |why: &str| {
            let code = why.split(' ').next().unwrap_or_default();
            reasons.contains(&why) || reasons.contains(&code)
        };
        let counts = self.0.iter().filter(|(why, _)| is_one(why));
        counts.map(|(_, count)| count).sum()
    }

    pub(super) fn all(&self) -> u64 {
        self.0.values().sum()
    }
}

impl fmt::Display for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = self.0.iter().map(|(reason, n)| format!("{n} {reason}"));
        f.write_str(&list.collect::<Vec<_>>().join(", "))
    }
}

/// Once no WebSocket is open and the numbers do not change any more.
pub(super) fn settled(metrics: &str, limit: Duration) -> Result<Counters> {
    let deadline = Instant::now() + limit;
    let mut last = String::new();
    loop {
        let page = ask(metrics)?;
        let is_empty = page.lines().any(|line| line == "signaling_connections 0");
        if is_empty && page == last {
            return Ok(Counters::read(&page));
        }
        if Instant::now() > deadline {
            bail!("somebody is still inside: {page}");
        }
        last = page;
        sleep(LOOK);
    }
}

fn ask(metrics: &str) -> Result<String> {
    let mut stream = TcpStream::connect(metrics).context("cannot reach /metrics")?;
    let request = format!("GET /metrics HTTP/1.1\r\nHost: {metrics}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (_, page) = answer.split_once("\r\n\r\n").context("no whole answer")?;
    Ok(page.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_left_was_not_turned_away() {
        let page = "signaling_closed_total{code=\"4008\",reason=\"too slow\"} 3\n\
                    signaling_closed_total{code=\"\",reason=\"the client left\"} 5\n\
                    signaling_refused_total{reason=\"too slow to ask\"} 4\n\
                    signaling_rooms 7\n";
        let counters = Counters::read(page);
        assert_eq!(counters.all(), 7);
        assert_eq!(counters.of(reasons("silence").expect("known")), 7);
        assert_eq!(reasons("418"), None);
    }
}
