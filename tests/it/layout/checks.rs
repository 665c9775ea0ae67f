//! The checks: sources in, violations out.

use super::graph;
use super::rules::{
    EMPTY_NAMES, IMPURE, IMPURE_WORDS, LONG, LONG_FUNCTION, MAIN, NEVER, ONLY, PEER_VALUES, PURE,
    TOO_LONG, TOO_LONG_FUNCTION,
};
use super::scan::{Function, Named, Names};
use super::source::Source;

/// What there is to say about sizes and names.
pub(crate) struct Budgets {
    pub(crate) violations: Vec<String>,
    /// Files that are nearly too long.
    pub(crate) long: Vec<String>,
}

/// Crates with sources of their own.
const CRATES: [&str; 9] = [
    "shared",
    "signaling",
    "peer-cli",
    "tests",
    "tests/lab",
    "tests/hostile",
    "tests/load",
    "tests/wsload",
    "tests/xtask",
];

fn within(path: &str, places: &[&str]) -> bool {
    places.iter().any(|place| path.starts_with(place))
}

fn rust(sources: &[Source]) -> impl Iterator<Item = &Source> {
    sources.iter().filter(|source| source.is_rust())
}

/// Everywhere, tests included: a foreign crate is named in its place only.
pub(crate) fn foreign_crates(sources: &[Source], rules: &[(&str, &[&str])]) -> Vec<String> {
    let mut violations = Vec::new();
    for source in rust(sources) {
        for Named { path, line } in Names::of(&source.text).paths {
            let rule = rules.iter().find(|(name, _)| *name == path[0]);
            if let Some((name, places)) = rule.filter(|(_, places)| !within(&source.path, places)) {
                violations.push(format!(
                    "{}:{line} names {name}, which only {} may",
                    source.path,
                    places.join(", ")
                ));
            }
        }
    }
    violations
}

/// Pure modules name nothing impure and import no impure module of their crate.
pub(crate) fn purity(sources: &[Source]) -> Vec<String> {
    let pure = |source: &&Source| {
        !source.is_test() && (within(&source.path, PURE) || calls_itself_pure(source))
    };
    let mut violations = Vec::new();
    for source in rust(sources).filter(pure) {
        let names = Names::of(&source.text);
        for Named { path, line } in names.paths {
            let path = path.join("::").replacen("core::", "std::", 1);
            if IMPURE
                .iter()
                .any(|bad| path == *bad || path.starts_with(&format!("{bad}::")))
            {
                violations.push(format!("{}:{line} is pure but names {path}", source.path));
            }
        }
        for word in names
            .words
            .iter()
            .filter(|word| IMPURE_WORDS.contains(&word.text.as_str()))
        {
            violations.push(format!(
                "{}:{} is pure but says {}",
                source.path, word.line, word.text
            ));
        }
    }
    violations.extend(impure_imports(sources));
    violations
}

fn calls_itself_pure(source: &Source) -> bool {
    source
        .text
        .lines()
        .next()
        .is_some_and(|line| line.starts_with("//!") && line.trim_end().ends_with("PURE"))
}

/// A pure module that imports an impure one of the same crate is not pure.
fn impure_imports(sources: &[Source]) -> Vec<String> {
    let mut violations = Vec::new();
    for folder in ["signaling", "peer-cli"] {
        let allowed = |whole: &[String]| {
            let room = whole.first().map_or("", String::as_str);
            let is_value = folder == "peer-cli" && PEER_VALUES.contains(&room);
            is_value || within(&format!("{folder}/src/{}/", whole.join("/")), PURE)
        };
        for edge in graph::edges(sources, folder) {
            let from = format!("{folder}/src/{}.rs", edge.from.join("/"));
            if within(&from, PURE) && !allowed(&edge.whole) {
                violations.push(format!(
                    "{} is pure but imports crate::{}",
                    edge.place,
                    edge.whole.join("::")
                ));
            }
        }
    }
    violations
}

