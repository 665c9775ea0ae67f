//! Options from a file: TOML, with the long names of the options as keys and the same values as on the command line. There is
//! no second list of options: what a file says becomes their default.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use anyhow::{Context, anyhow, bail};
use clap::{Arg, ArgAction, Command};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::backplane::{BACKPLANE, INSTEAD, holds_password};
use super::complaint::sentence;

/// What cannot stand in a file, although it is an option: where the file is.
const NOT_IN_FILE: &str = "config";

/// The same command, with the file's values for whatever is neither typed nor in the environment.
///
/// # Errors
/// The file and the line that is wrong, and how.
pub(super) fn with_defaults(command: Command, file: &Path) -> anyhow::Result<Command> {
    let name = file.display();
    let text = fs::read_to_string(file).with_context(|| format!("--config {name}"))?;
    let line = |at: usize| text[..at.min(text.len())].matches('\n').count() + 1;
    let table = DeTable::parse(&text).map_err(|why| {
        let at = why.span().map_or(0, |span| span.start);
        anyhow!("{name}:{}: {}", line(at), why.message())
    })?;
    let mut command = command;
    for (key, value) in table.get_ref() {
        let place = || format!("{name}:{}", line(key.span().start));
        let arg = known(&command, key.get_ref()).with_context(place)?;
        let values = values(&arg, value, &text).with_context(place)?;
        check(&arg, &values).with_context(place)?;
        hidden(&arg, &values, file).with_context(place)?;
        // clap keeps defaults as static texts: a file is read once in the life of a program.
        let values = values
            .into_iter()
            .map(|value| &*Box::leak(value.into_boxed_str()));
        let values: Vec<&'static str> = values.collect();
        command = command.mut_arg(arg.get_id().clone(), |arg| arg.default_values(values));
    }
    Ok(command)
}

/// What such a file says of the log, whatever else may be wrong with it.
pub(super) fn log(file: &Path) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let table = DeTable::parse(&text).ok()?;
    let value = table.get_ref().get("log")?.get_ref();
    value.as_str().map(str::to_owned)
}

/// The option of this name.
fn known(command: &Command, key: &str) -> anyhow::Result<Arg> {
    let find = |name: &str| {
        let mut all = command.get_arguments();
        all.find(|arg| arg.get_long() == Some(name) && name != NOT_IN_FILE)
    };
    if let Some(arg) = find(key) {
        return Ok(arg.clone());
    }
    let dashes = key.trim_start_matches('-').replace('_', "-");
    if find(&dashes).is_some() {
        bail!("unknown key {key:?}: write {dashes}");
    }
    if key.contains("secret") || key.contains("password") {
        bail!("unknown key {key:?}: secrets come by the environment alone, see --help");
    }
    bail!("unknown key {key:?}: the keys are the long options of --help, without dashes in front");
}

/// What it says in this text, as it would be typed.
fn values(arg: &Arg, value: &Spanned<DeValue<'_>>, text: &str) -> anyhow::Result<Vec<String>> {
    let one = |value| {
        typed(arg, value).ok_or_else(|| {
            let found = found(value, text);
            anyhow!("{} is {found}: expected is {}", long(arg), expected(arg))
        })
    };
    match value.get_ref() {
        DeValue::Array(items) if is_list(arg) => items.iter().map(one).collect(),
        _ => Ok(vec![one(value)?]),
    }
}

/// `None` if it is of a type that this option does not take.
fn typed(arg: &Arg, value: &Spanned<DeValue<'_>>) -> Option<String> {
    match value.get_ref() {
        DeValue::Boolean(is) if is_switch(arg) || is_switch_with_value(arg) => Some(is.to_string()),
        _ if is_switch(arg) => None,
        DeValue::String(text) => Some(text.clone().into_owned()),
        DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str().to_owned()),
        _ => None,
    }
}

fn is_switch(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::SetTrue)
}

/// Such as `--relay`, which may stand alone.
fn is_switch_with_value(arg: &Arg) -> bool {
    arg.get_num_args()
        .is_some_and(|range| range.min_values() == 0)
}

fn is_list(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Append)
}

fn expected(arg: &Arg) -> String {
    if is_switch(arg) {
        return "true or false".to_owned();
    }
    let name = arg.get_value_names().and_then(<[_]>::first);
    let name = name.map_or("a value", |name| name.as_str());
    let more = match arg {
        arg if is_list(arg) => ", or a list of such",
        arg if is_switch_with_value(arg) => ", or true or false",
        _ => "",
    };
    format!("{name} as a text in quotation marks or a whole number{more}")
}

/// What stands there, in words; of what may hold a secret only what it is.
fn found(value: &Spanned<DeValue<'_>>, text: &str) -> String {
    let written = text.get(value.span()).unwrap_or_default();
    match value.get_ref() {
        DeValue::String(_) => "a text".to_owned(),
        DeValue::Integer(number) if number.radix() == 10 => format!("{written}, a whole number"),
        DeValue::Integer(number) => format!("{written}, a number to base {}", number.radix()),
        DeValue::Float(_) => format!("{written}, a float"),
        DeValue::Boolean(_) => format!("{written}, a boolean"),
        DeValue::Datetime(_) => format!("{written}, a date or time"),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

fn long(arg: &Arg) -> &str {
    arg.get_long().unwrap_or_default()
}

/// As if it were typed, and nothing else.
fn check(arg: &Arg, values: &[String]) -> anyhow::Result<()> {
    if is_switch(arg) {
        return Ok(());
    }
    let typed = values
        .iter()
        .map(|value| OsString::from(format!("--{}={value}", long(arg))));
    let line = std::iter::once(OsString::from("signaling")).chain(typed);
    let alone = Command::new("signaling").arg(arg.clone());
    let Err(why) = alone.try_get_matches_from(line) else {
        return Ok(());
    };
    bail!("{}", sentence(&why))
}

/// A password stands only where others cannot read it.
fn hidden(arg: &Arg, values: &[String], file: &Path) -> anyhow::Result<()> {
    let is_password = |value: &String| long(arg) == BACKPLANE && holds_password(value);
    if values.iter().any(is_password) && others_can_read(file) {
        bail!("every user can read this file, and the password in it: chmod o-r it, or {INSTEAD}");
    }
    Ok(())
}

#[cfg(unix)]
fn others_can_read(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    let permitted = fs::metadata(file).map(|file| file.permissions().mode());
    permitted.is_ok_and(|mode| mode & 0o004 != 0)
}

/// Who can is said elsewhere there.
#[cfg(not(unix))]
fn others_can_read(_file: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests;
