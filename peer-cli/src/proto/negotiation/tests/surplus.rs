//! More candidates than a description may have, inside of it and after it.

use shared::{Description, PeerEvent, SdpType};

use super::super::{Input, MAX_REMOTE, Negotiation, Output};
use super::{all, bare, candidate, numbered, sdp};
use crate::proto::sdp::candidates;

fn sdp_of(name: &str, version: u64) -> String {
    sdp(name).replace(" 1 IN", &format!(" {version} IN"))
}

/// A description with candidates in it, numbered from `first`.
fn full(name: &str, first: usize, count: usize) -> String {
    let lines = (first..first + count).map(|n| format!("a={}\r\n", candidate(n, None).candidate));
    sdp(name) + &lines.collect::<String>()
}

/// The candidates that the connection gets, in its description or after it.
fn given(outputs: &[Output]) -> usize {
    let count = |output: &Output| match output {
        Output::MakeAnswer(sdp) | Output::SetAnswer(sdp) => candidates(sdp).count(),
        Output::AddCandidate(_) => 1,
        _ => 0,
    };
    outputs.iter().map(count).sum()
}

#[test]
fn candidates_inside_of_descriptions_count_too() {
    let mut machine = Negotiation::new(true);
    let offers = |machine: &mut Negotiation, sdp: String, version: u64| {
        let kind = SdpType::Offer;
        machine.handle(numbered(
            PeerEvent::Offer(Description { kind, sdp }),
            version,
        ));
        machine.handle(Input::Described(sdp_of("mine", version)));
        all(machine)
    };
    let first = offers(&mut machine, full("theirs", 0, MAX_REMOTE - 1), 1);
    assert_eq!(given(&first), MAX_REMOTE - 1);
    assert!(!first.contains(&Output::Surplus));
    // Known ones are no surplus, new ones are, wherever they stand.
    for number in 0..MAX_REMOTE + 3 {
        machine.handle(bare(PeerEvent::Candidate(candidate(number, None))));
    }
    let trickled = all(&mut machine);
    assert_eq!((given(&trickled), trickled.len()), (1, 2));
    assert_eq!(trickled[1], Output::Surplus);
    let again = offers(&mut machine, full("theirs", 0, 10 * MAX_REMOTE), 2);
    assert_eq!(given(&again), MAX_REMOTE);
    let other = offers(&mut machine, full("theirs", 10_000, MAX_REMOTE), 3);
    assert_eq!(given(&other), 0, "the same generation");
    let restarted = offers(&mut machine, full("anew", 10_000, 10 * MAX_REMOTE), 4);
    assert_eq!(given(&restarted), MAX_REMOTE);
    assert!(!restarted.contains(&Output::Surplus), "said once");
}
