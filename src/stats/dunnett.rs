//! Dunnett's comparisons of several arms with one control.

use super::dist::t_isf;
use super::estimate::{Alternative, Refusal};
use super::quadrature::{GaussLegendre, t_scale};

/// One arm against control.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Contrast {
    /// Value over its standard error (log scale for ratios).
    pub t: f64,
    /// Degrees of freedom of that error; `None` is normal.
    pub df: Option<f64>,
    /// Control's share b² of the variance of the contrast, 0 to 1.
    pub control_share: f64,
}

/// A contrast adjusted for its family.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Adjusted {
    /// Adjusted p-value.
    pub p: f64,
    /// Half-width of the simultaneous interval in standard errors.
    pub critical: f64,
}

/// Single-step adjustment: simultaneous intervals, and p-values that agree with them.
///
/// *Formula* — p_j = P(some │T_i│ ≥ │t_j│), T_i = (b_i Z₀ + √(1 − b_i²) Z_i)/S with
/// S = √(χ²_df/df): correlations b_i·b_j, a common scale. The integral over Z₀ by
/// Gauss-Legendre panels, over ln S by the trapezoidal rule; `critical` solves
/// p = α. One-sided tests drop the bars and look towards the alternative.
/// Each arm's own df serves both its p and its interval.
///
/// *Units* — p to 1e-10, critical values to 1e-9.
///
/// *Assumes* — contrasts that share control's error and nothing else; joint
/// normality.
///
/// *Source* — Dunnett, C. (1955), JASA 50, 1096-1121; Hasler, M. and Hothorn, L.
/// (2008), Biom. J. 50, 793-800 (own df).
///
/// # Errors
/// No contrast, a t that is not finite, df that are not positive, a share
/// outside 0 to 1, or α outside 0 to 1.
pub fn dunnett(
    contrasts: &[Contrast],
    alpha: f64,
    alternative: Alternative,
) -> Result<Vec<Adjusted>, Refusal> {
    check(contrasts)?;
    if !(alpha > 0.0 && alpha < 1.0) {
        return Err(Refusal::new("alpha must lie between 0 and 1"));
    }
    let shares: Vec<f64> = contrasts.iter().map(|c| c.control_share).collect();
    let mut known: Vec<(Option<f64>, f64)> = Vec::new();
    Ok(contrasts
        .iter()
        .map(|c| {
            let family = Family::new(&shares, c.df, alternative);
            let critical = match known.iter().find(|k| k.0 == c.df) {
                Some(k) => k.1,
                None => {
                    let found = family.critical(alpha);
                    known.push((c.df, found));
                    found
                }
            };
            Adjusted {
                p: family.p_of(c.t),
                critical,
            }
        })
        .collect())
}

/// The critical value of [`dunnett`] from control's shares alone, for planning.
///
/// # Errors
/// As [`dunnett`].
pub fn dunnett_critical(
    control_shares: &[f64],
    df: Option<f64>,
    alpha: f64,
    alternative: Alternative,
) -> Result<f64, Refusal> {
    let contrasts: Vec<Contrast> = control_shares
        .iter()
        .map(|&control_share| Contrast {
            t: 0.0,
            df,
            control_share,
        })
        .collect();
    let adjusted = dunnett(&contrasts, alpha, alternative)?;
    // `dunnett` refuses an empty family.
    Ok(adjusted[0].critical)
}

/// Step-down adjustment: p-values at most those of [`dunnett`], and no intervals.
///
/// *Formula* — in the order of the unadjusted p, each arm's p is that of a
/// single-step family of itself and all arms after it, and at least the one before it.
///
/// *Source* — Dunnett, C. and Tamhane, A. (1991), Statist. Med. 10, 939-947.
///
/// # Errors
/// As [`dunnett`].
pub fn dunnett_step_down(
    contrasts: &[Contrast],
    alternative: Alternative,
) -> Result<Vec<f64>, Refusal> {
    check(contrasts)?;
    let alone = |c: &Contrast| Family::new(&[c.control_share], c.df, alternative).p_of(c.t);
    let mut order: Vec<usize> = (0..contrasts.len()).collect();
    let raw: Vec<f64> = contrasts.iter().map(alone).collect();
    order.sort_by(|&a, &b| raw[a].total_cmp(&raw[b]).then(a.cmp(&b)));
    let mut adjusted = vec![0.0; contrasts.len()];
    let mut floor: f64 = 0.0;
    for (step, &i) in order.iter().enumerate() {
        let shares: Vec<f64> = order[step..]
            .iter()
            .map(|&j| contrasts[j].control_share)
            .collect();
        let c = &contrasts[i];
        floor = floor.max(Family::new(&shares, c.df, alternative).p_of(c.t));
        adjusted[i] = floor;
    }
    Ok(adjusted)
}

fn check(contrasts: &[Contrast]) -> Result<(), Refusal> {
    if contrasts.is_empty() {
        return Err(Refusal::new("there is no arm to compare with control"));
    }
    for c in contrasts {
        if !c.t.is_finite() {
            return Err(Refusal::new("a test statistic is not finite"));
        }
        if c.df.is_some_and(|df| !(df > 0.0 && df.is_finite())) {
            return Err(Refusal::new("degrees of freedom must be positive"));
        }
        if !(0.0..=1.0).contains(&c.control_share) {
            return Err(Refusal::new(
                "control's share of a variance must lie between 0 and 1",
            ));
        }
    }
    Ok(())
}

