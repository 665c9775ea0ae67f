//! Each counter under its W3C name, in a run that can be reckoned by hand.

use super::*;

#[test]
fn counters_carry_the_names_of_the_standard() {
    let json = serde_json::to_value(PlayoutStats::default()).unwrap();
    for name in [
        "packetsReceived",
        "packetsLost",
        "packetsDiscarded",
        "fecPacketsReceived",
        "fecPacketsDiscarded",
        "jitterBufferDelay",
        "jitterBufferTargetDelay",
        "jitterBufferMinimumDelay",
        "jitterBufferEmittedCount",
        "totalSamplesReceived",
        "concealedSamples",
        "silentConcealedSamples",
        "concealmentEvents",
        "insertedSamplesForDeceleration",
        "removedSamplesForAcceleration",
        "audioLevel",
        "totalAudioEnergy",
        "totalSamplesDuration",
    ] {
        assert!(json.get(name).is_some(), "{name}");
    }
}

#[test]
fn time_in_the_buffer_is_summed_over_samples() {
    let start = Instant::now();
    // Played from 10 ms on: each of the three packets waited 10 ms.
    let (line, playout) = play(start, arrive(start, &[(0, 1), (20, 2), (40, 3)], false), 7);
    assert_eq!(line, ".112233");
    let stats = playout.stats();
    assert_eq!(stats.jitter_buffer_emitted_count, 3 * 960);
    let mean = |sum: f64| sum / stats.jitter_buffer_emitted_count as f64;
    assert!((mean(stats.jitter_buffer_delay) - 0.010).abs() < 1e-6);
    assert!((mean(stats.jitter_buffer_target_delay) - 0.005).abs() < 1e-6);
    assert!((mean(stats.jitter_buffer_minimum_delay) - 0.005).abs() < 1e-6);
    assert_eq!(stats.total_samples_received, 6 * 480);
    assert!((stats.total_samples_duration - 0.06).abs() < 1e-9);
    // The samples are 1, 2, 3: their squares, 20 ms each.
    assert!((stats.total_audio_energy - 14.0 * 0.02).abs() < 1e-6);
    assert!(
        (stats.audio_level - 1.0).abs() < 1e-9,
        "capped at full scale"
    );
}

#[test]
fn copies_are_received_used_or_discarded() {
    let start = Instant::now();
    // 3 is lost, the copy in 4 is there; 6 comes again; 7 comes after its copy was played.
    let table = [
        (0, 1),
        (1, 2),
        (2, 4),
        (60, 5),
        (80, 6),
        (81, 6),
        (85, 8),
        (145, 7),
        (126, 9),
    ];
    let (line, playout) = play(start, arrive(start, &table, true), 20);
    assert!(line.starts_with(".1122ff445566ff8899"), "{line}");
    let stats = playout.stats();
    assert_eq!((stats.packets_received, stats.packets_lost), (8, 1));
    assert_eq!((stats.packets_duplicated, stats.packets_discarded), (1, 1));
    assert_eq!(stats.fec_packets_received, 8);
    assert_eq!(stats.packets_rebuilt, 2);
    assert_eq!(stats.fec_packets_discarded, 6);
}

#[test]
fn concealment_is_counted_in_samples_and_events_and_silence_apart() {
    let start = Instant::now();
    // Two gaps: one of a packet, one of 400 ms of which the first 150 are heard.
    let (line, playout) = play(
        start,
        arrive(
            start,
            &[(0, 1), (40, 3), (60, 4), (480, 25), (500, 26)],
            false,
        ),
        53,
    );
    let gap = format!("{}{}", "c".repeat(15), ".".repeat(25));
    assert_eq!(line, format!(".11cc3344{gap}5566"));
    let stats = playout.stats();
    assert_eq!(stats.concealment_events, 2);
    assert_eq!(stats.concealed_samples, (2 + 40) * 480);
    assert_eq!(stats.silent_concealed_samples, 25 * 480);
    assert_eq!(stats.total_samples_received, 52 * 480);
}
