//! Simulated looks as table and lines for a terminal.

use crate::error::{Error, Result};
use crate::number;
use crate::planning::simulate::{LookRow, Looks};
use crate::texts::text;

use super::memo::UNKNOWN;
use super::simulation::rate;

type Column = (&'static str, fn(&LookRow) -> Option<f64>);

const COLUMNS: [Column; 12] = [
    ("time", |r| Some(r.time)),
    ("information", |r| Some(r.information)),
    ("z", |r| r.z),
    ("nominal_p", |r| r.nominal_p),
    ("stops", |r| Some(r.stops.value)),
    ("stops_mcse", |r| Some(r.stops.mcse)),
    ("stops_with_effect", |r| {
        r.stops_with_effect.map(|s| s.value)
    }),
    ("stops_with_effect_mcse", |r| {
        r.stops_with_effect.map(|s| s.mcse)
    }),
    ("futile", |r| Some(r.futile.value)),
    ("futile_mcse", |r| Some(r.futile.mcse)),
    ("futile_with_effect", |r| {
        r.futile_with_effect.map(|s| s.value)
    }),
    ("futile_with_effect_mcse", |r| {
        r.futile_with_effect.map(|s| s.mcse)
    }),
];

/// `looks.csv`, a row a look.
pub(super) fn csv(looks: &Looks) -> Result<Vec<u8>> {
    let failed = |e: csv::Error| Error::internal(format!("the table is not CSV: {e}"));
    let mut out = csv::Writer::from_writer(Vec::new());
    let head = std::iter::once("look").chain(COLUMNS.map(|c| c.0));
    out.write_record(head).map_err(failed)?;
    for row in &looks.looks {
        let cells = COLUMNS.map(|(_, of)| of(row).map_or(String::new(), |x| x.to_string()));
        let all = std::iter::once(row.look.to_string()).chain(cells);
        out.write_record(all).map_err(failed)?;
    }
    out.into_inner()
        .map_err(|e| Error::internal(format!("the table is not CSV: {e}")))
}

/// The looks for a terminal.
pub(super) fn lines(looks: &Looks, alpha: f64) -> Vec<String> {
    let with = looks.power.is_some();
    let futile = looks.looks.iter().any(|l| l.futile.value > 0.0);
    let mut head = format!(
        "  {:<6}{:>10}{:>14}{:>12}{:>20}",
        text!("simulation-looks.look"),
        text!("simulation-looks.window"),
        text!("simulation-looks.information"),
        text!("simulation-looks.boundary"),
        text!("simulation-looks.stops")
    );
    if with {
        head.push_str(&format!(
            "{:>20}",
            text!("simulation-looks.stops-with-effect")
        ));
    }
    if futile {
        head.push_str(&format!("{:>20}", text!("simulation-looks.hopeless")));
    }
    let mut lines = vec![
        text!(
            "simulation-looks.shows",
            times = looks.looks.len(),
            rule = looks.rule
        ),
        String::new(),
        head,
    ];
    for row in &looks.looks {
        let mut line = format!(
            "  {:<6}{:>10}{:>14}{:>12}{:>20}",
            row.look,
            number::fixed(100.0 * row.time, 0),
            number::fixed(100.0 * row.information, 0),
            row.z
                .map_or_else(|| UNKNOWN.into(), |z| number::fixed(z, 2)),
            rate(Some(row.stops))
        );
        if with {
            line.push_str(&format!("{:>20}", rate(row.stops_with_effect)));
        }
        if futile {
            let shown = if with {
                row.futile_with_effect
            } else {
                Some(row.futile)
            };
            line.push_str(&format!("{:>20}", rate(shown)));
        }
        lines.push(line);
    }
    lines.push(String::new());
    lines.push(text!(
        "simulation-looks.false-positives",
        crossed = rate(looks.false_positives),
        planned = number::percent(alpha),
        unplanned = rate(looks.unplanned),
        alpha = number::general(alpha),
        once = rate(looks.once),
    ));
    lines.push(text!(
        "simulation-looks.ends",
        share = rate(looks.stopped_at)
    ));
    if with {
        lines.push(text!(
            "simulation-looks.power",
            power = rate(looks.power),
            once = rate(looks.power_once),
            share = rate(looks.stopped_at_with_effect),
        ));
    }
    if looks.without >= 0.5 {
        let count = number::fixed(looks.without, 0);
        lines.push(text!("simulation-looks.without", count));
    }
    lines
}
