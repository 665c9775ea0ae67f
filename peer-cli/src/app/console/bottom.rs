//! The line at the bottom: how loud both sides are, and what is being typed.

use crate::call::Meter;

/// Steps of a bar.
const STEPS: usize = 10;
/// What an empty and a full bar stand for, dB below full scale.
const QUIET: f32 = -50.0;
const LOUD: f32 = 0.0;

/// `you [####------]  them [#######---]  +3 dB  > text`, no wider than the terminal.
pub(super) fn line(meter: &Meter, typed: &str, columns: usize) -> String {
    let mut line = String::new();
    if meter.is_in_call() {
        let us = match meter.is_muted() {
            true => "[  muted   ]".to_owned(),
            false => bar(meter.levels.sent()),
        };
        line = format!("you {us}  them {}", bar(meter.levels.heard()));
        if meter.volume() != 0 {
            line += &format!("  {:+} dB", meter.volume());
        }
    }
    if !typed.is_empty() {
        let prompt = if line.is_empty() { "> " } else { "  > " };
        line += prompt;
        let room = columns.saturating_sub(1 + line.chars().count());
        line += end(typed, room);
    }
    line.chars().take(columns.saturating_sub(1)).collect()
}

fn bar(level: f32) -> String {
    let db = 20.0 * level.max(1e-6).log10();
    let share = ((db - QUIET) / (LOUD - QUIET)).clamp(0.0, 1.0);
    let full = (share * STEPS as f32).round() as usize;
    format!("[{}{}]", "#".repeat(full), "-".repeat(STEPS - full))
}

/// As much of the end as fits.
fn end(text: &str, room: usize) -> &str {
    let mut left = room;
    let from = text.char_indices().rev().take_while(|(_, c)| {
        let width = width(*c);
        let fits = width <= left;
        left = left.saturating_sub(width);
        fits
    });
    from.last().map_or("", |(at, _)| &text[at..])
}

/// Columns of a character: East Asian scripts and pictures take two. Near enough: what is wrong only wraps.
fn width(c: char) -> usize {
    match c {
        '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' => 2,
        '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}' => 2,
        '\u{1f300}'..='\u{1faff}' | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_grow_with_the_level_and_long_lines_show_their_end() {
        assert_eq!(bar(0.0), "[----------]");
        assert_eq!(bar(0.056), "[#####-----]");
        assert_eq!(bar(1.0), "[##########]");
        let meter = Meter::default();
        assert_eq!(line(&meter, "", 80), "");
        assert_eq!(line(&meter, "hello", 80), "> hello");
        assert_eq!(line(&meter, "hello world", 10), "> o world");
        assert_eq!(line(&meter, "日本語", 8), "> 本語");
        assert_eq!(line(&meter, "hello", 0), "");
    }
}
