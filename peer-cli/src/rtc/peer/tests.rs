//! Two connections in this process, over loopback: what a restart, a withdrawn one and crossing ones leave of them.
#![allow(clippy::unwrap_used)]

mod early;

use std::time::Duration;

use tokio::time::timeout;

use super::{Peer, PeerStreams, SoundPath};
use crate::net::Dialer;
use crate::proto::channels::Channels;
use crate::proto::packet::Codec;
use crate::proto::sdp;
use crate::proto::sending::Wanted;
use crate::rtc::{Channel, ChannelEvent, IceState, PeerEvent, PeerOptions, RelayPolicy, Sound};

/// Far more than anything takes.
const LIMIT: Duration = Duration::from_secs(20);

struct Side {
    peer: Peer,
    streams: PeerStreams,
    chat: Option<Channel>,
}

impl Side {
    async fn open() -> Self {
        Self::speaking(&Codec::ALL, Channels::Mono).await
    }

    async fn speaking(codecs: &[Codec], channels: Channels) -> Self {
        let options = PeerOptions {
            bind: vec![],
            loopback: true,
            loopback_only: true,
            stun: vec![],
            turn: vec![],
            relay: RelayPolicy::Never,
            dialer: Dialer::default(),
            impairment: None,
            sound: Sound::Both,
            codecs: codecs.to_vec(),
            channels,
            wanted: Wanted::default(),
        };
        let (path, _arriving) = SoundPath::new();
        let (peer, streams) = Peer::open(&options, &path).await.unwrap();
        let chat = None;
        Self {
            peer,
            streams,
            chat,
        }
    }

    /// Hands candidates to the other side until both have a working pair, which is told once a description.
    async fn meets(&mut self, other: &mut Self) {
        let (mut ours, mut theirs) = (false, false);
        while !(ours && theirs) {
            let (at_us, event) = tokio::select! {
                event = self.streams.events.recv() => (true, event),
                event = other.streams.events.recv() => (false, event),
                () = tokio::time::sleep(LIMIT) => panic!("no pair: {ours} {theirs}"),
            };
            match (at_us, event.unwrap()) {
                (true, PeerEvent::Candidate(found)) => {
                    other.peer.add_candidate(found).await.unwrap()
                }
                (false, PeerEvent::Candidate(found)) => {
                    self.peer.add_candidate(found).await.unwrap()
                }
                (true, PeerEvent::Ice(IceState::Connected)) => ours = true,
                (false, PeerEvent::Ice(IceState::Connected)) => theirs = true,
                (_, PeerEvent::DriverEnded) => panic!("the driver ended"),
                _ => {}
            }
        }
    }

    async fn opens(&mut self) {
        while self.chat.is_none() {
            let event = timeout(LIMIT, self.streams.channels.recv()).await.unwrap();
            if let Some(ChannelEvent::Opened(channel)) = event {
                self.chat = Some(channel);
            }
        }
    }

    async fn says(&self, text: &str) {
        self.chat.as_ref().unwrap().send_text(text).await.unwrap();
    }

    async fn hears(&mut self, text: &str) {
        let event = timeout(LIMIT, self.streams.channels.recv()).await.unwrap();
        assert!(
            matches!(&event, Some(ChannelEvent::Text(_, heard)) if heard == text),
            "{event:?}"
        );
    }
}

/// Two that are connected, with a channel that works; the first has offered.
async fn connected() -> (Side, Side) {
    let (mut a, mut b) = (Side::open().await, Side::open().await);
    a.peer.open_channel("chat", "").await.unwrap();
    let offer = a.peer.offer().await.unwrap();
    let answer = b.peer.answer(&offer).await.unwrap();
    a.peer.accept(&answer).await.unwrap();
    a.meets(&mut b).await;
    tokio::join!(a.opens(), b.opens());
    talk(&mut a, &mut b, "before").await;
    (a, b)
}

async fn talk(a: &mut Side, b: &mut Side, text: &str) {
    a.says(text).await;
    b.hears(text).await;
    b.says(text).await;
    a.hears(text).await;
}

