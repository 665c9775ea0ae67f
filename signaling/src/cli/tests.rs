#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn no_argument_is_the_documented_default() {
    let arguments = Arguments::try_parse_from(["signaling"]).unwrap();
    assert_eq!(arguments.listen.to_string(), "127.0.0.1:8080");
    let options = arguments.server_options(Secrets::default()).unwrap();
    assert_eq!(options, ServerOptions::default());
    assert_eq!(arguments.relay_options().unwrap(), None);
}

#[test]
fn options_reach_the_server() {
    let line = "signaling --listen [::1]:0 --origin https://A/ --origin https://b:443 --max-room 3 --max-frame 1k \
                --max-rate 0 --max-queue 2M --no-page";
    let arguments = Arguments::try_parse_from(line.split_whitespace()).unwrap();
    let options = arguments.server_options(Secrets::default()).unwrap();
    assert_eq!(options.origins, ["https://a", "https://b"]);
    assert!(!options.page);
    let Limits {
        max_room,
        max_frame,
        max_rate,
        max_queue,
        ..
    } = options.limits;
    assert_eq!(
        (max_room, max_frame, max_rate, max_queue),
        (3, 1024, 0, 2 << 20)
    );
}

#[test]
fn wrong_values_are_named() {
    for (line, named) in [
        ("signaling --listen 8080", "'8080'"),
        (
            "signaling --listen localhost:8080",
            "not a name: write 127.0.0.1:8080 or [::]:8080",
        ),
        (
            "signaling --metrics localhost:9090",
            "write 127.0.0.1:8080 or [::]:8080",
        ),
        ("signaling --max-frame 64q", "64q"),
        ("signaling --max-rate fast", "fast"),
        ("signaling --max-room -1", "-1"),
        ("signaling --origin example.org", "'example.org'"),
        ("signaling --origin https://a,https://b/x", "'https://b/x'"),
        ("signaling --origin=", "''"),
        ("signaling --relay 3478", "3478"),
        ("signaling --relay-ip here", "here"),
        ("signaling --turn-url stun:a", "stun:a"),
        ("signaling --max-relay-rate 5G/s", "5G/s"),
    ] {
        let error = Arguments::try_parse_from(line.split(' ')).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains(named), "{error}");
    }
}

#[test]
fn short_help_fits_79_columns() {
    Arguments::command().debug_assert();
    let help = Arguments::command().render_help().to_string();
    assert!(help.lines().all(|l| l.chars().count() <= 79), "{help}");
    assert!(help.lines().count() <= 100, "{help}");
}

/// As the help promises.
#[test]
fn every_option_has_its_variable() {
    for arg in Arguments::command().get_arguments() {
        let name = arg.get_long().unwrap();
        let variable = format!("SIGNALING_{}", name.to_uppercase().replace('-', "_"));
        let expected = (name != "json").then_some(variable);
        let found = arg
            .get_env()
            .map(|name| name.to_string_lossy().into_owned());
        assert_eq!(found, expected);
    }
}
