//! The files of the workspace as text.

use std::fs;
use std::io;
use std::path::Path;

/// One file: a Rust source or a manifest.
pub(crate) struct Source {
    /// From the top of the workspace, with forward slashes.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// The crates' folders.
const CRATES: [&str; 4] = ["shared", "signaling", "peer-cli", "tests"];

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self {
            path: path.into(),
            text: text.into(),
        }
    }

    /// Every Rust source and manifest below the crates' folders.
    pub(crate) fn read_all(root: &Path) -> io::Result<Vec<Self>> {
        let mut sources = Vec::new();
        for folder in CRATES {
            walk(root, &root.join(folder), &mut sources)?;
        }
        sources.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(sources)
    }

    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Files of tests alone are not bound by the rules for what is shipped.
    pub(crate) fn is_test(&self) -> bool {
        let mut names = self.path.split('/').skip(1);
        self.path.starts_with("tests/it/")
            || names.any(|name| name == "tests" || name.ends_with("tests.rs"))
    }

    /// The crate's folder and the module, for a file of a `src` folder: `peer-cli`, `["proto", "playout"]`.
    pub(crate) fn module(&self) -> Option<(&str, Vec<&str>)> {
        let (folder, file) = self.path.split_once("/src/")?;
        let mut names: Vec<&str> = file.strip_suffix(".rs")?.split('/').collect();
        if names == ["lib"] || names.last() == Some(&"mod") {
            names.pop();
        }
        Some((folder, names))
    }
}

fn walk(root: &Path, folder: &Path, sources: &mut Vec<Source>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() {
            if name != "target" && !name.starts_with('.') {
                walk(root, &path, sources)?;
            }
        } else if name == "Cargo.toml" || name.ends_with(".rs") {
            let inside = path.strip_prefix(root).unwrap_or(&path);
            let names: Vec<_> = inside.iter().map(|name| name.to_string_lossy()).collect();
            sources.push(Source {
                path: names.join("/"),
                text: fs::read_to_string(&path)?,
            });
        }
    }
    Ok(())
}
