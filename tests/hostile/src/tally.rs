//! How all attempts ended.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use crate::socket::Ending;

/// Clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally(Arc<Mutex<Counts>>);

#[derive(Debug, Default)]
struct Counts {
    endings: BTreeMap<Ending, u64>,
    kinds: BTreeMap<&'static str, u64>,
    /// Endings that nobody should have had.
    strange: BTreeMap<String, u64>,
    /// That were asked for, each by another name.
    rooms: u64,
}

impl Tally {
    pub(crate) fn count(&self, kind: &'static str, ending: Ending, expected: bool) {
        let mut counts = self.lock();
        *counts.endings.entry(ending).or_default() += 1;
        *counts.kinds.entry(kind).or_default() += 1;
        if !expected {
            let what = format!("{}: {}", kind, name(ending));
            *counts.strange.entry(what).or_default() += 1;
        }
    }

    /// One ending more of an attempt that was counted already.
    pub(crate) fn also(&self, ending: Ending) {
        *self.lock().endings.entry(ending).or_default() += 1;
    }

    /// One that nobody has asked for before; whether it was made or not.
    pub(crate) fn asked_for_a_room(&self) {
        self.lock().rooms += 1;
    }

    pub(crate) fn told(&self) -> Value {
        let counts = self.lock();
        let endings = counts.endings.iter();
        let endings: BTreeMap<String, u64> = endings.map(|(e, n)| (name(*e), *n)).collect();
        json!({
            "event": "attacked",
            "endings": endings,
            "kinds": counts.kinds,
            "strange": counts.strange,
            "rooms": counts.rooms,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        // Numbers have no half-done state that a panic elsewhere could leave behind.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn name(ending: Ending) -> String {
    match ending {
        Ending::Status(number) | Ending::Code(number) => number.to_string(),
        Ending::Silence => "silence".to_owned(),
        Ending::Left => "left".to_owned(),
        Ending::Never => "never".to_owned(),
    }
}
