//! `report.html`: one file, well-formed, that asks for nothing and in which other people's text stays text.

use std::collections::BTreeSet;

use pilot::decision::VerdictKind;
use pilot::finance::{AssumptionDraws, DrawsSummary, EffectDraws};
use pilot::report::{Document, page};

use super::fixture::Fixture;

/// What mail programs take without a question.
const LARGEST: usize = 2_000_000;

/// Elements that the page may hold.
const ELEMENTS: [&str; 42] = [
    "bdi",
    "body",
    "caption",
    "circle",
    "data",
    "defs",
    "desc",
    "div",
    "ellipse",
    "figcaption",
    "figure",
    "footer",
    "g",
    "h1",
    "h2",
    "head",
    "header",
    "html",
    "li",
    "line",
    "main",
    "meta",
    "p",
    "path",
    "polygon",
    "polyline",
    "rect",
    "script",
    "section",
    "span",
    "style",
    "svg",
    "table",
    "tbody",
    "td",
    "text",
    "th",
    "thead",
    "title",
    "tr",
    "tspan",
    "ul",
];

/// Attributes that it may hold: none that runs a script, sets a style or names an address.
const ATTRIBUTES: [&str; 52] = [
    "aria-describedby",
    "aria-label",
    "aria-labelledby",
    "charset",
    "class",
    "content",
    "cx",
    "cy",
    "colspan",
    "d",
    "data-case-line",
    "data-chart",
    "data-kind",
    "data-line",
    "dir",
    "fill",
    "fill-opacity",
    "font-family",
    "font-size",
    "font-weight",
    "height",
    "hidden",
    "http-equiv",
    "id",
    "lang",
    "name",
    "opacity",
    "points",
    "r",
    "role",
    "scope",
    "stroke",
    "stroke-opacity",
    "stroke-width",
    "tabindex",
    "text-anchor",
    "transform",
    "type",
    "value",
    "viewBox",
    "width",
    "x",
    "x1",
    "x2",
    "xml:space",
    "xmlns",
    "y",
    "y1",
    "y2",
    "rx",
    "ry",
    "stroke-dasharray",
];

/// The text of a page's elements, after a check that it is well-formed: every element is closed in
/// its place, every attribute is quoted and known, no identifier stands twice.
fn walked(html: &str) -> String {
    let mut rest = html
        .strip_prefix("<!DOCTYPE html>")
        .expect("the document type");
    let (mut open, mut ids, mut text) = (Vec::new(), BTreeSet::new(), String::new());
    while let Some(at) = rest.find('<') {
        let (between, tag) = rest.split_at(at);
        assert!(!between.contains('>'), "a bare > in {between:?}");
        text.push_str(between);
        let end = tag.find('>').expect("an end of the tag");
        let inside = &tag[1..end];
        assert!(!inside.contains('<'), "a bare < in {inside:?}");
        rest = &tag[end + 1..];
        if let Some(name) = inside.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "{name} is closed out of place");
            continue;
        }
        let (name, mut attributes) = inside
            .split_once(char::is_whitespace)
            .unwrap_or((inside, ""));
        let alone = inside.ends_with('/') || name == "meta";
        let name = name.trim_end_matches('/');
        assert!(ELEMENTS.contains(&name), "the element {name:?}");
        while let Some((key, value)) = attributes.split_once("=\"") {
            let (value, after) = value.split_once('"').expect("a closing quote");
            assert!(ATTRIBUTES.contains(&key.trim()), "the attribute {key:?}");
            if key.trim() == "id" {
                assert!(ids.insert(value), "the identifier {value} stands twice");
            }
            attributes = after;
        }
        assert!(
            ["", "/"].contains(&attributes.trim()),
            "{attributes:?} in {inside:?}"
        );
        if alone {
            continue;
        }
        open.push(name);
        // What stands in these is not markup.
        if ["script", "style"].contains(&name) {
            let (raw, after) = rest.split_once(&format!("</{name}>")).expect("its end");
            assert!(
                !raw.contains("</") || name == "style",
                "an end tag in a script"
            );
            rest = after;
            open.pop();
        }
    }
    assert!(open.is_empty(), "{open:?} stay open");
    text
}

/// Every page of these tests, to be looked at.
pub fn pages() -> impl Iterator<Item = (&'static str, Vec<u8>)> {
    let fixtures = fixtures().into_iter();
    fixtures.map(|(name, fixture)| (name, page(&with_draws(&fixture)).unwrap()))
}

