//! `panel.csv`: a row a region and block, beside `cells.csv`.

use std::io::{Read, Write};

use crate::error::{Error, Result};
use crate::table::cells::ArmId;
use crate::table::evidence::Evidence;
use crate::table::panel::{Panel, PanelRow};

const HEADER: [&str; 7] = [
    "outcome", "region", "block", "arm", "days", "exposure", "after",
];

/// Whether there is anything to write.
pub fn any(evidence: &Evidence) -> bool {
    evidence.outcomes.iter().any(|o| o.panel.is_some())
}

/// Writes the panels of all outcomes; regions and blocks are counted from 1.
///
/// # Errors
/// The writer's own.
pub fn write(evidence: &Evidence, to: impl Write) -> std::io::Result<()> {
    let mut csv = csv::Writer::from_writer(to);
    csv.write_record(HEADER)?;
    for o in &evidence.outcomes {
        for row in o.panel.iter().flat_map(Panel::rows) {
            csv.write_record([
                o.outcome.as_str(),
                &(row.region + 1).to_string(),
                &(row.block + 1).to_string(),
                &o.table.arms()[usize::from(row.arm.0)],
                &row.days.to_string(),
                &row.exposure.to_string(),
                &row.y.to_string(),
            ])?;
        }
    }
    csv.flush()
}

/// Reads back what [`write`] wrote, into the evidence whose cells were read before.
///
/// # Errors
/// Regions that do not fit the cells.
pub fn read(evidence: &mut Evidence, from: impl Read) -> Result<()> {
    let mut rows: Vec<Vec<PanelRow>> = vec![Vec::new(); evidence.outcomes.len()];
    let mut csv = csv::Reader::from_reader(from);
    for record in csv.records() {
        let found = record.ok().and_then(|record| row(evidence, &record));
        let (outcome, row) = found.ok_or_else(|| {
            Error::workspace("the regions of the evidence are damaged")
                .hint("run `pilot ingest` again")
        })?;
        rows[outcome].push(row);
    }
    for (o, rows) in evidence.outcomes.iter_mut().zip(rows) {
        if !rows.is_empty() {
            o.panel = Some(Panel::new(&o.table, rows)?);
        }
    }
    Ok(())
}

fn row(evidence: &Evidence, record: &csv::StringRecord) -> Option<(usize, PanelRow)> {
    let name = record.get(0)?;
    let outcome = evidence.outcomes.iter().position(|o| o.outcome == name)?;
    let arms = evidence.outcomes[outcome].table.arms();
    let arm = record.get(3)?;
    let number = |i: usize| record.get(i)?.parse::<i64>().ok();
    let ordinal = |i: usize| u32::try_from(number(i)?.checked_sub(1)?).ok();
    let row = PanelRow {
        region: ordinal(1)?,
        block: ordinal(2)?,
        arm: ArmId(u16::try_from(arms.iter().position(|a| a == arm)?).ok()?),
        days: u32::try_from(number(4)?).ok()?,
        exposure: number(5)?,
        y: number(6)?,
    };
    Some((outcome, row))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::evidence::{Audit, OutcomeEvidence, Provenance};

    fn evidence() -> Evidence {
        let rows = [
            (0, 0, 0, 7, 700, 30),
            (0, 1, 1, 6, 600, 20),
            (1, 0, 1, 0, 0, 0),
            (1, 1, 0, 7, 1400, 0),
        ];
        let rows = rows.map(|(region, block, arm, days, exposure, y)| PanelRow {
            region,
            block,
            arm: ArmId(arm),
            days,
            exposure,
            y,
        });
        let arms = vec!["control".into(), "notice, new".into()];
        let rows = rows.into_iter().rev().collect();
        let outcome = OutcomeEvidence::of_panel("calls", arms, rows).unwrap();
        Evidence {
            audit: Audit::default(),
            outcomes: vec![outcome],
            spillover: None,
            provenance: Provenance::default(),
        }
    }

    #[test]
    fn panels_round_trip() {
        let whole = evidence();
        let mut bytes = Vec::new();
        write(&whole, &mut bytes).unwrap();
        let mut back = whole.clone();
        back.outcomes[0].panel = None;
        read(&mut back, bytes.as_slice()).unwrap();
        assert_eq!(back, whole);
        let panel = back.outcomes[0].panel.as_ref().unwrap();
        assert_eq!((panel.regions(), panel.blocks()), (2, 2));
        assert_eq!(panel.observed().count(), 3);
    }

    #[test]
    fn a_changed_panel_is_refused() {
        let whole = evidence();
        let mut bytes = Vec::new();
        write(&whole, &mut bytes).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        for (from, to) in [
            (",700,30", ",700,31"),
            ("calls,1,2,", "calls,1,1,"),
            ("calls,2,2,", "calls,0,2,"),
            (",7,1400,0", ",0,1400,0"),
        ] {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text);
            assert!(read(&mut evidence(), changed.as_bytes()).is_err(), "{to}");
        }
    }
}
