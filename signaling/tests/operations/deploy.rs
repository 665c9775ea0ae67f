//! What lies in `deploy/`: each file is used as an operator would.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use shared::Secret;
use signaling::Auth;
use signaling::cli::{Arguments, Secrets};

use super::house::{Running, options, signaling, until, within};
use super::skipped;
use super::socket::{Socket, ask};

const PROGRAM: &str = env!("CARGO_BIN_EXE_signaling");

fn deployed(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("deploy")
        .join(name)
}

fn read(name: &str) -> String {
    fs::read_to_string(deployed(name)).unwrap()
}

/// The `# TYPE` lines of Prometheus's format, as the names of what can be asked for.
fn exported(metrics: &str) -> BTreeSet<String> {
    let types = metrics
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "));
    let names = types.map(|line| match line.split_once(' ').unwrap() {
        (name, "counter") => format!("{name}_total"),
        (name, "histogram") => format!("{name}_bucket"),
        (name, _) => name.to_owned(),
    });
    names.collect()
}

/// Every name of ours in the dashboard's questions.
fn asked_for(dashboard: &serde_json::Value) -> BTreeSet<String> {
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels
        .iter()
        .flat_map(|panel| panel["targets"].as_array().unwrap());
    let words = targets.flat_map(|target| {
        let question = target["expr"].as_str().unwrap();
        question.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
    });
    words
        .filter(|word| word.starts_with("signaling_"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_dashboard_shows_everything_that_is_exported_and_nothing_else() {
    let house = Running::start(&[]);
    let mut peer = Socket::peer(house.connect(), "a-secret-of-somebody");
    peer.says(r#"{"event":"bye","data":{"reason":"r","outcome":"direct","setup_ms":24.5}}"#);
    drop(peer);
    ask(house.connect(), "GET /socket");
    let metrics = || ask(house.connect(), "GET /metrics");
    // Whatever has labels is there once it was counted.
    let is_counted = || {
        let text = metrics();
        ["refused_total{", "closed_total{", "calls_total{"]
            .iter()
            .all(|name| text.contains(&format!("signaling_{name}")))
    };
    until("everything is counted", is_counted, metrics);
    let dashboard = serde_json::from_str(&read("dashboard.json")).unwrap();
    let (exported, shown) = (exported(&metrics()), asked_for(&dashboard));
    let missing: Vec<_> = exported.difference(&shown).collect();
    let unknown: Vec<_> = shown.difference(&exported).collect();
    assert!(
        missing.is_empty(),
        "deploy/dashboard.json has no panel for {missing:?}"
    );
    assert!(
        unknown.is_empty(),
        "deploy/dashboard.json asks for {unknown:?}, which nobody exports"
    );
    assert!(exported.len() > 9, "{exported:?}");
}

/// The sample with this in front of a key taken away; of two values of a key the last one counts.
fn sample_without(mark: &str) -> Arguments {
    let suggested = read("config.toml").replace(&format!("\n{mark}"), "\n");
    let is_key = |line: &&str| line.starts_with(|c: char| c.is_ascii_lowercase());
    // Prose loses its mark, too, and is no line of the file.
    let pairs = suggested.lines().filter(is_key);
    let pairs: BTreeMap<_, _> = pairs.filter_map(|line| line.split_once(" = ")).collect();
    let lines = pairs
        .iter()
        .map(|(key, value)| format!("{key} = {value}\n"));
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), lines.collect::<String>()).unwrap();
    let line = ["signaling", "--config", file.path().to_str().unwrap()];
    Arguments::read(line.map(OsString::from)).unwrap()
}

#[test]
fn the_sample_of_options_is_one() {
    let path = deployed("config.toml");
    let house = Running::start(&["--config", path.to_str().unwrap()]);
    house.signal("-TERM");
    let (code, said) = house.ends();
    assert_eq!(code, Some(0), "{said}");
    // And with everything that is only suggested.
    let arguments = sample_without("#");
    assert!(arguments.no_page);
    assert!(arguments.relay_options().unwrap().is_some());
    let why = arguments.server_options(Secrets::default()).unwrap_err();
    assert!(
        why.to_string().contains("/etc/signaling/token.pem"),
        "{why}"
    );
    // And the other ways.
    let other = sample_without("# ");
    let why = other.server_options(Secrets::default()).unwrap_err();
    assert!(why.to_string().contains("SIGNALING_TURN_SECRET"), "{why}");
    let turn = Some(Secret::new("shared with the relay"));
    let secrets = Secrets {
        turn,
        ..Secrets::default()
    };
    let options = other.server_options(secrets).unwrap();
    assert!(matches!(options.auth, Auth::Webhook(_)));
}

#[test]
fn the_sample_has_every_option_and_its_limits_are_the_defaults() {
    let sample = read("config.toml");
    let keys = sample
        .lines()
        .map(|line| line.trim_start_matches(['#', ' ']));
    let keys: BTreeSet<_> = keys
        .filter_map(|line| line.split_once(" = "))
        .map(|(key, _)| key)
        .collect();
    for option in options().iter().filter(|name| *name != "config") {
        assert!(
            keys.contains(option.as_str()),
            "deploy/config.toml has no {option}"
        );
    }
    let with_sample = [
        "signaling",
        "--config",
        deployed("config.toml").to_str().unwrap(),
    ]
    .map(OsString::from);
    let with_sample = Arguments::read(with_sample).unwrap();
    let limits = |arguments: Arguments| {
        let options = arguments.server_options(Secrets::default()).unwrap();
        (options.limits, options.http_timeout, options.hello_timeout)
    };
    let alone = Arguments::read(["signaling"].map(OsString::from)).unwrap();
    assert_eq!(limits(with_sample), limits(alone));
}

#[test]
fn systemd_understands_the_unit() {
    let test = "deploy::systemd_understands_the_unit";
    let unit = read("signaling.service");
    // It looks whether the program is there.
    let unit = unit.replace("/usr/local/bin/signaling", PROGRAM);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("signaling.service");
    fs::write(&path, unit).unwrap();
    let analyze = |arguments: &[&str]| {
        Command::new("systemd-analyze")
            .args(arguments)
            .arg(&path)
            .output()
    };
    let Ok(verified) = analyze(&["verify", "--man=no"]) else {
        return skipped(test, "needs systemd-analyze (systemd)");
    };
    let said = String::from_utf8_lossy(&verified.stderr);
    assert!(
        verified.status.success() && said.trim().is_empty(),
        "{said}"
    );
    // From 0, no rights at all, to 10, all of them: above 2 it says that too many are left.
    let secure = analyze(&["security", "--offline=true", "--threshold=20"]).unwrap();
    assert!(
        secure.status.success(),
        "{}",
        String::from_utf8_lossy(&secure.stdout)
    );
}

#[test]
fn the_container_builds_with_the_toolchain_of_the_workspace() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml");
    let workspace = fs::read_to_string(workspace).unwrap();
    let version = workspace
        .lines()
        .find_map(|line| line.strip_prefix("rust-version = "));
    let version = version.unwrap().trim_matches('"');
    let container = read("Containerfile");
    assert!(
        container.contains(&format!("/rust:{version}-slim")),
        "{version}"
    );
    let set = container
        .lines()
        .filter_map(|line| line.strip_prefix("ENV "));
    let set = set
        .flat_map(|line| line.split(' '))
        .filter_map(|pair| pair.split_once('='));
    // Its environment starts a server, on another port here.
    let mut command = signaling(&[]);
    command.envs(set).args(["--listen", "127.0.0.1:0"]);
    let house = Running::run(&mut command);
    house.says("\"message\":\"listening\"");
}

/// What a container is promised: nobody's rights, and nothing that could be written to.
#[test]
fn it_serves_as_nobody_on_a_file_system_that_cannot_be_written() {
    let test = "deploy::it_serves_as_nobody_on_a_file_system_that_cannot_be_written";
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = folder.path().join("signaling");
    fs::copy(PROGRAM, &program).unwrap();
    let enclosed = "mount --make-rprivate / && mount -o remount,bind,ro / && cd / && ! touch /x 2>/dev/null && exec \
                    setpriv --reuid 65532 --regid 65532 --clear-groups --inh-caps=-all --bounding-set=-all \
                    --no-new-privs \"$@\"";
    let wrap = |line: &[&str]| {
        let mut inside = within("unshare");
        inside
            .args(["--mount", "sh", "-c", enclosed, "sh"])
            .args(line);
        inside
    };
    match wrap(&["true"]).output() {
        Ok(output) if output.status.success() => {}
        _ => return skipped(test, "needs root, unshare and setpriv (util-linux)"),
    }
    let program = program.to_str().unwrap();
    let house = Running::run(&mut wrap(&[program, "--listen", "127.0.0.1:0"]));
    let status = fs::read_to_string(format!("/proc/{}/status", house.pid())).unwrap();
    let line = |name: &str| {
        status
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .unwrap()
            .trim()
    };
    assert!(line("Uid:").starts_with("65532"), "{status}");
    for none in ["CapEff:", "CapPrm:", "CapBnd:"] {
        assert_eq!(line(none), "0000000000000000", "{none}");
    }
    let answer = ask(house.connect(), "GET /readyz");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}
