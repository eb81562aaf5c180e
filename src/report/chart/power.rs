//! Power against customers and against the reduction, around a planned pilot.

use crate::error::Result;
use crate::planning::{Curve, PowerCurves};
use crate::report::chart::Chart;
use crate::report::chart::canvas::{Anchor, Point};
use crate::report::chart::frame::{Frame, Sign};
use crate::report::chart::palette::{AXIS, INK, PAPER, RULE, treatment};
use crate::report::chart::panels::{self, Heading, Panel, Vertical};
use crate::report::chart::paper::Paper;
use crate::report::chart::scale::Scale;
use crate::report::number::{count, general, percent_with};
use crate::report::typeset::block;
use crate::texts::text;

/// Colours of less, planned, more.
const COLORS: [usize; 3] = [1, 0, 2];
/// Half-width of a 95 % interval in standard errors.
const NORMAL_95: f64 = 1.96;

/// Draws the chart; `source` says what was assumed.
pub fn draw(p: &PowerCurves, source: &str) -> Result<Chart> {
    let mut frame = Frame::begin(Paper::Wide, "", title(p), subtitle(p));
    frame.legend(legend(p));
    let headings = [
        Heading {
            name: text!("memo.customers"),
            note: text!("power.by-customers"),
        },
        Heading {
            name: text!("memo.effect"),
            note: text!("power.by-reduction"),
        },
    ];
    let vertical = Vertical::new(0.0, 100.0, " %");
    let plots = panels::draw(
        &mut frame,
        &headings,
        &vertical,
        &text!("power.power"),
        "",
        8.0,
    );
    let each = p.each.map_or(1.0, |n| n as f64 / p.customers);
    let end = 2.2 * p.customers * each;
    let customers = |panel: &Panel| Scale::exact(0.0, end, panel.left, panel.right);
    let below = match p.each {
        Some(_) => text!("power.in-each-arm"),
        None => text!("power.in-all-arms"),
    };
    if let [left, right] = plots.as_slice() {
        let x = customers(left);
        plot(
            &mut frame,
            p,
            left,
            &x,
            p.customers * each,
            &vertical,
            |c| c.by_customers.iter().map(|&(n, v)| (n * each, v)).collect(),
        );
        ticks(&mut frame, left, &x, &below, "");
        let all = p.curves.iter().flat_map(|c| &c.by_reduction);
        let (mut low, mut high) = (0.0f64, 0.0f64);
        for &(r, _) in all {
            (low, high) = (low.min(100.0 * r), high.max(100.0 * r));
        }
        let x = Scale::exact(low, high, right.left, right.right);
        plot(
            &mut frame,
            p,
            right,
            &x,
            100.0 * p.reduction,
            &vertical,
            |c| {
                c.by_reduction
                    .iter()
                    .map(|&(r, v)| (100.0 * r, v))
                    .collect()
            },
        );
        ticks(&mut frame, right, &x, &text!("power.reduction"), " %");
    }
    frame.finish(source, "power")
}

/// Curves, what was asked, what was planned, what was simulated.
fn plot(
    frame: &mut Frame,
    p: &PowerCurves,
    panel: &Panel,
    x: &Scale,
    planned: f64,
    vertical: &Vertical,
    points: impl Fn(&Curve) -> Vec<(f64, f64)>,
) {
    let y = vertical.scale(panel);
    if let Some(asked) = p.asked {
        let level = y.at(100.0 * asked);
        let ends = ((panel.left, level), (panel.right, level));
        frame.canvas.dashes(ends.0, ends.1, 1.2, RULE);
    }
    let column = x.at(planned);
    frame
        .canvas
        .dashes((column, panel.bottom), (column, panel.top), 1.2, RULE);
    for (i, curve) in p.curves.iter().enumerate() {
        let line: Vec<Point> = points(curve)
            .into_iter()
            .map(|(at, power)| (x.at(at), y.at(100.0 * power)))
            .collect();
        if line.len() > 1 {
            let width = if i == 1 { 3.0 } else { 1.8 };
            frame.canvas.line(line, width, treatment(COLORS[i]));
        }
    }
    if let Some((share, se)) = p.simulated {
        let at = |share: f64| (column, y.at(100.0 * share));
        let (low, high) = (at(share - NORMAL_95 * se), at(share + NORMAL_95 * se));
        frame.canvas.line(vec![low, high], 2.0, INK);
        frame.canvas.disc(at(share), 5.5, INK);
        frame.canvas.disc(at(share), 3.0, PAPER);
    }
}

