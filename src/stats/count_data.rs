//! Customers collapsed to what log-linear models of counts read.
//!
//! A customer's mean is e·exp(βt + γ(u − ū) + δm + α_s): t the arm, u = log(1 +
//! before) with m = 1 and u = ū where there was no before period, and an
//! intercept α for each stratum. Both likelihoods are linear in y given the
//! rest, apart from terms of y alone, so groups of (t, s, before, e) with Σy and
//! Σy², and the histogram of y, are all that a fit reads.

use nalgebra::Vector3;

use crate::table::{Comparison, Moments};
use crate::texts::text;

use super::estimate::Refusal;
use super::glm::Arrow;

/// What the mean depends on beside the arm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MeanModel {
    /// log(1 + before), and an indicator of those without a before period.
    pub before: bool,
    /// An intercept for each stratum.
    pub strata: bool,
}

impl MeanModel {
    /// Everything that the data offer.
    pub const FULL: MeanModel = MeanModel {
        before: true,
        strata: true,
    };
    /// The arm alone.
    pub const UNADJUSTED: MeanModel = MeanModel {
        before: false,
        strata: false,
    };
}

/// A larger count is no count of a customer's contacts, and the likelihood's sums walk up to it.
const LARGEST_COUNT: i64 = 10_000_000;
/// A column whose variance within strata is below this share of its square is taken as constant.
const COLLINEAR: f64 = 1e-10;

/// Columns of the corner: arm, before, no before.
pub(crate) type Columns = Vector3<f64>;

/// Customers who share everything but the outcome.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Group {
    pub x: Columns,
    pub block: usize,
    pub log_exposure: f64,
    pub n: f64,
    pub sum: f64,
    /// Σ(y − ȳ)².
    pub centred: f64,
}

impl Group {
    /// Σ(y − μ)².
    pub fn squares_about(&self, mu: f64) -> f64 {
        let distance = self.sum / self.n - mu;
        self.centred + self.n * distance * distance
    }
}

/// Collapsed customers of a comparison.
#[derive(Debug, Clone)]
pub(crate) struct CountData {
    pub groups: Vec<Group>,
    pub blocks: usize,
    /// Whether a column of the corner is used.
    pub used: [bool; 3],
    /// ū, which was taken off the before column.
    pub before_mean: f64,
    /// (y, customers), ascending.
    pub histogram: Vec<(u64, f64)>,
    pub n_treatment: u64,
    pub n_control: u64,
    pub n_zero_exposure: u64,
    /// Blocks and columns left out since their customers have no contacts at all.
    pub n_at_zero: usize,
}

/// (treated, stratum, before, exposure), fixed-point.
type Key = (bool, u32, Option<i64>, i64);

struct Sums {
    key: Key,
    n: u64,
    y: i128,
    yy: i128,
}

impl CountData {
    /// Collapses the observed customers with exposure.
    ///
    /// # Errors
    /// Outcomes that are not counts, an arm without contacts, or an arm that
    /// strata determine.
    pub fn new(c: &Comparison<'_>, model: MeanModel) -> Result<Self, Refusal> {
        exactly_countable(c)?;
        let (mut rows, histogram, n_zero_exposure) = collapse(c, model)?;
        let customers = |treated: bool, rows: &[Sums]| -> u64 {
            rows.iter()
                .filter(|r| r.key.0 == treated)
                .map(|r| r.n)
                .sum()
        };
        let (n_treatment, n_control) = (customers(true, &rows), customers(false, &rows));
        for treated in [true, false] {
            let side = || rows.iter().filter(|r| r.key.0 == treated);
            if side().next().is_none() {
                return Err(Refusal::new(match treated {
                    true => text!("refusal-counts.treatment-not-observed"),
                    false => text!("refusal-counts.control-not-observed"),
                }));
            }
            if side().all(|r| r.y == 0) {
                return Err(Refusal::new(match treated {
                    true => text!("refusal-counts.treatment-no-contacts"),
                    false => text!("refusal-counts.control-no-contacts"),
                }));
            }
        }
        let n_at_zero = leave_out_zeros(&mut rows);
        let mut data = CountData {
            groups: Vec::new(),
            blocks: 0,
            used: [true, false, false],
            before_mean: 0.0,
            histogram,
            n_treatment,
            n_control,
            n_zero_exposure,
            n_at_zero,
        };
        data.fill(c, &rows)?;
        data.drop_constant_columns()?;
        Ok(data)
    }

