//! `pilot check NAME --re-estimate`: the size again, from all arms together.

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};

use crate::analysis::{self, BlindedRow};
use crate::engine::Request;
use crate::error::{Error, Result};
use crate::experiment::{Experiment, PlannedEstimand, Windows};
use crate::number::{count, fixed, percent_with};
use crate::stats::Estimator;
use crate::stats::power::{self, Method, Question};
use crate::stats::sequential::Blinded;
use crate::table::Evidence;
use crate::workspace::{Draft, kind};

use super::Global;
use super::first_stage::days;
use super::look::end;
use super::look_args::looks_of;
use super::pilot::{self, Opened};
use super::power::family;
use super::ui::Ui;

/// What the size is re-estimated for.
#[derive(Debug, Clone, clap::Args)]
pub struct ReEstimateArgs {
    /// Estimate the size again from all arms together, before the end; the ledger keeps it
    #[arg(long, requires = "reduction")]
    pub re_estimate: bool,
    /// Reduction of contacts worth finding, as it was planned for, for example 0.2
    #[arg(long, requires = "re_estimate")]
    reduction: Option<f64>,
    /// Correlation of a customer's contacts before and after, as it was planned for
    #[arg(long, requires = "re_estimate", default_value_t = 0.0)]
    correlation: f64,
    /// The day as of which to look (default: today); contacts count up to the day before
    #[arg(long, value_name = "DATE", requires = "re_estimate")]
    as_of: Option<Date>,
}

/// What was found, and what the plan needs by it.
#[derive(serde::Serialize)]
struct Found {
    until: String,
    rate_per_30_days: f64,
    dispersion: f64,
    reduction: f64,
    customers: u64,
    customers_needed: u64,
    /// Days of the after window with which the customers there are suffice; null where none do.
    days_needed: Option<u64>,
}

impl ReEstimateArgs {
    /// The last day whose contacts count.
    ///
    /// # Errors
    /// A test period that has not begun or that is over; a plan without dates.
    pub fn until(&self, e: &Experiment) -> Result<Date> {
        let usage = |message: String, hint: &str| {
            Err(Error::usage(message).key("--re-estimate").hint(hint))
        };
        let today = pilot::today(e);
        let as_of = self.as_of.unwrap_or(today);
        if as_of > today {
            return usage(
                format!("{as_of} is still to come"),
                "name today or a day before",
            );
        }
        let (Some(first), Some(last)) = (
            e.periods
                .as_ref()
                .and_then(|p| analysis::first_day(&p.windows)),
            end(e),
        ) else {
            return usage(
                "the plan has no dates, so nothing tells how much of the test period is in".into(),
                "periods.after, or periods.enrol, say it",
            );
        };
        if as_of > last {
            return usage(
                format!("the test period ended on {last}, so nothing can be enlarged any more"),
                "`pilot analyze` says what was found; a second stage needs extension_weights",
            );
        }
        match as_of.checked_sub(1.day()) {
            Ok(until) if until >= first => Ok(until),
            _ => usage(
                format!("the test period begins on {first}, and no day of it is over"),
                "wait until contacts of the test period have come in",
            ),
        }
    }
}

/// The scan that the flags ask for ends with a day of its own.
pub fn cut<'a>(request: Request<'a>, until: Option<Date>) -> Request<'a> {
    Request { until, ..request }
}

