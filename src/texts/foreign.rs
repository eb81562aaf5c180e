//! For tests: the catalogue as if in another language, so that words from elsewhere stand out.

use super::Sections;

/// The variable that makes a process of tests speak it.
pub(crate) const SPOKEN: &str = "PILOT_TEST_FOREIGN";

/// Letters of another script instead of Latin ones, the same for the same; gaps stay.
pub(super) fn where_spoken(mut sections: Sections) -> Sections {
    if std::env::var_os(SPOKEN).is_none() {
        return sections;
    }
    // A code, not words.
    let texts = sections.iter_mut().filter(|s| s.0 != "language");
    for text in texts.flat_map(|s| s.1.values_mut()) {
        let mut in_gap = false;
        let letter = |c: char| {
            in_gap = (in_gap || c == '{') && c != '}';
            if in_gap { c } else { foreign(c) }
        };
        *text = text.chars().map(letter).collect();
    }
    sections
}

fn foreign(c: char) -> char {
    let nth = |first: char, n: u32| char::from_u32(u32::from(first) + n).unwrap_or(c);
    match c {
        'a'..='z' => nth('а', u32::from(c) - u32::from('a')),
        'A'..='Z' => nth('А', u32::from(c) - u32::from('A')),
        _ => c,
    }
}
