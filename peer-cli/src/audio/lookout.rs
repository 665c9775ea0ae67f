//! Looks out for a device that was unplugged, on a thread of its own: a sound system may take its time to answer, or never do.

use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::device::Eyes;
use super::{AudioError, DeviceKind, DeviceName};

/// Between two looks at a device that is in use.
const GUARD: Duration = Duration::from_secs(1);
/// Between two looks for one that is not there: the first ones, doubling up to the last.
const FIRST: Duration = Duration::from_millis(100);
const LAST: Duration = Duration::from_secs(1);

/// What a look at the devices of this machine has shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sighting {
    /// The device is there.
    pub wanted: bool,
    /// There is one that `default` means.
    pub default: bool,
    /// It is this one.
    pub is_default: bool,
}

/// The thread; it ends with its owner, though it may finish a look first.
#[derive(Debug)]
pub struct Lookout {
    orders: Arc<Orders>,
}

#[derive(Debug)]
struct Orders {
    /// And how often they were given.
    order: Mutex<(Order, u64)>,
    given: Condvar,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Rest,
    Guard,
    Search,
    End,
}

impl Lookout {
    /// A thread that rests, and tells later what it sees.
    ///
    /// # Errors
    /// When there can be no thread more.
    pub fn new(
        kind: DeviceKind,
        wanted: DeviceName,
        tell: impl FnMut(Sighting) + Send + 'static,
    ) -> Result<Lookout, AudioError> {
        let orders = Arc::new(Orders {
            order: Mutex::new((Order::Rest, 0)),
            given: Condvar::new(),
        });
        let theirs = orders.clone();
        std::thread::Builder::new()
            .name("lookout".to_owned())
            .spawn(move || watch(&theirs, kind, &wanted, tell))
            .map_err(|error| AudioError::sound("lookout thread", error))?;
        Ok(Lookout { orders })
    }

    /// Looks no more.
    pub fn rest(&self) {
        self.orders.give(Order::Rest);
    }

    /// Tells when the device is gone. Where its loss is an error anyway, nothing is looked at.
    pub fn guard(&self) {
        self.orders.give(Order::Guard);
    }

    /// Looks at once, and then again and again; tells each time.
    pub fn search(&self) {
        self.orders.give(Order::Search);
    }
}

impl Drop for Lookout {
    fn drop(&mut self) {
        self.orders.give(Order::End);
    }
}

impl Orders {
    fn lock(&self) -> MutexGuard<'_, (Order, u64)> {
        // A number and a word: nothing half done could be left behind.
        self.order
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn give(&self, order: Order) {
        let mut current = self.lock();
        *current = (order, current.1 + 1);
        self.given.notify_one();
    }

    /// Sleeps until the deadline or an order other than the one of this number; gives the order and its number.
    fn wait(&self, number: u64, until: Option<Instant>) -> (Order, u64) {
        let mut current = self.lock();
        while current.1 == number {
            current = match until {
                None => self
                    .given
                    .wait(current)
                    .unwrap_or_else(|poisoned| poisoned.into_inner()),
                Some(until) => {
                    let left = until.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        break;
                    }
                    let waited = self.given.wait_timeout(current, left);
                    waited.unwrap_or_else(|poisoned| poisoned.into_inner()).0
                }
            };
        }
        *current
    }
}

fn watch(orders: &Orders, kind: DeviceKind, wanted: &DeviceName, mut tell: impl FnMut(Sighting)) {
    let mut eyes = Eyes::default();
    let (mut number, mut pause, mut due) = (0, FIRST, None);
    loop {
        let (order, latest) = orders.wait(number, due);
        let fresh = latest != number;
        number = latest;
        due = match order {
            Order::End => return,
            Order::Rest => None,
            Order::Guard if fresh => eyes.must_guard().then(|| Instant::now() + GUARD),
            Order::Guard => {
                let seen = eyes.look(kind, wanted);
                if !seen.wanted {
                    tell(seen);
                }
                Some(Instant::now() + GUARD)
            }
            Order::Search => {
                pause = if fresh { FIRST } else { (pause * 2).min(LAST) };
                tell(eyes.look(kind, wanted));
                Some(Instant::now() + pause)
            }
        };
    }
}
