//! A pilot's counts of any size, the same for the same seed.

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::basic::Compression;
use datafusion::parquet::file::properties::WriterProperties;
use pilot::experiment::{Experiment, parse};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, Gamma, Poisson};

const ARMS: [&str; 3] = ["control", "tip-sheet", "video"];
const PLANS: [&str; 24] = [
    "basic-north",
    "basic-east",
    "basic-south",
    "basic-west",
    "basic-abroad",
    "basic-online",
    "family-north",
    "family-east",
    "family-south",
    "family-west",
    "family-abroad",
    "family-online",
    "plus-north",
    "plus-east",
    "plus-south",
    "plus-west",
    "plus-abroad",
    "plus-online",
    "business-north",
    "business-east",
    "business-south",
    "business-west",
    "business-abroad",
    "business-online",
];
const BATCH: usize = 1 << 16;

/// What identifies a customer.
#[derive(Clone, Copy, PartialEq)]
pub enum Unit {
    /// No column.
    None,
    /// 64-bit numbers.
    Integer,
    /// Text of 14 characters.
    Text,
}

struct Customers {
    rng: StdRng,
    next: u64,
}

struct Customer {
    number: i64,
    arm: usize,
    plan: usize,
    exposure: i64,
    before_exposure: i64,
    before: i64,
    after: i64,
}

impl Iterator for Customers {
    type Item = Customer;

    fn next(&mut self) -> Option<Customer> {
        let rng = &mut self.rng;
        let arm = rng.random_range(0..ARMS.len());
        // Everyone is observed for 60 days before and after, as in a pilot with fixed dates.
        let (before_exposure, exposure) = (60, 60);
        // Dispersion 0.8: a customer's own rate, before and after.
        let rate = Gamma::new(1.25, 0.8).ok()?.sample(rng);
        let reduction = [1.0, 0.85, 0.75][arm];
        let mut contacts = |days: i64, factor: f64| {
            let mean = (11.0 * rate * factor * days as f64 / 60.0).max(1e-9);
            Poisson::new(mean).map_or(0.0, |p| p.sample(rng)) as i64
        };
        let (before, after) = (
            contacts(before_exposure, 1.0),
            contacts(exposure, reduction),
        );
        let plan = rng.random_range(0..PLANS.len());
        self.next += 1;
        // An odd factor modulo 2^34 visits every number once, out of order.
        let number = (self.next.wrapping_mul(0x2_545F_4914) % (1 << 34)) as i64 * 2 + 1;
        let number = number ^ ((self.next as i64 & 1) << 40);
        Some(Customer {
            number,
            arm,
            plan,
            exposure,
            before_exposure,
            before,
            after,
        })
    }
}

/// Writes `rows` customers as the file's name says, `.csv` or `.parquet`.
pub fn write(out: &Path, rows: usize, unit: Unit, seed: u64) -> Result<(), Box<dyn Error>> {
    let customers = Customers {
        rng: StdRng::seed_from_u64(seed),
        next: 0,
    };
    if out.extension().is_some_and(|e| e == "csv") {
        write_csv(out, customers.take(rows), unit)
    } else {
        write_parquet(out, customers, rows, unit)
    }
}

fn write_csv(
    out: &Path,
    customers: impl Iterator<Item = Customer>,
    unit: Unit,
) -> Result<(), Box<dyn Error>> {
    let mut file = BufWriter::new(File::create(out)?);
    if unit != Unit::None {
        write!(file, "customer,")?;
    }
    writeln!(file, "arm,plan,exposure,before_exposure,before,after")?;
    for c in customers {
        match unit {
            Unit::None => {}
            Unit::Integer => write!(file, "{},", c.number)?,
            Unit::Text => write!(file, "C{:013},", c.number)?,
        }
        writeln!(
            file,
            "{},{},{},{},{},{}",
            ARMS[c.arm], PLANS[c.plan], c.exposure, c.before_exposure, c.before, c.after
        )?;
    }
    Ok(file.flush()?)
}

fn write_parquet(
    out: &Path,
    mut customers: Customers,
    rows: usize,
    unit: Unit,
) -> Result<(), Box<dyn Error>> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .build();
    let mut writer = None;
    for start in (0..rows).step_by(BATCH) {
        let batch: Vec<Customer> = customers.by_ref().take(BATCH.min(rows - start)).collect();
        let integers = |value: &dyn Fn(&Customer) -> i64| -> ArrayRef {
            Arc::new(Int64Array::from_iter_values(batch.iter().map(value)))
        };
        let names = |value: &dyn Fn(&Customer) -> &'static str| -> ArrayRef {
            Arc::new(StringArray::from_iter_values(batch.iter().map(value)))
        };
        let mut columns: Vec<(&str, ArrayRef)> = vec![
            ("arm", names(&|c| ARMS[c.arm])),
            ("plan", names(&|c| PLANS[c.plan])),
            ("exposure", integers(&|c| c.exposure)),
            ("before_exposure", integers(&|c| c.before_exposure)),
            ("before", integers(&|c| c.before)),
            ("after", integers(&|c| c.after)),
        ];
        match unit {
            Unit::None => {}
            Unit::Integer => columns.insert(0, ("customer", integers(&|c| c.number))),
            Unit::Text => {
                let text = batch.iter().map(|c| format!("C{:013}", c.number));
                let text = StringArray::from_iter_values(text);
                columns.insert(0, ("customer", Arc::new(text)));
            }
        }
        let batch = RecordBatch::try_from_iter(columns)?;
        if writer.is_none() {
            writer = Some(ArrowWriter::try_new(
                File::create(out)?,
                batch.schema(),
                Some(properties.clone()),
            )?);
        }
        if let Some(writer) = &mut writer {
            writer.write(&batch)?;
        }
    }
    if let Some(writer) = writer {
        writer.close()?;
    }
    Ok(())
}

/// The plan of such a file; one whose name begins with "none" has no units.
pub fn plan(path: &Path) -> Experiment {
    let name = path.file_name().and_then(|n| n.to_str());
    let unit = match name {
        Some(name) if name.starts_with("none") => "",
        _ => "unit = \"customer\", ",
    };
    let arms: String = ARMS
        .iter()
        .map(|arm| {
            let control = if *arm == ARMS[0] {
                "control = true\n"
            } else {
                ""
            };
            format!("[[arms]]\nname = \"{arm}\"\n{control}weight = 1\n")
        })
        .collect();
    let text = format!(
        r#"
schema = 1
[experiment]
name = "bench"
seed = 1
[assignment]
method = "existing"
strata = ["plan"]
{arms}
[data.counts]
path = "{}"
columns = {{ {unit}arm = "arm", exposure = "exposure", before_exposure = "before_exposure" }}
exposure_unit = "day"
[[outcomes]]
name = "contacts"
role = "primary"
kind = "count"
after = "after"
before = "before"
"#,
        path.display()
    );
    match parse(&text, Path::new("bench.toml")) {
        Ok(plan) => plan.experiment,
        Err(error) => panic!("{error}"),
    }
}