/// The one restarts, and the channel goes on.
async fn restart(a: &mut Side, b: &mut Side) -> (String, String) {
    let offer = a.peer.offer_restart().await.unwrap();
    assert!(!offer.contains("a=candidate"), "of the sockets that go");
    let answer = b.peer.answer(&offer).await.unwrap();
    a.peer.accept_restart(&answer).await.unwrap();
    a.meets(b).await;
    talk(a, b, "after").await;
    (offer, answer)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn either_side_restarts_as_often_as_it_likes() {
    let (mut a, mut b) = connected().await;
    let (first, _) = restart(&mut a, &mut b).await;
    let (theirs, answer) = restart(&mut b, &mut a).await;
    let (second, _) = restart(&mut a, &mut b).await;
    assert_ne!(sdp::ufrag(&first), sdp::ufrag(&second));
    assert_eq!(sdp::identity(&first), sdp::identity(&second));
    assert_ne!(sdp::identity(&first), sdp::identity(&theirs));
    // Who was passive in the handshake stays so, whoever offers.
    assert_eq!(sdp::setup(&answer), Some("passive"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_offered_restart_changes_nothing_until_it_is_answered() {
    let (mut a, mut b) = connected().await;
    a.peer.offer_restart().await.unwrap();
    talk(&mut a, &mut b, "meanwhile").await;
    a.peer.forget_restart();
    assert!(a.peer.accept_restart("").await.is_err());
    talk(&mut a, &mut b, "still").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_makes_way_to_one_that_crosses_it() {
    let (mut a, mut b) = connected().await;
    a.peer.offer_restart().await.unwrap();
    a.peer.forget_restart();
    restart(&mut b, &mut a).await;
    restart(&mut a, &mut b).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_offer_can_be_taken_back() {
    let (mut a, mut b) = (Side::open().await, Side::open().await);
    for side in [&mut a, &mut b] {
        side.peer.open_channel("chat", "").await.unwrap();
    }
    let _crossed = a.peer.offer().await.unwrap();
    let offer = b.peer.offer().await.unwrap();
    a.peer.rollback().await.unwrap();
    let answer = a.peer.answer(&offer).await.unwrap();
    b.peer.accept(&answer).await.unwrap();
    a.meets(&mut b).await;
}

#[tokio::test]
async fn each_side_sends_in_the_best_codec_that_the_other_takes_and_digits_in_its_clock() {
    use Codec::{Opus, Pcma, Pcmu};
    let cases: [(&[Codec], &[Codec], Codec, Codec); 5] = [
        (&Codec::ALL, &Codec::ALL, Opus, Opus),
        (&Codec::ALL, &[Pcmu], Pcmu, Pcmu),
        (&[Pcma], &Codec::ALL, Pcma, Pcma),
        (&[Pcmu, Opus], &Codec::ALL, Pcmu, Opus),
        (&Codec::ALL, &[Pcma, Opus], Opus, Pcma),
    ];
    for (ours, theirs, we_send, they_send) in cases {
        let (mut a, mut b) = (
            Side::speaking(ours, Channels::Mono).await,
            Side::speaking(theirs, Channels::Stereo).await,
        );
        let offer = a.peer.offer().await.unwrap();
        let answer = b.peer.answer(&offer).await.unwrap();
        a.peer.accept(&answer).await.unwrap();
        assert_eq!(a.peer.sends_in(), Some(we_send), "{answer}");
        assert_eq!(b.peer.sends_in(), Some(they_send), "{offer}");
        for (side, codec) in [(&a, we_send), (&b, they_send)] {
            let (payload_type, clock_rate) = side.peer.formats.digits(codec).unwrap();
            assert_eq!(clock_rate, codec.clock_rate());
            let sender = side.peer.sending.sender.as_ref().unwrap();
            let parameters = sender.get_parameters().await.unwrap().rtp_parameters;
            let passes = |wanted: u8| parameters.codecs.iter().any(|c| c.payload_type == wanted);
            assert!(passes(payload_type) && passes(side.peer.formats.sent_as(codec).unwrap()));
        }
        a.peer.close().await;
        b.peer.close().await;
    }
}

#[tokio::test]
async fn two_channels_are_sent_where_both_sides_like_them_and_the_codec_has_them() {
    use Channels::{Mono, Stereo};
    let cases = [
        (&Codec::ALL[..], Stereo, Stereo, Stereo),
        (&Codec::ALL[..], Stereo, Mono, Mono),
        (&Codec::ALL[..], Mono, Stereo, Mono),
        (&[Codec::Pcmu][..], Stereo, Stereo, Mono),
    ];
    for (codecs, ours, theirs, expected) in cases {
        let mut a = Side::speaking(codecs, ours).await;
        let mut b = Side::speaking(&Codec::ALL, theirs).await;
        let offer = a.peer.offer().await.unwrap();
        let answer = b.peer.answer(&offer).await.unwrap();
        a.peer.accept(&answer).await.unwrap();
        for side in [&a, &b] {
            assert_eq!(side.peer.sends_channels(), expected, "{offer}{answer}");
        }
        a.peer.close().await;
        b.peer.close().await;
    }
}
