//! Size and power of switchbacks and stepped wedges.

mod law;
mod simulated;

use crate::stats::dist::{t_isf, t_sf};
use crate::stats::estimate::Refusal;
use crate::stats::panel::{Row, information};
use crate::stats::random::Stream;
use crate::stats::schedule::{Frame, Schedule};

pub use law::RegionLaw;
pub use simulated::{Share, Simulated, simulated};

/// Most regions that are looked for; the plan takes no more.
const MOST_REGIONS: usize = 1000;

/// A planned schedule of regions of the same size.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// Whether regions cross once; else arms change from block to block, one to one.
    pub wedge: bool,
    /// Regions.
    pub regions: usize,
    /// Blocks.
    pub blocks: usize,
    /// Customers of a region in a block.
    pub customers: f64,
    /// Control's contacts of a customer in a block.
    pub rate: f64,
    /// NB2: variance of a customer's contacts = mean + dispersion·mean².
    pub dispersion: f64,
    /// Share of that variance that is between regions.
    pub icc: f64,
    /// Correlation of a region's level in two blocks.
    pub autocorrelation: f64,
    /// Reduction to find.
    pub reduction: Option<f64>,
    /// Error rate.
    pub alpha: f64,
    /// Power to size for.
    pub power: f64,
    /// 1 or 2.
    pub sides: u8,
}

/// What a schedule finds.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Sized {
    /// Standard error of the difference in contacts of a customer in a block.
    pub se: f64,
    /// Satterthwaite's degrees of freedom.
    pub df: f64,
    /// Power to find the reduction.
    pub power: Option<f64>,
    /// Smallest reduction that is found with the power asked; null where none is, however large.
    pub smallest_reduction: Option<f64>,
    /// Fewest regions that find the reduction with the power asked; null where 1,000 do not.
    pub regions_needed: Option<usize>,
    /// Variance over that of as many customer-blocks, half of them treated, randomised one by one.
    pub design_effect: f64,
    /// Standard error where effects of regions are random (Hussey & Hughes 2007, eq. 8).
    pub se_random_regions: Option<f64>,
}

/// Power and size for the estimator of [`crate::stats::panel::panel`].
///
/// *Formula* — a customer's variance s² = μ + φμ²; of it icc·s² between regions, of which
/// 1 − autocorrelation changes from block to block. A region-block's mean has variance
/// σ² = (1 − icc)s²/N + (1 − autocorrelation)·icc·s² beside its region's own level, and
/// Var(δ) = σ²/z'z, z the treatment without effects of regions and blocks: the limit of Hussey &
/// Hughes' eq. 8 for τ² → ∞, since effects of regions are fixed here. Power is that of t with
/// the df that CR2 has where all regions are alike, P(T > t_crit − μ·reduction/SE); the smallest reduction
/// is (t_{1−α/sides} + t_power)·SE/μ.
///
/// *Assumes* — regions of the same size; the treated's variance is control's; customers of
/// different blocks are different people (the same people in all blocks correlate, which makes the
/// real error smaller).
///
/// *Errors* — numbers outside their domain; a schedule that cannot be analysed.
///
/// *Source* — Hussey & Hughes (2007), Contemp. Clin. Trials 28, 182-191, eq. 8; Hooper,
/// Teerenstra, de Hoop & Eldridge (2016), Statist. Med. 35, 4718-4728 (autocorrelation).
pub fn schedule(planned: &Planned) -> Result<Sized, Refusal> {
    domain(planned)?;
    let (se, df, drawn) = error_of(planned, planned.regions)?;
    let parts = Parts::of(planned);
    let tail = planned.alpha / f64::from(planned.sides);
    let power_of = |se: f64, df: f64, reduction: f64| {
        t_sf(
            t_isf(tail, Some(df)) - planned.rate * reduction / se,
            Some(df),
        )
    };
    let smallest =
        (t_isf(tail, Some(df)) + t_isf(1.0 - planned.power, Some(df))) * se / planned.rate;
    let needed = planned.reduction.and_then(|reduction| {
        fewest(planned, |regions| {
            let (se, df, _) = error_of(planned, regions).ok()?;
            Some(power_of(se, df, reduction) >= planned.power)
        })
    });
    let rows = (planned.regions * planned.blocks) as f64;
    let one_by_one = 4.0 * parts.customer / (rows * planned.customers);
    Ok(Sized {
        se,
        df,
        power: planned.reduction.map(|r| power_of(se, df, r)),
        smallest_reduction: Some(smallest).filter(|s| *s < 1.0),
        regions_needed: needed,
        design_effect: se * se / one_by_one,
        se_random_regions: hussey_hughes(
            &drawn,
            (planned.regions, planned.blocks),
            parts.block,
            parts.region,
        )
        .map(f64::sqrt),
    })
}

