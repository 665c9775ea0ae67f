//! Rooms of two in which every message is numbered and timed, and newcomers who want to come in meanwhile.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{interval, sleep};

use crate::cli::Place;
use crate::frames::text;
use crate::socket::{Ending, Socket, enter, enter_as};
use crate::tell;

/// Rooms of two.
const ROOMS: u8 = 20;
/// Between two messages of one member.
const BETWEEN: Duration = Duration::from_millis(100);
/// Between two newcomers.
const NEWCOMERS: Duration = Duration::from_millis(250);
/// What is on its way at the end of a phase may still arrive.
const GRACE: Duration = Duration::from_secs(2);

/// For everybody to be seated.
const SEATED: Duration = Duration::from_millis(500);

/// What is measured.
#[derive(Debug)]
enum Found {
    Sent,
    /// How long it took.
    Heard(Duration),
    /// Not the number that was due.
    OutOfOrder,
    /// Of a newcomer, from its connection to its `welcome`.
    CameIn(Duration),
    TurnedAway(Ending),
    /// A member who had to leave.
    Lost(Ending),
}

pub(crate) async fn run(place: Place, [calm, storm]: [Duration; 2]) -> Result<()> {
    let (found, mut finds) = mpsc::unbounded_channel();
    let (talk, talking) = watch::channel(true);
    let start = Instant::now();
    let (mut tasks, mut pairs) = (JoinSet::new(), Vec::new());
    for room in 0..ROOMS {
        let mut sockets = Vec::new();
        for member in 0..2 {
            let from = Ipv4Addr::new(192, 0, 2, 2 * room + member);
            let socket = enter(&place, &format!("honest-{room}"), from).await;
            sockets.push(socket.map_err(|e| anyhow!("not let in before the storm: {e:?}"))?);
        }
        pairs.extend(sockets);
    }
    // An upgrade is answered a moment before its room knows of it.
    sleep(SEATED).await;
    for socket in pairs {
        tasks.spawn(member(socket, start, found.clone(), talking.clone()));
    }
    tasks.spawn(newcomers(place, found, talking.clone()));
    tell(&json!({"event": "ready"}));
    sleep(calm).await;
    tell(&phase("calm", &mut finds));
    sleep(storm).await;
    talk.send_replace(false);
    sleep(GRACE).await;
    tell(&phase("storm", &mut finds));
    Ok(())
}

/// Says a number now and then, and hears the other's.
async fn member(
    mut socket: Socket,
    start: Instant,
    found: mpsc::UnboundedSender<Found>,
    talking: watch::Receiver<bool>,
) {
    let mut clock = interval(BETWEEN);
    let (mut number, mut due) = (0_u64, None);
    loop {
        tokio::select! {
            _ = clock.tick() => if *talking.borrow() {
                let message = format!("{number} {}", start.elapsed().as_micros());
                // A broken socket shows when it is read.
                let _ = socket.send(&text(&message)).await;
                let _ = found.send(Found::Sent);
                number += 1;
            },
            heard = socket.text() => {
                let heard = match heard {
                    Ok(heard) => heard,
                    Err(ending) => break drop(found.send(Found::Lost(ending))),
                };
                let Some((heard, sent)) = numbers(&heard) else { continue };
                let took = start.elapsed().saturating_sub(Duration::from_micros(sent));
                let _ = found.send(Found::Heard(took));
                // The first to come hears nothing before the second is there.
                if due.is_some_and(|due| due != heard) {
                    let _ = found.send(Found::OutOfOrder);
                }
                due = Some(heard + 1);
            }
        }
    }
}

fn numbers(text: &[u8]) -> Option<(u64, u64)> {
    let (number, sent) = str::from_utf8(text).ok()?.split_once(' ')?;
    Some((number.parse().ok()?, sent.parse().ok()?))
}

async fn newcomers(
    place: Place,
    found: mpsc::UnboundedSender<Found>,
    talking: watch::Receiver<bool>,
) {
    let mut clock = interval(NEWCOMERS);
    for guest in 0.. {
        clock.tick().await;
        if !*talking.borrow() {
            return;
        }
        let begun = Instant::now();
        let _ = found.send(match newcomer(&place, guest).await {
            Ok(()) => Found::CameIn(begun.elapsed()),
            Err(ending) => Found::TurnedAway(ending),
        });
    }
}

async fn newcomer(place: &Place, guest: u32) -> Result<(), Ending> {
    let from = Ipv4Addr::from(0xc612_0000 + 0x1_0000 + guest % 0x1_0000);
    let mut socket = enter_as(place, "honest-0", from, true).await?;
    let hello = format!(
        r#"{{"event":"hello","data":{{"version":1,"name":"guest","role":"either","app":"call","secret":"guest-{guest:016}"}}}}"#
    );
    let _ = socket.send(&text(&hello)).await;
    let welcome = socket.text().await?;
    if !welcome.starts_with(br#"{"event":"welcome""#) {
        return Err(Ending::Never);
    }
    socket.leave().await;
    Ok(())
}

/// All that was found since the last time.
fn phase(name: &str, finds: &mut mpsc::UnboundedReceiver<Found>) -> Value {
    let (mut heard, mut came) = (Vec::new(), Vec::new());
    let (mut sent, mut out_of_order, mut turned_away, mut lost) = (0, 0, Vec::new(), Vec::new());
    while let Ok(found) = finds.try_recv() {
        match found {
            Found::Sent => sent += 1,
            Found::Heard(took) => heard.push(took),
            Found::OutOfOrder => out_of_order += 1,
            Found::CameIn(took) => came.push(took),
            Found::TurnedAway(ending) => turned_away.push(format!("{ending:?}")),
            Found::Lost(ending) => lost.push(format!("{ending:?}")),
        }
    }
    json!({
        "event": name,
        "sent": sent,
        "heard": heard.len(),
        "out_of_order": out_of_order,
        "members_lost": lost,
        "latency_ms": spread(heard),
        "turned_away": turned_away,
        "newcomers": came.len(),
        "set_up_ms": spread(came),
    })
}

/// Median, 99th of a hundred, and the longest.
fn spread(mut times: Vec<Duration>) -> Value {
    times.sort();
    let at = |share: f64| {
        let last = times.len().saturating_sub(1);
        let time = times.get((last as f64 * share).round() as usize);
        time.map(|time| time.as_secs_f64() * 1000.0)
    };
    json!({"p50": at(0.5), "p99": at(0.99), "max": at(1.0)})
}
