//! What processes said, kept for faults that come seldom.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};

/// Where everything that a process says is kept, if the environment variable [`RECORDS`] names a folder: for faults that come seldom.
#[derive(Clone)]
pub(crate) struct Record(Option<Arc<File>>);

/// A folder for one file by process, named by its name and id; and what `RUST_LOG` is for the recorded ones.
const RECORDS: &str = "LAB_RECORDS";
const LOG: &str = "LAB_LOG";

impl Record {
    pub(crate) fn of(name: &str, id: u32, command: &Command) -> Result<Self> {
        let Some(folder) = std::env::var_os(RECORDS) else {
            return Ok(Self(None));
        };
        let path = Path::new(&folder).join(format!("{name}-{id}.log"));
        let file =
            File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
        let record = Self(Some(Arc::new(file)));
        record.keep(&format!("{command:?}"));
        Ok(record)
    }

    pub(crate) fn keep(&self, text: &str) {
        let Some(file) = &self.0 else { return };
        let time = SystemTime::now().duration_since(UNIX_EPOCH);
        let time = time.unwrap_or_default().as_secs_f64();
        // One write a line, so that both outputs can share the file. A full disk spoils the record, not the test.
        file.as_ref()
            .write_all(format!("{time:.6} {text}\n").as_bytes())
            .ok();
    }
}

/// A process that is recorded logs as asked.
pub(crate) fn prepare(command: &mut Command) {
    if let (Some(log), Some(_)) = (std::env::var_os(LOG), std::env::var_os(RECORDS)) {
        command.env("RUST_LOG", log);
    }
}
