//! The way from the playback's thread to the capture's: a ring without locks, in which nobody ever waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rtrb::{Consumer, Producer, RingBuffer};

use super::align::{Aligner, Trouble};
use crate::audio::{FRAME, SAMPLE_RATE};

/// Room for 500 ms; it holds what is played between two packets.
const ROOM: usize = SAMPLE_RATE as usize / 2;

/// Where the playback tells what it plays.
#[derive(Debug)]
pub struct Tap {
    ring: Producer<f32>,
    lost: Arc<AtomicU64>,
}

/// Where the capture hears it.
#[derive(Debug)]
pub struct Reference {
    ring: Consumer<f32>,
    lost: Arc<AtomicU64>,
}

/// Both ends of a new way.
#[must_use]
pub fn reference() -> (Tap, Reference) {
    let (producer, consumer) = RingBuffer::new(ROOM);
    let lost = Arc::new(AtomicU64::new(0));
    let tap = Tap {
        ring: producer,
        lost: Arc::clone(&lost),
    };
    let ring = consumer;
    (tap, Reference { ring, lost })
}

impl Tap {
    /// These 10 ms go to the sink now. A capture that fetches nothing loses what finds no room, and that is counted.
    pub fn played(&mut self, mix: &[f32]) {
        let (_, rest) = self.ring.push_partial_slice(mix);
        self.lost.fetch_add(rest.len() as u64, Ordering::Relaxed);
    }

    /// Whether the capture is gone.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.ring.is_abandoned()
    }
}

impl Reference {
    /// Samples that were lost because nobody fetched them; from zero again afterwards.
    pub(super) fn take_lost(&self) -> u64 {
        self.lost.swap(0, Ordering::Relaxed)
    }

    /// Hands over everything that was played since the last time.
    pub(super) fn fetch(&mut self, mut take: impl FnMut(&[f32])) {
        let Ok(chunk) = self.ring.read_chunk(self.ring.slots()) else {
            return;
        };
        let (head, tail) = chunk.as_slices();
        take(head);
        take(tail);
        chunk.commit_all();
    }
}

/// A reference at the microphone's pace.
pub(super) struct Follower {
    reference: Reference,
    aligner: Aligner,
    lost: u64,
}

impl Follower {
    pub(super) fn new(reference: Reference) -> Result<Follower, String> {
        Ok(Follower {
            reference,
            aligner: Aligner::new()?,
            lost: 0,
        })
    }

    /// Starts anew: what was played before is no longer in the air.
    pub(super) fn restart(&mut self) {
        self.reference.fetch(|_| {});
        self.reference.take_lost();
        self.aligner.restart();
    }

    /// Fetches what was played while so many samples came from the microphone; whether frames can be had.
    pub(super) fn begin(&mut self, samples: usize) -> bool {
        self.reference.fetch(|played| self.aligner.push(played));
        let lost = self.reference.take_lost();
        self.aligner.lost(lost);
        self.lost += lost;
        self.aligner.begin(samples)
    }

    /// The microphone lost so many samples before those that come now.
    pub(super) fn skip(&mut self, samples: u64) {
        self.aligner
            .skip(usize::try_from(samples).unwrap_or(usize::MAX));
    }

    pub(super) fn frame(&mut self) -> &[f32; FRAME] {
        self.aligner.frame()
    }

    pub(super) fn trouble(&self) -> (Trouble, u64) {
        (self.aligner.trouble(), self.lost)
    }
}
