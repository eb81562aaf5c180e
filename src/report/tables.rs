//! One tidy CSV table a topic, for spreadsheets and scripts (RFC 4180).
//!
//! Numbers are exact and stay numbers; unknown is an empty cell. Text is made safe: control
//! characters are written out (see [`plain`]) and a cell that a spreadsheet would read as a
//! formula gets a leading apostrophe. Groups below the plan's `min_cell` are "<5", and what
//! was measured on them is empty.

mod looks;
mod money;
mod segments;
mod weekly;

use crate::error::{Error, Result};
use crate::report::crossed;
use crate::report::document::Document;
use crate::report::privacy::{Distribution, Privacy};
use crate::report::text::plain;
use crate::stats::Estimand;

/// A table by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// The file's name.
    pub name: &'static str,
    /// CSV.
    pub bytes: Vec<u8>,
}

/// All tables: estimates and checks always, the others where the document has rows.
pub fn tables(doc: &Document) -> Result<Vec<Table>> {
    let always = [estimates(doc)?, checks(doc)?];
    let rest = [
        factorial(doc)?,
        balance(doc)?,
        money::cashflow(doc)?,
        money::assumptions(doc)?,
        money::arms(doc)?,
        money::tornado(doc)?,
        money::acceptability(doc)?,
        money::staffing(doc)?,
        levels(doc)?,
        distribution(doc)?,
        looks::sheet(doc)?,
        weekly::sheet(doc)?,
        segments::sheet(doc)?,
    ];
    Ok(always
        .into_iter()
        .chain(rest.into_iter().filter(|s| !s.is_empty()))
        .map(Sheet::finish)
        .collect())
}

/// A cell before it is written.
enum Cell {
    Text(String),
    Number(Option<f64>),
    Count(u64),
}

fn text(value: impl AsRef<str>) -> Cell {
    Cell::Text(defused(value.as_ref()))
}

fn number(value: impl Into<Option<f64>>) -> Cell {
    // Nothing saved and −0 saved is the same 0.
    Cell::Number(value.into().map(|v| v + 0.0))
}

struct Sheet {
    name: &'static str,
    writer: csv::Writer<Vec<u8>>,
    rows: usize,
}

impl Sheet {
    fn new(name: &'static str, header: &[&str]) -> Result<Self> {
        let mut writer = csv::WriterBuilder::new()
            .terminator(csv::Terminator::CRLF)
            .from_writer(Vec::new());
        writer.write_record(header).map_err(|e| failed(name, &e))?;
        Ok(Sheet {
            name,
            writer,
            rows: 0,
        })
    }

    fn push(&mut self, cells: Vec<Cell>) -> Result<()> {
        let record = cells.into_iter().map(|cell| match cell {
            Cell::Text(text) => text,
            // The shortest text that reads back as the same number.
            Cell::Number(value) => value
                .filter(|v| v.is_finite())
                .map_or_else(String::new, |v| format!("{}", Shortest(v))),
            Cell::Count(n) => n.to_string(),
        });
        self.writer
            .write_record(record)
            .map_err(|e| failed(self.name, &e))?;
        self.rows += 1;
        Ok(())
    }

    fn is_empty(&self) -> bool {
        self.rows == 0
    }

    fn finish(self) -> Table {
        // Writing to memory cannot fail: what is there was flushed or is in the buffer.
        let bytes = self.writer.into_inner().unwrap_or_default();
        Table {
            name: self.name,
            bytes,
        }
    }
}

fn failed(name: &str, error: &csv::Error) -> Error {
    Error::internal(format!("{name}: {error}"))
}

/// A float with the fewest digits that read back exactly; powers of ten for extremes.
struct Shortest(f64);

impl std::fmt::Display for Shortest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let magnitude = self.0.abs();
        if magnitude != 0.0 && !(1e-7..1e16).contains(&magnitude) {
            write!(f, "{:e}", self.0)
        } else {
            write!(f, "{}", self.0)
        }
    }
}

