use super::*;

/// Of a browser, shortened.
const OFFER: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n\
    m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\r\na=rtpmap:111 opus/48000/2\r\n\
    a=fmtp:111 minptime=10;useinbandfec=1\r\na=rtpmap:63 red/48000/2\r\na=rtpmap:9 G722/8000\r\n\
    a=rtpmap:8 PCMA/8000\r\na=rtpmap:13 CN/8000\r\na=rtpmap:110 telephone-event/48000\r\n\
    a=rtpmap:126 telephone-event/8000\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 VP8/90000\r\n";

#[test]
fn what_a_browser_offers_is_understood() {
    let formats = audio_formats(OFFER);
    let types: Vec<u8> = formats.iter().map(|format| format.payload_type).collect();
    assert_eq!(types, [111, 0, 8, 110, 126]);
    assert_eq!(formats[0].parameters, "minptime=10;useinbandfec=1");
    assert_eq!(choose(&formats, &Codec::ALL), Some((Codec::Opus, 111)));
    assert_eq!(
        choose(&formats, &[Codec::Pcma, Codec::Opus]),
        Some((Codec::Pcma, 8))
    );
    assert_eq!(digits(&formats, 48_000), Some((110, 48_000)));
    assert_eq!(digits(&formats, 8_000), Some((126, 8_000)));
    assert_eq!(digits(&formats[..3], 8_000), None);
    assert_eq!(digits(&formats[4..], 48_000), Some((126, 8_000)));
}

#[test]
fn digits_are_replaced_wherever_the_audio_section_stands() {
    let last = OFFER.replace("m=video", "x=video");
    for sdp in [OFFER, &last] {
        let other = with_digits(sdp, &[(99, 8000), (98, 48_000)]);
        let types: Vec<_> = audio_formats(&other)
            .iter()
            .map(|format| (format.payload_type, format.clock_rate))
            .collect();
        let expected = [
            (111, 48_000),
            (0, 8000),
            (8, 8000),
            (99, 8000),
            (98, 48_000),
        ];
        assert_eq!(types, expected);
        assert!(other.contains("SAVPF 111 63 9 0 8 13 99 98\r\n") && !other.contains(":110"));
        let back = with_digits(&other, &[(110, 48_000), (126, 8000)]);
        assert_eq!(audio_formats(&back).len(), 5);
        assert_eq!(
            back.len(),
            with_digits(sdp, &[(110, 48_000), (126, 8000)]).len()
        );
    }
    let none = with_digits(OFFER, &[]);
    assert_eq!(audio_formats(&none).len(), 3);
    assert!(none.contains("m=video") && with_digits("v=0\r\n", &[(9, 8)]) == "v=0\r\n");
    // As the crate repeats a format that it knows by name alone.
    let twice = OFFER.replace(" 126", " 110");
    assert!(with_digits(&twice, &[(110, 48_000)]).contains("0 8 13 110\r\n"));
}

#[test]
fn a_payload_type_that_is_repeated_means_what_it_meant_first() {
    let hostile = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111 126 0 111 126 110 200 0 110 126\r\n\
        a=rtpmap:111 opus/48000/2\r\na=rtpmap:126 telephone-event/8000\r\na=rtpmap:110 telephone-event/48000\r\n\
        a=rtpmap:111 telephone-event/48000\r\na=rtpmap:126 PCMA/8000\r\na=rtpmap:200 telephone-event/8000\r\n\
        a=fmtp:126 0-15\r\na=fmtp:126 0-11\r\n";
    let formats = audio_formats(hostile);
    let digits = FormatKind::Digits;
    let known: Vec<_> = formats.iter().map(|f| (f.payload_type, f.kind)).collect();
    let expected = [
        (111, FormatKind::Sound(Codec::Opus)),
        (126, digits),
        (0, FormatKind::Sound(Codec::Pcmu)),
        (110, digits),
    ];
    assert_eq!(known, expected);
    assert_eq!(formats[1].parameters, "0-15");
    // An answer made with what such an offer calls digits, or with the number of something else.
    for theirs in [
        &[(126, 8000), (110, 48_000), (126, 8000), (126, 48_000)][..],
        &[(126, 8000), (111, 48_000), (0, 8000), (110, 48_000)],
    ] {
        let answer = with_digits(hostile, theirs);
        assert!(answer.contains("SAVPF 111 0 200 126 110\r\n"), "{answer}");
        for mapping in ["126 telephone-event/8000", "110 telephone-event/48000"] {
            assert_eq!(answer.matches(mapping).count(), 1, "{answer}");
        }
        assert_eq!(answer.matches("a=rtpmap:126 ").count(), 1, "{answer}");
        assert_eq!(answer.matches("a=fmtp:126 ").count(), 1, "{answer}");
        assert_eq!(with_digits(&answer, theirs), answer);
    }
}

#[test]
fn nothing_is_made_of_nonsense() {
    for sdp in [
        "",
        "m=audio",
        "m=audio 9 UDP/TLS/RTP/SAVPF",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111 999 x",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/0",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/16000/2",
        "m=audio 0 UDP/TLS/RTP/SAVPF 0",
        "m=audio 9 UDP/TLS/RTP/SAVPF 128\r\na=rtpmap:128 opus/48000/2",
    ] {
        assert_eq!(audio_formats(sdp), [], "{sdp}");
    }
}
