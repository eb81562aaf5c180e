//! When the data are too few, too uneven or too lopsided for normal theory.
//!
//! Every threshold is a published one, or says what it was measured on.

use crate::error::Result;
use crate::experiment::{Experiment, Outcome, OutcomeKind};
use crate::stats::{DetailValue, Estimator};
use crate::table::{ArmId, Comparison, ContactTable, Side};

use super::family::Adjusted;
use super::model::Warning;

/// Below it, an arm is called small and the permutation test stands beside.
const SMALL_ARM: u64 = 50;
/// (Σy)²/Σy²: the number of customers who would carry the sum if all had the same.
const FEW_EFFECTIVE: f64 = 30.0;
/// Coefficient of variation of a mean beyond which the normal theory of its ratio is doubtful
/// (Cochran 1977, Sampling Techniques, 3rd ed., p. 153).
const LARGE_CV: f64 = 0.1;
/// One customer's share of an arm's sum of squared deviations that shows a heavy tail, in arms
/// of 1,000 and more. The share goes to 0 with more customers exactly where the variance is finite
/// (Embrechts, Klüppelberg & Mikosch 1997, sect. 6.2.6). Of 2,000 customers each, negative
/// binomial counts of dispersion up to 1 stay below .06 nearly always and Pareto tails of
/// exponent 2.5 come to .2.
const HEAVY_SHARE: f64 = 0.1;
/// In smaller arms the largest share is larger by itself, about as 1/√n.
const HEAVY_FULL_SIZE: f64 = 1000.0;
/// Customers for which a skewness of 1 gives means with normal enough tails (Kohavi, Deng,
/// Longbotham & Xu 2014, rule 7: 355 s²; Boos & Hughes-Oliver 2000).
const PER_SQUARED_SKEWNESS: f64 = 355.0;

/// Size and shape of an arm's outcome.
struct Shape {
    n: u64,
    /// (Σy)²/Σy².
    effective: f64,
    mean: f64,
    /// Variance of the mean.
    variance: f64,
    /// Third central moment of the mean.
    third: f64,
    /// The largest share of one customer in Σ(y − ȳ)².
    largest: f64,
}

impl Shape {
    fn of(c: &Comparison<'_>, side: &Side) -> Self {
        let sums = &side.total;
        let n = sums.n as f64;
        let mean = sums.y as f64 / n.max(1.0) * c.y_unit();
        let (mut squares, mut cubes, mut largest) = (0.0, 0.0, 0f64);
        for cell in c.cells().filter(|cell| cell.arm == side.arm) {
            let Some(y) = cell.after else { continue };
            let d = y as f64 * c.y_unit() - mean;
            squares += cell.customers as f64 * d * d;
            cubes += cell.customers as f64 * d * d * d;
            largest = largest.max(d * d);
        }
        let (y, yy) = (sums.y as f64, sums.yy as f64);
        Shape {
            n: sums.n,
            effective: if yy > 0.0 { y * y / yy } else { 0.0 },
            mean,
            variance: squares / (n * n),
            third: cubes / (n * n * n),
            largest: if squares > 0.0 {
                largest / squares
            } else {
                0.0
            },
        }
    }

    fn heavy(&self) -> bool {
        let size = (HEAVY_FULL_SIZE / self.n as f64).sqrt().max(1.0);
        self.largest > HEAVY_SHARE * size
    }

    fn ratio_is_skewed(&self) -> bool {
        self.mean > 0.0 && self.variance.sqrt() > LARGE_CV * self.mean
    }
}

