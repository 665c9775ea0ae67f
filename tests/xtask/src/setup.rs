//! System packages: what each job needs beyond Rust, and how it comes onto the machine.

use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::shell;

/// What somebody is about to do; each needs a little more.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Job {
    /// Compile everything.
    Build,
    /// Format and lint.
    Check,
    /// Speak and listen through a sound card that is none.
    SoundCard,
    /// Make namespaces in which there is only a loopback interface.
    Namespaces,
    /// Relay with somebody else's server and client.
    Relays,
    /// Judge recorded speech with PESQ and STOI.
    Quality,
}

/// Something that must be there, how to see that it is, and the Debian packages that bring it.
struct Need {
    what: &'static str,
    job: Job,
    only_linux: bool,
    present: fn() -> bool,
    debian: &'static [&'static str],
}

const NEEDS: &[Need] = &[
    Need {
        what: "a C compiler (cc)",
        job: Job::Build,
        only_linux: false,
        present: c_compiler,
        debian: &["gcc", "libc6-dev"],
    },
    Need {
        what: "make",
        job: Job::Build,
        only_linux: true,
        present: || shell::find("make").is_some(),
        debian: &["make"],
    },
    Need {
        what: "cmake",
        job: Job::Build,
        only_linux: false,
        present: || shell::find("cmake").is_some(),
        debian: &["cmake"],
    },
    Need {
        what: "pkg-config",
        job: Job::Build,
        only_linux: true,
        present: || shell::find("pkg-config").is_some(),
        debian: &["pkg-config"],
    },
    Need {
        what: "the ALSA headers",
        job: Job::Build,
        only_linux: true,
        present: alsa_headers,
        debian: &["libasound2-dev"],
    },
    Need {
        what: "PulseAudio, a sound card without hardware",
        job: Job::SoundCard,
        only_linux: true,
        present: || shell::find("pulseaudio").is_some(),
        debian: &["pulseaudio"],
    },
    Need {
        what: "ip (iproute2)",
        job: Job::Namespaces,
        only_linux: true,
        present: || shell::find("ip").is_some(),
        debian: &["iproute2"],
    },
    Need {
        what: "unshare and nsenter",
        job: Job::Namespaces,
        only_linux: true,
        present: namespace_tools,
        debian: &["util-linux"],
    },
    Need {
        what: "coturn, another TURN server",
        job: Job::Relays,
        only_linux: true,
        present: coturn,
        debian: &["coturn"],
    },
    Need {
        what: "python3 with venv",
        job: Job::Quality,
        only_linux: false,
        present: python_venv,
        debian: &["python3", "python3-venv"],
    },
    Need {
        what: "python3's C headers",
        job: Job::Quality,
        only_linux: false,
        present: python_headers,
        debian: &["python3-dev"],
    },
];

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
    let mut command = if is_root() {
        Command::new("env")
    } else if shell::find("sudo").is_some() {
        let mut sudo = Command::new("sudo");
        sudo.arg("env");
        sudo
    } else {
        bail!(
            "neither root nor sudo here; run as root: apt-get {}",
            words.join(" ")
        );
    };
    command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y"]);
    command
        .args(["-o", "Acquire::Retries=3", "-o", "DPkg::Lock::Timeout=120"])
        .args(words);
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

fn c_compiler() -> bool {
    ["cc", "gcc", "clang", "cl"]
        .iter()
        .any(|name| shell::find(name).is_some())
}

fn alsa_headers() -> bool {
    shell::works("pkg-config", &["--exists", "alsa"])
}

fn namespace_tools() -> bool {
    shell::find("unshare").is_some() && shell::find("nsenter").is_some()
}

fn coturn() -> bool {
    shell::find("turnserver").is_some() && shell::find("turnutils_uclient").is_some()
}

fn python_venv() -> bool {
    shell::works("python3", &["-c", "import venv, ensurepip"])
}

fn python_headers() -> bool {
    let question = "import os, sys, sysconfig as s; sys.exit(not os.path.exists(os.path.join(s.get_path('include'), 'Python.h')))";
    shell::works("python3", &["-c", question])
}
