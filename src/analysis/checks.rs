//! Health checks: can the comparison be trusted?

use crate::error::Result;
use crate::experiment::{Experiment, OutcomeKind};
pub(super) use crate::number::count as people;
use crate::number::fixed;
use crate::stats::{balance, cluster, srm, welch_t};
use crate::table::{ArmId, Audit, Comparison, ContactTable, Evidence, Moments};
use crate::texts::text;

use super::Phase;
use super::attrition::attrition;
use super::before_and_zeros::{baseline_drift, zero_inflation};
use super::clusters::ByCluster;
use super::empty::no_contacts;
use super::model::{Check, Status};
use super::small::told;
use super::warnings::title;

/// p below which a sample-ratio mismatch stops the analysis.
const SRM_STOPS: f64 = 0.001;
/// p below which balance and exposure warn.
pub(super) const WARNS: f64 = 0.01;
/// Joint p below which a large single difference is a warning too.
const RARE: f64 = 0.05;
/// Standardised difference beyond which balance warns, where chance does not explain it.
const LARGE_SMD: f64 = 0.1;
/// Share of rows set aside beyond which a warning is due.
const MANY_SET_ASIDE: f64 = 0.001;
/// Share of customers that loose matching would add beyond which a warning is due.
const MANY_NEAR: f64 = 0.01;

/// Why a check that takes customers for independent does not run.
pub fn whole_clusters() -> String {
    text!("check.whole-clusters")
}

/// Why a check that compares arms after the start does not run before the end.
pub fn after_the_end() -> String {
    text!("check.after-the-end")
}

/// Why a check of a clustered pilot cannot run.
fn no_clusters() -> String {
    text!("check.no-clusters")
}

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
        sample_ratio(experiment, audit, &told(experiment, evidence), by_cluster),
        balance_check(experiment, table, by_cluster),
        attrition(experiment, table, phase == Phase::Ended)?,
        exposure(experiment, table, by_cluster)?,
        double_assignment(audit),
        unassigned(audit),
        duplicates(audit),
        quarantined(audit),
        no_contacts(experiment, evidence, phase),
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
pub fn not_run(id: &str, why: String) -> Check {
    let mut rest = why.chars();
    let first = rest.next().into_iter().flat_map(char::to_uppercase);
    let detail = first.chain(rest).chain(['.']).collect();
    check(id, Status::NotRun, None, None, detail)
}

fn sample_ratio(
    experiment: &Experiment,
    audit: &Audit,
    told: &[Option<u64>],
    by_cluster: Option<ByCluster<'_>>,
) -> Check {
    let weights: Option<Vec<u64>> = experiment.arms.iter().map(|a| a.weight).collect();
    let Some(weights) = weights else {
        return not_run("srm", text!("check.srm-no-weights"));
    };
    let counts = match by_cluster {
        None => audit.customers_by_arm.clone(),
        Some(by_cluster) => match by_cluster.table() {
            None => return not_run("srm", no_clusters()),
            Some(table) => {
                let arms = 0..experiment.arms.len() as u16;
                arms.map(|a| table.clusters(ArmId(a))).collect()
            }
        },
    };
    let Some(test) = srm::goodness_of_fit(&counts, &weights) else {
        return not_run("srm", text!("check.srm-no-customers"));
    };
    let by_arm: Vec<String> = experiment
        .arms
        .iter()
        .zip(&counts)
        .enumerate()
        .map(|(i, (a, n))| {
            let size = match told.get(i) {
                Some(None) if by_cluster.is_none() => format!("<{}", experiment.min_cell),
                _ => people(*n),
            };
            format!("{} {size}", a.name)
        })
        .collect();
    let shares = weights
        .iter()
        .map(u64::to_string)
        .collect::<Vec<_>>()
        .join(":");
    let sizes = by_arm.join(", ");
    let (status, detail) = match (test.p_value < SRM_STOPS, by_cluster) {
        (true, None) => (Status::Stop, text!("check.srm-differ", sizes, shares)),
        (true, Some(_)) => (
            Status::Stop,
            text!("check.srm-clusters-differ", sizes, shares),
        ),
        (false, None) => (Status::Ok, text!("check.srm-fit", sizes, shares)),
        (false, Some(_)) => (Status::Ok, text!("check.srm-clusters-fit", sizes, shares)),
    };
    // From the statistic and the other sizes one could work out the size that is not told.
    let hidden = by_cluster.is_none() && told.iter().any(Option::is_none);
    let statistic = Some(test.statistic).filter(|_| !hidden);
    let p = Some(test.p_value).filter(|_| !hidden);
    check("srm", status, statistic, p, detail)
}

