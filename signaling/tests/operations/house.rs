//! The program as a process.

use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Far more than anything takes on an idle machine: it ends a test that would hang.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// Between two looks.
pub(crate) const LOOK: Duration = Duration::from_millis(5);

/// Killed with its owner.
pub(crate) struct Running {
    child: Child,
    pub(crate) addr: SocketAddr,
    said: Arc<Mutex<String>>,
}

/// The program with nothing of ours in its environment.
pub(crate) fn signaling(arguments: &[&str]) -> Command {
    let mut command = within(env!("CARGO_BIN_EXE_signaling"));
    command.args(arguments);
    command
}

/// A program that may start ours.
pub(crate) fn within(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env_remove("RUST_LOG");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("SIGNALING_") {
            command.env_remove(name);
        }
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

impl Running {
    /// On any port of loopback.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::run(signaling(arguments).args(["--listen", "127.0.0.1:0"]))
    }

    pub(crate) fn run(command: &mut Command) -> Self {
        let mut child = command.arg("--json").spawn().unwrap();
        let said = gathered(child.stderr.take().unwrap());
        let mut line = String::new();
        let mut events = BufReader::new(child.stdout.as_mut().unwrap());
        events.read_line(&mut line).unwrap();
        let addr = line.split('"').nth(7);
        let addr = addr.unwrap_or_else(|| panic!("{line:?}: {}", said.lock().unwrap()));
        let addr = addr.parse().unwrap();
        Self { child, addr, said }
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.addr).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        stream
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.pid().to_string();
        let kill = Command::new("kill").args([signal, &pid]).status();
        assert!(kill.unwrap().success());
    }

    /// What it has said on stderr so far.
    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// Waits until it has said so.
    #[track_caller]
    pub(crate) fn says(&self, what: &str) {
        until(what, || self.said().contains(what), || self.said());
    }

    /// Its exit code, and what stood on stderr.
    #[track_caller]
    pub(crate) fn ends(mut self) -> (Option<i32>, String) {
        let mut status = None;
        let ended = || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        };
        until("its end", ended, || self.said.lock().unwrap().clone());
        (status.and_then(|status| status.code()), self.said())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until it is so, looking now and then.
#[track_caller]
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool, seen: impl Fn() -> String) {
    let deadline = Instant::now() + LIMIT;
    while !is_so() {
        assert!(Instant::now() < deadline, "never {what:?}: {}", seen());
        std::thread::sleep(LOOK);
    }
}

fn gathered(mut from: impl Read + Send + 'static) -> Arc<Mutex<String>> {
    let said = Arc::new(Mutex::new(String::new()));
    let all = Arc::clone(&said);
    std::thread::spawn(move || {
        let mut piece = [0; 4096];
        while let Ok(count @ 1..) = from.read(&mut piece) {
            let text = String::from_utf8_lossy(&piece[..count]);
            all.lock().unwrap().push_str(&text);
        }
    });
    said
}
