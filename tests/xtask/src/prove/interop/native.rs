//! The stacks that install by package.

use std::process::Command;

use anyhow::Result;

use super::program::Program;
use super::stack::{OURS, Stack, Start};
use crate::prove::Bench;
use crate::prove::node::Packages;
use crate::prove::python::AIORTC;
use crate::shell;

/// Hertz of the tone that our programs on these stacks send.
const THEIRS: u32 = 660;

pub(super) fn aiortc(bench: &Bench) -> Result<Stack> {
    let python = AIORTC.interpreter(bench.workspace)?;
    let question = "import aiortc; print(aiortc.__version__)";
    let version = shell::read(Command::new(&python).args(["-c", question]))?;
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
    let packages = Packages::install(bench.workspace)?;
    packages.ask("typeof require('@roamhq/wrtc').RTCPeerConnection")?;
    let version = packages.version("@roamhq/wrtc")?;
    Ok(Stack {
        name: "libwebrtc",
        title: format!("libwebrtc, by @roamhq/wrtc {version}"),
        tone: THEIRS,
        decodes: true,
        start: start("libwebrtc", move || packages.program("libwebrtc.js")),
    })
}

/// It has no codec: what it hears goes back as it came.
pub(super) fn libdatachannel(bench: &Bench) -> Result<Stack> {
    let packages = Packages::install(bench.workspace)?;
    let library = packages.ask("require('node-datachannel').getLibraryVersion()")?;
    let version = packages.version("node-datachannel")?;
    Ok(Stack {
        name: "libdatachannel",
        title: format!("libdatachannel {library}, by node-datachannel {version}"),
        tone: OURS,
        decodes: false,
        start: start("libdatachannel", move || packages.program("libdatachannel.js")),
    })
}

fn start(
    name: &'static str,
    command: impl Fn() -> Command + Send + Sync + 'static,
) -> Box<Start> {
    Box::new(move |url, path| Program::start(name, command(), url, path))
}
