//! The memo's blocks as sections, each with the charts that belong to it.

use crate::report::document::Document;
use crate::report::memo::{Block, Section};
use crate::texts::text;

use super::numbers;
use super::write::Html;

/// Charts by the heading that they stand under; all others come last.
const PLACES: [(Section, &[&str]); 3] = [
    (
        Section::Found,
        &[
            "effect",
            "boundary",
            "before-after",
            "weekly",
            "distribution",
        ],
    ),
    (Section::Worth, &["cash", "tornado", "acceptability"]),
    (Section::Checks, &["balance"]),
];

/// Charts that the sliders redraw.
const MOVING: [&str; 3] = ["cash", "tornado", "acceptability"];

/// A chart as SVG, for a screen and for a telephone.
pub struct Figure {
    /// Its name.
    pub name: String,
    /// For a screen.
    pub wide: String,
    /// For a telephone.
    pub narrow: Option<String>,
}

/// The body of the page.
pub struct Page<'a> {
    doc: &'a Document,
    /// Charts that are not on the page yet.
    charts: Vec<Figure>,
    too_large: bool,
    sections: usize,
    /// The open section, and its heading.
    open: Option<(Option<Section>, String)>,
}

impl<'a> Page<'a> {
    /// An empty page; `too_large` says that its draws have no room, so that it has no sliders.
    pub fn new(doc: &'a Document, charts: Vec<Figure>, too_large: bool) -> Self {
        Page {
            doc,
            charts,
            too_large,
            sections: 0,
            open: None,
        }
    }

    /// Writes the whole body.
    pub fn write(&mut self, memo: &[Block], out: &mut Html) {
        out.raw("<main>\n<header>\n");
        let mut tables = 0;
        for block in memo {
            match block {
                Block::Title(text) => {
                    out.element("h1", &[("dir", "auto")], text);
                    out.raw("\n");
                }
                Block::Banner(text) => {
                    out.element("p", &[("class", "banner")], text);
                    out.raw("\n");
                }
                Block::Decision(text) => {
                    out.element("p", &[("class", "decision")], text);
                    out.raw("\n");
                }
                Block::Heading(section) => {
                    self.end_section(out);
                    self.section(Some(*section), section.title(), out);
                }
                Block::Paragraph(text) => {
                    out.element("p", &[], text);
                    out.raw("\n");
                }
                Block::List(items) => {
                    out.raw("<ul>\n");
                    for item in items {
                        out.element("li", &[], item);
                        out.raw("\n");
                    }
                    out.raw("</ul>\n");
                }
                Block::Table { header, rows } => {
                    tables += 1;
                    self.table(tables, header, rows, out);
                }
                Block::Source(line) => {
                    self.end_section(out);
                    self.rest(out);
                    out.raw("</main>\n<footer>");
                    out.element("p", &[], line);
                    out.raw("</footer>\n");
                }
            }
        }
    }

    /// Opens a section of the memo, or with `None` one that only the page has.
    fn section(&mut self, section: Option<Section>, heading: String, out: &mut Html) {
        if self.sections == 0 {
            out.raw("</header>\n");
        }
        self.sections += 1;
        let id = format!("s{}", self.sections);
        let class = if section == Some(Section::Worth) {
            "worth"
        } else {
            ""
        };
        out.open("section", &[("aria-labelledby", &id), ("class", class)]);
        out.raw("\n");
        out.element("h2", &[("id", &id)], &heading);
        out.raw("\n");
        if matches!(section, Some(Section::Worth | Section::Assumed)) {
            out.raw("<p class=\"note\">");
            numbers::stays(out);
            out.raw("</p>\n");
        }
        self.open = Some((section, heading));
    }

    fn end_section(&mut self, out: &mut Html) {
        let Some((section, _)) = self.open.take() else {
            return;
        };
        let place = PLACES.iter().find(|p| Some(p.0) == section);
        if section == Some(Section::Worth) {
            out.raw("</section>\n");
            self.bench(out);
        } else {
            for name in place.map_or(&[][..], |p| p.1) {
                self.chart(name, out);
            }
            out.raw("</section>\n");
        }
    }

    /// The numbers of the business case; the script puts its sliders beside them.
    fn bench(&mut self, out: &mut Html) {
        let Some(case) = self.doc.business.as_ref().filter(|b| !b.arms.is_empty()) else {
            return;
        };
        out.raw("<section id=\"case\" aria-labelledby=\"case-heading\">\n");
        out.element("h2", &[("id", "case-heading")], &text("html.numbers", &[]));
        if self.too_large {
            out.element("p", &[("class", "note")], &text("html.too-large", &[]));
        }
        out.raw(
            "\n<div class=\"bench\">\n<div id=\"sliders\" hidden=\"\"></div>\n<div id=\"results\">\n",
        );
        numbers::table(self.doc, case, out);
        for name in MOVING {
            self.chart(name, out);
        }
        out.raw("</div>\n</div>\n</section>\n");
    }

