//! The memo in a terminal.

use crate::report::memo::Block;
use crate::report::text::{columns, wrap};

/// Lays the memo out in lines no wider than `width` columns (at least 30). Text was made safe
/// when the memo was written; the only escape sequences are the colours, if `color`.
pub fn terminal(memo: &[Block], width: usize, color: bool) -> String {
    let width = width.max(30);
    let paint = |text: &str, code: &str| {
        if color {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_string()
        }
    };
    let painted = |text: &str, code: &str| -> Vec<String> {
        lines(text, width).iter().map(|l| paint(l, code)).collect()
    };
    let mut out: Vec<String> = Vec::new();
    for block in memo {
        let laid = match block {
            Block::Title(text) => painted(text, "1"),
            Block::Banner(text) => painted(&format!("! {text}"), "1;33"),
            Block::Decision(text) => painted(text, "1;36"),
            Block::Heading(section) => painted(&section.title(), "1"),
            Block::Paragraph(text) => lines(text, width),
            Block::List(items) => items.iter().flat_map(|i| item(i, width)).collect(),
            Block::Table { header, rows } => table(header, rows, width),
            Block::Source(text) => painted(text, "2"),
        };
        if !out.is_empty() && !matches!(block, Block::List(_)) {
            out.push(String::new());
        }
        out.extend(laid);
    }
    out.join("\n") + "\n"
}

fn lines(text: &str, width: usize) -> Vec<String> {
    wrap(text, width as f64, |t| columns(t) as f64)
        .into_iter()
        .map(|range| text[range].to_string())
        .collect()
}

fn item(text: &str, width: usize) -> Vec<String> {
    let mut first = true;
    lines(text, width - 2)
        .into_iter()
        .map(|line| {
            let sign = if first { "- " } else { "  " };
            first = false;
            format!("{sign}{line}")
        })
        .collect()
}

/// The least that the first column may shrink to before a table becomes a list.
const NARROWEST: usize = 12;

fn table(header: &[String], rows: &[Vec<String>], width: usize) -> Vec<String> {
    let all = || std::iter::once(header).chain(rows.iter().map(Vec::as_slice));
    let natural: Vec<usize> = (0..header.len())
        .map(|i| all().map(|r| columns(&r[i])).max().unwrap_or(0))
        .collect();
    let figures: usize = natural.iter().skip(1).map(|w| w + 2).sum();
    if figures + NARROWEST.min(natural[0]) > width {
        return records(header, rows, width);
    }
    let first = natural[0].min(width - figures);
    let longest_word = all()
        .flat_map(|r| r[0].split(' '))
        .map(columns)
        .max()
        .unwrap_or(0);
    if longest_word > first {
        return records(header, rows, width);
    }
    let mut out = Vec::new();
    for (n, row) in all().enumerate() {
        let names = lines(&row[0], first);
        let blank = [String::new()];
        let names = if names.is_empty() { &blank[..] } else { &names };
        for (i, name) in names.iter().enumerate() {
            let mut line = padded(name, first);
            if i == 0 {
                for (cell, width) in row.iter().zip(&natural).skip(1) {
                    line += &" ".repeat(2 + width - columns(cell));
                    line += cell;
                }
            }
            out.push(line.trim_end().to_string());
        }
        if n == 0 {
            out.push("-".repeat(first + figures));
        }
    }
    out
}

/// A table too wide for the terminal: one paragraph a row.
fn records(header: &[String], rows: &[Vec<String>], width: usize) -> Vec<String> {
    let mut out = Vec::new();
    for row in rows {
        out.extend(lines(&row[0], width));
        for (name, cell) in header.iter().zip(row).skip(1) {
            if !cell.is_empty() {
                let text = format!("{name}: {cell}");
                out.extend(
                    lines(&text, width - 2)
                        .into_iter()
                        .map(|l| format!("  {l}")),
                );
            }
        }
    }
    out
}

fn padded(text: &str, width: usize) -> String {
    // The mark keeps figures beside a name written from right to left in their place.
    let mark = if text.chars().any(crate::report::text::is_rtl) {
        "\u{200e}"
    } else {
        ""
    };
    format!(
        "{text}{mark}{}",
        " ".repeat(width.saturating_sub(columns(text)))
    )
}
