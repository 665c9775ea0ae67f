//! The end of the whole server.

use std::time::{Duration, Instant};

use super::client::{Client, hello};
use super::house::House;

/// The promise; the server aims at less.
const PROMISE: Duration = Duration::from_secs(1);

#[tokio::test]
async fn everybody_is_told_and_nobody_is_waited_for() {
    let house = House::usual().await;
    let (mut peer, _) = Client::peer(&house, "", 1).await;
    let mut waiting = Client::silent(&house, "").await;
    let mut page = Client::tutorial(&house, "").await;
    let stuck = Client::narrow(&house, "").await;
    for _ in 0..3 {
        peer.says(&format!(
            r#"{{"event":"offer","data":"{}"}}"#,
            "x".repeat(60_000)
        ))
        .await;
    }
    let half_open = tokio::net::TcpStream::connect(house.addr)
        .await
        .expect("connected");
    let start = Instant::now();
    house.stop();
    let told = async {
        for client in [&mut peer, &mut waiting, &mut page] {
            assert_eq!(
                client.closed().await,
                (1001, "server going away".to_owned())
            );
        }
    };
    tokio::join!(told, house.stopped());
    assert!(start.elapsed() < PROMISE, "took {:?}", start.elapsed());
    drop((stuck, half_open));
}

#[tokio::test]
async fn the_port_is_free_again_at_once() {
    let house = House::usual().await;
    let addr = house.addr;
    let (mut peer, before) = Client::peer(&house, "", 1).await;
    house.stop();
    assert_eq!(peer.closed().await.0, 1001);
    drop(peer);
    house.stopped().await;
    let house = House::at(addr).await;
    let mut again = Client::silent(&house, "").await;
    again.says(&hello(1)).await;
    assert_eq!(
        again.event("welcome").await["data"]["id"],
        before["id"],
        "nothing was remembered"
    );
}
