//! What `welcome` and `ice-servers` hand out.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tests::{Stranger, TestServer};

use super::client::{Transport, Turn, ice_servers, login};

#[tokio::test]
async fn welcome_has_a_stun_and_a_turn_server_with_credentials_for_half_a_day() {
    let server = TestServer::with_relay();
    let (mut alice, welcome) = Stranger::peer(&server.url(), "alice", "answer").await;
    let place = server.relay();
    let list = &welcome["iceServers"];
    assert_eq!(list[0], json!({"urls": [format!("stun:{place}")]}));
    let urls = [
        format!("turn:{place}"),
        format!("turn:{place}?transport=tcp"),
    ];
    assert_eq!(list[1]["urls"], json!(urls));
    let username = login(list).username;
    let (expiry, user) = username.split_once(':').expect("two parts");
    assert_eq!(user, welcome["id"]);
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock");
    let left = expiry.parse::<u64>().expect("a time") - now.as_secs();
    assert!((12 * 3600..48 * 3600).contains(&left), "{left}");

    alice.says(r#"{"event":"ice-servers"}"#).await;
    let again = alice.hears("ice-servers").await["data"]["iceServers"].clone();
    assert_eq!(again[1]["urls"], json!(urls));
    for list in [list, &again] {
        let mut turn = Turn::connect(place, Transport::Udp, login(list)).await;
        turn.allocate(false).await.expect("an allocation");
    }
}

#[tokio::test]
async fn without_a_relay_there_is_nothing_to_hand_out() {
    let server = TestServer::start();
    assert_eq!(
        ice_servers(&server.url(), "alice").await,
        Value::Array(Vec::new())
    );
}

#[tokio::test]
async fn credentials_of_one_server_are_worth_nothing_at_another() {
    let (one, other) = (TestServer::with_relay(), TestServer::with_relay());
    let login = login(&ice_servers(&one.url(), "alice").await);
    for transport in [Transport::Udp, Transport::Tcp] {
        let mut turn = Turn::connect(other.relay(), transport, login.clone()).await;
        assert_eq!(turn.allocate(false).await, Err(401));
    }
}
