//! A simulation as table, chart and lines for a terminal.

use crate::error::{Error, Result};
use crate::number;
use crate::planning::simulate::{Rate, Row, Summary, Verdict};
use crate::stats::Estimand;

use super::chart::dots::{Dot, DotRow, Dots, Panel};
use super::text::plain;
use super::{RenderedFile, dots};

/// Error bars are this many Monte-Carlo standard errors to each side.
const BARS: f64 = 2.0;

fn estimand(row: &Row) -> &'static str {
    match row.estimand {
        Estimand::Difference => "difference",
        Estimand::Ratio => "ratio",
        Estimand::Probability => "probability",
    }
}

/// The files of a simulation: `simulation.json`, `simulation.csv`, `looks.csv`
/// where there are looks, and the chart as SVG and PNG.
///
/// # Errors
/// Internal ones only.
pub fn simulation(summary: &Summary) -> Result<Vec<RenderedFile>> {
    let mut json = serde_json::to_vec_pretty(summary)
        .map_err(|e| Error::internal(format!("the simulation is not JSON: {e}")))?;
    json.push(b'\n');
    let file = |name: &str, bytes: Vec<u8>| RenderedFile {
        name: name.into(),
        bytes,
        warnings: Vec::new(),
    };
    let mut files = vec![
        file("simulation.json", json),
        file("simulation.csv", csv(summary)?),
    ];
    if let Some(looks) = &summary.looks {
        files.push(file("looks.csv", super::simulation_looks::csv(looks)?));
    }
    files.extend(dots("simulation", &chart(summary))?);
    Ok(files)
}

