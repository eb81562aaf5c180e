//! Writes a pilot's counts file of any size, the same for the same arguments:
//!
//! `cargo run --release --example make_pilot -- OUT.parquet|OUT.csv ROWS none|integer|text [SEED]`
//!
//! or, to time scans of such a file (`none…` for one without units):
//!
//! `cargo run --release --example make_pilot -- scan FILE [TIMES]`
//!
//! Contacts are negative binomial, in three arms and 24 strata; 10 million customers make about
//! 160,000 distinct rows.

#[path = "../benches/scan/pilot_file.rs"]
mod pilot_file;

use std::error::Error;
use std::path::Path;

use std::time::Instant;

use pilot::engine::{Request, scan};
use pilot_file::{Unit, plan, write};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [verb, file, rest @ ..] = args.as_slice()
        && verb == "scan"
    {
        let times = rest.first().map_or(Ok(1), |t| t.parse())?;
        return time(&std::path::absolute(file)?, times);
    }
    let [out, rows, unit, rest @ ..] = args.as_slice() else {
        return Err("arguments: OUT.parquet|OUT.csv ROWS none|integer|text [SEED]".into());
    };
    let unit = match unit.as_str() {
        "none" => Unit::None,
        "integer" => Unit::Integer,
        "text" => Unit::Text,
        other => return Err(format!("no kind of unit is called {other}").into()),
    };
    let seed = rest.first().map_or(Ok(1), |s| s.parse())?;
    write(Path::new(out), rows.parse()?, unit, seed)
}

/// Prints a line a scan: seconds, customers, cells.
fn time(file: &Path, times: usize) -> Result<(), Box<dyn Error>> {
    let experiment = plan(file);
    for _ in 0..times {
        let start = Instant::now();
        let scan = scan(&Request::new(&experiment, Path::new("/"), &|_| Ok(())))?;
        let seconds = start.elapsed().as_secs_f64();
        let cells = scan.evidence.outcomes[0].table.cells().len();
        let customers = scan.evidence.audit.customers;
        println!("{seconds:.3} s, {customers} customers, {cells} cells");
    }
    Ok(())
}