/// Variances: of a customer, of a region-block's mean beside its region, of a region's level.
struct Parts {
    customer: f64,
    block: f64,
    region: f64,
}

impl Parts {
    fn of(p: &Planned) -> Self {
        let customer = p.rate + p.dispersion * p.rate * p.rate;
        let between = p.icc * customer;
        Parts {
            customer,
            block: (customer - between) / p.customers + (1.0 - p.autocorrelation) * between,
            region: p.autocorrelation * between,
        }
    }
}

fn domain(p: &Planned) -> Result<(), Refusal> {
    let refuse = |why: &str| Err(Refusal::new(why));
    let share = |v: f64| (0.0..=1.0).contains(&v);
    if !(p.rate > 0.0 && p.rate.is_finite()) {
        return refuse("the rate has to be above 0");
    }
    if !(p.dispersion >= 0.0 && p.dispersion.is_finite()) {
        return refuse("the dispersion has to be 0 or more");
    }
    if !(p.customers >= 1.0 && p.customers.is_finite()) {
        return refuse("a region has at least one customer in a block");
    }
    if !share(p.icc) || !share(p.autocorrelation) {
        return refuse("icc and autocorrelation are from 0 to 1");
    }
    if p.reduction.is_some_and(|r| !(r > 0.0 && r <= 1.0)) {
        return refuse("the reduction has to be above 0 and at most 1");
    }
    if !(p.alpha > 0.0 && p.alpha < 0.5 && p.power > p.alpha && p.power < 1.0) {
        return refuse("alpha has to be above 0 and below 0.5, and power above alpha and below 1");
    }
    if !matches!(p.sides, 1 | 2) {
        return refuse("a test has 1 or 2 sides");
    }
    if p.regions > MOST_REGIONS || p.regions * p.blocks > 100_000 {
        return refuse("at most 1,000 regions, and 100,000 regions × blocks");
    }
    if p.wedge && (p.blocks < 3 || p.regions + 1 < p.blocks) {
        return refuse(
            "a stepped wedge has at least 3 blocks, and at least as many regions as steps (blocks less 1)",
        );
    }
    if !p.wedge && (p.blocks < 2 || p.regions < 1 || p.regions == 1 && p.blocks < 4) {
        return refuse("a switchback has at least 2 blocks, with one region 4");
    }
    Ok(())
}

/// Standard error and degrees of freedom with so many regions, and a schedule of theirs.
fn error_of(p: &Planned, regions: usize) -> Result<(f64, f64, Schedule), Refusal> {
    let frame = frame_of(p, regions);
    let mut random = Stream::new("power", "schedule", 0).generator(0);
    let drawn = frame.draw(&mut random);
    let rows = |region: usize| {
        let drawn = &drawn;
        (0..p.blocks).map(move |block| Row {
            region,
            block,
            treated: drawn.treated(region, block),
            exposure: 1.0,
            y: 0.0,
        })
    };
    let rows: Vec<Row> = (0..regions).flat_map(rows).collect();
    let (length, df) = information(&rows)?;
    // One region has no level of its own to be taken out.
    Ok(((Parts::of(p).block / length).sqrt(), df, drawn))
}

/// What a schedule of so many regions is drawn from: blocks begin on the same weekday.
fn frame_of(p: &Planned, regions: usize) -> Frame {
    match p.wedge {
        true => Frame::stepped_wedge(regions, p.blocks),
        false => Frame::switchback(regions, &vec![0; p.blocks], [1, 1]),
    }
}

/// The fewest regions for which `enough`; regions come in full groups.
fn fewest(p: &Planned, enough: impl Fn(usize) -> Option<bool>) -> Option<usize> {
    let group = if p.wedge { p.blocks - 1 } else { 2 };
    let (mut low, mut high) = (0, MOST_REGIONS / group);
    if high == 0 || !enough(high * group)? {
        return None;
    }
    while high - low > 1 {
        let middle = (low + high) / 2;
        // Too few to be analysed are too few.
        match enough(middle * group) {
            Some(true) => high = middle,
            _ => low = middle,
        }
    }
    Some(high * group)
}

