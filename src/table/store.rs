//! Evidence as files: `evidence.json` (everything but the tables) and the exchange format,
//! `cells.csv` and its companions.

pub mod clusters;
pub mod panel;

use std::io::Write;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

use super::cells::{ArmId, Cell, ContactTable, Decimals, ExposureUnit, Strata, StratumId};
use super::evidence::{Audit, Evidence, OutcomeEvidence, Provenance};
use super::exchange::{Named, read_spillover, read_weekly};
use super::segments::Segments;
use super::spillover::Spillover;
use super::weekly::Weekly;

/// Everything of an [`Evidence`] but the cells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceHead {
    /// Always [`EvidenceHead::SCHEMA`].
    pub schema: String,
    /// The audit.
    pub audit: Audit,
    /// Where it came from.
    pub provenance: Provenance,
    /// What a scan of that version brought; 0 where it was not said.
    #[serde(default)]
    pub scan: u32,
    /// Whether the log's channels were too many to be told apart.
    #[serde(default)]
    pub many_channels: bool,
    /// One head an outcome.
    pub outcomes: Vec<TableHead>,
}

impl EvidenceHead {
    /// The schema's name and version.
    pub const SCHEMA: &'static str = "pilot.evidence/1";
    /// What scans bring now. Evidence of another number is taken anew where the data are there,
    /// and read as far as it goes where it is asked for by its number.
    pub const SCAN: u32 = 2;
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
    /// Decimals of the weekly sums; `None` where there are none.
    #[serde(default)]
    pub weekly_decimals: Option<u8>,
}

/// The head of an evidence.
pub fn head(evidence: &Evidence) -> EvidenceHead {
    EvidenceHead {
        schema: EvidenceHead::SCHEMA.into(),
        audit: evidence.audit.clone(),
        provenance: evidence.provenance.clone(),
        scan: EvidenceHead::SCAN,
        many_channels: evidence.spillover.as_ref().is_some_and(|s| s.many_channels),
        outcomes: evidence
            .outcomes
            .iter()
            .map(|o| TableHead {
                outcome: o.outcome.clone(),
                arms: o.table.arms().to_vec(),
                strata: o.table.strata().clone(),
                exposure_unit: o.table.exposure_unit(),
                decimals: o.table.decimals(),
                weekly_decimals: o.weekly.as_ref().map(Weekly::decimals),
            })
            .collect(),
    }
}

/// Columns of a cell behind outcome, arm and strata.
const VALUES: [&str; 6] = [
    "exposure",
    "before_exposure",
    "before",
    "after",
    "uptake",
    "customers",
];

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
    record.extend(VALUES.map(String::from));
    csv.write_record(&record)?;
    for o in &evidence.outcomes {
        write_table(&mut csv, &[&o.outcome], &o.table)?;
    }
    csv.flush()
}

/// Writes the cells of all outcomes apart by segment: those of `cells.csv` with two more columns.
///
/// # Errors
/// The writer's own.
pub fn write_segments(evidence: &Evidence, to: impl Write) -> std::io::Result<()> {
    let mut csv = csv::Writer::from_writer(to);
    let strata = evidence.outcomes.first().map(|o| o.table.strata());
    let mut header: Vec<String> = ["segment", "value", "outcome", "arm"]
        .map(String::from)
        .into();
    let columns = strata.map_or(&[][..], Strata::columns);
    header.extend(columns.iter().map(|c| format!("s.{c}")));
    header.extend(VALUES.map(String::from));
    csv.write_record(&header)?;
    for o in &evidence.outcomes {
        for column in &o.segments {
            for (value, table) in column.values() {
                write_table(&mut csv, &[column.column(), value, &o.outcome], table)?;
            }
        }
    }
    csv.flush()
}

