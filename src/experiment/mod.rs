//! The plan: TOML → tables with every key known → a validated
//! [`Experiment`].

mod advice;
mod amount;
mod catalogue;
mod compare;
mod currency;
mod describe;
mod grammar;
mod keys;
mod later;
mod model;
mod outline;
mod places;
mod raw;
mod schema;
mod settings;
mod source;
mod template;
mod validate;
mod value;
mod words;
mod write;

use std::fmt::Write;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::Result;

pub use advice::{
    NoBusinessCase, PlanWarning, approval_blockers, no_business_case, season_mean, warnings,
};
pub use catalogue::{INTERVENTIONS, Intervention, SITE_TOP_QUESTIONS};
pub use compare::{Change, changes, data_digest, data_digest_until, diff};
pub use currency::currency_minor_digits;
pub use describe::{InWords, describe, in_words};
pub use model::*;
pub use schema::schema;
pub use settings::parse_with;
pub use template::{Design, template};

/// A plan that was read: the experiment and the text that it came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The validated experiment.
    pub experiment: Experiment,
    /// The file.
    pub file: PathBuf,
    /// The text, byte for byte.
    pub text: String,
    /// SHA-256 of the bytes, as 64 hexadecimal digits.
    pub sha256: String,
    /// Defaults in force where the plan is silent: dotted key and value, as TOML.
    pub defaults: Vec<(String, String)>,
}

/// Reads and validates the plan in a file, whose stem has to be the plan's name.
///
/// # Errors
/// The file cannot be read, is not UTF-8 or larger than 4 MiB, or the plan is
/// wrong: then the error has line, column, dotted key (list items are counted
/// from 1: `arms[2].weight`) and a hint.
pub fn read(path: &Path) -> Result<Plan> {
    parse(&source::read_text(path)?, path)
}

/// Validates a plan's text; `file` is the file it came from, whose stem has to
/// be the plan's name.
///
/// # Errors
/// As [`read`].
pub fn parse(text: &str, file: &Path) -> Result<Plan> {
    let stem = file.file_stem().map(|stem| stem.to_string_lossy());
    plan(text, file, stem.as_deref().or(Some("")))
}

/// As [`parse`], for a copy whose file has another name, such as an approved one.
///
/// # Errors
/// As [`read`].
pub fn parse_copy(text: &str, file: &Path) -> Result<Plan> {
    plan(text, file, None)
}

/// As [`parse`], from bytes.
///
/// # Errors
/// As [`read`].
pub fn parse_bytes(bytes: &[u8], file: &Path) -> Result<Plan> {
    parse(&source::decode(bytes.to_vec(), file)?, file)
}

fn plan(text: &str, file: &Path, stem: Option<&str>) -> Result<Plan> {
    let source = source::Source::new(file, text)?;
    let raw = raw::Raw::plan(&source)?;
    Ok(Plan {
        experiment: validate::experiment(&raw, stem)?,
        file: file.to_path_buf(),
        text: text.to_owned(),
        sha256: hex_sha256(text.as_bytes()),
        defaults: raw.defaults(),
    })
}

fn hex_sha256(bytes: &[u8]) -> String {
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}
