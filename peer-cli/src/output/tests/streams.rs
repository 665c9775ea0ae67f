use std::sync::{Arc, Mutex};

use super::*;

#[test]
fn statistics_go_where_they_were_asked_for() {
    let stats = || {
        let pair =
            json!({ "type": "candidate-pair", "nominated": true, "currentRoundTripTime": 0.012 });
        vec![Event::Stats {
            peer: BOB.into(),
            stats: vec![pair],
        }]
    };
    assert_eq!(printed(verbose(0), stats()).1, "00:12  k7m2xq  rtt 12 ms\n");
    assert_eq!(
        printed(OutputOptions::default(), stats()),
        (String::new(), String::new())
    );
    assert_eq!(printed(json(), stats()).0, "");

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stats.jsonl");
    let mut output = Output::open(OutputOptions {
        stats_file: Some(path.clone()),
        ..json()
    })
    .unwrap();
    output
        .event(&Stamped::new(Duration::ZERO, stats().remove(0)))
        .unwrap();
    let line: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(
        (&line["event"], &line["stats"][0]["type"]),
        (&json!("stats"), &json!("candidate-pair"))
    );

    let path = folder.path().join("no/such/folder");
    let failure = Output::open(OutputOptions {
        stats_file: Some(path),
        ..json()
    })
    .err()
    .unwrap();
    assert_eq!(failure.exit, Exit::File);
    assert!(
        failure.reason.starts_with("cannot write ") && failure.reason.contains("no/such/folder")
    );
}

/// Fails every write in one way and counts them.
struct Broken(io::ErrorKind, Arc<Mutex<u32>>);

impl Write for Broken {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        *self.1.lock().unwrap() += 1;
        Err(self.0.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_closed_stdout_is_a_clean_end_said_once_and_a_full_one_an_error() {
    for (kind, exit) in [
        (io::ErrorKind::BrokenPipe, Exit::Done),
        (io::ErrorKind::StorageFull, Exit::File),
    ] {
        let count = Arc::new(Mutex::new(0));
        let mut stderr = Vec::new();
        let mut output = Output::new(json(), Broken(kind, count.clone()), &mut stderr);
        let hello = Stamped::new(Duration::ZERO, hello());
        assert_eq!(output.event(&hello).unwrap_err().failure().exit, exit);
        output.event(&hello).unwrap();
        output
            .event(&Stamped::new(
                Duration::ZERO,
                Event::Exit {
                    code: 1,
                    reason: "odd".into(),
                },
            ))
            .unwrap();
        drop(output);
        assert_eq!(*count.lock().unwrap(), 1);
        assert_eq!(stderr, b"error: odd\n", "{kind:?}");
    }
}
