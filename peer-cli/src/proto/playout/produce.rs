//! Where the next sound comes from: packet, redundancy, concealment, silence.

use std::time::Instant;

use super::store::Stored;
use super::{FRAME, FrameKind, PacketDecoder, Playout, SAMPLE_RATE};

/// Concealment is at full level for 100 ms …
const FADE_AFTER: u64 = 4800;
/// … then fades for 50 ms; silence follows.
const FADE_LENGTH: u64 = 2400;
/// A pause after which playing starts anew, with the full reserve: 200 ms.
const PAUSE: u64 = 9600;
/// The same after a discontinuous-transmission packet, whose noise may be refreshed only every 400 ms: 1 s.
const COMFORT_PAUSE: u64 = 48_000;
/// Concealment is counted as such for 1 s; what follows is a sender that is silent.
pub(super) const COUNTED: u64 = 48_000;
/// A larger gap between timestamps is a jump of the sender's clock, not a pause: 2 s.
const LARGEST_GAP: i64 = 96_000;

impl Playout {
    /// Adds some sound to `pcm`, the best there is.
    pub(super) fn produce(&mut self, now: Instant, decoder: &mut dyn PacketDecoder) {
        let (Some(first), Some((sequence, timestamp))) = (self.store.first(), self.position) else {
            return self.wait(decoder);
        };
        let gap = first.timestamp - timestamp;
        let left = if (0..=LARGEST_GAP).contains(&gap) {
            gap - self.filled
        } else {
            0
        };
        let mut covered = 0;
        // A gap in numbers without one in time is what other formats of the stream took: digits.
        if gap > 0 && first.sequence > sequence && first.info.fec {
            let samples = first.info.samples;
            covered = i64::from(samples);
            // Also when it came too late for that: this is how the delay learns what to wait for.
            if self.copied.replace(first.sequence) != Some(first.sequence) {
                let lost = first.timestamp - covered;
                self.delay.rebuilt(first.arrival, lost, samples);
            }
        }
        if left <= 0 {
            // What was made up beyond the gap has become delay.
            self.delay.changed((self.filled - gap.max(0)).max(0));
            return self.play_first(now, decoder);
        }
        if left <= covered {
            return self.rebuild(left as usize, decoder);
        }
        self.fill((left - covered).min(FRAME as i64) as usize, decoder);
    }

    /// Nothing there: bridges the gap, and after a while falls back to waiting for a new start.
    fn wait(&mut self, decoder: &mut dyn PacketDecoder) {
        self.fill(FRAME.saturating_sub(self.waiting()), decoder);
        let pause = if self.comfort { COMFORT_PAUSE } else { PAUSE };
        if self.made_up >= pause {
            self.playing = false;
        }
    }

    /// Plays the first packet that waits.
    pub(super) fn play_first(&mut self, now: Instant, decoder: &mut dyn PacketDecoder) {
        let Some(Stored {
            sequence,
            timestamp,
            info,
            codec,
            payload,
            arrival,
        }) = self.store.pop()
        else {
            return;
        };
        decoder.turn_to(codec);
        let (waiting, before, samples) = (self.waiting(), self.pcm.len(), info.samples as usize);
        if decoder.decode(&payload, &mut self.pcm) {
            self.lengthen_to(before, samples);
            if info.pause {
                self.noise.level(&mut self.pcm[before..]);
            } else {
                self.noise.ended();
            }
            self.note(
                if info.pause {
                    FrameKind::Comfort
                } else {
                    FrameKind::Real
                },
                samples,
            );
            self.made_up = 0;
        } else {
            self.pcm.truncate(before);
            self.stats.packets_discarded += 1;
            self.fill(samples, decoder);
        }
        self.comfort = info.pause;
        self.filled = 0;
        self.position = Some((sequence + 1, timestamp + i64::from(info.samples)));
        let waited =
            now.saturating_duration_since(arrival).as_secs_f64() + waiting as f64 / SAMPLE_RATE;
        // Fetched ahead of its time, if whole pulls are still left over.
        let ahead = waiting / FRAME * FRAME;
        self.delay.fetched(now, timestamp - ahead as i64);
        self.stats.jitter_buffer_delay += waited * samples as f64;
        self.stats.jitter_buffer_target_delay +=
            self.delay.target() as f64 / SAMPLE_RATE * samples as f64;
        self.stats.jitter_buffer_minimum_delay +=
            self.delay.unbounded() as f64 / SAMPLE_RATE * samples as f64;
        self.stats.jitter_buffer_emitted_count += samples as u64;
        let used = self.rebuilt == Some(sequence);
        self.stats.fec_packets_discarded += u64::from(info.fec && !used);
    }

    /// Plays the copy of a lost packet that the next one carries, or the end of it that is still due.
    fn rebuild(&mut self, due: usize, decoder: &mut dyn PacketDecoder) {
        let Some(first) = self.store.first() else {
            return;
        };
        let (sequence, timestamp, whole) =
            (first.sequence, first.timestamp, first.info.samples as usize);
        let before = self.pcm.len();
        decoder.turn_to(first.codec);
        if decoder.decode_fec(&first.payload, whole, &mut self.pcm) {
            self.lengthen_to(before, whole);
            let past = (whole - due) * self.channels.count();
            self.pcm.drain(before..before + past);
            self.note(FrameKind::Real, due);
            self.made_up = 0;
            self.stats.packets_rebuilt += 1;
            self.rebuilt = Some(sequence);
        } else {
            self.pcm.truncate(before);
            self.fill(due, decoder);
        }
        self.filled = 0;
        self.position = Some((sequence, timestamp));
    }

    /// Makes up `samples`: concealment that fades into silence, or comfort noise.
    pub(super) fn fill(&mut self, samples: usize, decoder: &mut dyn PacketDecoder) {
        if samples == 0 {
            return;
        }
        self.filled += samples as i64;
        let (run, before) = (self.made_up, self.pcm.len());
        self.made_up += samples as u64;
        if run < COUNTED && !self.comfort {
            self.stats.concealment_events += u64::from(run == 0);
            self.stats.concealed_samples += samples as u64;
        }
        if self.comfort && run < COMFORT_PAUSE {
            decoder.conceal(samples, &mut self.pcm);
            self.lengthen_to(before, samples);
            self.noise.level(&mut self.pcm[before..]);
            return self.note(FrameKind::Comfort, samples);
        }
        if run >= FADE_AFTER + FADE_LENGTH {
            self.stats.silent_concealed_samples += if run < COUNTED { samples as u64 } else { 0 };
            self.lengthen_to(before, samples);
            return self.note(FrameKind::Silence, samples);
        }
        decoder.conceal(samples, &mut self.pcm);
        self.lengthen_to(before, samples);
        let channels = self.channels.count();
        for (at, sample) in self.pcm[before..].iter_mut().enumerate() {
            let faded = (run + (at / channels) as u64)
                .saturating_sub(FADE_AFTER)
                .min(FADE_LENGTH);
            *sample *= 1.0 - faded as f32 / FADE_LENGTH as f32;
        }
        self.note(FrameKind::Concealed, samples);
    }

    /// What was appended at `before` gets its right length: so many samples of each channel.
    fn lengthen_to(&mut self, before: usize, samples: usize) {
        self.pcm
            .resize(before + samples * self.channels.count(), 0.0);
    }
}
