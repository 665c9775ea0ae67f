//! From the first connection to the last message.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::cli::Load;
use crate::crowd::{Crowd, PATIENCE, TURN};
use crate::dialect::Place;
use crate::member::{Door, State};
use crate::process::Usage;
use crate::talk;
use crate::tally::quantiles;

/// After everybody is there: what a server does when its clients have come is not what it does while they stay.
const SETTLE: Duration = Duration::from_millis(500);

/// Loads a server; what is measured goes to `tell`, an event at a time.
pub(crate) fn run(options: &Load, tell: &dyn Fn(&Value)) -> Result<()> {
    check(options)?;
    let mut crowd = Crowd::new(door(options)?)?;
    let empty = Usage::of_server(options.pid)?;
    let errors = gather(options, &mut crowd)?;
    let gathered = crowd.now();
    settle(&mut crowd, SETTLE)?;
    let full = Usage::of_server(options.pid)?;
    let memory = (full.resident - empty.resident) / options.connections as f64;
    tell(&json!({
        "event": "connected", "connections": options.connections, "errors": errors,
        "reasons": crowd.reasons(), "opening_ms": quantiles(&crowd.openings),
        "gathered_s": gathered.as_secs_f64(),
        "bytes_per_connection": memory, "resident_bytes": full.resident,
        "server_cpu_s": full.seconds - empty.seconds,
    }));
    if options.rate == 0.0 && !options.closed {
        settle(&mut crowd, options.hold)?;
        let idle = Usage::of_server(options.pid)?;
        tell(&json!({
            "event": "result", "ended": crowd.ended, "reasons": crowd.reasons(),
            "server_cpu_s": idle.seconds - full.seconds,
            "bytes_per_connection": (idle.resident - empty.resident) / options.connections as f64,
        }));
        return Ok(());
    }
    ensure!(
        errors == 0,
        "{errors} did not come in: {:?}",
        crowd.reasons()
    );
    talk::talk(options, &mut crowd, &empty, tell)
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
