//! What the calls with other stacks showed, as a table: a row for each stack and for each way of calling.               PURE

use anyhow::Result;

use super::call::Call;
use super::stack::{Caller, OURS};
use crate::figures::{Comparison, Spread, Table};

/// All calls of one kind.
pub(super) struct Row {
    /// The stack, with its version.
    pub(super) title: String,
    pub(super) caller: Caller,
    /// Whether the stack has a codec to hear us with.
    pub(super) decodes: bool,
    /// Hertz that we are to hear.
    pub(super) tone: u32,
    pub(super) calls: Vec<Result<Call>>,
}

/// In the order in which they stand in the table.
#[derive(Default)]
pub(super) struct Matrix(Vec<Line>);

enum Line {
    Row(Row),
    /// A stack that could not be had, and why.
    Missing(String, String),
}

const HEADS: [&str; 7] = [
    "who",
    "how",
    "sound there",
    "sound here",
    "messages there, here",
    "set-up",
    "hang-up noticed after",
];
/// Where there is no figure.
const NONE: &str = "–";

impl Matrix {
    pub(super) fn add(&mut self, row: Row) {
        self.0.push(Line::Row(row));
    }

    /// This stack could not be had. Of the reason only the outermost words are shown: what lies below names this machine.
    pub(super) fn missing(&mut self, name: &str, why: &anyhow::Error) {
        self.0.push(Line::Missing(name.to_owned(), why.to_string()));
    }

    /// `bar`: for the longest that a hang-up went unnoticed, in milliseconds.
    pub(super) fn table(self, bar: f64) -> Table {
        let mut table = Table::default();
        let rows = || self.0.iter().filter_map(Line::row);
        let calls = || rows().flat_map(|row| &row.calls);
        let all = calls().count();
        if all > 0 {
            let mut count = |what: &str, is_good: fn(&Call) -> bool| {
                let good = calls().flatten().filter(|call| is_good(call)).count();
                table.judged(what, format!("{good} of {all}"), "all".into(), good == all);
            };
            count("calls that were connected, and ended well", |call| {
                call.noticed.is_some()
            });
            count("sound, by its spectrum at both ends", |call| {
                call.sound == [true; 2]
            });
            count("messages both ways, each once and in order", |call| {
                call.messages == [true; 2]
            });
            let longest = calls()
                .flatten()
                .filter_map(|call| call.noticed)
                .fold(0.0, f64::max);
            let what = "the slowest hang-up, until the other side says so";
            table.at_most(what, longest, format!("{longest:.0} ms"), bar, " ms");
        }
        table.beside = Some(Comparison {
            heads: HEADS.map(str::to_owned).into(),
            rows: self.0.iter().map(Line::cells).collect(),
            notes: Vec::new(),
        });
        table
    }
}

impl Line {
    const fn row(&self) -> Option<&Row> {
        match self {
            Self::Row(row) => Some(row),
            Self::Missing(..) => None,
        }
    }

    fn cells(&self) -> Vec<String> {
        match self {
            Self::Row(row) => row.cells(),
            Self::Missing(name, why) => {
                let mut cells = vec![name.clone(), format!("not here: {why}")];
                cells.resize(HEADS.len(), NONE.to_owned());
                cells
            }
        }
    }
}

impl Row {
    fn cells(&self) -> Vec<String> {
        let good: Vec<&Call> = self.calls.iter().flatten().collect();
        let all = self.calls.len();
        let count = |is_good: fn(&Call) -> bool| {
            let good = good.iter().filter(|call| is_good(call)).count();
            if good == all {
                format!("yes, {good} of {all}")
            } else {
                format!("**no**, {good} of {all}")
            }
        };
        let heard = |hertz: u32, came: String| format!("{hertz} Hz: {came}");
        let spread = |of: fn(&Call) -> Option<f64>| {
            let spread = Spread::of(good.iter().filter_map(|call| of(call)).collect());
            spread.map_or_else(|| NONE.to_owned(), |spread| format!("{spread} ms"))
        };
        vec![
            self.title.clone(),
            self.caller.to_string(),
            if self.decodes {
                heard(OURS, count(|call| call.sound[0]))
            } else {
                "no codec, sends it back".to_owned()
            },
            heard(self.tone, count(|call| call.sound[1])),
            format!(
                "{}; {}",
                count(|call| call.messages[0]),
                count(|call| call.messages[1])
            ),
            spread(|call| Some(call.set_up)),
            spread(|call| call.noticed),
        ]
    }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::{Call, Caller, Matrix, Row};

    fn call(sound: [bool; 2]) -> Call {
        Call {
            set_up: 20.0,
            messages: [true; 2],
            sound,
            noticed: Some(5.0),
        }
    }

    fn matrix(calls: Vec<anyhow::Result<Call>>) -> Matrix {
        let mut matrix = Matrix::default();
        matrix.add(Row {
            title: "theirs 1.0".into(),
            caller: Caller::Other,
            decodes: true,
            tone: 660,
            calls,
        });
        matrix
    }

    #[test]
    fn all_is_well_when_all_calls_are() {
        let table = matrix(vec![Ok(call([true; 2])), Ok(call([true; 2]))]).table(1000.0);
        assert!(table.missed().is_none());
        let text = table.markdown();
        let row = "| theirs 1.0 | calls | 440 Hz: yes, 2 of 2 | 660 Hz: yes, 2 of 2 | yes, 2 of 2; yes, 2 of 2 \
            | 20.0 (20.0…20.0) ms | 5.0 (5.0…5.0) ms |";
        assert!(text.contains(row), "{text}");
    }

    #[test]
    fn what_is_missing_is_seen() {
        let deaf = matrix(vec![Ok(call([true; 2])), Ok(call([false, true]))]).table(1000.0);
        assert!(deaf.markdown().contains("440 Hz: **no**, 1 of 2"));
        assert!(deaf.missed().is_some());
        let left = Call {
            noticed: None,
            ..call([true; 2])
        };
        assert!(matrix(vec![Ok(left)]).table(1000.0).missed().is_some());
        let broken = matrix(vec![Err(anyhow!("no path"))]).table(1000.0);
        assert!(broken.missed().is_some());
        let slow = matrix(vec![Ok(call([true; 2]))]).table(1.0);
        assert!(slow.missed().is_some());
    }

    #[test]
    fn who_is_not_there_fails_nothing_and_is_named() {
        let mut matrix = Matrix::default();
        matrix.missing(
            "theirs",
            &anyhow!("no such folder").context("npm could not install it"),
        );
        let table = matrix.table(1000.0);
        assert!(table.missed().is_none());
        let row = "| theirs | not here: npm could not install it | – | – | – | – | – |";
        assert!(table.markdown().contains(row), "{}", table.markdown());
    }
}
