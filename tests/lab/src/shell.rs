//! Commands that build a laboratory: short, and an error says which one failed and what it said.

use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// Runs to the end with this as its standard input; returns its standard output.
pub(crate) fn feed(command: &mut Command, input: &str) -> Result<String> {
    let shown = format!("{command:?}");
    let child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = child.with_context(|| format!("cannot start {shown}"))?;
    if let Some(mut pipe) = child.stdin.take() {
        // One that ends without reading says why on its standard error.
        pipe.write_all(input.as_bytes()).ok();
    }
    let output = child
        .wait_with_output()
        .with_context(|| format!("{shown} did not end"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{shown} ended with {}: {}", output.status, said.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Sends a signal, by its option of `kill`.
pub(crate) fn signal(process: u32, signal: &str) -> Result<()> {
    feed(
        Command::new("kill").args([signal, &process.to_string()]),
        "",
    )
    .map(drop)
}
