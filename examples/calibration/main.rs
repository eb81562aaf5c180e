//! How often the estimators err: replays every situation of `cells.rs` and writes docs/calibration.md.
//!
//! `cargo run --release --example calibration -- run --replicates 10000 --dir DIR [--only TEXT]`
//!
//! `cargo run --release --example calibration -- write --dir DIR --docs docs`
//!
//! `run` keeps one file a situation in DIR and goes on where it stopped: a situation with fewer
//! replays than asked gets the missing ones. `write` makes the document, its charts and
//! `calibration/results.csv` of what is there. The same replays give the same bytes.

mod cells;
mod document;
mod judge;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use pilot::planning::simulate::Tallies;
use serde::{Deserialize, Serialize};

use cells::Cell;

/// Replays between two savings.
const BATCH: u64 = 250;

/// What a situation's file holds.
#[derive(Serialize, Deserialize)]
pub struct Saved {
    /// The situation.
    pub id: String,
    /// Draws of each permutation test.
    pub draws: u32,
    /// Seed.
    pub seed: u64,
    /// What the estimators did.
    pub tallies: Tallies,
}

struct Arguments {
    verb: String,
    replicates: u64,
    dir: PathBuf,
    docs: PathBuf,
    only: String,
}

fn arguments() -> Result<Arguments, Box<dyn Error>> {
    let mut given = std::env::args().skip(1);
    let verb = given.next().ok_or("the first argument is run or write")?;
    let mut a = Arguments {
        verb,
        replicates: 10_000,
        dir: "target/calibration".into(),
        docs: "docs".into(),
        only: String::new(),
    };
    while let Some(flag) = given.next() {
        let value = given.next().ok_or(format!("{flag} needs a value"))?;
        match flag.as_str() {
            "--replicates" => a.replicates = value.parse()?,
            "--dir" => a.dir = value.into(),
            "--docs" => a.docs = value.into(),
            "--only" => a.only = value,
            "--threads" => rayon::ThreadPoolBuilder::new()
                .num_threads(value.parse()?)
                .build_global()?,
            other => return Err(format!("no flag is called {other}").into()),
        }
    }
    Ok(a)
}

fn main() -> Result<(), Box<dyn Error>> {
    let a = arguments()?;
    let all = cells::all();
    match a.verb.as_str() {
        "run" => {
            fs::create_dir_all(&a.dir)?;
            for cell in all.iter().filter(|c| c.id.contains(&a.only)) {
                run(cell, a.replicates, &a.dir)?;
            }
            Ok(())
        }
        "write" => {
            let mut found = Vec::new();
            for cell in &all {
                found.push((cell, load(cell, &a.dir)?));
            }
            document::write(&found, &a.docs)
        }
        other => Err(format!("run or write, not {other}").into()),
    }
}

fn place(cell: &Cell, dir: &Path) -> PathBuf {
    dir.join(format!("{}.json", cell.id))
}

/// What was saved of a situation; nothing where its settings were others.
fn load(cell: &Cell, dir: &Path) -> Result<Tallies, Box<dyn Error>> {
    let path = place(cell, dir);
    if !path.exists() {
        return Ok(Tallies::default());
    }
    let saved: Saved = serde_json::from_slice(&fs::read(path)?)?;
    let same = saved.id == cell.id && saved.draws == cells::DRAWS && saved.seed == cells::SEED;
    Ok(if same {
        saved.tallies
    } else {
        Tallies::default()
    })
}

fn run(cell: &Cell, replicates: u64, dir: &Path) -> Result<(), Box<dyn Error>> {
    let mut tallies = load(cell, dir)?;
    let begun = std::time::Instant::now();
    let before = tallies.replays;
    while tallies.replays < replicates {
        let end = replicates.min(tallies.replays + BATCH);
        tallies.merge(cell.replay().run(tallies.replays, end, &|_| Ok(()))?);
        let saved = Saved {
            id: cell.id.clone(),
            draws: cells::DRAWS,
            seed: cells::SEED,
            tallies: tallies.clone(),
        };
        let path = place(cell, dir);
        let half = path.with_extension("part");
        fs::write(&half, serde_json::to_vec(&saved)?)?;
        fs::rename(half, path)?;
    }
    let done = tallies.replays - before;
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "{}: {} replays, {done} new in {seconds:.1} s",
        cell.id, tallies.replays
    );
    Ok(())
}
