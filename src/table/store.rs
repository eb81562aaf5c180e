//! Evidence as files: `evidence.json` (everything but the tables), `cells.csv` and, of clustered
//! pilots, `clusters.csv` (the exchange format).

pub mod clusters;

use std::io::{Read, Write};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

use super::cells::{ArmId, Cell, ContactTable, Decimals, ExposureUnit, Strata, StratumId};
use super::evidence::{Audit, Evidence, OutcomeEvidence, Provenance};

/// Everything of an [`Evidence`] but the cells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceHead {
    /// Always [`EvidenceHead::SCHEMA`].
    pub schema: String,
    /// The audit.
    pub audit: Audit,
    /// Where it came from.
    pub provenance: Provenance,
    /// One head an outcome.
    pub outcomes: Vec<TableHead>,
}

impl EvidenceHead {
    /// The schema's name and version.
    pub const SCHEMA: &'static str = "pilot.evidence/1";
}

/// Everything of a table but its cells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableHead {
    /// The outcome's name.
    pub outcome: String,
    /// Arms in the plan's order.
    pub arms: Vec<String>,
    /// Strata.
    pub strata: Strata,
    /// What an exposure of one means.
    pub exposure_unit: ExposureUnit,
    /// Decimals of the columns.
    pub decimals: Decimals,
}

/// The head of an evidence.
pub fn head(evidence: &Evidence) -> EvidenceHead {
    EvidenceHead {
        schema: EvidenceHead::SCHEMA.into(),
        audit: evidence.audit.clone(),
        provenance: evidence.provenance.clone(),
        outcomes: evidence
            .outcomes
            .iter()
            .map(|o| TableHead {
                outcome: o.outcome.clone(),
                arms: o.table.arms().to_vec(),
                strata: o.table.strata().clone(),
                exposure_unit: o.table.exposure_unit(),
                decimals: o.table.decimals(),
            })
            .collect(),
    }
}

/// Writes the cells of all outcomes in the exchange format.
///
/// # Errors
/// The writer's own.
pub fn write_cells(evidence: &Evidence, to: impl Write) -> std::io::Result<()> {
    let mut csv = csv::Writer::from_writer(to);
    let Some(first) = evidence.outcomes.first() else {
        return csv.flush();
    };
    let strata: Vec<String> = first
        .table
        .strata()
        .columns()
        .iter()
        .map(|c| format!("s.{c}"))
        .collect();
    let mut record: Vec<String> = vec!["outcome".into(), "arm".into()];
    record.extend(strata);
    record.extend(
        [
            "exposure",
            "before_exposure",
            "before",
            "after",
            "uptake",
            "customers",
        ]
        .map(String::from),
    );
    csv.write_record(&record)?;
    for o in &evidence.outcomes {
        let d = o.table.decimals();
        for c in o.table.cells() {
            record.clear();
            record.push(o.outcome.clone());
            record.push(o.table.arms()[usize::from(c.arm.0)].clone());
            record.extend_from_slice(o.table.strata().tuple(c.stratum));
            record.push(decimal(c.exposure, d.exposure));
            let known = c.before.filter(|_| c.before_exposure != 0);
            record.push(known.map_or(String::new(), |_| {
                decimal(c.before_exposure, d.before_exposure)
            }));
            record.push(c.before.map_or(String::new(), |x| decimal(x, d.before)));
            record.push(c.after.map_or(String::new(), |y| decimal(y, d.after)));
            record.push(c.uptake.map_or("", |u| if u { "1" } else { "0" }).into());
            record.push(c.customers.to_string());
            csv.write_record(&record)?;
        }
    }
    csv.flush()
}

/// Reads back what [`head`] and [`write_cells`] gave; clusters are read by [`clusters::read`].
///
/// # Errors
/// Cells that do not fit the head.
pub fn read(head: EvidenceHead, cells: impl Read) -> Result<Evidence> {
    if head.schema != EvidenceHead::SCHEMA {
        return Err(
            Error::workspace(format!("the evidence has the schema \"{}\"", head.schema))
                .hint("run `pilot ingest` again"),
        );
    }
    let damaged = |line: u64| {
        Error::workspace("the cells of the evidence are damaged")
            .line(line)
            .hint("run `pilot ingest` again")
    };
    let mut by_outcome: Vec<Vec<Cell>> = vec![Vec::new(); head.outcomes.len()];
    let mut csv = csv::Reader::from_reader(cells);
    let mut record = csv::StringRecord::new();
    let mut current = 0;
    loop {
        let line = csv.position().line();
        if !csv.read_record(&mut record).map_err(|_| damaged(line))? {
            break;
        }
        let name = record.get(0).unwrap_or_default();
        if head.outcomes.get(current).is_none_or(|o| o.outcome != name) {
            current = head
                .outcomes
                .iter()
                .position(|o| o.outcome == name)
                .ok_or_else(|| damaged(line))?;
        }
        let cell = cell(&record, &head.outcomes[current]).ok_or_else(|| damaged(line))?;
        by_outcome[current].push(cell);
    }
    let outcomes = head
        .outcomes
        .into_iter()
        .zip(by_outcome)
        .map(|(h, cells)| {
            let table = ContactTable::new(h.arms, h.strata, h.exposure_unit, h.decimals, cells)?;
            Ok(OutcomeEvidence {
                outcome: h.outcome,
                table,
                clusters: None,
            })
        })
        .collect::<Result<_>>()?;
    Ok(Evidence {
        audit: head.audit,
        outcomes,
        provenance: head.provenance,
    })
}

