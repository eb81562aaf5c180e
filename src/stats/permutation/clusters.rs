//! The permutation test of pilots that assign whole clusters.

use rayon::prelude::*;

use crate::stats::estimate::{DetailValue, Estimate, Refusal, Test};
use crate::stats::random::Stream;
use crate::stats::resampling::{CHUNK, ClusterTotals, Law, Size, Urn, customers, sub_stream};
use crate::texts::text;

use super::exact::{choose, compositions};
use super::problem::Outcome;
use super::{EXACT_LIMIT, Extreme, Hits, Looked, estimate, some};

/// Where assignments × rows are more, draws are made although there are few assignments.
const EXACT_WORK: u64 = 2_000_000;
/// A cluster whose leverage is this near to 1 is fitted exactly: it has no residual.
const FITTED: f64 = 1e-10;

/// Permutation test of whole clusters, one arm against control, the other arms fixed.
///
/// *Formula* — T = b/SE, b the coefficient of arm in OLS y ~ arm (+ strata) over
/// customers, SE from CR2. With N_s, Y_s a stratum's customers and contacts, p_s
/// its treated share and D = Σ N_s p_s(1 − p_s): b = Σ(Y_1s − p_s Y_s)/D,
/// SE² = Σ_g (a_g u_g)²/(1 − n_g(1/N_s + a_g²/D))/D², where a_g = 1 − p_s if
/// treated and −p_s if not, and u_g = Y_g − n_g(Y_s/N_s + a_g b). Where exposure
/// varies, exposure takes the place of customers. Clusters are dealt again within
/// strata; p, draws, ties and `detail` as in [`super::permutation`].
///
/// *Units* — `y_unit` and `e_unit` are the factors from fixed-point sums to values.
///
/// *Assumes* — whole clusters were assigned within strata with fixed numbers of
/// clusters. Strata with clusters of one arm only are left out.
///
/// # Errors
/// Fewer than two clusters in an arm, an arm without customers or exposure, or 0 draws where not
/// all assignments can be looked at.
///
/// *Source* — Bell, R. and McCaffrey, D. (2002), Survey Methodology 28, 169-181
/// (CR2); Gail, M. et al. (1996), Statist. Med. 15, 1069-1092 (permuting clusters).
pub fn permutation_of_clusters(
    rows: &[ClusterTotals],
    by: Size,
    (y_unit, e_unit): (f64, f64),
    test: &Test,
    draws: u32,
    stream: &Stream,
) -> Result<Vec<Estimate>, Refusal> {
    let problem = Clustered::new(rows, by)?;
    let treated: Vec<u64> = problem.each(|row| row.treated).collect();
    let observed = problem.outcome(&treated);
    let extreme = Extreme::new(&observed, test);
    let looked = match problem.assignments() {
        Some(assignments) => Looked::AtAll(assignments, problem.enumerate(&extreme)),
        None => Looked::AtDraws(some(draws)?, problem.simulate(&extreme, draws, stream)),
    };
    let unit = match by {
        Size::Customers => y_unit,
        Size::Exposure => y_unit / e_unit,
    };
    let mut estimate = estimate(&observed, &looked, unit, problem.customers);
    let mut put = |name: &str, value| {
        let value = DetailValue::Count(value);
        estimate.detail.insert(name.into(), value)
    };
    put("clusters_treatment", problem.clusters.0);
    put("clusters_control", problem.clusters.1);
    put("strata", problem.strata.len() as u64);
    put("strata_dropped", problem.dropped);
    Ok(vec![estimate])
}

/// Clusters of one stratum that share their totals.
#[derive(Debug, Clone, Copy)]
struct Row {
    size: f64,
    y: f64,
    clusters: u64,
    treated: u64,
}

#[derive(Debug, Clone)]
struct Stratum {
    /// By descending number of clusters.
    rows: Vec<Row>,
    size: f64,
    y: f64,
    clusters: u64,
    treated: u64,
}

