//! What `design` wrote at the head of a plan about the customers it was sized for.

use crate::number;

use super::Baseline;

/// What a plan's head says of its sizing.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Sizing {
    /// Contacts per customer in the after window.
    pub rate: Option<f64>,
    /// NB2 dispersion φ.
    pub dispersion: Option<f64>,
    /// Correlation of counts before and after.
    pub correlation: Option<f64>,
    /// Reduction that it was sized for.
    pub reduction: Option<f64>,
    /// Customers in all.
    pub customers: Option<u64>,
}

/// The line of a history.
pub fn history_note(b: &Baseline) -> String {
    format!(
        "History of {} customers: {}",
        b.customers,
        counts(b.rate, b.dispersion, b.correlation)
    )
}

/// The line of assumed counts.
pub fn assumed_note(rate: f64, dispersion: f64, correlation: Option<f64>) -> String {
    format!("Assumed: {}", counts(rate, dispersion, correlation))
}

/// The line of a size.
pub fn size_note(reduction: f64, customers: u64) -> String {
    format!(
        "Sized for a reduction of {} %: {} customers in all.",
        number::general(100.0 * reduction),
        number::count(customers)
    )
}

fn counts(rate: f64, dispersion: f64, correlation: Option<f64>) -> String {
    let correlation = correlation.map_or(String::new(), |r| {
        format!(", correlation before/after {r:.3}")
    });
    format!("{rate:.4} contacts each, dispersion {dispersion:.3}{correlation}.")
}

impl Sizing {
    /// Reads the lines above back from a plan's text; what is not there is `None`.
    pub fn read(text: &str) -> Self {
        let mut found = Sizing::default();
        let notes = text
            .lines()
            .take_while(|l| l.starts_with('#') || l.trim().is_empty());
        for note in notes.map(|l| l.trim_start_matches('#').trim()) {
            if note.contains(" contacts each, dispersion ") {
                found.rate = before(note, " contacts each");
                found.dispersion = after(note, "dispersion ");
                found.correlation = after(note, "before/after ");
            } else if note.starts_with("Sized for a reduction of ") {
                found.reduction = after(note, "reduction of ").map(|percent| percent / 100.0);
                let customers = before(note, " customers in all");
                found.customers = customers.map(|n| n as u64);
            }
        }
        found
    }
}

fn numeric(c: char) -> bool {
    c.is_ascii_digit() || matches!(c, '.' | ',')
}

fn read(text: &str) -> Option<f64> {
    let digits: String = text.chars().filter(|c| *c != ',').collect();
    digits.trim_end_matches('.').parse().ok()
}

/// The number that ends before `mark`.
pub(super) fn before(text: &str, mark: &str) -> Option<f64> {
    let head = &text[..text.find(mark)?];
    read(&head[head.rfind(|c| !numeric(c)).map_or(0, |i| i + 1)..])
}

/// The number that begins after `mark`.
pub(super) fn after(text: &str, mark: &str) -> Option<f64> {
    let tail = &text[text.find(mark)? + mark.len()..];
    read(&tail[..tail.find(|c| !numeric(c)).unwrap_or(tail.len())])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let baseline = Baseline {
            customers: 12_345,
            rate: 0.6,
            dispersion: 1.25,
            correlation: Some(0.5),
        };
        let text = format!(
            "# {}\n# {}\n\nschema = 1\n",
            history_note(&baseline),
            size_note(0.125, 3_456_789)
        );
        assert_eq!(
            Sizing::read(&text),
            Sizing {
                rate: Some(0.6),
                dispersion: Some(1.25),
                correlation: Some(0.5),
                reduction: Some(0.125),
                customers: Some(3_456_789),
            }
        );
        let text = format!("# {}\n", assumed_note(2.4, 0.0, None));
        let found = Sizing::read(&text);
        assert_eq!((found.rate, found.dispersion), (Some(2.4), Some(0.0)));
        assert_eq!((found.correlation, found.customers), (None, None));
        assert_eq!(
            Sizing::read("schema = 1\n# 3 contacts each, dispersion 1"),
            Sizing::default()
        );
    }
}
