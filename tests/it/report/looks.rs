//! Looks to render: the figures are plausible, not computed.

use pilot::analysis::{ArmLooks, BlindedRow, Boundaries, LookRow, LookState, PlannedLook};
use pilot::report::Document;

/// A document of which `made` looks of three were made.
pub fn with_looks(mut doc: Document, made: u32, sides: u8) -> Document {
    let fractions = [0.3, 0.7, 1.0];
    let critical = [5.2, 2.45, 2.0];
    let planned = (0..3)
        .map(|k| PlannedLook {
            look: k as u32 + 1,
            date: Some(format!("2026-10-{}", 10 + k)),
            information: fractions[k],
            z: critical[k],
            nominal_p: 0.01,
            spent: 0.01,
            futility: Some([-0.4, 1.2, 2.0][k]),
        })
        .collect();
    let treatments = doc.experiment.arms.iter().filter(|a| !a.control);
    let arms: Vec<ArmLooks> = treatments
        .enumerate()
        .map(|(i, arm)| ArmLooks {
            outcome: doc.experiment.primary_outcome.clone(),
            arm: arm.name.clone(),
            looks: (0..made as usize)
                .map(|k| LookRow {
                    look: k as u32 + 1,
                    until: Some(format!("2026-10-{}", 10 + k)),
                    information: 100.0 * fractions[k],
                    information_max: 100.0,
                    fraction: fractions[k],
                    z: 2.9 - 1.7 * i as f64,
                    critical: critical[k],
                    nominal_p: 0.01,
                    spent: Some(0.01),
                    futility: Some([-0.4, 1.2, 2.0][k]),
                    value: -0.1,
                    repeated_lower: Some(-0.2),
                    repeated_upper: Some(0.0),
                    repeated_p: Some(0.04),
                    days: None,
                })
                .collect(),
            state: if i == 0 && made > 1 {
                LookState::Effect
            } else {
                LookState::GoOn
            },
            crossed_at: (i == 0 && made > 1).then_some(2),
            p: Some(0.012),
            median_unbiased: (i == 0).then_some(-0.09),
            ci_lower: Some(-0.2),
            ci_upper: Some(0.0),
        })
        .collect();
    doc.look = Some(made);
    doc.boundaries = Some(Boundaries {
        kind: "group-sequential".into(),
        spending: Some("obrien-fleming".into()),
        spending_parameter: None,
        alpha: 0.05,
        alpha_each: 0.05,
        sides,
        look: made,
        looks_planned: Some(3),
        looks_made: made,
        until: Some("2026-10-10".into()),
        ended: made == 3,
        fractions_from: "projected".into(),
        blinded: Some(BlindedRow {
            rate_per_30_days: 0.34,
            dispersion: 1.2,
            customers: 4000,
        }),
        planned,
        arms,
        next: Vec::new(),
    });
    doc
}
