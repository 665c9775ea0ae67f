//! A sound card without hardware: a sound server of the test's own. Exit 7 where a device is named that it does not have.
#![cfg(target_os = "linux")]

use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::house::House;
use super::peer::{Ended, PATIENCE, Peer, command};

/// Between two looks at whether the sound server is there.
const LOOK: Duration = Duration::from_millis(10);

/// Ended when dropped.
struct Card {
    server: Child,
    folder: tempfile::TempDir,
}

impl Card {
    /// Nothing where PulseAudio is not installed; then that is said past the test harness.
    fn plug_in(test: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("card.pa");
        let socket = folder.path().join("socket");
        let lines = [
            format!("load-module module-native-protocol-unix auth-anonymous=1 socket={}", socket.display()),
            "load-module module-null-sink sink_name=loud rate=48000 sink_properties=device.description=Loud".to_owned(),
            "set-default-sink loud".to_owned(),
        ];
        std::fs::write(&script, lines.join("\n") + "\n").unwrap();
        let server = Command::new("pulseaudio")
            .args([
                "-n",
                "--daemonize=no",
                "--use-pid-file=no",
                "--exit-idle-time=-1",
            ])
            .args(["--realtime=no", "--high-priority=no", "-F"])
            .arg(&script)
            .env("HOME", folder.path())
            .env("XDG_RUNTIME_DIR", folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(server) = server else {
            super::skipped(&format!("card::{test}: needs pulseaudio"));
            return None;
        };
        let card = Self { server, folder };
        let deadline = Instant::now() + PATIENCE;
        while UnixStream::connect(card.socket()).is_err() {
            assert!(Instant::now() < deadline, "the sound server does not start");
            std::thread::sleep(LOOK);
        }
        // The socket is there before the card is.
        while !card
            .run(&["devices"])
            .out
            .iter()
            .any(|line| line.contains("Loud"))
        {
            assert!(Instant::now() < deadline, "the sound card does not appear");
        }
        Some(card)
    }

    fn socket(&self) -> impl AsRef<Path> {
        self.folder.path().join("socket")
    }

    fn start(&self, arguments: &[&str]) -> Peer {
        let mut command = command(arguments);
        let server = format!("unix:{}", self.socket().as_ref().display());
        // The server takes anybody, but a cookie must have its length, and a fresh home has none.
        let cookie = self.folder.path().join("cookie");
        std::fs::write(&cookie, [0; 256]).unwrap();
        command
            .env("PULSE_SERVER", server)
            .env("PULSE_COOKIE", cookie)
            .stdin(Stdio::piped());
        Peer::spawn(command, arguments.contains(&"--json"))
    }

    /// A peer with this microphone and this speaker, in a house.
    fn peer(&self, verb: &str, house: &House, [mic, speaker]: [&str; 2], more: &[&str]) -> Peer {
        let words = [
            verb,
            "--json",
            "-s",
            &house.url,
            "--mic",
            mic,
            "--speaker",
            speaker,
        ];
        self.start(&[&words, more].concat())
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        self.start(arguments).finish()
    }
}

impl Drop for Card {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

#[test]
fn devices_are_listed_for_people_and_scripts() {
    let Some(card) = Card::plug_in("devices_are_listed_for_people_and_scripts") else {
        return;
    };
    let ended = card.run(&["devices", "--json"]).expect_code(0);
    let mut found: Vec<_> = ended
        .all("device")
        .iter()
        .map(|event| {
            (
                event["kind"].as_str().unwrap(),
                event["name"].as_str().unwrap(),
            )
        })
        .collect();
    found.sort_unstable();
    assert_eq!(found, [("input", "Monitor of Loud"), ("output", "Loud")]);
    let people = card.run(&["devices"]).expect_code(0);
    assert_eq!(people.out.len(), 2, "{people:#?}");
    assert!(
        people
            .out
            .iter()
            .any(|line| *line == "speaker     #0     48000 Hz   2 ch  Loud  (default)"),
        "{people:#?}"
    );
}

#[test]
fn a_device_that_is_missing_is_told_with_those_that_are_there() {
    let Some(card) = Card::plug_in("a_device_that_is_missing_is_told_with_those_that_are_there")
    else {
        return;
    };
    for (option, name, words) in [
        (
            "--mic",
            "Near",
            "microphone \"Near\": not found; there are: #0 \"Monitor of Loud\"",
        ),
        (
            "--speaker",
            "Far",
            "speaker \"Far\": not found; there are: #0 \"Loud\"",
        ),
        (
            "--speaker",
            "#1",
            "speaker \"#1\": not found; there are: #0 \"Loud\"",
        ),
    ] {
        let ended = card
            .run(&["loopback", "--json", option, name])
            .expect_code(7);
        assert_eq!(ended.reason(), words);
        assert!(ended.said.contains(words), "{}", ended.said);
    }
}

#[test]
fn a_tone_goes_out_of_the_speaker_and_back_into_the_microphone() {
    let Some(card) = Card::plug_in("a_tone_goes_out_of_the_speaker_and_back_into_the_microphone")
    else {
        return;
    };
    let house = House::open();
    // What comes back is an echo, and a tone is noise.
    let plain = ["--no-aec", "--no-ns", "--no-agc"];
    let mut answerer = card.peer("answer", &house, ["#0", "Loud"], &plain);
    answerer.wait_for("signaling");
    let expected = ["--expect", "tone=440"];
    let caller = card.peer("call", &house, ["tone:440", "null"], &expected);
    let caller = caller.finish().expect_code(0);
    let answerer = answerer.finish().expect_code(0);
    // The sound system's libraries have nothing to say on standard error.
    for ended in [caller, answerer] {
        assert!(
            !ended.said.to_lowercase().contains("alsa"),
            "{}",
            ended.said
        );
    }
}

#[test]
fn the_doctor_hears_and_plays() {
    let Some(card) = Card::plug_in("the_doctor_hears_and_plays") else {
        return;
    };
    let arguments = ["doctor", "--json", "-s", "off"];
    let ended = card.run(&arguments).expect_code(0);
    let checks = ended.all("check");
    let names: Vec<_> = checks.iter().map(|check| &check["name"]).collect();
    assert_eq!(names, ["microphone", "speaker"]);
    // What monitors a speaker that is silent is silent, and that is worth a word.
    assert_eq!(
        (&checks[0]["grade"], &checks[1]["grade"]),
        (&"warn".into(), &"ok".into())
    );
    assert_eq!(checks[0]["text"], "\"Monitor of Loud\": silence (muted?)");
    assert_eq!(checks[1]["text"], "\"Loud\": takes sound");
    assert_eq!(ended.one("verdict")["codes"][0], "microphone-silent");
    // Something to hear, while it is played.
    let house = House::open();
    let mut answerer = card.peer("answer", &house, ["silence", "Loud"], &[]);
    answerer.wait_for("signaling");
    let caller = card.peer("call", &house, ["tone:440", "null"], &[]);
    answerer.wait_for("audio");
    let ended = card.run(&arguments).expect_code(0);
    let heard = ended.all("check")[0]["text"].as_str().unwrap();
    assert!(
        heard.starts_with("\"Monitor of Loud\": sound, peak -"),
        "{heard}"
    );
    assert_eq!(ended.one("verdict")["codes"], serde_json::json!([]));
    drop((caller, answerer));
    // One that is named must be there.
    let ended = card
        .run(&["doctor", "--json", "-s", "off", "--mic", "Near"])
        .expect_code(7);
    let words = "microphone \"Near\": not found; there are: #0 \"Monitor of Loud\"";
    assert_eq!(ended.all("check")[0]["text"], words);
}