/// Variance of the effect with random effects of regions: Hussey & Hughes' equation 8.
///
/// *Formula* — Iσ²(σ² + Tτ²)/((IU − W)σ² + (U² + ITU − TW − IV)τ²), U = ΣX, W = Σ_j(Σ_i X)²,
/// V = Σ_i(Σ_j X)², over I regions and T blocks; `None` where it is not above 0.
///
/// *Source* — Hussey & Hughes (2007), Contemp. Clin. Trials 28, 182-191, eq. 8.
pub fn hussey_hughes(
    x: &Schedule,
    (regions, blocks): (usize, usize),
    sigma2: f64,
    tau2: f64,
) -> Option<f64> {
    let on = |i: usize, j: usize| f64::from(u8::from(x.treated(i, j)));
    let row = |i: usize| (0..blocks).map(|j| on(i, j)).sum::<f64>();
    let column = |j: usize| (0..regions).map(|i| on(i, j)).sum::<f64>();
    let u: f64 = (0..regions).map(row).sum();
    let v: f64 = (0..regions).map(|i| row(i).powi(2)).sum();
    let w: f64 = (0..blocks).map(|j| column(j).powi(2)).sum();
    let (i, t) = (regions as f64, blocks as f64);
    let below = (i * u - w) * sigma2 + (u * u + i * t * u - t * w - i * v) * tau2;
    let variance = i * sigma2 * (sigma2 + t * tau2) / below;
    (below > 0.0 && variance > 0.0).then_some(variance)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::{Test, panel::panel};

    fn planned() -> Planned {
        Planned {
            wedge: true,
            regions: 12,
            blocks: 5,
            customers: 2000.0,
            rate: 0.08,
            dispersion: 1.2,
            icc: 0.02,
            autocorrelation: 0.8,
            reduction: Some(0.2),
            alpha: 0.05,
            power: 0.8,
            sides: 2,
        }
    }

    #[test]
    fn power_size_and_smallest_reduction_agree() {
        for wedge in [true, false] {
            let found = schedule(&Planned { wedge, ..planned() }).unwrap();
            let smallest = found.smallest_reduction.unwrap();
            let again = Planned {
                wedge,
                reduction: Some(smallest),
                ..planned()
            };
            let power = schedule(&again).unwrap().power.unwrap();
            assert!((power - 0.8).abs() < 1e-9, "{power}");
            let needed = found.regions_needed.unwrap();
            let group = if wedge { 4 } else { 2 };
            let with = |regions| {
                let p = Planned {
                    wedge,
                    regions,
                    ..planned()
                };
                schedule(&p).unwrap().power.unwrap()
            };
            assert!(with(needed) >= 0.8 && with(needed - group) < 0.8);
        }
    }

    #[test]
    fn fixed_regions_are_the_limit_of_random_ones() {
        for wedge in [true, false] {
            let p = Planned { wedge, ..planned() };
            let (se, _, drawn) = error_of(&p, 12).unwrap();
            let sigma2 = Parts::of(&p).block;
            let limit = hussey_hughes(&drawn, (12, 5), sigma2, 1e9 * sigma2).unwrap();
            assert!((limit / (se * se) - 1.0).abs() < 1e-6);
        }
    }

    #[test]
    fn simulated_pilots_find_the_effect_as_often_as_the_formula_says() {
        for wedge in [true, false] {
            let p = Planned {
                wedge,
                regions: 8,
                reduction: Some(0.25),
                ..planned()
            };
            let found = schedule(&p).unwrap();
            let (_, _, x) = error_of(&p, 8).unwrap();
            let parts = Parts::of(&p);
            let mut random = Stream::new("test", "schedule power", 1).generator(0);
            let (pilots, mut hits) = (1500, 0);
            for _ in 0..pilots {
                let mut rows = Vec::new();
                for region in 0..8 {
                    let level = random.normal() * parts.region.sqrt();
                    for block in 0..5 {
                        let treated = x.treated(region, block);
                        let mean = p.rate * if treated { 0.75 } else { 1.0 } + 0.01 * block as f64;
                        let y = mean + level + random.normal() * parts.block.sqrt();
                        rows.push(Row {
                            region,
                            block,
                            treated,
                            exposure: 1.0,
                            y,
                        });
                    }
                }
                let e = panel(&rows, &Test::DEFAULT).unwrap().swap_remove(0);
                hits += u32::from(e.p_value.unwrap() < 0.05 && e.value < 0.0);
            }
            let share = f64::from(hits) / f64::from(pilots);
            let power = found.power.unwrap();
            let se = (power * (1.0 - power) / f64::from(pilots)).sqrt();
            // The shifted t stands for the non-central one, and Satterthwaite's df for the law of CR2.
            assert!(
                (share - power).abs() < 4.0 * se + 0.03,
                "{wedge}: {share} {power}"
            );
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for wrong in [
            Planned {
                rate: 0.0,
                ..planned()
            },
            Planned {
                customers: 0.0,
                ..planned()
            },
            Planned {
                icc: 1.5,
                ..planned()
            },
            Planned {
                blocks: 2,
                ..planned()
            },
            Planned {
                regions: 3,
                ..planned()
            },
            Planned {
                reduction: Some(f64::NAN),
                ..planned()
            },
            Planned {
                power: 0.01,
                ..planned()
            },
            Planned {
                sides: 3,
                ..planned()
            },
            Planned {
                regions: 5000,
                ..planned()
            },
        ] {
            assert!(schedule(&wrong).is_err(), "{wrong:?}");
        }
    }
}
