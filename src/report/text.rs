//! Other people's text, made safe to show: no control characters, no bidi overrides.

use std::borrow::Cow;
use std::ops::Range;

use unicode_width::UnicodeWidthChar;

use crate::texts::text;

/// Text without characters that could steer a terminal, break a line or reorder what
/// stands beside it.
///
/// Tabs, line breaks and the line and paragraph separators become a blank. Other control
/// characters (NUL, ESC, C1 …), bidi embeddings, overrides and isolates, the byte-order mark
/// and noncharacters are written out, as in `\u{1b}`. Joiners and directional marks, which
/// Persian and Hebrew need, stay.
pub fn plain(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| is_break(c) || is_unsafe(c)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_break(c) {
            out.push(' ');
        } else if is_unsafe(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

fn is_break(c: char) -> bool {
    matches!(
        c,
        '\t' | '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}'
    )
}

fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
        || matches!(c, '\u{fdd0}'..='\u{fdef}')
        || (c as u32) & 0xfffe == 0xfffe
}

/// Whether `c` is written from right to left (the blocks that Unicode reserves for such scripts).
pub fn is_rtl(c: char) -> bool {
    matches!(c,
        '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}'
        | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
}

/// Columns of a name from which on a sentence quotes it, so that one can tell where it ends.
const LONG_NAME: usize = 40;

/// A name inside a sentence: quoted where it is long, and of another direction isolated, so that the numbers
/// beside it keep their place.
pub fn isolate(name: &str) -> String {
    match columns(name) > LONG_NAME {
        true => directed(&text!("finding.quoted", name)),
        false => directed(name),
    }
}

/// A name that stands by itself beside numbers: of another direction isolated, so that they keep their place.
pub fn directed(name: &str) -> String {
    if name.chars().any(is_rtl) {
        format!("\u{2068}{name}\u{2069}")
    } else {
        name.to_string()
    }
}

/// Columns that `text` takes in a terminal.
pub fn columns(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

/// Breaks `text` into lines no wider than `max`, as byte ranges; blanks at breaks fall away.
///
/// Lines break at blanks, beside Han, Kana and Hangul, and inside a word only where it is
/// wider than a line; never before a percent sign or between a letter and its marks.
/// `width` measures a piece of text in the unit of `max`.
pub fn wrap(text: &str, max: f64, width: impl Fn(&str) -> f64) -> Vec<Range<usize>> {
    let mut lines: Vec<Range<usize>> = Vec::new();
    let mut line: Option<(Range<usize>, f64)> = None;
    for piece in pieces(text) {
        let word_end = piece.start + text[piece.clone()].trim_end_matches(' ').len();
        let word = piece.start..word_end;
        let word_width = width(&text[word.clone()]);
        if let Some((mut current, used)) = line.take() {
            let gap = width(&text[current.end..word.start]);
            if used + gap + word_width <= max {
                current.end = word.end;
                line = Some((current, used + gap + word_width));
                continue;
            }
            lines.push(current);
        }
        if word_width <= max {
            line = (!word.is_empty()).then_some((word, word_width));
            continue;
        }
        let mut start = word.start;
        let mut used = 0.0;
        for cluster in clusters(&text[word.clone()]) {
            let cluster = word.start + cluster.start..word.start + cluster.end;
            let cluster_width = width(&text[cluster.clone()]);
            if used + cluster_width > max && cluster.start > start {
                lines.push(start..cluster.start);
                start = cluster.start;
                used = 0.0;
            }
            used += cluster_width;
        }
        line = Some((start..word.end, used));
    }
    lines.extend(line.map(|(range, _)| range));
    lines
}

/// Like [`wrap`], for at most `max_lines` lines: what does not fit becomes "…".
pub fn wrap_within(
    text: &str,
    max: f64,
    max_lines: usize,
    width: impl Fn(&str) -> f64,
) -> (String, Vec<Range<usize>>) {
    // Nothing past this could be seen, and measuring it would take long.
    let limit = text
        .char_indices()
        .nth(LONGEST)
        .map_or(text.len(), |(i, _)| i);
    let lines = wrap(&text[..limit], max, &width);
    if lines.len() <= max_lines && limit == text.len() {
        return (text.to_string(), lines);
    }
    let last = lines[..lines.len().min(max_lines.max(1))]
        .last()
        .cloned()
        .unwrap_or(0..0);
    let mut cut = last.end;
    let ends: Vec<usize> = clusters(&text[last.clone()])
        .map(|c| last.start + c.start)
        .collect();
    for end in ends.into_iter().rev() {
        if width(&text[last.start..cut]) + width("…") <= max {
            break;
        }
        cut = end;
    }
    let kept = text[..cut].trim_end();
    let shortened = format!("{kept}…");
    let mut lines: Vec<_> = lines.into_iter().take(max_lines.max(1)).collect();
    if let Some(line) = lines.last_mut() {
        line.end = shortened.len();
    }
    (shortened, lines)
}

const LONGEST: usize = 2000;

/// The text within so many columns of a terminal: what does not fit becomes "…".
pub fn shortened(text: &str, most: usize) -> String {
    let width = |piece: &str| columns(piece) as f64;
    wrap_within(text, most as f64, 1, width).0
}

/// Ranges between which a line may break; each holds the blanks that follow it.
fn pieces(text: &str) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let mut start = 0;
    let mut before: Option<char> = None;
    for cluster in clusters(text) {
        let c = text[cluster.clone()].chars().next().unwrap_or(' ');
        if let Some(b) = before
            && c != ' '
            && c != '%'
            && (b == ' ' || (is_wide(b) || is_wide(c)) && !closes(c) && !opens(b))
        {
            out.push(start..cluster.start);
            start = cluster.start;
        }
        before = Some(c);
    }
    if start < text.len() {
        out.push(start..text.len());
    }
    out
}

/// A character with the marks and joiners that belong to it.
fn clusters(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut starts = Vec::new();
    let mut joined = false;
    for (i, c) in text.char_indices() {
        let extends = c.width() == Some(0) || joined;
        if i == 0 || !extends {
            starts.push(i);
        }
        joined = c == '\u{200d}';
    }
    let ends: Vec<usize> = starts.iter().skip(1).copied().chain([text.len()]).collect();
    starts.into_iter().zip(ends).map(|(a, b)| a..b)
}

fn is_wide(c: char) -> bool {
    c.width() == Some(2)
}

fn closes(c: char) -> bool {
    matches!(
        c,
        '、' | '。'
            | '，'
            | '．'
            | '：'
            | '；'
            | '！'
            | '？'
            | '）'
            | '」'
            | '』'
            | '】'
            | '》'
            | '”'
            | '’'
            | ')'
            | ','
            | '.'
            | ':'
            | ';'
            | '!'
            | '?'
            | 'ー'
            | '…'
    )
}

fn opens(c: char) -> bool {
    matches!(c, '（' | '「' | '『' | '【' | '《' | '“' | '‘' | '(')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str, max: f64) -> Vec<&str> {
        wrap(text, max, |t| columns(t) as f64)
            .into_iter()
            .map(|r| &text[r])
            .collect()
    }

    #[test]
    fn hostile_characters_are_written_out() {
        assert_eq!(
            plain("a\u{1b}[31m\0\u{202e}b\tc\nd"),
            "a\\u{1b}[31m\\u{0}\\u{202e}b c d"
        );
        assert_eq!(plain("می‌خواهم"), "می‌خواهم");
        assert!(matches!(plain("plain"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_long_name_is_quoted_in_a_sentence() {
        assert_eq!(isolate("Ten-tip sheet"), "Ten-tip sheet");
        let long = "A welcome e-mail with the ten tips, updated weekly";
        assert_eq!(isolate(long), format!("\"{long}\""));
    }

    #[test]
    fn lines_break_at_blanks_and_beside_han() {
        assert_eq!(lines("one two three", 7.0), ["one two", "three"]);
        assert_eq!(lines("saves 21 %", 8.0), ["saves", "21 %"]);
        assert_eq!(lines("客户教育试点。", 8.0), ["客户教育", "试点。"]);
        assert_eq!(lines("abcdefghij", 4.0), ["abcd", "efgh", "ij"]);
        assert_eq!(lines("   ", 4.0), Vec::<&str>::new());
        assert_eq!(lines("", 4.0), Vec::<&str>::new());
    }

    #[test]
    fn what_does_not_fit_becomes_an_ellipsis() {
        let (text, lines) = wrap_within("one two three four", 7.0, 2, |t| columns(t) as f64);
        let shown: Vec<&str> = lines.into_iter().map(|r| &text[r]).collect();
        assert_eq!(shown, ["one two", "three…"]);
        let long = "x".repeat(100_000);
        let (text, lines) = wrap_within(&long, 10.0, 3, |t| columns(t) as f64);
        assert_eq!(lines.len(), 3);
        assert!(text.ends_with('…'));
    }

    #[test]
    fn marks_stay_with_their_letter() {
        let decomposed = "e\u{301}e\u{301}e\u{301}";
        assert_eq!(lines(decomposed, 2.0), ["e\u{301}e\u{301}", "e\u{301}"]);
    }
}
