//! Newton's method for log-linear count models.
//!
//! The strata's intercepts make the information an arrow: a corner of at most
//! 3 × 3 and a diagonal of any length, so a fit costs one pass over the groups
//! a step, however many strata there are.

use nalgebra::{Cholesky, Matrix3};

use crate::texts::text;

use super::count_data::{Columns, CountData, Group};
use super::estimate::Refusal;

const MAX_ITERATIONS: usize = 100;
/// Newton's error is squared each step: after a step below this it is below 1e-15.
const LAST_STEP: f64 = 1e-8;

/// A symmetric matrix of a 3 × 3 corner, a diagonal, and the strip between them.
#[derive(Debug, Clone)]
pub(crate) struct Arrow {
    pub corner: Matrix3<f64>,
    strip: Vec<Columns>,
    diagonal: Vec<f64>,
}

/// A vector over the corner and the blocks.
#[derive(Debug, Clone)]
pub(crate) struct Direction {
    pub corner: Columns,
    pub blocks: Vec<f64>,
}

impl Direction {
    /// No direction.
    pub fn zero(blocks: usize) -> Self {
        Direction {
            corner: Columns::zeros(),
            blocks: vec![0.0; blocks],
        }
    }

    /// The direction along the arm's coefficient.
    pub fn arm(blocks: usize) -> Self {
        let mut d = Self::zero(blocks);
        d.corner[0] = 1.0;
        d
    }

    /// The linear predictor of a group along this direction.
    pub fn at(&self, g: &Group) -> f64 {
        self.corner.dot(&g.x) + self.blocks[g.block]
    }

    /// Adds a group's row of the design, weighted.
    pub fn add(&mut self, g: &Group, weight: f64) {
        self.corner += g.x * weight;
        self.blocks[g.block] += weight;
    }

    /// Inner product.
    pub fn dot(&self, other: &Direction) -> f64 {
        let blocks: f64 = self
            .blocks
            .iter()
            .zip(&other.blocks)
            .map(|(a, b)| a * b)
            .sum();
        self.corner.dot(&other.corner) + blocks
    }

    fn plus(&self, step: &Direction, factor: f64) -> Direction {
        Direction {
            corner: self.corner + step.corner * factor,
            blocks: self
                .blocks
                .iter()
                .zip(&step.blocks)
                .map(|(a, b)| a + factor * b)
                .collect(),
        }
    }

    fn largest(&self) -> f64 {
        self.corner
            .iter()
            .chain(&self.blocks)
            .fold(0.0, |m: f64, v| m.max(v.abs()))
    }
}

impl Arrow {
    /// The zero matrix for so many blocks.
    pub fn new(blocks: usize) -> Self {
        Arrow {
            corner: Matrix3::zeros(),
            strip: vec![Columns::zeros(); blocks],
            diagonal: vec![0.0; blocks],
        }
    }

    /// Adds the weighted outer product of a group's row of the design.
    pub fn add(&mut self, g: &Group, weight: f64) {
        let scaled = g.x * weight;
        self.corner += scaled * g.x.transpose();
        self.strip[g.block] += scaled;
        self.diagonal[g.block] += weight;
    }

    /// The corner once the blocks are solved for.
    pub fn schur(&self) -> Matrix3<f64> {
        let mut s = self.corner;
        for (b, &d) in self.strip.iter().zip(&self.diagonal) {
            s -= b * b.transpose() / d;
        }
        s
    }

    /// The x with self·x = right; `None` where the matrix is not positive definite.
    ///
    /// Columns not `used` are zero throughout; their unknown is 0.
    pub fn solve(&self, right: &Direction, used: [bool; 3]) -> Option<Direction> {
        if self.diagonal.iter().any(|&d| d <= 0.0 || !d.is_finite()) {
            return None;
        }
        let mut schur = self.schur();
        let mut corner = right.corner;
        for ((b, &d), &r) in self.strip.iter().zip(&self.diagonal).zip(&right.blocks) {
            corner -= b * (r / d);
        }
        for (j, &u) in used.iter().enumerate() {
            if !u {
                schur[(j, j)] = 1.0;
                corner[j] = 0.0;
            }
        }
        let corner = Cholesky::new(schur)?.solve(&corner);
        let blocks = self
            .strip
            .iter()
            .zip(&self.diagonal)
            .zip(&right.blocks)
            .map(|((b, &d), &r)| (r - b.dot(&corner)) / d)
            .collect();
        Some(Direction { corner, blocks })
    }
}

/// A maximum of the likelihood in the coefficients, given the dispersion α (0 is Poisson).
#[derive(Debug, Clone)]
pub(crate) struct Fit {
    pub coefficients: Direction,
    /// Mean of each group.
    pub mu: Vec<f64>,
}

