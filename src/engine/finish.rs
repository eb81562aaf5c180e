//! What both engines do alike once rows are added up.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::error::{Error, Result};
use crate::experiment::{BeforeKind, CountsFile, Experiment, OutcomeKind, Periods};
use crate::table::{Audit, Evidence, ExposureUnit, OutcomeEvidence, Provenance};

use super::arms::Assigned;
use super::clusters::{self, NO_CLUSTER, Names};
use super::counts;
use super::fields::MICRO;
use super::ledger::Ledger;
use super::repeats::Unit;
use super::roster::Customer;
use super::segments;
use super::tally::{CLUSTER, FIRST_OUTCOME, NONE, RowKey, tables};
use super::windows::Span4;
use super::{Request, Scan};

/// Names of the arms in the plan's order.
pub fn arm_names(experiment: &Experiment) -> Vec<String> {
    experiment.arms.iter().map(|a| a.name.clone()).collect()
}

/// The periods, without which a log cannot be read.
///
/// # Errors
/// The plan has none.
pub fn periods(experiment: &Experiment) -> Result<&Periods> {
    experiment.periods.as_ref().ok_or_else(|| {
        Error::plan("a contact log needs periods")
            .key("periods")
            .hint("add [periods] with before and after")
    })
}

/// What the rows of counts files add up to.
#[derive(Debug)]
pub struct CountsTally {
    /// Distinct rows with their customers, each customer once.
    pub rows: Vec<(RowKey, u64)>,
    /// Rows whose customer is in no arm.
    pub unassigned: u64,
    /// Repeats of a customer's row.
    pub duplicates: u64,
    /// Customers found in two arms.
    pub double_assigned: u64,
}

/// Evidence from counts.
///
/// # Errors
/// Rows that no table can hold.
pub fn finish_counts(
    request: &Request<'_>,
    file: &CountsFile,
    assigned: Option<&Assigned>,
    names: &Names,
    tally: CountsTally,
    ledger: Ledger,
) -> Result<Scan> {
    let mut rows = tally.rows;
    let absent = assigned.map(|a| absent(request.experiment, file, a, &rows));
    let has_units = file.unit.is_some();
    let audit = Audit {
        duplicate_customers: has_units.then_some(tally.duplicates),
        double_assigned: has_units.then_some(tally.double_assigned),
        unassigned_customers: assigned.is_some().then_some(tally.unassigned),
        assigned_without_row: absent.as_ref().map(|a| a.iter().map(|(_, n)| n).sum()),
        ..Audit::default()
    };
    rows.extend(absent.into_iter().flatten());
    finish(
        request,
        names,
        counts::exposure_unit(file),
        rows,
        ledger,
        audit,
    )
}

/// Keys of assigned customers without a row, with how many share each.
///
/// No row is no contact, so 0; a mean or yes/no outcome is unknown. `rows` holds
/// each customer who has a row once.
fn absent(
    experiment: &Experiment,
    file: &CountsFile,
    assigned: &Assigned,
    rows: &[(RowKey, u64)],
) -> Vec<(RowKey, u64)> {
    let mut missing: BTreeMap<(i64, i64, i64), u64> = BTreeMap::new();
    let mut assigned_clusters = false;
    for seat in assigned.seats() {
        assigned_clusters |= seat.cluster != NO_CLUSTER;
        let cluster = cluster_key(seat.cluster);
        *missing
            .entry((i64::from(seat.arm), i64::from(seat.stratum), cluster))
            .or_default() += 1;
    }
    for (key, customers) in rows {
        let cluster = if assigned_clusters {
            key[CLUSTER]
        } else {
            NONE
        };
        if let Some(left) = missing.get_mut(&(key[0], key[1], cluster)) {
            *left -= customers;
        }
    }
    let mut key = vec![NONE; segments::key_length(experiment)];
    key[2] = MICRO;
    for (i, o) in experiment.outcomes.iter().enumerate() {
        let before = FIRST_OUTCOME + 2 * i;
        if o.kind != OutcomeKind::Count {
            continue;
        }
        if file.exposure.is_none() {
            key[before + 1] = 0;
        }
        // Who was not observed before for a known time may not have been there at all.
        let same_count = o.before_kind == BeforeKind::Count && file.before_exposure.is_none();
        if same_count && rows.iter().any(|(row, _)| row[before] != NONE) {
            key[before] = 0;
        }
    }
    missing
        .into_iter()
        .map(|((arm, stratum, cluster), customers)| {
            (key[0], key[1], key[CLUSTER]) = (arm, stratum, cluster);
            (key.clone().into(), customers)
        })
        .collect()
}

