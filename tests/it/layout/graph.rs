//! Modules and who imports whom.

use std::collections::{BTreeMap, BTreeSet};

use super::scan::{Named, Names};
use super::source::Source;

/// From one module of a crate to another, and where that is written.
pub(crate) struct Edge {
    pub(crate) from: Vec<String>,
    pub(crate) to: Vec<String>,
    /// What is named, without the leading `crate`.
    pub(crate) whole: Vec<String>,
    pub(crate) place: String,
}

/// All imports inside the crate in this folder.
pub(crate) fn edges(sources: &[Source], folder: &str) -> Vec<Edge> {
    let files = || {
        sources
            .iter()
            .filter(|source| source.is_rust() && !source.is_test())
            .filter_map(|source| {
                let (crate_folder, module) = source.module()?;
                (crate_folder == folder).then(|| {
                    (
                        source,
                        module.into_iter().map(String::from).collect::<Vec<_>>(),
                    )
                })
            })
    };
    let modules: BTreeSet<Vec<String>> = files().map(|(_, module)| module).collect();
    let own_name = folder
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .replace('-', "_");
    let mut edges = Vec::new();
    for (source, module) in files() {
        for Named { path, line } in Names::of(&source.text).paths {
            let Some(whole) = absolute(&path, &module, &own_name) else {
                continue;
            };
            let known = (0..=whole.len())
                .rev()
                .find(|length| modules.contains(&whole[..*length]));
            let to = whole[..known.unwrap_or(0)].to_vec();
            edges.push(Edge {
                from: module.clone(),
                to,
                whole,
                place: format!("{}:{line}", source.path),
            });
        }
    }
    edges
}

/// The path from the crate's root, for a path that stays inside the crate.
fn absolute(path: &[String], module: &[String], own_name: &str) -> Option<Vec<String>> {
    let (root, rest) = path.split_first()?;
    match root.as_str() {
        "crate" => Some(rest.to_vec()),
        // The program of a package imports its library by name.
        name if name == own_name => Some(rest.to_vec()),
        "self" => Some([module, rest].concat()),
        "super" => {
            let ups = path.iter().take_while(|name| *name == "super").count();
            let above = module.get(..module.len().checked_sub(ups)?)?;
            Some([above, &path[ups..]].concat())
        }
        _ => None,
    }
}

/// One circle among modules that lie side by side, if there is any; a module and those inside it count as one.
pub(crate) fn circle(edges: &[Edge]) -> Option<Vec<String>> {
    let mut groups: BTreeMap<&[String], BTreeMap<&str, BTreeSet<&str>>> = BTreeMap::new();
    for Edge { from, to, .. } in edges {
        let shared = from.iter().zip(to).take_while(|(a, b)| a == b).count();
        if let (Some(a), Some(b)) = (from.get(shared), to.get(shared)) {
            groups
                .entry(&from[..shared])
                .or_default()
                .entry(a)
                .or_default()
                .insert(b);
        }
    }
    groups.iter().find_map(|(parent, graph)| {
        let names = graph.keys().find_map(|start| way_back(graph, start))?;
        Some(
            names
                .iter()
                .map(|name| [parent, &[name.clone()][..]].concat().join("::"))
                .collect(),
        )
    })
}

/// A way from `start` back to itself.
fn way_back(graph: &BTreeMap<&str, BTreeSet<&str>>, start: &str) -> Option<Vec<String>> {
    let mut ways = vec![vec![start.to_owned()]];
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop() {
        for next in graph.get(way.last()?.as_str()).into_iter().flatten() {
            let longer = [&way[..], &[(*next).to_owned()]].concat();
            if *next == start {
                return Some(longer);
            }
            if seen.insert(*next) {
                ways.push(longer);
            }
        }
    }
    None
}
