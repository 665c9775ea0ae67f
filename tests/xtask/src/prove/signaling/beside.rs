//! All servers side by side.

use anyhow::Result;

use super::load::{Runs, in_thousands, number};
use super::servers::{Kind, Servers};
use crate::figures::Comparison;

const KINDS: [Kind; 5] = [
    Kind::Ours,
    Kind::Node,
    Kind::YWebrtc,
    Kind::Peerjs,
    Kind::Matchbox,
];
/// Where a server does not do it.
const NEVER: &str = "–";

pub(super) fn comparison(
    servers: &Servers,
    fan_out: &[Runs],
    pairs: &[Runs],
    idle: &[Runs],
) -> Result<Comparison> {
    let heads = [
        "server",
        "one room: deliveries a second",
        "processor time for 100,000",
        "rooms of two: p50, p99",
        "processor time for 100,000",
        "idle: KiB each",
        "storm: errors, p99",
    ];
    let row = |kind: Kind| {
        let cell = |runs: &[Runs], show: &dyn Fn(&Runs) -> String| {
            Runs::of(runs, kind).map_or(NEVER.into(), show)
        };
        let cpu = |runs: &Runs| format!("{:.2} s", runs.median("/server_cpu_s_per_100k"));
        vec![
            kind.name().to_owned(),
            cell(fan_out, &|runs| {
                in_thousands(runs.median("/deliveries_per_s"))
            }),
            cell(fan_out, &cpu),
            cell(pairs, &|runs| {
                let at = |quantile| runs.median(&format!("/latency_ms/{quantile}"));
                format!("{:.2}, {:.2} ms", at("p50"), at("p99"))
            }),
            cell(pairs, &cpu),
            cell(idle, &|runs| {
                format!("{:.1}", runs.median("/bytes_per_connection") / 1024.0)
            }),
            cell(idle, &storm),
        ]
    };
    let measured = |kind: &Kind| Runs::of(pairs, *kind).is_some();
    let mut notes = vec![format!(
        "{}. In rooms of two ours and Node's are medians of turns of half a second, the others' of runs of four. y-webrtc's server parses and writes JSON for each and sends to the speaker, too; PeerServer and matchbox_server \
         know messages to one only, and parse them.",
        servers.versions()?
    )];
    let missing = servers.missing.iter();
    notes.extend(missing.map(|why| format!("Not measured: {why}.")));
    Ok(Comparison {
        heads: heads.map(str::to_owned).into(),
        rows: KINDS.into_iter().filter(measured).map(row).collect(),
        notes,
    })
}

fn storm(runs: &Runs) -> String {
    let first = runs.runs.first();
    first.map_or(NEVER.into(), |run| {
        let (errors, p99) = (
            number(&run.connected, "/errors"),
            number(&run.connected, "/opening_ms/p99"),
        );
        format!("{errors}, {p99:.1} ms")
    })
}
