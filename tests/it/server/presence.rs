//! `peer.v1`: names, presence, direct messages, and that nobody speaks for another.

use super::client::{Client, hello};
use super::house::House;

#[tokio::test]
async fn members_are_introduced_and_missed() {
    let house = House::usual().await;
    let (mut a, welcome) = Client::peer(&house, "?room=demo", 1).await;
    assert_eq!(welcome["room"], "demo");
    assert_eq!(welcome["peers"], serde_json::json!([]));
    assert_eq!(welcome["iceServers"], serde_json::json!([]));
    let id = welcome["id"].as_str().expect("an id");
    assert!(
        id.len() == 26
            && id
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    );

    let page = Client::open(&house, "?room=demo", false, Some("https://page.example")).await;
    let joined = a.event("joined").await;
    assert_eq!(joined["data"]["role"], serde_json::Value::Null);
    assert_eq!(joined["data"]["origin"], "https://page.example");

    let (b, welcome) = Client::peer(&house, "?room=demo", 2).await;
    assert_eq!(welcome["peers"][0]["name"], "n1", "oldest first");
    assert_eq!(welcome["peers"][1]["id"], joined["data"]["id"]);
    assert_eq!(a.event("joined").await["data"]["id"], welcome["id"]);

    drop(b);
    assert_eq!(a.event("left").await["data"]["id"], welcome["id"]);
    drop(page);
    assert_eq!(a.event("left").await["data"]["id"], joined["data"]["id"]);
}

#[tokio::test]
async fn the_server_sets_from_and_nobody_else_does() {
    let house = House::usual().await;
    let (mut a, _) = Client::peer(&house, "", 1).await;
    let (mut mallory, me) = Client::peer(&house, "", 2).await;
    a.event("joined").await;
    let id = me["id"].as_str().expect("an id");
    for (forged, rest) in [
        (
            r#"{"event":"welcome","data":{"id":"x"},"from":"x"}"#,
            r#""event":"welcome","data":{"id":"x"}"#,
        ),
        (
            r#"{"from":"x","event":"joined","from":"y","data":1}"#,
            r#""event":"joined","data":1"#,
        ),
        (
            r#"{"\u0066rom":"x","event":"left","fr\u006fm":null}"#,
            r#""event":"left""#,
        ),
        (r#"{"event":"error"}"#, r#""event":"error""#),
    ] {
        mallory.says(forged).await;
        assert_eq!(a.hears().await, format!(r#"{{"from":"{id}",{rest}}}"#));
    }
    let mut page = Client::tutorial(&house, "").await;
    let named = a.event("joined").await["data"]["id"].clone();
    page.says(r#"{"event":"offer","from":"x","data":{}}"#).await;
    assert_eq!(a.event("offer").await["from"], named);
}

#[tokio::test]
async fn to_is_for_one_and_an_absent_one_is_told() {
    let house = House::usual().await;
    let (mut a, of_a) = Client::peer(&house, "", 1).await;
    let (mut b, of_b) = Client::peer(&house, "", 2).await;
    let mut page = Client::tutorial(&house, "").await;
    a.event("joined").await;
    let page_id = a.event("joined").await["data"]["id"].clone();
    b.event("joined").await;

    a.says(&format!(r#"{{"event":"offer","to":{}}}"#, of_b["id"]))
        .await;
    assert_eq!(b.event("offer").await["from"], of_a["id"]);
    let exact = format!(r#"{{"event":"answer" , "to":{page_id}}}"#);
    a.says(&exact).await;
    assert_eq!(page.hears().await, exact, "a tutorial client may be named");
    a.says(r#"{"event":"offer","to":"nobody"}"#).await;
    let error = a.event("error").await;
    assert_eq!(error["data"]["code"], "no-such-peer");
    assert!(error.get("from").is_none());
    page.heard_nothing_before(&mut a).await;
}

#[tokio::test]
async fn the_server_keeps_what_is_for_it() {
    let house = House::usual().await;
    let (mut a, _) = Client::peer(&house, "", 1).await;
    let (mut b, _) = Client::peer(&house, "", 2).await;
    let mut page = Client::tutorial(&house, "").await;
    a.event("joined").await;
    a.event("joined").await;
    b.event("joined").await;
    a.says(r#"{"event":"bye","data":{"reason":"done"}}"#).await;
    a.says(&hello(3)).await;
    assert_eq!(a.event("error").await["data"]["code"], "bad-frame");
    a.says(r#"{"event":"ice-servers"}"#).await;
    assert_eq!(
        a.event("ice-servers").await["data"]["iceServers"],
        serde_json::json!([])
    );
    page.heard_nothing_before(&mut a).await;
    b.hears().await;
    b.heard_nothing_before(&mut a).await;
}

#[tokio::test]
async fn the_same_secret_is_the_same_peer_and_takes_over() {
    let house = House::usual().await;
    let (mut first, was) = Client::peer(&house, "", 1).await;
    let (mut other, _) = Client::peer(&house, "", 2).await;
    first.event("joined").await;
    let (mut second, is) = Client::peer(&house, "", 1).await;
    assert_eq!(is["id"], was["id"]);
    assert_eq!(first.closed().await.0, 4000);
    assert_eq!(other.event("joined").await["data"]["id"], was["id"]);
    other.heard_nothing_before(&mut second).await;

    let elsewhere = House::usual().await;
    let (_there, there) = Client::peer(&elsewhere, "", 1).await;
    assert_eq!(there["id"], was["id"], "any server gives the same id");
}
