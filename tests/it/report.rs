//! Reports: charts that can be read, tables that can be calculated with, words that can be trusted.

#[path = "report/fixture.rs"]
pub mod fixture;
#[path = "report/looks.rs"]
mod looks;
#[path = "report/page.rs"]
mod page;
#[path = "report/said.rs"]
mod said;
#[path = "report/told.rs"]
mod told;
#[path = "report/weeks.rs"]
mod weeks;

use std::sync::{Arc, LazyLock};

use fixture::Fixture;
use pilot::decision::VerdictKind;
use pilot::report::text::columns;
use pilot::report::{
    Document, Paper, RenderedFile, boxes, charts, charts_on, render, summary, terminal_summary,
};
use pilot::stats::Estimand;
use proptest::prelude::*;
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

/// Fails where a text is too small, leaves the page or overlaps another.
pub fn check_layout(name: &str, svg: &str) {
    check_layout_on(name, svg, 800.0);
}

fn check_layout_on(name: &str, svg: &str, width: f32) {
    let tree = parsed(svg);
    assert_eq!(tree.size().width(), width, "{name}");
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
        assert_eq!(charts.len(), 8, "{name}");
        for chart in charts {
            let svg = std::str::from_utf8(&chart.bytes).unwrap();
            check_layout(&format!("{name}/{}", chart.name), svg);
        }
        for (paper, width) in [(Paper::Narrow, 360.0), (Paper::Page, 560.0)] {
            for chart in charts_on(&doc, paper).unwrap() {
                let svg = std::str::from_utf8(&chart.bytes).unwrap();
                check_layout_on(&format!("{name}/{paper:?}/{}", chart.name), svg, width);
            }
        }
    }
}

/// A telephone shows a chart in 343 pixels of the 348 that are not blank: nothing is beside the screen, and
/// no letter is smaller than 9 of its pixels.
#[test]
fn a_telephone_shows_the_line_of_no_effect_and_all_figures_at_once() {
    let doc = Fixture::english(4).build();
    let charts = charts_on(&doc, Paper::Narrow).unwrap();
    let effect = charts.iter().find(|c| c.name == "effect.svg").unwrap();
    let tree = parsed(std::str::from_utf8(&effect.bytes).unwrap());
    let labels = labels(&tree);
    let shown = |text: &str| labels.iter().any(|l| l.0.contains(text));
    for text in ["no effect", "Ten-tip sheet", "−0.21", "p < 0.001"] {
        assert!(shown(text), "{text}: {labels:?}");
    }
    let smallest = labels.iter().map(|l| l.2).fold(f32::MAX, f32::min);
    assert!(smallest * 343.0 / 348.0 > 9.5, "{smallest}");
    let html = String::from_utf8(pilot::report::page(&doc).unwrap()).unwrap();
    assert_eq!(
        html.matches("<div class=\"narrow\">").count(),
        html.matches("<figure ").count()
    );
}

#[test]
fn looks_are_drawn_listed_and_named_on_every_report() {
    for (arms, made, sides) in [(2, 1, 1), (4, 2, 2), (8, 3, 2)] {
        for (name, fixture) in variants(arms) {
            let doc = looks::with_looks(fixture.build(), made, sides);
            for chart in charts(&doc).unwrap() {
                let svg = std::str::from_utf8(&chart.bytes).unwrap();
                check_layout(&format!("{name}/{made}/{}", chart.name), svg);
                assert!(svg.contains(&format!("look {made} of 3")), "{}", chart.name);
            }
        }
    }
    let doc = looks::with_looks(Fixture::english(4).build(), 2, 2);
    let files = render(&doc).unwrap();
    assert!(file(&files, "boundary.svg").contains("crosses the boundary at look 2"));
    // Three looks planned, and two made by each of three arms.
    assert_eq!(file(&files, "looks.csv").lines().count(), 1 + 3 + 6);
    let text = summary(&doc);
    assert!(
        text.contains("looks made so far: 2") && text.contains("median-unbiased"),
        "{text}"
    );
    Document::from_json(&doc.to_json().unwrap()).unwrap();
}