fn balance_check(
    experiment: &Experiment,
    table: &ContactTable,
    by_cluster: Option<ByCluster<'_>>,
) -> Check {
    let omnibus = match by_cluster.map(|b| b.table()) {
        None => balance::omnibus(table),
        Some(Some(clusters)) => balance::omnibus_of_clusters(clusters),
        Some(None) => return not_run("balance", no_clusters()),
    };
    if !table.has_before() && table.strata().len() < 2 && by_cluster.is_none() {
        return not_run("balance", text!("check.balance-nothing"));
    }
    let Some(test) = omnibus else {
        return not_run("balance", text!("check.balance-no-spread"));
    };
    let primary = experiment.primary_outcome();
    let largest = super::describe::balance(experiment, [(primary, table)])
        .unwrap_or_default()
        .into_iter()
        .filter_map(|r| {
            let arm = experiment.arms.iter().position(|a| a.name == r.arm)?;
            Some((r.smd?, r.covariate, title(experiment, arm)))
        })
        .max_by(|a, b| a.0.abs().total_cmp(&b.0.abs()));
    let (mut status, mut detail) = match test.p_value < WARNS {
        true => (Status::Warn, text!("check.balance-differs")),
        false => (Status::Ok, text!("check.balance-fits")),
    };
    if let Some((smd, covariate, arm)) = largest {
        let shown = fixed(smd, 3);
        detail.push(' ');
        // In a small pilot chance alone gives larger ones, and the joint test says so.
        detail.push_str(&if smd.abs() > LARGE_SMD && test.p_value < RARE {
            status = Status::Warn;
            let limit = LARGE_SMD;
            text!("check.balance-beyond", smd = shown, covariate, arm, limit)
        } else {
            text!("check.balance-largest", smd = shown, covariate, arm)
        });
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
            text!("check.exposure-same"),
        ));
    }
    if by_cluster.is_some_and(|b| b.table().is_none()) {
        return Ok(not_run("exposure", no_clusters()));
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
        return Ok(not_run("exposure", text!("check.exposure-few")));
    };
    // Bonferroni over the treatment arms.
    let p = (p * arms.len() as f64).min(1.0);
    let (status, detail) = if p < WARNS {
        let arm = title(experiment, arm);
        (Status::Warn, text!("check.exposure-differs", arm))
    } else {
        (Status::Ok, text!("check.exposure-fits"))
    };
    Ok(check("exposure", status, Some(t), Some(p), detail))
}

fn double_assignment(audit: &Audit) -> Check {
    let id = "double-assignment";
    let Some(n) = audit.double_assigned else {
        return not_run(id, text!("check.no-customers-named"));
    };
    let (status, detail) = match n {
        0 => (Status::Ok, text!("check.double-none")),
        n => (
            Status::Stop,
            text!("check.double-some", customers = people(n)),
        ),
    };
    check(id, status, Some(n as f64), None, detail)
}

fn unassigned(audit: &Audit) -> Check {
    let id = "unassigned-contacts";
    if let Some(u) = &audit.unassigned_contacts {
        let near = audit.near_matches.unwrap_or(0);
        if near as f64 > MANY_NEAR * audit.customers as f64 {
            let detail = text!("check.unassigned-near", customers = people(near));
            return check(id, Status::Warn, Some(u.contacts as f64), None, detail);
        }
        let rows = audit.unassigned_customers.unwrap_or(0);
        let mut sentences = Vec::new();
        if u.contacts > 0 {
            sentences.push(text!(
                "check.unassigned-contacts",
                contacts = people(u.contacts),
                customers = people(u.customers)
            ));
        }
        if rows > 0 {
            sentences.push(text!("check.unassigned-roster", rows = people(rows)));
        }
        let status = if sentences.is_empty() {
            sentences.push(text!("check.unassigned-no-contact"));
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
    let Some(rows) = audit.unassigned_customers else {
        return not_run(id, text!("check.unassigned-one-file"));
    };
    let (status, detail) = match rows {
        0 => (Status::Ok, text!("check.unassigned-no-row")),
        n => (
            Status::Info,
            text!("check.unassigned-rows", rows = people(n)),
        ),
    };
    check(id, status, Some(rows as f64), None, detail)
}

fn duplicates(audit: &Audit) -> Check {
    let id = "duplicates";
    let Some(customers) = audit.duplicate_customers else {
        return not_run(id, text!("check.no-customers-named"));
    };
    if let Some(repeats) = audit.repeated_contacts.filter(|n| *n > 0) {
        let detail = text!("check.duplicates-exact", contacts = people(repeats));
        return check(id, Status::Warn, Some(repeats as f64), None, detail);
    }
    let contacts = audit.duplicate_contacts.unwrap_or(0);
    let (status, detail) = match customers + contacts {
        0 => (Status::Ok, text!("check.duplicates-none")),
        _ => (
            Status::Info,
            text!(
                "check.duplicates-some",
                customers = people(customers),
                contacts = people(contacts)
            ),
        ),
    };
    let statistic = Some((customers + contacts) as f64);
    check(id, status, statistic, None, detail)
}

pub(super) fn quarantined(audit: &Audit) -> Check {
    let id = "quarantined-rows";
    let share = audit.set_aside as f64 / audit.rows_read.max(1) as f64;
    let rows = people(audit.rows_read);
    let (status, detail) = match audit.set_aside {
        0 => (Status::Ok, text!("check.quarantined-none", rows)),
        n => (
            match share > MANY_SET_ASIDE {
                true => Status::Warn,
                false => Status::Info,
            },
            text!("check.quarantined-some", aside = people(n), rows),
        ),
    };
    check(id, status, Some(audit.set_aside as f64), None, detail)
}

fn overdispersion(
    experiment: &Experiment,
    table: &ContactTable,
    kind: OutcomeKind,
) -> Result<Check> {
    let id = "overdispersion";
    if kind != OutcomeKind::Count {
        return Ok(not_run(id, text!("check.not-a-count")));
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
        return Ok(not_run(id, text!("check.overdispersion-empty")));
    }
    let dispersion = squares / df;
    let (status, detail) = if dispersion > 1.2 {
        let times = format!("{dispersion:.1}");
        (Status::Info, text!("check.overdispersion-more", times))
    } else {
        let times = format!("{dispersion:.2}");
        (Status::Ok, text!("check.overdispersion-none", times))
    };
    Ok(check(id, status, Some(dispersion), None, detail))
}