fn write_table<W: Write>(
    csv: &mut csv::Writer<W>,
    first: &[&str],
    table: &ContactTable,
) -> std::io::Result<()> {
    let d = table.decimals();
    let mut record: Vec<String> = Vec::new();
    for c in table.cells() {
        record.clear();
        record.extend(first.iter().map(|text| (*text).to_string()));
        record.push(table.arms()[usize::from(c.arm.0)].clone());
        record.extend_from_slice(table.strata().tuple(c.stratum));
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
    Ok(())
}

/// The files beside `evidence.json`, as far as they are there.
#[derive(Debug, Clone, Default)]
pub struct Files {
    /// `cells.csv`.
    pub cells: Vec<u8>,
    /// `weekly.csv`.
    pub weekly: Option<Vec<u8>>,
    /// `segments.csv`.
    pub segments: Option<Vec<u8>>,
    /// `spillover.csv`.
    pub spillover: Option<Vec<u8>>,
    /// `clusters.csv`.
    pub clusters: Option<Vec<u8>>,
    /// `panel.csv`, where regions were assigned for blocks of days.
    pub panel: Option<Vec<u8>>,
}

/// Reads back what [`head`] and the writers gave.
///
/// # Errors
/// Files that do not fit the head.
pub fn read(head: EvidenceHead, files: &Files) -> Result<Evidence> {
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
    let (weekly, spillover) = companions(&head, files)?;
    let segments = segments(&head, files.segments.as_deref())?;
    let mut csv = csv::Reader::from_reader(files.cells.as_slice());
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
        let cell = cell(&record, 1, &head.outcomes[current]).ok_or_else(|| damaged(line))?;
        by_outcome[current].push(cell);
    }
    let outcomes = head
        .outcomes
        .into_iter()
        .zip(by_outcome)
        .zip(weekly)
        .zip(segments)
        .map(|(((h, cells), weekly), segments)| {
            let table = ContactTable::new(h.arms, h.strata, h.exposure_unit, h.decimals, cells)?;
            Ok(OutcomeEvidence {
                outcome: h.outcome,
                table,
                weekly,
                segments,
                clusters: None,
                panel: None,
            })
        })
        .collect::<Result<_>>()?;
    let mut evidence = Evidence {
        audit: head.audit,
        outcomes,
        spillover,
        provenance: head.provenance,
    };
    if let Some(bytes) = &files.clusters {
        clusters::read(&mut evidence, bytes.as_slice())?;
    }
    if let Some(bytes) = &files.panel {
        panel::read(&mut evidence, bytes.as_slice())?;
    }
    Ok(evidence)
}

/// Segments of each outcome, columns in the order of the file.
fn segments(head: &EvidenceHead, bytes: Option<&[u8]>) -> Result<Vec<Vec<Segments>>> {
    type Values = Vec<(String, Vec<Cell>)>;
    let mut found: Vec<Vec<(String, Values)>> = vec![Vec::new(); head.outcomes.len()];
    let damaged = || {
        Error::workspace("segments.csv of the evidence is damaged").hint("run `pilot ingest` again")
    };
    let mut csv = csv::Reader::from_reader(bytes.unwrap_or_default());
    for record in csv.records() {
        let record = record.map_err(|_| damaged())?;
        let field = |i: usize| record.get(i).unwrap_or_default();
        let place = head.outcomes.iter().position(|o| o.outcome == field(2));
        let place = place.ok_or_else(damaged)?;
        let cell = cell(&record, 3, &head.outcomes[place]).ok_or_else(damaged)?;
        let columns = &mut found[place];
        if columns.last().is_none_or(|c| c.0 != field(0)) {
            columns.push((field(0).to_string(), Vec::new()));
        }
        let Some((_, values)) = columns.last_mut() else {
            continue;
        };
        match values.last_mut() {
            Some((value, cells)) if value == field(1) => cells.push(cell),
            _ => values.push((field(1).to_string(), vec![cell])),
        }
    }
    let outcomes = found.into_iter().zip(&head.outcomes);
    outcomes
        .map(|(columns, h)| {
            let columns = columns.into_iter().map(|(column, values)| {
                let tables = values.into_iter().map(|(value, cells)| {
                    let (arms, strata) = (h.arms.clone(), h.strata.clone());
                    let table =
                        ContactTable::new(arms, strata, h.exposure_unit, h.decimals, cells)?;
                    Ok((value, table))
                });
                Segments::new(column, tables.collect::<Result<_>>()?)
            });
            columns.collect()
        })
        .collect()
}

type Companions = (Vec<Option<Weekly>>, Option<Spillover>);

