//! Health checks: can the comparison be trusted?

use crate::error::Result;
use crate::experiment::{Experiment, OutcomeKind};
use crate::number::fixed;
use crate::stats::{balance, cluster, srm, welch_t};
use crate::table::{ArmId, Audit, Comparison, ContactTable, Evidence, Moments};

use super::Phase;
use super::attrition::attrition;
use super::before_and_zeros::{baseline_drift, zero_inflation};
use super::clusters::ByCluster;
use super::model::{Check, Status};

/// p below which a sample-ratio mismatch stops the analysis.
const SRM_STOPS: f64 = 0.001;
/// p below which balance and exposure warn.
pub(super) const WARNS: f64 = 0.01;
/// Standardised difference beyond which balance warns.
const LARGE_SMD: f64 = 0.1;
/// Share of rows set aside beyond which a warning is due.
const MANY_SET_ASIDE: f64 = 0.001;
/// Share of customers that loose matching would add beyond which a warning is due.
const MANY_NEAR: f64 = 0.01;

/// Why a check that takes customers for independent does not run.
pub const WHOLE_CLUSTERS: &str =
    "it takes customers one by one, and this pilot assigned whole clusters";
/// Why a check of a clustered pilot cannot run.
const NO_CLUSTERS: &str = "the evidence does not say which customers share a cluster";

/// All checks that need no estimate, in the order of the reference list.
///
/// # Errors
/// Sums that exceed 127 bits.
pub fn all(experiment: &Experiment, evidence: &Evidence, phase: Phase) -> Result<Vec<Check>> {
    let outcome = experiment
        .outcomes
        .iter()
        .position(|o| o.name == experiment.primary_outcome().name)
        .unwrap_or(0);
    let table = &evidence.outcomes[outcome].table;
    let audit = &evidence.audit;
    let by_cluster = ByCluster::of(experiment, &evidence.outcomes[outcome], None);
    Ok(vec![
        sample_ratio(experiment, audit, by_cluster),
        balance_check(experiment, table, by_cluster),
        attrition(experiment, table, phase == Phase::Ended)?,
        exposure(experiment, table, by_cluster)?,
        double_assignment(audit),
        unassigned(audit),
        duplicates(audit),
        quarantined(audit),
        baseline_drift(experiment, table)?,
        overdispersion(experiment, table, experiment.outcomes[outcome].kind)?,
        zero_inflation(experiment, table, experiment.outcomes[outcome].kind)?,
    ])
}

/// A check's outcome.
pub fn check(
    id: &str,
    status: Status,
    statistic: Option<f64>,
    p_value: Option<f64>,
    detail: String,
) -> Check {
    Check {
        id: id.into(),
        status,
        statistic,
        p_value,
        detail,
    }
}

/// A check that the data do not allow, and why.
pub fn not_run(id: &str, why: &str) -> Check {
    let mut detail = why.to_string();
    detail[..1].make_ascii_uppercase();
    check(id, Status::NotRun, None, None, detail + ".")
}

pub(super) fn people(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, d) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(d);
    }
    out
}

fn sample_ratio(
    experiment: &Experiment,
    audit: &Audit,
    by_cluster: Option<ByCluster<'_>>,
) -> Check {
    let weights: Option<Vec<u64>> = experiment.arms.iter().map(|a| a.weight).collect();
    let Some(weights) = weights else {
        return not_run("srm", "the plan states no weights for its existing arms");
    };
    let (counts, what, lost) = match by_cluster {
        None => (audit.customers_by_arm.clone(), "sizes", "customers"),
        Some(by_cluster) => match by_cluster.table() {
            None => return not_run("srm", NO_CLUSTERS),
            Some(table) => {
                let arms = 0..experiment.arms.len() as u16;
                let clusters = arms.map(|a| table.clusters(ArmId(a))).collect();
                (clusters, "numbers of clusters", "clusters")
            }
        },
    };
    let Some(test) = srm::goodness_of_fit(&counts, &weights) else {
        return not_run("srm", "there are no customers");
    };
    let by_arm: Vec<String> = experiment
        .arms
        .iter()
        .zip(&counts)
        .map(|(a, n)| format!("{} {}", a.name, people(*n)))
        .collect();
    let shares = weights
        .iter()
        .map(u64::to_string)
        .collect::<Vec<_>>()
        .join(":");
    if test.p_value < SRM_STOPS {
        return check(
            "srm",
            Status::Stop,
            Some(test.statistic),
            Some(test.p_value),
            format!(
                "The arms' {what} ({}) do not fit the planned {shares}: {lost} were lost or added by arm, so the arms cannot be compared. Find out where before reading any effect.",
                by_arm.join(", ")
            ),
        );
    }
    check(
        "srm",
        Status::Ok,
        Some(test.statistic),
        Some(test.p_value),
        format!(
            "The arms' {what} ({}) fit the planned {shares}.",
            by_arm.join(", ")
        ),
    )
}

