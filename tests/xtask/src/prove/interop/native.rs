//! The stacks that install by package.

use std::process::Command;

use anyhow::{Context, Result};

use super::program::Program;
use super::stack::{OURS, Stack, Start};
use crate::prove::Bench;
use crate::prove::node::Packages;
use crate::prove::python::AIORTC;
use crate::shell;

/// Why a stack is not here although it was installed.
const BROKEN: &str = "it was installed and cannot be loaded";
/// Hertz of the tone that our programs on these stacks send.
const THEIRS: u32 = 660;

pub(super) fn aiortc(bench: &Bench) -> Result<Stack> {
    let python = AIORTC
        .interpreter(bench.workspace)
        .context("pip could not install it")?;
    let question = "import aiortc; print(aiortc.__version__)";
    let version = shell::read(Command::new(&python).args(["-c", question])).context(BROKEN)?;
    let script = bench.workspace.path("tests/others/aiortc_peer.py");
    Ok(Stack {
        name: "aiortc",
        title: format!("aiortc {}", version.trim()),
        tone: THEIRS,
        decodes: true,
        start: start("aiortc", move || {
            let mut command = Command::new(&python);
            command.arg(&script);
            command
        }),
    })
}

pub(super) fn libwebrtc(bench: &Bench) -> Result<Stack> {
    let packages = packages(bench)?;
    packages.ask("require('@roamhq/wrtc')").context(BROKEN)?;
    let version = packages.version("@roamhq/wrtc").context(BROKEN)?;
    Ok(Stack {
        name: "libwebrtc",
        title: format!("libwebrtc (@roamhq/wrtc {version})"),
        tone: THEIRS,
        decodes: true,
        start: start("libwebrtc", move || packages.program("libwebrtc.js")),
    })
}

/// It has no codec: what it hears goes back as it came.
pub(super) fn libdatachannel(bench: &Bench) -> Result<Stack> {
    let packages = packages(bench)?;
    let question = "require('node-datachannel').getLibraryVersion()";
    let library = packages.ask(question).context(BROKEN)?;
    let version = packages.version("node-datachannel").context(BROKEN)?;
    Ok(Stack {
        name: "libdatachannel",
        title: format!("libdatachannel {library} (node-datachannel {version})"),
        tone: OURS,
        decodes: false,
        start: start("libdatachannel", move || {
            packages.program("libdatachannel.js")
        }),
    })
}

fn packages(bench: &Bench) -> Result<Packages> {
    Packages::install(bench.workspace).context("npm could not install it")
}

fn start(name: &'static str, command: impl Fn() -> Command + Send + Sync + 'static) -> Box<Start> {
    Box::new(move |url, path| Program::start(name, command(), url, path))
}
