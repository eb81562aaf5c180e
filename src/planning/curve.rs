//! Power as a curve: against customers, and against the reduction.

use crate::stats::Refusal;
use crate::stats::power::{Answer, Question, powers};

/// Points of a curve.
const POINTS: u32 = 80;
/// Nearest to having no effect, and to leaving no contact, that a curve is followed.
const NEAREST: f64 = 0.995;

/// How power grows around a planned pilot.
#[derive(Debug, Clone, PartialEq)]
pub struct PowerCurves {
    /// Customers of all arms, planned.
    pub customers: f64,
    /// Customers of each arm, where all arms are alike.
    pub each: Option<u64>,
    /// Reduction planned.
    pub reduction: f64,
    /// Ratio to be excluded: 1 for superiority.
    pub margin: f64,
    /// The formula's power there.
    pub power: f64,
    /// Power that was asked for.
    pub asked: Option<f64>,
    /// Simulated power there and its standard error.
    pub simulated: Option<(f64, f64)>,
    /// Less, as planned, more.
    pub curves: [Curve; 3],
}

/// One pair of curves.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// Reduction of the curve against customers.
    pub reduction: f64,
    /// (Customers of all arms, power).
    pub by_customers: Vec<(f64, f64)>,
    /// Customers of all arms of the curve against the reduction.
    pub customers: f64,
    /// (Reduction, power).
    pub by_reduction: Vec<(f64, f64)>,
}

/// Curves around an answer: for its reduction, three quarters and five quarters of it, up to
/// 2.2 times its customers; and for its customers, half and twice as many, up to twice its
/// reduction. Reductions count from what is to be excluded, so a margin moves them all. `None`
/// where the customers find no reduction.
///
/// # Errors
/// As [`powers`].
pub fn power_curves(q: &Question, a: &Answer) -> Result<Option<PowerCurves>, Refusal> {
    let Some(reduction) = q.reduction.or(a.smallest_reduction) else {
        return Ok(None);
    };
    let customers = match q.customers {
        Some(n) => n as f64,
        None => a.n_per_arm_exact.iter().sum(),
    };
    let null = (1.0 - q.margin) / q.uptake;
    let towards = |times: f64| (null + times * (reduction - null)).min(NEAREST);
    let steps = |from: f64, to: f64| {
        (0..=POINTS).map(move |i| from + (to - from) * f64::from(i) / f64::from(POINTS))
    };
    let curve = |effect: f64, size: f64| -> Result<Curve, Refusal> {
        let (reduction, customers_here) = (towards(effect), size * customers);
        let along: Vec<(f64, f64)> = steps(0.02 * customers, 2.2 * customers)
            .map(|n| (n, reduction))
            .collect();
        let across: Vec<(f64, f64)> = steps(towards(0.01), towards(2.0))
            .map(|r| (customers_here, r))
            .collect();
        let known = |points: &[(f64, f64)], x: fn(&(f64, f64)) -> f64| {
            let found = powers(q, points)?;
            let pairs = points.iter().zip(found);
            Ok(pairs
                .filter_map(|(p, power)| Some((x(p), power?)))
                .collect())
        };
        Ok(Curve {
            reduction,
            by_customers: known(&along, |p| p.0)?,
            customers: customers_here,
            by_reduction: known(&across, |p| p.1)?,
        })
    };
    let alike = a.n_per_arm.iter().all(|n| *n == a.n_per_arm[0]);
    Ok(Some(PowerCurves {
        customers,
        each: a.n_per_arm.first().copied().filter(|_| alike),
        reduction,
        margin: q.margin,
        power: a.power,
        asked: q.power,
        simulated: a.power_simulated.zip(a.power_simulated_se),
        curves: [curve(0.75, 0.5)?, curve(1.0, 1.0)?, curve(1.25, 2.0)?],
    }))
}
