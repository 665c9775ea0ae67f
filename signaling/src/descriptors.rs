//! File descriptors, of which every connection takes one: as many as this process may have, and a warning where that is too few.

use crate::Limits;

/// Listeners, the log, the broker, questions to a service, and whoever asks how the server is.
const OTHERS: u64 = 128;

/// Raises the limit as far as it goes; what there is to warn of then. `allocations` are those of the embedded relay.
#[cfg(unix)]
pub(crate) fn provide(limits: &Limits, allocations: Option<usize>) -> Option<String> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let found = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: found.maximum,
        ..found
    };
    // Where the system has a bound of its own beside the hard limit (macOS) it stays as it was, and that is judged.
    let is_raised = found == raised || setrlimit(Resource::Nofile, raised).is_ok();
    let permitted = if is_raised { raised } else { found }.current;
    warning(permitted?, limits, allocations)
}

/// There is no such limit.
#[cfg(not(unix))]
pub(crate) fn provide(_limits: &Limits, _allocations: Option<usize>) -> Option<String> {
    None
}

/// `None` if so many are enough for all that may come, or if nothing bounds what may come.
#[cfg_attr(not(unix), allow(dead_code))]
fn warning(permitted: u64, limits: &Limits, allocations: Option<usize>) -> Option<String> {
    let relayed = allocations.map(|count| ("--max-allocations", count));
    let asked = [
        ("--max-connections", limits.max_connections),
        ("--max-half-open", limits.max_half_open),
    ];
    let asked: Vec<_> = asked.into_iter().chain(relayed).collect();
    if limits.max_connections == 0 {
        return None;
    }
    let counts = asked.iter().map(|(_, count)| *count as u64);
    let needed = counts.fold(OTHERS, u64::saturating_add);
    if needed <= permitted {
        return None;
    }
    let asked = asked.iter().filter(|(_, count)| *count > 0);
    let asked: Vec<_> = asked
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    Some(format!(
        "{permitted} file descriptors are permitted, and {} may take {needed}: permit more (ulimit -n, or LimitNOFILE= of systemd), \
         or lower these",
        asked.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn limits(max_connections: usize, max_half_open: usize) -> Limits {
        Limits {
            max_connections,
            max_half_open,
            ..Limits::default()
        }
    }

    #[test]
    fn too_few_are_warned_of_with_the_way_out() {
        let said = warning(1024, &limits(1000, 100), Some(50)).unwrap();
        assert_eq!(
            said,
            "1024 file descriptors are permitted, and --max-connections 1000, --max-half-open 100, --max-allocations 50 \
             may take 1278: permit more (ulimit -n, or LimitNOFILE= of systemd), or lower these"
        );
        let said = warning(1024, &limits(1000, 0), None).unwrap();
        assert!(
            said.contains("and --max-connections 1000 may take"),
            "{said}"
        );
    }

    #[test]
    fn enough_are_enough_and_no_limit_needs_nothing() {
        assert_eq!(warning(1228, &limits(1000, 100), None), None);
        assert!(warning(1227, &limits(1000, 100), None).is_some());
        assert_eq!(warning(24, &limits(0, 100), None), None);
        let many = limits(usize::MAX, usize::MAX);
        assert!(warning(u64::MAX - 1, &many, Some(1)).is_some());
    }
}
