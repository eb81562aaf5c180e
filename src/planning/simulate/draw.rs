//! One simulated pilot: customers drawn, assigned, and counted.

use crate::assign::Scheme;
use crate::error::{Error, Result};
use crate::experiment::{Experiment, Method, OutcomeKind};
use crate::stats::poisson_sampling::{poisson, thinned};
use crate::stats::random::Generator;
use crate::stats::sampling::LogFactorials;
use crate::table::{ArmId, Cell, StratumId};

use super::drawn::Drawn;
use super::population::Population;
use super::profiles::{Group, Known, Profile, in_proportion};

/// ln k! up to here from a table; larger counts are rare.
const TABLE: u64 = 4096;

/// What happens to the simulated customers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scenario {
    /// 1 − treatment/control in the mean of everyone assigned; negative is an increase.
    pub reduction: f64,
    /// Share of customers who never contact at all, on top of those who happen not to.
    pub zero_inflation: f64,
    /// Every customer's rate is multiplied by a Pareto factor of mean 1 with this tail index.
    pub heavy_tail: Option<f64>,
    /// Share of customers whose outcome will be missing, alike in all arms.
    pub attrition: f64,
    /// Share of the treated who take the intervention up; they alone change. `None`: not recorded.
    pub uptake: Option<f64>,
}

impl Scenario {
    /// Customers as they are, and no effect.
    pub const PLAIN: Scenario = Scenario {
        reduction: 0.0,
        zero_inflation: 0.0,
        heavy_tail: None,
        attrition: 0.0,
        uptake: None,
    };

    /// Checks the ranges.
    ///
    /// # Errors
    /// A share outside its range, or a tail without a mean.
    pub fn check(&self) -> Result<()> {
        let wrong = |message: &str, key: &str| Err(Error::usage(message).key(key.to_string()));
        if !(self.reduction > -1.0 && self.reduction < 1.0) {
            return wrong("a reduction is a share below 1, and above −1", "--effect");
        }
        if !(self.zero_inflation >= 0.0 && self.zero_inflation < 1.0) {
            return wrong(
                "a share of customers is from 0 to below 1",
                "--zero-inflation",
            );
        }
        if !(self.attrition >= 0.0 && self.attrition < 1.0) {
            return wrong("a share of customers is from 0 to below 1", "--attrition");
        }
        if self.heavy_tail.is_some_and(|a| !(a > 1.0 && a.is_finite())) {
            return wrong(
                "a Pareto tail has a mean only where its index is above 1",
                "--heavy-tail",
            );
        }
        let uptake = self.uptake.unwrap_or(1.0);
        if !(uptake > 0.0 && uptake <= 1.0 && self.reduction.abs() < uptake) {
            return wrong(
                "the reduction of those who take it up would exceed all their contacts",
                "--effect",
            );
        }
        Ok(())
    }

    /// Change of the mean of a treated customer who takes the intervention up.
    fn among_takers(&self) -> f64 {
        self.reduction / self.uptake.unwrap_or(1.0)
    }
}

/// Draws pilots of a plan from a population.
pub(super) struct Drawing<'a> {
    pub population: &'a Population,
    pub scenario: &'a Scenario,
    experiment: &'a Experiment,
    kind: OutcomeKind,
    arms: Vec<String>,
    control: usize,
    /// Mean outcome without an effect: of a yes/no outcome, the share of yes.
    share: f64,
    factorials: LogFactorials,
}

/// Counts before and after, and uptake.
type Counts = (Option<i64>, Option<i64>, Option<bool>);

impl<'a> Drawing<'a> {
    /// What is drawn in every replay.
    ///
    /// # Errors
    /// The scenario is not possible, or does not suit the plan.
    pub fn new(
        population: &'a Population,
        scenario: &'a Scenario,
        experiment: &'a Experiment,
    ) -> Result<Self> {
        scenario.check()?;
        let kind = experiment.primary_outcome().kind;
        let share = population.means().0 * (1.0 - scenario.zero_inflation);
        if kind == OutcomeKind::Proportion && scenario.heavy_tail.is_some() {
            return Err(
                Error::usage("an outcome of yes or no has no heavy tail").key("--heavy-tail")
            );
        }
        if kind == OutcomeKind::Proportion && share * (1.0 - scenario.among_takers()) > 1.0 {
            return Err(
                Error::usage("more than all customers would have the outcome").key("--effect"),
            );
        }
        Ok(Drawing {
            population,
            scenario,
            experiment,
            kind,
            arms: experiment.arms.iter().map(|a| a.name.clone()).collect(),
            control: experiment.control(),
            share,
            factorials: LogFactorials::new(TABLE),
        })
    }

