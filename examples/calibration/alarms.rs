//! How often a warning comes where its method is right, and where it is not.

use std::fmt::Write;

use pilot::stats::{Estimand, Estimator};

use crate::Found;
use crate::judge;

/// A warning and the method that it is about.
const ABOUT: [(&str, Estimator, Estimand); 4] = [
    ("skewed-counts", Estimator::Bootstrap, Estimand::Difference),
    ("negbin-misfit", Estimator::Negbin, Estimand::Ratio),
    ("heavy-tail", Estimator::Bootstrap, Estimand::Difference),
    ("ratio-skewed", Estimator::Poisson, Estimand::Ratio),
];
/// Customers an arm, from, up to and in words.
const SIZES: [(u64, &str); 3] = [(50, "50"), (200, "200"), (2000, "2,000")];

/// The table of false alarms.
pub fn section(text: &mut String, found: &[Found<'_>]) -> std::fmt::Result {
    writeln!(
        text,
        "\n## How often warnings come\n\n\
         Share of pilots, in %, in which the warning comes: in the situations in which its method is within bounds (alarms without \n\
         need: median, and the most), and in those in which it is not (the least, and median).\n\n\
         | warning | about | customers an arm | situations within | median – most | situations outside | least – median |\n\
         |---|---|---|---|---|---|---|"
    )?;
    for (id, estimator, estimand) in ABOUT {
        for (n, customers) in SIZES {
            let (within, outside) = shares(found, id, (estimator, estimand), n);
            if within.is_empty() && outside.is_empty() {
                continue;
            }
            let median = |v: &[f64]| v.get(v.len() / 2).copied();
            let shown = |a: Option<f64>, b: Option<f64>| match (a, b) {
                (Some(a), Some(b)) => format!("{:.0} – {:.0}", 100.0 * a, 100.0 * b),
                _ => "–".into(),
            };
            writeln!(
                text,
                "| `{id}` | `{}` | {customers} | {} | {} | {} | {} |",
                judge::name(estimator, estimand),
                within.len(),
                shown(median(&within), within.last().copied()),
                outside.len(),
                shown(outside.first().copied(), median(&outside)),
            )?;
        }
    }
    Ok(())
}

/// Ascending shares of the pilots that warn, by situation: where the method is within bounds, and outside.
fn shares(
    found: &[Found<'_>],
    id: &str,
    method: (Estimator, Estimand),
    n: u64,
) -> (Vec<f64>, Vec<f64>) {
    let (mut within, mut outside) = (Vec::new(), Vec::new());
    for f in found.iter().filter(|f| f.cell.n == n) {
        let results = judge::results(f.cell, &f.tallies);
        let own = results
            .iter()
            .find(|r| (r.tally.estimator, r.tally.estimand) == method);
        let share = f.warned.get(id).copied().unwrap_or(0.0);
        match own.map(|r| r.inside()) {
            Some(true) => within.push(share),
            Some(false) => outside.push(share),
            None => {}
        }
    }
    within.sort_by(f64::total_cmp);
    outside.sort_by(f64::total_cmp);
    (within, outside)
}
