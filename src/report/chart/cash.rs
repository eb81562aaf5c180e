//! Cumulative cash by month and arm, with its interval and the payback month.

use crate::error::Result;
use crate::finance::{BusinessCase, CashflowRow};
use crate::report::chart::Chart;
use crate::report::chart::canvas::Point;
use crate::report::chart::frame::{Frame, Sign};
use crate::report::chart::palette::{AXIS, INK, PAPER, RULE, treatment};
use crate::report::chart::panels::{self, Heading, Panel, Vertical};
use crate::report::chart::paper::Paper;
use crate::report::chart::scale::{Scale, bounds};
use crate::report::document::Document;
use crate::report::finding::{arm_title, beside, is_shown, level, range, treatment_index};
use crate::report::number::{money_short, months};
use crate::report::text::{isolate, plain};
use crate::texts::text;

/// Opacity of the fan's bands: the interval, and over it the middle half.
const OUTER: f64 = 0.16;
const INNER: f64 = 0.24;

/// The cash of one arm, by month.
struct Cash<'a> {
    arm: &'a str,
    index: usize,
    months: Vec<&'a CashflowRow>,
    payback: Option<u32>,
}

/// Most arms on the sign-off's page; of more only the one that the decision is about.
const MOST_ON_PAGE: usize = 2;

/// Draws the chart; `None` without cash.
pub fn draw(doc: &Document, paper: Paper) -> Result<Option<Chart>> {
    let Some(case) = &doc.business else {
        return Ok(None);
    };
    let (cash, left_out) = on_paper(doc, case, by_arm(doc, case), paper);
    let mut shows = shows(doc);
    if left_out > 0 {
        shows.push(text!("cash.left-out", count = left_out));
    }
    let horizon = cash.iter().filter_map(|c| c.months.last()).map(|m| m.month);
    let Some(horizon) = horizon.max() else {
        return Ok(None);
    };
    let rows = || cash.iter().flat_map(|c| c.months.iter());
    let (low, high) = bounds(
        rows()
            .flat_map(|m| [Some(m.cumulative), m.cumulative_lower, m.cumulative_upper])
            .flatten()
            .chain([0.0]),
    );
    let (factor, currency) = magnitude(low.abs().max(high.abs()), &plain(&case.currency));
    let mut frame = Frame::open(doc, paper, title(doc, case, &cash), shows);
    let line: Sign = Box::new(|canvas, (x, y)| {
        canvas.line(vec![(x - 9.0, y), (x + 9.0, y)], 2.5, INK);
    });
    let mut legend = vec![(line, text!("cash.expected"))];
    if rows().any(|m| m.cumulative_lower.is_some()) {
        let level = text!("interval.level", level = level(case.level));
        legend.push((swatch(OUTER), level));
    }
    if rows().any(|m| m.fan.is_some()) {
        // Drawn over the other band.
        legend.push((swatch(OUTER + INNER), text!("cash.middle-half")));
    }
    if cash.iter().any(|c| c.payback.is_some()) {
        let ring: Sign = Box::new(|canvas, at| {
            canvas.disc(at, 6.0, INK);
            canvas.disc(at, 3.5, PAPER);
        });
        legend.push((ring, text!("cash.paid-back")));
    }
    frame.legend(legend);
    let headings: Vec<Heading> = cash
        .iter()
        .map(|c| Heading {
            name: arm_title(doc, c.arm),
            note: note(doc, case, c),
        })
        .collect();
    let room = (high - low).max(f64::MIN_POSITIVE) * 0.04;
    let vertical = Vertical::new((low - room) / factor, (high + room) / factor, "");
    let plots = panels::draw(
        &mut frame,
        &headings,
        &vertical,
        &text!("cash.axis", currency),
        &text!("html.js-months"),
        8.0,
    );
    for (cash, panel) in cash.iter().zip(&plots) {
        let months = Scale::exact(0.0, f64::from(horizon), panel.left, panel.right);
        plot(&mut frame, cash, &months, &vertical.scale(panel), factor);
        month_ticks(&mut frame, panel, &months);
    }
    frame.close(doc, "cash").map(Some)
}

