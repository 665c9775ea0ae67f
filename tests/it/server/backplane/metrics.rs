//! What a server says of itself.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use lab::Cluster;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::server::house::LIMIT;

/// What stands at that path.
pub(super) async fn get(addr: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(addr).await.expect("the server listens");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n");
    stream
        .write_all(request.as_bytes())
        .await
        .expect("it reads");
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .await
        .expect("it answers");
    answer
}

pub(super) async fn page(addr: SocketAddr) -> String {
    get(addr, "/metrics").await
}

/// The sum of all lines of that name.
pub(super) async fn number(addr: SocketAddr, name: &str) -> f64 {
    let page = page(addr).await;
    let lines = page.lines().filter(|line| line.starts_with(name));
    let values = lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
    values.sum()
}

/// Until it is so.
pub(super) async fn until(cluster: &Cluster, server: usize, name: &str, value: f64) {
    let deadline = Instant::now() + LIMIT;
    loop {
        let now = number(cluster.servers[server].addr, name).await;
        if (now - value).abs() < 0.5 {
            return;
        }
        assert!(Instant::now() < deadline, "{name} is {now}, not {value}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