/// Text that no spreadsheet takes for a formula: a leading apostrophe where, after blanks, it
/// begins with = + - @ (also in full width), a tab or a line break.
pub fn defused(value: &str) -> String {
    let first = value
        .chars()
        .find(|c| matches!(c, '\t' | '\r' | '\n') || !c.is_whitespace() && !is_invisible(*c));
    let clean = plain(value);
    match first {
        Some('=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠' | '\t' | '\r' | '\n') => {
            format!("'{clean}")
        }
        _ => clean.into_owned(),
    }
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

fn estimates(doc: &Document) -> Result<Sheet> {
    let mut sheet = Sheet::new(
        "estimates.csv",
        &[
            "outcome",
            "arm",
            "control",
            "segment",
            "estimand",
            "estimator",
            "primary",
            "value",
            "unit",
            "se",
            "df",
            "ci_lower",
            "ci_upper",
            "level",
            "p_value",
            "p_adjusted",
            "ci_adjusted_lower",
            "ci_adjusted_upper",
            "n_arm_customers",
            "n_control_customers",
            "detail_json",
        ],
    )?;
    let privacy = Privacy::of(doc);
    for row in &doc.estimates {
        let hidden = privacy.is_small(row.n_arm) || privacy.is_small(row.n_control);
        let shown = |v: Option<f64>| number(v.filter(|_| !hidden));
        let detail = if hidden || row.detail.is_empty() {
            String::new()
        } else {
            serde_json::to_string(&row.detail)
                .map_err(|e| Error::internal(format!("estimates.csv: {e}")))?
        };
        let estimand = estimand_name(row.estimand);
        sheet.push(vec![
            text(&row.outcome),
            text(&row.arm),
            text(&row.control),
            text(row.segment.as_deref().unwrap_or("")),
            text(estimand),
            text(row.estimator.name()),
            text(if row.primary { "true" } else { "false" }),
            shown(Some(row.value)),
            text(row.unit.to_string()),
            shown(row.se),
            shown(row.df),
            shown(row.ci_lower),
            shown(row.ci_upper),
            number(row.level),
            shown(row.p_value),
            shown(row.p_adjusted),
            shown(row.ci_adjusted_lower),
            shown(row.ci_adjusted_upper),
            customers(row.n_arm, privacy),
            customers(row.n_control, privacy),
            text(detail),
        ])?;
    }
    Ok(sheet)
}

fn estimand_name(estimand: Estimand) -> &'static str {
    match estimand {
        Estimand::Difference => "difference",
        Estimand::Ratio => "ratio",
        Estimand::Probability => "probability",
    }
}

fn customers(n: u64, privacy: Privacy) -> Cell {
    if privacy.is_small(n) {
        text(privacy.fewer())
    } else {
        Cell::Count(n)
    }
}

fn checks(doc: &Document) -> Result<Sheet> {
    let header = [
        "id",
        "status",
        "statistic",
        "p_value",
        "detail",
        "passed_over_because",
    ];
    let mut sheet = Sheet::new("checks.csv", &header)?;
    for check in &doc.checks {
        sheet.push(vec![
            text(&check.id),
            text(check.status.name()),
            number(check.statistic),
            number(check.p_value),
            text(&check.detail),
            text(passed_over(doc, &check.id).unwrap_or_default()),
        ])?;
    }
    Ok(sheet)
}

/// The reason for which a stop was passed over, from the banner that says so.
fn passed_over<'a>(doc: &'a Document, check: &str) -> Option<&'a str> {
    let banners = doc.banners.iter();
    let reasons = banners.filter_map(|b| b.strip_prefix("DESPITE ")?.strip_prefix(check));
    reasons.filter_map(|rest| rest.strip_prefix(": ")).next()
}

fn factorial(doc: &Document) -> Result<Sheet> {
    let header = [
        "outcome",
        "first",
        "second",
        "both",
        "effect",
        "estimand",
        "estimator",
        "primary",
        "value",
        "unit",
        "se",
        "df",
        "ci_lower",
        "ci_upper",
        "level",
        "p_value",
    ];
    let mut sheet = Sheet::new("factorial.csv", &header)?;
    for row in &doc.factorial {
        let hidden = crossed::is_small(doc, row);
        let shown = |v: Option<f64>| number(v.filter(|_| !hidden));
        sheet.push(vec![
            text(&row.outcome),
            text(&row.first),
            text(&row.second),
            text(&row.both),
            text(&row.effect),
            text(estimand_name(row.estimand)),
            text(row.estimator.name()),
            text(if row.primary { "true" } else { "false" }),
            shown(Some(row.value)),
            text(row.unit.to_string()),
            shown(Some(row.se)),
            shown(row.df),
            shown(Some(row.ci_lower)),
            shown(Some(row.ci_upper)),
            number(row.level),
            shown(Some(row.p_value)),
        ])?;
    }
    Ok(sheet)
}

