//! Names of sheets: safe in every program, and no two alike.

use crate::report::text::plain;

/// Characters of a sheet's name.
const LONGEST: usize = 31;

/// The name of a sheet for `wanted`, unlike those `taken`.
///
/// Spreadsheets forbid `[]:*?/\` and an apostrophe at either end, keep "History" for themselves and
/// do not tell capitals. Apostrophes and quotation marks go altogether: formulas quote the names.
pub fn sheet_name(wanted: &str, taken: &[String]) -> String {
    let cleaned: String = plain(wanted)
        .chars()
        .map(|c| match "[]:*?/\\'\"".contains(c) {
            true => ' ',
            false => c,
        })
        .collect();
    let cleaned = cleaned.split_whitespace().collect::<Vec<_>>().join(" ");
    let base = match cleaned.is_empty() || cleaned.eq_ignore_ascii_case("history") {
        true => format!("{cleaned}_"),
        false => cleaned,
    };
    let alike = |name: &str| {
        let name = name.to_lowercase();
        taken.iter().any(|t| t.to_lowercase() == name)
    };
    let mut number = 1usize;
    loop {
        let ending = match number {
            1 => String::new(),
            n => format!(" ({n})"),
        };
        let name = format!("{}{ending}", shortened(&base, LONGEST - ending.len()));
        if !alike(&name) {
            return name;
        }
        number += 1;
    }
}

/// At most so many UTF-16 units.
fn shortened(text: &str, most: usize) -> String {
    let mut units = 0;
    let kept: String = text
        .chars()
        .take_while(|c| {
            units += c.len_utf16();
            units <= most
        })
        .collect();
    kept.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_and_no_two_alike() {
        let mut taken = vec!["Summary".to_owned()];
        for (wanted, name) in [
            ("summary", "summary (2)"),
            ("SUMMARY", "SUMMARY (3)"),
            ("a[b]:c*d?e/f\\g", "a b c d e f g"),
            ("'quoted'", "quoted"),
            ("'!A1", "!A1"),
            ("", "_"),
            ("History", "History_"),
            (
                "tab\tline\r\n\0",
                "tab line \\u{0}".replace('\\', " ").trim(),
            ),
            (&"x".repeat(40), &"x".repeat(31)),
            (&"x".repeat(50), &format!("{} (2)", "x".repeat(27))),
            ("ویدیو", "ویدیو"),
        ] {
            let found = sheet_name(wanted, &taken);
            assert_eq!(
                found.replace("  ", " "),
                name.replace("  ", " "),
                "{wanted:?}"
            );
            taken.push(found);
        }
        let emoji = sheet_name(&"😀".repeat(20), &taken);
        assert_eq!(emoji.encode_utf16().count(), 30);
    }
}
