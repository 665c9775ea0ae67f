//! What nobody may read: not in the log at its most talkative, not among the events, not in what is counted.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use super::house::{Running, signaling};
use super::socket::{Socket, UPGRADE, ask};

/// Each is looked for everywhere.
const TOKEN_SECRET: &str = "token-secret-0123456789-0123456789";
const AUTH_SECRET: &str = "auth-secret-0123456789";
const TURN_SECRET: &str = "turn-secret-0123456789";
const AUTH_KEY: &str = "auth-key-0123456789";
const BROKER_PASSWORD: &str = "broker-password-0123456789";
const IDENTITY: &str = "identity-of-ann-0123456789";
const OTHER_IDENTITY: &str = "identity-of-bob-0123456789";
const ICE_PASSWORD: &str = "ice-password-0123456789abcdef";
const FINGERPRINT: &str = "FE:DC:BA:98:76:54:32:10";
const BROADCAST: &str = "broadcast-0123456789";
/// Of a relay that the service tells of.
const OTHER_CREDENTIAL: &str = "other-credential-0123456789";

/// A server with all that it can be given.
fn given_everything(arguments: &[&str], format: &str) -> Running {
    let mut command = signaling(&["--listen", "127.0.0.1:0", "--relay", "127.0.0.1:0"]);
    let broker = format!("nats://u:{BROKER_PASSWORD}@127.0.0.1:9/staging");
    command
        .args(arguments)
        .env("SIGNALING_TURN_URL", "turn:127.0.0.1:9")
        .env("SIGNALING_TURN_SECRET", TURN_SECRET)
        .env("SIGNALING_TOKEN_SECRET", TOKEN_SECRET)
        .env("SIGNALING_AUTH_SECRET", AUTH_SECRET)
        .env("SIGNALING_BACKPLANE", broker)
        .env("SIGNALING_LOG", format)
        .env("RUST_LOG", "trace");
    Running::run(&mut command)
}

/// Lets in whoever comes, until nobody asks any more.
fn service(listener: &TcpListener) {
    let body = format!(
        r#"{{"iceServers":[{{"urls":"turn:127.0.0.1:9","username":"u","credential":"{OTHER_CREDENTIAL}"}}]}}"#
    );
    let length = body.len();
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}");
    while let Ok((stream, _)) = listener.accept() {
        let answer = answer.clone();
        thread::spawn(move || while answered(&stream, &answer) {});
    }
}

/// One question, of which only the end is of interest.
fn answered(mut stream: &TcpStream, answer: &str) -> bool {
    let mut question = Vec::new();
    let mut piece = [0; 4096];
    while !question.ends_with(b"}") {
        match stream.read(&mut piece) {
            Ok(count @ 1..) => question.extend(&piece[..count]),
            _ => return false,
        }
    }
    let question = String::from_utf8_lossy(&question);
    for told in [AUTH_KEY, AUTH_SECRET, "\"token\":\""] {
        assert!(question.contains(told), "{question}");
    }
    stream.write_all(answer.as_bytes()).is_ok()
}

/// An offer and a broadcast from one client to another, by query and by header; then everything that was written, and what was
/// a secret on the way.
fn conversation(running: Running, tokens: [&str; 2]) -> (String, Vec<String>) {
    let by_query = UPGRADE.replace("/socket", &format!("/socket?token={}", tokens[0]));
    let bearer = format!("\r\nAuthorization: Bearer {}\r\n\r\n", tokens[1]);
    let by_header = UPGRADE.replace("\r\n\r\n", &bearer);
    let (mut ann, welcome) = Socket::welcomed(running.connect(), &by_query, IDENTITY);
    let (mut bob, _) = Socket::welcomed(running.connect(), &by_header, OTHER_IDENTITY);
    let sdp = format!(
        "v=0\\r\\na=ice-ufrag:abcd\\r\\na=ice-pwd:{ICE_PASSWORD}\\r\\na=fingerprint:sha-256 {FINGERPRINT}\\r\\n"
    );
    ann.says(&format!(
        r#"{{"event":"offer","data":{{"type":"offer","sdp":"{sdp}"}}}}"#
    ));
    bob.hears_of(ICE_PASSWORD);
    bob.says(&format!(r#"{{"event":"chat","data":"{BROADCAST}"}}"#));
    ann.hears_of(BROADCAST);
    let metrics = ask(running.connect(), "GET /metrics");
    assert!(metrics.contains("signaling_"), "{metrics}");
    drop((ann, bob));
    running.signal("-TERM");
    let (code, said, printed) = running.ends_with_all();
    assert_eq!(code, Some(0), "{said}");
    // It was as talkative as it can be.
    assert!(said.contains("TRACE"), "{said}");
    let mut secrets: Vec<_> = credentials(&welcome).collect();
    assert!(secrets.len() > 1, "{welcome}");
    secrets.extend(tokens.map(str::to_owned));
    (said + &printed + &metrics, secrets)
}

/// Those that a client is given for relays.
fn credentials(welcome: &str) -> impl Iterator<Item = String> {
    let parts = welcome.split(r#""credential":""#).skip(1);
    parts.map(|part| part.split('"').next().unwrap().to_owned())
}

/// Also not the claims or the signature of a token alone.
fn assert_hides(written: &str, secrets: &[String]) {
    let all = [
        TOKEN_SECRET,
        AUTH_SECRET,
        TURN_SECRET,
        AUTH_KEY,
        BROKER_PASSWORD,
        IDENTITY,
        OTHER_IDENTITY,
        ICE_PASSWORD,
        FINGERPRINT,
        BROADCAST,
        OTHER_CREDENTIAL,
    ];
    let all = all.into_iter().chain(secrets.iter().map(String::as_str));
    for part in all.flat_map(|secret| secret.split('.')) {
        let line = written.lines().find(|line| line.contains(part));
        assert_eq!(line, None, "{part} is not hidden");
    }
}

#[test]
fn nothing_secret_is_written_where_tokens_are_asked_for() {
    let token = |name| {
        let mut command = signaling(&["token", "--name", name]);
        let output = command.env("SIGNALING_TOKEN_SECRET", TOKEN_SECRET);
        let token = String::from_utf8(output.output().unwrap().stdout).unwrap();
        token.trim().to_owned()
    };
    let (ann, bob) = (token("ann"), token("bob"));
    for format in ["text", "json"] {
        let running = given_everything(&["--auth", "token"], format);
        let (written, secrets) = conversation(running, [&ann, &bob]);
        assert_hides(&written, &secrets);
    }
}

#[test]
fn nothing_secret_is_written_where_a_service_is_asked() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/?key={AUTH_KEY}", listener.local_addr().unwrap());
    thread::spawn(move || service(&listener));
    for format in ["text", "json"] {
        let running = given_everything(&["--auth", "webhook", "--auth-url", &url], format);
        let tokens = ["token-of-ann-0123456789", "token-of-bob-0123456789"];
        let (written, secrets) = conversation(running, tokens);
        assert!(secrets.iter().any(|secret| secret == OTHER_CREDENTIAL));
        assert_hides(&written, &secrets);
    }
}
