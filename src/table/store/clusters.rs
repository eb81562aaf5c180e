//! `clusters.csv`: a row of totals for clusters that have the same, beside `cells.csv`.

use std::io::{Read, Write};

use crate::error::{Error, Result};
use crate::table::cells::{ArmId, Cap, ContactTable, Decimals, StratumId};
use crate::table::clusters::{ClusterRow, ClusterTable, ClusterTotals, Clusters};
use crate::table::evidence::Evidence;

/// Columns before the strata's.
pub const KEYS: [&str; 3] = ["outcome", "cap", "arm"];

/// Columns after the strata's.
pub const TOTALS: [&str; 10] = [
    "customers",
    "missing",
    "exposure",
    "after",
    "with_before",
    "before",
    "after_with_before",
    "before_squares",
    "before_after",
    "clusters",
];

/// Whether there is anything to write.
pub fn any(evidence: &Evidence) -> bool {
    evidence.outcomes.iter().any(|o| o.clusters.is_some())
}

/// Writes the clusters of all outcomes; those under a cap follow, with the cap.
///
/// # Errors
/// The writer's own.
pub fn write(evidence: &Evidence, to: impl Write) -> std::io::Result<()> {
    let mut csv = csv::Writer::from_writer(to);
    let Some(first) = evidence.outcomes.first() else {
        return csv.flush();
    };
    let strata = first.table.strata().columns().iter();
    let mut record: Vec<String> = KEYS.map(String::from).to_vec();
    record.extend(strata.map(|c| format!("s.{c}")));
    record.extend(TOTALS.map(String::from));
    csv.write_record(&record)?;
    for o in &evidence.outcomes {
        let Some(clusters) = &o.clusters else {
            continue;
        };
        let capped = clusters
            .capped
            .iter()
            .map(|(cap, table)| (Some(*cap), table));
        for (cap, table) in std::iter::once((None, &clusters.uncapped)).chain(capped) {
            for row in table.rows() {
                record.clear();
                record.push(o.outcome.clone());
                record.push(cap.map_or(String::new(), |c| c.to_string()));
                record.push(o.table.arms()[usize::from(row.arm.0)].clone());
                record.extend_from_slice(o.table.strata().tuple(row.stratum));
                record.extend(fields(row, o.table.decimals()));
                csv.write_record(&record)?;
            }
        }
    }
    csv.flush()
}

fn fields(row: &ClusterRow, d: Decimals) -> [String; 10] {
    let t = &row.totals;
    [
        t.n.to_string(),
        t.missing.to_string(),
        decimal(t.e, d.exposure),
        decimal(t.y, d.after),
        t.with_before.to_string(),
        decimal(t.x, d.before),
        decimal(t.y_with_before, d.after),
        decimal(t.xx, 2 * d.before),
        decimal(t.xy, d.before + d.after),
        row.clusters.to_string(),
    ]
}

/// The totals that a row's text says, and how many clusters have them.
///
/// # Errors
/// The column, and why its text is none of its numbers.
pub fn totals<'a>(
    text: impl Fn(usize) -> &'a str,
    d: Decimals,
) -> Result<(ClusterTotals, u64), (usize, &'static str)> {
    let count = |i: usize| -> Result<u64, _> {
        let number = text(i).trim().parse();
        number.map_err(|_| (i, "a number of customers or clusters is whole"))
    };
    let sum = |i: usize, decimals: u8| {
        fixed(text(i), decimals).ok_or((i, "not a sum with as many decimals as the cells have"))
    };
    let totals = ClusterTotals {
        n: count(0)?,
        missing: count(1)?,
        e: sum(2, d.exposure)?,
        y: sum(3, d.after)?,
        with_before: count(4)?,
        x: sum(5, d.before)?,
        y_with_before: sum(6, d.after)?,
        xx: sum(7, 2 * d.before)?,
        xy: sum(8, d.before + d.after)?,
    };
    Ok((totals, count(9)?))
}

