//! A bad cable between two namespaces, for every kind of packet: what netem would do, where the kernel has none.
//!
//! Each end is a TAP device whose frames `socat` brings here as datagrams, so that no system call of our own is needed.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::ErrorKind;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::line::{Line, Passage};
use crate::namespace::Namespace;
use crate::scratch::Scratch;

/// A cable that is plugged in; pulled out at both ends when dropped.
#[derive(Debug)]
pub struct Cable {
    ways: [Arc<Way>; 2],
    ends: Vec<Child>,
    threads: Vec<JoinHandle<()>>,
    _folder: Scratch,
}

/// One direction.
#[derive(Debug)]
struct Way {
    state: Mutex<State>,
    /// Something has entered, or it is over.
    changed: Condvar,
    over: AtomicBool,
}

#[derive(Debug)]
struct State {
    line: Line,
    passage: Passage,
    /// The earliest first; of those due at once the one that entered first.
    frames: BinaryHeap<Reverse<(Instant, u64, Vec<u8>)>>,
    entered: u64,
}

/// The largest frame, with room for offloads that the devices do not have.
const FRAME: usize = 65_536;
/// Between two looks at whether it is over.
const LOOK: Duration = Duration::from_millis(100);
/// From starting `socat` to a device that is up.
const PATIENCE: Duration = Duration::from_secs(10);

impl Cable {
    /// A good one between two devices that are made for it.
    ///
    /// # Errors
    /// When `socat` is missing or no TAP device can be made.
    pub(crate) fn between(ends: [(&Namespace, &str); 2], seed: u64) -> Result<Self> {
        let folder = Scratch::new()?;
        let names = ["0", "1"];
        let here = names.map(|name| folder.file(&format!("here-{name}")));
        let there = names.map(|name| folder.file(&format!("there-{name}")));
        let bind = |path: &PathBuf| {
            let socket = UnixDatagram::bind(path)?;
            socket.set_read_timeout(Some(LOOK))?;
            anyhow::Ok(socket)
        };
        let sockets = [bind(&here[0])?, bind(&here[1])?];
        let mut cable = Self {
            ways: [seed, seed ^ u64::MAX].map(|seed| Arc::new(Way::new(seed))),
            ends: Vec::new(),
            threads: Vec::new(),
            _folder: folder,
        };
        for (index, (place, device)) in ends.iter().enumerate() {
            let mut command = place.command("socat");
            command.args(["-b", &FRAME.to_string()]);
            command.arg(format!(
                "TUN,tun-type=tap,iff-no-pi,iff-up,tun-name={device}"
            ));
            let (to, from) = (here[index].display(), there[index].display());
            command.arg(format!("UNIX-SENDTO:{to},bind={from}"));
            let child = command.stdin(Stdio::null()).spawn();
            cable.ends.push(child.context("cannot start socat")?);
        }
        for (place, device) in ends {
            is_up(place, device)?;
        }
        for (index, way) in cable.ways.iter().enumerate() {
            let (from, to) = (sockets[index].try_clone()?, sockets[1 - index].try_clone()?);
            let far = there[1 - index].clone();
            let (reads, writes) = (Arc::clone(way), Arc::clone(way));
            cable.threads.push(spawn(move || reads.read(&from)));
            cable.threads.push(spawn(move || writes.write(&to, &far)));
        }
        Ok(cable)
    }

    /// From now on the way that begins at the second of the ends is like this.
    pub fn set_back(&self, line: Line) {
        self.ways[1].state().line = line;
    }

    /// From now on both ways are like this.
    pub fn set(&self, line: Line) {
        for way in &self.ways {
            way.state().line = line;
        }
    }
}

/// Waits for the device.
fn is_up(place: &Namespace, device: &str) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let shown = place.run(&format!("ip -oneline link show {device}"));
        match shown {
            Ok(link) if link.contains(",UP") => return Ok(()),
            found if Instant::now() > deadline => {
                bail!("no TAP device {device} came up (is socat installed?): {found:?}")
            }
            _ => sleep(Duration::from_millis(10)),
        }
    }
}

impl Way {
    fn new(seed: u64) -> Self {
        let state = State {
            line: Line::default(),
            passage: Passage::new(Instant::now(), seed),
            frames: BinaryHeap::new(),
            entered: 0,
        };
        Self {
            state: Mutex::new(state),
            changed: Condvar::new(),
            over: AtomicBool::new(false),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    fn read(&self, from: &UnixDatagram) {
        let mut buffer = vec![0; FRAME];
        while !self.is_over() {
            match from.recv(&mut buffer) {
                Ok(length) => self.state().enter(&buffer[..length]),
                // The time is over, or a child process has ended: a signal interrupts the wait.
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) =>
                {
                    continue;
                }
                Err(_) => return,
            }
            self.changed.notify_one();
        }
    }

    fn write(&self, to: &UnixDatagram, far: &PathBuf) {
        let mut state = self.state();
        while !self.is_over() {
            let now = Instant::now();
            let due = state.frames.peek().map(|Reverse((due, ..))| *due);
            match due {
                Some(due) if due <= now => {
                    let frame = state.frames.pop();
                    drop(state);
                    if let Some(Reverse((.., frame))) = frame {
                        // The far device may be down: the frame is lost, as on a real cable.
                        to.send_to(&frame, far).ok();
                    }
                    state = self.state();
                }
                other => {
                    let wait = other.map_or(LOOK, |due| due - now).min(LOOK);
                    let woken = self.changed.wait_timeout(state, wait);
                    state = woken.unwrap_or_else(PoisonError::into_inner).0;
                }
            }
        }
    }
}

impl State {
    fn enter(&mut self, frame: &[u8]) {
        let (line, under_way) = (self.line, self.frames.len());
        let now = Instant::now();
        for due in self.passage.enter(&line, now, frame.len(), under_way) {
            self.entered += 1;
            self.frames
                .push(Reverse((due, self.entered, frame.to_vec())));
        }
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        for way in &self.ways {
            way.over.store(true, Ordering::Relaxed);
            way.changed.notify_all();
        }
        for end in &mut self.ends {
            end.kill().ok();
            end.wait().ok();
        }
        for thread in self.threads.drain(..) {
            thread.join().ok();
        }
    }
}
