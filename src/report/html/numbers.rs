//! Every line of the business case by arm: the table that the sliders move.

use crate::finance::BusinessCase;
use crate::report::document::Document;
use crate::report::finding::{self, arm_title, range};
use crate::report::number::{
    self, chance, decimals, fixed, general, interval_decimals, money, money_short, percent,
};
use crate::report::text::plain;
use crate::texts::text;

use super::lines::{Figure, Kind, OF_SPENDING, alone, rows};
use super::write::Html;

/// The value and its interval, in words.
fn shown(case: &BusinessCase, kind: Kind, figure: Option<Figure>) -> (String, Option<String>) {
    let Some(figure) = figure else {
        return (crate::report::memo::UNKNOWN.into(), None);
    };
    let Figure {
        value,
        lower,
        upper,
    } = figure;
    let half = match (lower, upper) {
        (Some(l), Some(u)) => (u - l) / 2.0,
        _ => 0.0,
    };
    let show = |v: f64| worded(case, kind, v, (value.unwrap_or(v), lower, upper, half));
    // What reads the same in every draw has no interval to show.
    let alike = |end: Option<f64>| end.map(show) == value.map(show);
    let spread = !alike(lower) || !alike(upper);
    let interval = match (kind, lower, upper) {
        (Kind::Month, Some(lower), None) => {
            Some(text("html.months-open", &[("lower", &show(lower))]))
        }
        _ => range(lower, upper, show).filter(|_| spread),
    };
    let value = match value {
        Some(value) => show(value),
        None => text("html.no-payback", &[]),
    };
    (value, interval)
}

/// A number of a figure that is (value, lower, upper, half of the interval).
fn worded(
    case: &BusinessCase,
    kind: Kind,
    v: f64,
    (value, lower, upper, half): (f64, Option<f64>, Option<f64>, f64),
) -> String {
    let currency = plain(&case.currency);
    match kind {
        Kind::Rate => fixed(v, interval_decimals(value, lower, upper, f64::NAN)),
        Kind::Count => fixed(v, decimals(half).unwrap_or(0).min(0)),
        Kind::Money => money_short(v, &currency, case.minor_digits),
        Kind::MoneyFull => money(v, &currency, case.minor_digits),
        Kind::Percent => percent(v),
        Kind::Return => returned(v),
        Kind::Chance => chance(v),
        Kind::Month => fixed(v, 0),
        Kind::General => general(v),
    }
}

/// A return on investment; of a loss beyond the stake no percentage says anything.
fn returned(share: f64) -> String {
    match share < -1.0 {
        true => text("html.loses-more", &[]),
        false => percent(share),
    }
}

/// Writes the table.
pub fn table(doc: &Document, case: &BusinessCase, out: &mut Html) {
    let about = text(
        "html.numbers-about",
        &[
            ("months", &number::months(case.horizon_months)),
            ("level", &finding::level(case.level)),
            ("draws", &number::count(case.draws.into())),
        ],
    );
    let heading = text("html.numbers", &[]);
    let scrolls = text("html.scrolls", &[("what", &heading)]);
    out.element("p", &[("id", "numbers-about"), ("class", "about")], &about);
    let frame = [
        ("class", "scroll"),
        ("role", "group"),
        ("tabindex", "0"),
        ("aria-label", scrolls.as_str()),
    ];
    out.open("div", &frame);
    out.open(
        "table",
        &[
            ("id", "numbers"),
            ("class", "numbers"),
            ("aria-describedby", "numbers-about"),
        ],
    );
    out.element("caption", &[("class", "unseen")], &heading);
    out.raw("<thead><tr>");
    out.element("th", &[("scope", "col")], &text("html.line", &[]));
    for arm in &case.arms {
        out.open("th", &[("scope", "col")]);
        out.element("bdi", &[], &arm_title(doc, &arm.arm));
        out.close("th");
    }
    out.raw("</tr></thead>\n<tbody>\n");
    for row in rows(case) {
        out.open(
            "tr",
            &[("data-line", row.path), ("data-kind", row.kind.name())],
        );
        out.element("th", &[("scope", "row")], &row.name);
        for arm in &case.arms {
            out.raw("<td>");
            match arm.spends_nothing() && OF_SPENDING.contains(&row.path) {
                true => out.element("span", &[], &text("worth.nothing-spent", &[])),
                false => cell(case, row.kind, (row.of)(arm), out),
            }
            out.raw("</td>");
        }
        out.raw("</tr>\n");
    }
    if let Some(worth) = case.choice.as_ref().and_then(|c| c.perfect_information) {
        let of_all = [("data-case-line", "perfect_information")];
        out.open("tr", &of_all);
        out.element(
            "th",
            &[("scope", "row")],
            &text("html.perfect-information", &[]),
        );
        out.open("td", &[("colspan", &case.arms.len().to_string())]);
        cell(case, Kind::Money, alone(Some(worth.value)), out);
        out.raw("</td></tr>\n");
    }
    out.raw("</tbody></table></div>\n");
}

fn cell(case: &BusinessCase, kind: Kind, figure: Option<Figure>, out: &mut Html) {
    let (value, interval) = shown(case, kind, figure);
    match figure.and_then(|figure| figure.value) {
        Some(number) => out.element("data", &[("value", &number.to_string())], &value),
        None => out.element("span", &[], &value),
    }
    if let Some(interval) = interval {
        out.raw(" ");
        out.element("span", &[("class", "interval")], &format!("({interval})"));
    }
}

/// Says of what stands before it that the sliders do not move it; hidden until one was moved.
pub fn stays(out: &mut Html) {
    let planned = text("html.planned", &[]);
    out.element("span", &[("class", "planned"), ("hidden", "")], &planned);
}
