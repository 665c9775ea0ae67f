//! System packages: what each job needs beyond Rust, and how it comes onto the machine.

use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail};

mod needs;

pub(crate) use needs::Job;
use needs::{NEEDS, Need};

use crate::shell;

/// Tries at `apt-get`: a mirror that fails once mostly answers a moment later.
const TRIES: u32 = 3;

/// Makes sure that these jobs can be done; says nothing when they can.
pub(crate) fn ensure(jobs: &[Job]) -> Result<()> {
    if jobs.contains(&Job::Check) {
        rust_components()?;
    }
    let missing = missing(jobs);
    if missing.is_empty() {
        return Ok(());
    }
    if shell::find("apt-get").is_none() {
        bail!(
            "missing: {}; install them with this system's package manager and try again",
            names(&missing)
        );
    }
    let packages: Vec<&str> = missing
        .iter()
        .flat_map(|need| need.debian.iter().copied())
        .collect();
    println!("installing {}", packages.join(" "));
    install(&packages)?;
    for (package, service) in SERVICES {
        if packages.contains(package) {
            no_service(service);
        }
    }
    let still = self::missing(jobs);
    if !still.is_empty() {
        bail!(
            "installed {}, but still missing: {}",
            packages.join(" "),
            names(&still)
        );
    }
    Ok(())
}

fn missing(jobs: &[Job]) -> Vec<&'static Need> {
    NEEDS
        .iter()
        .filter(|need| jobs.contains(&need.job))
        .filter(|need| cfg!(target_os = "linux") || !need.only_linux)
        .filter(|need| !(need.present)())
        .collect()
}

fn names(needs: &[&Need]) -> String {
    needs
        .iter()
        .map(|need| need.what)
        .collect::<Vec<_>>()
        .join(", ")
}

fn install(packages: &[&str]) -> Result<()> {
    let mut last = install_once(packages);
    for pause in 1..TRIES {
        if last.is_ok() {
            break;
        }
        // A new machine has no package lists, an old one outdated lists: both look like a package that is not there.
        if let Err(error) = apt_get(&["update"]) {
            println!("{error:#}");
        }
        last = install_once(packages);
        if last.is_err() {
            sleep(Duration::from_secs(u64::from(5 * pause)));
        }
    }
    last.with_context(|| format!("cannot install {}", packages.join(" ")))
}

/// These are wanted as programs; Debian's packages also start them as services, which are ended again.
const SERVICES: &[(&str, &str)] = &[
    ("coturn", "coturn.service"),
    ("nats-server", "nats-server.service"),
];

fn no_service(service: &str) {
    let words = ["disable", "--now", service];
    // The mark of a running systemd, sd_booted(3); without it no service was started.
    if Path::new("/run/systemd/system").exists()
        && let Err(error) = as_root(&["systemctl"], &words)
    {
        println!("{service} was started and cannot be stopped: {error:#}");
    }
}

fn install_once(packages: &[&str]) -> Result<()> {
    let words: Vec<&str> = ["install", "--no-install-recommends"]
        .iter()
        .chain(packages)
        .copied()
        .collect();
    apt_get(&words)
}

/// `apt-get` without questions; what it prints is shown only when it fails.
fn apt_get(words: &[&str]) -> Result<()> {
    let first = ["DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y"];
    let settings = ["-o", "Acquire::Retries=3", "-o", "DPkg::Lock::Timeout=120"];
    as_root(&first, &[&settings, words].concat())
}

/// Settings of the environment and a program, then its words.
fn as_root(program: &[&str], words: &[&str]) -> Result<()> {
    let mut command = if is_root() {
        Command::new("env")
    } else if shell::find("sudo").is_some() {
        let mut sudo = Command::new("sudo");
        sudo.arg("env");
        sudo
    } else {
        bail!(
            "neither root nor sudo here; run as root: {} {}",
            program.join(" "),
            words.join(" ")
        );
    };
    command.args(program).args(words);
    shell::read(&mut command).map(drop)
}

/// `cargo fmt` and `cargo clippy` are missing from a minimal toolchain.
fn rust_components() -> Result<()> {
    for (tool, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        if shell::works("cargo", &[tool, "--version"]) {
            continue;
        }
        if shell::find("rustup").is_none() {
            bail!("cargo {tool} is missing: install {component} for this Rust toolchain");
        }
        shell::run(Command::new("rustup").args(["component", "add", component]))?;
    }
    Ok(())
}

/// Whether this process may do everything, asked of `id`, since the standard library does not tell.
pub(crate) fn is_root() -> bool {
    shell::read(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}
