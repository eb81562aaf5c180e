//! How much is known by when.

use crate::stats::estimate::Refusal;

/// Information fraction of a fixed roster after a share of its time.
///
/// *Formula* — (1/μ + φ)/(1/(μt) + φ), μ = λT contacts a customer over the whole window, t the
/// share of it. The same for difference and log ratio of negative binomial rates: Poisson
/// noise shrinks with time, differences between customers do not. So early looks know
/// much: μ 2.4, φ 1.8 have .84 of the information at half time.
///
/// *Source* — variance μ + φμ² of a count over μt = λt, both arms alike; Mütze et al. (2019), Statist. Med. 38, 2953-2965, sect. 2.
///
/// # Errors
/// A mean not above 0, a dispersion below 0, or a share outside 0 to 1.
pub fn roster_fraction(mean: f64, dispersion: f64, share: f64) -> Result<f64, Refusal> {
    if !(mean > 0.0 && mean.is_finite() && dispersion >= 0.0 && dispersion.is_finite()) {
        return Err(Refusal::new(
            "the information of a roster needs a mean above 0 and a dispersion of 0 or more",
        ));
    }
    if !(share > 0.0 && share <= 1.0) {
        return Err(Refusal::new(
            "the share of the window must be above 0 and at most 1",
        ));
    }
    Ok((1.0 / mean + dispersion) / (1.0 / (mean * share) + dispersion))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_time_is_not_half_of_the_information() {
        // statistics.md: .84; by hand (1/2.4 + 1.8)/(1/1.2 + 1.8) = 133/158.
        let half = roster_fraction(2.4, 1.8, 0.5).unwrap();
        assert!((half - 133.0 / 158.0).abs() < 1e-15);
        assert_eq!(roster_fraction(2.4, 1.8, 1.0).unwrap(), 1.0);
        // Without dispersion it is proportional to time.
        assert!((roster_fraction(3.0, 0.0, 0.25).unwrap() - 0.25).abs() < 1e-15);
        assert!(roster_fraction(0.0, 1.0, 0.5).is_err());
    }
}
