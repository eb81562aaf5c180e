//! When the data are too few, too uneven or too lopsided for normal theory.
//!
//! Every threshold is a published one, or says what it was measured on.

use crate::error::Result;
use crate::experiment::{Experiment, Outcome, OutcomeKind};
use crate::number;
use crate::stats::{DetailValue, Estimator};
use crate::table::{ArmId, Comparison, ContactTable, Side};
use crate::texts::text;

use super::family::Adjusted;
use super::model::{Check, EstimateRow, Warning};
use super::small::{arm_is_small, is_small};

/// Below it, an arm is called small and the permutation test stands beside.
const SMALL_ARM: u64 = 50;
/// (Σy)²/Σy²: the number of customers who would carry the sum if all had the same.
const FEW_EFFECTIVE: f64 = 30.0;
/// Where none of n customers made a contact, the share who do may be as large as this over n: −log .05,
/// rounded (Hanley & Lippman-Hand 1983, JAMA 249, 1743-1745).
const RULE_OF_THREE: f64 = 3.0;
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

/// n > 25·G₁², G₁ the skewness: then a 95 % interval errs in no more than 6 % of samples
/// (Cochran 1977, p. 42).
const PER_SQUARED_SKEWNESS_OF_COUNTS: f64 = 25.0;
/// √Σd⁶/(Σd²)^1.5 over both arms, six times the standard error of the acceleration by which BCa bends.
/// Below it no negative binomial, zero-inflated or Pareto situation of docs/calibration.md lay whose
/// `bootstrap` was out of bounds, but for one in five samples of a Pareto tail that held nobody
/// of the tail.
const UNSURE_SKEWNESS: f64 = 0.04;
/// By how much `se_hc0` of `negbin` may exceed its `se`. A test whose error is 2 % too small
/// finds 5.5 % instead of 5 %.
const MISFIT: f64 = 0.02;
/// What chance adds to that in samples of n customers is this over √n: where the model is right, the
/// ratio of both errors lies above the two together in one pilot of twenty with 100 customers and
/// hardly ever with 4,000.
const MISFIT_BY_CHANCE: f64 = 0.4;
/// p of `zero-inflation` below which zeros are not those of a negative binomial.
const EXTRA_ZEROS: f64 = 0.01;

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
    /// Σ(y − ȳ)⁶.
    sixth: f64,
}

impl Shape {
    fn of(c: &Comparison<'_>, side: &Side) -> Self {
        let sums = &side.total;
        let n = sums.n as f64;
        let mean = sums.y as f64 / n.max(1.0) * c.y_unit();
        let (mut squares, mut cubes, mut sixth, mut largest) = (0.0, 0.0, 0.0, 0f64);
        for cell in c.cells().filter(|cell| cell.arm == side.arm) {
            let Some(y) = cell.after else { continue };
            let d = y as f64 * c.y_unit() - mean;
            squares += cell.customers as f64 * d * d;
            cubes += cell.customers as f64 * d * d * d;
            sixth += cell.customers as f64 * d.powi(6);
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
            sixth,
        }
    }

