//! docs/calibration.md, its charts and its table.

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use pilot::planning::simulate::Rate;
use pilot::report::dots;
use pilot::stats::{Estimand, Estimator};

use crate::cells::Family;
use crate::charts::chart;
use crate::{Found, alarms, judge, looks};

/// An estimator and what it estimates.
pub type Method = (Estimator, Estimand);

/// Customers an arm.
pub const SIZES: [u64; 3] = [50, 200, 2000];

/// Writes everything under `docs`.
pub fn write(found: &[Found<'_>], docs: &Path) -> Result<(), Box<dyn Error>> {
    let folder = docs.join("calibration");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("results.csv"), csv(found)?)?;
    let mut text = String::from(include_str!("head.md"));
    headline(&mut text, found)?;
    replicates(&mut text, found)?;
    for family in Family::ALL.into_iter().filter(|f| *f != Family::Looks) {
        if SIZES
            .iter()
            .all(|n| of_family(found, family, *n).is_empty())
        {
            continue;
        }
        section(&mut text, found, family)?;
        for (what, chart) in [
            ("errors", chart(found, family, false)),
            ("coverage", chart(found, family, true)),
        ] {
            for file in dots(&format!("{}-{what}", family.name()), &chart)? {
                fs::write(folder.join(&file.name), &file.bytes)?;
            }
        }
    }
    families(&mut text, found)?;
    looks::section(&mut text, found, &folder)?;
    outside(&mut text, found)?;
    alarms::section(&mut text, found)?;
    text.push_str(include_str!("foot.md"));
    fs::write(docs.join("calibration.md"), text)?;
    Ok(())
}

/// A share in percent.
pub fn percent(share: f64) -> String {
    format!("{:.1}", 100.0 * share)
}

fn csv(found: &[Found<'_>]) -> Result<String, std::fmt::Error> {
    let mut out = String::from(
        "cell,family,n,estimator,estimand,replays,computed,error,mcse,by_interval,coverage,lowest,highest,required,inside,warning,warned\n",
    );
    for f in found {
        let cell = f.cell;
        for r in judge::results(cell, &f.tallies) {
            let (warning, warned) = if r.inside() {
                ("", 0.0)
            } else {
                judge::warning(r.tally.estimator, r.tally.estimand, &f.warned)
            };
            writeln!(
                out,
                "{},{},{},{},{},{},{:.4},{:.5},{:.5},{},{},{:.5},{:.5},{},{},{warning},{}",
                cell.id,
                cell.family.name(),
                cell.n,
                r.tally.estimator,
                estimand(r.tally.estimand),
                r.error.replays,
                r.computed,
                r.error.value,
                r.error.mcse,
                r.by_interval,
                r.coverage
                    .map_or(String::new(), |c| format!("{:.5}", c.value)),
                r.bounds.0,
                r.bounds.1,
                r.required,
                r.inside(),
                if warning.is_empty() {
                    String::new()
                } else {
                    format!("{warned:.3}")
                }
            )?;
        }
        looks::csv(&mut out, f)?;
    }
    Ok(out)
}

/// What is estimated, in a word.
pub fn estimand(estimand: Estimand) -> &'static str {
    match estimand {
        Estimand::Difference => "difference",
        Estimand::Ratio => "ratio",
        Estimand::Probability => "probability",
    }
}