/// A plan's texts and an estimate's figures, as wild as JSON can hold.
fn wild() -> impl Strategy<Value = Document> {
    let text = prop_oneof![
        any::<String>(),
        "[آ-ی۰-۹ a-z().%]{0,40}",
        "[一-龥ぁ-ん，。A-Z ]{0,60}"
    ];
    let figure = prop_oneof![
        Just(0.0),
        -1.0..1.0f64,
        any::<f64>().prop_filter("JSON has finite numbers only", |v| v.is_finite()),
    ];
    let texts = proptest::collection::vec(text, 10);
    let figures = proptest::collection::vec(figure, 12);
    (2usize..=8, texts, figures, 0u64..12).prop_map(|(arms, texts, f, n)| {
        let mut fixture = Fixture::english(arms);
        fixture.titles = texts[..arms].to_vec();
        fixture.title = texts[8].clone();
        fixture.banners = vec![texts[9].clone()];
        fixture.customers = n * n * n;
        let mut doc = fixture.build();
        let row = &mut doc.estimates[0];
        (row.value, row.ci_adjusted_lower, row.ci_adjusted_upper) = (f[0], Some(f[1]), Some(f[2]));
        doc.levels[1].mean = f[3];
        doc.levels[1].ci_lower = Some(f[4]);
        doc.balance[0].smd = Some(f[5]);
        doc.cashflow[3].cumulative = f[6];
        doc.cashflow[4].cumulative_upper = Some(f[7]);
        doc.distribution[0].share = f[8];
        doc.distribution[1].from = f[9];
        doc.assumptions[0].base = Some(f[10]);
        if let Some(weekly) = &mut doc.weekly {
            (weekly.rows[1].value, weekly.rows[2].ci_upper) = (f[0], Some(f[1]));
            (weekly.fades[0].start, weekly.fades[0].rate) = (Some(f[2]), Some(f[3]));
            (weekly.fades[0].half_life_weeks, weekly.fades[0].p_value) = (Some(f[4]), Some(f[5]));
        }
        if let Some(case) = &mut doc.business {
            case.arms[0].contacts_avoided.value = f[11];
        }
        doc
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn anything_in_a_document_renders_in_its_place(doc in wild()) {
        for chart in charts(&doc).unwrap() {
            let svg = std::str::from_utf8(&chart.bytes).unwrap();
            check_layout(&chart.name, svg);
        }
        for width in [0, 47, 100] {
            check_terminal(&terminal_summary(&doc, width, false), width.max(30));
        }
        let bytes = doc.to_json().unwrap();
        prop_assert_eq!(Document::from_json(&bytes).unwrap(), doc);
    }
}

fn check_terminal(text: &str, width: usize) {
    for line in text.lines() {
        assert!(
            columns(line) <= width,
            "{} > {width}: {line:?}",
            columns(line)
        );
        let steers = |c: char| {
            c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}' | '\u{2067}')
        };
        assert!(!line.chars().any(steers), "{line:?}");
    }
}

#[test]
fn the_same_document_gives_the_same_bytes_with_any_number_of_threads() {
    let doc = Fixture::persian(4).build();
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build().unwrap().install(|| render(&doc).unwrap())
    };
    let files = with(1);
    assert_eq!(files, with(3));
    // Only a build with Typst has pages.
    assert_eq!(
        files.iter().any(|f| f.name == "sign-off.pdf"),
        cfg!(feature = "pdf")
    );
    let names = files.iter().map(|f| f.name.as_str());
    let names: Vec<&str> = names.filter(|n| *n != "sign-off.pdf").collect();
    assert_eq!(
        names,
        [
            "analysis.json",
            "summary.md",
            "estimates.csv",
            "checks.csv",
            "balance.csv",
            "cashflow.csv",
            "assumptions.csv",
            "arms.csv",
            "tornado.csv",
            "acceptability.csv",
            "levels.csv",
            "distribution.csv",
            "weekly.csv",
            "segments.csv",
            "report.html",
            "effect.svg",
            "effect.png",
            "before-after.svg",
            "before-after.png",
            "distribution.svg",
            "distribution.png",
            "balance.svg",
            "balance.png",
            "weekly.svg",
            "weekly.png",
            "cash.svg",
            "cash.png",
            "tornado.svg",
            "tornado.png",
            "acceptability.svg",
            "acceptability.png",
        ]
    );
    let png = &files.iter().find(|f| f.name == "effect.png").unwrap().bytes;
    let width = u32::from_be_bytes(png[16..20].try_into().unwrap());
    assert_eq!((&png[1..4], width), (b"PNG".as_slice(), 1600));
}

#[test]
fn a_missing_glyph_is_a_warning() {
    for fixture in [
        Fixture::english(8),
        Fixture::persian(8),
        Fixture::chinese(8),
    ] {
        for chart in charts(&fixture.build()).unwrap() {
            assert!(chart.missing.is_empty(), "{}", chart.name);
        }
    }
    let mut fixture = Fixture::english(2);
    fixture.titles[1] = "Video 😀".into();
    let files = render(&fixture.build()).unwrap();
    let warning = boxes(&files).unwrap();
    assert!(warning.contains("U+1F600"), "{warning}");
    assert!(warning.contains("effect.png"), "{warning}");
    assert!(!warning.contains(".svg"), "{warning}");
    assert_eq!(
        warning.contains("sign-off.pdf"),
        cfg!(feature = "pdf"),
        "{warning}"
    );
}