type Column = (&'static str, fn(&Row) -> Option<Rate>);

const COLUMNS: [Column; 8] = [
    ("false_positives", |r| r.false_positives),
    ("any_false_positive", |r| r.any_false_positive),
    ("power", |r| r.power),
    ("power_adjusted", |r| r.power_adjusted),
    ("coverage", |r| r.coverage),
    ("coverage_with_effect", |r| r.coverage_with_effect),
    ("bias", |r| r.bias),
    ("bias_with_effect", |r| r.bias_with_effect),
];

fn csv(summary: &Summary) -> Result<Vec<u8>> {
    let failed = |e: csv::Error| Error::internal(format!("the table is not CSV: {e}"));
    let mut out = csv::Writer::from_writer(Vec::new());
    let mut head: Vec<String> = ["estimator", "estimand", "primary", "computed"]
        .map(String::from)
        .into();
    for (name, _) in COLUMNS {
        head.extend([name.to_string(), format!("{name}_mcse")]);
    }
    head.extend(["truth".to_string(), "se_over_sd".to_string()]);
    out.write_record(&head).map_err(failed)?;
    let text = |x: Option<f64>| x.map_or(String::new(), |x| x.to_string());
    for row in &summary.estimators {
        let mut cells = vec![
            row.estimator.name().to_string(),
            estimand(row).to_string(),
            row.primary.to_string(),
            row.computed.to_string(),
        ];
        for (_, of) in COLUMNS {
            let rate = of(row);
            cells.extend([text(rate.map(|r| r.value)), text(rate.map(|r| r.mcse))]);
        }
        cells.extend([text(row.truth), text(row.se_over_sd)]);
        out.write_record(&cells).map_err(failed)?;
    }
    out.into_inner()
        .map_err(|e| Error::internal(format!("the table is not CSV: {e}")))
}

fn chart(summary: &Summary) -> Dots {
    let alpha = summary.alpha;
    let with = summary.effect.is_some();
    let coverage = |r: &Row| {
        if with {
            r.coverage_with_effect
        } else {
            r.coverage
        }
    };
    let dot = |rate: Option<Rate>| -> Vec<Dot> {
        rate.map(|r| Dot {
            value: r.value,
            half: BARS * r.mcse,
            series: 0,
        })
        .into_iter()
        .collect()
    };
    let ends = |of: &dyn Fn(&Row) -> Option<Rate>, least: f64, most: f64| {
        let rates = || summary.estimators.iter().filter_map(of);
        let low = rates()
            .map(|r| r.value - BARS * r.mcse)
            .fold(least, f64::min);
        let high = rates()
            .map(|r| r.value + BARS * r.mcse)
            .fold(most, f64::max);
        (low.max(0.0), high.min(1.0))
    };
    let false_positive_ends = ends(&|r| r.false_positives, alpha / 2.0, 1.5 * alpha);
    let mut panels = vec![Panel {
        title: "False positives".into(),
        reference: Some(alpha),
        limits: None,
        ends: false_positive_ends,
    }];
    if with {
        panels.push(Panel {
            title: "Power".into(),
            reference: None,
            limits: None,
            ends: (0.0, 1.0),
        });
    }
    panels.push(Panel {
        title: "Coverage".into(),
        reference: Some(1.0 - alpha),
        limits: None,
        ends: ends(&coverage, 1.0 - 1.5 * alpha, 1.0 - alpha / 2.0),
    });
    let rows = summary.estimators.iter().map(|r| {
        let mut dots = vec![dot(r.false_positives)];
        if with {
            dots.push(dot(r.power));
        }
        dots.push(dot(coverage(r)));
        let note = if r.primary { ", decides" } else { "" };
        DotRow {
            name: r.estimator.name().into(),
            note: format!("{}{note}", estimand(r)),
            dots,
        }
    });
    let wrong = summary
        .estimators
        .iter()
        .filter(|r| r.verdict(alpha) == Some(Verdict::TooMany))
        .count();
    Dots {
        title: match wrong {
            _ if summary.regions.is_some() => {
                super::simulation_regions::title(summary, wrong).unwrap_or_default()
            }
            0 => "On such customers no estimator finds effects that are not there more often than planned".into(),
            1 => "On such customers one estimator finds effects that are not there more often than planned".into(),
            n => format!("On such customers {n} estimators find effects that are not there more often than planned"),
        },
        subtitle: plain(&subtitle(summary)).into_owned(),
        source: plain(&format!(
            "pilot {} · {} · plan {} · seed {} · bars: ±{BARS} Monte-Carlo standard errors; line: what is planned",
            summary.pilot_version,
            summary.experiment,
            summary.plan_sha256.chars().take(12).collect::<String>(),
            summary.seed
        ))
        .into_owned(),
        panels,
        rows: rows.collect(),
        series: vec!["all".into()],
    }
}

/// What was simulated, in a sentence or two.
fn subtitle(s: &Summary) -> String {
    let mut text = format!(
        "{} simulated pilots of {} customers in {} arms; {}.",
        number::count(s.replicates),
        number::count(s.customers),
        s.arms,
        s.source
    );
    if let Some(shows) = super::simulation_regions::shows(s) {
        text = shows;
    }
    if let Some(effect) = s.effect {
        let change = if effect >= 0.0 { "fewer" } else { "more" };
        text.push_str(&format!(
            " Power and coverage: {} {change} by each treatment.",
            number::percent(effect.abs())
        ));
    }
    if s.zero_inflation > 0.0 {
        text.push_str(&format!(
            " {} of customers never contact.",
            number::percent(s.zero_inflation)
        ));
    }
    if let Some(tail) = s.heavy_tail {
        text.push_str(&format!(
            " Rates have a Pareto tail of index {}.",
            number::general(tail)
        ));
    }
    if s.attrition > 0.0 {
        text.push_str(&format!(
            " The outcome of {} is missing.",
            number::percent(s.attrition)
        ));
    }
    text
}

/// The simulation for a terminal.
pub fn simulation_lines(s: &Summary) -> Vec<String> {
    let mut lines = vec![plain(&subtitle(s)).into_owned(), String::new()];
    let rate = |r: Option<Rate>| {
        r.map_or("–".to_string(), |r| {
            format!(
                "{} ±{}",
                number::fixed(r.value * 100.0, 1),
                number::fixed(r.mcse * 100.0, 1)
            )
        })
    };
    let with = s.effect.is_some();
    let mut head = format!(
        "  {:<14}{:<12}{:>14}",
        "estimator", "estimand", "false pos. %"
    );
    if s.arms > 2 {
        head.push_str(&format!("{:>14}", "any arm %"));
    }
    if with {
        head.push_str(&format!("{:>14}", "power %"));
    }
    head.push_str(&format!("{:>14}{:>20}", "coverage %", "bias"));
    lines.push(head);
    for r in &s.estimators {
        let mut line = format!(
            "{} {:<14}{:<12}{:>14}",
            if r.primary { "*" } else { " " },
            r.estimator.name(),
            estimand(r),
            rate(r.false_positives)
        );
        if s.arms > 2 {
            line.push_str(&format!("{:>14}", rate(r.any_false_positive)));
        }
        if with {
            line.push_str(&format!("{:>14}", rate(r.power)));
        }
        let (coverage, bias) = if with {
            (r.coverage_with_effect, r.bias_with_effect)
        } else {
            (r.coverage, r.bias)
        };
        let bias = bias.map_or("–".to_string(), |b| {
            let d = number::decimals(b.mcse).unwrap_or(4).clamp(0, 8);
            format!(
                "{} ±{}",
                number::fixed(b.value, d),
                number::fixed(b.mcse, d)
            )
        });
        line.push_str(&format!("{:>14}{bias:>20}", rate(coverage)));
        let mut remarks = Vec::new();
        match r.verdict(s.alpha) {
            Some(Verdict::TooMany) => remarks.push("too many".to_string()),
            Some(Verdict::TooFew) => remarks.push("cautious".to_string()),
            _ => {}
        }
        if r.computed < 0.9995 {
            remarks.push(format!("computed in {}", number::percent(r.computed)));
        }
        if !remarks.is_empty() {
            line.push_str(&format!("   {}", remarks.join(", ")));
        }
        lines.push(line.trim_end().to_string());
    }
    lines.push(String::new());
    lines.push(format!(
        "* decides. False positives: share of comparisons with p at most {} where nothing works; \
         {}±: Monte-Carlo standard error.",
        number::general(s.alpha),
        if s.arms > 2 {
            "any arm: share of pilots with at least one, adjusted where the plan adjusts; "
        } else {
            ""
        }
    ));
    if s.refused > 0.0 {
        lines.push(format!(
            "In {} of the pilots the plan's own estimator could not be computed.",
            number::chance(s.refused)
        ));
    }
    let often: Vec<String> = s
        .warnings
        .iter()
        .filter(|(_, share)| **share >= 0.01)
        .map(|(id, share)| format!("{id} {}", number::percent_with(*share, 0)))
        .collect();
    if !often.is_empty() {
        lines.push(format!(
            "Warnings in the pilots where nothing works: {}.",
            often.join(", ")
        ));
    }
    if let Some(looks) = &s.looks {
        lines.push(String::new());
        lines.extend(super::simulation_looks::lines(looks, s.alpha));
    }
    lines
}
