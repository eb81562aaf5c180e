//! Writes a pilot's counts file of any size, the same for the same arguments:
//!
//! `cargo run --release --example make_pilot -- OUT.parquet|OUT.csv ROWS none|integer|text [SEED]`
//!
//! Contacts are negative binomial, in three arms and 24 strata, so that 10 million customers make
//! about 150,000 distinct rows.

#[path = "../benches/scan/pilot_file.rs"]
mod pilot_file;

use std::error::Error;
use std::path::Path;

use pilot_file::{Unit, write};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
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