fn swatch(opacity: f64) -> Sign<'static> {
    Box::new(move |canvas, (x, y)| {
        let corners = vec![
            (x - 9.0, y - 6.0),
            (x + 9.0, y - 6.0),
            (x + 9.0, y + 6.0),
            (x - 9.0, y + 6.0),
        ];
        canvas.area(corners, INK, opacity);
    })
}

fn by_arm<'a>(doc: &'a Document, case: &BusinessCase) -> Vec<Cash<'a>> {
    let arms = doc.experiment.arms.iter().map(|a| a.name.as_str());
    arms.filter_map(|arm| {
        let mut months: Vec<&CashflowRow> = doc
            .cashflow
            .iter()
            .filter(|r| r.arm == arm && r.cumulative.is_finite())
            .collect();
        months.sort_by_key(|m| m.month);
        let arm_case = case.arms.iter().find(|a| a.arm == arm);
        (!months.is_empty()).then(|| Cash {
            arm,
            index: treatment_index(doc, arm).unwrap_or(0),
            months,
            payback: arm_case
                .filter(|c| !c.spends_nothing())
                .and_then(|c| c.payback_months),
        })
    })
    .collect()
}

/// Arms that a page has room for, and how many are left out: the arm that the title is about stays.
fn on_paper<'a>(
    doc: &Document,
    case: &BusinessCase,
    all: Vec<Cash<'a>>,
    paper: Paper,
) -> (Vec<Cash<'a>>, usize) {
    if paper != Paper::Page || all.len() <= MOST_ON_PAGE {
        return (all, 0);
    }
    let left_out = all.len() - 1;
    let first = best(doc, case, &all).map(|c| c.arm);
    let kept = all.into_iter().filter(|c| Some(c.arm) == first);
    (kept.collect(), left_out)
}

fn plot(frame: &mut Frame, cash: &Cash, months: &Scale, money: &Scale, factor: f64) {
    let color = treatment(cash.index);
    let at = |month: u32, value: f64| (months.at(f64::from(month)), money.at(value / factor));
    let (from, to) = months.ends();
    let zero = money.at(0.0);
    let edge = |end: fn(&CashflowRow) -> Option<f64>| -> Vec<Point> {
        cash.months
            .iter()
            .filter_map(|m| Some(at(m.month, end(m)?)))
            .collect()
    };
    type End = fn(&CashflowRow) -> Option<f64>;
    let bands: [(End, End, f64); 2] = [
        (|m| m.cumulative_lower, |m| m.cumulative_upper, OUTER),
        (|m| Some(m.fan?.p25), |m| Some(m.fan?.p75), INNER),
    ];
    for (lower, upper, opacity) in bands {
        let (lower, upper) = (edge(lower), edge(upper));
        if lower.len() > 1 && lower.len() == upper.len() {
            let band = lower.into_iter().chain(upper.into_iter().rev()).collect();
            frame.canvas.area(band, color, opacity);
        }
    }
    frame.canvas.line(vec![(from, zero), (to, zero)], 1.5, RULE);
    let line: Vec<Point> = cash
        .months
        .iter()
        .map(|m| at(m.month, m.cumulative))
        .collect();
    frame.canvas.line(line, 2.5, color);
    if let Some(month) = cash.payback
        && let Some(row) = cash.months.iter().find(|m| m.month == month)
    {
        let point = at(month, row.cumulative);
        frame.canvas.dashes(point, (point.0, zero), 1.0, color);
        frame.canvas.disc(point, 6.0, color);
        frame.canvas.disc(point, 3.5, PAPER);
    }
}

fn month_ticks(frame: &mut Frame, panel: &Panel, months: &Scale) {
    let ticks = months.months(AXIS);
    let labels = ticks
        .values
        .iter()
        .map(|v| (months.at(*v), ticks.label(*v)));
    panel.labels(frame, labels);
}

