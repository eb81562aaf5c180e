//! A simulation as table, chart and lines for a terminal.

use crate::error::{Error, Result};
use crate::number;
use crate::planning::simulate::{Rate, Row, Summary, Verdict};
use crate::stats::Estimand;

use super::chart::dots::{Dot, DotRow, Dots, Panel};
use super::memo::UNKNOWN;
use super::text::plain;
use super::{RenderedFile, dots, simulation_regions};
use crate::texts::text;

/// Error bars are this many Monte-Carlo standard errors to each side.
const BARS: f64 = 2.0;

fn estimand(row: &Row) -> String {
    match row.estimand {
        Estimand::Difference => text!("unit.difference"),
        Estimand::Ratio => text!("unit.ratio"),
        Estimand::Probability => text!("unit.probability"),
    }
}

/// The same as the table names it, in every language.
fn estimand_name(row: &Row) -> &'static str {
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
    let file = RenderedFile::plain;
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
    let cell = |x: Option<f64>| x.map_or(String::new(), |x| x.to_string());
    for row in &summary.estimators {
        let mut cells = vec![
            row.estimator.name().to_string(),
            estimand_name(row).to_string(),
            row.primary.to_string(),
            row.computed.to_string(),
        ];
        for (_, of) in COLUMNS {
            let rate = of(row);
            cells.extend([cell(rate.map(|r| r.value)), cell(rate.map(|r| r.mcse))]);
        }
        cells.extend([cell(row.truth), cell(row.se_over_sd)]);
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
        title: text!("simulation.false-positives"),
        reference: Some(alpha),
        limits: None,
        ends: false_positive_ends,
    }];
    if with {
        panels.push(Panel {
            title: text!("power.power"),
            reference: None,
            limits: None,
            ends: (0.0, 1.0),
        });
    }
    panels.push(Panel {
        title: text!("simulation.coverage"),
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
        DotRow {
            name: r.estimator.name().into(),
            note: match r.primary {
                true => text!("simulation.decides", estimand = estimand(r)),
                false => estimand(r),
            },
            dots,
        }
    });
    let wrong = summary
        .estimators
        .iter()
        .filter(|r| r.verdict(alpha) == Some(Verdict::TooMany))
        .count();
    Dots {
        title: simulation_regions::title(summary, wrong).unwrap_or_else(|| match wrong {
            0 => text!("simulation.title-good"),
            1 => text!("simulation.title-one-wrong"),
            count => text!("simulation.title-wrong", count),
        }),
        subtitle: plain(&subtitle(summary)).into_owned(),
        source: plain(&text!(
            "simulation.source",
            version = summary.pilot_version,
            experiment = summary.experiment,
            plan = summary.plan_sha256.chars().take(12).collect::<String>(),
            seed = summary.seed,
            bars = BARS,
        ))
        .into_owned(),
        panels,
        rows: rows.collect(),
        series: vec!["all".into()],
    }
}

/// What was simulated, in a sentence or two.
fn subtitle(s: &Summary) -> String {
    let shows = simulation_regions::shows(s).unwrap_or_else(|| {
        text!(
            "simulation.shows",
            pilots = number::count(s.replicates),
            customers = number::count(s.customers),
            arms = s.arms,
            source = s.source,
        )
    });
    let mut said = vec![shows];
    if let Some(effect) = s.effect {
        let share = number::percent(effect.abs());
        said.push(match effect >= 0.0 {
            true => text!("simulation.effect-fewer", share),
            false => text!("simulation.effect-more", share),
        });
    }
    if s.zero_inflation > 0.0 {
        let share = number::percent(s.zero_inflation);
        said.push(text!("simulation.never-contact", share));
    }
    if let Some(tail) = s.heavy_tail {
        said.push(text!(
            "simulation.heavy-tail",
            index = number::general(tail)
        ));
    }
    if s.attrition > 0.0 {
        let share = number::percent(s.attrition);
        said.push(text!("simulation.missing", share));
    }
    said.join(" ")
}

/// A rate as a percentage with its Monte-Carlo error: "4.9 ±0.2".
pub(super) fn rate(rate: Option<Rate>) -> String {
    rate.map_or_else(
        || UNKNOWN.into(),
        |r| with_error(100.0 * r.value, 100.0 * r.mcse, 1),
    )
}

fn with_error(value: f64, mcse: f64, decimals: i32) -> String {
    let (value, mcse) = (
        number::fixed(value, decimals),
        number::fixed(mcse, decimals),
    );
    format!("{value} ±{mcse}")
}

/// The simulation for a terminal.
pub fn simulation_lines(s: &Summary) -> Vec<String> {
    let with = s.effect.is_some();
    let mut lines = vec![
        plain(&subtitle(s)).into_owned(),
        String::new(),
        head(s, with),
    ];
    lines.extend(s.estimators.iter().map(|r| line(s, r, with)));
    lines.push(String::new());
    let alpha = number::general(s.alpha);
    lines.push(match s.arms > 2 {
        true => text!("simulation.legend-arms", alpha),
        false => text!("simulation.legend", alpha),
    });
    if s.refused > 0.0 {
        let share = number::chance(s.refused);
        lines.push(text!("simulation.refused", share));
    }
    let often: Vec<String> = s
        .warnings
        .iter()
        .filter(|(_, share)| **share >= 0.01)
        .map(|(id, share)| format!("{id} {}", number::percent_with(*share, 0)))
        .collect();
    if !often.is_empty() {
        lines.push(text!("simulation.warnings", often = often.join(", ")));
    }
    if let Some(looks) = &s.looks {
        lines.push(String::new());
        lines.extend(super::simulation_looks::lines(looks, s.alpha));
    }
    lines
}

fn head(s: &Summary, with: bool) -> String {
    let mut head = format!(
        "  {:<14}{:<12}{:>14}",
        text!("simulation.head-estimator"),
        text!("simulation.head-estimand"),
        text!("simulation.head-false-positives")
    );
    if s.arms > 2 {
        head.push_str(&format!("{:>14}", text!("simulation.head-any-arm")));
    }
    if with {
        head.push_str(&format!("{:>14}", text!("simulation.head-power")));
    }
    let (coverage, bias) = (
        text!("simulation.head-coverage"),
        text!("simulation.head-bias"),
    );
    head.push_str(&format!("{coverage:>14}{bias:>20}"));
    head
}

fn line(s: &Summary, r: &Row, with: bool) -> String {
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
    let bias = bias.map_or_else(
        || UNKNOWN.into(),
        |b| {
            let d = number::decimals(b.mcse).unwrap_or(4).clamp(0, 8);
            with_error(b.value, b.mcse, d)
        },
    );
    line.push_str(&format!("{:>14}{bias:>20}", rate(coverage)));
    let mut remarks = Vec::new();
    match r.verdict(s.alpha) {
        Some(Verdict::TooMany) => remarks.push(text!("simulation.too-many")),
        Some(Verdict::TooFew) => remarks.push(text!("simulation.cautious")),
        _ => {}
    }
    if r.computed < 0.9995 {
        let share = number::percent(r.computed);
        remarks.push(text!("simulation.computed-in", share));
    }
    if !remarks.is_empty() {
        line.push_str(&format!("   {}", remarks.join(", ")));
    }
    line.trim_end().to_string()
}
