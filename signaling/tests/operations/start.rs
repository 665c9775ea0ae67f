//! Where it listens, and what is said when it cannot.

use super::house::{Running, signaling};

#[test]
fn a_wildcard_tells_every_url() {
    let running = Running::run(&mut signaling(&["--listen", "0.0.0.0:0"]));
    let port = running.addr.port();
    drop(running.connect());
    running.signal("-TERM");
    let (_, said) = running.ends();
    let first = format!("listening on ws://127.0.0.1:{port}/socket\n");
    assert!(said.contains(&first), "{said}");
    let page = format!("open http://127.0.0.1:{port}/ in a browser\n");
    assert!(said.contains(&page), "{said}");
}

#[test]
fn an_address_in_use_is_said_with_the_way_out() {
    let running = Running::start(&[]);
    let addr = running.addr.to_string();
    let more = ["--listen", "127.0.0.1:0", "--metrics", &addr];
    for arguments in [&["--listen", &addr][..], &more] {
        let output = signaling(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8(output.stderr).unwrap();
        let option = arguments[arguments.len() - 2];
        let expected = format!(
            "error: cannot listen on {option} {addr}: address in use \
             (is another server running? try another port, or port 0)\n"
        );
        assert!(said.ends_with(&expected), "{said}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn the_environment_counts_and_a_wrong_value_is_usage() {
    let output = signaling(&[])
        .env("SIGNALING_LISTEN", "nonsense")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("'nonsense'") && said.contains("--listen"),
        "{said}"
    );
}
