//! The effect of the primary outcome week by week, with the fitted decay.

use crate::analysis::{FadeRow, WeekRow};
use crate::error::Result;
use crate::report::chart::Chart;
use crate::report::chart::canvas::Point;
use crate::report::chart::frame::{Frame, Sign};
use crate::report::chart::palette::{INK, RULE, marker, treatment};
use crate::report::chart::panels::{self, Heading, Panel, Vertical};
use crate::report::chart::paper::Paper;
use crate::report::chart::scale::{Scale, bounds};
use crate::report::document::Document;
use crate::report::finding::{arm_title, beside, beside_level, level, range, treatment_index};
use crate::report::number::{self, fixed};
use crate::report::privacy::Privacy;
use crate::report::text::{isolate, plain};
use crate::texts::text;

/// p below which the title says that an effect changes, as in the check `persistence`.
const CLEAR: f64 = 0.01;
/// Standard errors that an arm's effect over all weeks is from 0 before its fade is shown: without
/// an effect the fitted curve is noise.
const SEEN: f64 = 2.0;
/// Points of a drawn curve for each week.
const POINTS: u32 = 6;

struct Arm<'a> {
    name: &'a str,
    index: usize,
    weeks: Vec<&'a WeekRow>,
    fade: Option<&'a FadeRow>,
}

impl Arm<'_> {
    /// Start and rate of the fitted decay, where there is an effect that could fade.
    fn decay(&self) -> Option<(f64, f64)> {
        self.has_effect()
            .then(|| self.fade.and_then(|f| f.start.zip(f.rate)))
            .flatten()
    }

    fn has_effect(&self) -> bool {
        let constant = self.fade.and_then(|f| f.constant.zip(f.constant_se));
        let clear = self.fade.and_then(|f| f.p_value).is_some_and(|p| p < CLEAR);
        clear || constant.is_some_and(|(c, se)| c.abs() > SEEN * se)
    }
}

/// Draws the chart; `None` unless some arm has two weeks of the primary outcome to show.
pub fn draw(doc: &Document, paper: Paper) -> Result<Option<Chart>> {
    let arms = arms(doc);
    let Some(last) = arms
        .iter()
        .filter_map(|a| a.weeks.last())
        .map(|w| w.week)
        .max()
    else {
        return Ok(None);
    };
    let rows = || arms.iter().flat_map(|a| a.weeks.iter());
    let (low, high) = bounds(
        rows()
            .flat_map(|w| [Some(w.value), w.ci_lower, w.ci_upper, w.fitted])
            .flatten()
            .chain([0.0]),
    );
    let mut frame = Frame::open(doc, paper, title(doc, &arms), [shows(&arms)]);
    frame.legend(legend(&arms));
    let headings: Vec<Heading> = arms
        .iter()
        .map(|arm| Heading {
            name: arm_title(doc, arm.name),
            note: note(arm, tested(&arms).count()),
        })
        .collect();
    let room = (high - low).max(f64::MIN_POSITIVE) * 0.05;
    let vertical = Vertical::new(low - room, high + room, "");
    let control = isolate(&crate::report::finding::control_title(doc));
    let unit = rows()
        .next()
        .map_or_else(String::new, |w| plain(&w.unit.words()).into_owned());
    let plots = panels::draw(
        &mut frame,
        &headings,
        &vertical,
        &text!("weekly.axis", control, unit),
        &text!("weekly.below"),
        8.0,
    );
    for (arm, panel) in arms.iter().zip(&plots) {
        let weeks = Scale::exact(0.5, f64::from(last) + 0.5, panel.left, panel.right);
        plot(&mut frame, arm, &weeks, &vertical.scale(panel));
        ticks(&mut frame, panel, &weeks, last);
    }
    frame.close(doc, "weekly").map(Some)
}

fn arms(doc: &Document) -> Vec<Arm<'_>> {
    let privacy = Privacy::of(doc);
    let Some(weekly) = &doc.weekly else {
        return Vec::new();
    };
    let primary = &doc.experiment.primary_outcome;
    let treatments = doc.experiment.arms.iter().filter(|a| !a.control);
    treatments
        .filter_map(|arm| {
            let mut weeks: Vec<&WeekRow> = weekly
                .rows
                .iter()
                .filter(|w| &w.outcome == primary && w.arm == arm.name && w.value.is_finite())
                .filter(|w| !privacy.is_small(w.n_arm) && !privacy.is_small(w.n_control))
                .collect();
            weeks.sort_by_key(|w| w.week);
            let mut fades = weekly.fades.iter();
            (weeks.len() > 1).then(|| Arm {
                name: &arm.name,
                index: treatment_index(doc, &arm.name).unwrap_or(0),
                weeks,
                fade: fades.find(|f| &f.outcome == primary && f.arm == arm.name),
            })
        })
        .collect()
}