/// The unit in which so much money is drawn, and its name: a million, "million EUR".
pub fn magnitude(largest: f64, currency: &str) -> (f64, String) {
    let (factor, name) = match largest {
        v if v >= 5e9 => (1e9, text!("amount.billion")),
        v if v >= 5e6 => (1e6, text!("amount.million")),
        v if v >= 5e3 => (1e3, text!("amount.thousand")),
        _ => return (1.0, currency.to_owned()),
    };
    (factor, format!("{name} {currency}"))
}

fn shows(doc: &Document) -> Vec<String> {
    let mut shows = vec![text!("cash.shows")];
    let mut arms = doc.business.iter().flat_map(|case| &case.arms);
    if arms.any(|a| a.as_estimated.is_some()) {
        shows.push(text!("cash.corrected"));
    }
    shows
}

fn money(value: f64, case: &BusinessCase) -> String {
    money_short(value, &plain(&case.currency), case.minor_digits)
}

/// "pays back in month 7; EUR 1,234 (EUR 1,000 to EUR 1,500) by month 24".
fn spends_nothing(case: &BusinessCase, cash: &Cash) -> bool {
    let mut arms = case.arms.iter();
    arms.any(|a| a.arm == cash.arm && a.spends_nothing())
}

fn note(doc: &Document, case: &BusinessCase, cash: &Cash) -> String {
    let paid_back = match cash.payback {
        _ if spends_nothing(case, cash) => text!("cash.note-spends-nothing"),
        Some(month) if is_shown(doc, cash.arm) => text!("html.js-cash-note-payback", month),
        Some(month) => text!("cash.note-would-pay-back", month),
        None => text!("cash.never-pays-back", months = months(case.horizon_months)),
    };
    let Some(end) = cash.months.last() else {
        return paid_back;
    };
    let show = |v: f64| money(v, case);
    let interval = range(end.cumulative_lower, end.cumulative_upper, show);
    let value = beside(show(end.cumulative), interval);
    [
        paid_back,
        text!("html.js-cash-end", value, last = end.month),
    ]
    .join("; ")
}

/// The arm that the decision is about, else the best as estimated, else the one with the most cash at
/// the end.
fn best<'a, 'b>(doc: &Document, case: &BusinessCase, cash: &'b [Cash<'a>]) -> Option<&'b Cash<'a>> {
    let last = |c: &Cash| c.months.last().map_or(f64::NEG_INFINITY, |m| m.cumulative);
    let decided = doc.decision.arm.as_deref().or(case.best.as_deref());
    cash.iter().find(|c| Some(c.arm) == decided).or_else(|| {
        cash.iter()
            .max_by(|a, b| last(a).total_cmp(&last(b)).then(b.index.cmp(&a.index)))
    })
}

fn title(doc: &Document, case: &BusinessCase, cash: &[Cash]) -> String {
    match best(doc, case, cash).and_then(|c| c.months.last().map(|m| (c, m))) {
        Some((cash, end)) => {
            let arm = isolate(&arm_title(doc, cash.arm));
            let (value, last) = (money(end.cumulative, case), end.month);
            match cash.payback {
                _ if spends_nothing(case, cash) => {
                    text!("cash.title-spends-nothing", arm, value, last)
                }
                Some(_) if !is_shown(doc, cash.arm) => {
                    let ends = range(end.cumulative_lower, end.cumulative_upper, |v| {
                        money(v, case)
                    });
                    text!(
                        "cash.title-not-shown",
                        arm,
                        value = beside(value, ends),
                        last
                    )
                }
                Some(month) => text!("cash.title-pays-back", arm, month, value, last),
                None => {
                    let months = months(case.horizon_months);
                    text!("cash.title-never-pays-back", arm, months, value, last)
                }
            }
        }
        None => text!("cash.title"),
    }
}
