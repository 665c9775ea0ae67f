//! What the parser of arguments says is wrong, where it is not to fill a terminal.

/// On one line what stands on many, without the advice to read the help.
pub(super) fn sentence(why: &clap::Error) -> String {
    let text = why.to_string();
    let is_advice = |part: &&str| part.starts_with("Usage:") || part.starts_with("For more");
    let parts = text.trim().split("\n\n").map(str::trim);
    let parts = parts.take_while(|part| !is_advice(part));
    let on_one_line = |part: &str| part.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    let parts: Vec<_> = parts.map(on_one_line).collect();
    parts.join("; ").trim_start_matches("error: ").to_owned()
}
