//! Count models, permutation and bootstrap at the size of a national pilot.
//!
//! 10 million customers, 24 strata, about 60 distinct counts; run with
//! `cargo bench --no-default-features --bench counts`.

use pilot::stats::bootstrap::bootstrap;
use pilot::stats::dunnett::{Contrast, dunnett};
use pilot::stats::negbin::negbin;
use pilot::stats::permutation::permutation;
use pilot::stats::poisson::poisson;
use pilot::stats::random::Stream;
use pilot::stats::{Alternative, Estimate, Refusal, Test};
use pilot::table::{
    ArmId, Cell, Comparison, ContactTable, Decimals, ExposureUnit, Strata, StratumId,
};

fn main() {
    divan::main();
}

/// Geometric counts over 24 strata; `befores` and `exposures` levels multiply the cells.
fn table(befores: i64, exposures: i64, counts: i64) -> ContactTable {
    let names = (0..24).map(|s| vec![format!("{s:02}")]);
    let strata = Strata::new(vec!["stratum".into()], names).unwrap_or_else(|_| Strata::none());
    let mut cells = Vec::new();
    for arm in 0..2u16 {
        for s in 0..24u32 {
            for x in 0..befores {
                for e in 0..exposures {
                    let share = 1e7 / (48.0 * exposures as f64);
                    let prior = if befores == 1 {
                        1.0
                    } else {
                        0.2 * 0.8f64.powi(x as i32)
                    };
                    let rate = 0.82 - 0.01 * f64::from(arm);
                    for y in 0..counts {
                        let p = (1.0 - rate) * rate.powi(y as i32);
                        let customers = (share * prior * p).ceil() as u64;
                        cells.push(Cell {
                            arm: ArmId(arm),
                            stratum: StratumId(s),
                            exposure: 60 - e,
                            before_exposure: 0,
                            before: (befores > 1).then_some(x),
                            after: Some(if counts == 1 { (x + e) % 7 } else { y }),
                            uptake: None,
                            customers,
                        });
                    }
                }
            }
        }
    }
    let arms = vec!["control".into(), "treatment".into()];
    ContactTable::new(arms, strata, ExposureUnit::Day, Decimals::default(), cells)
        .expect("the cells above are valid")
}

fn measure(
    bencher: divan::Bencher<'_, '_>,
    table: &ContactTable,
    f: impl Fn(&Comparison<'_>) -> Result<Vec<Estimate>, Refusal> + Sync,
) {
    let c = Comparison::new(table, ArmId(1), ArmId(0)).expect("the sums are small");
    bencher.bench(|| f(&c));
}

#[divan::bench(sample_count = 5)]
fn permutation_10_000_draws(bencher: divan::Bencher<'_, '_>) {
    let stream = Stream::new("bench", "permutation", 1);
    measure(bencher, &table(1, 1, 60), |c| {
        permutation(c, &Test::DEFAULT, 10_000, &stream)
    });
}

#[divan::bench(sample_count = 1)]
fn permutation_varying_exposure(bencher: divan::Bencher<'_, '_>) {
    let stream = Stream::new("bench", "permutation", 1);
    measure(bencher, &table(1, 50, 40), |c| {
        permutation(c, &Test::DEFAULT, 1_000, &stream)
    });
}

/// 150,000 cells.
#[divan::bench(sample_count = 5)]
fn poisson_24_strata(bencher: divan::Bencher<'_, '_>) {
    measure(bencher, &table(60, 1, 52), |c| poisson(c, &Test::DEFAULT));
}

/// 150,000 cells.
#[divan::bench(sample_count = 5)]
fn negbin_24_strata(bencher: divan::Bencher<'_, '_>) {
    measure(bencher, &table(60, 1, 52), |c| negbin(c, &Test::DEFAULT));
}

/// 150,000 cells, none of which share a group.
#[divan::bench(sample_count = 5)]
fn negbin_every_cell_its_own_group(bencher: divan::Bencher<'_, '_>) {
    measure(bencher, &table(60, 52, 1), |c| negbin(c, &Test::DEFAULT));
}

/// 150,000 cells, none of which share a group.
#[divan::bench(sample_count = 5)]
fn poisson_every_cell_its_own_group(bencher: divan::Bencher<'_, '_>) {
    measure(bencher, &table(60, 52, 1), |c| poisson(c, &Test::DEFAULT));
}

#[divan::bench(args = [2.0, 12.0, 1000.0])]
fn dunnett_of_five_arms(bencher: divan::Bencher<'_, '_>, df: f64) {
    let contrast = |t| Contrast {
        t,
        df: Some(df),
        control_share: 0.5,
    };
    let family = [1.0, 1.5, 2.0, 2.5, 3.0].map(contrast);
    bencher.bench(|| dunnett(&family, 0.05, Alternative::TwoSided));
}

#[divan::bench(sample_count = 5)]
fn bootstrap_10_000_draws(bencher: divan::Bencher<'_, '_>) {
    let stream = Stream::new("bench", "bootstrap", 1);
    measure(bencher, &table(1, 1, 60), |c| {
        bootstrap(c, &Test::DEFAULT, 10_000, &stream)
    });
}

#[divan::bench(sample_count = 1)]
fn bootstrap_varying_exposure(bencher: divan::Bencher<'_, '_>) {
    let stream = Stream::new("bench", "bootstrap", 1);
    measure(bencher, &table(1, 50, 40), |c| {
        bootstrap(c, &Test::DEFAULT, 1_000, &stream)
    });
}