fn cell(record: &csv::StringRecord, head: &TableHead) -> Option<Cell> {
    let width = head.strata.columns().len();
    let field = |i: usize| record.get(i);
    let after_strata = |i: usize| field(2 + width + i);
    let arm = head
        .arms
        .iter()
        .position(|a| Some(a.as_str()) == field(1))?;
    let tuple: Vec<String> = (0..width)
        .map(|i| field(2 + i).map(String::from))
        .collect::<Option<_>>()?;
    let optional = |i: usize, decimals: u8| -> Option<Option<i64>> {
        match after_strata(i)? {
            "" => Some(None),
            text => fixed(text, decimals).map(Some),
        }
    };
    let d = head.decimals;
    Some(Cell {
        arm: ArmId(arm as u16),
        stratum: if width == 0 {
            StratumId(0)
        } else {
            head.strata.id(&tuple)?
        },
        exposure: fixed(after_strata(0)?, d.exposure)?,
        before_exposure: optional(1, d.before_exposure)?.unwrap_or(0),
        before: optional(2, d.before)?,
        after: optional(3, d.after)?,
        uptake: match after_strata(4)? {
            "" => None,
            text => Some(text == "1"),
        },
        customers: after_strata(5)?.parse().ok()?,
    })
}

/// A fixed-point integer as decimal text.
fn decimal(value: i64, decimals: u8) -> String {
    if decimals == 0 {
        return value.to_string();
    }
    let unit = 10u64.pow(u32::from(decimals));
    let sign = if value < 0 { "-" } else { "" };
    let magnitude = value.unsigned_abs();
    format!(
        "{sign}{}.{:0width$}",
        magnitude / unit,
        magnitude % unit,
        width = usize::from(decimals)
    )
}

/// The inverse of [`decimal`].
fn fixed(text: &str, decimals: u8) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() != usize::from(decimals) {
        return None;
    }
    let digits: String = [whole, fraction].concat();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_point_text_round_trips() {
        for (value, decimals) in [
            (0, 0),
            (-5, 0),
            (-5, 2),
            (123_456, 3),
            (7, 6),
            (i64::MIN, 6),
        ] {
            assert_eq!(fixed(&decimal(value, decimals), decimals), Some(value));
        }
        assert_eq!(decimal(-5, 2), "-0.05");
    }

    #[test]
    fn evidence_round_trips_through_its_two_files() {
        let strata = Strata::new(
            vec!["plan, \"x\"".into()],
            [vec!["a,\n\"b".into()], vec![String::new()]],
        )
        .unwrap();
        let cell = |stratum, before, after, uptake| Cell {
            arm: ArmId(1),
            stratum: StratumId(stratum),
            exposure: 30,
            before_exposure: if before == Some(-5) { 7 } else { 0 },
            before,
            after,
            uptake,
            customers: 4,
        };
        let d = Decimals {
            exposure: 0,
            before_exposure: 1,
            before: 2,
            after: 3,
        };
        let cells = vec![
            cell(0, Some(-5), Some(1234), Some(true)),
            cell(1, None, None, None),
            cell(1, Some(3), Some(-1), Some(false)),
        ];
        let table = ContactTable::new(
            vec!["control".into(), "x".into()],
            strata,
            ExposureUnit::Day,
            d,
            cells,
        )
        .unwrap();
        let evidence = Evidence {
            audit: Audit {
                rows_read: 12,
                ..Audit::default()
            },
            outcomes: vec![OutcomeEvidence {
                outcome: "o".into(),
                table,
                clusters: None,
            }],
            provenance: Provenance::default(),
        };
        let mut bytes = Vec::new();
        write_cells(&evidence, &mut bytes).unwrap();
        assert_eq!(read(head(&evidence), bytes.as_slice()).unwrap(), evidence);
    }
}
