#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn words_are_read_and_written_back() {
    let sources = "default|silence|stdin|off|tone:20|tone:20000|#3|USB Microphone|hw:0,0|file:a/b.wav|file:x,loop|file:,loop.mp3";
    for word in sources.split('|') {
        assert_eq!(word.parse::<SourceSpec>().unwrap().to_string(), word);
    }
    for word in "default|null|stdout|off|#0|Built-in Audio|file:got.wav|file:a.b/c.OGG|file:x.opus"
        .split('|')
    {
        assert_eq!(word.parse::<SinkSpec>().unwrap().to_string(), word);
    }
    let looped = "file:music.flac,loop".parse::<SourceSpec>().unwrap();
    assert_eq!(
        looped,
        SourceSpec::File {
            path: "music.flac".into(),
            repeat: true
        }
    );
    assert!(!looped.ends() && !looped.is_device());
    assert!(
        SourceSpec::Stdin.ends()
            && SourceSpec::Default.is_device()
            && SinkSpec::Index(1).is_device()
    );
}

#[test]
fn errors_name_the_word_and_the_way_out() {
    let source = |word: &str| word.parse::<SourceSpec>().unwrap_err().to_string();
    for (word, hint) in [
        ("tone:19", "20 to 20000"),
        ("tone:20001", "20 to 20000"),
        ("tone:a4", "tone:440"),
        ("tone", "tone:HZ"),
        ("", "silence"),
        ("file:", "file:speech.wav"),
        ("file:,loop", "file:speech.wav"),
        ("#x", "#0"),
        ("#-1", "#0"),
        ("speech.wav", "file:speech.wav"),
        ("null", "silence"),
    ] {
        let error = source(word);
        assert!(
            error.contains(hint) && error.contains(&format!("{word:?}")),
            "{word}: {error}"
        );
    }
    let sink = |word: &str| word.parse::<SinkSpec>().unwrap_err().to_string();
    for (word, hint) in [
        ("file:got.mp3", ".wav, .ogg or .opus"),
        ("file:.wav", ".wav, .ogg"),
        ("file:got", ".wav, .ogg"),
        ("got.wav", "file:got.wav"),
        ("tone:440", "null"),
        ("silence", "null"),
        ("#", "#0"),
    ] {
        let error = sink(word);
        assert!(
            error.contains(hint) && error.contains(&format!("{word:?}")),
            "{word}: {error}"
        );
    }
}
