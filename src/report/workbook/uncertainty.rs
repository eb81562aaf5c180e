//! The sheet of uncertainty: what the simulation said, as values that do not move.

use crate::finance::{ArmCase, Line, TornadoRange};
use crate::report::finding;
use crate::report::number;
use crate::report::text::plain;
use crate::texts::text;

use super::book::{Book, at};
use super::figure::Figure;
use super::inputs::{ArmInput, Inputs};
use super::style::{Kind, Style};

const WIDTHS: [f64; 9] = [36.0, 58.0, 17.0, 17.0, 17.0, 17.0, 17.0, 17.0, 17.0];

/// Writes the sheet; gives its number.
pub fn sheet(book: &mut Book, name: &str, inputs: &Inputs) -> usize {
    let mut widths = WIDTHS.to_vec();
    // Of the options' columns there may be more.
    widths.resize(WIDTHS.len().max(inputs.arms.len() + 3), 17.0);
    let sheet = book.sheet(name, &widths);
    let mut page = Page {
        book,
        inputs,
        sheet,
        row: 0,
    };
    page.text(0, Style::Title, name.to_owned());
    page.row += 1;
    let draws = number::count(inputs.case.draws.into());
    let about = text("workbook.uncertainty-about", &[("draws", &draws)]);
    let place = at(sheet, page.row, 0);
    page.book.paragraph(place, 6, Style::Banner, &about);
    page.row += 2;
    page.intervals();
    page.chances();
    page.tornado();
    page.acceptability();
    page.fan();
    sheet
}

struct Page<'a, 'b> {
    book: &'a mut Book,
    inputs: &'a Inputs<'b>,
    sheet: usize,
    row: u32,
}

impl Page<'_, '_> {
    fn text(&mut self, column: u16, style: Style, text: String) {
        self.book
            .text(at(self.sheet, self.row, column), style, text);
    }

    fn number(&mut self, column: u16, kind: Kind, number: Option<f64>) {
        let place = at(self.sheet, self.row, column);
        self.book.maybe(place, Style::Fixed(kind), number);
    }

    /// A section with the heads of its columns: two of text, then numbers.
    fn section(&mut self, title: String, heads: Vec<String>) {
        self.text(0, Style::Heading, title);
        self.row += 1;
        for (column, head) in heads.into_iter().enumerate() {
            let style = match column {
                0 | 1 => Style::Head,
                _ => Style::HeadRight,
            };
            self.text(column as u16, style, head);
        }
        self.row += 1;
    }

    fn intervals(&mut self) {
        let level = finding::level(self.inputs.case.level);
        self.section(
            text("workbook.u-intervals", &[("level", &level)]),
            vec![
                text("workbook.u-arm", &[]),
                text("workbook.head-figure", &[]),
                text("workbook.u-value", &[]),
                text("workbook.u-lower", &[]),
                text("workbook.u-upper", &[]),
            ],
        );
        let minutes = self.inputs.minutes;
        for arm in &self.inputs.arms {
            for (figure, line) in lines(arm.case) {
                self.text(0, Style::FixedText, arm.title.clone());
                self.text(1, Style::FixedText, figure.label(minutes));
                for (column, value) in [(2, Some(line.value)), (3, line.lower), (4, line.upper)] {
                    self.number(column, figure.kind(), value);
                }
                self.row += 1;
            }
            self.months(arm);
        }
        self.row += 1;
    }

    /// The months of payback; of an end beyond the horizon there is none.
    fn months(&mut self, arm: &ArmInput) {
        let case = arm.case;
        for (figure, value, interval) in [
            (
                Figure::Payback,
                case.payback_months,
                case.payback_months_interval,
            ),
            (
                Figure::PaybackDiscounted,
                case.payback_months_discounted,
                case.payback_months_discounted_interval,
            ),
        ] {
            let Some(interval) = interval else { continue };
            self.text(0, Style::FixedText, arm.title.clone());
            self.text(1, Style::FixedText, figure.label(false));
            for (column, month) in [(2, value), (3, interval.lower), (4, interval.upper)] {
                match month {
                    Some(month) => self.number(column, figure.kind(), Some(month.into())),
                    None => self.text(column, Style::FixedText, text!("workbook.none")),
                }
            }
            self.row += 1;
        }
    }

    fn chances(&mut self) {
        self.section(
            text("workbook.u-chances", &[]),
            vec![
                text("workbook.u-arm", &[]),
                text("workbook.u-event", &[]),
                text("workbook.u-chance", &[]),
            ],
        );
        for arm in &self.inputs.arms {
            let raw = arm.case.as_estimated.as_ref();
            for (event, chance) in [
                (
                    text("workbook.u-npv-positive", &[]),
                    arm.case.probability_npv_positive,
                ),
                (
                    text("workbook.u-every-reason-positive", &[]),
                    arm.case.every_reason.map(|e| e.probability_npv_positive),
                ),
                (
                    text("workbook.u-npv-positive-estimated", &[]),
                    raw.and_then(|r| r.probability_npv_positive),
                ),
                (
                    text("workbook.u-payback", &[]),
                    arm.case.probability_payback,
                ),
                (
                    text("line.break-even-exists", &[]),
                    arm.case.break_even_exists,
                ),
                (
                    text("workbook.u-budget", &[]),
                    arm.case.probability_budget_claim,
                ),
            ] {
                if chance.is_some() {
                    self.text(0, Style::FixedText, arm.title.clone());
                    self.text(1, Style::FixedText, event);
                    self.number(2, Kind::Chance, chance);
                    self.row += 1;
                }
            }
        }
        self.row += 1;
    }

