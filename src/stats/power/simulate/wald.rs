//! Tests of two arms of counts without covariates: Wald's of the ratio, Welch's of the means.

/// n, mean and Σ(y − ȳ)².
fn moments(counts: &[u64]) -> (f64, f64, f64) {
    let n = counts.iter().sum::<u64>() as f64;
    let values = || {
        counts
            .iter()
            .enumerate()
            .map(|(y, &c)| (y as f64, c as f64))
    };
    let mean = values().map(|(y, c)| y * c).sum::<f64>() / n;
    (n, mean, values().map(|(y, c)| c * (y - mean).powi(2)).sum())
}

/// Wald z of log(margin·ȳ_0/ȳ_1) by negative binomial maximum likelihood.
///
/// Without covariates the arms' means are the sample means, whatever φ; an arm without a
/// contact has no log and finds nothing.
pub fn wald(control: &[u64], treatment: &[u64], margin: f64) -> Option<f64> {
    let (n0, m0, ss0) = moments(control);
    let (n1, m1, ss1) = moments(treatment);
    if !(m0 > 0.0 && m1 > 0.0) {
        return None;
    }
    let phi = dispersion([(control, n0, m0, ss0), (treatment, n1, m1, ss1)]);
    let variance = (1.0 / m0 + phi) / n0 + (1.0 / m1 + phi) / n1;
    Some((margin * m0 / m1).ln() / variance.sqrt())
}

/// φ by maximum likelihood, 0 where Σ[(y − μ)² − y] ≤ 0.
///
/// *Formula* — score Σ_j N(Y > j)·j/(1 + φj) + Σ_arms n[ln(1 + φμ)/φ² − μ/φ].
///
/// *Source* — Lawless (1987), Can. J. Statist. 15, 209-225.
fn dispersion(arms: [(&[u64], f64, f64, f64); 2]) -> f64 {
    let at_zero: f64 = arms.iter().map(|&(_, n, m, ss)| ss - n * m).sum();
    if at_zero <= 0.0 {
        return 0.0;
    }
    let mut beyond = vec![0.0; arms[0].0.len().max(arms[1].0.len())];
    for (counts, ..) in arms {
        let mut tail = 0u64;
        for (j, &c) in counts.iter().enumerate().rev() {
            beyond[j] += tail as f64;
            tail += c;
        }
    }
    let longest = beyond.iter().rposition(|&b| b > 0.0).map_or(0, |j| j + 1);
    let score = |phi: f64| {
        let tails: f64 = beyond[..longest]
            .iter()
            .enumerate()
            .map(|(j, b)| b * j as f64 / (1.0 + phi * j as f64))
            .sum();
        let means: f64 = arms.iter().map(|&(_, n, m, _)| n * mean_part(phi, m)).sum();
        tails + means
    };
    let (mut low, mut high) = (-30.0, 30.0);
    // 2⁻³⁵ of the range: φ to nine digits, far below its sampling error.
    for _ in 0..40 {
        let middle = 0.5 * (low + high);
        if score(f64::exp(middle)) > 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::exp(0.5 * (low + high))
}

/// ln(1 + φμ)/φ² − μ/φ; its series where the two cancel.
fn mean_part(phi: f64, mean: f64) -> f64 {
    let x = phi * mean;
    if x < 1e-4 {
        mean * mean * (-0.5 + x / 3.0 - x * x / 4.0)
    } else {
        (x.ln_1p() - x) / (phi * phi)
    }
}

/// t and Welch-Satterthwaite df of margin·ȳ_0 − ȳ_1.
pub fn welch(control: &[u64], treatment: &[u64], margin: f64) -> Option<(f64, f64)> {
    let (n0, m0, ss0) = moments(control);
    let (n1, m1, ss1) = moments(treatment);
    let (v0, v1) = (
        margin * margin * ss0 / (n0 - 1.0) / n0,
        ss1 / (n1 - 1.0) / n1,
    );
    let v = v0 + v1;
    let df = v * v / (v0 * v0 / (n0 - 1.0) + v1 * v1 / (n1 - 1.0));
    (v > 0.0 && df.is_finite()).then(|| ((margin * m0 - m1) / v.sqrt(), df))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(values: &[usize]) -> Vec<u64> {
        let mut counts = vec![0; 400];
        values.iter().for_each(|&y| counts[y] += 1);
        counts
    }

    #[test]
    fn wald_test_matches_glm_nb() {
        // Seizures of the progabide trial (MASS::epil), eight weeks after; glm.nb and statsmodels:
        // tests/reference/scripts/suite.R, record epil.nb2_unadj.
        let control = tally(&[
            14, 14, 11, 13, 55, 22, 12, 93, 22, 33, 66, 30, 16, 42, 59, 16, 6, 123, 15, 16, 14, 14,
            13, 30, 143, 6, 10, 53,
        ]);
        let treatment = tally(&[
            42, 28, 7, 13, 19, 11, 74, 20, 10, 24, 29, 4, 6, 12, 65, 26, 39, 7, 32, 3, 302, 13, 26,
            10, 70, 13, 15, 51, 6, 0, 10,
        ]);
        let z = wald(&control, &treatment, 1.0).unwrap();
        // φ is found to nine digits.
        assert!(
            (z / (0.07508706384675326 / 0.2514437752032828) - 1.0).abs() < 1e-8,
            "{z}"
        );
        let arm = |c: &'static [u64]| {
            let (n, m, ss) = moments(c);
            (c, n, m, ss)
        };
        let phi = dispersion([arm(control.leak()), arm(treatment.leak())]);
        assert!((phi / 0.8999279549531304 - 1.0).abs() < 1e-8, "{phi}");
    }

    #[test]
    fn less_spread_than_poisson_is_poisson() {
        let arm = tally(&[2, 2, 2, 3, 3]);
        let z = wald(&arm, &arm, 1.5).unwrap();
        assert!((z - 1.5f64.ln() / (2.0 / 12.0f64).sqrt()).abs() < 1e-12);
        assert_eq!(wald(&tally(&[0, 0]), &arm, 1.0), None);
    }
}