/// Every drawn text of a chart in one string.
fn words(doc: &Document, name: &str) -> String {
    let charts = charts(doc).unwrap();
    let chart = charts.iter().find(|c| c.name == name).unwrap();
    let svg = std::str::from_utf8(&chart.bytes).unwrap();
    let labels = labels(&parsed(svg));
    let texts: Vec<String> = labels.into_iter().map(|l| l.0).collect();
    texts.join(" ")
}

#[test]
fn titles_state_the_finding_and_the_foot_its_source() {
    let mut fixture = Fixture::english(4);
    fixture.banners = vec!["NOT PRE-REGISTERED".into(), "LATE".into()];
    let doc = fixture.build();
    for (name, finding) in [
        (
            "effect.svg",
            "Ten-tip sheet saves 0.21 contacts per customer per 30 days (95 % interval 0.12 to 0.30)",
        ),
        (
            "before-after.svg",
            "Ten-tip sheet went from 2.41 to 2.18, Control from 2.41 to 2.39",
        ),
        (
            "distribution.svg",
            "Of the customers in Ten-tip sheet 46 % had no contacts, in Control 42 %",
        ),
        (
            "balance.svg",
            "The arms differed at the start in 1 of 5 respects",
        ),
        (
            "weekly.svg",
            "Ten-tip sheet: half of the effect is gone after 5.0 weeks (95 % interval 3.5 to 12)",
        ),
        (
            "cash.svg",
            "Ten-tip sheet pays back in month 4: EUR 193,840 by month 24",
        ),
    ] {
        let words = words(&doc, name);
        assert!(words.contains(finding), "{words}");
        assert!(words.starts_with("NOT PRE-REGISTERED · LATE"), "{words}");
        let source = "pilot 0.1.0 · plan 3f786850e387 · seal 9f2c4b7d11aa03fe · as of 2026-12-02";
        assert!(words.ends_with(source), "{words}");
    }
    let none = Fixture::english(4).no_effect().build();
    assert!(words(&none, "effect.svg").starts_with("No arm shows a clear effect"));
    let one = Fixture::english(2).no_effect().build();
    let words = words(&one, "effect.svg");
    assert!(words.starts_with("Ten-tip sheet shows no clear effect"));
    assert!(
        !words.contains("adjusted") && !words.contains("widened"),
        "{words}"
    );
}

#[test]
fn a_one_sided_interval_is_open_at_one_end() {
    let mut doc = Fixture::english(2).build();
    doc.estimates[0].ci_lower = None;
    doc.estimates[0].ci_adjusted_lower = None;
    let words = words(&doc, "effect.svg");
    assert!(words.contains("(95 % interval at least 0.12)"), "{words}");
    assert!(words.contains("at most −0.12"), "{words}");
}

#[test]
fn before_the_end_nothing_is_shown_by_arm() {
    for verdict in [VerdictKind::Wait, VerdictKind::Blocked] {
        let mut fixture = Fixture::english(3);
        fixture.verdict = verdict;
        let doc = fixture.build();
        let charts = charts(&doc).unwrap();
        let names: Vec<&str> = charts.iter().map(|c| c.name.as_str()).collect();
        assert_eq!(names, ["balance.svg"]);
        let text = summary(&doc);
        assert!(
            text.contains(&format!("**Decision: {} – ", verdict.name())),
            "{text}"
        );
        assert!(!text.contains("Effect"), "{text}");
    }
}

