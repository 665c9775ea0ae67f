//! The broadcast core, as clients of the tutorials know it.

use super::client::Client;
use super::house::House;

#[tokio::test]
async fn every_frame_goes_to_the_others_byte_for_byte() {
    let house = House::usual().await;
    let mut a = Client::tutorial(&house, "").await;
    let mut b = Client::tutorial(&house, "").await;
    let mut c = Client::tutorial(&house, "?room=").await;
    let long = "é".repeat(32 * 1024);
    for frame in [
        r#" {"event" : "offer", "from":"x" } "#,
        "no json",
        "",
        "[1e999]",
        &long,
    ] {
        a.says(frame).await;
        assert_eq!(b.hears().await, frame);
        assert_eq!(c.hears().await, frame);
    }
    a.heard_nothing_before(&mut b).await;
}

#[tokio::test]
async fn rooms_do_not_hear_each_other() {
    let house = House::usual().await;
    let mut global = Client::tutorial(&house, "").await;
    let mut other_global = Client::tutorial(&house, "").await;
    let mut demo = Client::tutorial(&house, "?room=demo").await;
    let mut other_demo = Client::tutorial(&house, "?room=demo&later=1").await;
    demo.says("for demo").await;
    assert_eq!(other_demo.hears().await, "for demo");
    global.heard_nothing_before(&mut other_global).await;
    demo.heard_nothing_before(&mut other_demo).await;
}

#[tokio::test]
async fn frames_of_one_sender_stay_in_order() {
    let house = House::usual().await;
    let mut a = Client::tutorial(&house, "").await;
    let (mut b, _) = Client::peer(&house, "", 1).await;
    for n in 0..300 {
        a.says(&format!(r#"{{"event":"candidate","data":{n}}}"#))
            .await;
    }
    for n in 0..300 {
        assert_eq!(b.event("candidate").await["data"], n);
    }
}
