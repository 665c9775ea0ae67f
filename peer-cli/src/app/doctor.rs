//! `peer-cli doctor`: from options to findings and an exit code.

use tokio::sync::{mpsc, watch};

use super::dial;
use crate::call::{Emitter, Outcome};
use crate::cli::{DoctorOptions, Stun};
use crate::doctor::{self, Examination};
use crate::event::Event;
use crate::exit::{Exit, Failure};
use crate::net::Dialer;
use crate::rtc;

/// Findings on their way to the printer.
const QUEUE: usize = 64;

/// Examines what a call would need.
pub(super) async fn run(
    options: DoctorOptions,
    emit: Emitter,
    mut stop: watch::Receiver<Option<Exit>>,
) -> Result<Outcome, Failure> {
    rtc::check_bind(&options.bind).map_err(dial::no_such_address)?;
    let dialer = dial::dialer(options.ca.as_deref(), &options.bind)?;
    let shown = options.server.clone().map(|mut server| {
        server.set_query(None);
        server.to_string()
    });
    emit.emit(Event::Hello {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        room: None,
        server: shown,
    })
    .await;
    let examination = examination(options, dialer);
    let (tell, mut told) = mpsc::channel(QUEUE);
    let telling = async {
        while let Some(event) = told.recv().await {
            emit.emit(event).await;
        }
    };
    let examined = async { tokio::join!(doctor::examine(examination, tell), telling).0 };
    tokio::select! {
        verdict = examined => Ok(Outcome {
            exit: verdict.exit,
            reason: reason(verdict.exit).to_owned(),
        }),
        Ok(interrupted) = stop.wait_for(Option::is_some) => {
            let exit = (*interrupted).unwrap_or(Exit::Interrupted);
            Ok(Outcome { exit, reason: exit.meaning().to_owned() })
        }
        () = emit.closed() => Ok(Outcome { exit: Exit::Done, reason: "nobody reads".to_owned() }),
    }
}

fn examination(options: DoctorOptions, dialer: Dialer) -> Examination {
    let (stun, offered_stun) = match options.stun {
        Stun::Off => (Vec::new(), false),
        Stun::Servers(servers) => (servers, true),
    };
    Examination {
        server: options.server,
        dialer,
        bind: options.bind,
        stun,
        offered_stun,
        turn: options.turn,
        mic: options.mic,
        speaker: options.speaker,
        patience: options.patience,
    }
}

/// The verdict says the rest.
fn reason(exit: Exit) -> &'static str {
    match exit {
        Exit::Done => "what a call needs works",
        Exit::Signaling => "signaling is not reached",
        Exit::NoPath => "there is no network path for calls",
        Exit::Device => "a device that was named cannot be used",
        _ => "something that a call would miss does not work",
    }
}
