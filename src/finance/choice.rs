//! Which arm: cost against contacts avoided, acceptability, perfect information.

use rayon::prelude::*;

use crate::stats::information::{expected_best_of_two, expected_gain};

use super::cash::Outcome;
use super::model::{AcceptabilityRow, Choice, ChoiceOption, Information, Standing};
use super::run::Drawn;

/// Points of the acceptability curve.
const VALUES: usize = 41;

/// Options as they were estimated.
pub(super) struct Options<'a> {
    pub names: &'a [String],
    /// At base.
    pub outcomes: &'a [Outcome],
    /// Draws, all arms of a draw together, arm by arm.
    pub drawn: &'a [Vec<Drawn>],
    /// Covariance and degrees of freedom of what has a price, per customer-month.
    pub cov: &'a [Vec<f64>],
    pub df: Option<f64>,
    /// Present value at base of a priced unit avoided per customer-month.
    pub slope: f64,
    /// Present value of the savings of a contact avoided at the plan's prices, with control's handling
    /// time where minutes are priced; `None` where the horizon avoids nothing.
    pub by_prices: Option<f64>,
    /// Whether every assumption is one number.
    pub certain: bool,
    /// Whether there is a cash NPV.
    pub cash: bool,
    /// The best arm as estimated.
    pub best: Option<usize>,
}

