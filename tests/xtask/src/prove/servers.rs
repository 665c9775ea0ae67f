//! STUN and TURN servers that are dead, silent, refuse or have no address: a direct call is connected as soon as without them.

use anyhow::{Context, Result, ensure};
use lab::{Family, First, Nat, NatLab, Outcome, Servers, Side, Talk};

use super::Bench;
use crate::figures::{Spread, Table};
use crate::setup::{self, Job};

/// How much later the median may be, in milliseconds.
const BAR: f64 = 100.0;
/// Nobody has this name at the relay, which says 401.
const STRANGER: &str = "stranger";

/// One way of calling and the set-up times that it had.
struct Variant {
    what: String,
    words: Vec<String>,
    times: Vec<f64>,
}

pub(super) fn run(bench: &Bench) -> Result<Table> {
    let mut table = Table::default();
    if !setup::is_root() {
        table.informs(
            "servers that do not work",
            "not measured: needs root".into(),
        );
        return Ok(table);
    }
    setup::ensure(&[Job::Namespaces, Job::Laboratory])?;
    between_hosts(bench, &mut table)?;
    through_nats(bench, &mut table)?;
    Ok(table)
}

/// Host candidates are enough here: no server at all is what the others are compared with.
fn between_hosts(bench: &Bench, table: &mut Table) -> Result<()> {
    let lab = NatLab::new(Family::V6)?;
    let base = Variant::new("no server", &["--stun", "off"]);
    let variants =
        bad(&lab).map(|(what, place)| Variant::new(what, &["--stun", &format!("stun:{place}")]));
    let place = "between host candidates";
    compare(bench, &lab, base, variants.into(), place, table)
}

/// Here a STUN server that works is needed; the others stand beside it.
fn through_nats(bench: &Bench, table: &mut Table) -> Result<()> {
    let mut lab = NatLab::new(Family::V4)?;
    lab.set(Side::A, Nat::AddressRestricted)?;
    lab.set(Side::B, Nat::PortRestricted)?;
    let good = lab.stun();
    let stun = |what: &str, url: &str| Variant::new(what, &["--stun", &good, "--stun", url]);
    let turn = |what: &str, url: &str, user: &str| {
        let words = ["--stun", &good, "--turn", url, "--turn-user", user];
        Variant::new(what, &words)
    };
    let mut variants = Vec::new();
    for (what, place) in bad(&lab) {
        let (udp, tcp) = (
            format!("turn:{place}"),
            format!("turn:{place}?transport=tcp"),
        );
        variants.push(stun(&format!("STUN {what}"), &format!("stun:{place}")));
        variants.push(turn(&format!("TURN {what}"), &udp, "test"));
        variants.push(turn(&format!("TURN over TCP {what}"), &tcp, "test"));
    }
    variants.push(turn("TURN that says 401", &lab.turn(), STRANGER));
    let base = Variant::new("a STUN server that works", &["--stun", &good]);
    let place = "through two NATs, beside STUN that works";
    compare(bench, &lab, base, variants, place, table)
}

/// How a server can fail, and where one of that kind is.
fn bad(lab: &NatLab) -> [(&'static str, String); 3] {
    [
        ("on a closed port", lab.closed()),
        ("that is silent", lab.silent()),
        (
            "whose name does not resolve",
            format!("{}:3478", lab.unknown_name()),
        ),
    ]
}

/// Calls in every way in turn, so that a machine that grows slower does so for all of them.
fn compare(
    bench: &Bench,
    lab: &NatLab,
    mut base: Variant,
    mut variants: Vec<Variant>,
    place: &str,
    table: &mut Table,
) -> Result<()> {
    let _server = lab.start_signaling(&bench.programs.signaling, &[])?;
    for round in 0..bench.rounds(10, 2) {
        for variant in std::iter::once(&mut base).chain(&mut variants) {
            let first = if round.is_multiple_of(2) {
                First::Answer
            } else {
                First::Call
            };
            let time = call(bench, lab, first, &variant.words);
            variant
                .times
                .push(time.with_context(|| format!("{place}, {}", variant.what))?);
        }
    }
    let usual = base.spread()?;
    table.informs(&format!("{place}, {}", base.what), format!("{usual} ms"));
    for variant in &variants {
        let spread = variant.spread()?;
        let later = spread.median - usual.median;
        table.at_most(
            &format!("{place}, {}", variant.what),
            later,
            format!("{later:+.0} ms: {spread} ms"),
            bench.bar(BAR),
            " ms later",
        );
    }
    Ok(())
}

/// One direct call; its set-up in milliseconds.
fn call(bench: &Bench, lab: &NatLab, first: First, words: &[String]) -> Result<f64> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let program = &bench.programs.peer;
    let mut talk = Talk::start(lab, program, Servers::Named, first, [&words, &words])?;
    match talk.outcome()? {
        Outcome::Connected { path, total } => {
            ensure!(path == "direct", "connected by {path}");
            talk.hang_up("direct")?;
            Ok(total)
        }
        Outcome::Failed { code, reason } => anyhow::bail!("exit {code}: {reason}"),
    }
}

impl Variant {
    fn new(what: &str, words: &[&str]) -> Self {
        Self {
            what: what.to_owned(),
            words: words.iter().map(ToString::to_string).collect(),
            times: Vec::new(),
        }
    }

    fn spread(&self) -> Result<Spread> {
        Spread::of(self.times.clone()).context("no round was made")
    }
}
