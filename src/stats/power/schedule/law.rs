//! Counts of regions by block, as the formula of a schedule takes them.

use crate::stats::estimate::Refusal;
use crate::stats::poisson_sampling::{poisson, thinned};
use crate::stats::random::Generator;
use crate::stats::sampling::LogFactorials;

use super::{Parts, Planned};

/// Effects of blocks that all regions share are uniform between 0 and this share of the rate.
const BLOCKS: f64 = 0.2;
/// ln k! up to here from a table; larger counts are computed.
const TABLE: u64 = 1 << 16;

/// The law of counts of regions by block without an effect.
///
/// *Formula* — a customer's contacts in region g and block t are negative binomial with mean
/// m_gt = μ((1 − c/2)·A_g·B_gt + C_t) and dispersion ψ; A and B gamma numbers of mean 1, C_t
/// uniform on (0, c), c = .2 (0 with one region, whose blocks have no effects). Var A and Var B
/// are such that m has variance icc·s² between regions with correlation `autocorrelation` from
/// block to block, s² = μ + φμ², and ψ = ((1 − icc)s² − μ)/E m²: the moments that
/// [`super::schedule`] assumes.
///
/// *Units* — contacts of all customers of a region in a block.
///
/// *Assumes* — regions of the same size; customers of different blocks are different people.
///
/// *Source* — Hooper, Teerenstra, de Hoop & Eldridge (2016), Statist. Med. 35, 4718-4728 (the
/// correlations); gamma factors of counts: Greenwood & Yule (1920), JRSS 83, 255-279.
pub struct RegionLaw {
    rate: f64,
    customers: f64,
    regions: usize,
    blocks: usize,
    /// Variance of A.
    region: f64,
    /// Variance of B.
    block: f64,
    /// ψ.
    within: f64,
    /// c.
    common: f64,
    table: LogFactorials,
}

impl RegionLaw {
    /// The law with the moments of a planned schedule.
    ///
    /// # Errors
    /// Numbers outside their domain; more correlation than the dispersion allows.
    pub fn new(p: &Planned) -> Result<Self, Refusal> {
        super::domain(p)?;
        let customer = Parts::of(p).customer;
        let mean2 = p.rate * p.rate;
        let between = p.icc * customer / mean2;
        let common = if p.regions > 1 { BLOCKS } else { 0.0 };
        let square = mean2 * (1.0 + between + common * common / 12.0);
        let within = ((1.0 - p.icc) * customer - p.rate) / square;
        if within < -1e-12 {
            return Err(Refusal::new(format!(
                "an icc of {} needs more dispersion than {}: regions that differ so much are themselves dispersion",
                p.icc, p.dispersion
            )));
        }
        // Of (1 − c/2)·A·B.
        let all = between / (1.0 - common / 2.0).powi(2);
        let region = p.autocorrelation * all;
        Ok(RegionLaw {
            rate: p.rate,
            customers: p.customers,
            regions: p.regions,
            blocks: p.blocks,
            region,
            block: (all - region) / (1.0 + region),
            within: within.max(0.0),
            common,
            table: LogFactorials::new(TABLE),
        })
    }

    /// Contacts by region and block, region by region.
    pub fn counts(&self, g: &mut Generator) -> Vec<u64> {
        let common: Vec<f64> = (0..self.blocks)
            .map(|_| self.common * g.uniform())
            .collect();
        let own = 1.0 - self.common / 2.0;
        let mut counts = Vec::with_capacity(self.regions * self.blocks);
        for _ in 0..self.regions {
            let level = factor(g, self.region);
            for block in &common {
                let mean = self.rate * (own * level * factor(g, self.block) + block);
                let spread = factor(g, self.within / self.customers);
                counts.push(poisson(g, &self.table, self.customers * mean * spread));
            }
        }
        counts
    }

    /// A count after a reduction of its mean; negative is an increase.
    pub fn changed(&self, g: &mut Generator, count: u64, reduction: f64) -> u64 {
        match reduction >= 0.0 {
            true => thinned(g, &self.table, count, 1.0 - reduction),
            false => count + thinned(g, &self.table, count, -reduction),
        }
    }
}

/// A gamma number of mean 1.
fn factor(g: &mut Generator, variance: f64) -> f64 {
    match variance > 0.0 {
        true => g.gamma(1.0 / variance) * variance,
        false => 1.0,
    }
}
