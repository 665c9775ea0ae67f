//! A sound server of its own, with sound cards that are none: PulseAudio on a private socket, without root and without D-Bus.

mod ear;
mod echo;
mod voice;

use std::fs::{self, File};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::acoustics::Room;
use crate::scratch::Scratch;
use crate::shell;
pub use ear::{Ear, Heard};
pub use echo::Echo;
pub use voice::{Channel, Voice};

/// Ended when dropped; its devices with it.
#[derive(Debug)]
pub struct SoundServer {
    child: Child,
    folder: Scratch,
}

/// A speaker or a microphone that was plugged in.
#[derive(Debug)]
pub struct Device {
    /// What people call it.
    pub title: String,
    /// What is played into it: a speaker's own sound, or what its microphone shall hear.
    sink: String,
    /// What is heard from it.
    source: String,
    /// The numbers of its modules, the last first.
    modules: Vec<String>,
}

/// From start to answering.
const PATIENCE: Duration = Duration::from_secs(15);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(10);
/// A cookie must have its length, though this server takes anybody.
const COOKIE: [u8; 256] = [0; 256];

impl SoundServer {
    /// A server without any device; nothing where PulseAudio is not installed, which is said past the test harness.
    ///
    /// # Errors
    /// When it is there and does not start.
    pub fn start(test: &str) -> Result<Option<Self>> {
        if Command::new("pulseaudio")
            .arg("--version")
            .output()
            .is_err()
        {
            crate::skipped(test, "needs pulseaudio");
            return Ok(None);
        }
        let folder = Scratch::new()?;
        fs::write(folder.file("cookie"), COOKIE)?;
        let line = "load-module module-native-protocol-unix auth-anonymous=1 socket=";
        let script = format!("{line}{}\n", folder.file("socket").display());
        fs::write(folder.file("script.pa"), script)?;
        let mut server = Self {
            child: spawn(&folder)?,
            folder,
        };
        server.answers()?;
        Ok(Some(server))
    }

    /// Gone without a word.
    ///
    /// # Errors
    /// When it has ended before.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill().context("cannot kill pulseaudio")?;
        self.child.wait()?;
        Ok(())
    }

    /// Another one at the same place, without any device.
    ///
    /// # Errors
    /// When it does not start.
    pub fn restart(&mut self) -> Result<()> {
        self.kill()?;
        // A socket that nobody listens on is in its way.
        fs::remove_file(self.folder.file("socket")).ok();
        self.child = spawn(&self.folder)?;
        self.answers()
    }

    /// Stops its process, or lets it go on: a server that does not answer.
    ///
    /// # Errors
    /// When it has ended.
    pub fn freeze(&self, frozen: bool) -> Result<()> {
        let signal = if frozen { "-STOP" } else { "-CONT" };
        let id = self.child.id().to_string();
        shell::feed(Command::new("kill").args([signal, &id]), "").map(drop)
    }

    /// What a program needs to find it, and nothing of the machine's own sound.
    pub fn introduce(&self, command: &mut Command) {
        let socket = format!("unix:{}", self.folder.file("socket").display());
        command
            .env("PULSE_SERVER", socket)
            .env("PULSE_COOKIE", self.folder.file("cookie"))
            .env("XDG_RUNTIME_DIR", self.folder.path())
            .env_remove("PULSE_SINK")
            .env_remove("PULSE_SOURCE");
    }

    /// Plugs a speaker in: whatever is played there can be heard with [`Self::listen`].
    ///
    /// # Errors
    /// When the server does not take it.
    pub fn speaker(&self, name: &str, title: &str, rate: u32, channels: u32) -> Result<Device> {
        let module = self.null_sink(name, title, rate, channels)?;
        Ok(Device {
            title: title.to_owned(),
            sink: name.to_owned(),
            source: format!("{name}.monitor"),
            modules: vec![module],
        })
    }

    /// Plugs a microphone in, which hears whatever is said with [`Self::say`].
    ///
    /// # Errors
    /// When the server does not take it.
    pub fn microphone(&self, name: &str, title: &str, rate: u32, channels: u32) -> Result<Device> {
        let air = format!("{name}_air");
        let first = self.null_sink(&air, &format!("Air of {title}"), rate, channels)?;
        let second = self.pactl(&[
            "load-module",
            "module-remap-source",
            &format!("master={air}.monitor"),
            &format!("source_name={name}"),
            &format!("source_properties='device.description=\"{title}\"'"),
        ])?;
        Ok(Device {
            title: title.to_owned(),
            sink: air,
            source: name.to_owned(),
            modules: vec![second, first],
        })
    }

    /// Pulls it out.
    ///
    /// # Errors
    /// When it is not there.
    pub fn unplug(&self, device: &Device) -> Result<()> {
        for module in &device.modules {
            self.pactl(&["unload-module", module])?;
        }
        Ok(())
    }

    /// Makes it the one that `default` means.
    ///
    /// # Errors
    /// When it is not there.
    pub fn make_default(&self, device: &Device) -> Result<()> {
        // A microphone's air is no speaker that anybody should play to.
        if device.modules.len() == 1 {
            self.pactl(&["set-default-sink", &device.sink])?;
        } else {
            self.pactl(&["set-default-source", &device.source])?;
        }
        Ok(())
    }

    /// Puts both into a room: what the speaker plays is heard by the microphone, a few ms later than the room says.
    ///
    /// # Errors
    /// When `parec` or `pacat` cannot be started.
    pub fn in_a_room(&self, speaker: &Device, microphone: &Device, room: Room) -> Result<Echo> {
        let [mut from, mut to] = ["parec", "pacat"].map(Command::new);
        self.introduce(&mut from);
        self.introduce(&mut to);
        Echo::open(room, (from, &speaker.source), (to, &microphone.sink))
    }

    /// `pactl` with these words; what it prints.
    ///
    /// # Errors
    /// When it fails; with what it said.
    pub fn pactl(&self, words: &[&str]) -> Result<String> {
        let mut command = Command::new("pactl");
        self.introduce(&mut command);
        let printed = shell::feed(command.args(words), "")?;
        Ok(printed.trim().to_owned())
    }

    fn null_sink(&self, name: &str, title: &str, rate: u32, channels: u32) -> Result<String> {
        self.pactl(&[
            "load-module",
            "module-null-sink",
            &format!("sink_name={name}"),
            &format!("rate={rate}"),
            &format!("channels={channels}"),
            &format!("sink_properties='device.description=\"{title}\"'"),
        ])
    }

    fn answers(&mut self) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while UnixStream::connect(self.folder.file("socket")).is_err() {
            let ended = self.child.try_wait()?;
            if ended.is_some() || Instant::now() > deadline {
                let log = fs::read_to_string(self.folder.file("log")).unwrap_or_default();
                bail!("pulseaudio does not listen ({ended:?}): {log}");
            }
            sleep(LOOK);
        }
        self.pactl(&["info"]).map(drop)
    }
}

fn spawn(folder: &Scratch) -> Result<Child> {
    let (path, file): (&Path, PathBuf) = (folder.path(), folder.file("script.pa"));
    let log = File::create(folder.file("log")).context("cannot create the log of pulseaudio")?;
    Command::new("pulseaudio")
        .args(["-n", "--daemonize=no", "--use-pid-file=no"])
        .args(["--exit-idle-time=-1", "--realtime=no", "--high-priority=no"])
        .arg("-F")
        .arg(file)
        .env("HOME", path)
        .env("XDG_RUNTIME_DIR", path)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .context("cannot start pulseaudio")
}

impl Drop for SoundServer {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
