//! A thousand frames that nobody should send.

use signaling::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use super::client::{Client, hello};
use super::house::{House, LIMIT};

/// A small generator with a fixed seed (SplitMix64): the same frames in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % sides as u64).expect("smaller than sides")
    }

    fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.roll(list.len())]
    }

    fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len)
            .map(|_| u8::try_from(self.roll(256)).expect("a byte"))
            .collect()
    }

    /// JSON of the right words and the wrong types, or text that only begins like JSON.
    fn frame(&mut self) -> String {
        let value = |dice: &mut Self| {
            dice.pick(&[
                "null",
                "7",
                "-1e400",
                "\"\"",
                "[]",
                "{}",
                "true",
                "\"\\ud800\"",
                "\"x\"",
                r#"{"id":1}"#,
                "[[[[[[[[",
                "\"\\u0000\"",
                r#"{"type":5,"sdp":[]}"#,
            ])
        };
        let mut text = String::from("{");
        for _ in 0..self.roll(6) {
            let key = self.pick(&[
                "event",
                "data",
                "from",
                "to",
                "session",
                "\\u0066rom",
                "\\ud800",
                "",
                "\\q",
            ]);
            let value = if self.roll(3) == 0 {
                let event = self.pick(&[
                    "hello",
                    "welcome",
                    "joined",
                    "left",
                    "bye",
                    "offer",
                    "ice-servers",
                    "error",
                ]);
                format!("\"{event}\"")
            } else {
                value(self).to_owned()
            };
            text.push_str(&format!("\"{key}\":{value},"));
        }
        if self.roll(4) > 0 {
            text.truncate(text.trim_end_matches(',').len());
            text.push('}');
        }
        text
    }
}

#[tokio::test]
async fn a_thousand_bad_frames_leave_a_working_server() {
    let house = House::limited(Limits {
        max_rate: 0,
        ..Limits::default()
    })
    .await;
    let mut dice = Dice(1);
    let (mut clients, mut sent, mut turned_out) = (Vec::new(), 0, 0);
    while sent < 1000 {
        if clients.len() < 6 {
            let who = u32::try_from(dice.roll(3)).expect("small");
            clients.push(match dice.roll(3) {
                0 => Client::tutorial(&house, "?room=noise").await,
                1 => Client::silent(&house, "?room=noise").await,
                _ => Client::peer(&house, "?room=noise", who).await.0,
            });
        }
        let n = dice.roll(clients.len());
        let message = match dice.roll(40) {
            0 => Message::binary(dice.bytes(20)),
            1 => Message::text("[".repeat(60_000)),
            2 => Message::text(hello(u32::try_from(dice.roll(3)).expect("small"))),
            3 => Message::Pong(dice.bytes(5).into()),
            _ => Message::text(dice.frame()),
        };
        let fatal = message.is_binary();
        sent += 1;
        let gone = clients[n].sends(message).await.is_err();
        if fatal {
            // Unless it had been closed before: for a bad hello, or replaced by its double.
            let code = clients.swap_remove(n).closed().await.0;
            assert!([1003, 1008, 4000].contains(&code), "{code}");
            turned_out += 1;
        } else if gone || clients[n].has_ended() {
            clients.swap_remove(n);
        }
    }
    assert!(turned_out > 0, "none of them was bad enough");
    good_clients_still_work(&house).await;
}

#[tokio::test]
async fn bytes_that_are_no_websocket_leave_a_working_server() {
    let house = House::usual().await;
    let mut dice = Dice(2);
    let upgrade = "GET /socket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                   Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    for n in 0..200 {
        let mut stream = TcpStream::connect(house.addr)
            .await
            .expect("the server listens");
        if n % 4 > 0 {
            stream.write_all(upgrade.as_bytes()).await.expect("written");
            let mut head = [0; 12];
            timeout(LIMIT, stream.read_exact(&mut head))
                .await
                .expect("in time")
                .expect("a head");
            assert_eq!(&head, b"HTTP/1.1 101");
        }
        let len = dice.roll(300);
        let garbage = dice.bytes(len);
        // It may have been turned out half way.
        let _ = stream.write_all(&garbage).await;
    }
    good_clients_still_work(&house).await;
}

async fn good_clients_still_work(house: &House) {
    let (mut a, of_a) = Client::peer(house, "?room=good", 101).await;
    let (mut b, _) = Client::peer(house, "?room=good", 102).await;
    a.event("joined").await;
    b.says(&format!(
        r#"{{"event":"offer","to":{},"data":{{}}}}"#,
        of_a["id"]
    ))
    .await;
    a.event("offer").await;
}
