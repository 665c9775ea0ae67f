use clap::builder::StyledStr;

use super::*;

/// Every help page: command line and text.
fn pages() -> Vec<(String, StyledStr)> {
    ["", "call", "answer", "loopback", "devices"]
        .iter()
        .flat_map(|verb| [format!("{verb} -h"), format!("{verb} --help")])
        .map(|line| {
            let stop = parsed(&line).unwrap_err();
            assert_eq!(stop.exit(), Exit::Done, "{line}");
            (line, stop.error.render())
        })
        .collect()
}

#[test]
fn help_fits_79_columns_and_names_no_later_option() {
    for (line, page) in pages() {
        let page = page.to_string();
        for row in page.lines() {
            assert!(row.chars().count() <= 79, "{line}: {row}");
        }
        assert!(!page.contains("--backplane"), "{line}");
        if line.ends_with("--help") {
            assert!(
                page.contains("  130  interrupted") && page.contains("\n    8  an expectation"),
                "{line}"
            );
        }
    }
}

#[test]
fn groups_stand_in_the_order_of_the_contract_and_environment_names_in_the_help() {
    let page = parsed("call --help")
        .unwrap_err()
        .error
        .render()
        .to_string();
    let groups = [
        "Signaling:",
        "Sound:",
        "Messages:",
        "Network:",
        "Session:",
        "Checks:",
        "Output:",
    ];
    let places: Vec<usize> = groups
        .iter()
        .map(|group| page.find(&format!("\n{group}\n")).unwrap())
        .collect();
    assert!(places.is_sorted(), "{places:?}");

    // A name may stand after a line break.
    let page = page.split_whitespace().collect::<Vec<_>>().join(" ");
    let command = args::Arguments::command();
    let call = command.find_subcommand("call").unwrap();
    let names: Vec<&str> = call
        .get_arguments()
        .filter_map(|arg| arg.get_env()?.to_str())
        .collect();
    assert!(names.contains(&"PEER_SERVER"));
    for name in names {
        assert!(page.contains(&format!("[env: {name}]")), "{name}");
    }
}

#[test]
fn clap_finds_nothing_wrong_with_the_definitions() {
    args::Arguments::command().debug_assert();
}
