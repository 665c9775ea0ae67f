//! The plainest start there is: three programs without a single argument on a machine without network and sound card.

use std::time::Duration;

use anyhow::Result;

use super::{Bench, inside};
use crate::figures::Table;
use lab::Process;

const READY: Duration = Duration::from_secs(30);
/// From starting the last program to both peers saying so, in milliseconds.
const BAR: f64 = 1000.0;
/// What the words for people must contain.
const CONNECTED: &str = "connected directly";

pub(super) fn run(bench: &Bench) -> Result<Table> {
    let mut table = Table::default();
    let namespace = match crate::namespace::make() {
        Ok(namespace) => namespace,
        Err(reason) => {
            table.informs(
                "a machine with only a loopback interface",
                format!("not measured: {reason:#}"),
            );
            return Ok(table);
        }
    };
    let start = |name, program, words: &[&str]| {
        Process::start(name, inside(Some(&namespace), program, words))
    };
    let mut server = start("signaling", &bench.programs.signaling, &[])?;
    server.wait_for_words("127.0.0.1:8080", READY)?;
    let mut answer = start("peer-cli answer", &bench.programs.peer, &["answer"])?;
    answer.wait_for_words("in the global room", READY)?;
    let mut call = start("peer-cli call", &bench.programs.peer, &["call"])?;
    let caller = call.wait_for_words(CONNECTED, READY)?;
    let answerer = answer.wait_for_words(CONNECTED, READY)?;
    let time = (caller.max(answerer) - call.started()).as_secs_f64() * 1e3;
    let what =
        "no argument, no network, no sound card: from `peer-cli call` to both saying \"connected\"";
    table.at_most(what, time, format!("{time:.0} ms"), bench.bar(BAR), " ms");
    Ok(table)
}