/// Says the size, and enters it in the ledger.
///
/// *Formula* — rate λ and dispersion φ of one negative binomial for all arms
/// ([`Blinded::fit`]); control's rate where every arm has the reduction sought; then the size of the
/// plan's own test, as `pilot design` computes it.
///
/// *Source* — Friede, T. and Schmidli, H. (2010), Statist. Med. 29, 1145-1156.
///
/// # Errors
/// An outcome that is no count; no contact yet; a reduction outside 0 to 1.
pub fn run(
    args: &ReEstimateArgs,
    until: Date,
    opened: &Opened,
    evidence: &Evidence,
    g: &Global,
    ui: &Ui,
) -> Result<serde_json::Value> {
    let e = opened.experiment();
    let reduction = args.reduction.unwrap_or_default();
    let row = analysis::blinded_until(e, evidence, until)?.ok_or_else(|| {
        Error::data("rate and dispersion cannot be estimated: no contact yet, or the outcome that decides is no count")
            .key("--re-estimate")
            .hint("sizes of other outcomes do not rest on a rate")
    })?;
    let found = needed(args, reduction, &row, e, evidence, until)?;
    if !g.dry_run {
        let lock = opened.pilot.lock("check", Timestamp::now())?;
        pilot::report_repairs(&lock, ui);
        let draft = Draft::new(kind::RE_ESTIMATE, Timestamp::now())
            .fact("until", found.until.clone())
            .fact("rate_per_30_days", found.rate_per_30_days)
            .fact("dispersion", found.dispersion)
            .fact("reduction", reduction)
            .fact("customers", found.customers)
            .fact("customers_needed", found.customers_needed)
            .fact("plan_sha256", opened.plan.sha256.clone());
        lock.append(draft)?;
    }
    ui.say(format!(
        "size    –    all arms together up to {until}: {} contacts per customer per 30 days, dispersion {}",
        fixed(found.rate_per_30_days, 3),
        fixed(found.dispersion, 2)
    ))?;
    ui.say(format!(
        "             a reduction of {} then takes {} customers for {} power; there are {}",
        percent_with(reduction, 0),
        count(found.customers_needed),
        percent_with(e.analysis.power, 0),
        count(found.customers)
    ))?;
    if let Some(days) = found
        .days_needed
        .filter(|_| found.customers_needed > found.customers)
    {
        ui.say(format!(
            "             with the customers there are: {} days of after instead of {}",
            count(days),
            count(length(e) as u64)
        ))?;
    }
    if found.customers_needed > found.customers {
        ui.say(
            "             the ledger keeps this: a plan enlarged now and approved again, before anybody looks at arms, is no material change",
        )?;
    }
    serde_json::to_value(found).map_err(|e| Error::internal(e.to_string()))
}

fn needed(
    args: &ReEstimateArgs,
    reduction: f64,
    row: &BlindedRow,
    e: &Experiment,
    evidence: &Evidence,
    until: Date,
) -> Result<Found> {
    if !(reduction > 0.0 && reduction < 1.0) {
        return Err(Error::usage("a reduction lies between 0 and 1")
            .key("--reduction")
            .hint("for example 0.2 for 20 %"));
    }
    let length = length(e);
    let weights: Vec<f64> = control_first(e)
        .map(|i| e.arms[i].weight.unwrap_or(1) as f64)
        .collect();
    let mut ratios = vec![1.0 - reduction; weights.len()];
    ratios[0] = 1.0;
    let pooled = Blinded {
        rate: row.rate_per_30_days / 30.0 * length,
        dispersion: row.dispersion,
        customers: row.customers,
    };
    let wrong = |why: String| Error::usage(why).key("--re-estimate");
    let question = Question {
        method: match e.analysis.estimand {
            PlannedEstimand::Difference => Method::Means,
            PlannedEstimand::Ratio => Method::Nb,
        },
        estimator: e
            .analysis
            .estimator
            .as_deref()
            .and_then(Estimator::from_name),
        rate: pooled
            .control_rate(&ratios, &weights)
            .map_err(|r| wrong(r.why))?,
        dispersion: row.dispersion,
        correlation: args.correlation,
        reduction: Some(reduction),
        alpha: e.analysis.alpha,
        power: Some(e.analysis.power),
        sides: if e.analysis.one_sided { 1 } else { 2 },
        weights,
        family: family(e.analysis.multiplicity.name()),
        looks: looks_of(e.analysis.sequential.as_ref())?,
        seed: e.seed,
        replicates: 0,
        ..Question::default()
    };
    let answer = power::answer(&question).map_err(|r| wrong(r.why))?;
    let customers = evidence.audit.customers;
    let with_these = Question {
        customers: Some(customers),
        ..question
    };
    // Too few customers for any window: the days stay unknown.
    let exposure = power::answer(&with_these)
        .ok()
        .and_then(|a| a.exposure_needed);
    let days_needed = exposure
        .map(|windows| (windows * length).ceil())
        .filter(|days| *days < 1e6)
        .map(|days| days as u64);
    Ok(Found {
        until: until.to_string(),
        rate_per_30_days: row.rate_per_30_days,
        dispersion: row.dispersion,
        reduction,
        customers,
        customers_needed: answer.n_total,
        days_needed,
    })
}

/// Days of the after window.
fn length(e: &Experiment) -> f64 {
    match e.periods.as_ref().map(|p| &p.windows) {
        Some(Windows::Fixed { after, .. }) => days(*after).unwrap_or(1) as f64,
        Some(Windows::Relative { after_days, .. }) => f64::from(*after_days),
        None => 1.0,
    }
}

fn control_first(e: &Experiment) -> impl Iterator<Item = usize> + '_ {
    std::iter::once(e.control()).chain(e.treatments())
}
