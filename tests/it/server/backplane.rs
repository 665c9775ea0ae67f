//! Three servers on a real broker, each a process: for their clients they are one.

use lab::{Cluster, NatsServer};
use serde_json::{Value, json};
use tests::program;

use super::client::Client;

mod broker;
mod failing;
mod metrics;

/// The servers, once they have heard of each other. `None` where there is no broker to be had.
async fn three(test: &str, words: &[&str]) -> Option<Cluster> {
    let test = format!("server::backplane::{test}");
    if !NatsServer::may_start(&test) {
        return None;
    }
    let cluster = Cluster::start(&program("signaling"), 3, words).expect("three servers");
    for server in 0..3 {
        hears(&cluster, server, 2).await;
    }
    Some(cluster)
}

/// Until that server hears so many others.
async fn hears(cluster: &Cluster, server: usize, others: u32) {
    metrics::until(
        cluster,
        server,
        "signaling_backplane_servers",
        others.into(),
    )
    .await;
}

/// At that server, in the room `r`: a tutorial client, or the peer with that number and what its `welcome` says.
async fn join(cluster: &Cluster, server: usize, who: Option<u32>) -> (Client, Value) {
    Client::at(cluster.servers[server].addr, "?room=r", who).await
}

/// Until this peer knows of that one: by its `welcome`, or since.
async fn meets(client: &mut Client, welcome: &Value, id: &Value) {
    let peers = welcome["peers"].as_array().into_iter().flatten();
    if !peers.into_iter().any(|peer| peer["id"] == *id) {
        while client.event("joined").await["data"]["id"] != *id {}
    }
}

#[tokio::test]
async fn members_of_three_servers_are_one_room() {
    let Some(cluster) = three("members_of_three_servers_are_one_room", &[]).await else {
        return;
    };
    let (mut a, of_a) = join(&cluster, 0, Some(1)).await;
    let (mut b, of_b) = join(&cluster, 1, Some(2)).await;
    meets(&mut a, &of_a, &of_b["id"]).await;
    meets(&mut b, &of_b, &of_a["id"]).await;
    let (mut page, _) = join(&cluster, 2, None).await;
    let page_id = a.event("joined").await["data"]["id"].clone();
    meets(&mut b, &of_b, &page_id).await;
    let (mut c, of_c) = join(&cluster, 1, Some(3)).await;
    assert_eq!(of_c["peers"][0]["id"], of_a["id"], "oldest first");
    assert_eq!(of_c["peers"][1]["id"], of_b["id"]);
    assert_eq!(of_c["peers"][2]["id"], page_id);
    meets(&mut a, &of_a, &of_c["id"]).await;
    meets(&mut b, &of_b, &of_c["id"]).await;

    let exact = r#" {"event":"offer" , "from":"x", "data":"\u00fc"} "#;
    c.says(exact).await;
    assert_eq!(page.hears().await, exact, "byte for byte");
    let stamped = format!(
        r#"{{"from":{},"event":"offer","data":"\u00fc"}}"#,
        of_c["id"]
    );
    assert_eq!(a.hears().await, stamped);
    assert_eq!(b.hears().await, stamped);
    page.says(r#"{"event":"answer"}"#).await;
    for client in [&mut a, &mut b, &mut c] {
        assert_eq!(client.event("answer").await["from"], page_id);
    }

    let to = |id: &Value| json!({"event": "candidate", "to": id}).to_string();
    a.says(&to(&of_b["id"])).await;
    assert_eq!(b.event("candidate").await["from"], of_a["id"]);
    a.says(&to(&page_id)).await;
    assert_eq!(page.hears().await, to(&page_id));
    a.says(&to(&json!("nobody"))).await;
    assert_eq!(a.event("error").await["data"]["code"], "no-such-peer");
    c.says(&to(&of_a["id"])).await;
    assert_eq!(a.event("candidate").await["from"], of_c["id"]);

    drop(page);
    for client in [&mut a, &mut b, &mut c] {
        assert_eq!(client.event("left").await["data"]["id"], page_id);
    }
    nothing_lost(&cluster).await;
}

#[tokio::test]
async fn a_peer_comes_back_at_another_server() {
    let words = ["--max-room", "2"];
    let Some(cluster) = three("a_peer_comes_back_at_another_server", &words).await else {
        return;
    };
    let (mut a, of_a) = join(&cluster, 0, Some(1)).await;
    let (mut b, of_b) = join(&cluster, 1, Some(2)).await;
    meets(&mut a, &of_a, &of_b["id"]).await;
    meets(&mut b, &of_b, &of_a["id"]).await;
    let (mut third, _) = join(&cluster, 1, None).await;
    assert_eq!(third.closed().await.0, 4003, "two members are two anywhere");
    let (mut again, is) = join(&cluster, 1, Some(1)).await;
    assert_eq!(is["id"], of_a["id"], "though the room is full");
    assert_eq!(a.closed().await.0, 4000);
    assert_eq!(b.event("joined").await["data"]["id"], of_a["id"]);
    b.heard_nothing_before(&mut again).await;
    let (mut elsewhere, _) = Client::at(cluster.servers[2].addr, "?room=s", Some(1)).await;
    assert_eq!(again.closed().await.0, 4000);
    assert_eq!(b.event("left").await["data"]["id"], of_a["id"]);
    elsewhere.says(r#"{"event":"offer"}"#).await;
    nothing_lost(&cluster).await;
}

/// Every server counts what did not come.
async fn nothing_lost(cluster: &Cluster) {
    for server in 0..cluster.servers.len() {
        let addr = cluster.servers[server].addr;
        let lost = metrics::number(addr, "signaling_backplane_lost_total").await;
        assert!(lost < 0.5, "server {server} has lost {lost}");
    }
}