fn headline(text: &mut String, found: &[Found<'_>]) -> std::fmt::Result {
    let (mut required, mut within, mut all, mut inside) = (0, 0, 0, 0);
    let mut worst: Option<(f64, String)> = None;
    let mut misses = Vec::new();
    for f in found {
        let cell = f.cell;
        for r in judge::results(cell, &f.tallies) {
            all += 1;
            inside += usize::from(r.inside());
            if r.required {
                required += 1;
                within += usize::from(r.inside());
                if !r.inside() {
                    misses.push(format!(
                        "{} in {} ({} %)",
                        judge::name(r.tally.estimator, r.tally.estimand),
                        cell.id,
                        percent(r.error.value)
                    ));
                }
            }
            if r.tally.estimator == Estimator::Permutation
                && worst.as_ref().is_none_or(|w| r.error.value > w.0)
            {
                worst = Some((r.error.value, cell.id.clone()));
            }
        }
    }
    for l in found.iter().flat_map(|f| judge::looked(f.cell, &f.looks)) {
        if let Some(right) = l.inside() {
            all += 1;
            inside += usize::from(right);
        }
    }
    writeln!(text, "\n## Result\n")?;
    writeln!(
        text,
        "Of {required} results that must be right (`permutation` everywhere, and every method on negative binomial\n\
         counts and on extra zeros with 200 or 2,000 customers an arm, and `cluster` with 100 clusters an arm), {within} are. Of all\n\
         {all} results, {inside} are within the same bounds."
    )?;
    if let Some((rate, cell)) = worst {
        writeln!(
            text,
            "The highest error rate of `permutation` anywhere is {} % ({cell}).",
            percent(rate)
        )?;
    }
    if !misses.is_empty() {
        writeln!(text, "\nNot right: {}.", misses.join("; "))?;
    }
    Ok(())
}

fn replicates(text: &mut String, found: &[Found<'_>]) -> std::fmt::Result {
    let counts: BTreeSet<u64> = found.iter().map(Found::replays).collect();
    writeln!(text, "\n## How many replays\n")?;
    for count in counts.iter().rev() {
        let ids: Vec<&str> = found
            .iter()
            .filter(|f| f.replays() == *count)
            .map(|f| f.cell.id.as_str())
            .collect();
        let which = if ids.len() == found.len() {
            format!("all {} situations", ids.len())
        } else if ids.len() > 30 {
            format!("{} situations", ids.len())
        } else {
            ids.join(", ")
        };
        if *count == 0 {
            writeln!(text, "- none yet, and so in no table: {}", ids.join(", "))?;
            continue;
        }
        writeln!(
            text,
            "- {count} replays, Monte-Carlo standard error of a rate of 5 %: {:.2} points: {which}",
            100.0 * judge::mcse(*count)
        )?;
    }
    Ok(())
}

/// Heading of a family.
pub fn title(family: Family) -> &'static str {
    match family {
        Family::NegativeBinomial => "Negative binomial counts",
        Family::WithoutBefore => "Negative binomial counts without a before period",
        Family::ExtraZeros => "Extra zeros",
        Family::Pareto => "Pareto tails",
        Family::Designs => "Several arms, late arrivals, missing outcomes",
        Family::Clusters => "Whole clusters of unequal size",
        Family::Looks => "Five looks",
    }
}

/// Its situations with `n` customers an arm that were replayed.
pub fn of_family<'a, 'b>(found: &'a [Found<'b>], family: Family, n: u64) -> Vec<&'a Found<'b>> {
    let all = found.iter();
    all.filter(|f| f.cell.family == family && f.cell.n == n && f.replays() > 1)
        .collect()
}

