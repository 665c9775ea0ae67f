//! The same measured with several programs, side by side.                                                            PURE

use std::fmt::Write;

/// Stands below the table of its proof.
#[derive(Default)]
pub(crate) struct Comparison {
    /// Over the columns; the first is over what is compared.
    pub(crate) heads: Vec<String>,
    /// As many cells each as there are heads.
    pub(crate) rows: Vec<Vec<String>>,
    /// Sentences below it: how it was measured, what is missing and why.
    pub(crate) notes: Vec<String>,
}

impl Comparison {
    /// For a README.
    pub(crate) fn markdown(&self) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let mut text = line(&self.heads);
        text += &format!("|{}\n", "---|".repeat(self.heads.len()));
        for row in &self.rows {
            text += &line(row);
        }
        for note in &self.notes {
            // Writing to a string cannot fail.
            write!(text, "\n{note}\n").ok();
        }
        text
    }

    /// For a terminal.
    pub(crate) fn plain(&self) -> String {
        let lines = || std::iter::once(&self.heads).chain(&self.rows);
        let width = |column: usize| {
            let cells = lines().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let line = |row: &Vec<String>| {
            let cells = row.iter().enumerate();
            let cells = cells.map(|(column, cell)| format!("  {cell:0$} ", width(column)));
            cells.collect::<String>().trim_end().to_owned()
        };
        let notes = self.notes.iter().map(|note| format!("  {note}"));
        lines()
            .map(line)
            .chain(notes)
            .collect::<Vec<_>>()
            .join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::Comparison;

    #[test]
    fn columns_stand_side_by_side_and_notes_below() {
        let words = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
        let comparison = Comparison {
            heads: words(&["trace", "we", "they"]),
            rows: vec![words(&["calm", "36 ms", "–"]), words(&["5 %", "57", "90"])],
            notes: words(&["They were not there."]),
        };
        assert_eq!(
            comparison.markdown(),
            "| trace | we | they |\n|---|---|---|\n| calm | 36 ms | – |\n| 5 % | 57 | 90 |\n\nThey were not there.\n"
        );
        assert_eq!(
            comparison.plain(),
            "  trace   we      they\n  calm    36 ms   –\n  5 %     57      90\n  They were not there."
        );
    }
}
