//! The program as a process.

use std::io::{BufRead, BufReader, Cursor, Read};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Far more than anything takes on an idle machine: it ends a test that would hang.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// Between two looks.
pub(crate) const LOOK: Duration = Duration::from_millis(5);

/// Killed with its owner.
pub(crate) struct Running {
    child: Child,
    pub(crate) addr: SocketAddr,
    pub(crate) relay: Option<SocketAddr>,
    said: Gathered,
    printed: Gathered,
}

/// What comes out of a pipe, and who reads it until its end.
struct Gathered(Arc<Mutex<String>>, Option<JoinHandle<()>>);

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

/// The long options of the help, without dashes.
pub(crate) fn options() -> Vec<String> {
    let help = signaling(&["--help"]).output().unwrap().stdout;
    let help = String::from_utf8(help).unwrap();
    let options = help
        .lines()
        .filter_map(|line| line.strip_prefix("      --"));
    let names = options.map(|line| line.split(' ').next().unwrap().to_owned());
    let names: Vec<String> = names.collect();
    assert!(names.len() > 30, "{help}");
    names
}

impl Running {
    /// On any port of loopback.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::run(signaling(arguments).args(["--listen", "127.0.0.1:0"]))
    }

    pub(crate) fn run(command: &mut Command) -> Self {
        let mut child = command.arg("--json").spawn().unwrap();
        let said = Gathered::from(child.stderr.take().unwrap());
        let mut events = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        events.read_line(&mut line).unwrap();
        let told: serde_json::Value = serde_json::from_str(&line)
            .unwrap_or_else(|why| panic!("{why}: {line:?}: {}", said.so_far()));
        let addr = |name: &str| told[name].as_str().map(|addr| addr.parse().unwrap());
        let (addr, relay) = (addr("addr").unwrap(), addr("relay"));
        let printed = Gathered::from(Cursor::new(line).chain(events));
        Self {
            child,
            addr,
            relay,
            said,
            printed,
        }
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.addr.port())).unwrap();
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
        self.said.so_far()
    }

    /// Waits until it has said so.
    #[track_caller]
    pub(crate) fn says(&self, what: &str) {
        until(what, || self.said().contains(what), || self.said());
    }

    /// Its exit code, and what stood on stderr.
    #[track_caller]
    pub(crate) fn ends(self) -> (Option<i32>, String) {
        let (code, said, _) = self.ends_with_all();
        (code, said)
    }

    /// Its exit code, and what stood on stderr and on stdout.
    #[track_caller]
    pub(crate) fn ends_with_all(mut self) -> (Option<i32>, String, String) {
        let mut status = None;
        let (said, child) = (Arc::clone(&self.said.0), &mut self.child);
        let ended = || {
            status = child.try_wait().unwrap();
            status.is_some()
        };
        until("its end", ended, || said.lock().unwrap().clone());
        let code = status.and_then(|status| status.code());
        (code, self.said.all(), self.printed.all())
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

impl Gathered {
    fn from(mut pipe: impl Read + Send + 'static) -> Self {
        let text = Arc::new(Mutex::new(String::new()));
        let all = Arc::clone(&text);
        let reader = std::thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(count @ 1..) = pipe.read(&mut piece) {
                let text = String::from_utf8_lossy(&piece[..count]);
                all.lock().unwrap().push_str(&text);
            }
        });
        Self(text, Some(reader))
    }

    fn so_far(&self) -> String {
        self.0.lock().unwrap().clone()
    }

    /// Until its end: nothing of it is on its way any more.
    fn all(&mut self) -> String {
        if let Some(reader) = self.1.take() {
            reader.join().unwrap();
        }
        self.so_far()
    }
}