    /// Charts that have no section of theirs.
    fn rest(&mut self, out: &mut Html) {
        let names: Vec<String> = self.charts.iter().map(|c| c.name.clone()).collect();
        if names.is_empty() {
            return;
        }
        self.section(None, text!("html.figures"), out);
        for name in names {
            self.chart(&name, out);
        }
        self.end_section(out);
    }

    fn chart(&mut self, name: &str, out: &mut Html) {
        let Some(place) = self.charts.iter().position(|c| c.name == name) else {
            return;
        };
        let Figure { name, wide, narrow } = self.charts.remove(place);
        let (name, scrolls) = (name.as_str(), text("html.scrolls", &[("what", &name)]));
        out.open("figure", &[("data-chart", name)]);
        let class = if narrow.is_some() { "wide" } else { "" };
        out.open("div", &[("class", class)]);
        let frame = [
            ("class", "scroll"),
            ("role", "group"),
            ("tabindex", "0"),
            ("aria-label", scrolls.as_str()),
        ];
        out.open("div", &frame);
        out.raw(&flowing(wide.trim()));
        out.raw("</div></div>\n");
        if let Some(svg) = narrow {
            out.raw("<div class=\"narrow\">");
            out.raw(&flowing(svg.trim()));
            out.raw("</div>\n");
        }
        out.element("figcaption", &[], &text("html.figure", &[("name", name)]));
        out.raw("</figure>\n");
    }

    fn table(&self, number: usize, header: &[String], rows: &[Vec<String>], out: &mut Html) {
        let what = match &self.open {
            Some((_, heading)) => heading.clone(),
            None => text!("html.table"),
        };
        let name = format!("{what}, {}", header.first().map_or("", String::as_str));
        let scrolls = text("html.scrolls", &[("what", &name)]);
        let frame = [
            ("class", "scroll"),
            ("role", "group"),
            ("tabindex", "0"),
            ("aria-label", scrolls.as_str()),
        ];
        out.open("div", &frame);
        let class = match self.open {
            Some((Some(Section::Assumed), _)) => "assumed",
            _ => "",
        };
        out.open("table", &[("id", &format!("t{number}")), ("class", class)]);
        out.element("caption", &[("class", "unseen")], &name);
        out.raw("<thead><tr>");
        for cell in header {
            out.element("th", &[("scope", "col")], cell);
        }
        out.raw("</tr></thead>\n<tbody>\n");
        for row in rows {
            out.raw("<tr>");
            for (i, cell) in row.iter().enumerate() {
                if i == 0 {
                    out.raw("<th scope=\"row\">");
                    out.element("bdi", &[], cell);
                    out.raw("</th>");
                } else {
                    out.element("td", &[], cell);
                }
            }
            out.raw("</tr>\n");
        }
        out.raw("</tbody></table></div>\n");
    }
}

/// Lets the runs of a line follow each other instead of standing where the bundled fonts would put
/// them: a reader's machine has other fonts, in which a run may be wider. The marks keep runs from
/// right to left in their order. The blank at the sides goes: the page has its own.
fn flowing(svg: &str) -> String {
    const JOINT: &str = "</tspan><tspan x=\"";
    let svg = svg.replacen("viewBox=\"0 0 800 ", "viewBox=\"26 0 748 ", 1);
    let svg = svg.replacen("viewBox=\"0 0 360 ", "viewBox=\"6 0 348 ", 1);
    let mut out = String::with_capacity(svg.len());
    let mut rest = svg.as_str();
    while let Some((before, after)) = rest.split_once(JOINT) {
        out.push_str(before);
        out.push_str("</tspan>\u{200e}<tspan");
        rest = after.split_once('"').map_or("", |(_, rest)| rest);
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::flowing;

    #[test]
    fn only_the_first_run_keeps_its_place() {
        let svg =
            "<text><tspan x=\"1\">a </tspan><tspan x=\"2.5\" font-family=\"F\">b</tspan></text>";
        assert_eq!(
            flowing(svg),
            "<text><tspan x=\"1\">a </tspan>\u{200e}<tspan font-family=\"F\">b</tspan></text>"
        );
    }
}
