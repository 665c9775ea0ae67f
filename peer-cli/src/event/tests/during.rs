use serde_json::json;

use super::*;

#[test]
fn track_and_audio() {
    let (peer, codec) = ("abc".to_string(), Some("opus".to_string()));
    golden(
        31,
        Event::Track {
            peer: peer.clone(),
            direction: Direction::Remote,
            kind: Kind::Audio,
            codec,
            channels: Some(2),
            clock_us: Some(7_000_001),
            processing: None,
        },
        r#"{"event":"track","t":0.031,"peer":"abc","direction":"remote","kind":"audio","codec":"opus","channels":2,"clock_us":7000001}"#,
    );
    golden(
        31,
        Event::Track {
            peer: peer.clone(),
            direction: Direction::Local,
            kind: Kind::Audio,
            codec: None,
            channels: None,
            clock_us: None,
            processing: None,
        },
        r#"{"event":"track","t":0.031,"peer":"abc","direction":"local","kind":"audio"}"#,
    );
    golden(
        31,
        Event::Track {
            peer: peer.clone(),
            direction: Direction::Local,
            kind: Kind::Audio,
            codec: None,
            channels: None,
            clock_us: None,
            processing: Some(Processing {
                echo_cancellation: true,
                noise_suppression: false,
                auto_gain_control: false,
                because: "as asked".into(),
            }),
        },
        concat!(
            r#"{"event":"track","t":0.031,"peer":"abc","direction":"local","kind":"audio","processing":"#,
            r#"{"echoCancellation":true,"noiseSuppression":false,"autoGainControl":false,"because":"as asked"}}"#
        ),
    );
    golden(
        271,
        Event::Audio {
            peer,
            after: Duration::from_micros(240_460),
        },
        r#"{"event":"audio","t":0.271,"peer":"abc","after_ms":240.5}"#,
    );
}

#[test]
fn message() {
    let (peer, label) = ("abc".to_string(), "chat".to_string());
    golden(
        40,
        Event::Message {
            peer: peer.clone(),
            label: label.clone(),
            content: Content::Text("hi \"you\"\n\u{1b}".into()),
        },
        r#"{"event":"message","t":0.04,"peer":"abc","label":"chat","text":"hi \"you\"\n\u001b"}"#,
    );
    golden(
        40,
        Event::Message {
            peer,
            label,
            content: Content::Binary(vec![0, 255, 7]),
        },
        r#"{"event":"message","t":0.04,"peer":"abc","label":"chat","base64":"AP8H"}"#,
    );
}

#[test]
fn stats() {
    let object = json!({ "type": "transport", "id": "T1", "timestamp": 1.5 });
    golden(
        1000,
        Event::Stats {
            peer: "abc".into(),
            stats: vec![object],
        },
        r#"{"event":"stats","t":1.0,"peer":"abc","stats":[{"id":"T1","timestamp":1.5,"type":"transport"}]}"#,
    );
}

#[test]
fn warning_and_reconnecting() {
    golden(
        5,
        Event::warning_with(
            "no-microphone",
            "no microphone: sending silence",
            "try --mic tone:440",
        ),
        r#"{"event":"warning","t":0.005,"code":"no-microphone","text":"no microphone: sending silence","hint":"try --mic tone:440"}"#,
    );
    golden(
        5,
        Event::warning("silent", "no sound"),
        r#"{"event":"warning","t":0.005,"code":"silent","text":"no sound"}"#,
    );
    golden(
        6,
        Event::Reconnecting {
            peer: "abc".into(),
            why: "no packets for 5s".into(),
            attempt: 1,
        },
        r#"{"event":"reconnecting","t":0.006,"peer":"abc","why":"no packets for 5s","attempt":1}"#,
    );
    golden(
        7,
        Event::Reconnected {
            peer: "abc".into(),
            path: Path::Direct,
            local: None,
            remote: None,
            after: Duration::from_micros(1_234_500),
        },
        r#"{"event":"reconnected","t":0.007,"peer":"abc","path":"direct","after_ms":1234.5}"#,
    );
}

#[test]
fn expect_and_exit() {
    golden(
        7,
        Event::Expect {
            check: "tone=440".into(),
            ok: false,
            got: "450 Hz".into(),
        },
        r#"{"event":"expect","t":0.007,"check":"tone=440","ok":false,"got":"450 Hz"}"#,
    );
    golden(
        8,
        Event::Exit {
            code: 130,
            reason: "interrupted".into(),
        },
        r#"{"event":"exit","t":0.008,"code":130,"reason":"interrupted"}"#,
    );
}

#[test]
fn ended() {
    let summary = Summary {
        duration: Duration::from_micros(42_123_456),
        path: Some(Path::Direct),
        rtt: Some(Duration::from_nanos(12_345_678)),
        loss: Some(0.001_04),
        jitter: Some(Duration::from_micros(1_500)),
        concealed: Some(0.0),
        setup_ms: Some(setup()),
    };
    golden(
        50,
        Event::Ended {
            peer: "abc".into(),
            by: EndedBy::Remote,
            reason: Some("hangup".into()),
            summary,
        },
        concat!(
            r#"{"event":"ended","t":0.05,"peer":"abc","by":"remote","reason":"hangup","summary":{"duration":42.123,"#,
            r#""path":"direct","rtt":0.012346,"loss":0.001,"jitter":0.0015,"concealed":0.0,"#,
            r#""setup_ms":{"signaling":3.2,"offer_answer":8.0,"ice":6.1,"dtls":5.9,"total":23.3}}}"#
        ),
    );
    golden(
        50,
        Event::Ended {
            peer: "abc".into(),
            by: EndedBy::Lost,
            reason: None,
            summary: Summary::default(),
        },
        r#"{"event":"ended","t":0.05,"peer":"abc","by":"lost","summary":{"duration":0.0}}"#,
    );
}

#[test]
fn device() {
    golden(
        9,
        Event::Device(Device {
            kind: DeviceKind::Input,
            index: 0,
            name: "USB".into(),
            default: true,
            rate: Some(48_000),
            channels: Some(1),
        }),
        r#"{"event":"device","t":0.009,"kind":"input","index":0,"name":"USB","default":true,"rate":48000,"channels":1}"#,
    );
}

#[test]
fn what_the_doctor_says() {
    let details = Details {
        mapped: Some("203.0.113.11:5000".into()),
        ..Details::default()
    };
    golden(
        12,
        Event::Check(Box::new(Finding {
            server: Some("stun:a:3478".into()),
            took: Some(Duration::from_micros(1_250)),
            details,
            ..Finding::new(Subject::Stun, Grade::Ok, "our address is …")
        })),
        concat!(
            r#"{"event":"check","t":0.012,"name":"stun","server":"stun:a:3478","ok":true,"grade":"ok","ms":1.3,"#,
            r#""mapped":"203.0.113.11:5000","text":"our address is …"}"#
        ),
    );
    golden(
        13,
        Event::Check(Box::new(Finding::new(Subject::Speaker, Grade::Fail, "x"))),
        r#"{"event":"check","t":0.013,"name":"speaker","ok":false,"grade":"fail","text":"x"}"#,
    );
    golden(
        14,
        Event::Verdict {
            ok: false,
            codes: vec!["udp-blocked"],
            text: "UDP is blocked here.".into(),
        },
        r#"{"event":"verdict","t":0.014,"ok":false,"codes":["udp-blocked"],"text":"UDP is blocked here."}"#,
    );
}
