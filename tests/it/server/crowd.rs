//! Many clients, and one that does not read.

use signaling::Limits;
use tokio::io::{AsyncReadExt, Interest};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::client::Client;
use super::house::{House, LIMIT};
use super::http::{UPGRADE, upgraded};

#[tokio::test]
async fn two_hundred_sockets_in_one_room() {
    let house = House::usual().await;
    let mut clients = Vec::new();
    for n in 0..200 {
        let client = if n % 2 == 0 {
            Client::tutorial(&house, "?room=crowd").await
        } else {
            Client::peer(&house, "?room=crowd", n).await.0
        };
        clients.push(client);
    }
    let mut speaker = clients.pop().expect("the last one");
    let frame = r#"{"event":"offer","data":"to all"}"#;
    speaker.says(frame).await;
    let mut hearing = JoinSet::new();
    for mut client in clients {
        hearing.spawn(async move {
            loop {
                let text = client.hears().await;
                if text.contains("to all") {
                    return (client, text);
                }
            }
        });
    }
    let heard = hearing.join_all().await;
    assert_eq!(heard.len(), 199);
    let exact = heard.iter().filter(|(_, text)| text == frame).count();
    assert_eq!(
        exact, 100,
        "tutorial clients hear the bytes, the others a sender"
    );
}

/// Fills the room until the slow one is thrown out; everybody else hears everything meanwhile.
async fn overrun(house: &House) -> Result<(u16, String), Error> {
    let mut watcher = Client::peer(house, "", 1).await.0;
    let mut slow = Client::narrow(house, "").await;
    let slow_id = watcher.event("joined").await["data"]["id"].clone();
    let mut writer = Client::tutorial(house, "").await;
    watcher.event("joined").await;
    let body = "x".repeat(60_000);
    for n in 0.. {
        assert!(n < 2000, "120 MB waited for one client");
        writer
            .says(&format!(r#"{{"event":"flood","n":{n},"body":"{body}"}}"#))
            .await;
        let text = watcher.hears().await;
        if text.contains(r#""event":"left""#) {
            assert!(
                text.contains(slow_id.as_str().expect("an id")),
                "the wrong one left: {text}"
            );
            assert!(
                watcher.hears().await.contains(&format!(r#""n":{n},"#)),
                "one order for all"
            );
            break;
        }
        assert!(
            text.contains(&format!(r#""n":{n},"#)),
            "nothing is lost for the others"
        );
    }
    loop {
        match slow.next().await? {
            Message::Close(Some(frame)) => {
                return Ok((frame.code.into(), frame.reason.to_string()));
            }
            Message::Close(None) => panic!("closed without a code"),
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_slow_reader_is_told_and_slows_nobody() {
    let house = small_queues().await;
    for _ in 0..5 {
        // The code is tried for one second: on a busy machine this client may come too late for it.
        if let Ok(closed) = overrun(&house).await {
            assert_eq!(closed, (4008, "too slow".to_owned()));
            return;
        }
    }
    panic!("never heard why it was closed");
}

/// Where whoever does not read is soon put out, and nobody speaks too much.
async fn small_queues() -> House {
    let limits = Limits {
        max_queue: 256 * 1024,
        max_rate: 0,
        max_bytes: 0,
        ..Limits::default()
    };
    House::limited(limits).await
}

/// Speaks until the watcher hears that somebody has been put out.
async fn floods(writer: &mut Client, watcher: &mut Client) {
    let frame = format!(r#"{{"event":"flood","body":"{}"}}"#, "x".repeat(60_000));
    loop {
        writer.says(&frame).await;
        if watcher.hears().await.contains("left") {
            return;
        }
    }
}

#[tokio::test]
async fn a_reader_that_never_reads_is_reset() {
    let house = small_queues().await;
    let (mut watcher, _) = Client::peer(&house, "", 1).await;
    let mut stuck = Client::narrow(&house, "").await;
    watcher.event("joined").await;
    let mut writer = Client::tutorial(&house, "").await;
    watcher.event("joined").await;
    floods(&mut writer, &mut watcher).await;
    stuck.until_reset().await;
    watcher.event("flood").await;
    watcher.heard_nothing_before(&mut writer).await;
}

/// It has had its chance to hear why: nothing is kept for it any more, not even by the kernel.
#[tokio::test]
async fn a_slow_reader_that_stays_is_reset_in_the_end() {
    let house = small_queues().await;
    let (mut watcher, _) = Client::peer(&house, "", 1).await;
    let mut slow = upgraded(&house, UPGRADE).await;
    watcher.event("joined").await;
    let mut writer = Client::tutorial(&house, "").await;
    watcher.event("joined").await;
    floods(&mut writer, &mut watcher).await;
    // It reads on, so that the server gets rid of its close frame, and never answers that.
    let reset = async {
        let mut waste = [0; 4096];
        loop {
            match slow.read(&mut waste).await {
                Ok(0) => break,
                Ok(_) => {}
                Err(_) => return,
            }
        }
        let ready = slow.ready(Interest::ERROR).await;
        ready.expect("a watched socket");
    };
    timeout(LIMIT, reset).await.expect("a reset");
}
