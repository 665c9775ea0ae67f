//! Who may come in, as a service of the operator's decides.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::{Value, json};
use shared::Secret;
use signaling::{Auth, ServerOptions, WebhookOptions};
use tests::{TestPeer, TestServer, until};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::client::{Client, hello};
use super::house::{House, LIMIT};
use super::http::{CLOSE, UPGRADE, ask, upgraded};
use super::metrics::becomes;

/// What came as `Authorization`, and the body.
type Question = (Option<String>, Value);

/// Answers what its test has put there, and remembers what it was asked.
#[derive(Clone)]
struct Service {
    addr: SocketAddr,
    answer: Arc<Mutex<(StatusCode, String)>>,
    asked: Arc<Mutex<Vec<Question>>>,
    /// While this stands nobody is answered.
    busy: Arc<Mutex<Option<CancellationToken>>>,
    /// Questions that wait for an answer now, and the most that ever did.
    waiting: Arc<Mutex<(usize, usize)>>,
}

async fn decide(
    State(service): State<Service>,
    headers: HeaderMap,
    body: String,
) -> (StatusCode, String) {
    let bearer = headers.get("authorization");
    let bearer = bearer.map(|value| value.to_str().expect("text").to_owned());
    let question = serde_json::from_str(&body).expect("JSON");
    service
        .asked
        .lock()
        .expect("no panic")
        .push((bearer, question));
    let busy = service.busy.lock().expect("no panic").clone();
    let count = |change: isize| {
        let mut waiting = service.waiting.lock().expect("no panic");
        waiting.0 = waiting.0.saturating_add_signed(change);
        waiting.1 = waiting.1.max(waiting.0);
    };
    if let Some(busy) = busy {
        count(1);
        busy.cancelled().await;
        count(-1);
    }
    service.answer.lock().expect("no panic").clone()
}

impl Service {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let service = Self {
            addr: listener.local_addr().expect("a bound address"),
            answer: Arc::new(Mutex::new((StatusCode::OK, String::new()))),
            asked: Arc::default(),
            busy: Arc::default(),
            waiting: Arc::default(),
        };
        let routes = Router::new()
            .route("/decide", post(decide))
            .with_state(service.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        service
    }

    fn says(&self, status: StatusCode, body: &str) {
        *self.answer.lock().expect("no panic") = (status, body.to_owned());
    }

    fn asked(&self) -> Vec<(Option<String>, Value)> {
        std::mem::take(&mut self.asked.lock().expect("no panic"))
    }

    fn options(&self) -> ServerOptions {
        let url = format!("http://{}/decide", self.addr);
        ServerOptions {
            auth: Auth::Webhook(
                WebhookOptions::new(&url, Some(Secret::new("who-asks"))).expect("a URL"),
            ),
            ..TestServer::options()
        }
    }

    async fn house(&self) -> House {
        House::open(self.options()).await
    }
}

#[tokio::test]
async fn it_is_told_who_asks_and_for_what() {
    let service = Service::open().await;
    let house = House::open(ServerOptions {
        trusted_proxies: vec!["127.0.0.1".parse().expect("an address")],
        ..service.options()
    })
    .await;
    let mut page = Client::open(
        &house,
        "?room=kitchen&token=abc",
        true,
        Some("https://a.example"),
    )
    .await;
    page.says(&hello(1)).await;
    page.event("welcome").await;
    let asked = service.asked();
    let question = json!({
        "room": "kitchen",
        "token": "abc",
        "address": "127.0.0.1",
        "origin": "https://a.example",
        "protocol": "peer.v1",
    });
    assert_eq!(asked, [(Some("Bearer who-asks".to_owned()), question)]);
    let proxied = format!("{UPGRADE}X-Forwarded-For: 192.0.2.1\r\nAuthorization: Bearer xyz\r\n");
    let _program = upgraded(&house, &proxied).await;
    until("it is asked", || {
        !service.asked.lock().expect("no panic").is_empty()
    })
    .await;
    let question = json!({
        "room": null, "token": "xyz", "address": "192.0.2.1", "origin": null, "protocol": null,
    });
    assert_eq!(service.asked()[0].1, question);
}

#[tokio::test]
async fn it_is_not_asked_about_what_is_no_token() {
    let service = Service::open().await;
    let house = service.house().await;
    let mut client = Client::tutorial(&house, &format!("?token={}", "x".repeat(5000))).await;
    assert_eq!(client.closed().await.0, 4401);
    assert_eq!(service.asked(), []);
}