/// A cluster's number in a row's key.
fn cluster_key(cluster: u32) -> i64 {
    match cluster {
        NO_CLUSTER => NONE,
        number => i64::from(number),
    }
}

/// The last day of the last window.
pub fn last_day(spans: &[Span4]) -> Option<String> {
    let last = spans.iter().map(|s| s.last_day).max();
    last.map(|day| day.to_string())
}

/// A customer's row from before and after of each outcome, in millionths.
pub fn log_key(
    experiment: &Experiment,
    customer: &Customer,
    span: &Span4,
    values: &[i64],
) -> Vec<i64> {
    let mut key = vec![
        i64::from(customer.arm),
        i64::from(customer.stratum),
        span.exposure,
        span.before_exposure,
        customer.uptake,
        cluster_key(customer.cluster),
    ];
    key.extend_from_slice(values);
    if !experiment.analysis.segments.is_empty() {
        key.push(segments::number(customer.segments));
    }
    for (outcome, pair) in experiment
        .outcomes
        .iter()
        .zip(key[FIRST_OUTCOME..].chunks_exact_mut(2))
    {
        if outcome.kind == OutcomeKind::Proportion {
            pair.iter_mut().for_each(|v| *v = (*v).min(MICRO));
        }
        if span.before_exposure == NONE {
            pair[0] = NONE;
        }
    }
    key
}

/// The last instant of a log as UTC RFC 3339.
pub fn last_contact(last: Option<i64>) -> Option<String> {
    last.and_then(|t| Timestamp::from_microsecond(t).ok())
        .map(|t| t.to_string())
}

/// The error of a customer whose values add up to too much.
pub fn total_too_large() -> Error {
    Error::data("a customer's total is larger than a 64-bit number holds")
}

/// A unit key without blanks around it, case and leading zeros.
pub fn loosely(unit: &[u8]) -> Unit {
    let text = String::from_utf8_lossy(unit);
    text.trim()
        .trim_start_matches('0')
        .to_lowercase()
        .into_bytes()
        .into()
}

/// Evidence from distinct rows.
///
/// # Errors
/// Rows that no table can hold; a cluster in two arms or strata.
pub fn finish(
    request: &Request<'_>,
    names: &Names,
    exposure_unit: ExposureUnit,
    rows: Vec<(RowKey, u64)>,
    ledger: Ledger,
    audit: Audit,
) -> Result<Scan> {
    let experiment = request.experiment;
    let outcomes = experiment.outcomes.len();
    let sum_by = |keep: &dyn Fn(&RowKey) -> bool| -> u64 {
        rows.iter().filter(|r| keep(&r.0)).map(|r| r.1).sum()
    };
    let audit = Audit {
        rows_read: ledger.rows,
        customers: rows.iter().map(|r| r.1).sum(),
        customers_by_arm: (0..experiment.arms.len())
            .map(|a| sum_by(&|k| k[0] == a as i64))
            .collect(),
        set_aside: ledger.lines_aside(),
        without_before: (0..outcomes)
            .map(|o| sum_by(&|k| k[FIRST_OUTCOME + 2 * o] == NONE))
            .collect(),
        missing_after: (0..outcomes)
            .map(|o| sum_by(&|k| k[FIRST_OUTCOME + 2 * o + 1] == NONE))
            .collect(),
        rounded_values: ledger.rounded,
        ..audit
    };
    if audit.customers == 0 {
        return Err(Error::data("the data hold no customers").key("data").hint(
            "check the files that the plan names, and the enrolment dates where it has them",
        ));
    }
    let arms = arm_names(experiment);
    let tables = tables(
        &arms,
        &experiment.assignment.strata,
        &names.strata,
        exposure_unit,
        outcomes,
        &rows,
    )?;
    let mut by_cluster = Vec::new();
    if rows.iter().any(|(key, _)| key[CLUSTER] != NONE) {
        names.clusters.agree(request, &rows)?;
        by_cluster = clusters::tables(experiment, &names.strata, &tables, &rows)?;
    }
    let mut by_cluster = by_cluster.into_iter();
    let outcomes = experiment
        .outcomes
        .iter()
        .zip(tables)
        .map(|(o, table)| OutcomeEvidence {
            outcome: o.name.clone(),
            table,
            weekly: None,
            segments: Vec::new(),
            clusters: by_cluster.next(),
            panel: None,
        })
        .collect();
    let mut evidence = Evidence {
        audit,
        outcomes,
        spillover: None,
        provenance: Provenance::default(),
    };
    segments::attach(experiment, &names.strata, &rows, &mut evidence)?;
    Ok(Scan {
        evidence,
        set_aside: ledger.set_aside,
    })
}
