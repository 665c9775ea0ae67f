//! From the first connection to the last message.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::cli::Load;
use crate::crowd::Crowd;
use crate::dialect::Place;
use crate::frame;
use crate::member::{Door, State};
use crate::process::Usage;
use crate::speakers::{Pace, Speakers};
use crate::steal::Ticks;
use crate::tally::{Tally, quantiles};

/// The longest that all connections together may take to be there after the last was begun, or what was said to arrive.
const PATIENCE: Duration = Duration::from_secs(10);
/// After everybody is there: what a server does when its clients have come is not what it does while they stay.
const SETTLE: Duration = Duration::from_millis(500);
/// The longest wait for sockets.
const TURN: Duration = Duration::from_millis(20);
/// Reasons that are repeated.
const FEW: usize = 3;

/// Loads a server; what is measured goes to `tell`, an event at a time.
pub(crate) fn run(options: &Load, tell: &dyn Fn(&Value)) -> Result<()> {
    check(options)?;
    let mut crowd = Crowd::new(door(options)?)?;
    let empty = usage(options)?;
    let errors = gather(options, &mut crowd)?;
    let gathered = crowd.now();
    settle(&mut crowd, SETTLE)?;
    let full = usage(options)?;
    let memory = (full.resident - empty.resident) / options.connections as f64;
    tell(&json!({
        "event": "connected", "connections": options.connections, "errors": errors,
        "reasons": crowd.reasons(FEW), "opening_ms": quantiles(&crowd.openings),
        "gathered_s": gathered.as_secs_f64(),
        "bytes_per_connection": memory, "resident_bytes": full.resident,
        "server_cpu_s": full.seconds - empty.seconds,
    }));
    if options.rate == 0.0 && !options.closed {
        settle(&mut crowd, options.hold)?;
        let idle = usage(options)?;
        tell(&json!({
            "event": "result", "ended": crowd.ended, "reasons": crowd.reasons(FEW),
            "server_cpu_s": idle.seconds - full.seconds,
            "bytes_per_connection": (idle.resident - empty.resident) / options.connections as f64,
        }));
        return Ok(());
    }
    ensure!(
        errors == 0,
        "{errors} did not come in: {:?}",
        crowd.reasons(FEW)
    );
    talk(options, &mut crowd, &empty, tell)
}

fn check(options: &Load) -> Result<()> {
    let Load {
        connections, room, ..
    } = options;
    ensure!(
        *room > 0 && connections % room == 0,
        "{connections} connections are no whole rooms of {room}"
    );
    ensure!(
        !options.dialect.directed() || *room == 2,
        "that server knows messages to one only: --room 2"
    );
    Ok(())
}

fn door(options: &Load) -> Result<Door> {
    let addrs = options.server.socket_addrs(|| Some(80))?;
    Ok(Door {
        addr: *addrs.first().context("no address")?,
        path: options.server.path().to_owned(),
        dialect: options.dialect,
    })
}

fn usage(options: &Load) -> Result<Usage> {
    options
        .pid
        .map_or(Ok(Usage::default()), |pid| Usage::of(Some(pid)))
}

/// Opens all of them, so many a second; how many did not become ready.
fn gather(options: &Load, crowd: &mut Crowd) -> Result<usize> {
    let Load {
        connections, room, ..
    } = *options;
    let begun = crowd.now();
    let due = |number: usize| match options.storm {
        0.0 => begun,
        rate => begun + Duration::from_secs_f64(number as f64 / rate),
    };
    while crowd.members.len() < connections {
        while crowd.members.len() < connections && due(crowd.members.len()) <= crowd.now() {
            let member = crowd.members.len();
            crowd.admit(place(member, room), false)?;
        }
        crowd.turn(Duration::from_millis(1))?;
    }
    if options.slow {
        for watcher in [false, true] {
            let member = crowd.members.len();
            let place = Place {
                member,
                room: 0,
                partner: 0,
            };
            crowd.admit(place, watcher)?;
        }
    }
    let until = crowd.now() + PATIENCE;
    while crowd.now() < until && crowd.openings.len() + crowd.ended < crowd.members.len() {
        crowd.turn(TURN)?;
    }
    let ready = crowd.members.iter().filter(|m| m.state == State::Ready);
    Ok(crowd.members.len() - ready.count())
}