#[test]
fn the_summary_puts_the_decision_first_and_misses_nothing() {
    let mut fixture = Fixture::english(4);
    fixture.banners = vec!["NOT PRE-REGISTERED".into()];
    let doc = fixture.build();
    let text = summary(&doc);
    let mut at = 0;
    for part in [
        "# Fee questions: tip sheet, video or welcome e-mail",
        "> **NOT PRE-REGISTERED: nobody approved this plan before the data were read**",
        "**Decision: scale – roll out Ten-tip sheet.**",
        "Ten-tip sheet saves 0.21 contacts per customer per 30 days (95 % interval 0.12 to 0.30). \
         That is 210 fewer contacts per 1,000 customers per 30 days (120 to 300).",
        "| Control | 4,812 | 2.41 | 2.39 | control |  |  |",
        "| Ten-tip sheet | 4,819 | 2.41 | 2.18 | −0.21 | −0.30 to −0.12 | < 0.001 |",
        "Its net present value is EUR 174,456 (95 % interval EUR 122,456 to EUR 226,456), and it \
         pays back in month 4 (3 to none within the horizon). It pays back within 18 months with probability 90 %. The value allows for its having been picked as the best (hybrid \
         median-unbiased estimate); as estimated it is EUR 193,840. If the effect ended with the \
         pilot, it would be −EUR 21,450",
        "83 % (78 % to 88 %) of the savings, and 120 % (at least 110 %) of the value itself, lie beyond what was measured.",
        "It breaks even at 3.1 % (2.7 % to 3.5 %) fewer contacts. In 3.0 % of the simulated futures nothing avoided becomes cash",
        "## By segment (exploratory)",
        "Segments do not decide: the pilot was not sized for them",
        "- Ten-tip sheet, by plan: the effect does not differ beyond chance between 3 segments (interaction p = 0.43)",
        "| plan = basic | Ten-tip sheet | 1,604 | −0.25 | −0.37 to −0.13 | 0.060 | −0.21 |",
        "- balance – warning: The arms differed at the start. (p = 0.004)",
        "- attrition – not run: Missing outcomes are not recorded.",
        "- Exposure was rounded to whole weeks.",
        "| Variable cost of a contact | 4.2 EUR per contact | 3 | 4.1 | 5.5 | cost_per_contact.variable |",
        "- Analysis number 3 of this pilot",
        "- Changed since approval: analysis.alpha from 0.05 to 0.1 (can change the result)",
        "*pilot 0.1.0 · plan 3f786850e387 · seal 9f2c4b7d11aa03fe · as of 2026-12-02*",
    ] {
        let found = text[at..].find(part);
        at += found.unwrap_or_else(|| panic!("{part:?} is not after {at} in\n{text}"));
    }
    let mut ratio = Fixture::english(2);
    ratio.estimand = Estimand::Ratio;
    let text = summary(&ratio.build());
    // 8.75 % of control's mean of 2.39 contacts, a thousand times: 209; the interval allows tens.
    assert!(
        text.contains(
            "Ten-tip sheet: fee-contacts is 0.91 times control's, 9 % less of it (95 % interval 0.87 to 0.95)"
        ),
        "{text}"
    );
    assert!(
        text.contains("210 fewer contacts per 1,000 customers per 30 days"),
        "{text}"
    );
}

#[test]
fn the_terminal_fits_its_width_and_colours_only_when_asked() {
    for (_, fixture) in variants(8) {
        let doc = fixture.build();
        for width in [40, 80, 120] {
            check_terminal(&terminal_summary(&doc, width, false), width);
        }
        assert!(terminal_summary(&doc, 80, true).contains("\u{1b}[1m"));
    }
}

#[test]
fn tables_read_back_as_numbers_and_hold_no_formula() {
    let files = render(&Fixture::hostile(8).build()).unwrap();
    for table in files.iter().filter(|f| f.name.ends_with(".csv")) {
        assert!(table.bytes.ends_with(b"\r\n"), "{}", table.name);
        let mut reader = csv::Reader::from_reader(table.bytes.as_slice());
        for record in reader.records() {
            for cell in &record.unwrap() {
                let formula = cell
                    .trim_start()
                    .starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']);
                assert!(
                    !formula || cell.parse::<f64>().is_ok(),
                    "{}: {cell:?}",
                    table.name
                );
                assert!(
                    !cell.chars().any(char::is_control),
                    "{}: {cell:?}",
                    table.name
                );
            }
        }
    }
}

/// A column of a table, by name.
fn column(files: &[RenderedFile], table: &str, name: &str) -> Vec<String> {
    let mut reader = csv::Reader::from_reader(file(files, table).as_bytes());
    let at = reader.headers().unwrap().iter().position(|h| h == name);
    let at = at.unwrap_or_else(|| panic!("{table} has no {name}"));
    reader
        .records()
        .map(|r| r.unwrap()[at].to_string())
        .collect()
}

#[test]
fn table_numbers_are_the_documents_own() {
    let doc = Fixture::english(4).build();
    let files = render(&doc).unwrap();
    let values: Vec<f64> = column(&files, "estimates.csv", "value")
        .iter()
        .map(|v| v.parse().unwrap())
        .collect();
    let expected: Vec<f64> = doc.estimates.iter().map(|e| e.value).collect();
    assert_eq!(values, expected);
    let nets: Vec<f64> = column(&files, "cashflow.csv", "net_eur")
        .iter()
        .map(|v| v.parse().unwrap())
        .collect();
    let expected: Vec<f64> = doc.cashflow.iter().map(|c| c.net).collect();
    assert_eq!(nets, expected);
    // Unknown is empty, never 0 or NaN.
    assert_eq!(column(&files, "estimates.csv", "p_adjusted")[1], "");
    assert_eq!(column(&files, "checks.csv", "p_value")[2], "");
}

