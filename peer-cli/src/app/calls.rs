//! `call`, `answer` and `loopback`: from options to running calls.

use std::time::{Duration, Instant};

use shared::{App, Hello, Name, PeerId, Role, Secret};
use tokio::sync::watch;

use super::printer::Screen;
use super::{console, dial, input};
use crate::audio::spec::{SinkSpec, SourceSpec};
use crate::call::{Call, Emitter, Examinee, Examiner, Lines, Outcome, Plan};
use crate::checks::Checks;
use crate::cli::{
    CallOptions, LoopbackOptions, NetworkOptions, SessionOptions, SignalingOptions, SoundOptions,
    Stun,
};
use crate::event::Event;
use crate::exit::{Exit, Failure};
use crate::net::Dialer;
use crate::rtc::{self, PeerOptions, Sound};
use crate::signal::{memory, websocket};

type Stop = watch::Receiver<Option<Exit>>;

/// How long `loopback` lasts when nothing else ends it.
const LOOPBACK_DURATION: Duration = Duration::from_secs(3);

/// `peer-cli call`.
pub(super) async fn call(
    options: CallOptions,
    emit: Emitter,
    stop: Stop,
    screen: Option<Screen>,
) -> Result<Outcome, Failure> {
    over_server(options, Role::Call, emit, stop, screen).await
}

/// `peer-cli answer`.
pub(super) async fn answer(
    options: CallOptions,
    emit: Emitter,
    stop: Stop,
    screen: Option<Screen>,
) -> Result<Outcome, Failure> {
    over_server(options, Role::Answer, emit, stop, screen).await
}

async fn over_server(
    options: CallOptions,
    role: Role,
    emit: Emitter,
    stop: Stop,
    screen: Option<Screen>,
) -> Result<Outcome, Failure> {
    let signaling = options.signaling.clone();
    rtc::check_bind(&options.network.bind).map_err(dial::no_such_address)?;
    emit.emit(Event::Hello {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        room: signaling.room.clone(),
        server: Some(signaling.shown_server()),
    })
    .await;
    // The way to the room is the longest: it starts first, and everything else goes on beside it.
    let dialer = dial::dialer(signaling.ca.as_deref(), &options.network.bind)?;
    let signal = websocket::connect(signaling.url(), hello(&signaling, role)?, dialer.clone());
    let plan = plan(&options, role, emit.start(), dialer);
    for server in &plan.rtc.stun {
        server.warm();
    }
    for server in &plan.rtc.turn {
        server.warm();
    }
    // Where there is a terminal its keys are ours until the end of the call.
    let screen = screen.filter(|_| options.messages.stdin);
    let (terminal, input, console) = match screen.and_then(console::start) {
        Some((terminal, lines, console)) => (Some(terminal), Some(lines), Some(console)),
        None => (None, options.messages.stdin.then(input::lines), None),
    };
    let one_duration = options.session.duration.is_some();
    let checks = Checks::new(options.checks, one_duration, 1);
    let outcome = examined(checks, emit.clone(), |examinee| async move {
        let lines = Lines {
            signal,
            emit,
            examinee,
            stop,
            input,
            console,
        };
        Call::new(plan, lines).await?.run().await
    })
    .await;
    drop(terminal);
    outcome
}

/// `peer-cli loopback`: the same calls, joined in this process.
pub(super) async fn loopback(
    options: LoopbackOptions,
    emit: Emitter,
    stop: Stop,
) -> Result<Outcome, Failure> {
    emit.emit(Event::Hello {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        room: None,
        server: None,
    })
    .await;
    let [caller, answerer] = [Role::Call, Role::Answer].map(side_name).map(PeerId::new);
    let wrong = |error: shared::BadWord| Failure::new(Exit::Internal, error.to_string());
    let (caller, answerer) = (caller.map_err(wrong)?, answerer.map_err(wrong)?);
    let (caller_signal, answerer_signal) = memory::pair(&caller, &answerer);
    let mut session = options.session.clone();
    if session.duration.is_none() && options.checks.expect.is_empty() {
        session.duration = Some(LOOPBACK_DURATION);
    }
    let checks = Checks::new(options.checks.clone(), session.duration.is_some(), 2);
    let sides = [(Role::Call, caller_signal), (Role::Answer, answerer_signal)];
    examined(checks, emit.clone(), |examinee| async move {
        let mut calls = Vec::new();
        for (role, signal) in sides {
            let lines = Lines {
                signal,
                emit: emit.clone(),
                examinee: examinee.clone(),
                stop: stop.clone(),
                input: None,
                console: None,
            };
            calls.push(Call::new(loopback_plan(&options, &session, role), lines).await?);
        }
        drop(examinee);
        let mut running = calls.into_iter().map(Call::run);
        let (Some(first), Some(second)) = (running.next(), running.next()) else {
            return Err(Failure::new(Exit::Internal, "two calls make a loopback"));
        };
        let (first, second) = tokio::join!(first, second);
        let (first, second) = (first?, second?);
        // Either side's trouble is the command's.
        Ok(if first.exit == Exit::Done {
            second
        } else {
            first
        })
    })
    .await
}

