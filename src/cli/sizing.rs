//! How large a designed pilot must be: the flags of `design`, the history, the plan's own test.

use std::path::{Path, PathBuf};

use jiff::civil::Date;

use crate::engine;
use crate::error::{Error, Result};
use crate::experiment::{self, Experiment, PlannedEstimand, Windows};
use crate::number;
use crate::planning::{self, Baseline};
use crate::stats::Estimator;
use crate::stats::power::{self, Answer, Method, Question, adjusts_for_before};

use super::look_args::looks_of;
use super::pilot;
use super::power::{Clusters, family};

/// What sizes the pilot.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Size")]
pub struct SizeArgs {
    /// Contacts per customer in the after window without the intervention
    #[arg(long)]
    pub rate: Option<f64>,
    /// NB2 dispersion: variance = mean + dispersion × mean²
    #[arg(long)]
    pub dispersion: Option<f64>,
    /// Correlation of a customer's contacts before and after
    #[arg(long)]
    correlation: Option<f64>,
    /// Reduction of contacts worth finding, for example 0.2
    #[arg(long)]
    pub reduction: Option<f64>,
    /// Customers there are, in all arms: says the power and the smallest reduction
    #[arg(long, value_name = "N")]
    customers: Option<u64>,
    /// Customers who arrive a day: says how many days it takes
    #[arg(long, value_name = "N")]
    arrivals: Option<f64>,
    /// Share of the treated customers who take the intervention up
    #[arg(long, value_name = "SHARE")]
    uptake: Option<f64>,
    /// Share of customers whose outcome will be missing
    #[arg(long, value_name = "SHARE")]
    attrition: Option<f64>,
    /// Correlation of two customers of the same cluster
    #[arg(long)]
    pub icc: Option<f64>,
    /// Mean customers in a cluster
    #[arg(long, value_name = "N")]
    cluster_size: Option<f64>,
    /// Coefficient of variation of the clusters' sizes
    #[arg(long, value_name = "CV")]
    cluster_cv: Option<f64>,
    /// Most simulated pilots; 0 for none
    #[arg(long, default_value_t = 10_000, value_name = "N")]
    pub replicates: u32,
    /// Draw power against customers and against the reduction: FILE.svg and FILE.png
    #[arg(long, value_name = "FILE")]
    pub chart: Option<PathBuf>,
    /// Past counts, a row a customer: rate, dispersion and correlation are taken from it
    #[arg(long, value_name = "FILE")]
    pub history: Option<PathBuf>,
    /// Its column of counts
    #[arg(long, default_value = "after", value_name = "COLUMN")]
    history_after: String,
    /// Its column of earlier counts, where it has one
    #[arg(long, default_value = "before", value_name = "COLUMN")]
    history_before: String,
}

/// What the size is for.
pub struct Sought {
    /// Contacts per customer in the after window.
    pub rate: Option<f64>,
    /// Reduction worth finding.
    pub reduction: Option<f64>,
}

impl SizeArgs {
    /// What the history says, where there is one.
    pub fn baseline(&self, root: &Path) -> Result<Option<Baseline>> {
        let Some(file) = &self.history else {
            return Ok(None);
        };
        let sums = engine::history(
            root,
            &file.to_string_lossy(),
            &self.history_after,
            &self.history_before,
            b',',
        )?;
        planning::baseline(&sums).map(Some).ok_or_else(|| {
            Error::data("the history has no contact to learn from")
                .file(file)
                .key("--history")
        })
    }

    /// The size for the plan's own estimator; `None` where rate or reduction are not known.
    pub fn answer(
        &self,
        sought: &Sought,
        e: &Experiment,
        baseline: Option<&Baseline>,
    ) -> Result<Option<(Question, Answer)>> {
        let rate = sought.rate.or(baseline.map(|b| b.rate));
        let Some(rate) = rate else { return Ok(None) };
        let customers = self.customers.or_else(|| self.arriving(e));
        if sought.reduction.is_none() && customers.is_none() {
            return Ok(None);
        }
        let clusters = Clusters::given(self.icc, self.cluster_size, self.cluster_cv)?;
        let name = e.analysis.estimator.as_deref();
        let estimator = name.and_then(Estimator::from_name);
        let base = Question::default();
        let question = Question {
            method: match e.analysis.estimand {
                PlannedEstimand::Difference => Method::Means,
                PlannedEstimand::Ratio => Method::Nb,
            },
            estimator,
            rate,
            dispersion: self
                .dispersion
                .or(baseline.map(|b| b.dispersion))
                .unwrap_or(0.0),
            correlation: self
                .correlation
                .or(baseline.and_then(|b| b.correlation))
                .filter(|_| looks_back(e))
                .unwrap_or(0.0),
            reduction: sought.reduction,
            alpha: e.analysis.alpha,
            power: Some(e.analysis.power),
            sides: if e.analysis.one_sided { 1 } else { 2 },
            weights: e
                .arms
                .iter()
                .map(|a| a.weight.unwrap_or(1) as f64)
                .collect(),
            customers,
            arrivals: self.arrivals,
            uptake: self.uptake.unwrap_or(base.uptake),
            attrition: self.attrition.unwrap_or(base.attrition),
            icc: clusters.icc,
            cluster_size: clusters.size,
            cluster_cv: clusters.cv,
            family: family(e.analysis.multiplicity.name()),
            looks: looks_of(e.analysis.sequential.as_ref())?,
            seed: e.seed,
            replicates: self.replicates,
            ..base
        };
        let answer = power::answer(&question).map_err(|r| Error::usage(r.why))?;
        Ok(Some((question, answer)))
    }
}