    fn powers(&self) -> Powers {
        let n = self.n as f64;
        Powers {
            squares: self.variance * n * n,
            cubes: self.third * n * n * n,
            sixth: self.sixth,
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

/// Σd², Σd³ and Σd⁶ of an arm's units.
#[derive(Debug, Clone, Copy, Default)]
pub struct Powers {
    squares: f64,
    cubes: f64,
    sixth: f64,
}

impl Powers {
    /// Adds `times` units that lie `d` off.
    pub fn add(&mut self, d: f64, times: f64) {
        self.squares += times * d * d;
        self.cubes += times * d * d * d;
        self.sixth += times * d.powi(6);
    }
}

/// Whether there are too few units for so skewed values; `most` is the largest √Σd⁶/(Σd²)^1.5 that will do.
pub fn too_skewed(arms: &[Powers], most: f64) -> bool {
    // G₁²/n = (Σd³)²/(Σd²)³.
    let cochran = |p: &Powers| PER_SQUARED_SKEWNESS_OF_COUNTS * p.cubes.powi(2) > p.squares.powi(3);
    let sum = |of: fn(&Powers) -> f64| arms.iter().map(of).sum::<f64>();
    let unsure = sum(|p| p.sixth).sqrt() > most * sum(|p| p.squares).powf(1.5);
    unsure || arms.iter().any(cochran)
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
    let mut skewed = Vec::new();
    for arm in experiment.treatments() {
        let c = Comparison::new(table, ArmId(arm as u16), ArmId(experiment.control() as u16))?;
        let titled = |side: &Side| title(experiment, usize::from(side.arm.0));
        let (treatment, control) = (titled(&c.treatment), titled(&c.control));
        let (t, k) = (Shape::of(&c, &c.treatment), Shape::of(&c, &c.control));
        found.extend(small(
            outcome,
            experiment.min_cell,
            &treatment,
            [(&t, &treatment), (&k, &control)],
        ));
        if arm_is_small(experiment, table, arm) {
            continue;
        }
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
        if too_skewed(&[t.powers(), k.powers()], UNSURE_SKEWNESS) {
            skewed.push(treatment.clone());
        }
        let (variance, third) = (t.variance + k.variance, t.third - k.third);
        // NaN, of an arm without customers, is not beyond.
        if third * third * PER_SQUARED_SKEWNESS > variance.powi(3) {
            lopsided.push(treatment);
        }
    }
    let uneven = [
        ("heavy-tail", heavy),
        ("ratio-skewed", ratios),
        ("skewed-counts", skewed),
        ("skewed-difference", lopsided),
    ];
    for (id, arms) in uneven.iter().filter(|(_, arms)| !arms.is_empty()) {
        let arms = list(arms);
        let message = match *id {
            "heavy-tail" => text!("warning.heavy-tail", outcome = outcome.name, arms),
            "ratio-skewed" => text!("warning.ratio-skewed", outcome = outcome.name, arms),
            "skewed-counts" => text!("warning.skewed-counts", outcome = outcome.name, arms),
            _ => text!("warning.skewed-difference", outcome = outcome.name, arms),
        };
        found.push(Warning::new(id, message));
    }
    Ok(found)
}

/// An arm with few customers, or whose contacts are few customers' – the first that is.
fn small(
    outcome: &Outcome,
    min_cell: u64,
    treatment: &str,
    sides: [(&Shape, &String); 2],
) -> Option<Warning> {
    sides.into_iter().find_map(|(shape, name)| {
        if shape.n < SMALL_ARM {
            let message = text!(
                "warning.small-arm",
                outcome = outcome.name,
                small = name,
                customers = match is_small(shape.n, min_cell) {
                    true => format!("<{min_cell}"),
                    false => number::count(shape.n),
                },
                limit = SMALL_ARM,
                arm = treatment
            );
            Some(Warning::new("small-arm", message))
        } else if outcome.kind == OutcomeKind::Count && shape.n > 0 && shape.effective == 0.0 {
            let message = text!(
                "warning.nobody",
                outcome = outcome.name,
                small = name,
                most = number::percent(RULE_OF_THREE / shape.n as f64)
            );
            Some(Warning::new("nobody", message))
        } else if outcome.kind == OutcomeKind::Count && shape.effective < FEW_EFFECTIVE {
            let message = text!(
                "warning.few-contacts",
                outcome = outcome.name,
                small = name,
                customers = format!("{:.0}", shape.effective),
                arm = treatment
            );
            Some(Warning::new("few-contacts", message))
        } else {
            None
        }
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
        let name = title(experiment, row.arm);
        if e.estimator == Estimator::Cace && weak && !arms.contains(&name) {
            arms.push(name);
        }
    }
    if arms.is_empty() {
        return Vec::new();
    }
    let message = text!(
        "warning.weak-instrument",
        outcome = outcome.name,
        arms = list(&arms),
        limit = format!("{:.0}", crate::stats::cace::WEAK_F)
    );
    vec![Warning::new("weak-instrument", message)]
}

/// What `negbin` assumes of the spread and the data do not show, of the outcome that decides.
pub fn of_negbin(
    experiment: &Experiment,
    rows: &[EstimateRow],
    checks: &[Check],
) -> Option<Warning> {
    let outcome = &experiment.primary_outcome().name;
    let of_outcome = |r: &&EstimateRow| {
        r.estimator == Estimator::Negbin && &r.outcome == outcome && r.segment.is_none()
    };
    let mut arms: Vec<String> = Vec::new();
    let mut most: Option<f64> = None;
    for row in rows.iter().filter(of_outcome) {
        let robust = match row.detail.get("se_hc0") {
            Some(DetailValue::Number(se)) => *se,
            _ => continue,
        };
        let Some(own) = row.se.filter(|se| *se > 0.0) else {
            continue;
        };
        let customers = (row.n_arm + row.n_control).max(1) as f64;
        let excess = robust / own - 1.0;
        if excess > MISFIT + MISFIT_BY_CHANCE / customers.sqrt() {
            most = Some(most.map_or(excess, |m| m.max(excess)));
            let arm = experiment.arms.iter().position(|a| a.name == row.arm);
            arms.push(arm.map_or_else(|| row.arm.clone(), |arm| title(experiment, arm)));
        }
    }
    let zeros = checks.iter().find(|c| c.id == "zero-inflation");
    let zeros = zeros
        .and_then(|c| c.p_value)
        .is_some_and(|p| p < EXTRA_ZEROS);
    let message = match most {
        Some(excess) => text!(
            "warning.negbin-misfit-spread",
            outcome,
            arms = list(&arms),
            excess = number::percent_with(excess, 0)
        ),
        None if zeros && rows.iter().any(|r| of_outcome(&r)) => {
            text!("warning.negbin-misfit-zeros", outcome)
        }
        None => return None,
    };
    Some(Warning::new("negbin-misfit", message))
}

/// What people call an arm; its name where it has no title.
pub fn title(experiment: &Experiment, arm: usize) -> String {
    let arm = &experiment.arms[arm];
    match arm.title.trim() {
        "" => arm.name.clone(),
        title => title.to_owned(),
    }
}

fn list(arms: &[String]) -> String {
    let quoted: Vec<String> = arms.iter().map(|a| format!("\"{a}\"")).collect();
    quoted.join(", ")
}