    fn title(&self, arm: Option<&str>) -> String {
        match arm {
            Some(arm) => finding::arm_title(self.inputs.doc, arm),
            None => text("workbook.no-roll-out", &[]),
        }
    }

    fn tornado(&mut self) {
        self.section(
            text("workbook.u-tornado", &[]),
            vec![
                text("workbook.u-arm", &[]),
                text("workbook.head-assumption", &[]),
                text("workbook.u-low", &[]),
                text("workbook.u-high", &[]),
                text("workbook.u-npv-low", &[]),
                text("workbook.u-npv-high", &[]),
            ],
        );
        for row in &self.inputs.case.tornado {
            let title = self.title(Some(&row.arm));
            self.text(0, Style::FixedText, title);
            let stated = match row.range {
                TornadoRange::Percentiles => plain(&row.key).into_owned(),
                TornadoRange::NotStated => {
                    text("workbook.u-not-stated", &[("key", &plain(&row.key))])
                }
            };
            let unit = row.unit.words();
            let unit = plain(&unit);
            self.text(1, Style::FixedText, format!("{stated}, {unit}"));
            self.number(2, Kind::Factor, Some(row.low));
            match row.high {
                Some(high) => self.number(3, Kind::Factor, Some(high)),
                None => self.text(3, Style::FixedText, text("workbook.u-without-end", &[])),
            }
            self.number(4, Kind::Money, Some(row.npv_low));
            self.number(5, Kind::Money, Some(row.npv_high));
            self.row += 1;
        }
        self.row += 1;
    }

    fn acceptability(&mut self) {
        let Some(choice) = &self.inputs.case.choice else {
            return;
        };
        if choice.acceptability.is_empty() {
            return;
        }
        let first = choice.acceptability[0].value;
        let options: Vec<_> = choice
            .acceptability
            .iter()
            .take_while(|row| row.value == first)
            .map(|row| self.title(row.arm.as_deref()))
            .collect();
        let mut heads = vec![
            text("workbook.u-worth", &[]),
            text("workbook.u-on-average", &[]),
        ];
        heads.extend(options.iter().cloned());
        self.section(text("workbook.u-acceptability", &[]), heads);
        for rows in choice.acceptability.chunks(options.len().max(1)) {
            self.number(0, Kind::Price, rows.first().map(|row| row.value));
            let best = rows.iter().find(|row| row.best_on_average);
            let best = best.map_or_else(String::new, |row| self.title(row.arm.as_deref()));
            self.text(1, Style::FixedText, best);
            for (i, row) in rows.iter().enumerate() {
                self.number(2 + i as u16, Kind::Chance, Some(row.probability));
            }
            self.row += 1;
        }
        self.row += 1;
    }

    fn fan(&mut self) {
        let level = finding::level(self.inputs.case.level);
        self.section(
            text("workbook.u-fan", &[]),
            vec![
                text("workbook.u-arm", &[]),
                text("workbook.month", &[]),
                text("workbook.u-lower-of", &[("level", &level)]),
                "5 %".into(),
                "25 %".into(),
                "50 %".into(),
                "75 %".into(),
                "95 %".into(),
                text("workbook.u-upper-of", &[("level", &level)]),
            ],
        );
        for row in &self.inputs.doc.cashflow {
            let title = self.title(Some(&row.arm));
            self.text(0, Style::FixedText, title);
            self.number(1, Kind::Whole, Some(row.month.into()));
            self.number(2, Kind::Money, row.cumulative_lower);
            if let Some(fan) = &row.fan {
                let quantiles = [fan.p05, fan.p25, fan.p50, fan.p75, fan.p95];
                for (i, value) in quantiles.into_iter().enumerate() {
                    self.number(3 + i as u16, Kind::Money, Some(value));
                }
            }
            self.number(8, Kind::Money, row.cumulative_upper);
            self.row += 1;
        }
    }
}

fn lines(arm: &ArmCase) -> Vec<(Figure, Line)> {
    let lines = [
        (Figure::Effect, Some(arm.avoided_per_customer_month)),
        (Figure::Minutes, arm.minutes_per_customer_month),
        (Figure::Contacts, Some(arm.contacts_avoided)),
        (Figure::MinutesAvoided, arm.minutes_avoided),
        (Figure::Savings, arm.pv_savings),
        (Figure::Spend, arm.pv_spend),
        (Figure::Npv, arm.npv),
        (Figure::ObservedOnly, arm.npv_observed_only),
        (Figure::EveryReason, arm.every_reason.map(|e| e.npv)),
        (Figure::Beyond, arm.share_beyond_observed),
        (Figure::NpvBeyond, arm.npv_share_beyond_observed),
        (Figure::Roi, arm.roi),
        (Figure::CostPerContact, arm.cost_per_contact_avoided),
        (Figure::BreakEven, arm.break_even_reduction),
        (Figure::BreakEvenDay, arm.break_even_avoided_per_day),
        (Figure::BudgetShare, arm.budget_share),
        (Figure::BudgetShareUnrealised, arm.budget_share_unrealised),
        (
            Figure::NpvEstimated,
            arm.as_estimated.as_ref().and_then(|r| r.npv),
        ),
    ];
    let known = lines.into_iter();
    known.filter_map(|(f, line)| Some((f, line?))).collect()
}