/// Runs a command under its expectations, and lets them have the last word.
async fn examined<F>(
    checks: Checks,
    emit: Emitter,
    run: impl FnOnce(Examinee) -> F,
) -> Result<Outcome, Failure>
where
    F: Future<Output = Result<Outcome, Failure>>,
{
    let (examiner, examinee) = Examiner::start(checks);
    let outcome = run(examinee).await;
    let mut missed = Vec::new();
    for event in examiner.results().await {
        if let Event::Expect {
            check,
            ok: false,
            got,
        } = &event
        {
            missed.push(format!("{check} (got: {got})"));
        }
        emit.emit(event).await;
    }
    let outcome = outcome?;
    let judged = matches!(outcome.exit, Exit::Done | Exit::Expectation);
    if judged && !missed.is_empty() {
        return Ok(Outcome {
            exit: Exit::Expectation,
            reason: format!("not met: {}", missed.join(", ")),
        });
    }
    Ok(outcome)
}

fn hello(options: &SignalingOptions, role: Role) -> Result<Hello, Failure> {
    let name = options
        .name
        .as_deref()
        .map(Name::new)
        .transpose()
        .map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
    Ok(Hello {
        version: shared::VERSION,
        name,
        role,
        app: App::Call,
        secret: Secret::new(crate::entropy::hex::<16>()),
    })
}

fn plan(options: &CallOptions, role: Role, start: Instant, dialer: Dialer) -> Plan {
    let signaling = &options.signaling;
    Plan {
        role,
        room: signaling.room.clone(),
        to: signaling.to.clone(),
        peers: signaling.peers,
        keep: signaling.keep,
        allow_origin: signaling.allow_origin.clone(),
        server_origin: web_origin(&signaling.server),
        signaling_since: (role == Role::Call).then_some(start),
        sound: options.sound.clone(),
        messages: options.messages.clone(),
        session: options.session.clone(),
        rtc: PeerOptions {
            dialer,
            ..peer_options(&options.network, &options.sound)
        },
        stun_wanted: !matches!(options.network.stun, Stun::Off),
        stats_every: options.output.stats_every,
    }
}

fn loopback_plan(options: &LoopbackOptions, session: &SessionOptions, role: Role) -> Plan {
    let mut session = session.clone();
    if role == Role::Answer {
        // The caller hangs up; the answerer hears it.
        session.duration = None;
    }
    // Each side has fates of its own.
    let mut network = options.network.clone();
    network.impair_seed = network
        .impair_seed
        .wrapping_add(u64::from(role == Role::Answer));
    let mut sound = options.sound.clone();
    let mut messages = options.messages.clone();
    if role == Role::Answer {
        // And one recording: left the caller, right the answerer.
        sound.record = None;
    }
    if role == Role::Call {
        // There is one file, one speaker: it plays what the answerer hears.
        sound.speaker = SinkSpec::Null;
    } else if sound.mic == SourceSpec::Stdin {
        sound.mic = SourceSpec::Silence;
    }
    if messages.texts.is_empty() {
        messages
            .texts
            .push(format!("hello from the {}", side_name(role)));
    }
    Plan {
        role,
        room: None,
        to: None,
        peers: 1,
        keep: false,
        allow_origin: vec![],
        server_origin: None,
        signaling_since: None,
        sound,
        messages,
        session,
        rtc: PeerOptions {
            loopback_only: true,
            stun: vec![],
            ..peer_options(&network, &options.sound)
        },
        stun_wanted: false,
        stats_every: options.output.stats_every,
    }
}

fn peer_options(network: &NetworkOptions, sound: &SoundOptions) -> PeerOptions {
    let sends = sound.echo || sound.mic != SourceSpec::Off;
    let receives = sound.echo || sound.speaker != SinkSpec::Off;
    PeerOptions {
        bind: network.bind.clone(),
        loopback: network.loopback,
        loopback_only: false,
        stun: match &network.stun {
            Stun::Off => vec![],
            Stun::Servers(servers) => servers.clone(),
        },
        turn: network.turn.clone(),
        relay: network.relay,
        dialer: Dialer::default(),
        impairment: network
            .impair
            .map(|impairment| (impairment, network.impair_seed)),
        sound: match (sends, receives) {
            (true, true) => Sound::Both,
            (true, false) => Sound::Send,
            (false, true) => Sound::Receive,
            (false, false) => Sound::None,
        },
        codecs: sound.codecs.clone(),
        channels: sound.channels,
        wanted: sound.wanted(),
    }
}

/// The origin that pages of the signaling server itself have.
fn web_origin(server: &url::Url) -> Option<String> {
    let scheme = match server.scheme() {
        "ws" => "http",
        "wss" => "https",
        _ => return None,
    };
    let host = server.host_str()?;
    Some(match server.port() {
        Some(port) => format!("{scheme}://{host}:{port}"),
        None => format!("{scheme}://{host}"),
    })
}

/// What the two sides of `loopback` are called.
fn side_name(role: Role) -> &'static str {
    match role {
        Role::Call => "caller",
        _ => "answerer",
    }
}
