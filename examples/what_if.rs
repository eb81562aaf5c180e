//! The business case of an `analysis.json` with assumptions changed, as JSON: what `report.html`
//! must show when its sliders are moved. The outside test of the page compares both.
//!
//!     cargo run --example what_if -- reports/fees-education/analysis.json realisation=0.4 half_life_months=none

use std::process::ExitCode;

use pilot::finance::{Change, what_if};
use pilot::report::Document;

fn main() -> ExitCode {
    match run(std::env::args().skip(1).collect()) {
        Ok(json) => {
            println!("{json}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("what_if: {why}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: Vec<String>) -> Result<String, String> {
    let (path, changes) = args
        .split_first()
        .ok_or("give the path of an analysis.json, then KEY=NUMBER or KEY=none")?;
    let bytes = std::fs::read(path).map_err(|e| format!("{path}: {e}"))?;
    let doc = Document::from_json(&bytes).map_err(|e| e.to_string())?;
    let (case, draws) = doc
        .business
        .as_ref()
        .zip(doc.draws_summary.as_ref())
        .ok_or("the analysis has no business case with draws")?;
    let changes = changes
        .iter()
        .map(|change| {
            let (key, to) = change
                .split_once('=')
                .ok_or(format!("{change}: not KEY=NUMBER"))?;
            let to = match to {
                "none" => None,
                number => Some(number.parse().map_err(|e| format!("{change}: {e}"))?),
            };
            Ok(Change {
                key: key.into(),
                to,
            })
        })
        .collect::<Result<Vec<_>, String>>()?;
    let case = what_if(case, &doc.assumptions, draws, &changes).map_err(|e| e.to_string())?;
    serde_json::to_string(&case).map_err(|e| e.to_string())
}
