//! Pilots without a count before: tables of counts, and the plan's test on them.

use crate::stats::estimate::{Estimand, Estimate, Estimator, Refusal, Test as Level};
use crate::stats::random::Generator;
use crate::stats::sampling::binomial;
use crate::stats::{adjusted, before, means, negbin, poisson, ranks};
use crate::table::{
    ArmId, Cell, Comparison, ContactTable, Decimals, ExposureUnit, Strata, StratumId,
};

use super::law::Law;
use super::wald::{wald, welch};
use super::{Draws, Pilot, Statistic};
use crate::stats::power::question::adjusts_for_before;
use crate::stats::power::{Method, Question};

/// An estimator as a function.
type Run = fn(&Comparison<'_>, &Level) -> Result<Vec<Estimate>, Refusal>;

/// What the plan does with two arms.
#[derive(Clone, Copy)]
pub enum Test {
    /// Wald test of the ratio by negative binomial likelihood, without covariate.
    Wald { margin: f64 },
    /// Welch's test of margin·control − treatment.
    Welch { margin: f64 },
    /// An estimator on a table, and the log of the margin of its ratio.
    Estimator {
        run: Run,
        estimand: Estimand,
        log_margin: f64,
        adjusts: bool,
        /// What it costs for each distinct row, in drawn counts.
        effort: f64,
    },
}

impl Test {
    /// The plan's test, or the method's own.
    ///
    /// # Errors
    /// An estimator that needs more than counts to be simulated.
    pub fn new(q: &Question) -> Result<Self, Refusal> {
        let correlated = q.correlation != 0.0;
        let estimator = match (q.estimator, q.method) {
            (None, Method::Nb) if correlated => Estimator::Negbin,
            (None, Method::Nb) => return Ok(Test::Wald { margin: q.margin }),
            (None, Method::Means) if correlated => Estimator::Lin,
            (None, Method::Means) => Estimator::Welch,
            (Some(e), _) => e,
        };
        let run: Run = match estimator {
            // Without strata and with one exposure these are Welch's test.
            Estimator::Welch | Estimator::Student | Estimator::Stratified => {
                return Ok(Test::Welch { margin: q.margin });
            }
            Estimator::Rate if q.method == Method::Means => {
                return Ok(Test::Welch { margin: q.margin });
            }
            Estimator::Negbin if !correlated => return Ok(Test::Wald { margin: q.margin }),
            // Without a count before, `lin` and its like are Welch's test too.
            Estimator::Cuped | Estimator::Ancova | Estimator::Lin
                if !correlated && q.method == Method::Means =>
            {
                return Ok(Test::Welch { margin: q.margin });
            }
            Estimator::Lin if !correlated => means::delta,
            Estimator::Rate | Estimator::Delta => means::delta,
            Estimator::Cuped => before::cuped,
            Estimator::Did => before::did,
            Estimator::Ancova => adjusted::ancova,
            Estimator::Lin => adjusted::lin,
            Estimator::Poisson => poisson::poisson,
            Estimator::Negbin => negbin::negbin,
            Estimator::MannWhitney => ranks::mann_whitney,
            other => {
                return Err(Refusal::new(format!(
                    "\"{other}\" is not simulated here; `pilot simulate` replays a whole plan"
                )));
            }
        };
        let estimand = match (estimator, q.method) {
            (Estimator::MannWhitney, _) => Estimand::Probability,
            (_, Method::Nb) => Estimand::Ratio,
            (_, Method::Means) => Estimand::Difference,
        };
        if estimand != Estimand::Ratio && q.margin != 1.0 {
            return Err(Refusal::new(
                "with a margin, only the tests of ratios and Welch's are simulated",
            ));
        }
        Ok(Test::Estimator {
            run,
            estimand,
            log_margin: q.margin.ln(),
            adjusts: adjusts_for_before(estimator),
            effort: match estimator {
                // Iterated for θ and, inside, for the means.
                Estimator::Negbin => 100.0,
                _ => 15.0,
            },
        })
    }

    /// Whether it looks at the count before.
    pub fn adjusts(&self) -> bool {
        matches!(self, Test::Estimator { adjusts: true, .. })
    }

    /// The statistic of an estimator on cells of control (arm 0) and treatment (arm 1).
    pub fn on_cells(&self, cells: Vec<Cell>) -> Option<Statistic> {
        let Test::Estimator {
            run,
            estimand,
            log_margin,
            ..
        } = *self
        else {
            return None;
        };
        let table = ContactTable::new(
            vec!["control".into(), "treatment".into()],
            Strata::none(),
            ExposureUnit::Window,
            Decimals::default(),
            cells,
        )
        .ok()?;
        let c = Comparison::new(&table, ArmId(1), ArmId(0)).ok()?;
        let found = run(&c, &Level::DEFAULT).ok()?;
        let e = found.into_iter().find(|e| e.estimand == estimand)?;
        let se = e.se.filter(|se| *se > 0.0)?;
        let fewer = match estimand {
            Estimand::Difference => -e.value,
            Estimand::Ratio => log_margin - e.value.ln(),
            Estimand::Probability => e.value - 0.5,
        };
        Some((fewer / se, e.df))
    }

    /// What one test costs beside `cells` distinct rows, in drawn counts.
    pub fn cost(&self, cells: f64) -> f64 {
        match self {
            // Forty halvings of the score for φ.
            Test::Wald { .. } => 8.0 * cells,
            Test::Welch { .. } => cells,
            Test::Estimator { effort, .. } => effort * cells,
        }
    }
}

/// A cell of customers alike.
pub fn cell(arm: u16, before: Option<i64>, after: i64, customers: u64) -> Cell {
    Cell {
        arm: ArmId(arm),
        stratum: StratumId(0),
        exposure: 1,
        before_exposure: 0,
        before,
        after: Some(after),
        uptake: None,
        customers,
    }
}

/// The laws of both arms.
pub struct Model<'a> {
    draws: &'a Draws<'a>,
    control: Law,
    treated: Law,
    test: Test,
}