    fn fill(&mut self, c: &Comparison<'_>, rows: &[Sums]) -> Result<(), Refusal> {
        let mut strata: Vec<u32> = rows.iter().map(|r| r.key.1).collect();
        strata.sort_unstable();
        strata.dedup();
        self.blocks = strata.len();
        let log1p = |x: i64| (x as f64 * c.x_unit()).ln_1p();
        let (mut weight, mut weighted) = (0.0, 0.0);
        for r in rows {
            if let Some(x) = r.key.2 {
                weight += r.n as f64;
                weighted += r.n as f64 * log1p(x);
            }
        }
        self.before_mean = if weight > 0.0 { weighted / weight } else { 0.0 };
        for r in rows {
            let (treated, stratum, before, exposure) = r.key;
            let u = before.map_or(0.0, |x| log1p(x) - self.before_mean);
            let absent = f64::from(u8::from(before.is_none()));
            let block = strata
                .binary_search(&stratum)
                .map_err(|_| Refusal::new("a stratum is missing from its own list"))?;
            self.groups.push(Group {
                x: Columns::new(f64::from(u8::from(treated)), u, absent),
                block,
                log_exposure: (exposure as f64 * c.e_unit()).ln(),
                n: r.n as f64,
                sum: r.y as f64,
                centred: Moments::centred(r.n, r.y, r.y, r.yy),
            });
        }
        Ok(())
    }

    /// Uses columns in the order arm, before, no before, each if it varies given those so far.
    fn drop_constant_columns(&mut self) -> Result<(), Refusal> {
        let mut arrow = Arrow::new(self.blocks);
        for g in &self.groups {
            arrow.add(g, g.n);
        }
        let (corner, square) = (arrow.schur(), arrow.corner);
        let (mut left, mut used) = (corner, [false; 3]);
        for j in 0..3 {
            let within = corner[(j, j)] > COLLINEAR * square[(j, j)];
            used[j] = within && left[(j, j)] > COLLINEAR * corner[(j, j)];
            if used[j] {
                let column = left.column(j) / left[(j, j)].sqrt();
                left -= column * column.transpose();
            }
        }
        if !used[0] {
            return Err(Refusal::new(text!("refusal-counts.stratum-is-arm")));
        }
        self.used = used;
        for g in &mut self.groups {
            for (j, &keep) in used.iter().enumerate() {
                if !keep {
                    g.x[j] = 0.0;
                }
            }
        }
        Ok(())
    }

    /// The same customers with the arm's log ratio held at `log_ratio`.
    pub fn with_ratio(&self, log_ratio: f64) -> Self {
        let mut held = self.clone();
        held.used[0] = false;
        for g in &mut held.groups {
            g.log_exposure += log_ratio * g.x[0];
            g.x[0] = 0.0;
        }
        held
    }

    /// Customers.
    pub fn n(&self) -> f64 {
        (self.n_treatment + self.n_control) as f64
    }

    /// Parameters, including those at −∞ of blocks without contacts.
    pub fn parameters(&self) -> usize {
        self.blocks + self.n_at_zero + self.used.iter().filter(|&&u| u).count()
    }

    /// Σ over customers of f(y).
    pub fn sum_over_counts(&self, f: impl Fn(f64) -> f64) -> f64 {
        self.histogram.iter().map(|&(y, n)| n * f(y as f64)).sum()
    }
}

