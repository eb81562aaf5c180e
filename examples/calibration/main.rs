//! How often the estimators err: replays every situation of `cells.rs` and writes docs/calibration.md.
//!
//! `cargo run --release --example calibration -- run --replicates 10000 --dir DIR [--only TEXT]`
//!
//! `cargo run --release --example calibration -- write --dir DIR --docs docs`
//!
//! `run` keeps one file a situation in DIR and goes on where it stopped: a situation with fewer
//! replays than asked gets the missing ones. `write` makes the document, its charts and
//! `calibration/results.csv` of what is there. The same replays give the same bytes.

mod alarms;
mod cells;
mod charts;
mod document;
mod judge;
mod looks;
mod warned;

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use pilot::planning::simulate::{LookTally, Tallies};
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
    /// What the estimators did; nothing where looks are counted instead.
    #[serde(default)]
    pub tallies: Tallies,
    /// What looking did, by rule.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub looks: BTreeMap<String, LookTally>,
}

/// A situation and what came of it.
pub struct Found<'a> {
    /// The situation.
    pub cell: &'a Cell,
    /// What the estimators did.
    pub tallies: Tallies,
    /// What looking did, by rule.
    pub looks: BTreeMap<String, LookTally>,
    /// Share of its pilots in which each warning comes, or a check that warns.
    pub warned: BTreeMap<String, f64>,
}

impl Found<'_> {
    /// Replays of it.
    pub fn replays(&self) -> u64 {
        let looked = self.looks.values().map(|t| t.crossed.n).max();
        self.tallies.replays.max(looked.unwrap_or(0))
    }
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
                let saved = load(cell, &a.dir)?;
                let mut one = Found {
                    cell,
                    tallies: saved.tallies,
                    looks: saved.looks,
                    warned: BTreeMap::new(),
                };
                if one.replays() > 1 {
                    one.warned = warned::shares(cell)?;
                }
                found.push(one);
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
fn load(cell: &Cell, dir: &Path) -> Result<Saved, Box<dyn Error>> {
    let none = || Saved {
        id: cell.id.clone(),
        draws: cells::DRAWS,
        seed: cells::SEED,
        tallies: Tallies::default(),
        looks: BTreeMap::new(),
    };
    let path = place(cell, dir);
    if !path.exists() {
        return Ok(none());
    }
    let saved: Saved = serde_json::from_slice(&fs::read(path)?)?;
    let same = saved.id == cell.id && saved.draws == cells::DRAWS && saved.seed == cells::SEED;
    Ok(if same { saved } else { none() })
}

fn run(cell: &Cell, replicates: u64, dir: &Path) -> Result<(), Box<dyn Error>> {
    let mut saved = load(cell, dir)?;
    let begun = std::time::Instant::now();
    let (names, rules): (Vec<_>, Vec<_>) = cell.rules().into_iter().unzip();
    let done = |saved: &Saved| {
        let looked = saved.looks.values().map(|t| t.crossed.n).max();
        saved.tallies.replays.max(looked.unwrap_or(0))
    };
    let before = done(&saved);
    while done(&saved) < replicates {
        let from = done(&saved);
        let end = replicates.min(from + BATCH);
        if rules.is_empty() {
            let tallies = cell.replay().run(from, end, &|_| Ok(()))?;
            saved.tallies.merge(tallies);
        } else {
            let tallies = cell.replay().looks((from, end), &rules, &|_| Ok(()))?;
            for (name, tally) in names.iter().zip(tallies) {
                saved
                    .looks
                    .entry(name.to_string())
                    .or_default()
                    .merge(tally);
            }
        }
        let path = place(cell, dir);
        let half = path.with_extension("part");
        fs::write(&half, serde_json::to_vec(&saved)?)?;
        fs::rename(half, path)?;
    }
    let after = done(&saved);
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "{}: {after} replays, {} new in {seconds:.1} s",
        cell.id,
        after - before
    );
    Ok(())
}