impl<'a> Model<'a> {
    /// # Errors
    /// As [`Law::new`].
    pub fn new(draws: &'a Draws<'a>, test: Test) -> Result<Self, Refusal> {
        let law = |mean| Law::new(mean, draws.q.dispersion);
        Ok(Model {
            draws,
            control: law(draws.control)?,
            treated: law(draws.treated)?,
            test,
        })
    }

    /// What a replicate costs, in drawn counts.
    pub fn cost(&self, n: [u64; 2]) -> f64 {
        let distinct = |law: &Law, n: u64| (law.len() as f64).min(n as f64);
        let drawn = distinct(&self.control, n[0]) + distinct(&self.treated, n[1]);
        drawn + self.test.cost(drawn)
    }

    /// A pilot without customers.
    pub fn pilot(&self) -> Counts<'_> {
        Counts {
            model: self,
            n: [0; 2],
            counts: [Vec::new(), Vec::new()],
        }
    }
}

/// How many customers of each arm have each count.
pub struct Counts<'a> {
    model: &'a Model<'a>,
    n: [u64; 2],
    counts: [Vec<u64>; 2],
}

impl Pilot for Counts<'_> {
    fn grow(&mut self, g: &mut Generator, upto: [u64; 2]) {
        let Model {
            draws,
            control,
            treated,
            ..
        } = self.model;
        let (q, table) = (draws.q, &draws.table);
        for (arm, upto) in upto.into_iter().enumerate() {
            let more = upto.saturating_sub(self.n[arm]);
            self.n[arm] = upto;
            let observed = more - binomial(g, table, more, q.attrition);
            let takers = match arm {
                0 => 0,
                _ if q.uptake < 1.0 => binomial(g, table, observed, q.uptake),
                _ => observed,
            };
            let counts = &mut self.counts[arm];
            control.sample(g, table, observed - takers, counts);
            treated.sample(g, table, takers, counts);
        }
    }

    fn statistic(&self) -> Option<Statistic> {
        let [control, treatment] = &self.counts;
        match self.model.test {
            Test::Wald { margin } => Some((wald(control, treatment, margin)?, None)),
            Test::Welch { margin } => {
                let (t, df) = welch(control, treatment, margin)?;
                Some((t, Some(df)))
            }
            test => {
                let of = |arm: u16, counts: &[u64]| -> Vec<Cell> {
                    let present = counts.iter().enumerate().filter(|(_, n)| **n > 0);
                    present
                        .map(|(y, &n)| cell(arm, None, y as i64, n))
                        .collect()
                };
                let mut cells = of(0, control);
                cells.extend(of(1, treatment));
                test.on_cells(cells)
            }
        }
    }
}
