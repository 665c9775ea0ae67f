//! The page, as a browser and as curl get it.

use signaling::ServerOptions;

use super::house::House;
use super::http::{CLOSE, ask};

const BROWSER: &str = "Connection: close\r\nAccept: text/html,application/xhtml+xml,*/*;q=0.8\r\n";

#[tokio::test]
async fn a_browser_gets_the_page_and_its_files() {
    let house = House::usual().await;
    for (path, kind, says) in [
        ("/", "text/html; charset=utf-8", "<!doctype html>"),
        ("/?room=demo", "text/html; charset=utf-8", "<!doctype html>"),
        (
            "/style.css",
            "text/css; charset=utf-8",
            "prefers-color-scheme",
        ),
        ("/main.js", "text/javascript; charset=utf-8", "import {"),
        ("/favicon.svg", "image/svg+xml", "<svg"),
    ] {
        let answer = ask(&house, &format!("GET {path}"), BROWSER).await;
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        assert!(head.starts_with("HTTP/1.1 200 "), "{path}: {head}");
        assert!(head.contains(&format!("content-type: {kind}")), "{head}");
        assert!(body.contains(says), "{path}: {body}");
        let socket = format!("connect-src 'self' ws://{0} wss://{0};", house.addr);
        for strict in [
            "content-security-policy: default-src 'none'; script-src 'self';",
            &socket,
            "x-content-type-options: nosniff",
            "referrer-policy: no-referrer",
            "permissions-policy: microphone=(self)",
            "cache-control: no-cache",
            "etag: W/\"",
        ] {
            assert!(head.contains(strict), "{path} lacks {strict}: {head}");
        }
    }
}

#[tokio::test]
async fn its_head_can_be_asked_for_and_what_is_known_is_not_sent_again() {
    let house = House::usual().await;
    let head = ask(&house, "HEAD /main.js", CLOSE).await;
    assert!(
        head.starts_with("HTTP/1.1 200 ") && head.ends_with("\r\n\r\n"),
        "{head}"
    );
    assert!(head.contains("content-length: "), "{head}");
    let tag = head
        .lines()
        .find_map(|line| line.strip_prefix("etag: "))
        .expect("a tag");
    let known = format!("{CLOSE}If-None-Match: {tag}\r\n");
    let again = ask(&house, "GET /main.js", &known).await;
    assert!(
        again.starts_with("HTTP/1.1 304 ") && again.ends_with("\r\n\r\n"),
        "{again}"
    );
}

#[tokio::test]
async fn others_read_words_and_so_does_everybody_without_a_page() {
    let house = House::usual().await;
    let words = ask(&house, "GET /", CLOSE).await;
    assert!(
        words.contains(&format!("open http://{}/", house.addr)),
        "{words}"
    );
    assert!(words.contains("vary: Accept"), "{words}");
    let bare = House::open(ServerOptions {
        page: false,
        ..ServerOptions::default()
    })
    .await;
    let words = ask(&bare, "GET /", BROWSER).await;
    assert!(words.contains("peer-cli answer --server ws://"), "{words}");
    assert!(!words.contains("open http"), "{words}");
    let none = ask(&bare, "GET /main.js", BROWSER).await;
    assert!(none.starts_with("HTTP/1.1 404 "), "{none}");
}