/// Beyond this many standard deviations the normal holds less than 1e-18.
const NORMAL_END: f64 = 9.0;

struct Family {
    /// Distinct shares, and how many arms have each.
    shares: Vec<(f64, f64)>,
    df: Option<f64>,
    alternative: Alternative,
    scale: Vec<(f64, f64)>,
    rule: GaussLegendre,
}

impl Family {
    fn new(shares: &[f64], df: Option<f64>, alternative: Alternative) -> Self {
        let mut sorted = shares.to_vec();
        sorted.sort_by(f64::total_cmp);
        let alike = sorted.chunk_by(|a, b| a == b);
        Family {
            shares: alike.map(|same| (same[0], same.len() as f64)).collect(),
            df,
            alternative,
            scale: t_scale(df),
            rule: GaussLegendre::new(16),
        }
    }

    fn p_of(&self, t: f64) -> f64 {
        match self.alternative {
            Alternative::TwoSided => self.p(t.abs()),
            // The joint distribution is symmetric about 0.
            Alternative::Less => self.p(-t),
            Alternative::Greater => self.p(t),
        }
    }

    /// P(some T ≥ c), or P(some │T│ ≥ c).
    fn p(&self, c: f64) -> f64 {
        let p: f64 = self
            .scale
            .iter()
            .map(|&(s, weight)| weight * self.given_scale(c * s))
            .sum();
        p.clamp(0.0, 1.0)
    }

    /// P(some X ≥ c) for X_i = b_i Z₀ + √(1 − b_i²) Z_i.
    fn given_scale(&self, c: f64) -> f64 {
        let both = self.alternative == Alternative::TwoSided;
        self.nodes(c)
            .into_iter()
            .map(|(z, w)| {
                // log of the probability that none exceeds: keeps small p's digits.
                let none: f64 = self
                    .shares
                    .iter()
                    .map(|&(share, arms)| {
                        let (b, rest) = (share.sqrt(), (1.0 - share).sqrt());
                        let above = exceed(c - b * z, rest);
                        let below = if both { exceed(c + b * z, rest) } else { 0.0 };
                        arms * (-(above + below).min(1.0)).ln_1p()
                    })
                    .sum();
                -w * density(z) * none.exp_m1()
            })
            .sum()
    }

    /// Panels over Z₀, finer around c/b where an arm's own error is small beside control's.
    ///
    /// Two-sided integrands are even, so only their upper half is walked.
    fn nodes(&self, c: f64) -> Vec<(f64, f64)> {
        let even = self.alternative == Alternative::TwoSided;
        let (start, times) = if even { (0, 2.0) } else { (-6, 1.0) };
        let panel = |i| f64::from(i) * NORMAL_END / 6.0;
        let mut edges: Vec<f64> = (start..=6).map(panel).collect();
        let least = panel(start);
        for &(share, _) in &self.shares {
            let (b, rest) = (share.sqrt(), (1.0 - share).sqrt());
            if share > 0.8 {
                for width in [-9.0, -6.0, -4.0, -2.0, 0.0, 2.0, 4.0, 6.0, 9.0] {
                    let edge = (c + width * rest) / b;
                    if edge > least && edge < NORMAL_END {
                        edges.push(edge);
                    }
                }
            }
        }
        edges.sort_by(f64::total_cmp);
        let mut nodes = self.rule.panels(&edges);
        for node in &mut nodes {
            node.1 *= times;
        }
        nodes
    }

    /// The c with p(c) = alpha: regula falsi with Illinois' halving.
    fn critical(&self, alpha: f64) -> f64 {
        let sides = match self.alternative {
            Alternative::TwoSided => 2.0,
            _ => 1.0,
        };
        let excess = |c: f64| self.p(c) / alpha - 1.0;
        // Between the unadjusted and Bonferroni's, wider where a quantile is not exact.
        let arms: f64 = self.shares.iter().map(|s| s.1).sum();
        let mut low = t_isf(alpha / sides, self.df);
        let mut high = t_isf(alpha / (sides * arms), self.df);
        let mut margin = 1e-6 * (1.0 + high.abs());
        let (mut at_low, mut at_high) = (excess(low), excess(high));
        while at_low < 0.0 {
            low -= margin;
            margin *= 4.0;
            at_low = excess(low);
        }
        while at_high > 0.0 {
            high += margin;
            margin *= 4.0;
            at_high = excess(high);
        }
        while (high - low).abs() > 1e-12 * (1.0 + high.abs()) && at_high != 0.0 {
            let c = high - at_high * (high - low) / (at_high - at_low);
            let value = excess(c);
            if value.signum() == at_high.signum() {
                at_low *= 0.5;
            } else {
                (low, at_low) = (high, at_high);
            }
            (high, at_high) = (c, value);
            // A p within 1e-12 of α puts c within 1e-11.
            if at_high.abs() < 1e-12 {
                break;
            }
        }
        high
    }
}

/// P(rest·Z ≥ x).
fn exceed(x: f64, rest: f64) -> f64 {
    if rest > 0.0 {
        super::dist::normal_sf(x / rest)
    } else if x <= 0.0 {
        1.0
    } else {
        0.0
    }
}

fn density(z: f64) -> f64 {
    // 1/√(2π)
    0.398_942_280_401_432_7 * (-0.5 * z * z).exp()
}