/// Labels of a horizontal axis, and its title under them.
fn ticks(frame: &mut Frame, panel: &Panel, x: &Scale, title: &str, unit: &str) {
    let ticks = x.ticks_that_fit(AXIS, 5);
    let labels = ticks.values.iter().map(|v| {
        let text = match unit {
            // Thousands are grouped.
            "" => count(v.round().max(0.0) as u64),
            _ => ticks.label(*v) + unit,
        };
        (x.at(*v), text)
    });
    panel.labels(frame, labels);
    let room = panel.right - panel.left;
    frame.canvas.text(
        panel.left + room / 2.0,
        panel.bottom + 7.0 + AXIS.line_height(),
        Anchor::Middle,
        &block(title, AXIS, room, 1),
    );
}

fn legend(p: &PowerCurves) -> Vec<(Sign<'static>, String)> {
    let line = |i: usize| -> Sign<'static> {
        let (color, width) = (treatment(COLORS[i]), if i == 1 { 3.0 } else { 1.8 });
        Box::new(move |canvas, (x, y)| {
            canvas.line(vec![(x - 9.0, y), (x + 9.0, y)], width, color);
        })
    };
    let gaps = |c: &Curve| (share(c.reduction), size(p, c.customers));
    let (less, planned, more) = (gaps(&p.curves[0]), gaps(&p.curves[1]), gaps(&p.curves[2]));
    let mut entries = vec![
        (
            line(1),
            text!("power.planned", reduction = planned.0, size = planned.1),
        ),
        (
            line(0),
            text!("power.less", reduction = less.0, size = less.1),
        ),
        (
            line(2),
            text!("power.more", reduction = more.0, size = more.1),
        ),
    ];
    if p.simulated.is_some() {
        let ring: Sign<'static> = Box::new(|canvas, at| {
            canvas.disc(at, 5.5, INK);
            canvas.disc(at, 3.0, PAPER);
        });
        entries.push((ring, text!("power.simulated")));
    }
    if let Some(asked) = p.asked {
        let dash: Sign<'static> = Box::new(|canvas, (x, y)| {
            canvas.dashes((x - 9.0, y), (x + 9.0, y), 1.2, RULE);
        });
        entries.push((dash, text!("power.asked", power = general(100.0 * asked))));
    }
    entries
}

/// "20 %", to a tenth.
fn share(value: f64) -> String {
    format!("{} %", general((1000.0 * value).round() / 10.0))
}

/// "970 customers an arm".
fn size(p: &PowerCurves, customers: f64) -> String {
    let whole = |n: f64| count(n.round().max(0.0) as u64);
    match p.each {
        Some(each) => text!(
            "power.an-arm",
            count = whole(customers / p.customers * each as f64)
        ),
        None => text!("power.in-all", count = whole(customers)),
    }
}

fn title(p: &PowerCurves) -> String {
    let change = if p.reduction < 0.0 {
        text!("power.increase-of", share = share(-p.reduction))
    } else {
        text!("power.reduction-of", share = share(p.reduction))
    };
    let customers = match p.each {
        Some(each) => text!("power.customers-each", count = count(each)),
        None => text!(
            "schedule.count-customers",
            count = count(p.customers.round() as u64)
        ),
    };
    let power = percent_with(p.power, 0);
    match p.margin {
        1.0 => text!("power.find", customers, change, power),
        margin => text!(
            "power.exclude",
            customers,
            margin = general(margin),
            change,
            power
        ),
    }
}

fn subtitle(p: &PowerCurves) -> String {
    let power = percent_with(p.power, 1);
    match p.simulated {
        Some((share, se)) => text!(
            "power.formula-and-simulated",
            power,
            simulated = percent_with(share, 1),
            se = percent_with(se, 1),
        ),
        None => text!("power.formula", power),
    }
}
