//! Browsers and other WebRTC stacks at the other end: each calls `peer-cli answer`, and is called by `peer-cli call`, with sound and messages.

use std::thread;

use anyhow::{Result, anyhow};

use self::call::Call;
use self::matrix::{Matrix, Row};
use self::stack::{Caller, Stack};
use super::{Bench, Scale};
use crate::figures::Table;

mod call;
mod matrix;
mod native;
mod page;
mod program;
mod stack;
mod told;

/// A stack's name, and what sees to it that it can be started here.
type Candidate = (&'static str, fn(&Bench) -> Result<Stack>);

/// All of them, as the rows stand in the table.
const STACKS: &[Candidate] = &[
    ("Chromium", page::chromium),
    ("Firefox", page::firefox),
    ("aiortc", native::aiortc),
    ("libwebrtc for Node", native::libwebrtc),
    ("libdatachannel", native::libdatachannel),
];

pub(super) fn run(bench: &Bench) -> Result<Table> {
    let ready: Vec<_> = STACKS
        .iter()
        .map(|(name, ready)| (*name, ready(bench)))
        .collect();
    for (name, stack) in &ready {
        if let Err(why) = stack {
            println!("NOT MEASURED: {name} could not be had: {why:#}");
        }
    }
    let made = make(
        bench,
        ready.iter().filter_map(|(_, stack)| stack.as_ref().ok()),
    )?;
    let mut made = made.into_iter();
    let mut matrix = Matrix::default();
    for (name, stack) in &ready {
        match stack {
            Ok(_) => {
                let rows = made.next().into_iter().flatten();
                rows.for_each(|row| matrix.add(row));
            }
            Err(why) => matrix.missing(name, why),
        }
    }
    let mut table = matrix.table(bench.bar(1000.0));
    page::times(bench, &mut table)?;
    Ok(table)
}

/// Stack by stack the rows of both callers. In full one call at a time, since times are measured; in short the stacks side by side.
fn make<'a>(bench: &Bench, stacks: impl Iterator<Item = &'a Stack>) -> Result<Vec<Vec<Row>>> {
    let rows =
        |stack: &Stack| -> Vec<Row> { Caller::BOTH.map(|caller| row(bench, stack, caller)).into() };
    if bench.scale == Scale::Full {
        return Ok(stacks.map(rows).collect());
    }
    thread::scope(|scope| {
        let workers: Vec<_> = stacks
            .map(|stack| scope.spawn(move || rows(stack)))
            .collect();
        let rows = workers.into_iter().map(thread::ScopedJoinHandle::join);
        rows.map(|rows| rows.map_err(|_| anyhow!("a calling thread panicked")))
            .collect()
    })
}

fn row(bench: &Bench, stack: &Stack, caller: Caller) -> Row {
    let calls = (0..bench.rounds(5, 1)).map(|_| {
        let call = Call::make(bench, stack, caller);
        if let Err(why) = &call {
            println!("{}, {caller}: {why:#}", stack.title);
        }
        call
    });
    Row {
        title: stack.title.clone(),
        caller,
        decodes: stack.decodes,
        tone: stack.tone,
        calls: calls.collect(),
    }
}
