#![allow(clippy::unwrap_used)]
use super::*;

fn block(named: u32, lay: Duration) -> ReceptionReport {
    ReceptionReport {
        ssrc: 7,
        fraction_lost: 64,
        total_lost: 12,
        jitter: 480,
        last_sender_report: named,
        delay: (lay.as_secs_f64() * PER_SECOND) as u32,
        ..Default::default()
    }
}

#[test]
fn the_round_trip_is_reckoned_from_our_own_report() {
    let start = Instant::now();
    let (ms, mut heard) = (Duration::from_millis(1), Heard::default());
    heard.bind(7, 48_000);
    for n in 0..100u64 {
        let report = SenderReport {
            ntp_time: n << 32,
            ..Default::default()
        };
        heard.reported(start + ms * 1000 * n as u32, &report);
        heard.sent(start, 7, 100);
        heard.sent(start, 8, 100);
    }
    let told = heard
        .block(start + 99_300 * ms, &block(99 << 16, 250 * ms))
        .unwrap();
    let off = told.round_trip.unwrap().abs_diff(50 * ms);
    assert!(off < ms, "{told:?}");
    assert_eq!(
        (told.packets, told.bytes, told.fraction_lost),
        (100, 10_000, 0.25)
    );
    // Long gone, or never sent: no round trip, but still a report.
    let told = heard
        .block(start + 99_400 * ms, &block(3 << 16, ms))
        .unwrap();
    assert!(told.round_trip.is_none() && told.span == 100 * ms && told.packets == 0);
    let other = ReceptionReport {
        ssrc: 8,
        ..block(0, ms)
    };
    assert!(heard.block(start, &other).is_none());
}

#[test]
fn how_we_send_is_told_for_what_can_be_changed() {
    let sending = Sending {
        bitrate: 14_000,
        ptime_ms: 60,
        expected_loss: 8,
    };
    let mut objects = vec![
        json!({"type": "codec", "id": "A", "clockRate": 48_000}),
        json!({"type": "codec", "id": "B", "clockRate": 8_000}),
        json!({"type": "outbound-rtp", "codecId": "A"}),
        json!({"type": "outbound-rtp", "codecId": "B"}),
        json!({"type": "candidate-pair", "nominated": true}),
    ];
    let wanted = Wanted {
        ptime_ms: 10,
        ..Wanted::default()
    };
    add_sending(&mut objects, sending, wanted, Some(21_999.6));
    let told = |n: usize| {
        (
            objects[n]["targetBitrate"].clone(),
            objects[n]["ptime"].clone(),
        )
    };
    assert_eq!(told(2), (json!(14_000.0), json!(60)));
    assert_eq!(objects[2]["expectedLoss"], 0.08);
    assert_eq!(told(3), (json!(64_000.0), json!(10)));
    assert!(objects[3].get("expectedLoss").is_none());
    assert_eq!(objects[4]["availableOutgoingBitrate"], 22_000.0);
}

#[test]
fn the_objects_stand_beside_the_streams_that_they_are_about() {
    let start = Instant::now();
    let mut heard = Heard::default();
    heard.bind(7, 48_000);
    heard.block(start, &block(0, Duration::ZERO));
    heard.sender_report(&SenderReport {
        ssrc: 9,
        ntp_time: (2_208_988_800u64 + 1_000_000_000) << 32,
        packet_count: 5,
        octet_count: 500,
        ..Default::default()
    });
    let mut objects = vec![
        json!({"type": "outbound-rtp", "ssrc": 7, "id": "O7", "remoteId": "R7", "kind": "audio"}),
        json!({"type": "inbound-rtp", "ssrc": 9, "id": "I9", "remoteId": "R9"}),
    ];
    heard.add_to(&mut objects);
    let [_, _, ours, theirs] = objects.as_slice() else {
        panic!("{objects:?}");
    };
    assert_eq!(ours["type"], "remote-inbound-rtp");
    assert_eq!(
        (&ours["id"], &ours["localId"]),
        (&json!("R7"), &json!("O7"))
    );
    assert_eq!(
        (&ours["packetsLost"], &ours["jitter"]),
        (&json!(12), &json!(0.01))
    );
    assert!(ours.get("roundTripTime").is_none());
    assert_eq!(theirs["remoteTimestamp"], 1e12);
    assert_eq!(theirs["packetsSent"], 5);
}
