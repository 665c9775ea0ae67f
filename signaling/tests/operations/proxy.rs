//! A reverse proxy in front that nobody has named.

use super::house::Running;
use super::socket::ask;

#[test]
fn one_on_this_machine_that_is_not_trusted_is_told_of_once() {
    let house = Running::start(&[]);
    let passed_on = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n";
    for _ in 0..3 {
        assert!(ask(house.connect(), passed_on).contains("200 OK"));
    }
    let advice = "--trust-proxy 127.0.0.1";
    house.says(advice);
    house.signal("-TERM");
    let (_, said) = house.ends();
    assert_eq!(said.matches(advice).count(), 1, "{said}");
    let house = Running::start(&["--trust-proxy", "127.0.0.1"]);
    ask(house.connect(), passed_on);
    house.signal("-TERM");
    let (_, said) = house.ends();
    assert!(!said.contains(advice), "{said}");
}