/// Newton's method on the negative binomial likelihood of variance μ + αμ², α ≥ 0 known.
///
/// The likelihood is concave in the coefficients; steps that lower it are halved.
///
/// # Errors
/// No finite maximum (separation), or none found.
pub(crate) fn fit(data: &CountData, alpha: f64, start: Option<&Fit>) -> Result<Fit, Refusal> {
    let mut at = match start {
        Some(fit) => fit.coefficients.clone(),
        None => start_at_rates(data),
    };
    let mut state = State::new(data, alpha, &at);
    for _ in 0..MAX_ITERATIONS {
        let step = state
            .information
            .solve(&state.gradient, data.used)
            .ok_or_else(separated)?;
        let size = step.largest();
        if !size.is_finite() {
            return Err(separated());
        }
        let mut factor = 1.0;
        let (next, next_state) = loop {
            let next = at.plus(&step, factor);
            let candidate = State::new(data, alpha, &next);
            // Near the maximum rounding hides the gain: 1e-12 of the likelihood.
            if candidate.likelihood >= state.likelihood - 1e-12 * state.likelihood.abs() {
                break (next, candidate);
            }
            factor *= 0.5;
            if factor < 1e-10 {
                return Err(Refusal::new(text!("refusal-counts.no-maximum")));
            }
        };
        (at, state) = (next, next_state);
        if size * factor < LAST_STEP {
            return Ok(Fit {
                coefficients: at,
                mu: state.mu,
            });
        }
    }
    Err(separated())
}

fn separated() -> Refusal {
    Refusal::new(text!("refusal-counts.infinite"))
}

fn start_at_rates(data: &CountData) -> Direction {
    let mut rates = vec![(0.0, 0.0); data.blocks];
    for g in &data.groups {
        rates[g.block].0 += g.sum;
        rates[g.block].1 += g.n * g.log_exposure.exp();
    }
    Direction {
        corner: Columns::zeros(),
        blocks: rates.iter().map(|(y, e)| (y / e).ln()).collect(),
    }
}

struct State {
    likelihood: f64,
    gradient: Direction,
    information: Arrow,
    mu: Vec<f64>,
}

impl State {
    fn new(data: &CountData, alpha: f64, at: &Direction) -> Self {
        let mut s = State {
            likelihood: 0.0,
            gradient: Direction::zero(data.blocks),
            information: Arrow::new(data.blocks),
            mu: Vec::with_capacity(data.groups.len()),
        };
        for g in &data.groups {
            let eta = at.at(g) + g.log_exposure;
            let mu = eta.exp();
            let one_plus = 1.0 + alpha * mu;
            s.likelihood += g.sum * eta - log_term(g, alpha, mu);
            s.gradient.add(g, (g.sum - g.n * mu) / one_plus);
            let weight = mu * (g.n + alpha * g.sum) / (one_plus * one_plus);
            s.information.add(g, weight);
            s.mu.push(mu);
        }
        if !s.likelihood.is_finite() {
            s.likelihood = f64::NEG_INFINITY;
        }
        s
    }
}

/// (Σy + n/α)·log(1 + αμ), with its limit nμ at α = 0.
pub(crate) fn log_term(g: &Group, alpha: f64, mu: f64) -> f64 {
    if alpha == 0.0 {
        return g.n * mu;
    }
    let z = alpha * mu;
    let log = z.ln_1p();
    // log(1 + z)/α as μ·log(1 + z)/z, which keeps its digits for tiny α.
    let ratio = if z > 0.0 { log / z } else { 1.0 };
    g.sum * log + g.n * mu * ratio
}

/// The arm's variances around a fit.
pub(crate) struct Variances {
    /// From the expected information.
    pub model: f64,
    /// Sandwich HC0 with the expected information as bread.
    pub robust: f64,
    /// The part of it that control's customers contribute.
    pub robust_control: f64,
}

/// Model and sandwich variances of the arm's coefficient, α (0 is Poisson) taken as known.
///
/// # Errors
/// An information matrix that rounding left singular.
pub(crate) fn variances(data: &CountData, alpha: f64, fit: &Fit) -> Result<Variances, Refusal> {
    let mut information = Arrow::new(data.blocks);
    for (g, &mu) in data.groups.iter().zip(&fit.mu) {
        information.add(g, g.n * mu / (1.0 + alpha * mu));
    }
    let influence = information
        .solve(&Direction::arm(data.blocks), data.used)
        .ok_or_else(separated)?;
    let (mut robust, mut robust_control) = (0.0, 0.0);
    for (g, &mu) in data.groups.iter().zip(&fit.mu) {
        let a = influence.at(g) / (1.0 + alpha * mu);
        let part = a * a * g.squares_about(mu);
        robust += part;
        // The first column is 1 for treatment.
        if g.x[0] == 0.0 {
            robust_control += part;
        }
    }
    Ok(Variances {
        model: influence.corner[0],
        robust,
        robust_control,
    })
}

/// Σ[(y − μ)² − y]: twice the likelihood's slope in α at the Poisson model.
pub(crate) fn excess(data: &CountData, fit: &Fit) -> f64 {
    data.groups
        .iter()
        .zip(&fit.mu)
        .map(|(g, &mu)| g.squares_about(mu) - g.sum)
        .sum()
}
