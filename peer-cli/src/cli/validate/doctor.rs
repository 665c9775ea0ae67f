//! What `doctor` is to look at.

use super::super::args::DoctorArgs;
use super::super::grammar;
use super::super::options::DoctorOptions;
use super::{DEFAULT_SERVER, network, plain_output};
use crate::audio::spec::{SinkSpec, SourceSpec};

/// How long a server may take for one answer.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(3);

pub(super) fn doctor(args: DoctorArgs) -> Result<DoctorOptions, String> {
    let server = match args.server.as_deref().unwrap_or_default() {
        "off" => None,
        "" => Some(grammar::server(DEFAULT_SERVER)?.0),
        url => Some(grammar::server(url)?.0),
    };
    let server = server.map(|url| grammar::with_token(url, args.token.as_deref()));
    let mic = args.mic.unwrap_or_default();
    if !(mic.is_device() || mic == SourceSpec::Off) {
        return Err("--mic: doctor tries devices: default, NAME, #INDEX or off".to_owned());
    }
    let speaker = args.speaker.unwrap_or_default();
    if !(speaker.is_device() || speaker == SinkSpec::Off) {
        return Err("--speaker: doctor tries devices: default, NAME, #INDEX or off".to_owned());
    }
    Ok(DoctorOptions {
        server,
        ca: args.ca.filter(|ca| !ca.as_os_str().is_empty()),
        stun: network::stun(&args.ice.stun)?,
        turn: network::turn(&args.ice)?,
        bind: args.bind,
        mic,
        speaker,
        patience: args.timeout.unwrap_or(PATIENCE),
        output: plain_output(args.output),
    })
}
