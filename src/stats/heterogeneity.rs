//! Do effects differ between groups of customers, and what is left of each after shrinkage?

use crate::texts::text;

use super::dist::chi_squared_sf;
use super::estimate::Refusal;

/// Effects of independent groups, together.
#[derive(Debug, Clone, PartialEq)]
pub struct Heterogeneity {
    /// Cochran's Q, χ² with `df` degrees of freedom where all groups have the same effect.
    pub q: f64,
    /// Groups − 1.
    pub df: f64,
    /// P(χ² ≥ q).
    pub p_value: f64,
    /// Variance of the true effects between groups; 0 where they differ no more than chance.
    pub tau_squared: f64,
    /// Mean of the groups' effects, weights 1/(v + τ²), and its standard error.
    pub mean: (f64, f64),
    /// Each group's effect drawn towards the mean, and its standard error, in the order given.
    pub shrunk: Vec<(f64, f64)>,
}

/// Interaction test and shrinkage of groups' effects, each (value, standard error).
///
/// *Formula* — with w = 1/v and θ̄ = Σwθ/Σw: Q = Σw(θ − θ̄)². τ² by moments,
/// max(0, (Q − (k − 1))/(Σw − Σw²/Σw)). With w* = 1/(v + τ²), μ = Σw*θ/Σw*,
/// λ = τ²/(v + τ²): the shrunken effect is λθ + (1 − λ)μ, its variance λv + (1 − λ)²/Σw*.
///
/// *Units* — the scale on which effects add up: logarithms of ratios.
///
/// *Assumes* — the groups hold different customers; effects are nearly normal with known
/// variance. With few groups τ² is rough, and its own uncertainty is not in the intervals.
///
/// *Errors* — fewer than two groups, or one without a standard error above 0.
///
/// *Source* — Cochran (1954), Biometrics 10, 101-129; DerSimonian & Laird (1986), Controlled Clinical
/// Trials 7, 177-188; Morris (1983), J. Am. Stat. Assoc. 78, 47-55.
pub fn heterogeneity(groups: &[(f64, f64)]) -> Result<Heterogeneity, Refusal> {
    if groups.len() < 2 {
        return Err(Refusal::new(text!("refusal-segments.few-groups")));
    }
    let sound = |g: &(f64, f64)| g.0.is_finite() && g.1.is_finite() && g.1 > 0.0;
    if !groups.iter().all(sound) {
        return Err(Refusal::new(text!("refusal-segments.no-error")));
    }
    // In units of the smallest error, so that no square is too large or small for a number.
    let unit = groups.iter().map(|g| g.1).fold(f64::INFINITY, f64::min);
    let scaled: Vec<(f64, f64)> = groups
        .iter()
        .map(|g| (g.0 / unit, (g.1 / unit).powi(2)))
        .collect();
    let pooled = |extra: f64| {
        let total: f64 = scaled.iter().map(|g| 1.0 / (g.1 + extra)).sum();
        let sum: f64 = scaled.iter().map(|g| g.0 / (g.1 + extra)).sum();
        (sum / total, total)
    };
    let (fixed, total) = pooled(0.0);
    let q: f64 = scaled.iter().map(|g| (g.0 - fixed).powi(2) / g.1).sum();
    let squares: f64 = scaled.iter().map(|g| g.1.powi(-2)).sum();
    let df = groups.len() as f64 - 1.0;
    let tau_squared = ((q - df) / (total - squares / total)).max(0.0);
    let (mean, total) = pooled(tau_squared);
    let shrunk = scaled.iter().map(|(value, v)| {
        let keep = tau_squared / (v + tau_squared);
        let variance = keep * v + (1.0 - keep).powi(2) / total;
        (
            (keep * value + (1.0 - keep) * mean) * unit,
            variance.sqrt() * unit,
        )
    });
    Ok(Heterogeneity {
        q,
        df,
        p_value: chi_squared_sf(q, df),
        tau_squared: tau_squared * unit * unit,
        mean: (mean * unit, total.sqrt().recip() * unit),
        shrunk: shrunk.collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_effects_are_one_effect() {
        let h = heterogeneity(&[(0.3, 0.1), (0.3, 0.2), (0.3, 0.4)]).unwrap();
        assert_eq!((h.tau_squared, h.df), (0.0, 2.0));
        assert!(h.q < 1e-20 && (h.p_value - 1.0).abs() < 1e-9);
        for (value, se) in h.shrunk {
            assert!((value - 0.3).abs() < 1e-12 && (se - h.mean.1).abs() < 1e-12);
        }
    }

    #[test]
    fn shrinkage_keeps_between_the_raw_value_and_the_mean() {
        let groups = [(-0.9, 0.1), (-0.1, 0.3), (0.4, 0.2)];
        let h = heterogeneity(&groups).unwrap();
        assert!(h.tau_squared > 0.0);
        for ((raw, _), (value, _)) in groups.iter().zip(&h.shrunk) {
            let (low, high) = (raw.min(h.mean.0), raw.max(h.mean.0));
            assert!((low..=high).contains(value), "{raw} {value}");
        }
    }

    #[test]
    fn units_and_order_change_nothing_else() {
        let groups = [(-0.9, 0.1), (-0.1, 0.3), (0.4, 0.2)];
        let one = heterogeneity(&groups).unwrap();
        let k = 1e-170;
        let mut other: Vec<(f64, f64)> = groups.iter().map(|g| (g.0 * k, g.1 * k)).collect();
        other.reverse();
        let other = heterogeneity(&other).unwrap();
        assert!((one.q / other.q - 1.0).abs() < 1e-12);
        assert!((one.shrunk[0].0 * k / other.shrunk[2].0 - 1.0).abs() < 1e-12);
    }

    #[test]
    fn what_cannot_be_compared_is_refused() {
        for groups in [
            &[][..],
            &[(1.0, 1.0)],
            &[(1.0, 1.0), (1.0, 0.0)],
            &[(1.0, 1.0), (f64::NAN, 1.0)],
        ] {
            assert!(heterogeneity(groups).is_err());
        }
    }
}
