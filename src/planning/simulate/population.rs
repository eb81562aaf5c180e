//! Who the simulated customers are.

use crate::error::{Error, Result};
use crate::table::{ArmId, Cell, ContactTable, Decimals, ExposureUnit, Strata, StratumId};

use super::clusters::Clustering;
use super::mixture::{Counted, Mixture};
use super::profiles::{Group, Known, Profile, cumulative, expected, in_proportion};

/// A stratum with fewer customers than this borrows the rates of all customers.
const ENOUGH: u64 = 200;

/// Where simulated customers come from; each draw is one customer, with replacement.
#[derive(Debug, Clone)]
pub struct Population {
    pub(super) strata: Strata,
    pub(super) unit: ExposureUnit,
    pub(super) decimals: Decimals,
    /// One a stratum, in the order of the strata.
    pub(super) groups: Vec<Group>,
    /// Probability that a customer's rate lasts from before to after; else it is drawn anew.
    pub(super) lasting: f64,
    /// How customers come in clusters; `None`: each by herself.
    pub(super) clusters: Option<Clustering>,
}

/// The law of the plan's sizing: counts after are negative binomial.
#[derive(Debug, Clone, PartialEq)]
pub struct NegativeBinomial {
    /// Contacts per customer in the after window without the intervention.
    pub rate: f64,
    /// φ: variance = μ + φμ².
    pub dispersion: f64,
    /// Correlation of a customer's counts before and after; `None`: as if her rate were the same.
    pub correlation: Option<f64>,
    /// Days of the before window; `None`: there is none.
    pub before_days: Option<u32>,
    /// Days of the after window; at least 1.
    pub after_days: u32,
}

impl Population {
    /// Customers with negative binomial counts: gamma distributed rates, Poisson counts.
    ///
    /// # Errors
    /// A rate that is not above 0, a dispersion below 0, a correlation outside 0 to 1.
    pub fn negative_binomial(law: &NegativeBinomial, customers: u64) -> Result<Self> {
        let wrong = |what: &str, key: &str| Error::usage(what.to_string()).key(key.to_string());
        if !(law.rate > 0.0 && law.rate.is_finite()) {
            return Err(wrong("the rate must be above 0", "--rate"));
        }
        if !(law.dispersion >= 0.0 && law.dispersion.is_finite()) {
            return Err(wrong("the dispersion must be 0 or more", "--dispersion"));
        }
        if law.correlation.is_some_and(|r| !(0.0..=1.0).contains(&r)) {
            return Err(wrong(
                "the correlation must be from 0 to 1",
                "--correlation",
            ));
        }
        let after_days = law.after_days.max(1);
        let windows = |days: u32| f64::from(days) / f64::from(after_days);
        let before = law.before_days.map_or(1.0, windows);
        // With the same rate in both windows, of lengths b and 1, the correlation of the counts is
        // √b·φμ/√((1 + φμ)(1 + bφμ)).
        let spread = law.dispersion * law.rate;
        let same = before.sqrt() * spread / ((1.0 + spread) * (1.0 + before * spread)).sqrt();
        let lasting = match law.correlation {
            Some(r) if same > 0.0 => (r / same).min(1.0),
            _ => 1.0,
        };
        let profile = Profile {
            exposure: i64::from(after_days),
            before_exposure: i64::from(law.before_days.unwrap_or(0)),
            before_time: law.before_days.map(windows),
            after_time: 1.0,
            known: Known::Gamma {
                mean: law.rate,
                dispersion: law.dispersion,
                lasting,
            },
        };
        Ok(Population {
            strata: Strata::none(),
            unit: ExposureUnit::Day,
            decimals: Decimals::default(),
            groups: vec![Group::new(customers, None, vec![(profile, 1)])],
            lasting: 1.0,
            clusters: None,
        })
    }