fn balance_check(
    experiment: &Experiment,
    table: &ContactTable,
    by_cluster: Option<ByCluster<'_>>,
) -> Check {
    let omnibus = match by_cluster.map(|b| b.table()) {
        None => balance::omnibus(table),
        Some(Some(clusters)) => balance::omnibus_of_clusters(clusters),
        Some(None) => return not_run("balance", NO_CLUSTERS),
    };
    if !table.has_before() && table.strata().len() < 2 && by_cluster.is_none() {
        return not_run(
            "balance",
            "there is neither a before value nor a stratum to compare",
        );
    }
    let Some(test) = omnibus else {
        return not_run("balance", "the before values and strata do not vary");
    };
    let largest = super::describe::balance(experiment, std::slice::from_ref(table))
        .unwrap_or_default()
        .into_iter()
        .filter_map(|r| r.smd.map(|s| (s, r.covariate, r.arm)))
        .max_by(|a, b| a.0.abs().total_cmp(&b.0.abs()));
    let (status, mut detail) = if test.p_value < WARNS {
        (
            Status::Warn,
            "Before the start the arms differ more than chance explains.".to_string(),
        )
    } else {
        (
            Status::Ok,
            "Before the start the arms differ no more than chance explains.".to_string(),
        )
    };
    let mut status = status;
    if let Some((smd, covariate, arm)) = largest {
        if smd.abs() > LARGE_SMD {
            status = Status::Warn;
        }
        detail.push_str(&format!(
            " Largest standardised difference: {} ({covariate}, {arm}){}.",
            fixed(smd, 3),
            if smd.abs() > LARGE_SMD {
                format!(", beyond {LARGE_SMD}: read the adjusted estimates")
            } else {
                String::new()
            }
        ));
    }
    check(
        "balance",
        status,
        Some(test.statistic),
        Some(test.p_value),
        detail,
    )
}

fn exposure(
    experiment: &Experiment,
    table: &ContactTable,
    by_cluster: Option<ByCluster<'_>>,
) -> Result<Check> {
    if table.constant_exposure().is_some() {
        return Ok(check(
            "exposure",
            Status::Ok,
            None,
            None,
            "Every customer was observed equally long.".into(),
        ));
    }
    if by_cluster.is_some_and(|b| b.table().is_none()) {
        return Ok(not_run("exposure", NO_CLUSTERS));
    }
    let mut smallest: Option<(f64, f64, usize)> = None;
    let arms: Vec<usize> = experiment.treatments().collect();
    for arm in &arms {
        let c = Comparison::new(
            table,
            ArmId(*arm as u16),
            ArmId(experiment.control() as u16),
        )?;
        let part = |m: &Moments| {
            let n = m.n as f64;
            let mean = m.e as f64 * c.e_unit() / n;
            (
                n,
                mean,
                Moments::centred(m.n, m.e, m.e, m.ee) * c.e_unit().powi(2) / (n - 1.0),
            )
        };
        let found = match by_cluster.and_then(|b| b.table()) {
            Some(clusters) => cluster::exposure(&c, clusters),
            None => welch_t(part(&c.treatment.total), part(&c.control.total)),
        };
        if let Some((t, _, p)) = found
            && smallest.is_none_or(|(_, s, _)| p < s)
        {
            smallest = Some((t, p, *arm));
        }
    }
    let Some((t, p, arm)) = smallest else {
        return Ok(not_run(
            "exposure",
            "an arm has fewer than two observed customers",
        ));
    };
    // Bonferroni over the treatment arms.
    let p = (p * arms.len() as f64).min(1.0);
    Ok(if p < WARNS {
        check(
            "exposure",
            Status::Warn,
            Some(t),
            Some(p),
            format!(
                "The arm \"{}\" was observed for a different time than control; compare rates, and find out why.",
                experiment.arms[arm].name
            ),
        )
    } else {
        check(
            "exposure",
            Status::Ok,
            Some(t),
            Some(p),
            "The arms were observed equally long on average.".into(),
        )
    })
}

fn double_assignment(audit: &Audit) -> Check {
    match audit.double_assigned {
        None => not_run("double-assignment", "the data name no customers"),
        Some(0) => check(
            "double-assignment",
            Status::Ok,
            Some(0.0),
            None,
            "No customer is in two arms.".into(),
        ),
        Some(n) => check(
            "double-assignment",
            Status::Stop,
            Some(n as f64),
            None,
            format!(
                "{} customers are in two arms; they are in no table. Mend the roster before reading any effect.",
                people(n)
            ),
        ),
    }
}

