//! Servers and brokers that die, and come back.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::super::client::Client;
use super::{hears, join, meets, metrics, three};

/// The promise: a server that is gone is missed within so long.
const MISSED: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_server_that_is_killed_is_missed_and_another_takes_its_place() {
    let test = "a_server_that_is_killed_is_missed_and_another_takes_its_place";
    let Some(mut cluster) = three(test, &[]).await else {
        return;
    };
    let (mut a, of_a) = join(&cluster, 0, Some(1)).await;
    let (mut b, of_b) = join(&cluster, 1, Some(2)).await;
    meets(&mut a, &of_a, &of_b["id"]).await;
    let (victim, of_victim) = join(&cluster, 2, Some(3)).await;
    let (_page, _) = join(&cluster, 2, None).await;
    for (client, welcome) in [(&mut a, &of_a), (&mut b, &of_b)] {
        meets(client, welcome, &of_victim["id"]).await;
    }
    a.event("joined").await;
    cluster.replace(2).expect("it was running");
    let killed = Instant::now();
    // One of its clients comes back elsewhere before it is missed: nobody hears that it had left.
    drop(victim);
    let (mut back, _) = join(&cluster, 0, Some(3)).await;
    assert_eq!(a.event("joined").await["data"]["id"], of_victim["id"]);
    let left = a.event("left").await;
    assert_ne!(left["data"]["id"], of_victim["id"], "that is the page");
    assert!(killed.elapsed() < MISSED, "after {:?}", killed.elapsed());
    loop {
        let event: Value = serde_json::from_str(&b.hears().await).expect("JSON");
        if event["event"] == "left" {
            assert_eq!(event["data"]["id"], left["data"]["id"]);
            break;
        }
    }
    hears(&cluster, 0, 2).await;
    hears(&cluster, 2, 2).await;
    let (mut new, of_new) = join(&cluster, 2, Some(4)).await;
    meets(&mut new, &of_new, &of_a["id"]).await;
    a.event("joined").await;
    back.says(r#"{"event":"offer"}"#).await;
    assert_eq!(a.event("offer").await["from"], of_victim["id"]);
    while new.hears().await != format!(r#"{{"from":{},"event":"offer"}}"#, of_victim["id"]) {}
}

#[tokio::test]
async fn a_server_that_stops_is_missed_at_once() {
    let Some(mut cluster) = three("a_server_that_stops_is_missed_at_once", &[]).await else {
        return;
    };
    let (mut a, of_a) = join(&cluster, 0, Some(1)).await;
    let (mut b, of_b) = join(&cluster, 1, Some(2)).await;
    meets(&mut a, &of_a, &of_b["id"]).await;
    let stopped = Instant::now();
    cluster.servers[1].process.interrupt().expect("it runs");
    assert_eq!(b.closed().await.0, 1001);
    assert_eq!(a.event("left").await["data"]["id"], of_b["id"]);
    // It is not what one hears after a silence.
    assert!(
        stopped.elapsed() < Duration::from_secs(5),
        "{:?}",
        stopped.elapsed()
    );
    let limit = Duration::from_secs(20);
    cluster.servers[1].process.succeed(limit).expect("exit 0");
}

/// Numbers its messages.
async fn says(client: &mut Client, n: usize) {
    client
        .says(&json!({"event": "count", "n": n}).to_string())
        .await;
}

#[tokio::test]
async fn a_broker_that_is_killed_and_comes_back_costs_what_is_counted() {
    let test = "a_broker_that_is_killed_and_comes_back_costs_what_is_counted";
    let Some(mut cluster) = three(test, &[]).await else {
        return;
    };
    let (mut a, of_a) = join(&cluster, 0, Some(1)).await;
    let (mut near, of_near) = join(&cluster, 0, Some(2)).await;
    let (mut b, of_b) = join(&cluster, 1, Some(3)).await;
    for id in [&of_near["id"], &of_b["id"]] {
        meets(&mut a, &of_a, id).await;
    }
    meets(&mut near, &of_near, &of_b["id"]).await;
    for id in [&of_a["id"], &of_near["id"]] {
        meets(&mut b, &of_b, id).await;
    }
    let addr = cluster.servers[0].addr;
    assert!(metrics::get(addr, "/readyz").await.ends_with("\r\nok"));
    cluster.broker.kill().expect("it runs");
    metrics::until(&cluster, 0, "signaling_backplane_up", 0.0).await;
    let ready = metrics::get(addr, "/readyz").await;
    assert!(
        ready.starts_with("HTTP/1.1 200 ") && ready.contains("degraded"),
        "{ready}"
    );
    // Here all goes on, and new members come.
    for n in 0..100 {
        says(&mut a, n).await;
        assert_eq!(near.event("count").await["n"], n);
    }
    let (late, of_late) = join(&cluster, 0, Some(4)).await;
    assert_eq!(a.event("joined").await["data"]["id"], of_late["id"]);
    near.event("joined").await;
    let cut = Instant::now();
    assert_eq!(a.event("left").await["data"]["id"], of_b["id"]);
    assert!(cut.elapsed() < MISSED, "after {:?}", cut.elapsed());
    near.event("left").await;
    b.event_among("left").await;
    b.event_among("left").await;
    cluster.broker.restart().expect("on its port");
    for server in 0..3 {
        hears(&cluster, server, 2).await;
    }
    assert_eq!(a.event("joined").await["data"]["id"], of_b["id"]);
    near.event("joined").await;
    let mut again = Vec::new();
    for _ in 0..3 {
        again.push(b.event_among("joined").await["data"]["id"].clone());
    }
    for welcome in [&of_a, &of_near, &of_late] {
        assert!(again.contains(&welcome["id"]), "re-announced");
    }
    for n in 100..200 {
        says(&mut a, n).await;
        assert_eq!(b.event("count").await["n"], n);
        assert_eq!(near.event("count").await["n"], n);
    }
    drop(late);
    assert_eq!(b.event("left").await["data"]["id"], of_late["id"]);
}

/// Its connections stand, and say nothing: that is noticed by asking it.
#[tokio::test]
async fn a_broker_that_falls_silent_is_missed_and_found_again() {
    let test = "a_broker_that_falls_silent_is_missed_and_found_again";
    let Some(cluster) = three(test, &[]).await else {
        return;
    };
    let (mut a, of_a) = join(&cluster, 0, Some(1)).await;
    let (mut b, of_b) = join(&cluster, 1, Some(2)).await;
    meets(&mut a, &of_a, &of_b["id"]).await;
    meets(&mut b, &of_b, &of_a["id"]).await;
    cluster.broker.pause().expect("it runs");
    assert_eq!(a.event("left").await["data"]["id"], of_b["id"]);
    metrics::until(&cluster, 0, "signaling_backplane_up", 0.0).await;
    cluster.broker.resume().expect("it runs");
    for server in 0..3 {
        hears(&cluster, server, 2).await;
    }
    assert_eq!(a.event("joined").await["data"]["id"], of_b["id"]);
    says(&mut a, 1).await;
    assert_eq!(b.event_among("count").await["n"], 1);
}

#[tokio::test]
async fn a_broker_that_restarts_costs_at_most_what_was_on_its_way() {
    let test = "a_broker_that_restarts_costs_at_most_what_was_on_its_way";
    let Some(mut cluster) = three(test, &["--max-rate", "0"]).await else {
        return;
    };
    let (mut a, of_a) = join(&cluster, 0, Some(1)).await;
    let (mut b, of_b) = join(&cluster, 1, Some(2)).await;
    meets(&mut a, &of_a, &of_b["id"]).await;
    meets(&mut b, &of_b, &of_a["id"]).await;
    let there = cluster.servers[1].addr;
    let mut sent = 0..;
    let mut last = 0;
    for again in [false, true] {
        for n in sent.by_ref().take(200) {
            says(&mut a, n).await;
            last = n;
        }
        if !again {
            cluster.broker.kill().expect("it runs");
        }
    }
    cluster.broker.restart().expect("on its port");
    for server in 0..2 {
        metrics::until(&cluster, server, "signaling_backplane_up", 1.0).await;
    }
    // Whatever was lost before this one is known to be, once it has come.
    says(&mut a, last + 1).await;
    let (mut heard, mut next) = (0, 0);
    while next <= last + 1 {
        let event: Value = serde_json::from_str(&b.hears().await).expect("JSON");
        assert_eq!(event["event"], "count", "nobody has left");
        let n = usize::try_from(event["n"].as_u64().expect("a number")).expect("a small one");
        assert!(n >= next, "{n} comes after {next}");
        (heard, next) = (heard + 1, n + 1);
    }
    let lost = last + 2 - heard;
    let counted = metrics::number(there, "signaling_backplane_lost_total").await;
    assert!(
        lost as f64 <= counted,
        "{lost} are lost, but {counted} are counted"
    );
}
