//! The options that are about sound.

use std::path::PathBuf;

use clap::Args;

use crate::audio::spec::{SinkSpec, SourceSpec};
use crate::cli::grammar;
use crate::proto::dtmf::Script;
use crate::proto::packet::Codec;
use crate::proto::playout::JitterBounds;

#[derive(Debug, Args)]
#[command(next_help_heading = "Sound")]
pub(in crate::cli) struct SoundArgs {
    /// What to send: NAME, file:PATH, tone:HZ, off, ...
    ///
    /// default           the system's microphone; silence if there is none
    /// NAME, #INDEX      a microphone of "peer-cli devices"
    /// file:PATH[,loop]  wav, flac, mp3 or Ogg Opus, once or for ever
    /// tone:HZ           a sine, 20 to 20000 Hz
    /// silence           nothing to hear, but packets
    /// stdin             s16le, 48 kHz, mono (--stereo: left, right)
    /// off               no sound is sent
    ///
    /// [default: default; loopback: tone:440]
    #[arg(long, value_name = "SOURCE", verbatim_doc_comment)]
    pub(in crate::cli) mic: Option<SourceSpec>,
    /// Where to play: NAME, file:PATH, null, off, ...
    ///
    /// default       the system's speaker; null if there is none
    /// NAME, #INDEX  a speaker of "peer-cli devices"
    /// file:PATH     .wav (48 kHz, 16 bit; always readable) or .ogg
    /// null          plays to nowhere, in real time
    /// stdout        s16le, 48 kHz; messages then go to stderr
    /// off           no sound is received
    ///
    /// [default: default; loopback and --echo: null]
    #[arg(long, value_name = "SINK", verbatim_doc_comment)]
    pub(in crate::cli) speaker: Option<SinkSpec>,
    /// Send back what arrives, to its own sender
    ///
    /// Sound (without transcoding) and messages; opens no microphone. Each
    /// caller hears only itself.
    #[arg(long)]
    pub(in crate::cli) echo: bool,
    /// Record both sides: .wav or .ogg, we left, they right
    ///
    /// Two channels, 48 kHz: what is sent (silence while muted), and what is
    /// heard. It begins when a call is connected and rests between calls; a .wav can
    /// be read whatever ends the program.
    #[arg(long, value_name = "FILE", value_parser = grammar::recording)]
    pub(in crate::cli) record: Option<PathBuf>,
    /// Sound in one packet: 10, 20, 40 or 60 ms [default: 20]
    #[arg(long, value_name = "MS", value_parser = grammar::ptime)]
    pub(in crate::cli) ptime: Option<u32>,
    /// Opus bit rate, 6k to 510k bit/s [default: 32k]
    ///
    /// With --stereo the default is 96k.
    #[arg(long, value_name = "BPS", value_parser = grammar::bitrate)]
    pub(in crate::cli) bitrate: Option<u32>,
    /// Send no forward error correction
    ///
    /// Normally each Opus packet also carries a coarse copy of the one before,
    /// prepared for 5 % loss until the first report.
    #[arg(long)]
    pub(in crate::cli) no_fec: bool,
    /// Send nothing while there is silence
    ///
    /// Opus announces the silence (DTX); the other side fills it with noise.
    #[arg(long)]
    pub(in crate::cli) dtx: bool,
    /// Send and play two channels: for music
    ///
    /// Only Opus has them, and only who asks for them gets them (stereo=1, RFC
    /// 7587): use it at both ends. Nothing is done to the sound of a
    /// microphone.
    #[arg(long)]
    pub(in crate::cli) stereo: bool,
    /// Codecs, best first: opus,pcmu,pcma [default: all]
    ///
    /// Sound is sent in the first of them that the other side takes. Only
    /// these are offered and accepted. pcmu and pcma are G.711, telephone
    /// quality at 64 kbit/s, for peers that have no Opus.
    #[arg(long, value_name = "LIST", value_parser = grammar::codec, value_delimiter = ',')]
    pub(in crate::cli) codec: Vec<Codec>,
    /// Delay that evens out jitter, ms [default: 0..400]
    ///
    /// MIN..MAX, or one number for a fixed delay; at most 1500. Between them it
    /// follows from how late packets come.
    #[arg(long, value_name = "MIN..MAX")]
    pub(in crate::cli) jitter: Option<JitterBounds>,
    /// Digits to send once connected, such as '1w2#'
    ///
    /// 0 to 9, *, # and A to D, as telephone events (RFC 4733); w waits
    /// 500 ms.
    #[arg(long, value_name = "DIGITS")]
    pub(in crate::cli) dtmf: Option<Script>,
    #[command(flatten)]
    pub(in crate::cli) voice: VoiceArgs,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Sound")]
pub(in crate::cli) struct VoiceArgs {
    /// Take the speaker's echo out of what is sent
    ///
    /// On where both ends are devices, off for files, tones and pipes. Finds
    /// the echo by itself up to 400 ms after it was played.
    #[arg(long, overrides_with = "no_aec")]
    pub(in crate::cli) aec: bool,
    /// Leave the echo in: for headphones
    #[arg(long, overrides_with = "aec", hide_short_help = true)]
    pub(in crate::cli) no_aec: bool,
    /// Suppress steady noise (about 17 dB)
    ///
    /// On for a microphone, off for files, tones and pipes. It takes music for
    /// noise.
    #[arg(long, overrides_with = "no_ns")]
    pub(in crate::cli) ns: bool,
    /// Leave noise as it is: for music
    #[arg(long, overrides_with = "ns", hide_short_help = true)]
    pub(in crate::cli) no_ns: bool,
    /// Bring speech to an even level
    ///
    /// On for a microphone, off for files, tones and pipes.
    #[arg(long, overrides_with = "no_agc")]
    pub(in crate::cli) agc: bool,
    /// Leave the level as it is
    ///
    /// With any of --aec, --ns and --agc a high-pass filter takes away what
    /// is below speech.
    #[arg(long, overrides_with = "agc", hide_short_help = true)]
    pub(in crate::cli) no_agc: bool,
}