fn unassigned(audit: &Audit) -> Check {
    let id = "unassigned-contacts";
    if let Some(u) = &audit.unassigned_contacts {
        let near = audit.near_matches.unwrap_or(0);
        if near as f64 > MANY_NEAR * audit.customers as f64 {
            return check(
                id,
                Status::Warn,
                Some(u.contacts as f64),
                None,
                format!(
                    "{} customers of the log would be known if case, blanks or leading zeros were ignored: the identifiers of roster and log are probably written differently, and their contacts are missing from the result.",
                    people(near)
                ),
            );
        }
        let rows = audit.unassigned_customers.unwrap_or(0);
        let mut sentences = Vec::new();
        if u.contacts > 0 {
            sentences.push(format!(
                "{} contacts are of {} customers who are in no arm; they do not count.",
                people(u.contacts),
                people(u.customers)
            ));
        }
        if rows > 0 {
            sentences.push(format!(
                "{} rows of the roster are of customers who have no arm yet; they do not count.",
                people(rows)
            ));
        }
        let status = if sentences.is_empty() {
            sentences.push("Every contact is of an assigned customer.".into());
            Status::Ok
        } else {
            Status::Info
        };
        return check(
            id,
            status,
            Some(u.contacts as f64),
            None,
            sentences.join(" "),
        );
    }
    match audit.unassigned_customers {
        None => not_run(id, "arms and counts are in one file"),
        Some(0) => check(
            id,
            Status::Ok,
            Some(0.0),
            None,
            "Every row is of an assigned customer.".into(),
        ),
        Some(n) => check(
            id,
            Status::Info,
            Some(n as f64),
            None,
            format!(
                "{} rows are of customers who are in no arm; they do not count.",
                people(n)
            ),
        ),
    }
}

fn duplicates(audit: &Audit) -> Check {
    let id = "duplicates";
    let Some(customers) = audit.duplicate_customers else {
        return not_run(id, "the data name no customers");
    };
    if let Some(repeats) = audit.repeated_contacts.filter(|n| *n > 0) {
        return check(
            id,
            Status::Warn,
            Some(repeats as f64),
            None,
            format!(
                "{} contacts repeat an earlier row exactly; without a column of contact identifiers nothing was dropped.",
                people(repeats)
            ),
        );
    }
    let contacts = audit.duplicate_contacts.unwrap_or(0);
    match customers + contacts {
        0 => check(
            id,
            Status::Ok,
            Some(0.0),
            None,
            "No row is there twice.".into(),
        ),
        n => check(
            id,
            Status::Info,
            Some(n as f64),
            None,
            format!(
                "{} repeated customers and {} repeated contacts were counted once.",
                people(customers),
                people(contacts)
            ),
        ),
    }
}

pub(super) fn quarantined(audit: &Audit) -> Check {
    let id = "quarantined-rows";
    let share = audit.set_aside as f64 / audit.rows_read.max(1) as f64;
    match audit.set_aside {
        0 => check(
            id,
            Status::Ok,
            Some(0.0),
            None,
            format!("All {} rows could be read.", people(audit.rows_read)),
        ),
        n => check(
            id,
            if share > MANY_SET_ASIDE {
                Status::Warn
            } else {
                Status::Info
            },
            Some(n as f64),
            None,
            format!(
                "{} of {} rows could not be read and were set aside with line and reason.",
                people(n),
                people(audit.rows_read)
            ),
        ),
    }
}

fn overdispersion(
    experiment: &Experiment,
    table: &ContactTable,
    kind: OutcomeKind,
) -> Result<Check> {
    let id = "overdispersion";
    if kind != OutcomeKind::Count {
        return Ok(not_run(id, "the outcome is not a count"));
    }
    let (mut squares, mut mean_total, mut df) = (0.0, 0.0, 0.0);
    for arm in 0..experiment.arms.len() {
        let a = ArmId(arm as u16);
        let m = Comparison::new(table, a, a)?.control.total;
        if m.n > 1 && m.y > 0 {
            let mean = m.y as f64 / m.n as f64;
            squares += Moments::centred(m.n, m.y, m.y, m.yy) / mean;
            mean_total += mean;
            df += m.n as f64 - 1.0;
        }
    }
    if df == 0.0 || mean_total == 0.0 {
        return Ok(not_run(id, "there are no contacts"));
    }
    let dispersion = squares / df;
    let detail = if dispersion > 1.2 {
        format!(
            "Contacts vary {dispersion:.1} times as much between customers as pure chance (Poisson) would; the estimators used allow for it."
        )
    } else {
        format!(
            "Contacts vary about as much between customers as pure chance (Poisson) would ({dispersion:.2} times)."
        )
    };
    Ok(check(
        id,
        if dispersion > 1.2 {
            Status::Info
        } else {
            Status::Ok
        },
        Some(dispersion),
        None,
        detail,
    ))
}