    /// The pilot's own customers by their counts before, whatever their arm; a count after is
    /// drawn from the customer's rate, given her count before.
    ///
    /// `before_windows` is the length of the before window in after windows, where the table does
    /// not say it. Without `correlation` of the counts before and after, rates last; a lower one
    /// than that gives has some customers' rates drawn anew, within their strata: it cannot fall
    /// below what the strata's means give.
    ///
    /// # Errors
    /// No count before, or one that is no whole number of 0 or more; a correlation outside 0 to 1.
    pub fn of_before(
        table: &ContactTable,
        before_windows: Option<f64>,
        correlation: Option<f64>,
    ) -> Result<Self> {
        check_correlation(correlation)?;
        if !table.has_before() {
            return Err(Error::data("no customer has a count before"));
        }
        let unit = 10i64.pow(u32::from(table.decimals().before));
        let bad = |c: &Cell| c.before.is_some_and(|x| x < 0 || x % unit != 0);
        if table.cells().iter().any(bad) {
            return Err(Error::data(
                "a value before is no whole number of 0 or more, so it is no count",
            ));
        }
        let decimals = table.decimals();
        let time = |c: &Cell| {
            let after = c.exposure as f64 * Decimals::unit(decimals.exposure);
            let before = match c.before_exposure {
                0 => after * before_windows.unwrap_or(1.0),
                e => e as f64 * Decimals::unit(decimals.before_exposure),
            };
            (before, after)
        };
        let counted = |c: &Cell| Counted {
            count: c.before.map_or(0, |x| (x / unit).unsigned_abs()),
            time: time(c).0,
            customers: c.customers,
        };
        let seen = |c: &&Cell| c.before.is_some();
        let whole: Vec<Counted> = table.cells().iter().filter(seen).map(counted).collect();
        let missing = || Error::data("no customer was observed before");
        let all = Mixture::fit(&whole).ok_or_else(missing)?;
        let mut population = Self::of_table(table, table.cells().iter().collect(), |cells| {
            let own: Vec<Counted> = cells.iter().copied().filter(seen).map(counted).collect();
            let customers: u64 = own.iter().map(|c| c.customers).sum();
            let own = Mixture::fit(&own).filter(|_| customers >= ENOUGH);
            let mixture = own.as_ref().unwrap_or(&all);
            let profiles = cells.iter().map(|c| {
                let (before, after) = time(c);
                let posterior = match c.before {
                    Some(_) if before > 0.0 => mixture.posterior(counted(c).count, before),
                    _ => mixture.prior(),
                };
                let profile = Profile {
                    exposure: c.exposure,
                    before_exposure: c.before_exposure,
                    before_time: c.before.map(|_| before),
                    after_time: after,
                    known: Known::Before(c.before.map(|x| x / unit), cumulative(&posterior)),
                };
                (profile, c.customers)
            });
            let mut group = Group::new(0, None, profiles.collect());
            group.rates.clone_from(&mixture.rates);
            group.prior = cumulative(&mixture.prior());
            group
        })?;
        (population.decimals.before, population.decimals.after) = (0, 0);
        if let (Some(asked), Some((same, anew))) = (correlation, population.correlations())
            && same > anew
        {
            population.lasting = ((asked - anew) / (same - anew)).clamp(0.0, 1.0);
        }
        Ok(population)
    }

    /// Correlation of the counts before and after, of those with a count before; `None` where a
    /// count does not vary or both were drawn together.
    pub fn correlation(&self) -> Option<f64> {
        let (same, anew) = self.correlations()?;
        Some(self.lasting * same + (1.0 - self.lasting) * anew)
    }

    /// The correlation where rates last, and where they are drawn anew within strata.
    fn correlations(&self) -> Option<(f64, f64)> {
        // Σw, Σx, Σy, Σx², Σy², Σxy of counts x and, given them, y; Σxy with rates drawn anew.
        let mut sums = [0.0; 7];
        for group in &self.groups {
            let whole = group.cumulative.last().copied().unwrap_or(0).max(1) as f64;
            let mut upto = 0;
            for (profile, cumulative) in group.profiles.iter().zip(&group.cumulative) {
                let weight = group.customers as f64 * (cumulative - upto) as f64 / whole;
                upto = *cumulative;
                let Known::Before(Some(x), posterior) = &profile.known else {
                    continue;
                };
                let (x, t) = (*x as f64, profile.after_time);
                let moment = |p: &[f64], k: i32| expected(&group.rates, p, |r| (r * t).powi(k));
                let (m, square) = (moment(posterior, 1), moment(posterior, 2));
                let anew = moment(&group.prior, 1);
                let parts = [1.0, x, m, x * x, square + m, x * m, x * anew];
                for (sum, part) in sums.iter_mut().zip(parts) {
                    *sum += weight * part;
                }
            }
        }
        let [n, x, y, xx, yy, xy, anew] = sums;
        let (vx, vy) = (xx / n - (x / n).powi(2), yy / n - (y / n).powi(2));
        let of = |sum: f64| (sum / n - x * y / (n * n)) / (vx * vy).sqrt();
        (n > 0.0 && vx > 0.0 && vy > 0.0).then(|| (of(xy), of(anew)))
    }

    /// The customers of one arm, with their counts before and after as they were.
    ///
    /// # Errors
    /// The arm has no customer.
    pub fn of_arm(table: &ContactTable, arm: ArmId) -> Result<Self> {
        let cells: Vec<&Cell> = table.cells().iter().filter(|c| c.arm == arm).collect();
        if cells.is_empty() {
            return Err(Error::data("the arm has no customer to draw from"));
        }
        Self::of_table(table, cells, |cells| {
            let profiles = cells.iter().map(|c| {
                let profile = Profile {
                    exposure: c.exposure,
                    before_exposure: c.before_exposure,
                    before_time: c.before.map(|_| 1.0),
                    after_time: 1.0,
                    known: Known::Pair(c.before, c.after),
                };
                (profile, c.customers)
            });
            Group::new(0, None, profiles.collect())
        })
    }

