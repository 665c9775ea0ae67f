//! From what clap read to options: defaults, and what no single option can know.

mod doctor;
mod network;
mod voice;

use std::path::Path;

use super::args::{AnswerArgs, CallArgs, ConnectArgs, LoopbackArgs, Verb};
use super::grammar;
use super::groups::{
    CheckArgs, MessageArgs, OutputArgs, SessionArgs, SignalingArgs, SoundArgs, StatsArgs,
};
use super::options::{
    CallOptions, Command, DevicesOptions, HangUp, LoopbackOptions, MessageOptions, OutputOptions,
    SessionOptions, SignalingOptions, SoundOptions,
};
use crate::audio::spec::{SinkSpec, SourceSpec};
use crate::checks::{Check, ChecksOptions};
use crate::proto::channels::Channels;
use crate::proto::packet::Codec;
use crate::rtc::RelayPolicy;
use network::{fits, network, quiet_network};
use voice::asked;

/// Where the server listens unless told otherwise.
const DEFAULT_SERVER: &str = "ws://127.0.0.1:8080/socket";

/// Sound in one packet, ms.
const DEFAULT_PTIME: u32 = 20;

/// Opus bit rate, bit/s: transparent speech.
const DEFAULT_BITRATE: u32 = 32_000;

/// The same for two channels of music.
const DEFAULT_STEREO_BITRATE: u32 = 96_000;

/// The tone of the self test, Hz.
const LOOPBACK_TONE: u32 = 440;

/// How often to take statistics for `--stats-file` alone.
const STATS_EVERY: std::time::Duration = std::time::Duration::from_secs(1);

/// Options that fit together, or what does not.
pub(super) fn command(verb: Verb) -> Result<Command, String> {
    match verb {
        Verb::Call(args) => {
            let CallArgs { connect, to } = *args;
            let mut options = connection(connect)?;
            options.signaling.to = to;
            Ok(Command::Call(Box::new(options)))
        }
        Verb::Answer(args) => {
            let AnswerArgs { connect, keep } = *args;
            let mut options = connection(connect)?;
            options.signaling.keep = keep;
            Ok(Command::Answer(Box::new(options)))
        }
        Verb::Loopback(args) => Ok(Command::Loopback(Box::new(self_test(*args)?))),
        Verb::Doctor(args) => Ok(Command::Doctor(Box::new(doctor::doctor(*args)?))),
        Verb::Devices(args) => Ok(Command::Devices(DevicesOptions {
            output: plain_output(args.output),
        })),
    }
}

fn connection(args: ConnectArgs) -> Result<CallOptions, String> {
    let sound = sound(args.sound, SourceSpec::Default, SinkSpec::Default)?;
    let signaling = signaling(args.signaling, args.room)?;
    let stdin = sound.mic != SourceSpec::Stdin;
    let network = network(
        args.network,
        args.impair,
        grammar::is_loopback(&signaling.server),
    )?;
    let checks = checks(args.checks, &sound)?;
    fits(&checks, network.relay)?;
    let relay_only = network.relay == RelayPolicy::Only;
    Ok(CallOptions {
        messages: messages(args.messages, stdin),
        network,
        session: session(args.session, &sound),
        checks,
        output: OutputOptions {
            relay_only,
            ..output(args.output, args.stats, &sound)?
        },
        signaling,
        sound,
    })
}

fn self_test(args: LoopbackArgs) -> Result<LoopbackOptions, String> {
    let sound = sound(
        args.sound,
        SourceSpec::Tone { hz: LOOPBACK_TONE },
        SinkSpec::Null,
    )?;
    Ok(LoopbackOptions {
        messages: messages(args.messages, false),
        network: quiet_network(args.impair),
        session: session(args.session, &sound),
        checks: checks(args.checks, &sound)?,
        output: output(args.output, args.stats, &sound)?,
        sound,
    })
}

fn signaling(args: SignalingArgs, room: Option<String>) -> Result<SignalingOptions, String> {
    // An empty environment variable is none: that is what scripts make of a missing value.
    let server = args.server.as_deref().filter(|server| !server.is_empty());
    let (server, room_of_url) = grammar::server(server.unwrap_or(DEFAULT_SERVER))?;
    let server = grammar::with_token(server, args.token.as_deref());
    if let (Some(room), Some(of_url)) = (&room, &room_of_url)
        && room != of_url
    {
        return Err(format!(
            "two rooms given: \"{room}\", and \"{of_url}\" in the server's URL (leave one out)"
        ));
    }
    Ok(SignalingOptions {
        server,
        room: room.or(room_of_url),
        name: args.name,
        ca: args.ca.filter(|ca| !ca.as_os_str().is_empty()),
        to: None,
        peers: args.peers.map_or(1, usize::from),
        keep: false,
        allow_origin: args.allow_origin,
    })
}