fn place(member: usize, room: usize) -> Place {
    Place {
        member,
        room: member / room,
        // Of two the other one.
        partner: member ^ 1,
    }
}

fn settle(crowd: &mut Crowd, time: Duration) -> Result<()> {
    let until = crowd.now() + time;
    while crowd.now() < until {
        crowd.turn(TURN)?;
    }
    crowd.deliveries.clear();
    Ok(())
}

fn talk(options: &Load, crowd: &mut Crowd, empty: &Usage, tell: &dyn Fn(&Value)) -> Result<()> {
    let Load {
        connections, room, ..
    } = *options;
    let from = crowd.now() + options.warm;
    let mut tally = Tally::new(connections, room, from, options.hold)?;
    let pace = if options.closed {
        Pace::Closed
    } else {
        Pace::Each(Duration::from_secs_f64(1.0 / options.rate))
    };
    let mut speakers = Speakers::new(options, crowd, pace)?;
    speakers.until(from, crowd, &mut tally)?;
    let before = (usage(options)?, Usage::of(None)?, Ticks::now());
    let slow = options.slow.then_some(connections);
    if let Some(slow) = slow.and_then(|slow| crowd.members.get_mut(slow)) {
        slow.deaf = !options.attentive;
    }
    speakers.until(from + options.hold, crowd, &mut tally)?;
    let after = (usage(options)?, Usage::of(None)?, Ticks::now());
    speakers.stop();
    let until = crowd.now() + PATIENCE;
    while crowd.now() < until && speakers.missing(&tally) > 0 {
        speakers.turn(crowd, &mut tally, TURN)?;
    }
    if let Some(slow) = slow {
        tell(&slow_one(
            crowd,
            slow,
            from,
            speakers.until_left,
            options.size,
        ));
    }
    let cpu = after.0.seconds - before.0.seconds;
    let arrived = tally.arrived as f64;
    tell(&json!({
        "event": "result", "sent": speakers.sent(), "delivered": tally.arrived,
        "lost": tally.lost + speakers.missing(&tally), "doubled": tally.doubled,
        "deliveries_per_s": arrived / options.hold.as_secs_f64(),
        "latency_ms": tally.latencies.quantiles(), "late_ms": speakers.lateness(),
        "since_due_ms": speakers.since_due(),
        "server_cpu_s": cpu, "server_cpu_s_per_100k": cpu / arrived * 1e5,
        "bytes_per_connection": (after.0.resident - empty.resident) / connections as f64,
        "load_cpu_s": after.1.seconds - before.1.seconds, "stolen": after.2.share_since(before.2),
        "ended": crowd.ended, "reasons": crowd.reasons(FEW),
    }));
    if tally.arrived == 0 {
        bail!("nothing arrived");
    }
    Ok(())
}

/// What became of the one that did not read; of what had been said to it the server still held what it has not read since.
fn slow_one(crowd: &Crowd, number: usize, from: Duration, said: Option<u64>, size: usize) -> Value {
    let left = crowd.left.map(|at| at.saturating_sub(from).as_secs_f64());
    let slow = crowd.members.get(number);
    let frame = frame::of_server(frame::TEXT, &vec![0; size]).len() as u64;
    let read = slow.map_or(0, |slow| slow.read);
    json!({
        "event": "slow", "left_after_s": left, "code": slow.and_then(|slow| slow.why.clone()),
        "read_bytes": read, "held_bytes": said.map(|said| (said * frame).saturating_sub(read)),
    })
}
