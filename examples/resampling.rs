//! Times permutation and bootstrap on a table of 10 million customers, from memory:
//!
//! `cargo run --release --no-default-features --example resampling -- CELLS.csv [CUSTOMERS] [TIMES]`
//!
//! Three arms, 24 strata and about 160,000 cells, as `make_pilot` draws them. Each treatment against
//! control: 10,000 permutations, and 10,000 bootstrap draws of difference and ratio. Prints one line
//! of JSON a run, on 1 and 2 threads, and stops if their numbers differ. CELLS.csv gets customers by
//! arm, stratum and contacts, for other programs to resample; `just resampling` compares with numpy.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;
use std::time::Instant;

use pilot::stats::bootstrap::bootstrap;
use pilot::stats::permutation::permutation;
use pilot::stats::random::Stream;
use pilot::stats::{Estimate, Refusal, Test};
use pilot::table::{
    ArmId, Cell, Comparison, ContactTable, Decimals, ExposureUnit, Strata, StratumId,
};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, Gamma, Poisson};

const STRATA: u32 = 24;
const REDUCTIONS: [f64; 3] = [1.0, 0.85, 0.75];
const DRAWS: u32 = 10_000;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [out, rest @ ..] = args.as_slice() else {
        return Err("arguments: CELLS.csv [CUSTOMERS] [TIMES]".into());
    };
    let number = |i: usize, or: u64| rest.get(i).map_or(Ok(or), |n| n.parse());
    let (customers, times) = (number(0, 10_000_000)?, number(1, 5)?);
    let table = table(customers)?;
    write(&table, out)?;
    let mut first = None;
    for _ in 0..times {
        for threads in [1, 2] {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()?;
            let (found, permuted, bootstrapped) = pool.install(|| resample(&table))?;
            let cells = table.cells().len();
            println!(
                "{{\"threads\": {threads}, \"cells\": {cells}, \"permutation\": {permuted:.4}, \"bootstrap\": {bootstrapped:.4}, \"seconds\": {:.4}}}",
                permuted + bootstrapped
            );
            if *first.get_or_insert_with(|| found.clone()) != found {
                return Err("the numbers differ between runs".into());
            }
        }
    }
    for e in first.iter().flatten() {
        eprintln!(
            "{} {:?}: {:.6}, se {:?}, interval {:?}, p {:?}",
            e.estimator, e.estimand, e.value, e.se, e.interval, e.p_value
        );
    }
    Ok(())
}

/// Every estimate, and seconds of permutation and bootstrap, each from the table itself.
fn resample(table: &ContactTable) -> Result<(Vec<Estimate>, f64, f64), String> {
    let mut found = Vec::new();
    let mut seconds = [0.0; 2];
    for arm in 1..REDUCTIONS.len() {
        type Run = fn(&Comparison<'_>, &Test, u32, &Stream) -> Result<Vec<Estimate>, Refusal>;
        for (i, run) in [permutation as Run, bootstrap as Run]
            .into_iter()
            .enumerate()
        {
            let begun = Instant::now();
            let c =
                Comparison::new(table, ArmId(arm as u16), ArmId(0)).map_err(|e| e.to_string())?;
            let stream = Stream::new(["permutation", "bootstrap"][i], "bar", arm as u64);
            let estimates = run(&c, &Test::DEFAULT, DRAWS, &stream);
            seconds[i] += begun.elapsed().as_secs_f64();
            found.extend(estimates.map_err(|r| r.why)?);
        }
    }
    Ok((found, seconds[0], seconds[1]))
}

/// Contacts before and after, negative binomial with dispersion 0.8 about 11 in 60 days.
fn table(customers: u64) -> Result<ContactTable, Box<dyn Error>> {
    let mut rng = StdRng::seed_from_u64(1);
    let own = Gamma::new(1.25, 0.8)?;
    let mut cells: BTreeMap<(usize, u32, i64, i64), u64> = BTreeMap::new();
    for _ in 0..customers {
        let (arm, stratum) = (rng.random_range(0..3), rng.random_range(0..STRATA));
        let rate: f64 = own.sample(&mut rng);
        let mut contacts = |factor: f64| {
            let mean = (11.0 * rate * factor).max(1e-9);
            Poisson::new(mean).map_or(0.0, |p| p.sample(&mut rng)) as i64
        };
        let (before, after) = (contacts(1.0), contacts(REDUCTIONS[arm]));
        *cells.entry((arm, stratum, before, after)).or_default() += 1;
    }
    let names = (0..STRATA).map(|s| vec![format!("{s:02}")]);
    let strata = Strata::new(vec!["plan".into()], names)?;
    let cells = cells
        .into_iter()
        .map(|((arm, stratum, before, after), customers)| Cell {
            arm: ArmId(arm as u16),
            stratum: StratumId(stratum),
            exposure: 60,
            before_exposure: 60,
            before: Some(before),
            after: Some(after),
            uptake: None,
            customers,
        })
        .collect();
    let arms = ["control", "tip-sheet", "video"].map(String::from).to_vec();
    let decimals = Decimals::default();
    Ok(ContactTable::new(
        arms,
        strata,
        ExposureUnit::Day,
        decimals,
        cells,
    )?)
}

fn write(table: &ContactTable, out: &str) -> Result<(), Box<dyn Error>> {
    let mut sums: BTreeMap<(u16, u32, i64), u64> = BTreeMap::new();
    for c in table.cells() {
        let key = (c.arm.0, c.stratum.0, c.after.unwrap_or(0));
        *sums.entry(key).or_default() += c.customers;
    }
    let mut file = std::io::BufWriter::new(std::fs::File::create(out)?);
    writeln!(file, "arm,stratum,y,customers")?;
    for ((arm, stratum, y), n) in sums {
        writeln!(file, "{arm},{stratum},{y},{n}")?;
    }
    Ok(file.flush()?)
}
