//! HTML, element by element; everything that is not markup is escaped here.

/// A page in the making.
#[derive(Default)]
pub struct Html {
    out: String,
}

impl Html {
    /// Markup that this program wrote.
    pub fn raw(&mut self, markup: &str) {
        self.out.push_str(markup);
    }

    /// A start tag; values of attributes are escaped.
    pub fn open(&mut self, tag: &str, attributes: &[(&str, &str)]) {
        self.out.push('<');
        self.out.push_str(tag);
        for (name, value) in attributes {
            self.out.push(' ');
            self.out.push_str(name);
            self.out.push_str("=\"");
            escape(value, &mut self.out);
            self.out.push('"');
        }
        self.out.push('>');
    }

    /// An end tag.
    pub fn close(&mut self, tag: &str) {
        self.out.push_str("</");
        self.out.push_str(tag);
        self.out.push('>');
    }

    /// Text.
    pub fn text(&mut self, text: &str) {
        escape(text, &mut self.out);
    }

    /// An element that holds text alone.
    pub fn element(&mut self, tag: &str, attributes: &[(&str, &str)], text: &str) {
        self.open(tag, attributes);
        self.text(text);
        self.close(tag);
    }

    /// What was written.
    pub fn finish(self) -> String {
        self.out
    }
}

/// Escapes text for elements and quoted attributes. Characters that no document may hold, and
/// those that end a line in a script, become a blank; other people's text was made plain before.
fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\0' | '\r' | '\u{2028}' | '\u{2029}' => out.push(' '),
            _ => out.push(c),
        }
    }
}

/// JSON for a `<script type="application/json">`: nothing in it can end the element or begin a comment.
pub fn inert(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                out.push_str(&format!("\\u{:04x}", c as u32));
            }
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_escaped() {
        let mut html = Html::default();
        html.element("p", &[("title", "\"><img onerror='x'>")], "</p><script>&\0");
        assert_eq!(
            html.finish(),
            "<p title=\"&quot;&gt;&lt;img onerror=&#39;x&#39;&gt;\">&lt;/p&gt;&lt;script&gt;&amp; </p>"
        );
    }

    #[test]
    fn json_cannot_leave_its_element() {
        let text = "</script><!--]]>&\u{2028}";
        let json = inert(&serde_json::to_string(text).unwrap());
        assert!(!json.contains(['<', '>', '&', '\u{2028}']));
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }
}