/// Rooms import from lower floors, values may be imported by all; a room that is on no floor is not in the plan.
pub(crate) fn order(
    sources: &[Source],
    folder: &str,
    floors: &[&[&str]],
    values: &[&str],
) -> Vec<String> {
    let floor = |room: &str| {
        let lowest = floors.len();
        floors
            .iter()
            .position(|floor| floor.contains(&room))
            .or(values.contains(&room).then_some(lowest))
    };
    let mut violations = Vec::new();
    let mut rooms: Vec<&str> = sources
        .iter()
        .filter(|source| source.is_rust() && !source.is_test())
        .filter_map(|source| source.module())
        .filter_map(|(crate_folder, module)| {
            module.first().copied().filter(|_| crate_folder == folder)
        })
        .collect();
    rooms.dedup();
    for room in rooms.iter().filter(|room| floor(room).is_none()) {
        violations.push(format!(
            "{folder}: the room {room} is on no floor (see the rules of the layout test)"
        ));
    }
    for edge in graph::edges(sources, folder) {
        let Some(from) = edge.from.first() else {
            continue;
        };
        let to = edge.whole.first().map_or("*", String::as_str);
        if from == to {
            continue;
        }
        match (floor(from), floor(to)) {
            _ if values.contains(&to) => {}
            (Some(upper), Some(lower)) if upper < lower => {}
            // Only the program may import what the library shows at its front.
            (_, None) if from == "main" => {}
            (_, None) => violations.push(format!(
                "{}: crate::{to} is no room; name the room it comes from",
                edge.place
            )),
            _ => violations.push(format!(
                "{}: {from} imports {to}, which is not below it",
                edge.place
            )),
        }
    }
    violations.dedup();
    violations
}

/// In no crate do modules import one another in a circle.
pub(crate) fn circles(sources: &[Source]) -> Vec<String> {
    let circle = |folder: &&str| {
        graph::circle(&graph::edges(sources, folder)).map(|names| (folder.to_string(), names))
    };
    CRATES
        .iter()
        .filter_map(circle)
        .map(|(folder, names)| format!("{folder}: {}", names.join(" ▶ ")))
        .collect()
}

/// What the manifests say about who depends on whom.
pub(crate) fn manifests(sources: &[Source]) -> Vec<String> {
    let mut violations = Vec::new();
    for source in sources.iter().filter(|source| !source.is_rust()) {
        let folder = source.path.trim_end_matches("/Cargo.toml");
        let rule = |rules: &[(&str, &'static [&'static str])]| {
            rules
                .iter()
                .find(|(name, _)| *name == folder)
                .map(|rule| rule.1)
        };
        for (name, for_tests) in dependencies(&source.text) {
            let refused =
                rule(ONLY).is_some_and(|only| !for_tests && !only.contains(&name.as_str()));
            if refused || rule(NEVER).is_some_and(|never| never.contains(&name.as_str())) {
                violations.push(format!("{folder} depends on {name}"));
            }
        }
    }
    violations
}

/// The names under all headings for dependencies, and whether they are for tests only.
fn dependencies(manifest: &str) -> Vec<(String, bool)> {
    let mut heading = "";
    let mut found = Vec::new();
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            heading = line;
            // `[dependencies.name]` is a dependency by itself.
            if let Some((_, name)) = line.trim_end_matches(']').split_once("dependencies.") {
                found.push((name.to_owned(), line.contains("dev-")));
            }
        } else if heading.ends_with("dependencies]") && !line.starts_with('#') {
            let name = line.split(['.', '=', ' ']).next().unwrap_or_default();
            if !name.is_empty() {
                found.push((name.trim_matches('"').to_owned(), heading.contains("dev-")));
            }
        }
    }
    found
}

/// Sizes and names of files.
pub(crate) fn budgets(sources: &[Source]) -> Budgets {
    let mut budgets = Budgets {
        violations: Vec::new(),
        long: Vec::new(),
    };
    for source in rust(sources) {
        let lines = source.text.lines().count();
        let said = format!("{} has {lines} lines", source.path);
        let name = source.path.rsplit('/').next().unwrap_or_default();
        if name == "main.rs" && lines > MAIN {
            budgets
                .violations
                .push(format!("{said}, a main.rs at most {MAIN}"));
        } else if lines > TOO_LONG && !source.is_test() {
            budgets
                .violations
                .push(format!("{said}, a file at most {TOO_LONG}"));
        } else if lines > LONG && !source.is_test() {
            budgets.long.push(said);
        }
        if !source.is_test() {
            functions(source, &mut budgets);
        }
        if source
            .path
            .trim_end_matches(".rs")
            .split('/')
            .any(|name| EMPTY_NAMES.contains(&name))
        {
            budgets.violations.push(format!(
                "{}: this name does not say what is inside",
                source.path
            ));
        }
    }
    budgets
}

fn functions(source: &Source, budgets: &mut Budgets) {
    for Function { name, line, lines } in Names::of(&source.text).functions {
        let said = format!("{}:{line}: {name} has {lines} lines", source.path);
        if lines > TOO_LONG_FUNCTION {
            budgets
                .violations
                .push(format!("{said}, a function at most {TOO_LONG_FUNCTION}"));
        } else if lines > LONG_FUNCTION {
            budgets.long.push(said);
        }
    }
}
