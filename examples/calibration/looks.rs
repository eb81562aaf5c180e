//! Looking early, in docs/calibration.md.

use std::error::Error;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use pilot::report::{DotRow, Dots, dots};
use pilot::stats::{Estimand, Estimator};

use crate::Found;
use crate::cells::Family;
use crate::charts::{dot, panel, source};
use crate::document::{SIZES, estimand, of_family, percent, title};
use crate::judge;

/// The estimator that is looked at.
fn method(f: &Found<'_>) -> (Estimator, Estimand) {
    match f.cell.experiment.analysis.estimator.as_deref() {
        Some("negbin") => (Estimator::Negbin, Estimand::Ratio),
        _ => (Estimator::Lin, Estimand::Difference),
    }
}

/// Its rows of results.csv; a way of looking that nobody should take has no bounds.
pub fn csv(out: &mut String, f: &Found<'_>) -> std::fmt::Result {
    let (estimator, of) = method(f);
    for l in judge::looked(f.cell, &f.looks) {
        let inside = l.inside();
        let (warning, warned) = match inside {
            Some(false) => judge::warning(estimator, of, &f.warned),
            _ => ("", 0.0),
        };
        let bound =
            |of: fn((f64, f64)) -> f64| l.bounds.map_or(String::new(), |b| format!("{:.5}", of(b)));
        writeln!(
            out,
            "{},{},{},{estimator} {},{},{},{:.4},{:.5},{:.5},false,,{},{},false,{},{warning},{}",
            f.cell.id,
            f.cell.family.name(),
            f.cell.n,
            l.rule,
            estimand(of),
            l.error.replays,
            1.0 - l.without,
            l.error.value,
            l.error.mcse,
            bound(|b| b.0),
            bound(|b| b.1),
            inside.map_or(String::new(), |i| i.to_string()),
            if warning.is_empty() {
                String::new()
            } else {
                format!("{warned:.3}")
            }
        )?;
    }
    Ok(())
}

/// Its rows of the table of what is out of bounds.
pub fn outside(text: &mut String, f: &Found<'_>) -> std::fmt::Result {
    let (estimator, of) = method(f);
    for l in judge::looked(f.cell, &f.looks) {
        let (Some(false), Some((low, high))) = (l.inside(), l.bounds) else {
            continue;
        };
        let (id, warned) = judge::warning(estimator, of, &f.warned);
        writeln!(
            text,
            "| {} | `{estimator}` {} | {} ± {:.2} | {} – {} | `{id}` | {:.0} % |",
            f.cell.id,
            l.rule,
            percent(l.error.value),
            100.0 * l.error.mcse,
            percent(low),
            percent(high),
            100.0 * warned
        )?;
    }
    Ok(())
}

/// The section, and its chart.
pub fn section(
    text: &mut String,
    found: &[Found<'_>],
    folder: &Path,
) -> Result<(), Box<dyn Error>> {
    let looked: Vec<&Found<'_>> = SIZES
        .iter()
        .flat_map(|n| of_family(found, Family::Looks, *n))
        .collect();
    if looked.is_empty() {
        return Ok(());
    }
    for file in dots("looks-errors", &chart(found, &looked))? {
        fs::write(folder.join(&file.name), &file.bytes)?;
    }
    writeln!(
        text,
        "\n## {}\n\n![errors of looking](calibration/looks-errors.png)\n\n\
         Share of pilots, in %, that are stopped or end with a finding where nothing works; looks after a fifth, two, three, four \n\
         fifths of the window and at its end. *No boundary*: whoever stops at the first p of at most 5 % – which nobody should. \n\
         In brackets the share of the window after which pilots stop on average.\n",
        title(Family::Looks)
    )?;
    let rules: Vec<String> = judge::looked(looked[0].cell, &looked[0].looks)
        .iter()
        .map(|l| l.rule.to_string())
        .collect();
    writeln!(
        text,
        "| situation | customers an arm | {} |\n|---|---|{}",
        rules.join(" | "),
        "---|".repeat(rules.len())
    )?;
    for f in &looked {
        let cells = judge::looked(f.cell, &f.looks).into_iter().map(|l| {
            let error = match l.inside() {
                Some(false) => format!("**{}**", percent(l.error.value)),
                _ => percent(l.error.value),
            };
            let stopped = l
                .stopped_at
                .map_or(String::new(), |s| format!(" ({} %)", percent(s.value)));
            format!("{error} ± {:.2}{stopped}", 100.0 * l.error.mcse)
        });
        writeln!(
            text,
            "| {} | {} | {} |",
            f.cell.words,
            f.cell.n,
            cells.collect::<Vec<_>>().join(" | ")
        )?;
    }
    Ok(())
}

fn chart(found: &[Found<'_>], looked: &[&Found<'_>]) -> Dots {
    let replays = looked.iter().map(|f| f.replays()).min().unwrap_or(1);
    let mut series: Vec<String> = looked.iter().map(|f| f.cell.words.clone()).collect();
    series.sort_unstable();
    series.dedup();
    let rules: Vec<&str> = judge::looked(looked[0].cell, &looked[0].looks)
        .iter()
        .map(|l| l.rule)
        .collect();
    let of = |n: u64, rule: &str| {
        let cells = of_family(found, Family::Looks, n).into_iter();
        let dots = cells.filter_map(|f| {
            let all = judge::looked(f.cell, &f.looks);
            let one = all.iter().find(|l| l.rule == rule)?;
            let place = series.iter().position(|s| *s == f.cell.words)?;
            Some(dot(one.error, place))
        });
        dots.collect()
    };
    Dots {
        title: "Five looks: how often is an effect found that is not there?".into(),
        subtitle: "Share of pilots in which any of five looks finds an effect where nothing works; one dot a situation. \
                   Line: 5 % planned; dashes: near enough. Arrows: beyond the axis."
            .into(),
        source: source(replays),
        panels: SIZES
            .iter()
            .map(|n| panel(*n, replays, false, (0.0, 0.2)))
            .collect(),
        rows: rules
            .into_iter()
            .map(|rule| DotRow {
                name: rule.into(),
                note: String::new(),
                dots: SIZES.iter().map(|n| of(*n, rule)).collect(),
            })
            .collect(),
        series,
    }
}
