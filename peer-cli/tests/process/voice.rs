//! Voice processing as scripts and people see it; what it does to sound is shown by its own tests and by `cargo xtask prove echo`.

use serde_json::{Value, json};

use super::peer::run;

/// The `processing` of what is sent, and the last `media-source` object of the statistics.
fn told(options: &[&str]) -> (Value, Value) {
    let common = ["loopback", "--json", "--stats", "200ms", "--duration", "2s"];
    let ended = run(&[&common[..], options].concat());
    assert_eq!(ended.code, 0, "{ended:#?}");
    let tracks = ended.all("track");
    let local = tracks.iter().find(|track| track["direction"] == "local");
    let processing = local.expect("a local track")["processing"].clone();
    let mut sources = ended.all("stats").into_iter().filter_map(|event| {
        let objects = event["stats"].as_array()?;
        objects
            .iter()
            .find(|o| o["type"] == "media-source")
            .cloned()
    });
    (processing, sources.next_back().expect("a media-source"))
}

#[test]
fn a_tone_is_sent_as_it_is() {
    let (processing, source) = told(&[]);
    assert_eq!(
        processing,
        json!({"echoCancellation": false, "noiseSuppression": false, "autoGainControl": false, "because": "no microphone"})
    );
    assert!(
        source["audioLevel"]
            .as_f64()
            .is_some_and(|level| level > 0.1),
        "{source}"
    );
    assert!(source.get("echoReturnLoss").is_none(), "{source}");
}

#[test]
fn what_was_asked_for_is_done_and_told() {
    let (processing, source) = told(&["--aec", "--ns", "--agc"]);
    assert_eq!(
        processing,
        json!({"echoCancellation": true, "noiseSuppression": true, "autoGainControl": true, "because": "as asked"})
    );
    assert!(source["echoReturnLoss"].is_number(), "{source}");
    assert!(source["echoReturnLossEnhancement"].is_number(), "{source}");
    assert_eq!(source["echoReferenceLost"], 0, "{source}");
}
