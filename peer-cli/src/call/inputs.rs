//! What a call waits for, and the lines that somebody types.

use std::net::IpAddr;

use tokio::sync::{mpsc, watch};

use super::Call;
use super::console::Console;
use super::session::{Key, SessionEvent};
use super::sound::{Control, SoundEvent};
use crate::checks::Verdict;
use crate::exit::Exit;
use crate::signal::{Signal, SignalEvent};

/// Lines kept until somebody is there.
const MAX_UNSAID: usize = 64;
/// One thing that happened.
pub(super) enum Input {
    Signal(Option<SignalEvent>),
    Session(Key, SessionEvent),
    Sound(SoundEvent),
    Line(Option<String>),
    Control(Control),
    Addresses(Vec<IpAddr>),
    Verdict(Verdict),
    Stop(Exit),
    PrinterGone,
    Timer,
}

impl Call {
    /// The next thing that happens.
    pub(super) async fn next(&mut self) -> Input {
        let wake = self.next_wake();
        let timer = async {
            match wake {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        let stopping = self.outcome.is_some();
        let takes_lines = !stopping && self.takes_lines();
        tokio::select! {
            event = next_signal(&mut self.signal) => Input::Signal(event),
            Some((key, event)) = self.session_rx.recv() => Input::Session(key, event),
            Some(event) = self.sound_rx.recv() => Input::Sound(event),
            line = next_line(&mut self.input), if takes_lines => Input::Line(line),
            Some(control) = next_control(&mut self.console) => Input::Control(control),
            verdict = self.examinee.verdict(), if !stopping => Input::Verdict(verdict),
            exit = stopped(&mut self.stop), if !stopping => Input::Stop(exit),
            () = self.emit.closed(), if !stopping => Input::PrinterGone,
            Some(addresses) = self.moves.recv() => Input::Addresses(addresses),
            () = timer => Input::Timer,
        }
    }

    /// Whether one more line can be sent or kept; else whoever writes them waits.
    fn takes_lines(&self) -> bool {
        let mut calls = self
            .sessions
            .values()
            .filter(|s| s.is_connected())
            .peekable();
        if calls.peek().is_none() {
            return self.unsaid.len() < MAX_UNSAID;
        }
        calls.all(|session| session.outbox.has_room())
    }

    /// A key was pressed that changes the sound.
    pub(super) fn on_control(&mut self, control: Control) {
        let state = self.desk.control(control);
        if let Some(console) = &self.console {
            console.meter.set(state);
        }
    }

    /// A line to send, or the end of input.
    pub(super) async fn on_line(&mut self, line: Option<String>) {
        let Some(text) = line else {
            self.input = None;
            self.input_ended = true;
            return;
        };
        let mut nobody = true;
        for session in self.sessions.values_mut().filter(|s| s.is_connected()) {
            nobody = false;
            // There is room: lines are not read before.
            let _ = session.outbox.push(text.clone());
            session.flush_messages().await;
        }
        if nobody {
            self.unsaid.push(text);
        }
    }
}

async fn next_signal(signal: &mut Option<Signal>) -> Option<SignalEvent> {
    match signal {
        Some(signal) => signal.next().await,
        None => std::future::pending().await,
    }
}

async fn next_line(input: &mut Option<mpsc::Receiver<String>>) -> Option<String> {
    match input {
        Some(input) => input.recv().await,
        None => std::future::pending().await,
    }
}

async fn next_control(console: &mut Option<Console>) -> Option<Control> {
    match console {
        Some(console) => console.controls.recv().await,
        None => std::future::pending().await,
    }
}

async fn stopped(stop: &mut watch::Receiver<Option<Exit>>) -> Exit {
    loop {
        if let Some(exit) = *stop.borrow_and_update() {
            return exit;
        }
        if stop.changed().await.is_err() {
            // Nobody can ask any more.
            std::future::pending::<()>().await;
        }
    }
}
