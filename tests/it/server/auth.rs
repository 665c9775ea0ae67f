//! Who may come in: tokens, and what they fix.

use std::time::Duration;

use shared::{Name, Role, Room, Secret};
use signaling::{Auth, Grant, ServerOptions, TokenKeys};
use tests::{TestPeer, TestServer};

use super::client::{Client, hello};
use super::house::House;

const SECRET: &str = "a secret of thirty-two bytes or more";
const HOUR: Duration = Duration::from_secs(3600);

fn keys() -> TokenKeys {
    TokenKeys::new(Some(Secret::new(SECRET)), None).expect("a key")
}

fn options() -> ServerOptions {
    ServerOptions {
        auth: Auth::Token(keys()),
        ..TestServer::options()
    }
}

fn token(room: Option<&str>, name: Option<&str>, role: Option<Role>) -> String {
    let grant = Grant {
        room: room.map(|room| Room::new(room).expect("a room")),
        name: name.map(|name| Name::new(name).expect("a name")),
        role,
    };
    keys().sign(&grant, HOUR).expect("a token")
}

fn with(token: &str) -> String {
    format!("?token={token}")
}

#[tokio::test]
async fn nobody_comes_in_without_one_whatever_they_speak() {
    let house = House::open(options()).await;
    let other = TokenKeys::new(Some(Secret::new("x".repeat(32))), None).expect("a key");
    let forged = other.sign(&Grant::default(), HOUR).expect("a token");
    let strange = "the token was not made for this server";
    let missing = "this server asks for a token";
    for (query, why) in [
        (String::new(), missing),
        ("?token=".to_owned(), missing),
        (with(&forged), strange),
    ] {
        for speaks in [false, true] {
            let mut client = Client::open(&house, &query, speaks, None).await;
            assert_eq!(client.closed().await, (4401, why.to_owned()), "{query}");
        }
    }
    // They were never in: whoever has one meets nobody.
    let query = with(&token(None, None, None));
    let (_, welcome) = Client::peer(&house, &query, 1).await;
    assert_eq!(welcome["peers"], serde_json::json!([]));
}

#[tokio::test]
async fn room_and_name_are_those_of_the_token() {
    let house = House::open(options()).await;
    let query = with(&token(Some("kitchen"), Some("bob"), None));
    // It says that it is called n1, and names no room.
    let (mut bob, welcome) = Client::peer(&house, &query, 1).await;
    assert_eq!(welcome["room"], "kitchen");
    let anywhere = format!("{}&room=kitchen", with(&token(None, None, None)));
    let (_ann, welcome) = Client::peer(&house, &anywhere, 2).await;
    assert_eq!(welcome["peers"][0]["name"], "bob");
    assert_eq!(bob.event("joined").await["data"]["name"], "n2");
    // A client of the tutorial has a name, too, if its token gives it one.
    let _page = Client::tutorial(&house, &with(&token(Some("kitchen"), Some("page"), None))).await;
    let joined = bob.event("joined").await;
    assert_eq!(joined["data"]["name"], "page");
    let elsewhere = format!("{query}&room=attic");
    let mut client = Client::silent(&house, &elsewhere).await;
    let why = "the token is for room \"kitchen\"".to_owned();
    assert_eq!(client.closed().await, (4401, why));
}

#[tokio::test]
async fn a_role_is_kept_to() {
    let house = House::open(options()).await;
    let mut caller = Client::silent(&house, &with(&token(None, None, Some(Role::Call)))).await;
    caller.says(&hello(1)).await;
    let why = "this client may come in for \"call\", not for \"answer\"".to_owned();
    assert_eq!(caller.closed().await, (4401, why));
    for role in [Role::Answer, Role::Either] {
        Client::peer(&house, &with(&token(None, None, Some(role))), 2).await;
    }
}

/// By an option, and by the URL.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_terminals_with_tokens_have_a_call_and_one_without_is_told() {
    let server = TestServer::open(options(), None);
    let url = server.url();
    let bob = token(None, Some("bob"), Some(Role::Answer));
    let answer = TestPeer::answer(&url, &format!("--mic tone:440 --token {bob}"));
    let answer = answer.is_waiting().await;
    let stranger = TestPeer::call(&url, "").exits(3).await;
    assert!(
        stranger.reason.contains("asks for a token"),
        "{}",
        stranger.reason
    );
    let url = format!("{url}?token={}", token(None, None, Some(Role::Call)));
    let call = TestPeer::call(&url, "--to bob --expect tone=440").exits(0);
    tokio::join!(call, answer.exits(0));
}