/// What an outcome's table warns of, arm by arm against control.
///
/// # Errors
/// Sums that exceed 127 bits.
pub fn of_data(
    experiment: &Experiment,
    outcome: &Outcome,
    table: &ContactTable,
) -> Result<Vec<Warning>> {
    let mut found = Vec::new();
    let (mut heavy, mut ratios, mut lopsided) = (Vec::new(), Vec::new(), Vec::new());
    for arm in experiment.treatments() {
        let c = Comparison::new(table, ArmId(arm as u16), ArmId(experiment.control() as u16))?;
        let title = |side: &Side| experiment.arms[usize::from(side.arm.0)].name.clone();
        let (treatment, control) = (title(&c.treatment), title(&c.control));
        let (t, k) = (Shape::of(&c, &c.treatment), Shape::of(&c, &c.control));
        found.extend(small(
            outcome,
            &treatment,
            [(&t, &treatment), (&k, &control)],
        ));
        if outcome.kind == OutcomeKind::Proportion {
            continue;
        }
        for (shape, name) in [(&t, &treatment), (&k, &control)] {
            if shape.n >= 2 && shape.heavy() && !heavy.contains(name) {
                heavy.push(name.clone());
            }
            if shape.n >= 2 && shape.ratio_is_skewed() && !ratios.contains(name) {
                ratios.push(name.clone());
            }
        }
        let (variance, third) = (t.variance + k.variance, t.third - k.third);
        // NaN, of an arm without customers, is not beyond.
        if third * third * PER_SQUARED_SKEWNESS > variance.powi(3) {
            lopsided.push(treatment);
        }
    }
    let mut say = |id: &str, arms: &[String], what: &str| {
        if !arms.is_empty() {
            found.push(Warning {
                id: id.into(),
                message: format!("{}: {}{what}", outcome.name, list(arms)),
            });
        }
    };
    say(
        "heavy-tail",
        &heavy,
        ": a single customer makes so much of the spread that means, their intervals and p-values hang on that one; read mann-whitney and permutation beside them, and consider a cap in the next plan",
    );
    say(
        "ratio-skewed",
        &ratios,
        ": the mean is known to no better than 10 % (Cochran's limit), so intervals of ratios are rough; read the difference, or the profile interval of negbin",
    );
    say(
        "skewed-difference",
        &lopsided,
        ": arms of so different size or shape leave the difference to control lopsided, so one end of its interval errs more often than the other; read the permutation p-value beside it",
    );
    Ok(found)
}

/// An arm with few customers, or whose contacts are few customers' – the first that is.
fn small(outcome: &Outcome, treatment: &str, sides: [(&Shape, &String); 2]) -> Option<Warning> {
    sides.into_iter().find_map(|(shape, name)| {
        let (id, why) = if shape.n < SMALL_ARM {
            let n = shape.n;
            (
                "small-arm",
                format!("the arm \"{name}\" has {n} customers, fewer than {SMALL_ARM}"),
            )
        } else if outcome.kind == OutcomeKind::Count && shape.effective < FEW_EFFECTIVE {
            (
                "few-contacts",
                format!(
                    "few customers carry most of the contacts of the arm \"{name}\" (as if only {:.0} had any)",
                    shape.effective
                ),
            )
        } else {
            return None;
        };
        Some(Warning {
            id: id.into(),
            message: format!(
                "{}: {why}; normal theory may mislead, so read the permutation p-value of \"{treatment}\" beside it",
                outcome.name
            ),
        })
    })
}

/// What an outcome's estimates warn of themselves.
pub fn of_estimates(
    experiment: &Experiment,
    outcome: &Outcome,
    estimates: &[Adjusted],
) -> Vec<Warning> {
    let mut arms: Vec<String> = Vec::new();
    for row in estimates {
        let e = &row.estimate;
        let weak = e.detail.get("weak_instrument") == Some(&DetailValue::Flag(true));
        let name = &experiment.arms[row.arm].name;
        if e.estimator == Estimator::Cace && weak && !arms.contains(name) {
            arms.push(name.clone());
        }
    }
    if arms.is_empty() {
        return Vec::new();
    }
    vec![Warning {
        id: "weak-instrument".into(),
        message: format!(
            "{}: {}: assignment hardly changed who took the intervention up (first-stage F below {:.0}), so the effect on those who did (cace) and its interval mislead; its p_anderson_rubin holds all the same",
            outcome.name,
            list(&arms),
            crate::stats::cace::WEAK_F
        ),
    }]
}

fn list(arms: &[String]) -> String {
    let quoted: Vec<String> = arms.iter().map(|a| format!("\"{a}\"")).collect();
    quoted.join(", ")
}