    /// The customers of one pilot, assigned as the plan says; `seed` is the pilot's.
    pub fn draw(&self, seed: u64, g: &mut Generator) -> Result<Drawn> {
        let mut drawn = Drawn::default();
        for (s, group) in self.population.groups.iter().enumerate() {
            let stratum = StratumId(s as u32);
            let clusters = self.population.clusters.as_ref().map(|c| &c.sizes[s]);
            let units = clusters.map_or(group.customers, |c| c.number(group.customers));
            let sizes = self.sizes(stratum, group, units, seed, g)?;
            for (arm, n) in sizes.into_iter().enumerate() {
                let arm = ArmId(arm as u16);
                match clusters {
                    None => self.customers(group, (arm, stratum), (n, 1.0), g, &mut drawn.cells),
                    Some(sizes) => {
                        for _ in 0..n {
                            let members = (sizes.draw(g), self.population.shared(g));
                            self.customers(group, (arm, stratum), members, g, &mut drawn.cells);
                            drawn.ends.push(drawn.cells.len());
                        }
                    }
                }
            }
        }
        Ok(drawn)
    }

    /// What a table of [`Drawing::draw`]'s customers is called.
    pub fn frame(&self) -> (&[String], &Population) {
        (&self.arms, self.population)
    }

    /// How many of the `units` of a stratum, customers or clusters, are in each arm.
    fn sizes(
        &self,
        stratum: StratumId,
        group: &Group,
        units: u64,
        seed: u64,
        g: &mut Generator,
    ) -> Result<Vec<u64>> {
        let weight = |a: &crate::experiment::Arm| a.weight.unwrap_or(1);
        match self.experiment.assignment.method {
            // Where the plan only takes arms over, a new draw has the arms' sizes as they were.
            Method::Existing => Ok(match &group.by_arm {
                Some(arms) if units == group.customers => arms.clone(),
                Some(arms) => in_proportion(arms, units),
                None => {
                    let weights: Vec<u64> = self.experiment.arms.iter().map(weight).collect();
                    in_proportion(&weights, units)
                }
            }),
            Method::Complete => {
                let shares = self
                    .experiment
                    .arms
                    .iter()
                    .map(|a| crate::assign::ArmShare {
                        name: a.name.clone(),
                        weight: weight(a),
                    });
                let scheme =
                    Scheme::new(&self.experiment.name, seed, shares).map_err(Error::from)?;
                Ok(scheme.quotas(self.population.strata.tuple(stratum), units))
            }
            Method::Hashed => {
                let weights: Vec<u64> = self.experiment.arms.iter().map(weight).collect();
                let total: u64 = weights.iter().sum();
                let mut sizes = vec![0; weights.len()];
                for _ in 0..units {
                    let mut place = g.below(total);
                    for (size, w) in sizes.iter_mut().zip(&weights) {
                        if place < *w {
                            *size += 1;
                            break;
                        }
                        place -= w;
                    }
                }
                Ok(sizes)
            }
        }
    }

    /// Draws `n` customers of an arm, whose rates all have the factor `shared`, and adds them up to cells.
    fn customers(
        &self,
        group: &Group,
        (arm, stratum): (ArmId, StratumId),
        (n, shared): (u64, f64),
        g: &mut Generator,
        cells: &mut Vec<Cell>,
    ) {
        let treated = usize::from(arm.0) != self.control;
        let whole = group.cumulative.last().copied().unwrap_or(0);
        let mut drawn: Vec<(i64, i64, Counts)> = (0..n)
            .map(|_| {
                let place = g.below(whole);
                let i = group.cumulative.partition_point(|upto| *upto <= place);
                let profile = &group.profiles[i.min(group.profiles.len() - 1)];
                let counts = self.counts(profile, group, (treated, shared), g);
                (profile.exposure, profile.before_exposure, counts)
            })
            .collect();
        drawn.sort_unstable();
        for same in drawn.chunk_by(|a, b| a == b) {
            let (exposure, before_exposure, (before, after, uptake)) = same[0];
            cells.push(Cell {
                arm,
                stratum,
                exposure,
                before_exposure,
                before,
                // Without exposure there can be no contact.
                after: after.map(|y| if exposure == 0 { 0 } else { y }),
                uptake,
                customers: same.len() as u64,
            });
        }
    }

