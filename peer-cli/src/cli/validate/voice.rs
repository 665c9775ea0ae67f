//! Voice processing: what was said about it, and where it has nothing to do.

use super::super::groups::{SoundArgs, VoiceArgs};
use crate::audio::spec::{SinkSpec, SourceSpec};
use crate::voice::Asked;

pub(super) fn asked(args: &SoundArgs) -> Result<Asked, String> {
    let VoiceArgs {
        aec,
        no_aec,
        ns,
        no_ns,
        agc,
        no_agc,
    } = args.voice;
    let first = [(aec, "--aec"), (ns, "--ns"), (agc, "--agc")]
        .into_iter()
        .find_map(|(on, name)| on.then_some(name));
    if let Some(name) = first {
        if args.stereo {
            return Err(format!(
                "{name} is for one voice, and --stereo sends two channels as they are (leave one out)"
            ));
        }
        if args.echo {
            return Err(format!(
                "{name} processes what a source gives, and --echo sends back what arrives (leave one out)"
            ));
        }
        if args.mic == Some(SourceSpec::Off) {
            return Err(format!(
                "{name} has nothing to process with --mic off (leave one out)"
            ));
        }
    }
    if aec && args.speaker == Some(SinkSpec::Off) {
        return Err(
            "--aec takes away what the speaker plays, and there is none with --speaker off (leave one out)"
                .to_owned(),
        );
    }
    if args.stereo {
        let off = Some(false);
        return Ok(Asked {
            echo: off,
            noise: off,
            gain: off,
        });
    }
    let said = |on: bool, off: bool| (on || off).then_some(on);
    Ok(Asked {
        echo: said(aec, no_aec),
        noise: said(ns, no_ns),
        gain: said(agc, no_agc),
    })
}