/// The clusters of an outcome from its rows, those without a cap and those under one.
///
/// # Errors
/// Rows that do not fit the outcome's table; more than one cap.
pub fn assemble(table: &ContactTable, rows: Vec<(Option<u64>, ClusterRow)>) -> Result<Clusters> {
    let mut uncapped = Vec::new();
    let mut capped: Option<(u64, Vec<ClusterRow>)> = None;
    for (cap, row) in rows {
        match (cap, &mut capped) {
            (None, _) => uncapped.push(row),
            (Some(cap), None) => capped = Some((cap, vec![row])),
            (Some(cap), Some((known, rows))) if cap == *known => rows.push(row),
            (Some(_), Some(_)) => {
                return Err(Error::data("the clusters of an outcome have two caps")
                    .hint("an outcome has one cap in the plan"));
            }
        }
    }
    // Rows do not say whether counts before were cut: where they were, sums of squares differ.
    let squares_before =
        |rows: &[ClusterRow]| rows.iter().fold(0i128, |s, r| s.wrapping_add(r.totals.xx));
    let squares = squares_before(&uncapped);
    Ok(Clusters {
        uncapped: ClusterTable::new(table, uncapped)?,
        capped: match capped {
            Some((at, rows)) => {
                let before = squares_before(&rows) != squares;
                let table = table.capped(Cap { at, before })?;
                Some((at, ClusterTable::new(&table, rows)?))
            }
            None => None,
        },
    })
}

/// Reads back what [`write`] wrote, into the evidence whose cells were read before.
///
/// # Errors
/// Clusters that do not fit the cells.
pub fn read(evidence: &mut Evidence, from: impl Read) -> Result<()> {
    let damaged = |line: u64| {
        Error::workspace("the clusters of the evidence are damaged")
            .line(line)
            .hint("run `pilot ingest` again")
    };
    let mut rows: Vec<Vec<(Option<u64>, ClusterRow)>> = vec![Vec::new(); evidence.outcomes.len()];
    let mut csv = csv::Reader::from_reader(from);
    let mut record = csv::StringRecord::new();
    loop {
        let line = csv.position().line();
        if !csv.read_record(&mut record).map_err(|_| damaged(line))? {
            break;
        }
        let (outcome, cap, row) = row(evidence, &record).ok_or_else(|| damaged(line))?;
        rows[outcome].push((cap, row));
    }
    for (o, rows) in evidence.outcomes.iter_mut().zip(rows) {
        if !rows.is_empty() {
            o.clusters = Some(assemble(&o.table, rows)?);
        }
    }
    Ok(())
}

fn row(
    evidence: &Evidence,
    record: &csv::StringRecord,
) -> Option<(usize, Option<u64>, ClusterRow)> {
    let name = record.get(0)?;
    let outcome = evidence.outcomes.iter().position(|o| o.outcome == name)?;
    let table = &evidence.outcomes[outcome].table;
    let cap = match record.get(1)? {
        "" => None,
        text => Some(text.parse().ok()?),
    };
    let arm = record.get(2)?;
    let arm = table.arms().iter().position(|a| a == arm)?;
    let width = table.strata().columns().len();
    let tuple: Vec<String> = (0..width)
        .map(|i| record.get(3 + i).map(String::from))
        .collect::<Option<_>>()?;
    let field = |i: usize| record.get(3 + width + i).unwrap_or_default();
    let (totals, clusters) = totals(field, table.decimals()).ok()?;
    let row = ClusterRow {
        arm: ArmId(arm as u16),
        stratum: if width == 0 {
            StratumId(0)
        } else {
            table.strata().id(&tuple)?
        },
        totals,
        clusters,
    };
    Some((outcome, cap, row))
}

