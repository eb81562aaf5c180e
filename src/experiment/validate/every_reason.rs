//! The outcome beside the primary one that counts a log's contacts for every reason.

use crate::experiment::model::{
    BeforeKind, Better, CostBasis, DEFAULT_AFTER, Data, Outcome, OutcomeKind, Role,
};

/// Names of the outcomes that are made here, of contacts and of handling time.
const NAMES: [(OutcomeKind, &str); 2] = [
    (OutcomeKind::Count, "all-contacts"),
    (OutcomeKind::Mean, "all-handling-seconds"),
];

/// What has a price, counted for every reason: money from some reasons alone hides contacts that moved
/// to others. An outcome of the plan that counts it serves; otherwise it is made here, so that both
/// engines and every estimator see an outcome like any other.
///
/// `None` where the primary outcome counts every reason already, where the data tell no other, or where
/// the name is taken by something else.
pub(super) fn outcome(
    cost: Option<&CostBasis>,
    data: Option<&Data>,
    outcomes: &mut Vec<Outcome>,
) -> Option<String> {
    let Some(Data::Log { .. }) = data else {
        return None;
    };
    let primary = outcomes.iter().find(|o| o.role == Role::Primary)?;
    let counts = primary.kind == OutcomeKind::Count && primary.better == Better::Lower;
    if primary.reasons.is_empty() || !counts {
        return None;
    }
    let kind = match cost? {
        CostBasis::PerContact(_) => OutcomeKind::Count,
        CostBasis::PerMinute(_) => OutcomeKind::Mean,
    };
    let fits = |o: &&Outcome| {
        o.kind == kind && o.better == Better::Lower && o.reasons.is_empty() && o.cap.is_none()
    };
    if let Some(own) = outcomes.iter().find(fits) {
        return Some(own.name.clone());
    }
    let (_, name) = NAMES.iter().find(|n| n.0 == kind)?;
    if outcomes.iter().any(|o| o.name == *name) {
        return None;
    }
    outcomes.push(added(name, kind, Vec::new()));
    Some((*name).to_owned())
}

/// An outcome of the log that money needs and the plan does not name.
pub(super) fn added(name: &str, kind: OutcomeKind, reasons: Vec<String>) -> Outcome {
    Outcome {
        name: name.to_owned(),
        role: Role::Secondary,
        kind,
        reasons,
        better: Better::Lower,
        cap: None,
        after: DEFAULT_AFTER.to_owned(),
        before: None,
        before_kind: BeforeKind::Count,
        margin: None,
    }
}