    fn counts(
        &self,
        p: &Profile,
        group: &Group,
        (treated, shared): (bool, f64),
        g: &mut Generator,
    ) -> Counts {
        let scenario = self.scenario;
        let uptake = scenario.uptake.map(|share| treated && g.uniform() < share);
        let change = if uptake.unwrap_or(treated) {
            scenario.among_takers()
        } else {
            0.0
        };
        let mut factor = shared;
        if scenario.zero_inflation > 0.0 && g.uniform() < scenario.zero_inflation {
            factor = 0.0;
        } else if let Some(tail) = scenario.heavy_tail {
            factor *= pareto(g, tail);
        }
        let (before, after) = match &p.known {
            Known::Gamma {
                mean,
                dispersion,
                lasting,
            } => {
                let (b, a) = gamma_rates(g, *mean, *dispersion, *lasting);
                let before = p.before_time.map(|t| self.contacts(g, b * factor * t));
                let after = self.contacts(g, a * factor * p.after_time * (1.0 - change));
                (before, Some(after))
            }
            Known::Before(before, posterior) => {
                let rate = pick(g, &group.rates, posterior) * factor;
                let before = match p.before_time {
                    // Another rate has another past.
                    Some(time) if factor != 1.0 => Some(self.contacts(g, rate * time)),
                    _ => *before,
                };
                let lasting = self.population.lasting;
                let rate = if lasting < 1.0 && g.uniform() >= lasting {
                    pick(g, &group.rates, &group.prior) * factor
                } else {
                    rate
                };
                let after = self.contacts(g, rate * p.after_time * (1.0 - change));
                (before, Some(after))
            }
            Known::Pair(before, after) => {
                let before = before.map(|x| self.scaled(g, x, factor));
                let after = after.map(|y| self.scaled(g, y, factor));
                (before, after.map(|y| self.changed(g, y, change)))
            }
        };
        let lost = scenario.attrition > 0.0 && g.uniform() < scenario.attrition;
        (before, after.filter(|_| !lost), uptake)
    }

    fn contacts(&self, g: &mut Generator, mean: f64) -> i64 {
        poisson(g, &self.factorials, mean) as i64
    }

    /// A value times a factor, rounded up or down at random so that the mean is right.
    fn scaled(&self, g: &mut Generator, value: i64, factor: f64) -> i64 {
        if factor == 1.0 || value == 0 {
            return value;
        }
        let exact = value as f64 * factor;
        let floor = exact.floor();
        floor as i64 + i64::from(g.uniform() < exact - floor)
    }

    /// An observed outcome after a relative reduction of its mean.
    fn changed(&self, g: &mut Generator, value: i64, reduction: f64) -> i64 {
        if reduction == 0.0 {
            return value;
        }
        match self.kind {
            OutcomeKind::Mean => self.scaled(g, value, 1.0 - reduction),
            OutcomeKind::Count | OutcomeKind::Proportion if reduction > 0.0 => {
                thinned(g, &self.factorials, value.unsigned_abs(), 1.0 - reduction) as i64
            }
            OutcomeKind::Count => {
                value + thinned(g, &self.factorials, value.unsigned_abs(), -reduction) as i64
            }
            // Some of those who would not, do: share·(1 − reduction) in all.
            OutcomeKind::Proportion => {
                let turned = -reduction * self.share / (1.0 - self.share);
                if value == 0 && g.uniform() < turned {
                    10i64.pow(u32::from(self.population.decimals.after))
                } else {
                    value
                }
            }
        }
    }
}

/// One of `rates` by their cumulative probabilities.
fn pick(g: &mut Generator, rates: &[f64], cumulative: &[f64]) -> f64 {
    let u = g.uniform();
    let k = cumulative.partition_point(|upto| *upto < u);
    rates[k.min(rates.len() - 1)]
}

/// A Pareto deviate of mean 1: P(X > x) = (x/x₀)^−tail beyond x₀ = (tail − 1)/tail.
fn pareto(g: &mut Generator, tail: f64) -> f64 {
    (tail - 1.0) / tail * libm::pow(g.uniform(), -1.0 / tail)
}

/// Rates before and after of one customer: each gamma with variance φ·mean², sharing a part.
fn gamma_rates(g: &mut Generator, mean: f64, dispersion: f64, lasting: f64) -> (f64, f64) {
    // Beyond this shape a gamma deviate is its mean to eight digits.
    if dispersion < 1e-16 {
        return (mean, mean);
    }
    let shape = 1.0 / dispersion;
    let part = |g: &mut Generator, share: f64| match share > 0.0 {
        true => g.gamma(shape * share) * mean * dispersion,
        false => 0.0,
    };
    let common = part(g, lasting);
    if lasting >= 1.0 {
        return (common, common);
    }
    let before = part(g, 1.0 - lasting);
    let after = part(g, 1.0 - lasting);
    (common + before, common + after)
}
