//! How much a page can hold: first all in readable letters, then less.

use crate::report::number::{self, MINUS};
use crate::report::text::{columns, plain, shortened};
use crate::texts::text;

/// Millimetres below which a chart of the page has letters too small to be read in print: 11 of its 560
/// pixels then are 6 points.
const LEAST_CHART: f64 = 110.0;

/// How much room the pages are given.
#[derive(Debug, Clone, Copy)]
pub struct Fit {
    /// Size of the letters, in points.
    pub size: f64,
    /// Points of a list, and rows of a table.
    pub items: usize,
    /// Columns of a terminal that a text may take which the decision rests on.
    columns: usize,
    /// The same of what stands beside it: checks, warnings, how to read a table.
    aside: usize,
    /// Charts, and how wide they are.
    pub charts: Charts,
}

/// Which charts a page has, with their width in millimetres.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Charts {
    /// Effect and cash.
    Both(f64),
    /// The effect alone.
    Effect(f64),
    /// None.
    None,
}

impl Charts {
    /// The width of the chart of the effect.
    pub fn effect(self) -> Option<f64> {
        match self {
            Charts::Both(width) | Charts::Effect(width) => Some(width),
            Charts::None => None,
        }
    }

    /// The width of the chart of cash.
    pub fn cash(self) -> Option<f64> {
        match self {
            Charts::Both(width) => Some(width),
            Charts::Effect(_) | Charts::None => None,
        }
    }
}

impl Fit {
    /// From roomy to tight: smaller letters and charts before shorter texts, what stands beside the
    /// decision before what it rests on, and the charts last. No chart is smaller than its letters bear.
    pub const ALL: [Fit; 14] = [
        Fit::new(9.5, 60, (1200, 900), Charts::Both(150.0)),
        Fit::new(9.0, 60, (1200, 900), Charts::Both(135.0)),
        Fit::new(8.5, 60, (1200, 900), Charts::Both(122.0)),
        Fit::new(8.0, 60, (1200, 900), Charts::Both(LEAST_CHART)),
        Fit::new(7.5, 40, (1200, 500), Charts::Both(LEAST_CHART)),
        Fit::new(7.5, 15, (1200, 250), Charts::Both(LEAST_CHART)),
        Fit::new(7.0, 40, (1200, 400), Charts::Both(LEAST_CHART)),
        Fit::new(7.0, 24, (1200, 250), Charts::Both(LEAST_CHART)),
        Fit::new(7.0, 15, (1200, 250), Charts::Both(LEAST_CHART)),
        Fit::new(7.0, 9, (1200, 170), Charts::Both(LEAST_CHART)),
        Fit::new(7.0, 9, (1200, 170), Charts::Effect(LEAST_CHART)),
        Fit::new(7.0, 8, (500, 130), Charts::Effect(LEAST_CHART)),
        Fit::new(7.0, 7, (500, 110), Charts::None),
        Fit::new(7.0, 7, (110, 110), Charts::None),
    ];

    const fn new(
        size: f64,
        items: usize,
        (columns, aside): (usize, usize),
        charts: Charts,
    ) -> Self {
        Fit {
            size,
            items,
            columns,
            aside,
            charts,
        }
    }

    /// The same room for what stands beside the decision.
    pub fn aside(self) -> Self {
        Fit {
            columns: self.aside,
            ..self
        }
    }

    /// A text that is safe to show; what does not fit ends with a whole sentence, or else with a whole
    /// word and no half amount, and says where the rest is.
    pub fn line(self, text: &str) -> String {
        if columns(text) <= self.columns {
            return breakable(text);
        }
        let rest = text!("sign-off.rest");
        let room = self.columns.saturating_sub(columns(&rest) + 1);
        let fitting = text.char_indices().map(|(i, c)| i + c.len_utf8());
        let fitting: Vec<usize> = fitting
            .take_while(|i| columns(&text[..*i]) <= room)
            .collect();
        let cut = |ends: fn(&str, &str) -> bool| {
            let mut places = fitting.iter().rev();
            places.find(|i| ends(&text[..**i], &text[**i..])).copied()
        };
        match cut(ends_a_sentence).or_else(|| cut(ends_a_word)) {
            Some(end) => breakable(&format!("{} {rest}", text[..end].trim_end())),
            None => breakable(&shortened(text, self.columns)),
        }
    }

    /// A safe name in a table or a line.
    pub fn name(self, text: &str) -> String {
        breakable(&shortened(text, self.columns.min(LONGEST_NAME)))
    }

