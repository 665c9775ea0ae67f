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
    // Host candidates are enough here: no server at all is what the others are compared with.
    let lab = NatLab::new(Family::V6)?;
    let stun =
        bad(&lab).map(|(what, place)| Variant::new(what, &["--stun", &format!("stun:{place}")]));
    let host = Variant::new("no server", &["--stun", "off"]);
    compare(
        bench,
        &lab,
        host,
        stun.into(),
        "between host candidates",
        &mut table,
    )?;

    let mut lab = NatLab::new(Family::V4)?;
    lab.set(Side::A, Nat::AddressRestricted)?;
    lab.set(Side::B, Nat::PortRestricted)?;
    let good = lab.stun();
    let beside = |what: &str, url: &str, option: &str, user: &str| {
        let words = ["--stun", &good, option, url, "--turn-user", user];
        // The name belongs to relays alone.
        let length = if option == "--turn" { 6 } else { 4 };
        Variant::new(what, &words[..length])
    };
    let mut variants = Vec::new();
    for (what, place) in bad(&lab) {
        let stun = format!("stun:{place}");
        variants.push(beside(&format!("STUN {what}"), &stun, "--stun", ""));
        let turn = format!("turn:{place}");
        variants.push(beside(&format!("TURN {what}"), &turn, "--turn", "test"));
        let turn = format!("turn:{place}?transport=tcp");
        variants.push(beside(
            &format!("TURN over TCP {what}"),
            &turn,
            "--turn",
            "test",
        ));
    }
    let turn = lab.turn();
    variants.push(beside("TURN that says 401", &turn, "--turn", STRANGER));
    let alone = Variant::new("a STUN server that works", &["--stun", &good]);
    compare(
        bench,
        &lab,
        alone,
        variants,
        "through two NATs, beside STUN that works",
        &mut table,
    )?;
    Ok(table)
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
            let first = if round % 2 == 0 {
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
