//! What was typed behind `prove`.

use clap::Args;

/// Which proofs, and how much of them.
#[derive(Args, Default)]
pub(crate) struct Wanted {
    /// Which ones, or `all`
    #[arg(required_unless_present = "list")]
    pub(super) names: Vec<String>,
    /// Only say which ones there are
    #[arg(long)]
    pub(super) list: bool,
    /// Only try: few rounds, as in `test`, and README.md stays as it is
    #[arg(long)]
    pub(super) short: bool,
    /// How long those last that last ten minutes (`hostile`)
    #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) minutes: Option<u64>,
}

impl Wanted {
    /// All of them, as every test run can afford them.
    pub(crate) fn all_in_short() -> Self {
        Self {
            names: vec!["all".to_owned()],
            short: true,
            ..Self::default()
        }
    }
}
