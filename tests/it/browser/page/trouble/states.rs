//! What a page shows, one state after the other.

use tests::LIMIT;

use super::super::Ours;

/// Writes down all states from now on.
pub(super) const WATCH: &str = "void (window.states = [], new MutationObserver(() => {
    const {state} = document.body.dataset;
    if (state !== window.states.at(-1)) window.states.push(state);
}).observe(document.body, {attributeFilter: ['data-state']}))";

/// The states since the last look.
pub(super) fn states(page: &Ours) -> Vec<String> {
    let states = page.page.run("window.states.splice(0)", LIMIT).unwrap();
    serde_json::from_value(states).unwrap()
}
