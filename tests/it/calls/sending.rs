//! What is sent, and how: codecs, digits, and what the network lets pass.

use serde_json::Value;
use tests::{Ended, TestPeer, TestServer};

/// The objects of this kind in the latest statistics that have one.
fn latest<'a>(peer: &'a Ended, kind: &str) -> Option<&'a Value> {
    peer.events
        .iter()
        .rev()
        .find_map(|event| object(event, kind))
}

fn object<'a>(event: &'a Value, kind: &str) -> Option<&'a Value> {
    let objects = event["stats"].as_array()?;
    objects.iter().find(|object| object["type"] == kind)
}

fn codecs(peer: &Ended) -> Vec<(String, String)> {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let tracks = peer.all("track");
    let both = tracks
        .iter()
        .map(|track| (word(&track["direction"]), word(&track["codec"])));
    let mut both: Vec<_> = both.collect();
    both.sort();
    both
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_only_speaks_one_codec_is_heard_and_hears() {
    for (caller, answerer, codec) in [
        ("", "--codec pcmu", "audio/PCMU"),
        ("--codec pcmu", "", "audio/PCMU"),
        ("--codec pcma", "--codec pcmu,pcma", "audio/PCMA"),
        ("--codec pcma,opus", "--codec opus", "audio/opus"),
    ] {
        let server = TestServer::start();
        let url = server.url();
        let words = format!("{answerer} --mic tone:660 --expect tone=440 --duration 10s");
        let bob = TestPeer::answer(&url, &words);
        let words = format!("{caller} --mic tone:440 --expect tone=660 --duration 3s");
        let ann = TestPeer::call(&url, &words);
        let (ann, bob) = tokio::join!(ann.exits(0), bob.exits(0));
        for peer in [ann, bob] {
            let expected = ["local", "remote"].map(|way| (way.to_owned(), codec.to_owned()));
            assert_eq!(codecs(&peer), expected);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn packets_of_a_telephone_codec_are_as_long_as_asked_for() {
    for (ptime, fewest, most) in [(10, 200, 330), (60, 33, 60)] {
        let server = TestServer::start();
        let url = server.url();
        let words = "--codec pcmu --expect tone=440 --stats 500ms --duration 10s";
        let bob = TestPeer::answer(&url, words);
        let words =
            format!("--codec pcmu --ptime {ptime} --mic tone:440 --stats 250ms --duration 3s");
        let ann = TestPeer::call(&url, &words);
        let (ann, bob) = tokio::join!(ann.exits(0), bob.exits(0));
        let sent = latest(&ann, "outbound-rtp").expect("our stream");
        let packets = sent["packetsSent"].as_u64().unwrap_or_default();
        assert!((fewest..=most).contains(&packets), "{ptime} ms: {sent}");
        assert_eq!(sent["ptime"], ptime);
        // 64 kbit/s are 8 bytes in a millisecond, whatever the packets.
        let bytes = sent["bytesSent"].as_u64().unwrap_or_default();
        assert_eq!(bytes, packets * ptime * 8, "{ptime} ms: {sent}");
        let heard = latest(&bob, "inbound-rtp").expect("their stream");
        assert_eq!(heard["packetsDiscarded"], 0, "{heard}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn digits_arrive_once_over_a_lossy_network_and_are_not_heard() {
    for codec in ["opus", "pcmu"] {
        let server = TestServer::start();
        let url = server.url();
        let words = format!("--codec {codec} --expect tone=440 --duration 20s");
        let bob = TestPeer::answer(&url, &words);
        let words = format!(
            "--codec {codec} --mic tone:440 --dtmf 0123456789*#ABCDw11 --impair loss=10% --duration 5s"
        );
        let ann = TestPeer::call(&url, &words);
        let (_ann, bob) = tokio::join!(ann.exits(0), bob.exits(0));
        let digits: String = bob
            .all("dtmf")
            .iter()
            .filter_map(|event| event["digit"].as_str())
            .collect();
        assert_eq!(digits, "0123456789*#ABCD11", "{codec}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_narrow_line_makes_the_sender_frugal_and_a_lossy_one_careful() {
    let server = TestServer::start();
    let url = server.url();
    let bob = TestPeer::answer(&url, "--stats 500ms --duration 60s");
    let words = "--mic tone:440 --impair rate=24k --stats 250ms --duration 60s";
    let mut ann = TestPeer::call(&url, words);
    let frugal = |event: &Value| {
        let rate = object(event, "outbound-rtp");
        rate.is_some_and(|sent| {
            sent["targetBitrate"].as_f64() < Some(18_000.0) && sent["ptime"] == 60
        })
    };
    let reported = |event: &Value| {
        object(event, "remote-inbound-rtp").is_some_and(|there| there["roundTripTime"].is_f64())
    };
    ann.wait_for("a lower rate in longer frames", frugal).await;
    ann.wait_for("what the other side sees", reported).await;
    ann.hang_up();
    let (ann, bob) = tokio::join!(ann.exits(130), bob.exits(0));
    // Each side also tells what the other one says.
    let there = latest(&ann, "remote-inbound-rtp").expect("a report of the other side");
    assert!(
        there["fractionLost"].is_f64() && there["packetsLost"].is_u64(),
        "{there}"
    );
    assert_eq!(
        latest(&ann, "outbound-rtp").expect("our stream")["remoteId"],
        there["id"]
    );
    let here = latest(&bob, "remote-outbound-rtp").expect("a report of the sender");
    assert!(here["packetsSent"].as_u64() > Some(0), "{here}");

    let bob = TestPeer::answer(&url, "--duration 60s");
    let words = "--mic tone:440 --impair loss=15% --stats 250ms --duration 60s";
    let mut ann = TestPeer::call(&url, words);
    let careful = |event: &Value| {
        let sent = object(event, "outbound-rtp");
        sent.is_some_and(|sent| sent["expectedLoss"].as_f64() >= Some(0.08))
    };
    ann.wait_for("more redundancy", careful).await;
    let lossy = |event: &Value| {
        object(event, "remote-inbound-rtp").is_some_and(|there| there["packetsLost"] != 0)
    };
    ann.wait_for("losses that the other side sees", lossy).await;
    ann.hang_up();
    tokio::join!(ann.exits(130), bob.exits(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silence_is_left_out_where_that_is_asked_for() {
    let server = TestServer::start();
    let url = server.url();
    let bob = TestPeer::answer(&url, "--stats 500ms --duration 60s");
    let words = "--mic silence --dtx --stats 500ms --duration 4s";
    let ann = TestPeer::call(&url, words);
    let (ann, bob) = tokio::join!(ann.exits(0), bob.exits(0));
    let sent = latest(&ann, "outbound-rtp").expect("our stream")["packetsSent"].as_u64();
    assert!(sent.is_some_and(|sent| (5..80).contains(&sent)), "{sent:?}");
    let lost = latest(&bob, "inbound-rtp").expect("their stream")["packetsLost"].as_i64();
    assert_eq!(lost, Some(0));
}