    /// A list of safe texts, with a last point on what is left out.
    pub fn list(self, texts: impl IntoIterator<Item = String>) -> Vec<String> {
        let texts: Vec<String> = texts.into_iter().collect();
        let mut kept: Vec<String> = texts
            .iter()
            .take(self.items)
            .map(|t| self.line(t))
            .collect();
        if texts.len() > self.items {
            kept.push(more(texts.len() - self.items));
        }
        kept
    }
}

/// Columns of the longest name that is shown whole: three lines of a table.
const LONGEST_NAME: usize = 200;

/// Whether a sentence ends between both parts of a text.
fn ends_a_sentence(before: &str, after: &str) -> bool {
    before.ends_with(['。', '！', '？'])
        || before.ends_with(['.', '!', '?', '۔']) && after.starts_with(' ')
}

/// Whether a word ends there that has no number behind it: an amount stays whole with its currency.
fn ends_a_word(before: &str, after: &str) -> bool {
    let word = before.rsplit(' ').next().unwrap_or_default();
    let Some(next) = after.strip_prefix(' ') else {
        return false;
    };
    let number = |c: char| c.is_numeric() || c == MINUS || c == '%';
    let currency = |w: &str| {
        let w = w.trim_start_matches([MINUS, '(']);
        w.len() == 3 && w.bytes().all(|b| b.is_ascii_uppercase())
    };
    !next.starts_with(number) && !currency(word) && !word.is_empty()
}

/// Characters in a row that a line may not break between.
const UNBROKEN: usize = 24;

/// The text with places to break in words that are too long for a line.
fn breakable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut run = 0;
    for c in text.chars() {
        run = if c.is_alphanumeric() || c.is_ascii_punctuation() {
            run + 1
        } else {
            0
        };
        if run > UNBROKEN {
            out.push('\u{200b}');
            run = 1;
        }
        out.push(c);
    }
    out
}

/// What stands for so many that are left out.
pub fn more(count: usize) -> String {
    text("sign-off.more", &[("count", &number::count(count as u64))])
}

/// A digest in two halves, so that its line can break.
pub fn halves(digest: &str) -> String {
    let text = plain(digest);
    match text.split_at_checked(32) {
        Some((a, b)) => format!("{a} {b}"),
        None => text.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::chart::Paper;

    #[test]
    fn a_text_that_is_too_long_ends_with_a_whole_sentence_and_says_where_the_rest_is() {
        let fit = Fit::new(7.0, 7, (110, 110), Charts::None);
        let short = "NPV −KWD 1,234.500 over 24 months.";
        assert_eq!(fit.line(short), short);
        let long = format!(
            "{short} It pays back in month 3. If the effect ended with the pilot's window, the NPV would be −KWD 1,234.500."
        );
        let rest = text!("sign-off.rest");
        assert!(rest.contains("summary.md"));
        assert_eq!(
            fit.line(&long),
            format!("{short} It pays back in month 3. {rest}")
        );
    }

    #[test]
    fn the_letters_of_a_chart_can_be_read_in_print() {
        const SMALLEST: f64 = 11.0;
        for fit in Fit::ALL {
            for width in [fit.charts.effect(), fit.charts.cash()]
                .into_iter()
                .flatten()
            {
                let points = SMALLEST * width / 25.4 * 72.0 / Paper::Page.width();
                assert!(points >= 6.0, "{fit:?}: {points}");
            }
        }
    }

    #[test]
    fn without_a_sentence_that_fits_no_number_is_cut() {
        let text = "NPV −KWD 1,234.500 over 24 months (95 % interval −KWD 2,000.125 to KWD 3,333.250); positive with";
        let text = text.repeat(3);
        // The tightest page gives a text 110 columns.
        for most in 110..240 {
            let fit = Fit::new(7.0, 7, (most, most), Charts::None);
            let line = fit.line(&text);
            assert!(columns(&line) <= most, "{line}");
            let rest = text!("sign-off.rest");
            let Some(kept) = line.strip_suffix(&rest) else {
                panic!("{line}");
            };
            let kept = kept.trim_end();
            assert!(text.starts_with(kept), "{kept}");
            let next = text[kept.len()..].chars().nth(1).unwrap();
            assert!(
                text[kept.len()..].starts_with(' ') && !next.is_numeric(),
                "{kept}"
            );
            assert!(!kept.ends_with("KWD"), "{kept}");
        }
    }
}
