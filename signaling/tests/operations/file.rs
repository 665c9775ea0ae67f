//! `--config`: what stands in a file, what wins over it, and what is said of a wrong one.

use super::house::{Running, signaling};

#[test]
fn typed_environment_file_default_in_this_order() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    std::fs::write(
        path,
        "listen = \"127.0.0.1:0\"\nno-page = true\nlog = \"json\"\n",
    )
    .unwrap();
    let started = |names: &[(&str, &str)], typed: &[&str]| {
        let mut command = signaling(typed);
        command
            .envs(names.iter().copied())
            .env("SIGNALING_CONFIG", path);
        let house = Running::run(&mut command);
        house.says("listening");
        house.signal("-TERM");
        house.ends().1
    };
    let said = started(&[], &[]);
    assert!(
        said.starts_with('{') && !said.contains("in a browser"),
        "{said}"
    );
    let said = started(
        &[("SIGNALING_LOG", "text"), ("SIGNALING_NO_PAGE", "false")],
        &[],
    );
    assert!(
        said.starts_with("listening on ws://") && said.contains("in a browser"),
        "{said}"
    );
    let said = started(&[("SIGNALING_LOG", "json")], &["--log", "text"]);
    assert!(
        said.starts_with("listening on ws://") && !said.contains("in a browser"),
        "{said}"
    );
}

#[test]
fn a_wrong_line_is_a_mistake_of_configuration() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    std::fs::write(path, "# rooms\nmax-room = \"many\"\n").unwrap();
    let output = signaling(&["--config", path]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    let expected = format!("error: {path}:2: invalid value 'many' for '--max-room <N>': ");
    assert!(said.starts_with(&expected), "{said}");
}
