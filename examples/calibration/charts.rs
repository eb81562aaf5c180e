//! The charts of docs/calibration.md.

use pilot::report::{Dot, DotRow, Dots, Panel};

use crate::Found;
use crate::cells::{self, Cell, Family};
use crate::document::{Method, SIZES, methods, of_family, title};
use crate::judge::{self, ALPHA};

/// Half the length of an error bar, in Monte-Carlo standard errors.
const BARS: f64 = 2.0;

/// Which dots of a chart belong together: the mean, or the design.
fn series(family: Family) -> Vec<String> {
    let names: Vec<String> = match family {
        Family::Designs | Family::Clusters => cells::all()
            .iter()
            .filter(|c| c.family == family && c.n == SIZES[0])
            .map(|c| c.id.replace("-n50", "").replace('-', " "))
            .collect(),
        _ => ["mean 0.2", "mean 1", "mean 5"].map(String::from).into(),
    };
    names
}

fn series_of(cell: &Cell, names: &[String]) -> usize {
    let id = cell
        .id
        .replace(&format!("-n{}", cell.n), "")
        .replace('-', " ");
    let place = names
        .iter()
        .position(|name| match name.strip_prefix("mean ") {
            Some(mean) => {
                cell.words.contains(&format!("mean {mean},"))
                    || cell.words.contains(&format!("mean {mean} "))
            }
            None => *name == id,
        });
    place.unwrap_or(0)
}

/// Customers of `n` an arm, with the bounds of rates.
pub fn panel(n: u64, replays: u64, coverage: bool, ends: (f64, f64)) -> Panel {
    let off = if n >= 2000 {
        4.0 * judge::mcse(replays)
    } else {
        0.015
    };
    let right = if coverage { 1.0 - ALPHA } else { ALPHA };
    Panel {
        title: format!("{} customers an arm", pilot::number::count(n)),
        reference: Some(right),
        limits: Some((right - off, right + off)),
        ends,
    }
}

/// Error rates, or coverage, of a family's methods.
pub fn chart(found: &[Found<'_>], family: Family, coverage: bool) -> Dots {
    let names = series(family);
    // Some families have no smallest size.
    let sizes: Vec<u64> = SIZES
        .into_iter()
        .filter(|n| !of_family(found, family, *n).is_empty())
        .collect();
    let every: Vec<&Found<'_>> = sizes
        .iter()
        .flat_map(|n| of_family(found, family, *n))
        .collect();
    let replays = every.iter().map(|f| f.replays()).min().unwrap_or(1);
    let panel = |n: u64| {
        let ends = if coverage { (0.88, 1.0) } else { (0.0, 0.12) };
        panel(n, replays, coverage, ends)
    };
    let of = |n: u64, (estimator, estimand): Method| -> Vec<Dot> {
        of_family(found, family, n)
            .into_iter()
            .filter_map(|f| {
                let tally = f.tallies.get(estimator, estimand)?;
                let rate = if coverage {
                    tally.covered.rate()?
                } else {
                    tally.rejected.rate()?
                };
                Some(dot(rate, series_of(f.cell, &names)))
            })
            .collect()
    };
    let rows = methods(&every)
        .into_iter()
        .map(|method| DotRow {
            name: judge::name(method.0, method.1),
            note: String::new(),
            dots: sizes.iter().map(|n| of(*n, method)).collect(),
        })
        .filter(|row| row.dots.iter().any(|d| !d.is_empty()));
    let spread = match family {
        Family::NegativeBinomial | Family::WithoutBefore => "dispersion φ 0.1, 1 and 5",
        Family::ExtraZeros => "30 % of customers never contact",
        Family::Pareto => "tail indices 2.5 and 1.5",
        Family::Designs => "mean 1, φ 1",
        Family::Clusters | Family::Looks => "mean 1, φ 1, ICC .05",
    };
    Dots {
        title: if coverage {
            format!(
                "{}: how often does the interval hold the truth?",
                title(family)
            )
        } else {
            format!(
                "{}: how often does each method find an effect that is not there?",
                title(family)
            )
        },
        subtitle: format!(
            "{} {}; {spread}. Line: {} % planned; dashes: near enough. Arrows: beyond the axis.",
            if coverage {
                "Coverage of 95 % intervals without effect,"
            } else {
                "Share of tests with p at most 5 % where nothing works,"
            },
            "one dot a situation",
            if coverage { "95" } else { "5" },
        ),
        source: source(replays),
        panels: sizes.iter().map(|n| panel(*n)).collect(),
        rows: rows.collect(),
        series: names,
    }
}

/// Where a chart comes from.
pub fn source(replays: u64) -> String {
    format!(
        "pilot, docs/calibration.md · at least {replays} replays a situation · bars: ±{BARS} Monte-Carlo standard errors"
    )
}

/// A rate as a dot.
pub fn dot(rate: pilot::planning::simulate::Rate, series: usize) -> Dot {
    Dot {
        value: rate.value,
        half: BARS * rate.mcse,
        series,
    }
}
