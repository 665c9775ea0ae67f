//! The system's sound: which one to talk to, quietly, and what its errors mean.

use std::time::Duration;

use cpal::ErrorKind;

/// A server that took longer to refuse a connection hangs: its library gives up after two seconds.
pub(super) const SLOW: Duration = Duration::from_secs(1);

/// There is a sound server, and it does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hangs;

/// The sound system, if there is one. A machine without a sound card is not bothered, and says nothing.
#[cfg(any(
    target_os = "linux",
    target_os = "freebsd",
    target_os = "netbsd",
    target_os = "dragonfly"
))]
pub(super) fn host() -> Result<Option<cpal::Host>, Hangs> {
    let begun = std::time::Instant::now();
    // A sound server first: it shares devices between programs and converts everything.
    if let Ok(host) = cpal::host_from_id(cpal::HostId::PulseAudio) {
        return Ok(Some(host));
    }
    let hangs = begun.elapsed() > SLOW;
    if has_card() {
        quiet();
        if let Ok(host) = cpal::host_from_id(cpal::HostId::Alsa) {
            return Ok(Some(host));
        }
    }
    if hangs { Err(Hangs) } else { Ok(None) }
}

/// Whether it moves a stream to another device when its own one is unplugged, and tells nobody.
#[cfg(any(
    target_os = "linux",
    target_os = "freebsd",
    target_os = "netbsd",
    target_os = "dragonfly"
))]
pub(super) fn moves_streams(host: &cpal::Host) -> bool {
    host.id() == cpal::HostId::PulseAudio
}

/// Whether it moves a stream to another device when its own one is unplugged, and tells nobody.
#[cfg(not(any(
    target_os = "linux",
    target_os = "freebsd",
    target_os = "netbsd",
    target_os = "dragonfly"
)))]
pub(super) fn moves_streams(_: &cpal::Host) -> bool {
    false
}

/// The sound system, if there is one.
#[cfg(not(any(
    target_os = "linux",
    target_os = "freebsd",
    target_os = "netbsd",
    target_os = "dragonfly"
)))]
pub(super) fn host() -> Result<Option<cpal::Host>, Hangs> {
    Ok(Some(cpal::default_host()))
}

/// Whether the kernel knows a sound card. Without one, ALSA's library would only complain on standard error.
#[cfg(any(
    target_os = "linux",
    target_os = "freebsd",
    target_os = "netbsd",
    target_os = "dragonfly"
))]
fn has_card() -> bool {
    let pcm = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.is_ok_and(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name.starts_with("pcm") || name.starts_with("dsp")
        })
    };
    let has_pcm = |folder| std::fs::read_dir(folder).is_ok_and(|mut entries| entries.any(pcm));
    has_pcm("/dev/snd") || cfg!(not(target_os = "linux")) && has_pcm("/dev")
}

/// Takes this thread's messages of ALSA's library, which would go to standard error, into a buffer. Each thread that calls it has its own.
#[cfg(any(
    target_os = "linux",
    target_os = "freebsd",
    target_os = "netbsd",
    target_os = "dragonfly"
))]
pub(super) fn quiet() {
    // Replacing the buffer of the last time also empties it. If there is no memory for one, noise is all that happens.
    let _ = alsa::Output::local_error_handler();
}

/// There is nothing to silence.
#[cfg(not(any(
    target_os = "linux",
    target_os = "freebsd",
    target_os = "netbsd",
    target_os = "dragonfly"
)))]
pub(super) fn quiet() {}

/// Leaves out the many names under which ALSA offers the same card once more.
pub(super) fn is_useful(id: &str) -> bool {
    let surround = [
        "front:",
        "surround",
        "iec958:",
        "hdmi:",
        "dmix",
        "dsnoop",
        "hw:",
        "sysdefault",
        "usbstream:",
    ];
    let numbered = id
        .strip_prefix("plughw:CARD=")
        .is_some_and(|card| card.starts_with(|c: char| c.is_ascii_digit()));
    let plugin = [
        "null",
        "samplerate",
        "speexrate",
        "upmix",
        "vdownmix",
        "lavrate",
        "speex",
        "oss",
    ];
    !numbered && !plugin.contains(&id) && !surround.iter().any(|prefix| id.starts_with(prefix))
}

/// An error of the sound system in words.
pub(super) fn words(error: &cpal::Error) -> String {
    let detail = error.message().unwrap_or_default();
    let meaning = match error.kind() {
        ErrorKind::DeviceBusy => {
            "busy: another program uses it (end that one, or choose another device)"
        }
        ErrorKind::DeviceNotAvailable => "not there, or unplugged",
        ErrorKind::HostUnavailable => "the sound system does not answer",
        ErrorKind::PermissionDenied => {
            "permission denied (on Linux: is the user in the group \"audio\"?)"
        }
        ErrorKind::UnsupportedConfig | ErrorKind::UnsupportedOperation => {
            "it cannot do what is needed"
        }
        ErrorKind::StreamInvalidated => "the sound system closed it",
        _ => "the sound system failed",
    };
    if detail.is_empty() {
        meaning.to_owned()
    } else {
        format!("{meaning} ({detail})")
    }
}

/// Whether a stream is dead after such an error, or only hiccuped.
pub(super) fn is_fatal(kind: ErrorKind) -> bool {
    !matches!(
        kind,
        ErrorKind::Xrun | ErrorKind::RealtimeDenied | ErrorKind::DeviceChanged
    )
}