#[test]
fn small_groups_are_not_shown() {
    let mut fixture = Fixture::english(3);
    let files = render(&fixture.build()).unwrap();
    // Two customers an arm had 11 contacts or more: that bin is part of the one below.
    let from = column(&files, "distribution.csv", "from");
    assert!(!from.contains(&"11".to_string()) && from.contains(&"7".to_string()));
    let customers = column(&files, "distribution.csv", "customers");
    let shown: Vec<u64> = customers.iter().map(|c| c.parse().unwrap()).collect();
    assert!(shown.iter().all(|n| *n == 0 || *n >= 5), "{shown:?}");
    assert_eq!(shown.iter().sum::<u64>(), 4_812 + 4_819 + 4_826);

    fixture.customers = 3; // control has 3, the treatments 10 and 17
    let doc = fixture.build();
    let files = render(&doc).unwrap();
    assert_eq!(
        column(&files, "levels.csv", "n_customers")[..2],
        ["<5", "<5"]
    );
    assert_eq!(column(&files, "levels.csv", "mean")[..2], ["", ""]);
    assert!(
        column(&files, "estimates.csv", "value")
            .iter()
            .all(String::is_empty)
    );
    assert!(
        column(&files, "estimates.csv", "n_control_customers")
            .iter()
            .all(|n| n == "<5")
    );
    assert!(column(&files, "distribution.csv", "customers").contains(&"<5".to_string()));
    let text = summary(&doc);
    assert!(text.contains("| Control | <5 | – | – |"), "{text}");
    assert!(!files.iter().any(|f| f.name == "effect.svg"));
}

#[test]
fn json_reads_back_exactly_and_refuses_what_it_cannot_hold() {
    let doc = Fixture::hostile(8).build();
    let bytes = doc.to_json().unwrap();
    assert!(bytes.ends_with(b"}\n"));
    let back = Document::from_json(&bytes).unwrap();
    assert_eq!(back, doc);
    assert_eq!(back.to_json().unwrap(), bytes);

    let mut wrong = doc.clone();
    wrong.estimates[0].value = f64::NAN;
    assert!(wrong.to_json().is_err());
    let mut wrong = doc.clone();
    wrong.estimates[0].se = Some(f64::INFINITY);
    assert!(wrong.to_json().is_err());

    let mut other = doc;
    other.schema = "pilot.analysis/2".into();
    let error = Document::from_json(&serde_json::to_vec(&other).unwrap()).unwrap_err();
    assert_eq!(error.kind().exit_code(), 2);
    assert!(error.message().contains("pilot.analysis/2"));
    let error = Document::from_json(b"{\n  \"schema\": 3 }").unwrap_err();
    assert_eq!(error.line_number(), Some(2));
}

#[test]
fn the_schema_names_every_field_of_a_document() {
    let schema = Document::json_schema();
    let doc = serde_json::to_value(Fixture::english(2).build()).unwrap();
    for key in doc.as_object().unwrap().keys() {
        assert!(schema["properties"].get(key).is_some(), "{key}");
    }
    assert!(schema["$defs"]["EstimateRow"]["properties"]["ci_adjusted_lower"].is_object());
}

#[test]
fn a_document_with_nothing_in_it_renders() {
    let mut doc = Fixture::english(2).build();
    doc.experiment.arms.clear();
    doc.evidence.customers_by_arm.clear();
    doc.estimates.clear();
    doc.levels.clear();
    doc.distribution.clear();
    doc.balance.clear();
    doc.cashflow.clear();
    doc.assumptions.clear();
    doc.business = None;
    doc.checks.clear();
    doc.experiment.title.clear();
    let files = render(&doc).unwrap();
    assert!(files.iter().all(|f| !f.name.ends_with(".svg")));
    assert!(!terminal_summary(&doc, 80, true).is_empty());
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

/// Writes every page to the folder in `REPORT_OUT`, to be looked at.
#[test]
#[ignore = "writes pages for people"]
fn pages() {
    let folder = std::env::var("REPORT_OUT").unwrap();
    for (name, bytes) in page::pages() {
        let file = format!("{}.html", name.replace(' ', "-"));
        std::fs::write(std::path::Path::new(&folder).join(file), bytes).unwrap();
    }
}
