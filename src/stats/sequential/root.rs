//! Roots of monotone functions.

/// Most steps: each at worst halves the bracket every third time.
const MAX_STEPS: usize = 200;

/// Where an increasing `f` passes 0 between `low` and `high`, to `tolerance`; `None` where
/// it does not. Ends where `f` may not be finite are allowed as long as its sign is known.
///
/// *Source* — Brent, R. (1973), Algorithms for Minimization Without Derivatives, ch. 4.
pub(super) fn increasing(
    low: f64,
    high: f64,
    tolerance: f64,
    f: impl Fn(f64) -> f64,
) -> Option<f64> {
    let (mut a, mut b) = (low, high);
    let (mut fa, mut fb) = (f(a), f(b));
    if fa > 0.0 || fb < 0.0 || fa.is_nan() || fb.is_nan() {
        return None;
    }
    let (mut c, mut fc) = (a, fa);
    let mut step = b - a;
    let mut before = step;
    for _ in 0..MAX_STEPS {
        if (fb > 0.0) == (fc > 0.0) {
            (c, fc) = (a, fa);
            step = b - a;
            before = step;
        }
        if fc.abs() < fb.abs() {
            (a, b, c) = (b, c, b);
            (fa, fb, fc) = (fb, fc, fb);
        }
        let least = 2.0 * f64::EPSILON * b.abs() + 0.5 * tolerance;
        let middle = 0.5 * (c - b);
        if middle.abs() <= least || fb == 0.0 {
            return Some(b);
        }
        let mut halve = true;
        if before.abs() >= least && fa.abs() > fb.abs() && fa.is_finite() {
            let s = fb / fa;
            let (mut p, mut q) = if a == c {
                (2.0 * middle * s, 1.0 - s)
            } else {
                let (q, r) = (fa / fc, fb / fc);
                (
                    s * (2.0 * middle * q * (q - r) - (b - a) * (r - 1.0)),
                    (q - 1.0) * (r - 1.0) * (s - 1.0),
                )
            };
            if p > 0.0 {
                q = -q;
            }
            p = p.abs();
            if 2.0 * p < (3.0 * middle * q - (least * q).abs()).min((before * q).abs()) {
                before = step;
                step = p / q;
                halve = false;
            }
        }
        if halve {
            step = middle;
            before = middle;
        }
        (a, fa) = (b, fb);
        b += if step.abs() > least {
            step
        } else {
            least.copysign(middle)
        };
        fb = f(b);
        if fb.is_nan() {
            return None;
        }
    }
    Some(b)
}

/// As [`increasing`], for a function that falls.
pub(super) fn decreasing(
    low: f64,
    high: f64,
    tolerance: f64,
    f: impl Fn(f64) -> f64,
) -> Option<f64> {
    increasing(low, high, tolerance, |x| -f(x))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_found_and_their_absence_is_told() {
        let root = increasing(0.0, 3.0, 1e-14, |x| x * x * x - 2.0).unwrap();
        assert!((root - 2f64.cbrt()).abs() < 1e-13);
        let root = decreasing(-40.0, 40.0, 1e-14, |x| (-x).exp() - 1e-3).unwrap();
        assert!((root - 1e3f64.ln()).abs() < 1e-12);
        assert_eq!(increasing(0.0, 1.0, 1e-12, |x| x + 1.0), None);
        assert_eq!(increasing(0.0, 1.0, 1e-12, |_| f64::NAN), None);
    }
}
