//! Calls through real devices of a real sound server: null sinks, whose monitors tell what they play.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

mod chirps;
mod echo;
mod formats;
mod frozen;
mod replugged;
mod through;

use std::process::Command;
use std::time::Duration;

use lab::{Device, Process, Sound, SoundServer};
use tests::{TestServer, program};

/// Far more than anything here takes.
const LIMIT: Duration = Duration::from_secs(30);

/// A sound server and a signaling server.
struct Studio {
    sound: SoundServer,
    signaling: TestServer,
}

impl Studio {
    /// Nothing where there is no sound server; then that is said.
    fn open(test: &str) -> Option<Self> {
        let sound = SoundServer::start(&format!("sound_server::{test}")).unwrap()?;
        let signaling = TestServer::start();
        Some(Self { sound, signaling })
    }

    /// A speaker and a microphone of the usual kind: Kitchen and Desk.
    fn furnish(&self) -> (Device, Device) {
        let speaker = self.sound.speaker("kitchen", "Kitchen", 48_000, 2);
        let microphone = self.sound.microphone("desk", "Desk", 48_000, 1);
        (speaker.unwrap(), microphone.unwrap())
    }

    /// A peer that knows both; `words` begin with the verb.
    fn peer(&self, words: &[&str]) -> Process {
        let mut command = Command::new(program("peer-cli"));
        self.sound.introduce(&mut command);
        command.args(words);
        command.args(["--json", "--stun", "off", "-s", &self.signaling.url()]);
        Process::start("peer", command).unwrap()
    }

    /// `peer-cli devices`.
    fn list(&self) -> Process {
        let mut command = Command::new(program("peer-cli"));
        self.sound.introduce(&mut command);
        command.args(["devices", "--json"]);
        Process::start("devices", command).unwrap()
    }

    /// An answerer that waits, and the caller.
    fn call(&self, answer: &[&str], call: &[&str]) -> [Process; 2] {
        let mut answerer = self.peer(&[&["answer"], answer].concat());
        answerer.wait_for("signaling", LIMIT).unwrap();
        [self.peer(&[&["call"], call].concat()), answerer]
    }
}

/// Both end, and well.
fn end_well(peers: [Process; 2]) {
    for mut peer in peers {
        peer.succeed(LIMIT).unwrap();
    }
}

/// So many seconds of a sine of so many hertz.
fn tone(hertz: f64, seconds: usize) -> Sound {
    const RATE: usize = 48_000;
    let turn = std::f64::consts::TAU * hertz / RATE as f64;
    let samples = (0..seconds * RATE).map(|n| (0.3 * (turn * n as f64).sin()) as f32);
    Sound {
        rate: RATE as u32,
        samples: samples.collect(),
    }
}