/// A fixed-point sum as decimal text.
fn decimal(value: i128, decimals: u8) -> String {
    if decimals == 0 {
        return value.to_string();
    }
    let unit = 10u128.pow(u32::from(decimals));
    let sign = if value < 0 { "-" } else { "" };
    let magnitude = value.unsigned_abs();
    format!(
        "{sign}{}.{:0width$}",
        magnitude / unit,
        magnitude % unit,
        width = usize::from(decimals)
    )
}

/// The inverse of [`decimal`]; zeros at the end of the fraction may be left out or added.
fn fixed(text: &str, decimals: u8) -> Option<i128> {
    let text = text.trim();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let width = usize::from(decimals);
    let (kept, beyond) = fraction.split_at_checked(fraction.len().min(width))?;
    if !beyond.bytes().all(|b| b == b'0') || !whole.ends_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let digits: String = [whole, kept, &"0".repeat(width - kept.len())].concat();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::cells::{Cell, ExposureUnit, Strata};
    use crate::table::evidence::{Audit, OutcomeEvidence, Provenance};

    #[test]
    fn sums_round_trip_as_text() {
        for (value, decimals) in [(0, 0), (-5, 0), (-5, 2), (i128::MAX, 12), (i128::MIN, 12)] {
            assert_eq!(fixed(&decimal(value, decimals), decimals), Some(value));
        }
        assert_eq!(fixed("12", 3), Some(12_000));
        assert_eq!(fixed("1.5000000", 2), Some(150));
        for wrong in ["1.501", "", "x", "1e3", "1.-5"] {
            assert_eq!(fixed(wrong, 2), None, "{wrong}");
        }
    }

    #[test]
    fn clusters_round_trip_with_their_cap() {
        let strata = Strata::new(
            vec!["region, \"x\"".into()],
            [vec!["a,\n\"b".into()], vec![String::new()]],
        )
        .unwrap();
        let customers = [
            (0, 0, Some(-5), Some(1234), 3),
            (0, 1, None, Some(70_000), 1),
            (1, 0, Some(7), None, 2),
            (1, 1, Some(250), Some(-1), 2),
        ];
        let cells = customers.map(|(arm, stratum, before, after, customers)| Cell {
            arm: ArmId(arm),
            stratum: StratumId(stratum),
            exposure: 305,
            before_exposure: 0,
            before,
            after,
            uptake: None,
            customers,
        });
        let d = Decimals {
            exposure: 1,
            before_exposure: 0,
            before: 2,
            after: 3,
        };
        let table = ContactTable::new(
            vec!["control".into(), "x".into()],
            strata,
            ExposureUnit::Day,
            d,
            cells.to_vec(),
        )
        .unwrap();
        let of = |table: &ContactTable| {
            let rows = table.cells().iter().map(|c| {
                let mut totals = ClusterTotals::default();
                totals
                    .add(c.customers, c.exposure, c.before, c.after)
                    .unwrap();
                ClusterRow {
                    arm: c.arm,
                    stratum: c.stratum,
                    totals,
                    clusters: 1,
                }
            });
            ClusterTable::new(table, rows.collect()).unwrap()
        };
        let evidence = |clusters| Evidence {
            audit: Audit::default(),
            outcomes: vec![OutcomeEvidence {
                outcome: "o".into(),
                table: table.clone(),
                weekly: None,
                segments: Vec::new(),
                clusters,
                panel: None,
            }],
            spillover: None,
            provenance: Provenance::default(),
        };
        let whole = evidence(Some(Clusters {
            uncapped: of(&table),
            capped: Some((
                2,
                of(&table
                    .capped(Cap {
                        at: 2,
                        before: true,
                    })
                    .unwrap()),
            )),
        }));
        let mut bytes = Vec::new();
        write(&whole, &mut bytes).unwrap();
        let mut back = evidence(None);
        read(&mut back, bytes.as_slice()).unwrap();
        assert_eq!(back, whole);

        let text = String::from_utf8(bytes).unwrap();
        let changed = text.replacen("3.702", "3.703", 1);
        assert!(changed != text && read(&mut evidence(None), changed.as_bytes()).is_err());
    }
}
