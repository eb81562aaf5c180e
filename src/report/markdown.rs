//! The memo as Markdown: `summary.md`.

use crate::report::memo::Block;

/// Lays the memo out as CommonMark with tables; text is escaped, so that a title cannot
/// become a heading, a link or HTML.
pub fn markdown(memo: &[Block]) -> String {
    let blocks: Vec<String> = memo.iter().map(block).collect();
    blocks.join("\n\n") + "\n"
}

fn block(block: &Block) -> String {
    match block {
        Block::Title(text) => format!("# {}", escaped(text)),
        Block::Banner(text) => format!("> **{}**", escaped(text)),
        Block::Decision(text) => format!("**{}**", escaped(text)),
        Block::Heading(section) => format!("## {}", escaped(&section.title())),
        Block::Paragraph(text) => escaped(text),
        Block::List(items) => {
            let items: Vec<String> = items.iter().map(|i| format!("- {}", escaped(i))).collect();
            items.join("\n")
        }
        Block::Table { header, rows } => {
            let line = |cells: &[String]| {
                let cells: Vec<String> = cells.iter().map(|c| inline(c)).collect();
                format!("| {} |", cells.join(" | "))
            };
            let rule: Vec<&str> = (0..header.len())
                .map(|i| if i == 0 { "---" } else { "---:" })
                .collect();
            let mut lines = vec![line(header), format!("| {} |", rule.join(" | "))];
            lines.extend(rows.iter().map(|r| line(r)));
            lines.join("\n")
        }
        Block::Source(text) => format!("*{}*", escaped(text)),
    }
}

/// Escapes text that begins a block: no heading, list or quotation may come of it.
fn escaped(text: &str) -> String {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let rest = &text[digits..];
    if digits > 0 && (rest.starts_with(". ") || rest.starts_with(") ")) {
        return format!("{}\\{}", &text[..digits], inline(rest));
    }
    if text.starts_with(['#', '>', '+', '-', '=']) {
        return format!("\\{}", inline(text));
    }
    inline(text)
}

/// Escapes what Markdown would read as markup, and leaves what it would not: "p < 0.001",
/// "fee_contacts".
fn inline(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    let mut chars = text.trim().chars().peekable();
    while let Some(c) = chars.next() {
        let after = chars.peek().copied().unwrap_or(' ');
        let markup = match c {
            '\\' | '`' | '*' | '[' | ']' | '|' | '~' => true,
            '_' => !(before.is_alphanumeric() && after.is_alphanumeric()),
            '<' => after.is_ascii_alphabetic() || matches!(after, '/' | '!' | '?'),
            '&' => after.is_ascii_alphanumeric() || after == '#',
            _ => false,
        };
        if markup {
            out.push('\\');
        }
        out.push(c);
        before = c;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_escaped_and_prose_is_not() {
        for (text, want) in [
            ("<script>alert(1)</script>", "\\<script>alert(1)\\</script>"),
            ("a | b", "a \\| b"),
            ("[x](http://y)", "\\[x\\](http://y)"),
            ("# title", "\\# title"),
            ("1. one", "1\\. one"),
            ("p < 0.001, n <5", "p < 0.001, n <5"),
            ("fee_contacts _x_", "fee_contacts \\_x\\_"),
            ("&lt;", "\\&lt;"),
            ("2.41", "2.41"),
            ("- item", "\\- item"),
        ] {
            assert_eq!(escaped(text), want);
        }
    }
}