#[tokio::test]
async fn its_answer_fixes_room_name_and_role_and_adds_ice_servers() {
    let service = Service::open().await;
    let house = service.house().await;
    let turn = json!({"urls": ["turn:relay.example"], "username": "u", "credential": "p"});
    let answer = json!({"room": "kitchen", "name": "bob", "role": "answer", "iceServers": [turn]});
    service.says(StatusCode::OK, &answer.to_string());
    let (mut bob, welcome) = Client::peer(&house, "?room=attic", 1).await;
    assert_eq!(welcome["room"], "kitchen");
    assert_eq!(welcome["iceServers"], json!([turn]));
    bob.says(r#"{"event":"ice-servers"}"#).await;
    let anew = bob.event("ice-servers").await;
    assert_eq!(anew["data"]["iceServers"], json!([turn]));
    let answer = json!({"name": "ann", "role": "call"});
    service.says(StatusCode::CREATED, &answer.to_string());
    let mut ann = Client::silent(&house, "?room=kitchen").await;
    ann.says(&hello(2).replace("\"answer\"", "\"call\"")).await;
    assert_eq!(
        ann.event("welcome").await["data"]["peers"][0]["name"],
        "bob"
    );
    assert_eq!(bob.event("joined").await["data"]["name"], "ann");
    let mut wrong = Client::silent(&house, "?room=kitchen").await;
    wrong.says(&hello(3)).await;
    assert_eq!(wrong.closed().await.0, 4401);
    service.says(StatusCode::NO_CONTENT, "");
    let (_, welcome) = Client::peer(&house, "?room=attic", 4).await;
    assert_eq!(welcome["room"], "attic");
}

#[tokio::test]
async fn it_refuses_in_its_own_words_and_what_is_no_answer_refuses_until_later() {
    let service = Service::open().await;
    let house = service.house().await;
    let long = "x".repeat(200);
    for (status, body, code, reason) in [
        (403, "you are banned\nuntil May", 4401, "you are banned"),
        (401, "", 4401, "this server does not let you in"),
        (404, &long, 4401, &long[..123]),
        (
            500,
            "secret inner workings",
            1013,
            "who decides about coming in answers with status 500",
        ),
        (
            429,
            "",
            1013,
            "who decides about coming in answers with status 429",
        ),
        (
            302,
            "",
            1013,
            "who decides about coming in answers with status 302",
        ),
        (
            200,
            "welcome!",
            1013,
            "who decides about coming in says nothing that this server understands",
        ),
        (
            200,
            &"{}".repeat(10_000),
            1013,
            "who decides about coming in says nothing that this server understands",
        ),
    ] {
        service.says(StatusCode::from_u16(status).expect("a status"), body);
        for speaks in [false, true] {
            let mut client = Client::open(&house, "", speaks, None).await;
            assert_eq!(client.closed().await, (code, reason.to_owned()), "{status}");
        }
    }
    let counted = [
        (
            "signaling_closed_total{code=\"4401\",reason=\"turned away by the auth service\"}",
            6.0,
        ),
        (
            "signaling_closed_total{code=\"1013\",reason=\"auth service does not decide\"}",
            10.0,
        ),
    ];
    becomes(&house, &counted).await;
}

#[tokio::test]
async fn who_is_not_answered_in_time_or_at_all_waits_in_vain() {
    let service = Service::open().await;
    let free = CancellationToken::new();
    *service.busy.lock().expect("no panic") = Some(free.clone());
    let mut options = service.options();
    if let Auth::Webhook(webhook) = &mut options.auth {
        webhook.patience = Duration::from_millis(300);
    }
    let house = House::open(options).await;
    for _ in 0..3 {
        let mut client = Client::tutorial(&house, "").await;
        let late = "who decides about coming in does not answer in time";
        assert_eq!(client.closed().await, (1013, late.to_owned()));
    }
    free.cancel();
    *service.busy.lock().expect("no panic") = None;
    let (_, welcome) = Client::peer(&house, "", 1).await;
    assert_eq!(welcome["peers"], json!([]), "nobody of them was ever in");
    // Nobody listens there.
    let nowhere = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/", nowhere.local_addr().expect("bound"));
    drop(nowhere);
    let house = House::open(ServerOptions {
        auth: Auth::Webhook(WebhookOptions::new(&url, None).expect("a URL")),
        ..ServerOptions::default()
    })
    .await;
    let mut client = Client::tutorial(&house, "").await;
    let nobody = "who decides about coming in cannot be reached";
    assert_eq!(client.closed().await, (1013, nobody.to_owned()));
}

#[tokio::test]
async fn it_is_not_asked_everything_at_once() {
    let service = Service::open().await;
    let free = CancellationToken::new();
    *service.busy.lock().expect("no panic") = Some(free.clone());
    let mut options = service.options();
    if let Auth::Webhook(webhook) = &mut options.auth {
        webhook.patience = LIMIT;
    }
    let house = House::open(options).await;
    let mut crowd = Vec::new();
    for _ in 0..100 {
        crowd.push(Client::tutorial(&house, "?room=crowd").await);
    }
    // One that leaves meanwhile changes nothing.
    drop(crowd.pop());
    until("64 questions wait", || {
        service.waiting.lock().expect("no panic").0 == 64
    })
    .await;
    free.cancel();
    let (mut last, mut first) = (crowd.pop().expect("many"), crowd.swap_remove(0));
    until("all are asked", || {
        service.asked.lock().expect("no panic").len() == 100
    })
    .await;
    assert_eq!(service.waiting.lock().expect("no panic").1, 64);
    // Said until the other is in its room, too.
    loop {
        last.says("x").await;
        if tokio::time::timeout(Duration::from_millis(100), first.hears())
            .await
            .is_ok()
        {
            break;
        }
    }
}

#[tokio::test]
async fn whoever_may_stay_for_a_while_is_told_when_it_is_over() {
    let service = Service::open().await;
    let house = service.house().await;
    service.says(StatusCode::OK, r#"{"expires":0.5}"#);
    let (mut guest, _) = Client::peer(&house, "", 1).await;
    service.says(StatusCode::OK, r#"{"expires":3600}"#);
    let (mut host, _) = Client::peer(&house, "", 2).await;
    guest.event("joined").await;
    let over = "the time is over for which it was let in".to_owned();
    assert_eq!(guest.closed().await, (4401, over));
    host.event("left").await;
    let name = "signaling_closed_total{code=\"4401\",reason=\"time over\"}";
    becomes(&house, &[(name, 1.0)]).await;
}

#[tokio::test]
async fn a_server_that_stops_waits_for_no_answer() {
    let service = Service::open().await;
    *service.busy.lock().expect("no panic") = Some(CancellationToken::new());
    let house = service.house().await;
    let mut client = Client::tutorial(&house, "").await;
    until("it is asked", || {
        !service.asked.lock().expect("no panic").is_empty()
    })
    .await;
    house.stop();
    assert_eq!(client.closed().await.0, 1001);
    house.stopped().await;
}

/// Two programs, and one that reads why it may not come in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_between_two_who_are_let_in_and_one_who_is_not() {
    let service = Service::open().await;
    let server = TestServer::open(service.options(), None);
    let url = server.url();
    let answer = TestPeer::answer(&url, "--mic tone:440").is_waiting().await;
    let call = TestPeer::call(&url, "--token any --expect tone=440").exits(0);
    tokio::join!(call, answer.exits(0));
    service.says(StatusCode::FORBIDDEN, "only for members");
    let stranger = TestPeer::call(&url, "").exits(3).await;
    assert!(
        stranger.reason.contains("only for members"),
        "{}",
        stranger.reason
    );
}

/// Whoever waits for the answer when the server begins to end is told so as all others are.
#[tokio::test]
async fn who_is_still_being_decided_about_when_the_server_drains() {
    let service = Service::open().await;
    let free = CancellationToken::new();
    *service.busy.lock().expect("no panic") = Some(free.clone());
    let options = ServerOptions {
        drain: 2 * LIMIT,
        ..service.options()
    };
    let (house, gently) = House::draining(options).await;
    let mut client = Client::tutorial(&house, "").await;
    until("it is asked", || {
        service.waiting.lock().expect("no panic").0 == 1
    })
    .await;
    gently.cancel();
    let ready = async || ask(&house, "GET /readyz", CLOSE).await;
    while !ready().await.starts_with("HTTP/1.1 503 ") {
        tokio::task::yield_now().await;
    }
    free.cancel();
    // Long before the drain is over.
    let told = tokio::time::timeout(LIMIT, client.closed()).await;
    let why = told.expect("a close code");
    assert_eq!(why, (1001, "server going away".to_owned()));
    house.stopped().await;
}