impl Options<'_> {
    /// The comparison of the arms and no roll-out.
    pub fn choice(&self) -> Choice {
        Choice {
            perfect_information: self.cash.then(|| self.information()).flatten(),
            ..self.comparison()
        }
    }

    /// The same with the value of information from the draws alone.
    pub fn choice_by_draws(&self) -> Choice {
        Choice {
            perfect_information: self.by_draws(),
            ..self.comparison()
        }
    }

    /// The same without the value of information.
    fn comparison(&self) -> Choice {
        let options = self.frontier();
        let value_of_contact = self.best.filter(|_| self.cash).and_then(|k| {
            let o = &self.outcomes[k];
            match o.contacts_pv > 0.0 {
                true => Some(o.pv_savings / o.contacts_pv),
                false => self.by_prices,
            }
        });
        let acceptability = self.acceptability(&options, value_of_contact);
        Choice {
            acceptability,
            value_of_contact,
            perfect_information: None,
            options,
        }
    }

    fn name(&self, option: Option<usize>) -> Option<String> {
        option.map(|k| self.names[k].clone())
    }

    /// Options by cost, with dominance and the cost of a further contact avoided.
    ///
    /// *Formula* — an option is dominated where another costs no more and avoids as many contacts or
    /// more, one of the two strictly; of what is left, extendedly where its ratio
    /// Δcost/Δcontacts to the option before is above that of the next one.
    ///
    /// *Source* — Drummond, M. et al. (2015), Methods for the Economic Evaluation of Health Care
    /// Programmes, 4th ed., chapter 4; Johannesson, M. and Weinstein, M. (1993), J. Health Econ. 12,
    /// 459-467.
    fn frontier(&self) -> Vec<ChoiceOption> {
        let mut all: Vec<(Option<usize>, f64, f64)> = vec![(None, 0.0, 0.0)];
        let arms = self.outcomes.iter().enumerate();
        all.extend(arms.map(|(k, o)| (Some(k), o.pv_spend, o.contacts_pv)));
        // Stable: of equals no roll-out stands first, then the plan's order.
        all.sort_by(|a, b| a.1.total_cmp(&b.1).then(b.2.total_cmp(&a.2)));
        let points: Vec<(f64, f64)> = all.iter().map(|a| (a.1, a.2)).collect();
        let standings = frontier(&points);
        all.iter()
            .zip(standings)
            .map(
                |((option, cost, contacts), (standing, ratio))| ChoiceOption {
                    arm: self.name(*option),
                    cost: *cost,
                    contacts: *contacts,
                    standing,
                    cost_per_further_contact: ratio,
                },
            )
            .collect()
    }

    /// P(each option has the highest net benefit λ·contacts − spend), over the draws.
    ///
    /// λ goes from 0 to twice the largest of the plan's own value of a contact and the ratios along
    /// the frontier. Of equals the first of the options counts: no roll-out where nothing is gained.
    ///
    /// *Source* — Fenwick, E., Claxton, K. and Sculpher, M. (2001), Health Econ. 10, 779-787.
    fn acceptability(&self, options: &[ChoiceOption], own: Option<f64>) -> Vec<AcceptabilityRow> {
        let ratios = options.iter().filter_map(|o| o.cost_per_further_contact);
        let most = ratios
            .chain(own)
            .filter(|v| v.is_finite())
            .fold(0.0, f64::max);
        if most <= 0.0 || self.drawn.is_empty() {
            return Vec::new();
        }
        let draws = self.drawn[0].len();
        let average = |pick: fn(&Drawn) -> f64| -> Vec<f64> {
            let arms = self.drawn.iter();
            arms.map(|d| d.iter().map(pick).sum::<f64>() / draws as f64)
                .collect()
        };
        let (contacts, spend) = (average(|d| d.contacts_pv), average(|d| d.pv_spend));
        let rows: Vec<Vec<AcceptabilityRow>> = (0..VALUES)
            .into_par_iter()
            .map(|i| {
                let value = 2.0 * most * i as f64 / (VALUES - 1) as f64;
                let mut wins = vec![0u32; self.names.len() + 1];
                for draw in 0..draws {
                    let benefit = |k: usize| {
                        let d = &self.drawn[k][draw];
                        value * d.contacts_pv - d.pv_spend
                    };
                    wins[best((0..self.names.len()).map(benefit))] += 1;
                }
                let on_average =
                    best((0..self.names.len()).map(|k| value * contacts[k] - spend[k]));
                wins.iter()
                    .enumerate()
                    .map(|(option, wins)| AcceptabilityRow {
                        value,
                        arm: self.name(option.checked_sub(1)),
                        probability: f64::from(*wins) / draws as f64,
                        best_on_average: option == on_average,
                    })
                    .collect()
            })
            .collect();
        rows.into_iter().flatten().collect()
    }

    /// Expected value of perfect information about effects and assumptions, for the whole roll-out.
    ///
    /// *Formula* — E[max(0, NPV_1, …)] − max(0, E[NPV_1], …). Given the assumptions NPV_k is affine in
    /// the effect: with one arm the first term is exact, a normal (Student) loss integral, averaged
    /// over the draws of the assumptions where they are uncertain; with two arms, fixed assumptions
    /// and normal effects it is an integral. Otherwise both terms come from the draws.
    ///
    /// *Source* — Raiffa & Schlaifer (1961), chapter 4; Claxton, K. (1999), J. Health Econ. 18, 341-364.
    fn information(&self) -> Option<Information> {
        let exact = |expected: f64, means: &[f64]| Information {
            value: (expected - means.iter().fold(0.0, |a: f64, b| a.max(*b))).max(0.0),
            se: 0.0,
        };
        let means: Vec<f64> = self.outcomes.iter().map(Outcome::npv).collect();
        let cov = |j: usize, k: usize| self.cov[j][k] * self.slope * self.slope;
        let known = match (self.certain, means.len(), self.df) {
            (true, 1, df) => expected_gain(means[0], cov(0, 0).sqrt(), df),
            (true, 2, None) => {
                expected_best_of_two([means[0], means[1]], [cov(0, 0), cov(0, 1), cov(1, 1)])
            }
            _ => None,
        };
        if let Some(expected) = known {
            return Some(exact(expected, &means));
        }
        if means.len() == 1
            && let Some(information) = self.one_arm()
        {
            return Some(information);
        }
        self.by_draws()
    }

    /// One arm under uncertain assumptions: the effect is integrated out of every draw.
    fn one_arm(&self) -> Option<Information> {
        let estimate = self.outcomes.first()?.avoided.priced;
        let se = self.cov[0][0].sqrt();
        let gains: Option<Vec<(f64, f64)>> = self.drawn[0]
            .iter()
            .map(|d| {
                let mean = d.slope * estimate - d.pv_spend;
                Some((expected_gain(mean, d.slope * se, self.df)?, mean))
            })
            .collect();
        let gains = gains?;
        let roll_out = gains.iter().map(|g| g.1).sum::<f64>() > 0.0;
        mean_and_error(gains.iter().map(|(gain, mean)| match roll_out {
            true => gain - mean,
            false => *gain,
        }))
    }

    fn by_draws(&self) -> Option<Information> {
        let draws = self.drawn.first()?.len();
        let total = |k: usize| self.drawn[k].iter().map(|d| d.npv).sum::<f64>();
        let chosen = best((0..self.names.len()).map(total)).checked_sub(1);
        mean_and_error((0..draws).map(|draw| {
            let npv = |k: usize| self.drawn[k][draw].npv;
            let most = (0..self.names.len()).map(npv).fold(0.0, f64::max);
            most - chosen.map_or(0.0, npv)
        }))
    }
}

