//! What any page of a test does in a call, and what is asked of it.

use std::time::{Duration, Instant};

use lab::{Page, Presence};
use serde_json::json;
use tests::LIMIT;

/// Where a page plays what it hears.
const STREAM: &str = "document.querySelector('#remote').srcObject";
/// Of sound, until it is judged; and how much of it has to be the tone, in seconds.
const LISTEN: Duration = Duration::from_millis(2500);
pub(crate) const ENOUGH: f64 = 1.5;
/// From hanging up at one side to knowing of it at the other. It is milliseconds on an idle machine.
const NOTICED: Duration = Duration::from_secs(1);

/// Until our page is in this state; when it rings, until somebody may mean to answer, which is not in its first moment.
pub(crate) fn is_in(page: &Page, state: &str) {
    let script = format!("document.body.dataset.state === '{state}'");
    let early = "document.querySelector('#ring-who').closest('section:not([hidden])')?.querySelector('[aria-disabled=true]')";
    page.wait_until(&format!("{script} && !{early}"), LIMIT)
        .unwrap();
}

/// So many seconds of this tone does the page hear, of those it listens.
pub(crate) fn heard(page: &Page, hertz: u32) -> f64 {
    page.wait_until(STREAM, LIMIT).unwrap();
    let sound = page.hears(STREAM, LISTEN).unwrap();
    Presence::of(f64::from(hertz), &sound).total()
}

/// The page hears this tone.
pub(crate) fn hears(page: &Page, hertz: u32) {
    is_enough(heard(page, hertz));
}

/// So many seconds of a tone are one.
pub(crate) fn is_enough(seconds: f64) {
    assert!(seconds >= ENOUGH, "{seconds:.2} s of the tone");
}

/// Writes a message, as somebody does: who misses the field, since a message came just then and moved it, clicks once more.
pub(crate) fn says(page: &Page, text: &str) {
    let deadline = Instant::now() + LIMIT;
    while page.run("document.activeElement?.id", LIMIT).unwrap() != "text" {
        assert!(Instant::now() < deadline, "the field takes no focus");
        page.click("#text").unwrap();
    }
    page.write(text).unwrap();
    page.press("Enter").unwrap();
}

/// Waits until this stands in one of these elements.
pub(crate) fn reads(page: &Page, elements: &str, text: &str) {
    let lines = format!("[...document.querySelectorAll('{elements}')].map(one => one.textContent)");
    let script = format!("{lines}.includes({})", json!(text));
    page.wait_until(&script, LIMIT).unwrap();
}

/// One side hung up, and the other knew of it soon.
pub(crate) fn noticed(hung_up: Instant, knew: Instant) {
    let took = knew.saturating_duration_since(hung_up);
    assert!(took < NOTICED, "noticed after {took:?}");
}

/// Nothing went wrong in the page.
pub(crate) fn complains_of_nothing(page: &Page) {
    complains_only_of(page, None);
}

/// Nothing went wrong but what a line with these words tells, which is the browser's own and true.
pub(crate) fn complains_only_of(page: &Page, true_line: Option<&str>) {
    let mut complaints = page.complaints();
    complaints.retain(|line| true_line.is_none_or(|words| !line.contains(words)));
    assert!(complaints.is_empty(), "{complaints:#?}");
}

/// The page asked for nothing but what begins like this, and for something.
pub(crate) fn asks_only(page: &Page, known: &[&str]) {
    let requests = page.requests();
    let is_known = |url: &String| known.iter().any(|start| url.starts_with(start));
    let stray: Vec<_> = requests.iter().filter(|url| !is_known(url)).collect();
    assert!(stray.is_empty(), "{stray:?}");
    assert!(!requests.is_empty());
}
