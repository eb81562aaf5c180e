//! Exact sums of a set of customers.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

use super::cells::Cell;

/// Exact sums over customers whose outcome after was observed, in fixed-point units.
///
/// Σy and Σy² of fixed-point integers; the means and variances in value units
/// come from [`super::Side`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Moments {
    /// Customers with an observed outcome.
    pub n: u64,
    /// Σ y.
    pub y: i128,
    /// Σ y².
    pub yy: i128,
    /// Σ e, exposure.
    pub e: i128,
    /// Σ e².
    pub ee: i128,
    /// Σ e·y.
    pub ey: i128,
    /// Sums over those who also have a before value.
    pub paired: Paired,
    /// Customers whose outcome was not observed.
    pub missing: u64,
    /// Observed customers with exposure 0.
    pub zero_exposure: u64,
}

/// Exact sums over customers who have both a before and an after value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Paired {
    /// Customers.
    pub n: u64,
    /// Σ x, before.
    pub x: i128,
    /// Σ y, after.
    pub y: i128,
    /// Σ x².
    pub xx: i128,
    /// Σ x·y.
    pub xy: i128,
    /// Σ y².
    pub yy: i128,
}

fn overflow() -> Error {
    Error::data("the sum of squares of an outcome exceeds 127 bits")
        .hint("give the outcome in a larger unit (for example minutes for seconds), or cap it in the plan")
}

fn add(sum: &mut i128, times: u64, a: i64, b: i64) -> Result<()> {
    let term = (i128::from(a) * i128::from(b))
        .checked_mul(i128::from(times))
        .ok_or_else(overflow)?;
    *sum = sum.checked_add(term).ok_or_else(overflow)?;
    Ok(())
}

impl Moments {
    /// Adds a cell's customers.
    ///
    /// # Errors
    /// A sum that does not fit 127 bits.
    pub fn add(&mut self, cell: &Cell) -> Result<()> {
        let w = cell.customers;
        let Some(y) = cell.after else {
            self.missing += w;
            return Ok(());
        };
        let e = cell.exposure;
        self.n += w;
        if e == 0 {
            self.zero_exposure += w;
        }
        add(&mut self.y, w, y, 1)?;
        add(&mut self.yy, w, y, y)?;
        add(&mut self.e, w, e, 1)?;
        add(&mut self.ee, w, e, e)?;
        add(&mut self.ey, w, e, y)?;
        if let Some(x) = cell.before {
            let p = &mut self.paired;
            p.n += w;
            add(&mut p.x, w, x, 1)?;
            add(&mut p.y, w, y, 1)?;
            add(&mut p.xx, w, x, x)?;
            add(&mut p.xy, w, x, y)?;
            add(&mut p.yy, w, y, y)?;
        }
        Ok(())
    }

    /// Adds the sums of other customers.
    ///
    /// # Errors
    /// A sum that does not fit 127 bits.
    pub fn merge(&mut self, o: &Moments) -> Result<()> {
        let plus = |a: &mut i128, b: i128| -> Result<()> {
            *a = a.checked_add(b).ok_or_else(overflow)?;
            Ok(())
        };
        self.n += o.n;
        self.missing += o.missing;
        self.zero_exposure += o.zero_exposure;
        self.paired.n += o.paired.n;
        plus(&mut self.y, o.y)?;
        plus(&mut self.yy, o.yy)?;
        plus(&mut self.e, o.e)?;
        plus(&mut self.ee, o.ee)?;
        plus(&mut self.ey, o.ey)?;
        plus(&mut self.paired.x, o.paired.x)?;
        plus(&mut self.paired.y, o.paired.y)?;
        plus(&mut self.paired.xx, o.paired.xx)?;
        plus(&mut self.paired.xy, o.paired.xy)?;
        plus(&mut self.paired.yy, o.paired.yy)
    }

    /// Centred sum of squares or products Σ(a − ā)(b − b̄), in fixed-point units.
    ///
    /// Both columns are first shifted by the integer nearest their mean, so
    /// that nothing cancels: with r = Σ(a − m), |r| ≤ n/2, the correction
    /// r_a·r_b/n is at most n/4.
    pub fn centred(n: u64, sum_a: i128, sum_b: i128, sum_ab: i128) -> f64 {
        if n == 0 {
            return 0.0;
        }
        let count = i128::from(n);
        let nearest = |s: i128| (s + count / 2).div_euclid(count);
        let (ma, mb) = (nearest(sum_a), nearest(sum_b));
        let shifted = ma
            .checked_mul(sum_b)
            .zip(mb.checked_mul(sum_a))
            .zip(ma.checked_mul(mb).and_then(|m| m.checked_mul(count)))
            .and_then(|((p, q), r)| sum_ab.checked_sub(p)?.checked_sub(q)?.checked_add(r));
        let (ra, rb) = (sum_a - ma * count, sum_b - mb * count);
        let correction = ra as f64 * rb as f64 / n as f64;
        match shifted {
            Some(s) => s as f64 - correction,
            // Only sums within a factor of 4 of the 127-bit limit come here.
            None => sum_ab as f64 - sum_a as f64 * (sum_b as f64 / n as f64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn centring_does_not_cancel_at_large_offsets() {
        // 1e12, 1e12 + 1, 1e12 + 2: centred sum of squares is 2.
        let v = [1_000_000_000_000i128, 1_000_000_000_001, 1_000_000_000_002];
        let s: i128 = v.iter().sum();
        let ss: i128 = v.iter().map(|a| a * a).sum();
        assert_eq!(Moments::centred(3, s, s, ss), 2.0);
    }

    #[test]
    fn centring_handles_negative_values() {
        let v = [-5i128, -1, 3];
        let s: i128 = v.iter().sum();
        let ss: i128 = v.iter().map(|a| a * a).sum();
        assert_eq!(Moments::centred(3, s, s, ss), 32.0);
    }
}