fn mean_and_error(losses: impl Iterator<Item = f64>) -> Option<Information> {
    let losses: Vec<f64> = losses.collect();
    let n = losses.len() as f64;
    let value = losses.iter().sum::<f64>() / n;
    let squares: f64 = losses.iter().map(|l| (l - value).powi(2)).sum();
    let se = (squares / (n - 1.0) / n).sqrt();
    (value.is_finite() && se.is_finite()).then_some(Information { value, se })
}

/// 0 where nothing is above 0, else 1 + the place of the first largest.
fn best(values: impl Iterator<Item = f64>) -> usize {
    let mut best = (0, 0.0);
    for (k, value) in values.enumerate() {
        if value > best.1 {
            best = (k + 1, value);
        }
    }
    best.0
}

/// Standing and ratio of points (cost, effect) that are sorted by cost, then by effect downwards.
fn frontier(points: &[(f64, f64)]) -> Vec<(Standing, Option<f64>)> {
    let mut out = vec![(Standing::Dominated, None); points.len()];
    // Indices on the frontier so far, with the ratio to the one before.
    let mut kept: Vec<(usize, Option<f64>)> = Vec::new();
    for (i, (cost, effect)) in points.iter().enumerate() {
        let Some(&(last, _)) = kept.last() else {
            kept.push((i, None));
            continue;
        };
        if *effect <= points[last].1 {
            continue;
        }
        let ratio = |from: usize| (cost - points[from].0) / (effect - points[from].1);
        while let Some(&(last, Some(before))) = kept.last()
            && ratio(last) <= before
        {
            out[last].0 = Standing::ExtendedlyDominated;
            kept.pop();
        }
        if let Some(&(last, _)) = kept.last() {
            kept.push((i, Some(ratio(last))));
        }
    }
    for (i, ratio) in kept {
        out[i] = (Standing::Frontier, ratio);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frontier_leaves_out_what_is_dominated_in_either_sense() {
        use Standing::{Dominated, ExtendedlyDominated, Frontier};
        // (cost, effect): C is dominated by B, D extendedly by B and E.
        let points = [
            (0.0, 0.0),
            (10.0, 20.0),
            (15.0, 18.0),
            (25.0, 25.0),
            (30.0, 40.0),
        ];
        assert_eq!(
            frontier(&points),
            [
                (Frontier, None),
                (Frontier, Some(0.5)),
                (Dominated, None),
                (ExtendedlyDominated, None),
                (Frontier, Some(1.0)),
            ]
        );
        // A first option that avoids less than nothing costs nothing: harm never leads the frontier.
        assert_eq!(frontier(&[(0.0, 0.0), (0.0, -5.0)])[1], (Dominated, None));
        assert_eq!(frontier(&[(0.0, 3.0), (0.0, 0.0)])[1], (Dominated, None));
    }
}