/// Refuses more customers than floating point counts one by one.
pub(crate) fn exactly_countable(c: &Comparison<'_>) -> Result<(), Refusal> {
    if c.treatment.total.n.max(c.control.total.n) < 1 << 52 {
        Ok(())
    } else {
        Err(Refusal::new(text!("refusal-counts.too-many-customers")))
    }
}

type Collapsed = (Vec<Sums>, Vec<(u64, f64)>, u64);

fn collapse(c: &Comparison<'_>, model: MeanModel) -> Result<Collapsed, Refusal> {
    let scale = 10i64.pow(u32::from(c.table().decimals().after));
    let mut items: Vec<(Key, i64, u64)> = Vec::new();
    let mut zero_exposure = 0;
    for cell in c.cells() {
        let Some(y) = cell.after else { continue };
        if y < 0 || y % scale != 0 {
            return Err(Refusal::new(text!("refusal-counts.no-count")));
        }
        let y = y / scale;
        if y > LARGEST_COUNT {
            return Err(Refusal::new(text!(
                "refusal-counts.large-count",
                y,
                most = LARGEST_COUNT
            )));
        }
        if cell.exposure == 0 {
            zero_exposure += cell.customers;
            continue;
        }
        let before = if model.before { cell.before } else { Some(0) };
        if before.is_some_and(|x| x < 0) {
            return Err(Refusal::new(text!("refusal-counts.negative-before")));
        }
        let stratum = if model.strata { cell.stratum.0 } else { 0 };
        items.push((
            (c.treated(cell), stratum, before, cell.exposure),
            y,
            cell.customers,
        ));
    }
    let mut counts: Vec<(u64, u64)> = items.iter().map(|i| (i.1 as u64, i.2)).collect();
    counts.sort_unstable();
    let mut histogram: Vec<(u64, f64)> = Vec::new();
    for (y, n) in counts {
        match histogram.last_mut() {
            Some(last) if last.0 == y => last.1 += n as f64,
            _ => histogram.push((y, n as f64)),
        }
    }
    items.sort_unstable();
    let mut rows: Vec<Sums> = Vec::new();
    for (key, y, n) in items {
        let (wide, y) = (i128::from(n), i128::from(y));
        match rows.last_mut() {
            Some(last) if last.key == key => {
                last.n += n;
                last.y += wide * y;
                last.yy += wide * y * y;
            }
            _ => rows.push(Sums {
                key,
                n,
                y: wide * y,
                yy: wide * y * y,
            }),
        }
    }
    Ok((rows, histogram, zero_exposure))
}

/// Takes out strata, and customers without a before period, that have no contacts at all.
///
/// Their intercept's maximum is at −∞, where they add nothing to any equation;
/// R's `glm` stops on the way there.
fn leave_out_zeros(rows: &mut Vec<Sums>) -> usize {
    let mut left_out = 0;
    loop {
        let before = left_out;
        let mut alive: Vec<(u32, bool)> = Vec::new();
        for r in rows.iter() {
            match alive.binary_search_by_key(&r.key.1, |a| a.0) {
                Ok(i) => alive[i].1 |= r.y > 0,
                Err(i) => alive.insert(i, (r.key.1, r.y > 0)),
            }
        }
        left_out += alive.iter().filter(|a| !a.1).count();
        rows.retain(|r| {
            alive
                .binary_search_by_key(&r.key.1, |a| a.0)
                .is_ok_and(|i| alive[i].1)
        });
        let absent = || rows.iter().filter(|r| r.key.2.is_none());
        let mixed = rows.iter().any(|r| r.key.2.is_some());
        if mixed && absent().next().is_some() && absent().all(|r| r.y == 0) {
            rows.retain(|r| r.key.2.is_some());
            left_out += 1;
        }
        if left_out == before {
            return left_out;
        }
    }
}
