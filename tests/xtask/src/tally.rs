//! What test programs say of themselves, gathered for the end of a long run.

/// Of tests: how many ran, which could not, and why some failed.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: Vec<String>,
    /// What panics said, each a line or a few.
    pub(crate) reasons: Vec<String>,
    /// Lines of the last panic that still belong to it.
    open: usize,
}

/// Lines of a panic's message.
const MAX_LINES: usize = 12;

impl Tally {
    /// Takes one line of what `cargo test` prints; most say nothing.
    pub(crate) fn take(&mut self, line: &str) {
        if let Some(result) = line.strip_prefix("test result: ") {
            self.passed += count(result, "passed");
            self.failed += count(result, "failed");
        } else if let Some(skipped) = line.strip_prefix("SKIPPED ") {
            self.skipped.push(skipped.to_owned());
        } else if line.starts_with("thread '") && line.contains("panicked at ") {
            self.reasons.push(line.to_owned());
            self.open = MAX_LINES;
            return;
        }
        let ends =
            line.is_empty() || line.starts_with("stack backtrace") || line.starts_with("note: ");
        self.open = if ends { 0 } else { self.open };
        if let (Some(reason), 1..) = (self.reasons.last_mut(), self.open) {
            reason.push_str("\n    ");
            reason.push_str(line);
            self.open -= 1;
        }
    }
}

/// The number before this word in a line like `ok. 12 passed; 0 failed; 1 ignored; …`.
fn count(result: &str, word: &str) -> u64 {
    let before = result
        .split(&[';', '.'][..])
        .find_map(|part| part.trim().strip_suffix(word));
    before
        .and_then(|number| number.trim().parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::Tally;

    fn tally(lines: &[&str]) -> Tally {
        let mut tally = Tally::default();
        lines.iter().for_each(|line| tally.take(line));
        tally
    }

    #[test]
    fn counts_what_the_test_runner_says() {
        let tally = tally(&[
            "running 3 tests",
            "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured",
            "test a ... ok",
            "test result: FAILED. 2 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s",
        ]);
        assert_eq!((tally.passed, tally.failed), (14, 3));
        assert!(tally.reasons.is_empty());
    }

    #[test]
    fn keeps_why_a_test_failed_and_not_where_it_came_from() {
        let tally = tally(&[
            "thread 'nat::pairs' (17685) panicked at tests/it/nat.rs:14:5:",
            "assertion failed",
            "  left: 1",
            "stack backtrace:",
            "   0: __rustc::rust_begin_unwind",
        ]);
        let reason = "thread 'nat::pairs' (17685) panicked at tests/it/nat.rs:14:5:\n    assertion failed\n      left: 1";
        assert_eq!(tally.reasons, [reason]);
    }

    #[test]
    fn remembers_who_could_not_run() {
        let tally = tally(&["SKIPPED browser::nat: needs root (no)", "test a ... ok"]);
        assert_eq!(tally.skipped, ["browser::nat: needs root (no)"]);
    }
}
