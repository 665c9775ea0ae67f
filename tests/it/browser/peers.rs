//! The real programs at the other end of a page's call.

use std::collections::BTreeSet;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use lab::{Presence, Process, Scratch, Sound, wav};
use serde_json::Value;
use tests::{LIMIT, program};

/// `signaling` at any free loopback port. Ends with its owner.
pub(crate) struct Server {
    addr: String,
    process: Process,
}

/// `peer-cli` with a tone, which keeps what it hears.
pub(crate) struct Peer {
    pub(crate) process: Process,
    folder: Scratch,
}

/// What `peer-cli` says into a call, in hertz.
pub(crate) const TONE: u32 = 440;
/// Between two looks at what it has heard.
const LOOK: Duration = Duration::from_millis(100);

impl Server {
    pub(crate) fn start() -> Self {
        Self::start_at("127.0.0.1:0", &[])
    }

    /// With these words beside.
    pub(crate) fn start_with(words: &[&str]) -> Self {
        Self::start_at("127.0.0.1:0", words)
    }

    fn start_at(place: &str, words: &[&str]) -> Self {
        let mut command = Command::new(program("signaling"));
        command.args(["--listen", place, "--json"]).args(words);
        let mut process = Process::start("signaling", command).unwrap();
        let listening = process.wait_for("listening", LIMIT).unwrap().value;
        Self {
            addr: listening["addr"].as_str().unwrap().to_owned(),
            process,
        }
    }

    /// Gone without a word.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
    }

    /// Another one at the same place.
    pub(crate) fn start_again(&mut self) {
        *self = Self::start_at(&self.addr, &[]);
    }

    /// Where its page is.
    pub(crate) fn page(&self) -> String {
        format!("http://{}/", self.addr)
    }

    /// The same on a machine of this name.
    pub(crate) fn page_as(&self, name: &str) -> String {
        let port = self.addr.rsplit(':').next().unwrap_or_default();
        format!("http://{name}:{port}/")
    }

    /// What peers and tutorial pages connect to.
    pub(crate) fn url(&self) -> String {
        format!("ws://{}/socket", self.addr)
    }
}

impl Peer {
    /// In the server's one room, with these words beside.
    pub(crate) fn start(verb: &str, server: &Server, words: &[&str]) -> Self {
        let words = [&["--stun", "off"], words].concat();
        Self::start_as(
            Command::new(program("peer-cli")),
            verb,
            &server.url(),
            &words,
        )
    }

    /// With this command, in the one room of the server there.
    pub(crate) fn start_as(mut command: Command, verb: &str, server: &str, words: &[&str]) -> Self {
        let folder = Scratch::new().unwrap();
        let speaker = format!("file:{}", folder.file("heard.wav").display());
        let tone = format!("tone:{TONE}");
        command.args([verb, "--server", server, "--json"]);
        command
            .args(["--mic", &tone, "--speaker", &speaker])
            .args(words);
        let name = if verb == "call" { "call" } else { "answer" };
        Self {
            process: Process::start(name, command).unwrap(),
            folder,
        }
    }

    /// On a terminal with keys, which `script` makes; it tells no events. Nothing where there is no `script`, which is then said.
    pub(crate) fn start_on_a_terminal(verb: &str, server: &Server, test: &str) -> Option<Self> {
        let folder = Scratch::new().unwrap();
        let line = format!(
            "exec '{}' {verb} --server '{}' --stun off --mic tone:{TONE} --speaker 'file:{}'",
            program("peer-cli").display(),
            server.url(),
            folder.file("heard.wav").display()
        );
        let mut script = Command::new("script");
        script.args(["-q", "-f", "-e", "-c", &line, "/dev/null"]);
        script.env("TERM", "xterm").env("SHELL", "/bin/sh");
        let Ok(process) = Process::start("peer-cli on a terminal", script) else {
            lab::skipped(&format!("browser::{test}"), "needs script (bsdutils)");
            return None;
        };
        Some(Self { process, folder })
    }

    /// In the room, ready for whoever comes.
    pub(crate) fn waits(mut self) -> Self {
        self.sees("signaling");
        self
    }

    /// The next event of this name.
    pub(crate) fn sees(&mut self, name: &str) -> Value {
        self.process.wait_for(name, LIMIT).unwrap().value
    }

    /// The user names of its ICE, one more after each restart, as `--stats` tells them.
    pub(crate) fn ice_users(&mut self) -> BTreeSet<String> {
        let stats = self.sees("stats");
        let objects = stats["stats"].as_array().unwrap().iter();
        let local = objects.filter(|object| object["type"] == "local-candidate");
        let users = local.filter_map(|object| object["usernameFragment"].as_str());
        users.map(str::to_owned).collect()
    }

    /// What it has heard of this tone up to now.
    pub(crate) fn heard(&self, hertz: u32) -> Presence {
        let file = std::fs::read(self.folder.file("heard.wav")).unwrap_or_default();
        // Until the speaker has begun there is no sound in it.
        let silence = Sound {
            rate: 48_000,
            samples: Vec::new(),
        };
        let sound = wav::parse(&file).unwrap_or(silence);
        Presence::of(f64::from(hertz), &sound)
    }

    /// Waits until it has heard so many seconds of this tone altogether; how many those are then.
    pub(crate) fn hears(&self, hertz: u32, seconds: f64) -> f64 {
        let deadline = Instant::now() + LIMIT;
        loop {
            let heard = self.heard(hertz).total();
            if heard >= seconds {
                return heard;
            }
            let why = format!("{heard:.2} s of {hertz} Hz, not {seconds:.2} s");
            assert!(Instant::now() < deadline, "{why}");
            sleep(LOOK);
        }
    }

    /// Waits until it has heard none of this tone for so many seconds, from now on.
    pub(crate) fn misses(&self, hertz: u32, seconds: f64) {
        let since = self.heard(hertz).seconds();
        let deadline = Instant::now() + LIMIT;
        loop {
            let heard = self.heard(hertz);
            let gap = heard.longest_gap(since, heard.seconds());
            if gap >= seconds {
                return;
            }
            assert!(Instant::now() < deadline, "it is heard, but for {gap:.2} s");
            sleep(LOOK);
        }
    }

    /// All of its events of this name that come until its call is over.
    pub(crate) fn ended_after(&mut self, name: &'static str) -> Vec<Value> {
        let mut all = Vec::new();
        loop {
            let event = self.process.wait_for_one(&[name, "ended"], LIMIT).unwrap();
            if event.is("ended") {
                return all;
            }
            all.push(event.value);
        }
    }

    /// When its call was over for it, and all the seconds for which it had heard this tone; it ended with this exit code.
    pub(crate) fn ends(self, code: i32, hertz: u32) -> (Instant, f64) {
        let (at, heard) = self.ends_having_heard(code, hertz);
        (at, heard.total())
    }

    /// The same, and where in what it heard the tone was.
    pub(crate) fn ends_having_heard(mut self, code: i32, hertz: u32) -> (Instant, Presence) {
        let ended = self.process.wait_for("ended", LIMIT).unwrap();
        assert_eq!(
            self.process.finish(LIMIT).unwrap(),
            code,
            "{:?}",
            ended.value
        );
        (ended.at, self.heard(hertz))
    }
}
