//! Two proportions: Newcombe's interval, Fisher's exact test, χ².

use crate::table::{Comparison, Side};
use crate::texts::text;

use super::dist::{normal_cdf, normal_isf, normal_sf};
use super::estimate::{Alternative, Estimand, Estimate, Estimator, Refusal, Test};
use super::sample::{Part, contrast, detail, number, observed, words};

/// Up to so many customers Fisher's p is the one reported.
const FISHER_UP_TO: u64 = 10_000;
/// Beyond this standard deviation of the table's free count Fisher's p is not computed: a
/// million terms, to agree with χ² to four digits.
const FISHER_MAX_SD: f64 = 1e4;

/// Successes of a number of customers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// Customers with the outcome.
    pub successes: u64,
    /// Customers.
    pub n: u64,
}

impl Count {
    fn share(self) -> f64 {
        self.successes as f64 / self.n as f64
    }

    fn failures(self) -> u64 {
        self.n - self.successes
    }
}

/// p-values of a 2 × 2 table for each alternative, in terms of treatment − control.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PValues {
    /// H1: the proportions differ.
    pub two_sided: f64,
    /// H1: treatment is lower.
    pub less: f64,
    /// H1: treatment is higher.
    pub greater: f64,
}

impl PValues {
    fn of(self, alternative: Alternative) -> f64 {
        match alternative {
            Alternative::TwoSided => self.two_sided,
            Alternative::Less => self.less,
            Alternative::Greater => self.greater,
        }
    }
}

/// Difference of two proportions, for outcomes that are 0 or 1.
///
/// *Formula* — p_k − p_0 with Newcombe's hybrid score interval ([`newcombe`]);
/// `se` is the unpooled one. The p-value is Fisher's exact one where there are
/// at most 10,000 customers or an expected count is below 5, otherwise that of
/// χ² without continuity correction; `detail.p_fisher`, `p_chi_squared` and
/// `test` (which of them is `p_value`).
///
/// *Assumes* — independent customers. Fisher's test conditions on the margins:
/// in small tables its error rate is below alpha.
///
/// *Errors* — an outcome other than 0 or 1; an arm without an observed customer.
///
/// *Source* — Newcombe (1998), Statistics in Medicine 17, 873-890, method 10;
/// Fisher (1935); R `fisher.test`, `prop.test(correct = FALSE)`.
pub fn proportion(c: &Comparison<'_>, test: &Test) -> Result<Vec<Estimate>, Refusal> {
    observed(c, 1)?;
    let one = 10i64.pow(u32::from(c.table().decimals().after));
    if c.cells()
        .any(|cell| cell.after.is_some_and(|y| y != 0 && y != one))
    {
        return Err(Refusal::new(text!("refusal.not-0-or-1")));
    }
    let of = |side: &Side| Count {
        // Σy is one per success, so it fits where n does.
        successes: (side.total.y / i128::from(one)) as u64,
        n: side.total.n,
    };
    let (t, k) = (of(&c.treatment), of(&c.control));
    let part = |a: Count| Part {
        value: a.share(),
        variance: a.share() * (a.failures() as f64 / a.n as f64) / a.n as f64,
        n: a.n,
    };
    let finding = contrast(
        Estimator::Proportion,
        Estimand::Difference,
        (part(t), part(k)),
        None,
        detail(c),
    );
    let mut estimate = finding.estimate(test);
    estimate.detail.remove("no_spread");
    estimate.set_interval(
        test,
        newcombe(t, k, test.alpha / 2.0),
        newcombe(t, k, test.alpha),
    );
    let chi_squared = chi_squared(t, k);
    let n = (t.n + k.n) as f64;
    let successes = (t.successes + k.successes) as f64;
    let expected = t.n.min(k.n) as f64 * (successes / n).min(1.0 - successes / n);
    let small = t.n + k.n <= FISHER_UP_TO || expected < 5.0;
    let fisher = fisher(t, k);
    let (name, p) = match fisher {
        Some(p) if small => ("fisher", p),
        _ => ("chi-squared", chi_squared),
    };
    words(&mut estimate.detail, "test", name.into());
    number(
        &mut estimate.detail,
        "p_chi_squared",
        chi_squared.of(test.alternative),
    );
    if let Some(fisher) = fisher {
        number(
            &mut estimate.detail,
            "p_fisher",
            fisher.of(test.alternative),
        );
    }
    estimate.p_value = Some(p.of(test.alternative));
    Ok(vec![estimate])
}

/// Wilson's score interval of a proportion; each tail has probability `tail`.
///
/// *Source* — Wilson (1927), JASA 22, 209-212.
pub fn wilson(a: Count, tail: f64) -> (f64, f64) {
    let z2 = normal_isf(tail).powi(2);
    let n = a.n as f64;
    let (p, q) = (a.share(), a.failures() as f64 / n);
    let centre = p + z2 / (2.0 * n);
    let half = (z2 * (p * q / n + z2 / (4.0 * n * n))).sqrt();
    let scale = 1.0 + z2 / n;
    // At the edges the formula gives 0 and 1 only up to rounding.
    let lower = if a.successes == 0 {
        0.0
    } else {
        (centre - half) / scale
    };
    let upper = if a.successes == a.n {
        1.0
    } else {
        (centre + half) / scale
    };
    (lower, upper)
}