#[derive(Debug, Clone)]
struct Clustered {
    strata: Vec<Stratum>,
    dropped: u64,
    /// Of treatment and control.
    customers: (u64, u64),
    clusters: (u64, u64),
}

impl Clustered {
    fn new(rows: &[ClusterTotals], by: Size) -> Result<Self, Refusal> {
        customers(rows)?;
        let mut rows: Vec<&ClusterTotals> = rows.iter().filter(|r| r.clusters > 0).collect();
        rows.sort_by_key(|r| (r.stratum, r.size(by), r.y));
        let mut problem = Clustered {
            strata: Vec::new(),
            dropped: 0,
            customers: (0, 0),
            clusters: (0, 0),
        };
        for of_stratum in rows.chunk_by(|a, b| a.stratum == b.stratum) {
            let count = |treated: bool, f: fn(&ClusterTotals) -> u64| {
                let side = of_stratum.iter().filter(|r| r.treated == treated);
                side.map(|r| f(r)).sum::<u64>()
            };
            let [treated, control] = [true, false].map(|t| count(t, |r| r.clusters));
            if treated == 0 || control == 0 {
                problem.dropped += 1;
                continue;
            }
            problem.customers.0 += count(true, |r| r.customers * r.clusters);
            problem.customers.1 += count(false, |r| r.customers * r.clusters);
            problem.clusters.0 += treated;
            problem.clusters.1 += control;
            problem.strata.push(Stratum::new(of_stratum, by));
        }
        let (treated, control) = problem.clusters;
        if treated < 2 || control < 2 {
            return Err(Refusal::new(text!(
                "refusal-draws.permutation-few-clusters"
            )));
        }
        for arm in [true, false] {
            let of = |r: Row| {
                if arm {
                    r.treated
                } else {
                    r.clusters - r.treated
                }
            };
            let rows = problem.strata.iter().flat_map(|s| &s.rows);
            if rows.map(|r| r.size * of(*r) as f64).sum::<f64>() <= 0.0 {
                return Err(Refusal::new(text!(
                    "refusal-draws.permutation-empty-clusters"
                )));
            }
        }
        Ok(problem)
    }

    /// A number of each row, rows in the order of strata.
    fn each<T>(&self, f: impl Fn(&Row) -> T) -> impl Iterator<Item = T> {
        self.strata.iter().flat_map(|s| &s.rows).map(f)
    }

    /// The statistic where so many clusters of each row are treated.
    fn outcome(&self, treated: &[u64]) -> Outcome {
        let (mut left, mut scale, mut sum) = (treated, 0.0, 0.0);
        let mut shares = Vec::with_capacity(self.strata.len());
        for s in &self.strata {
            let (mine, rest) = left.split_at(s.rows.len());
            let (mut size, mut y) = (0.0, 0.0);
            for (row, &k) in s.rows.iter().zip(mine) {
                size += k as f64 * row.size;
                y += k as f64 * row.y;
            }
            // A stratum without customers says nothing.
            let p = if s.size > 0.0 { size / s.size } else { 0.0 };
            scale += s.size * p * (1.0 - p);
            sum += y - p * s.y;
            shares.push((p, mine));
            left = rest;
        }
        if scale <= 0.0 {
            return Outcome::default();
        }
        let slope = sum / scale;
        let mut squares = 0.0;
        for (s, (p, mine)) in self.strata.iter().zip(shares) {
            if s.size <= 0.0 {
                continue;
            }
            for arm in [1.0 - p, -p] {
                let (fitted, leverage) =
                    (s.y / s.size + arm * slope, 1.0 / s.size + arm * arm / scale);
                for (row, &k) in s.rows.iter().zip(mine) {
                    let n = if arm > 0.0 { k } else { row.clusters - k };
                    let free = 1.0 - row.size * leverage;
                    if n > 0 && free > FITTED {
                        let score = arm * (row.y - row.size * fitted);
                        squares += n as f64 * score * score / free;
                    }
                }
            }
        }
        Outcome {
            difference: slope,
            variance: squares / (scale * scale),
        }
    }