/// The methods that gave a result, in the order of reports.
pub fn methods(found: &[&Found<'_>]) -> Vec<Method> {
    let all: BTreeSet<Method> = found
        .iter()
        .flat_map(|f| judge::results(f.cell, &f.tallies))
        .map(|r| (r.tally.estimator, r.tally.estimand))
        .collect();
    all.into_iter().collect()
}

fn section(text: &mut String, found: &[Found<'_>], family: Family) -> std::fmt::Result {
    writeln!(text, "\n## {}\n", title(family))?;
    for what in ["errors", "coverage"] {
        let name = format!("{}-{what}", family.name());
        writeln!(
            text,
            "![{} of every method](calibration/{name}.png)\n",
            what
        )?;
    }
    for n in SIZES {
        let cells = of_family(found, family, n);
        if cells.is_empty() {
            continue;
        }
        writeln!(
            text,
            "**{n} customers an arm.** Error % / coverage %; bold: outside its bounds.\n"
        )?;
        let heads: Vec<&str> = cells.iter().map(|f| f.cell.words.as_str()).collect();
        writeln!(text, "| method | {} |", heads.join(" | "))?;
        writeln!(text, "|---|{}", "---|".repeat(cells.len()))?;
        for (estimator, estimand) in methods(&cells) {
            let mut row = format!("| `{}` |", judge::name(estimator, estimand));
            for f in &cells {
                let results = judge::results(f.cell, &f.tallies);
                let found = results
                    .iter()
                    .find(|r| (r.tally.estimator, r.tally.estimand) == (estimator, estimand));
                row.push_str(&match found {
                    None => " – |".to_string(),
                    Some(r) => {
                        let coverage = r.coverage.map_or("–".into(), |c| percent(c.value));
                        let error = match (r.by_interval, r.inside()) {
                            (true, true) => "–".to_string(),
                            (true, false) => format!("**({})**", percent(r.error.value)),
                            (false, true) => percent(r.error.value),
                            (false, false) => format!("**{}**", percent(r.error.value)),
                        };
                        let rare = if r.computed < 0.9995 { "*" } else { "" };
                        format!(" {error} / {coverage}{rare} |")
                    }
                });
            }
            writeln!(text, "{row}")?;
        }
        writeln!(text)?;
    }
    Ok(())
}

/// Error rates over all arms, where the plan adjusts for them.
fn families(text: &mut String, found: &[Found<'_>]) -> std::fmt::Result {
    let cells: Vec<&Found<'_>> = found
        .iter()
        .filter(|f| f.cell.experiment.arms.len() > 2 && f.replays() > 1)
        .collect();
    if cells.is_empty() {
        return Ok(());
    }
    writeln!(
        text,
        "## Four arms as a family\n\n\
         Share of pilots in which at least one of three treatments without effect has an adjusted p of at most 5 % (Dunnett).\n"
    )?;
    let heads: Vec<String> = cells
        .iter()
        .map(|f| format!("{} an arm", f.cell.n))
        .collect();
    writeln!(
        text,
        "| method | {} |\n|---|{}",
        heads.join(" | "),
        "---|".repeat(cells.len())
    )?;
    for (estimator, estimand) in methods(&cells) {
        let rates: Vec<Option<Rate>> = cells
            .iter()
            .map(|f| {
                let tally = f.tallies.get(estimator, estimand)?;
                tally.rejected_adjusted.rate()?;
                tally.any_rejected.rate()
            })
            .collect();
        if rates.iter().all(Option::is_none) {
            continue;
        }
        let shown: Vec<String> = rates
            .iter()
            .map(|r| {
                r.map_or("–".into(), |r| {
                    format!("{} ± {:.2}", percent(r.value), 100.0 * r.mcse)
                })
            })
            .collect();
        writeln!(
            text,
            "| `{}` | {} |",
            judge::name(estimator, estimand),
            shown.join(" | ")
        )?;
    }
    Ok(())
}

fn outside(text: &mut String, found: &[Found<'_>]) -> std::fmt::Result {
    writeln!(
        text,
        "\n## Where a method falls outside, and what `pilot analyze` says there\n\n\
         | situation | method | error % | bounds % | warning | in so many of the pilots |\n|---|---|---|---|---|---|"
    )?;
    for f in found {
        let cell = f.cell;
        looks::outside(text, f)?;
        let all = judge::results(cell, &f.tallies);
        for r in all.iter().filter(|r| !r.inside()) {
            let (id, warned) = judge::warning(r.tally.estimator, r.tally.estimand, &f.warned);
            writeln!(
                text,
                "| {} | `{}`{} | {} ± {:.2} | {} – {} | `{id}` | {:.0} % |",
                cell.id,
                judge::name(r.tally.estimator, r.tally.estimand),
                if r.by_interval { " (interval)" } else { "" },
                percent(r.error.value),
                100.0 * r.error.mcse,
                percent(r.bounds.0),
                percent(r.bounds.1),
                100.0 * warned
            )?;
        }
    }
    Ok(())
}
