//! Figures of repeated measurements, and the tables that show them beside their bars.                                 PURE

use std::fmt::{self, Write};

mod comparison;

pub(crate) use comparison::Comparison;

/// Median, least and greatest of what was measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) greatest: f64,
}

/// One figure and whether it is good enough.
pub(crate) struct Row {
    pub(crate) what: String,
    pub(crate) figure: String,
    /// What was asked for; empty when the figure only informs.
    pub(crate) bar: String,
    pub(crate) met: Option<bool>,
}

/// What one proof found.
#[derive(Default)]
pub(crate) struct Table {
    pub(crate) rows: Vec<Row>,
    /// How others do it.
    pub(crate) beside: Option<Comparison>,
}

impl Spread {
    /// `None` without a single value.
    pub(crate) fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let (least, greatest) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        let median = if values.len() % 2 == 1 {
            values[middle]
        } else {
            f64::midpoint(values[middle - 1], values[middle])
        };
        Some(Self {
            median,
            least,
            greatest,
        })
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.1} ({:.1}…{:.1})",
            self.median, self.least, self.greatest
        )
    }
}

impl Table {
    /// A figure that must not exceed its bar.
    pub(crate) fn at_most(&mut self, what: &str, figure: f64, shown: String, bar: f64, unit: &str) {
        self.judged(what, shown, format!("≤ {bar}{unit}"), figure <= bar);
    }

    /// A figure that must reach its bar.
    pub(crate) fn at_least(&mut self, what: &str, figure: f64, shown: String, bar: f64) {
        self.judged(what, shown, format!("≥ {bar}"), figure >= bar);
    }

    pub(crate) fn judged(&mut self, what: &str, figure: String, bar: String, met: bool) {
        self.rows.push(Row {
            what: what.into(),
            figure,
            bar,
            met: Some(met),
        });
    }

    pub(crate) fn informs(&mut self, what: &str, figure: String) {
        self.rows.push(Row {
            what: what.into(),
            figure,
            bar: String::new(),
            met: None,
        });
    }

    /// The first figure that is not good enough.
    pub(crate) fn missed(&self) -> Option<&Row> {
        self.rows.iter().find(|row| row.met == Some(false))
    }

    /// For a README.
    pub(crate) fn markdown(&self) -> String {
        let mut text = String::from("| what | measured | bar | met |\n|---|---|---|---|\n");
        for Row {
            what,
            figure,
            bar,
            met,
        } in &self.rows
        {
            let met = met.map_or("", |met| if met { "yes" } else { "**no**" });
            // Writing to a string cannot fail.
            writeln!(text, "| {what} | {figure} | {bar} | {met} |").ok();
        }
        if let Some(beside) = &self.beside {
            write!(text, "\n{}", beside.markdown()).ok();
        }
        text
    }

    /// For a terminal.
    pub(crate) fn plain(&self) -> String {
        let width = |column: fn(&Row) -> &str| {
            self.rows
                .iter()
                .map(|row| column(row).chars().count())
                .max()
                .unwrap_or(0)
        };
        let (what, figure) = (width(|row| &row.what), width(|row| &row.figure));
        let line = |row: &Row| {
            let verdict = match row.met {
                None => String::new(),
                Some(true) => format!("{}: yes", row.bar),
                Some(false) => format!("{}: NO", row.bar),
            };
            format!("  {:what$}   {:figure$}   {verdict}", row.what, row.figure)
                .trim_end()
                .to_owned()
        };
        let beside = self.beside.iter().map(Comparison::plain);
        let lines = self.rows.iter().map(line).chain(beside);
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// Puts `content` between the markers of this name; an error when the text has no such place.
pub(crate) fn between_markers(text: &str, name: &str, content: &str) -> Result<String, String> {
    let (open, close) = (
        format!("<!-- prove:{name} -->"),
        format!("<!-- /prove:{name} -->"),
    );
    let start = text
        .find(&open)
        .ok_or_else(|| format!("no marker {open}"))?
        + open.len();
    let length = text[start..]
        .find(&close)
        .ok_or_else(|| format!("no marker {close} after {open}"))?;
    Ok(format!(
        "{}\n{}\n{}",
        &text[..start],
        content.trim_end(),
        &text[start + length..]
    ))
}

#[cfg(test)]
mod tests {
    use super::{Spread, Table, between_markers};

    #[test]
    fn a_median_is_in_the_middle() {
        assert_eq!(
            Spread::of(vec![3.0, 1.0, 9.0])
                .map(|s| s.to_string())
                .as_deref(),
            Some("3.0 (1.0…9.0)")
        );
        assert_eq!(
            Spread::of(vec![4.0, 1.0, 2.0, 9.0]).map(|spread| spread.median),
            Some(3.0)
        );
        assert_eq!(Spread::of(Vec::new()), None);
    }

    #[test]
    fn a_bar_is_met_or_named() {
        let mut table = Table::default();
        table.at_most("set-up", 25.0, "25.0 ms".into(), 25.0, " ms");
        table.at_least("quality", 3.6, "3.60".into(), 3.5);
        table.informs("cores", "2".into());
        assert!(table.missed().is_none());
        table.at_least("worse", 3.4, "3.40".into(), 3.5);
        assert_eq!(table.missed().map(|row| row.what.as_str()), Some("worse"));
        assert!(
            table
                .markdown()
                .ends_with("| cores | 2 |  |  |\n| worse | 3.40 | ≥ 3.5 | **no** |\n")
        );
        assert!(
            table
                .plain()
                .ends_with("  cores     2\n  worse     3.40      ≥ 3.5: NO"),
            "{}",
            table.plain()
        );
    }

    #[test]
    fn markers_are_filled_again_and_again() {
        let page =
            "a\n<!-- prove:x --><!-- /prove:x -->\nb <!-- prove:y -->\nold\n<!-- /prove:y -->";
        let once = between_markers(page, "x", "new\n").expect("there");
        assert_eq!(
            once,
            "a\n<!-- prove:x -->\nnew\n<!-- /prove:x -->\nb <!-- prove:y -->\nold\n<!-- /prove:y -->"
        );
        assert_eq!(between_markers(&once, "x", "new\n").as_ref(), Ok(&once));
        assert!(between_markers(page, "z", "new").is_err());
        assert!(between_markers("<!-- /prove:x --> <!-- prove:x -->", "x", "new").is_err());
    }
}
