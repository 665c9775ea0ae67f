//! Workers that attack, each in one way, until the time is over.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::assault::Assault;
use crate::cli::Place;
use crate::dice::Dice;
use crate::kinds::{KINDS, Kind};
use crate::tally::Tally;
use crate::tell;

pub(crate) async fn run(place: Place, time: Duration, seed: u64) -> Result<()> {
    let (tally, deadline) = (Tally::default(), Instant::now() + time);
    tell(&json!({"event": "attacking"}));
    let mut dice = Dice::new(seed);
    let mut workers = JoinSet::new();
    for (kind, crowd, pause) in KINDS {
        for _ in 0..kind.crowd(*crowd) {
            let assault = Assault {
                place: place.clone(),
                tally: tally.clone(),
                dice: Dice::new(dice.next()),
                worker: workers.len(),
                rooms: 0,
            };
            workers.spawn(work(*kind, assault, *pause, deadline));
        }
    }
    while let Some(ended) = workers.join_next().await {
        ended?;
    }
    tell(&tally.told());
    Ok(())
}

/// The pauses make it the flood that many machines send, not the one that this machine can.
async fn work(kind: Kind, mut assault: Assault, pause: u64, deadline: Instant) {
    while Instant::now() < deadline {
        sleep(Duration::from_millis(
            assault.dice.roll(2 * pause as usize) as u64
        ))
        .await;
        let ending = assault.make(kind).await;
        assault
            .tally
            .count(kind.name(), ending, kind.may_end(ending));
    }
}