fn balance(doc: &Document) -> Result<Sheet> {
    let header = [
        "covariate",
        "arm",
        "mean_arm",
        "mean_control",
        "smd_standard_deviations",
    ];
    let mut sheet = Sheet::new("balance.csv", &header)?;
    let privacy = Privacy::of(doc);
    let mut arms = doc.experiment.arms.iter();
    let control_hidden = arms.any(|a| a.control && privacy.hides(doc, &a.name));
    for row in &doc.balance {
        let arm_hidden = privacy.hides(doc, &row.arm);
        let shown = |v: Option<f64>, hidden: bool| number(v.filter(|_| !hidden));
        sheet.push(vec![
            text(&row.covariate),
            text(&row.arm),
            shown(Some(row.mean_arm), arm_hidden),
            shown(Some(row.mean_control), control_hidden),
            shown(row.smd, arm_hidden || control_hidden),
        ])?;
    }
    Ok(sheet)
}

fn levels(doc: &Document) -> Result<Sheet> {
    let header = [
        "outcome",
        "arm",
        "period",
        "n_customers",
        "total",
        "mean",
        "ci_lower",
        "ci_upper",
        "unit",
    ];
    let mut sheet = Sheet::new("levels.csv", &header)?;
    let privacy = Privacy::of(doc);
    for row in &doc.levels {
        let hidden = privacy.is_small(row.n);
        let shown = |v: Option<f64>| number(v.filter(|_| !hidden));
        sheet.push(vec![
            text(&row.outcome),
            text(&row.arm),
            text(&row.period),
            customers(row.n, privacy),
            shown(Some(row.total)),
            shown(Some(row.mean)),
            shown(row.ci_lower),
            shown(row.ci_upper),
            text(row.unit.to_string()),
        ])?;
    }
    Ok(sheet)
}

fn distribution(doc: &Document) -> Result<Sheet> {
    let header = [
        "outcome",
        "arm",
        "from",
        "to",
        "customers",
        "share_of_customers",
    ];
    let mut sheet = Sheet::new("distribution.csv", &header)?;
    let privacy = Privacy::of(doc);
    let mut outcomes: Vec<&str> = Vec::new();
    for row in &doc.distribution {
        if !outcomes.contains(&row.outcome.as_str()) {
            outcomes.push(&row.outcome);
        }
    }
    for outcome in outcomes {
        let Some(distribution) = Distribution::of(doc, outcome) else {
            continue;
        };
        for arm in &distribution.arms {
            match (&arm.customers, arm.shares()) {
                (Some(counts), Some(shares)) => {
                    let bins = distribution.bins.iter().zip(counts).zip(shares);
                    for (((from, to), n), share) in bins {
                        sheet.push(vec![
                            text(outcome),
                            text(&arm.arm),
                            number(*from),
                            number(*to),
                            Cell::Count(*n),
                            number(share),
                        ])?;
                    }
                }
                _ => sheet.push(vec![
                    text(outcome),
                    text(&arm.arm),
                    number(None),
                    number(None),
                    text(privacy.fewer()),
                    number(None),
                ])?,
            }
        }
    }
    Ok(sheet)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_defused_and_plain_text_is_not() {
        for (text, want) in [
            ("=1+1", "'=1+1"),
            ("  @SUM(A1)", "'  @SUM(A1)"),
            ("\u{3000}＝cmd", "'\u{3000}＝cmd"),
            ("\u{200b}+1", "'\u{200b}+1"),
            ("\t=1", "' =1"),
            ("\r\nx", "'  x"),
            ("-5 %", "'-5 %"),
            ("－5", "'－5"),
            ("a=b", "a=b"),
            ("a\0b", "a\\u{0}b"),
            ("", ""),
        ] {
            assert_eq!(defused(text), want, "{text:?}");
        }
    }

    #[test]
    fn numbers_read_back_exactly() {
        for v in [0.1 + 0.2, 1e300, 5e-324, -0.0, 123_456_789.123_456_79] {
            let text = format!("{}", Shortest(v));
            assert_eq!(text.parse::<f64>().map(f64::to_bits), Ok(v.to_bits()));
        }
    }
}
