#![allow(clippy::unwrap_used)]

use std::future::poll_fn;

use super::*;
use crate::ServerOptions;

/// A client, and this server's end of it.
async fn pair() -> (TcpStream, Wire) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let threshold = Threshold::new(&ServerOptions::default(), Metrics::new());
    let mut door = Door::new((listener, None), threshold, TaskTracker::new());
    let place = door.local_addr().unwrap();
    let (client, (wire, _)) = tokio::join!(TcpStream::connect(place), door.accept());
    (client.unwrap(), wire)
}

fn tcp(wire: &Wire) -> &TcpStream {
    wire.stream.as_ref().and_then(Stream::tcp).unwrap()
}

#[tokio::test]
async fn the_kernel_keeps_little_for_who_does_not_read() {
    let (_client, wire) = pair().await;
    let size = SockRef::from(tcp(&wire)).send_buffer_size().unwrap();
    assert!((SEND_BUFFER..=2 * SEND_BUFFER).contains(&size), "{size}");
}

#[tokio::test]
async fn a_large_read_ends_the_turn_sooner() {
    /// Of the 128 steps of a turn.
    const USED: usize = 100;
    const BYTES: usize = 64 * STEP;
    let (mut client, mut wire) = pair().await;
    client.write_all(&[0; BYTES]).await.unwrap();
    let mut seen = [0; BYTES];
    while tcp(&wire).peek(&mut seen).await.unwrap() < BYTES {}
    // A turn from its first step.
    tokio::task::yield_now().await;
    poll_fn(|cx| {
        for _ in 0..USED {
            if let Poll::Ready(step) = poll_proceed(cx) {
                step.made_progress();
            }
        }
        let mut buf = ReadBuf::new(&mut seen);
        let read = Pin::new(&mut wire).poll_read(cx, &mut buf);
        assert!(matches!(read, Poll::Ready(Ok(()))));
        assert_eq!(buf.filled().len(), BYTES);
        assert!(poll_proceed(cx).is_pending(), "others have their turn");
        Poll::Ready(())
    })
    .await;
}