fn companions(head: &EvidenceHead, files: &Files) -> Result<Companions> {
    let damaged = |name: &str, e: Error| {
        Error::workspace(format!("{name} of the evidence is damaged: {e}"))
            .hint("run `pilot ingest` again")
    };
    let arms = head.outcomes.first().map_or(&[][..], |o| &o.arms);
    let weekly = match &files.weekly {
        None => vec![None; head.outcomes.len()],
        Some(bytes) => {
            let named: Vec<Named<'_>> = head
                .outcomes
                .iter()
                .map(|o| Named {
                    outcome: &o.outcome,
                    decimals: o.weekly_decimals.unwrap_or(0),
                })
                .collect();
            read_weekly(bytes.as_slice(), arms, &named).map_err(|e| damaged("weekly.csv", e))?
        }
    };
    let spillover = files.spillover.as_ref().map(|bytes| {
        read_spillover(bytes.as_slice(), arms, head.many_channels)
            .map_err(|e| damaged("spillover.csv", e))
    });
    Ok((weekly, spillover.transpose()?))
}

/// A record whose arm is field `from`.
fn cell(record: &csv::StringRecord, from: usize, head: &TableHead) -> Option<Cell> {
    let width = head.strata.columns().len();
    let field = |i: usize| record.get(from + i);
    let after_strata = |i: usize| field(1 + width + i);
    let arm = head
        .arms
        .iter()
        .position(|a| Some(a.as_str()) == field(0))?;
    let tuple: Vec<String> = (0..width)
        .map(|i| field(1 + i).map(String::from))
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
    use crate::table::exchange::{write_spillover, write_weekly};
    use crate::table::{Measure, SpillSums, WeekPair};

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
            cells.clone(),
        )
        .unwrap();
        let part = |cells: &[Cell]| {
            let (arms, strata) = (table.arms().to_vec(), table.strata().clone());
            ContactTable::new(arms, strata, ExposureUnit::Day, d, cells.to_vec()).unwrap()
        };
        let values = vec![
            ("b, \"c\"\n".to_string(), part(&cells[1..])),
            (String::new(), part(&cells[..1])),
        ];
        let segments = Segments::new("region".into(), values).unwrap();
        let pair = WeekPair {
            customers: 4,
            sum: 1_500_000,
            other_sum: 1_500_000,
            product: 2_250_000_000_000,
        };
        let weekly = Weekly::new(2, Weekly::MEAN_DECIMALS, [(ArmId(1), 0, 0, pair)]).unwrap();
        let sums = SpillSums {
            customers: 4,
            sum: 3,
            squares: 5,
        };
        let measures = vec![
            (
                Measure::Channel("a,\n\"b".into()),
                vec![SpillSums::default(), sums],
            ),
            (Measure::OtherReasons, vec![SpillSums::default(), sums]),
        ];
        let spillover = Spillover::new(2, measures, true).unwrap();
        let evidence = Evidence {
            audit: Audit {
                rows_read: 12,
                ..Audit::default()
            },
            outcomes: vec![OutcomeEvidence {
                outcome: "o".into(),
                table,
                weekly: Some(weekly),
                segments: vec![segments],
                clusters: None,
                panel: None,
            }],
            spillover: Some(spillover),
            provenance: Provenance::default(),
        };
        let mut files = Files {
            weekly: Some(Vec::new()),
            spillover: Some(Vec::new()),
            segments: Some(Vec::new()),
            ..Files::default()
        };
        write_cells(&evidence, &mut files.cells).unwrap();
        write_weekly(&evidence, files.weekly.as_mut().unwrap()).unwrap();
        write_spillover(&evidence, files.spillover.as_mut().unwrap()).unwrap();
        write_segments(&evidence, files.segments.as_mut().unwrap()).unwrap();
        assert_eq!(read(head(&evidence), &files).unwrap(), evidence);

        // Evidence of an earlier version has neither file, and its head says nothing of them.
        let mut old = serde_json::to_value(head(&evidence)).unwrap();
        let fields = old.as_object_mut().unwrap();
        fields.remove("scan");
        fields.remove("many_channels");
        let outcome = fields["outcomes"][0].as_object_mut().unwrap();
        outcome.remove("weekly_decimals");
        let old: EvidenceHead = serde_json::from_value(old).unwrap();
        assert_ne!(old.scan, EvidenceHead::SCAN);
        files.weekly = None;
        files.spillover = None;
        files.segments = None;
        let read_back = read(old, &files).unwrap();
        assert_eq!(read_back.outcomes[0].table, evidence.outcomes[0].table);
        assert_eq!(read_back.outcomes[0].weekly, None);
        assert_eq!(read_back.spillover, None);
    }
}
