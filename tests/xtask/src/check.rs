//! Everything that must hold before a change lands, in the order of how fast it can fail.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::prove::{self, Packages};
use crate::setup::{self, Job};
use crate::shell;
use crate::tally::Tally;
use crate::workspace::{Profile, Workspace};

/// One step: what it is called and what it does.
struct Step<'a> {
    name: &'static str,
    work: Box<dyn Fn() -> Result<()> + 'a>,
}

/// A crate of the left name may have none of the right in what it is built from.
const APART: &[(&[&str], &[&str])] = &[
    (
        &["--package", "signaling"],
        &[
            "webrtc",
            "rtc",
            "opus",
            "cpal",
            "alsa-sys",
            "symphonia",
            "peer-cli",
        ],
    ),
    (
        &["--package", "peer-cli", "--no-default-features"],
        &["cpal", "alsa", "alsa-sys", "signaling"],
    ),
    (&["--package", "shared"], &["tokio", "webrtc", "axum"]),
];

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let tally = Mutex::new(Tally::default());
    let steps = steps(workspace, &tally);
    let mut times: Vec<(&str, Duration, bool)> = Vec::new();
    let mut outcome = Ok(());
    for Step { name, work } in &steps {
        println!("\n==== {name}");
        let begun = Instant::now();
        outcome = work().with_context(|| format!("{name} failed"));
        times.push((name, begun.elapsed(), outcome.is_ok()));
        if outcome.is_err() {
            break;
        }
    }
    println!("\n==== summary");
    tell(&tally.lock().unwrap_or_else(PoisonError::into_inner));
    for (name, time, good) in &times {
        println!(
            "{:>7.1} s  {name}{}",
            time.as_secs_f64(),
            if *good { "" } else { ": FAILED" }
        );
    }
    for Step { name, .. } in &steps[times.len()..] {
        println!("      -    {name}: not reached");
    }
    outcome
}

/// What became of the tests, so that nobody has to look for it in their long output.
fn tell(tally: &Tally) {
    let Tally {
        passed,
        failed,
        skipped,
        reasons,
        ..
    } = tally;
    for reason in reasons.iter().filter(|_| *failed > 0) {
        println!("{reason}\n");
    }
    for name in skipped {
        println!("SKIPPED {name}");
    }
    println!(
        "{passed} passed, {failed} failed, {} skipped\n",
        skipped.len()
    );
}

fn steps<'a>(workspace: &'a Workspace, tally: &'a Mutex<Tally>) -> Vec<Step<'a>> {
    let cargo = |line: &'static str| move || shell::run(workspace.cargo().args(line.split(' ')));
    vec![
        step("system packages", || {
            setup::ensure(&[
                Job::Build,
                Job::Check,
                Job::Namespaces,
                Job::Laboratory,
                Job::SoundCard,
                Job::Browser,
                Job::Broker,
            ])
        }),
        step("packages of Node", || {
            // A test that wants one and does not find it says so by name.
            if let Err(why) = Packages::install(workspace) {
                println!("NOT INSTALLED: {why:#}");
            }
            Ok(())
        }),
        step("format", cargo("fmt --all --check")),
        step("crates stay apart", || {
            APART
                .iter()
                .try_for_each(|(which, banned)| apart(workspace, which, banned))
        }),
        step(
            "lints",
            cargo("clippy --workspace --all-targets -- -D warnings"),
        ),
        // All members at once: what they are built from then has the features of the step before and is not checked again.
        step(
            "lints without sound devices",
            cargo("clippy --workspace --all-targets --no-default-features -- -D warnings"),
        ),
        step("documents", || {
            let mut command = workspace.cargo();
            command
                .args(["doc", "--workspace", "--no-deps"])
                .env("RUSTDOCFLAGS", "-D warnings");
            shell::run(&mut command)
        }),
        // The programs themselves too, which the tests start.
        step("build", || workspace.build(Profile::Tested).map(drop)),
        step("tests", || test(workspace, tally)),
        step("proofs in short", || {
            prove::prove(workspace, &prove::Wanted::all_in_short())
        }),
    ]
}

fn step<'a>(name: &'static str, work: impl Fn() -> Result<()> + 'a) -> Step<'a> {
    Step {
        name,
        work: Box::new(work),
    }
}

/// Asks cargo what a crate is built from, with build scripts, and looks for what must not be there.
fn apart(workspace: &Workspace, which: &[&str], banned: &[&str]) -> Result<()> {
    let words = [
        "tree",
        "--prefix",
        "none",
        "--format",
        "{p}",
        "--edges",
        "normal,build",
    ];
    let mut command = workspace.cargo();
    command.args(words).args(which);
    let tree = shell::read(&mut command)?;
    let found = tree
        .lines()
        .filter_map(|line| line.split(' ').next())
        .find(|name| banned.contains(name));
    ensure!(
        found.is_none(),
        "{} is built from {}",
        which.join(" "),
        found.unwrap_or_default()
    );
    println!("{}: none of {}", which.join(" "), banned.join(", "));
    Ok(())
}

/// All tests, shown as they run and counted.
fn test(workspace: &Workspace, tally: &Mutex<Tally>) -> Result<()> {
    let mut command = workspace.cargo();
    command
        .args(["test", "--workspace", "--no-fail-fast"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().context("cannot start cargo test")?;
    let output = child.stdout.take().context("cargo test has no output")?;
    let errors = child.stderr.take().context("cargo test has no errors")?;
    thread::scope(|scope| {
        let errors = scope.spawn(|| pass_on(errors, tally, |line| eprintln!("{line}")));
        pass_on(output, tally, |line| println!("{line}"))?;
        errors.join().unwrap_or(Ok(()))
    })?;
    let status = child.wait().context("cargo test did not end")?;
    ensure!(status.success(), "cargo test ended with {status}");
    let passed = tally.lock().unwrap_or_else(PoisonError::into_inner).passed;
    ensure!(passed > 0, "no test ran");
    Ok(())
}

fn pass_on(from: impl Read, tally: &Mutex<Tally>, print: impl Fn(&str)) -> Result<()> {
    for line in BufReader::new(from).lines() {
        let line = line.context("cannot read what cargo test prints")?;
        print(&line);
        let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
        tally.take(&line);
    }
    Ok(())
}