/// A recording is a file of its own, however its name is written.
fn overwrites_nothing(record: &Path, mic: &SourceSpec, speaker: &SinkSpec) -> Result<(), String> {
    let real = |path: &Path| {
        let whole = path.canonicalize();
        whole.unwrap_or_else(|_| std::path::absolute(path).unwrap_or_else(|_| path.to_owned()))
    };
    let is_same = |path: &Path| real(path) == real(record);
    let name = record.display();
    match (mic, speaker) {
        (SourceSpec::File { path, .. }, _) if is_same(path) => Err(format!(
            "--record would overwrite {name}, which --mic plays (give another name)"
        )),
        (_, SinkSpec::File(path)) if is_same(path) => Err(format!(
            "--record and --speaker both write {name} (give two names)"
        )),
        _ => Ok(()),
    }
}

fn sound(args: SoundArgs, mic: SourceSpec, speaker: SinkSpec) -> Result<SoundOptions, String> {
    if args.echo && args.mic.is_some() {
        return Err(
            "--echo sends back what arrives and needs no source (leave out --mic)".to_owned(),
        );
    }
    let processing = asked(&args)?;
    if args.dtmf.is_some() && args.mic == Some(SourceSpec::Off) {
        return Err("--dtmf is sent beside sound (use --mic silence instead of off)".to_owned());
    }
    let (mic, speaker) = if args.echo {
        (SourceSpec::Off, SinkSpec::Null)
    } else {
        (mic, speaker)
    };
    let (mic, speaker) = (args.mic.unwrap_or(mic), args.speaker.unwrap_or(speaker));
    if let Some(record) = &args.record {
        overwrites_nothing(record, &mic, &speaker)?;
    }
    let codecs = codecs(args.codec)?;
    let (channels, bitrate) = match args.stereo {
        true => (Channels::Stereo, DEFAULT_STEREO_BITRATE),
        false => (Channels::Mono, DEFAULT_BITRATE),
    };
    if args.stereo && !codecs.contains(&Codec::Opus) {
        return Err("--stereo needs Opus, which --codec leaves out (add opus)".to_owned());
    }
    Ok(SoundOptions {
        mic,
        speaker,
        echo: args.echo,
        record: args.record,
        ptime_ms: args.ptime.unwrap_or(DEFAULT_PTIME),
        bitrate: args.bitrate.unwrap_or(bitrate),
        fec: !args.no_fec,
        processing,
        dtx: args.dtx,
        codecs,
        channels,
        dtmf: args.dtmf,
        jitter: args.jitter.unwrap_or_default(),
    })
}

/// All of them unless some are named, each once.
fn codecs(named: Vec<Codec>) -> Result<Vec<Codec>, String> {
    if named.is_empty() {
        return Ok(Codec::ALL.to_vec());
    }
    for (at, codec) in named.iter().enumerate() {
        if named[..at].contains(codec) {
            let name = codec.name().to_ascii_lowercase();
            return Err(format!("--codec names {name} twice (leave one out)"));
        }
    }
    Ok(named)
}

fn messages(args: MessageArgs, stdin: bool) -> MessageOptions {
    MessageOptions {
        texts: args.message,
        stdin,
    }
}

fn session(args: SessionArgs, sound: &SoundOptions) -> SessionOptions {
    let hang_up = match args.hangup_on_eof {
        false => HangUp::Never,
        true if sound.mic.ends() => HangUp::SourceEnds,
        true => HangUp::InputEnds,
    };
    SessionOptions {
        timeout: args.timeout,
        duration: args.duration,
        hang_up,
    }
}

fn checks(args: CheckArgs, sound: &SoundOptions) -> Result<ChecksOptions, String> {
    let CheckArgs {
        expect,
        max_setup,
        max_loss,
        max_rtt,
    } = args;
    let listens = expect.iter().find(|check| check.sound().is_some());
    if let Some(check) = listens.filter(|_| sound.speaker == SinkSpec::Off) {
        return Err(format!(
            "--expect {check} can never be met with --speaker off (use --speaker null)"
        ));
    }
    let has = |wanted: fn(&Check) -> bool| expect.iter().any(wanted);
    if has(|check| matches!(check, Check::Direct)) && has(|check| matches!(check, Check::Relay)) {
        return Err(
            "--expect direct and --expect relay exclude each other (leave one out)".to_owned(),
        );
    }
    Ok(ChecksOptions {
        expect,
        max_setup,
        max_loss,
        max_rtt,
    })
}

fn output(
    args: OutputArgs,
    stats: StatsArgs,
    sound: &SoundOptions,
) -> Result<OutputOptions, String> {
    let stdout_is_sound = sound.speaker == SinkSpec::Stdout;
    if stdout_is_sound && args.json {
        return Err(
            "--speaker stdout and --json both need stdout (use --speaker file:PATH)".to_owned(),
        );
    }
    Ok(OutputOptions {
        stats_shown: stats.stats.is_some(),
        stats_every: stats
            .stats
            .or(stats.stats_file.is_some().then_some(STATS_EVERY)),
        stats_file: stats.stats_file,
        stdout_is_sound,
        ..plain_output(args)
    })
}

fn plain_output(args: OutputArgs) -> OutputOptions {
    let OutputArgs {
        json,
        quiet,
        verbose,
    } = args;
    OutputOptions {
        json,
        quiet,
        verbosity: verbose.min(2),
        ..OutputOptions::default()
    }
}