fn legend(arms: &[Arm<'_>]) -> Vec<(Sign<'static>, String)> {
    let week: Sign = Box::new(|canvas, (x, y)| {
        canvas.line(vec![(x, y - 8.0), (x, y + 8.0)], 2.0, INK);
        canvas.disc((x, y), 4.0, INK);
    });
    let Some(first) = arms.iter().find_map(|a| a.weeks.first()) else {
        return Vec::new();
    };
    let level = level(first.level);
    let mut entries = vec![(week, text!("weekly.week", level))];
    if arms
        .iter()
        .any(|a| a.weeks.iter().any(|w| w.fitted.is_some()))
    {
        let curve: Sign = Box::new(|canvas, (x, y)| {
            canvas.line(vec![(x - 9.0, y), (x + 9.0, y)], 2.5, INK);
        });
        entries.push((curve, text!("weekly.fade")));
    }
    entries
}

fn plot(frame: &mut Frame, arm: &Arm<'_>, weeks: &Scale, effect: &Scale) {
    let color = treatment(arm.index);
    let (from, to) = weeks.ends();
    let zero = effect.at(0.0);
    frame.canvas.line(vec![(from, zero), (to, zero)], 1.5, RULE);
    frame.canvas.line(curve(arm, weeks, effect), 2.5, color);
    for week in &arm.weeks {
        let x = weeks.at(f64::from(week.week));
        if let (Some(lower), Some(upper)) = (week.ci_lower, week.ci_upper) {
            let ends = vec![(x, effect.at(lower)), (x, effect.at(upper))];
            frame.canvas.line(ends, 2.0, color);
        }
        marker(
            &mut frame.canvas,
            arm.index,
            (x, effect.at(week.value)),
            4.5,
            color,
        );
    }
}

/// The decay through the weeks that are shown; empty where there is none.
fn curve(arm: &Arm<'_>, weeks: &Scale, effect: &Scale) -> Vec<Point> {
    let (Some((start, rate)), Some(first), Some(last)) =
        (arm.decay(), arm.weeks.first(), arm.weeks.last())
    else {
        return Vec::new();
    };
    let steps = (last.week - first.week) * POINTS;
    (0..=steps)
        .map(|i| f64::from(first.week) + f64::from(i) / f64::from(POINTS))
        .map(|week| (week, start * (-rate * (week - 1.0)).exp()))
        .filter(|(_, value)| value.is_finite())
        .map(|(week, value)| (weeks.at(week), effect.at(value)))
        .collect()
}

fn ticks(frame: &mut Frame, panel: &Panel, weeks: &Scale, last: u32) {
    let step = (1..).find(|step| last / step <= 13).unwrap_or(1);
    let labels = (1..=last).filter(|w| (w - 1) % step == 0);
    panel.labels(
        frame,
        labels.map(|w| (weeks.at(f64::from(w)), w.to_string())),
    );
}

/// "half-life 4.2 weeks (2.9 to 7.5); change from week to week p = 0.003"; the title's p allows for
/// the number of arms, this one does not.
fn note(arm: &Arm<'_>, tested: usize) -> String {
    let Some(fade) = arm.fade else {
        return String::new();
    };
    let mut parts = Vec::new();
    match (fade.half_life_weeks, &fade.why) {
        _ if fade.constant.is_some() && !arm.has_effect() => {
            parts.push(text!("weekly.no-effect"));
        }
        (Some(weeks), _) => {
            let interval = range(fade.half_life_lower, fade.half_life_upper, short);
            let half_life = text!("weekly.half-life", weeks = short(weeks));
            parts.push(beside(half_life, interval));
        }
        (None, None) => parts.push(text!("weekly.no-fade")),
        (None, Some(why)) => parts.push(text!("weekly.no-curve", why = plain(why))),
    }
    if let Some(p) = fade.p_value {
        let p = number::p_value(p);
        parts.push(match tested {
            1 => text!("weekly.change", p),
            _ => text!("weekly.change-unadjusted", p),
        });
    }
    parts.join("; ")
}

/// Two significant digits of a number of weeks.
fn short(weeks: f64) -> String {
    if weeks >= 1000.0 {
        return text!("weekly.over-thousand");
    }
    let decimals = (1.0 - weeks.abs().log10().floor()).clamp(0.0, 2.0);
    fixed(weeks, decimals as i32)
}

fn shows(arms: &[Arm<'_>]) -> String {
    let weeks = arms.iter().map(|a| a.weeks.len()).max().unwrap_or(0);
    text!("weekly.shows", weeks)
}

/// The arms whose effect was tested for a change.
fn tested<'a, 'b>(arms: &'b [Arm<'a>]) -> impl Iterator<Item = &'b Arm<'a>> {
    let arms = arms.iter();
    arms.filter(|a| a.fade.is_some_and(|f| f.p_value.is_some()))
}

/// The finding: which arm's effect fades or grows beyond chance, or that none is seen to.
fn title(doc: &Document, arms: &[Arm<'_>]) -> String {
    let family = tested(arms).count() as f64;
    let p = |a: &&Arm<'_>| a.fade.and_then(|f| f.p_value).unwrap_or(1.0);
    let clear = tested(arms).filter(|a| p(a) * family < CLEAR);
    let Some(first) = clear.min_by(|a, b| p(a).total_cmp(&p(b))) else {
        return text!("weekly.no-change");
    };
    let arm = isolate(&arm_title(doc, first.name));
    let fade = first.fade.filter(|f| f.fading == Some(true));
    match (fade, fade.and_then(|f| f.half_life_weeks)) {
        (None, _) => text!("weekly.grows", arm),
        (Some(_), None) => text!("weekly.shrinks", arm),
        (Some(f), Some(weeks)) => {
            let interval = range(f.half_life_lower, f.half_life_upper, short);
            let half = text!("weekly.half-gone", arm, weeks = short(weeks));
            beside_level(half, f.level, interval)
        }
    }
}