    /// Strata with the sizes of `table`, and customers like `cells`.
    fn of_table<'a>(
        table: &'a ContactTable,
        cells: Vec<&'a Cell>,
        of_stratum: impl Fn(&[&Cell]) -> Group,
    ) -> Result<Self> {
        let strata = table.strata().len();
        let mut by_arm = vec![vec![0u64; table.arms().len()]; strata];
        for c in table.cells() {
            by_arm[c.stratum.0 as usize][usize::from(c.arm.0)] += c.customers;
        }
        let groups = by_arm
            .into_iter()
            .enumerate()
            .map(|(s, by_arm)| {
                let id = StratumId(s as u32);
                let own: Vec<&Cell> = cells.iter().copied().filter(|c| c.stratum == id).collect();
                let customers: u64 = by_arm.iter().sum();
                if own.is_empty() && customers > 0 {
                    return Err(Error::data(format!(
                        "the stratum \"{}\" has no customer to draw from",
                        table.strata().label(id)
                    )));
                }
                Ok(Group {
                    customers,
                    by_arm: Some(by_arm),
                    ..of_stratum(&own)
                })
            })
            .collect::<Result<Vec<Group>>>()?;
        Ok(Population {
            strata: table.strata().clone(),
            unit: table.exposure_unit(),
            decimals: table.decimals(),
            groups,
            lasting: 1.0,
            clusters: None,
        })
    }

    /// The population divided at random into `count` strata of equal size, all alike.
    pub fn in_strata(mut self, count: u64) -> Self {
        let template = self.groups.swap_remove(0);
        let labels: Vec<Vec<String>> = (0..count).map(|i| vec![format!("s{i:03}")]).collect();
        if let Ok(strata) = Strata::new(vec!["stratum".into()], labels) {
            let n = template.customers;
            let share = |i: u64| n / count + u64::from(i < n % count);
            self.strata = strata;
            self.groups = (0..count)
                .map(|i| Group {
                    customers: share(i),
                    ..template.clone()
                })
                .collect();
        } else {
            self.groups.push(template);
        }
        self
    }

    /// Customers who arrive at times of their own: each is observed for one of `days`, equally
    /// likely, out of a window of the last of them.
    pub fn observed_for(mut self, days: &[u32]) -> Self {
        let longest = days.iter().copied().max().unwrap_or(1);
        for group in &mut self.groups {
            let old = std::mem::take(&mut group.profiles);
            let spread = old.iter().flat_map(|p| {
                days.iter().map(move |d| Profile {
                    exposure: i64::from(*d),
                    after_time: f64::from(*d) / f64::from(longest),
                    ..p.clone()
                })
            });
            let spread = Group::new(0, None, spread.map(|p| (p, 1)).collect());
            (group.profiles, group.cumulative) = (spread.profiles, spread.cumulative);
        }
        self
    }

    /// The same population with `customers` in each pilot, strata and arms in proportion.
    pub fn resized(mut self, customers: u64) -> Self {
        let sizes: Vec<u64> = self.groups.iter().map(|g| g.customers).collect();
        let sizes = in_proportion(&sizes, customers);
        for (group, n) in self.groups.iter_mut().zip(sizes) {
            group.by_arm = group.by_arm.take().map(|arms| in_proportion(&arms, n));
            group.customers = n;
        }
        self
    }

    /// Customers in each simulated pilot.
    pub fn customers(&self) -> u64 {
        self.groups.iter().map(|g| g.customers).sum()
    }

    /// A table of the population's shape, one customer of each exposure; for units and scales.
    pub(super) fn empty(&self, plan: &crate::experiment::Experiment) -> Option<ContactTable> {
        let profiles = self.groups.iter().flat_map(|g| &g.profiles);
        let cells = profiles.map(|p| Cell {
            arm: ArmId(0),
            stratum: StratumId(0),
            exposure: p.exposure,
            before_exposure: 0,
            before: None,
            after: Some(0),
            uptake: None,
            customers: 1,
        });
        let arms = plan.arms.iter().map(|a| a.name.clone()).collect();
        ContactTable::new(
            arms,
            self.strata.clone(),
            self.unit,
            self.decimals,
            cells.collect(),
        )
        .ok()
    }

    /// Mean of the outcome after, and of it per unit of exposure, without any intervention.
    pub fn means(&self) -> (f64, f64) {
        let (mut y, mut e, mut n) = (0.0, 0.0, 0.0);
        let (y_unit, e_unit) = (
            Decimals::unit(self.decimals.after),
            Decimals::unit(self.decimals.exposure),
        );
        for group in &self.groups {
            let mut before = 0;
            let whole = group.cumulative.last().copied().unwrap_or(0) as f64;
            for (profile, upto) in group.profiles.iter().zip(&group.cumulative) {
                let weight = group.customers as f64 * (upto - before) as f64 / whole;
                before = *upto;
                let Some(mean) = profile.mean(group, self.lasting, y_unit) else {
                    continue;
                };
                n += weight;
                y += weight * mean;
                e += weight * profile.exposure as f64 * e_unit;
            }
        }
        (y / n, y / e)
    }
}

fn check_correlation(correlation: Option<f64>) -> Result<()> {
    if correlation.is_some_and(|r| !(0.0..=1.0).contains(&r)) {
        return Err(Error::usage("the correlation must be from 0 to 1").key("--correlation"));
    }
    Ok(())
}