/// Newcombe's hybrid score interval of treatment − control; each tail has probability `tail`.
///
/// *Formula* — with Wilson's (l, u) of each arm:
/// d − √((p_k − l_k)² + (u_0 − p_0)²), d + √((u_k − p_k)² + (p_0 − l_0)²).
///
/// *Source* — Newcombe (1998), method 10.
pub fn newcombe(treatment: Count, control: Count, tail: f64) -> (f64, f64) {
    let (t, k) = (treatment.share(), control.share());
    let ((t_low, t_high), (k_low, k_high)) = (wilson(treatment, tail), wilson(control, tail));
    let d = t - k;
    (
        d - (t - t_low).hypot(k_high - k),
        d + (t_high - t).hypot(k - k_low),
    )
}

/// Pearson's χ² test without continuity correction, as z with the pooled variance.
///
/// p is 1 (½ one-sided) where nobody or everybody has the outcome.
pub fn chi_squared(treatment: Count, control: Count) -> PValues {
    let (n, m) = (treatment.n as f64, control.n as f64);
    let successes = (treatment.successes + control.successes) as f64;
    let failures = (treatment.failures() + control.failures()) as f64;
    let pooled = successes / (n + m) * (failures / (n + m));
    let se = (pooled * (1.0 / n + 1.0 / m)).sqrt();
    let z = if se > 0.0 {
        (treatment.share() - control.share()) / se
    } else {
        0.0
    };
    PValues {
        two_sided: (2.0 * normal_sf(z.abs())).min(1.0),
        less: normal_cdf(z),
        greater: normal_sf(z),
    }
}

/// Fisher's exact test; `None` where it would take more than a million terms.
///
/// *Formula* — hypergeometric probabilities given both margins; two-sided: the
/// sum of those at most the observed one, with relative tolerance 1e-7, as R's
/// `fisher.test`. Probabilities are relative to the mode's, by exact ratios of
/// neighbours, so that no factorial is needed.
pub fn fisher(treatment: Count, control: Count) -> Option<PValues> {
    /// As R: neighbours that are equal but for rounding count as equal.
    const TIE: f64 = 1.0 + 1e-7;
    let successes = (treatment.successes + control.successes) as f64;
    let (n, m) = (treatment.n as f64, control.n as f64);
    let total = n + m;
    let sd = (n * (m / total) * (successes / total) * (1.0 - successes / total)).sqrt();
    if sd > FISHER_MAX_SD {
        return None;
    }
    let all = treatment.successes + control.successes;
    let low = all.saturating_sub(control.n);
    let high = all.min(treatment.n);
    let mode = (((n + 1.0) * (successes + 1.0) / (total + 2.0)).floor() as u64).clamp(low, high);
    // P(x + 1)/P(x)
    let ratio = |x: u64| {
        let up = (all - x) as f64 * (treatment.n - x) as f64;
        let down = (x + 1) as f64 * (control.n + x + 1 - all) as f64;
        up / down
    };
    let falling = |mut x: u64, step_up: bool| {
        let mut terms = Vec::new();
        let mut p = 1.0;
        while p > f64::MIN_POSITIVE {
            if step_up && x < high {
                p *= ratio(x);
                x += 1;
            } else if !step_up && x > low {
                x -= 1;
                p /= ratio(x);
            } else {
                break;
            }
            terms.push(p);
        }
        terms
    };
    let (below, above) = (falling(mode, false), falling(mode, true));
    // (count, probability relative to the mode), ascending.
    let down = below.iter().zip(1..).map(|(p, i)| (mode - i, *p));
    let up = above.iter().zip(1..).map(|(p, i)| (mode + i, *p));
    let mut terms: Vec<(u64, f64)> = down.collect();
    terms.reverse();
    terms.push((mode, 1.0));
    terms.extend(up);
    let x = treatment.successes;
    let observed = terms.iter().find(|t| t.0 == x).map_or(0.0, |t| t.1);
    let whole = sum(terms.iter().map(|t| t.1));
    let where_ = |keep: &dyn Fn(&(u64, f64)) -> bool| {
        let kept = sum(terms.iter().filter(|t| keep(t)).map(|t| t.1));
        (kept / whole).min(1.0)
    };
    Some(PValues {
        two_sided: where_(&|t| t.1 <= observed * TIE),
        less: where_(&|t| t.0 <= x),
        greater: where_(&|t| t.0 >= x),
    })
}

/// Sum from the smallest term up.
fn sum(terms: impl Iterator<Item = f64>) -> f64 {
    let mut terms: Vec<f64> = terms.collect();
    terms.sort_unstable_by(f64::total_cmp);
    terms.iter().sum()
}

/// One-sided p-value of "a − b is at or above `margin`": the tail at which Newcombe's upper bound
/// of a − b meets the margin, so that p and interval agree.
///
/// *Source* — Newcombe (1998), method 10, inverted.
pub fn not_worse(a: Count, b: Count, margin: f64) -> f64 {
    let difference = a.share() - b.share();
    if difference > margin {
        // The lower bound meets the margin in the other tail.
        return 1.0 - meeting_tail(|tail| newcombe(a, b, tail).0 >= margin);
    }
    meeting_tail(|tail| newcombe(a, b, tail).1 <= margin)
}

/// The smallest tail for which the bound is inside; ½ where even the estimate is not.
fn meeting_tail(inside: impl Fn(f64) -> bool) -> f64 {
    // Bisection in the logarithm: from 1e-300 to ½ in 70 halvings to twelve digits.
    let (mut low, mut high) = (1e-300f64.ln(), 0.5f64.ln());
    if inside(low.exp()) {
        return 0.0;
    }
    for _ in 0..70 {
        let middle = 0.5 * (low + high);
        if inside(middle.exp()) {
            high = middle;
        } else {
            low = middle;
        }
    }
    high.exp()
}
