//! Which region had which arm when, and what it had of the primary outcome.

use crate::analysis::RegionRow;
use crate::error::Result;
use crate::report::chart::Chart;
use crate::report::chart::canvas::Anchor;
use crate::report::chart::frame::{Frame, Sign};
use crate::report::chart::palette::{
    AXIS, BAND, CONTROL, GRID, LABEL, NOTE, PAPER, marker, treatment,
};
use crate::report::chart::paper::Paper;
use crate::report::document::Document;
use crate::report::finding::{self, arm_title, control_title, treatment_index};
use crate::report::text::{isolate, plain, shortened};
use crate::report::typeset::{Block, Style, block, measure};
use crate::texts::text;

/// Regions that are drawn; `analysis.json` has them all.
const MOST: usize = 40;
const ROW: f64 = 38.0;
/// The most that the names may take of the width; longer ones have two lines.
const NAMES: f64 = 220.0;
/// The same as a share, where the chart is narrow.
const NAMES_SHARE: f64 = 0.3;
/// Characters of a longer name: so many of its beginning and of its end fit.
const FIRST_WORDS: usize = 26;
const LAST_WORDS: usize = 20;
/// Between the names and the blocks.
const GAP: f64 = 14.0;
/// How strongly a treated block is tinted.
const TINT: f64 = 0.16;

/// Draws the chart; `None` where customers or clusters got the arms.
pub fn draw(doc: &Document, paper: Paper) -> Result<Option<Chart>> {
    let Some(schedule) = &doc.schedule else {
        return Ok(None);
    };
    let Some(arm) = doc.experiment.arms.iter().find(|a| !a.control) else {
        return Ok(None);
    };
    let color = treatment(treatment_index(doc, &arm.name).unwrap_or(0));
    let effects = finding::effects(doc);
    let title = match effects.first().filter(|e| e.clear) {
        Some(_) => finding::headline(doc, &effects),
        None => text!("schedule.who", arm = isolate(&arm_title(doc, &arm.name))),
    };
    let regions = &schedule.regions[..schedule.regions.len().min(MOST)];
    let mut shows = vec![text!(
        "schedule.shows",
        unit = plain(&schedule.unit.words())
    )];
    if schedule.regions.len() > regions.len() {
        let count = schedule.regions.len() - regions.len();
        shows.push(text!("schedule.more-regions", count));
    }
    let mut frame = Frame::open(doc, paper, title, shows);
    let control: Sign = Box::new(|canvas, at| {
        canvas.rect((at.0 - 9.0, at.1 - 7.0), (at.0 + 9.0, at.1 + 7.0), BAND);
        canvas.disc(at, 4.5, CONTROL);
        canvas.disc(at, 2.5, PAPER);
    });
    let treated: Sign = Box::new(move |canvas, at| {
        let (a, b) = ((at.0 - 9.0, at.1 - 7.0), (at.0 + 9.0, at.1 + 7.0));
        canvas.area(vec![a, (b.0, a.1), b, (a.0, b.1)], color, TINT);
        marker(canvas, 0, at, 4.5, color);
    });
    frame.legend(vec![
        (control, control_title(doc)),
        (treated, arm_title(doc, &arm.name)),
    ]);
    let (from, right) = (frame.left(), frame.right());
    let most = NAMES.min(NAMES_SHARE * (right - from));
    let names: Vec<Block> = regions.iter().map(|r| name(&r.region, most)).collect();
    let widest = names.iter().map(Block::width).fold(0.0, f64::max);
    let left = from + widest + GAP;
    let blocks = schedule.blocks.len().max(1);
    let width = (right - left) / blocks as f64;
    let top = frame.top;
    for (i, (region, name)) in regions.iter().zip(&names).enumerate() {
        let y = top + i as f64 * ROW;
        let middle = y + (ROW - name.height()) / 2.0;
        frame.canvas.text(from, middle, Anchor::Start, name);
        row(&mut frame, region, (left, y, width), &arm.name, color);
    }
    let bottom = top + regions.len() as f64 * ROW;
    days(&mut frame, &schedule.blocks, (left, bottom, width));
    frame.top = bottom + 22.0;
    frame.close(doc, "schedule").map(Some)
}

/// A region's name; of one that is too long its beginning and its last words, where regions of one
/// company often differ.
fn name(region: &str, most: f64) -> Block {
    let name = plain(region);
    let last = (name.char_indices().rev())
        .take(LAST_WORDS)
        .filter(|(_, c)| *c == ' ')
        .last();
    match last {
        Some((at, _)) if measure(&name, LABEL) > 2.0 * most => {
            let first = shortened(&name, FIRST_WORDS);
            block(&[&first, &name[at..]].concat(), LABEL, most, 2)
        }
        _ => block(&name, LABEL, most, 2),
    }
}

fn row(
    frame: &mut Frame,
    region: &RegionRow,
    (left, top, width): (f64, f64, f64),
    arm: &str,
    color: &'static str,
) {
    let (low, high) = (region.rates.iter().flatten())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| {
            (l.min(*v), h.max(*v))
        });
    let (inner, reach) = (top + 9.0, ROW - 18.0);
    let height = |rate: f64| match high > low {
        true => inner + (high - rate) / (high - low) * reach,
        false => inner + reach / 2.0,
    };
    let radius = (0.35 * width).clamp(1.5, 4.5);
    for (i, (own, rate)) in region.arms.iter().zip(&region.rates).enumerate() {
        let (a, b) = (left + i as f64 * width, left + (i + 1) as f64 * width);
        let treated = own == arm;
        let (upper, lower) = (top + 2.0, top + ROW - 2.0);
        match treated {
            true => {
                let corners = vec![(a, upper), (b, upper), (b, lower), (a, lower)];
                frame.canvas.area(corners, color, TINT);
            }
            false => frame.canvas.rect((a, upper), (b, lower), BAND),
        }
        frame.canvas.line(vec![(a, upper), (a, lower)], 0.6, GRID);
        let Some(rate) = rate else {
            let style = Style { ..NOTE };
            let text = block("–", style, width, 1);
            let y = top + (ROW - style.line_height()) / 2.0;
            frame.canvas.text((a + b) / 2.0, y, Anchor::Middle, &text);
            continue;
        };
        let at = ((a + b) / 2.0, height(*rate));
        match treated {
            true => marker(&mut frame.canvas, 0, at, radius, color),
            false => {
                frame.canvas.disc(at, radius, CONTROL);
                frame.canvas.disc(at, radius * 0.55, PAPER);
            }
        }
    }
}

/// First days of as many blocks as fit.
fn days(frame: &mut Frame, blocks: &[[String; 2]], (left, top, width): (f64, f64, f64)) {
    let widest = block("2026-12-30", AXIS, 200.0, 1).width() + 14.0;
    let every = (widest / width).ceil().max(1.0) as usize;
    for (i, [first, _]) in blocks.iter().enumerate().step_by(every) {
        let x = left + i as f64 * width;
        // The last label may not run over the edge.
        if x + widest - 14.0 > frame.right() + 2.0 {
            break;
        }
        let text = block(first, AXIS, 200.0, 1);
        frame.canvas.text(x, top + 4.0, Anchor::Start, &text);
    }
}