/// A document with draws, so that the page has its sliders.
fn with_draws(fixture: &Fixture) -> Document {
    let mut doc = fixture.build();
    let Some(case) = &doc.business else {
        return doc;
    };
    let column = "8000".repeat(2_000);
    let effects = case.arms.iter().map(|arm| EffectDraws {
        arm: arm.arm.clone(),
        contacts: 0.1,
        contacts_se: 0.02,
        minutes: None,
        every_reason: None,
        minutes_se: None,
        base_z: 0.0,
        z: column.clone(),
        estimated_z: Some(column.clone()),
    });
    let uncertain = doc.assumptions.iter().filter(|a| a.form != "number");
    doc.draws_summary = Some(DrawsSummary {
        draws: 2_000,
        covariance: vec![vec![0.0004; case.arms.len()]; case.arms.len()],
        tail_z: 1.645,
        effects: effects.collect(),
        assumptions: uncertain
            .map(|a| AssumptionDraws {
                key: a.key.clone(),
                u: column.clone(),
            })
            .collect(),
    });
    doc
}

fn html(doc: &Document) -> String {
    String::from_utf8(page(doc).unwrap()).unwrap()
}

fn fixtures() -> Vec<(&'static str, Fixture)> {
    let with = |verdict, mut fixture: Fixture| {
        fixture.verdict = verdict;
        fixture
    };
    let mut poor = Fixture::english(3);
    poor.business = false;
    vec![
        ("two arms", Fixture::english(2)),
        ("four arms", Fixture::english(4)),
        ("eight arms", Fixture::english(8)),
        ("no effect", Fixture::english(4).no_effect()),
        ("Persian", Fixture::persian(4)),
        ("Chinese", Fixture::chinese(4)),
        ("long", Fixture::long(4)),
        ("hostile", Fixture::hostile(8)),
        ("no business", poor),
        ("wait", with(VerdictKind::Wait, Fixture::english(2))),
        ("blocked", with(VerdictKind::Blocked, Fixture::english(2))),
    ]
}

#[test]
fn every_page_is_one_well_formed_file_that_asks_for_nothing() {
    for (name, fixture) in fixtures() {
        let doc = with_draws(&fixture);
        let bytes = html(&doc);
        assert_eq!(bytes, html(&doc), "{name}: the same document, other bytes");
        assert!(bytes.len() < LARGEST, "{name}: {} bytes", bytes.len());
        let text = walked(&bytes);
        assert!(text.contains("Decision: "), "{name}");
        let sliders = bytes.contains("id=\"case-data\"");
        assert_eq!(sliders, doc.draws_summary.is_some(), "{name}");
        let own = bytes.replace("http://www.w3.org/2000/svg", "");
        // The hostile title names an address, as text.
        let named = own.matches("http").count() - own.matches("http-equiv").count();
        assert!(named == 0 || name == "hostile", "{name}: {named} addresses");
        assert!(!own.contains("url(") && !own.contains("@import"), "{name}");
    }
}

#[test]
fn hostile_text_stays_text() {
    let mut doc = with_draws(&Fixture::hostile(8));
    let attack = "</script><script>pwned()</script>\"'><img src=x onerror=pwned()><!-- ]]> \u{2028}\0\r\u{202e}";
    doc.experiment.title = attack.into();
    doc.experiment.problem = Some(attack.into());
    doc.experiment.arms[1].title = attack.repeat(100);
    doc.decision.why = vec![attack.into()];
    doc.warnings[0].message = attack.into();
    doc.checks[0].detail = attack.into();
    doc.deviations[0].now = Some(attack.into());
    doc.seal = Some(attack.into());
    doc.assumptions[0].unit = attack.into();
    doc.business.as_mut().unwrap().notes = vec![attack.into()];
    let html = html(&doc);
    let text = walked(&html);
    assert!(text.contains("pwned()"), "the text is shown");
    assert!(!html.contains("<img") && !html.contains("<!--"));
    assert_eq!(html.matches("<script").count(), 2);
    assert_eq!(html.matches("</script").count(), 2);
    let (_, json) = html.split_once("id=\"case-data\">").unwrap();
    let (json, _) = json.split_once("</script>").unwrap();
    assert!(!json.contains(['<', '>', '&', '\u{2028}', '\0', '\r']));
    serde_json::from_str::<serde_json::Value>(json).unwrap();
    let shown = html.chars().filter(|c| *c != '\n');
    assert!(shown.clone().all(|c| !c.is_control() && c != '\u{202e}'));
}

#[test]
fn too_many_draws_leave_the_sliders_out_and_say_so() {
    let mut doc = with_draws(&Fixture::english(4));
    let draws = doc.draws_summary.as_mut().unwrap();
    let column = draws.assumptions[0].clone();
    draws.assumptions = vec![column; 300];
    let html = html(&doc);
    assert!(html.len() < LARGEST && !html.contains("<script"));
    assert!(walked(&html).contains("too many arms"));
}

#[test]
fn small_groups_stay_hidden_in_the_page() {
    let mut fixture = Fixture::english(3);
    fixture.customers = 3;
    let html = html(&with_draws(&fixture));
    assert!(html.contains("<bdi>Control</bdi></th><td>&lt;5</td><td>–</td>"));
    assert!(!html.contains("data-chart=\"effect\""));
}