    /// Number of assignments, where all can be looked at.
    fn assignments(&self) -> Option<u64> {
        let all = self.strata.iter().try_fold(1u64, |product, s| {
            product
                .checked_mul(choose(s.clusters, s.treated)?)
                .filter(|&n| n <= EXACT_LIMIT)
        })?;
        let rows = self.each(|_| ()).count() as u64;
        (all.saturating_mul(rows) <= EXACT_WORK).then_some(all)
    }

    fn enumerate(&self, extreme: &Extreme) -> Hits {
        let of_strata: Vec<Vec<(Vec<u64>, u64)>> = self
            .strata
            .iter()
            .map(|s| {
                let sizes: Vec<u64> = s.rows.iter().map(|r| r.clusters).collect();
                compositions(&sizes, s.treated)
            })
            .collect();
        let mut hits = Hits::default();
        let mut place = vec![0; of_strata.len()];
        loop {
            let chosen = || of_strata.iter().zip(&place).map(|(all, &i)| &all[i]);
            let treated: Vec<u64> = chosen().flat_map(|c| &c.0).copied().collect();
            let ways = chosen().map(|c| c.1).product();
            hits = hits + extreme.hits(&self.outcome(&treated), ways);
            // The next combination: the places count up like the digits of a number.
            let turn = place
                .iter()
                .zip(&of_strata)
                .position(|(&i, all)| i + 1 < all.len());
            let Some(turn) = turn else { return hits };
            place[turn] += 1;
            place[..turn].fill(0);
        }
    }

    fn simulate(&self, extreme: &Extreme, draws: u32, stream: &Stream) -> Hits {
        let urn = |s: &Stratum| {
            let sizes = s.rows.iter().map(|r| r.clusters).collect();
            Urn::new(sizes, Law::WithoutReplacement(s.treated))
        };
        let urns: Vec<Urn> = self.strata.iter().map(urn).collect();
        let rows = self.each(|_| ()).count();
        let chunks = (draws as usize).div_ceil(CHUNK);
        (0..chunks)
            .into_par_iter()
            .map(|chunk| {
                let mut generators: Vec<_> = (0..urns.len())
                    .map(|i| stream.generator(sub_stream(i, chunk)))
                    .collect();
                let mut treated = vec![0; rows];
                let mut hits = Hits::default();
                for _ in 0..CHUNK.min(draws as usize - chunk * CHUNK) {
                    let mut left = treated.as_mut_slice();
                    for ((urn, g), s) in urns.iter().zip(&mut generators).zip(&self.strata) {
                        let (mine, rest) = left.split_at_mut(s.rows.len());
                        urn.draw(g, mine);
                        left = rest;
                    }
                    hits = hits + extreme.hits(&self.outcome(&treated), 1);
                }
                hits
            })
            .reduce(Hits::default, |a, b| a + b)
    }
}

impl Stratum {
    /// Rows of one stratum, sorted by their totals.
    fn new(rows: &[&ClusterTotals], by: Size) -> Self {
        let same = |a: &&ClusterTotals, b: &&ClusterTotals| (a.size(by), a.y) == (b.size(by), b.y);
        let mut rows: Vec<Row> = rows
            .chunk_by(same)
            .map(|same| Row {
                size: same[0].size(by) as f64,
                y: same[0].y as f64,
                clusters: same.iter().map(|r| r.clusters).sum(),
                treated: same.iter().filter(|r| r.treated).map(|r| r.clusters).sum(),
            })
            .collect();
        rows.sort_by_key(|r| std::cmp::Reverse(r.clusters));
        let total = |f: fn(&Row) -> f64| rows.iter().map(|r| f(r) * r.clusters as f64).sum();
        Stratum {
            size: total(|r| r.size),
            y: total(|r| r.y),
            clusters: rows.iter().map(|r| r.clusters).sum(),
            treated: rows.iter().map(|r| r.treated).sum(),
            rows,
        }
    }
}
