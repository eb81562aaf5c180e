//! Simulated looks as table and lines for a terminal.

use crate::error::{Error, Result};
use crate::number;
use crate::planning::simulate::{LookRow, Looks, Rate};

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

fn rate(r: Option<Rate>) -> String {
    r.map_or("–".into(), |r| {
        format!(
            "{} ±{}",
            number::fixed(100.0 * r.value, 1),
            number::fixed(100.0 * r.mcse, 1)
        )
    })
}

/// The looks for a terminal.
pub(super) fn lines(looks: &Looks, alpha: f64) -> Vec<String> {
    let with = looks.power.is_some();
    let futile = looks.looks.iter().any(|l| l.futile.value > 0.0);
    let mut head = format!(
        "  {:<6}{:>10}{:>14}{:>12}{:>20}",
        "look", "window %", "information %", "boundary z", "stops, no effect %"
    );
    if with {
        head.push_str(&format!("{:>20}", "stops, effect %"));
    }
    if futile {
        head.push_str(&format!("{:>20}", "hopeless %"));
    }
    let mut lines = vec![
        format!("Looking {} times by {}:", looks.looks.len(), looks.rule),
        String::new(),
        head,
    ];
    for row in &looks.looks {
        let mut line = format!(
            "  {:<6}{:>10}{:>14}{:>12}{:>20}",
            row.look,
            number::fixed(100.0 * row.time, 0),
            number::fixed(100.0 * row.information, 0),
            row.z.map_or("–".into(), |z| number::fixed(z, 2)),
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
    lines.push(format!(
        "Where nothing works, {} % of pilots cross the boundary at any look (planned: {}); {} % would have p at most {} \
         at some look without a boundary, {} % at the end alone.",
        rate(looks.false_positives),
        number::percent(alpha),
        rate(looks.unplanned),
        number::general(alpha),
        rate(looks.once)
    ));
    lines.push(format!(
        "They end after {} % of the window on average.",
        rate(looks.stopped_at)
    ));
    if with {
        lines.push(format!(
            "With the effect, {} % cross (looking once at the end finds it in {} %), and they end after {} % of the window.",
            rate(looks.power),
            rate(looks.power_once),
            rate(looks.stopped_at_with_effect)
        ));
    }
    if looks.without >= 0.5 {
        lines.push(format!(
            "In a hundred pilots {} looks at an arm had no estimate or no new information, and stopped nothing.",
            number::fixed(looks.without, 0)
        ));
    }
    lines
}
