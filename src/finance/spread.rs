//! Intervals from draws.

use super::model::MonthRange;

/// A month that does not come: after every other.
pub(super) const NEVER: u32 = u32::MAX;

/// Equal-tailed interval of `values` at `level`; an end is `None` where it is not finite.
pub(super) fn interval(mut values: Vec<f64>, level: f64) -> (Option<f64>, Option<f64>) {
    if values.iter().any(|v| v.is_nan()) {
        return (None, None);
    }
    let tail = (1.0 - level) / 2.0;
    let mut end = |p| Some(quantile(&mut values, p)).filter(|v| v.is_finite());
    (end(tail), end(1.0 - tail))
}

/// Interval of whole months at `level`; `None` is never.
///
/// *Formula* — the first month m with P(month ≤ m) ≥ p: a month between two months is none.
/// *Source* — Hyndman & Fan (1996), type 1.
pub(super) fn months(mut months: Vec<u32>, level: f64) -> MonthRange {
    months.sort_unstable();
    let tail = (1.0 - level) / 2.0;
    let at = |p: f64| {
        let place = (months.len() as f64 * p - 1e-9).ceil() as usize;
        let month = months.get(place.saturating_sub(1)).copied();
        month.filter(|m| *m != NEVER)
    };
    MonthRange {
        lower: at(tail),
        upper: at(1.0 - tail),
    }
}

/// Quantiles of `values`; NaN where one is not a number.
pub(super) fn quantiles<const N: usize>(mut values: Vec<f64>, at: [f64; N]) -> [f64; N] {
    if values.iter().any(|v| v.is_nan()) {
        return [f64::NAN; N];
    }
    at.map(|p| quantile(&mut values, p))
}

/// *Formula* — with x_(0) ≤ … ≤ x_(n−1) and h = (n − 1)p: x_(⌊h⌋) + (h − ⌊h⌋)(x_(⌊h⌋+1) − x_(⌊h⌋)).
/// *Source* — Hyndman & Fan (1996), type 7; the default of R and NumPy.
fn quantile(values: &mut [f64], p: f64) -> f64 {
    let Some(last) = values.len().checked_sub(1) else {
        return f64::NAN;
    };
    let h = last as f64 * p;
    let below = (h.floor() as usize).min(last);
    let (_, &mut low, above) = values.select_nth_unstable_by(below, f64::total_cmp);
    let part = h - below as f64;
    match above.iter().copied().min_by(f64::total_cmp) {
        // ∞ − finite is fine, ∞ − ∞ is not: an end between two infinite values is infinite.
        Some(next) if part > 0.0 && next != low => low + part * (next - low),
        _ => low,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_r_type_7() {
        // R: quantile(c(7, 1, 3, 10), c(.1, .5, .9)) → 1.6, 5.0, 9.1
        let mut x = [7.0, 1.0, 3.0, 10.0];
        for (p, q) in [(0.1, 1.6), (0.5, 5.0), (0.9, 9.1), (0.0, 1.0), (1.0, 10.0)] {
            assert!((quantile(&mut x, p) - q).abs() < 1e-12);
        }
    }

    #[test]
    fn months_are_whole_and_never_is_last() {
        let range = |months: &[u32], level| {
            let MonthRange { lower, upper } = super::months(months.to_vec(), level);
            (lower, upper)
        };
        // R: quantile(c(3, 4, 4, 9), c(.25, .75), type = 1) → 3, 4
        assert_eq!(range(&[4, 3, 9, 4], 0.5), (Some(3), Some(4)));
        assert_eq!(range(&[4, 3, NEVER, 4], 0.5), (Some(3), Some(4)));
        assert_eq!(range(&[4, 3, NEVER, NEVER], 0.5), (Some(3), None));
        assert_eq!(range(&[NEVER; 4], 0.95), (None, None));
        assert_eq!(range(&[], 0.95), (None, None));
    }

    #[test]
    fn an_unbounded_end_is_unknown() {
        let mut x = vec![1.0; 90];
        x.extend([f64::INFINITY; 10]);
        assert_eq!(interval(x, 0.95), (Some(1.0), None));
    }
}