impl SizeArgs {
    /// What to say of a size for a plan that assigns whole clusters, where nothing tells of them.
    pub fn of_individuals(&self, e: &Experiment) -> Option<String> {
        let column = e.assignment.cluster.as_ref()?;
        self.icc.is_none().then(|| {
            format!(
                "the plan assigns whole clusters (\"{column}\"), and the size is that of customers assigned one by one, which is too small: give --icc and --cluster-size, and --cluster-cv where clusters differ in size"
            )
        })
    }

    /// Customers who arrive in the days of enrolment, where both are known.
    fn arriving(&self, e: &Experiment) -> Option<u64> {
        let Some(Windows::Relative {
            enrol: Some(days), ..
        }) = e.periods.as_ref().map(|p| &p.windows)
        else {
            return None;
        };
        let customers = self.arrivals? * f64::from(length(*days)?);
        (customers >= 0.0).then_some(customers as u64)
    }
}

/// Days of a window, both ends included.
fn length((first, last): (Date, Date)) -> Option<i32> {
    Some(first.until(last).ok()?.get_days() + 1)
}

/// Whether the plan counts contacts before; without windows yet, its estimator says so.
fn looks_back(e: &Experiment) -> bool {
    match e.periods.as_ref().map(|p| &p.windows) {
        Some(Windows::Fixed { before, .. }) => before.is_some(),
        Some(Windows::Relative { before_days, .. }) => *before_days > 0,
        None => true,
    }
}

/// Lines at the plan's head: what the size rests on and what it is for.
pub fn notes(
    baseline: Option<&Baseline>,
    rate: Option<f64>,
    size: Option<&(Question, Answer)>,
) -> Vec<String> {
    let mut lines: Vec<String> = baseline.map(planning::history_note).into_iter().collect();
    let Some((q, a)) = size else { return lines };
    let differs = |b: &Baseline| b.dispersion != q.dispersion || rate.is_some();
    if baseline.is_none_or(differs) {
        let correlation = Some(q.correlation).filter(|r| *r > 0.0);
        lines.push(planning::assumed_note(q.rate, q.dispersion, correlation));
    }
    if let Some(reduction) = q.reduction.or(a.smallest_reduction) {
        lines.push(planning::size_note(reduction, a.n_total));
    }
    if let (Some(_), Some(_)) = (q.reduction, q.customers) {
        let power = number::percent_with(a.power, 1);
        lines.push(format!(
            "They were given; their power to find it is {power}."
        ));
    }
    lines
}

/// What else a designer should know: what the count before is worth, what the money would be.
pub fn remarks(e: &Experiment, question: &Question, answer: &Answer) -> Vec<String> {
    let mut lines: Vec<String> = before(e, question, answer).into_iter().collect();
    lines.extend(duration(e, answer));
    lines.extend(money(e, question));
    lines
}

/// What adjusting for the count before is worth to this plan, or would be.
fn before(e: &Experiment, q: &Question, a: &Answer) -> Option<String> {
    let estimator = q.estimator?;
    if q.correlation == 0.0 && looks_back(e) && adjusts_for_before(estimator) {
        return Some(
            "The count before will make it more precise; --correlation or --history say by how much."
                .into(),
        );
    }
    if q.correlation == 0.0 || q.customers.is_some() {
        return None;
    }
    let without = a.n_total as f64 / q.unexplained();
    let name = e.analysis.estimator.as_deref().unwrap_or("auto");
    let gain = 1.0 - q.correlation * q.correlation;
    if adjusts_for_before(estimator) {
        return Some(format!(
            "Without the count before it would take {} customers.",
            number::count(without.round() as u64)
        ));
    }
    let saved = number::count((without * gain).round() as u64);
    Some(format!(
        "\"{name}\" does not look at the count before; with \"lin\" it would take {saved} customers."
    ))
}

/// Days from the first customer's start to the end of the last one's window.
fn duration(e: &Experiment, a: &Answer) -> Option<String> {
    let Windows::Relative {
        after_days, enrol, ..
    } = &e.periods.as_ref()?.windows
    else {
        return None;
    };
    let enrolled = enrol
        .and_then(length)
        .and_then(|days| u64::try_from(days).ok());
    let arrivals = enrolled.or(a.enrolment_days)?;
    // The last one's window begins on the last day of arrivals.
    let days = (arrivals + u64::from(*after_days)).saturating_sub(1);
    Some(format!(
        "The pilot lasts {} days: {} of arrivals, until the {after_days} days of the last customer are over.",
        number::count(days),
        number::count(arrivals)
    ))
}

/// What the contacts of the roll-out would cost, and what the reduction sought would save.
fn money(e: &Experiment, question: &Question) -> Option<String> {
    let b = e.business.as_ref()?;
    let experiment::CostBasis::PerContact(cost) = b.cost? else {
        return None;
    };
    let base = crate::finance::mean;
    let units = base(b.units_at_rollout.as_ref()?);
    let days = f64::from(length(pilot::after_window(e)?)?);
    let yearly = question.rate / days * 365.25 * units * question.reduction?;
    let realised = b.realisation.as_ref().map_or(0.0, base);
    let saved = yearly * (base(&cost.variable) + base(&cost.labour) * realised);
    Some(format!(
        "If the reduction holds for a year at roll-out: {} contacts fewer, {} saved before spend.",
        number::fixed(yearly, 0),
        number::money_short(saved, &b.currency, 0)
    ))
}
