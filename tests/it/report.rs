//! Reports: charts that can be read, tables that can be calculated with, words that can be trusted.

#[path = "report/fixture.rs"]
mod fixture;

use std::sync::{Arc, LazyLock};

use fixture::Fixture;
use pilot::decision::VerdictKind;
use pilot::report::{Document, RenderedFile, charts, render, summary, terminal_summary};
use pilot::stats::Estimand;
use resvg::usvg::{self, Node, Rect, Tree, fontdb};

/// Boxes may touch: rounding to hundredths of a pixel moves each edge by up to .005, and
/// usvg rounds fonts' ascents to whole units.
const TOUCH: f32 = 0.2;

fn file<'a>(files: &'a [RenderedFile], name: &str) -> &'a str {
    let found = files.iter().find(|f| f.name == name);
    std::str::from_utf8(&found.unwrap_or_else(|| panic!("{name}")).bytes).unwrap()
}

/// The fonts in `assets/`, read independently of the renderer's own set-up.
static FONTS: LazyLock<Arc<fontdb::Database>> = LazyLock::new(|| {
    let mut db = fontdb::Database::new();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/fonts");
    let files = std::fs::read_dir(folder).unwrap();
    let mut paths: Vec<_> = files.map(|e| e.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.extension().is_some_and(|e| e == "ttf") {
            db.load_font_data(std::fs::read(path).unwrap());
        }
    }
    Arc::new(db)
});

fn parsed(svg: &str) -> Tree {
    let options = usvg::Options {
        fontdb: FONTS.clone(),
        ..usvg::Options::default()
    };
    Tree::from_str(svg, &options).unwrap()
}

/// Every text with its box and its font size.
fn labels(tree: &Tree) -> Vec<(String, Rect, f32)> {
    fn walk(group: &usvg::Group, out: &mut Vec<(String, Rect, f32)>) {
        for node in group.children() {
            match node {
                Node::Group(g) => walk(g, out),
                Node::Text(t) => {
                    let text = t.chunks().iter().map(|c| c.text()).collect();
                    let spans = t.chunks().iter().flat_map(|c| c.spans());
                    let size = spans.map(|s| s.font_size().get()).fold(f32::MAX, f32::min);
                    out.push((text, t.abs_bounding_box(), size));
                }
                _ => {}
            }
        }
    }
    let mut out = Vec::new();
    walk(tree.root(), &mut out);
    out
}

fn check_layout(name: &str, svg: &str) {
    let tree = parsed(svg);
    assert_eq!(tree.size().width(), 800.0, "{name}");
    let labels = labels(&tree);
    assert!(labels.len() > 5, "{name}: {} labels", labels.len());
    for (i, (text, b, size)) in labels.iter().enumerate() {
        assert!(*size >= 9.0, "{name}: {text:?} is {size} px");
        assert!(
            b.left() >= -TOUCH
                && b.top() >= -TOUCH
                && b.right() <= tree.size().width() + TOUCH
                && b.bottom() <= tree.size().height() + TOUCH,
            "{name}: {text:?} leaves the page: {b:?}"
        );
        for (other, o, _) in &labels[i + 1..] {
            let overlap = b.left() + TOUCH < o.right()
                && o.left() + TOUCH < b.right()
                && b.top() + TOUCH < o.bottom()
                && o.top() + TOUCH < b.bottom();
            assert!(!overlap, "{name}: {text:?} {b:?} over {other:?} {o:?}");
        }
    }
}

fn variants(arms: usize) -> Vec<(String, Fixture)> {
    let mut ratio = Fixture::english(arms);
    ratio.estimand = Estimand::Ratio;
    [
        ("english", Fixture::english(arms)),
        ("no-effect", Fixture::english(arms).no_effect()),
        ("ratio", ratio),
        ("long", Fixture::long(arms)),
        ("persian", Fixture::persian(arms)),
        ("chinese", Fixture::chinese(arms)),
        ("hostile", Fixture::hostile(arms)),
    ]
    .into_iter()
    .map(|(name, fixture)| (format!("{name}-{arms}"), fixture))
    .collect()
}

#[test]
fn no_label_overlaps_another_or_leaves_the_page() {
    for (name, fixture) in [2, 4, 8].into_iter().flat_map(variants) {
        let doc = fixture.build();
        let charts = charts(&doc).unwrap();
        assert_eq!(charts.len(), 5, "{name}");
        for chart in charts {
            let svg = std::str::from_utf8(&chart.bytes).unwrap();
            check_layout(&format!("{name}/{}", chart.name), svg);
        }
    }
}

/// Writes every variant to the folder in `REPORT_OUT`, to be looked at.
#[test]
#[ignore = "writes pictures for people"]
fn pictures() {
    let folder = std::env::var("REPORT_OUT").unwrap();
    for (name, fixture) in [2, 4, 8].into_iter().flat_map(variants) {
        let folder = std::path::Path::new(&folder).join(&name);
        std::fs::create_dir_all(&folder).unwrap();
        let doc = fixture.build();
        for f in render(&doc).unwrap() {
            std::fs::write(folder.join(&f.name), &f.bytes).unwrap();
        }
        let terminal = terminal_summary(&doc, 100, false);
        std::fs::write(folder.join("terminal.txt"), terminal).unwrap();
    }
}
