//! The sheet of corrections: the effect of an arm that was chosen because it looked best, by formulas.
//!
//! The hybrid estimate of [`crate::stats::winner::Winner`] on net present values, in standard errors
//! from each arm's estimate. Covariances come from the analysis; values and costs, and with them who
//! beats whom, from the other sheets.

use crate::error::Result;
use crate::stats::winner::{critical, moves_along};
use crate::texts::text;

use super::arm::ArmSheet;
use super::book::{Book, at, cell};
use super::figure::Figure;
use super::formula::Place;
use super::inputs::{Correcting, Inputs};
use super::style::{Kind, Style};

/// Row of the arms' titles.
const HEAD: u32 = 3;
/// Halvings of the projection interval, at most 12 standard errors wide: to 1e-12 of one.
const STEPS: u32 = 43;
/// Standard errors that count as no end at all: the projection interval ends before 7.
const FAR: &str = "99";
/// A line of the table by arm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Row {
    Spend,
    Npv,
    Observed,
    Se,
    SeContacts,
    SeNpv,
    Compared,
    Critical,
    Lower,
    Upper,
    Shift,
    Contacts,
    Minutes,
}

use Row::*;

const ROWS: [Row; 13] = [
    Spend, Npv, Observed, Se, SeContacts, SeNpv, Compared, Critical, Lower, Upper, Shift, Contacts,
    Minutes,
];

impl Row {
    fn number(self) -> u32 {
        let place = ROWS.iter().position(|r| *r == self).unwrap_or(0);
        HEAD + 1 + place as u32
    }

    fn label(self) -> String {
        match self {
            Spend => text("workbook.k-spend", &[]),
            Npv => text("workbook.k-npv", &[]),
            Observed => text("workbook.c-observed", &[]),
            Se => text("workbook.k-se", &[]),
            SeContacts => text("workbook.k-se-contacts", &[]),
            SeNpv => text("workbook.k-se-npv", &[]),
            Compared => text("workbook.k-compared", &[]),
            Critical => text("workbook.k-critical", &[]),
            Lower => text("workbook.k-lower", &[]),
            Upper => text("workbook.k-upper", &[]),
            Shift => text("workbook.k-shift", &[]),
            Contacts => text("workbook.k-contacts", &[]),
            Minutes => text("workbook.k-minutes", &[]),
        }
    }

    fn kind(self) -> Kind {
        match self {
            Spend | Npv | Observed | SeNpv => Kind::Money,
            Compared => Kind::Whole,
            _ => Kind::Factor,
        }
    }
}

/// What the sheet is written from.
struct Page<'a> {
    sheet: usize,
    of: &'a Correcting,
    titles: Vec<&'a str>,
}

/// Writes the sheet, and the names of the effects that count; gives its number.
pub fn sheet(
    book: &mut Book,
    name: &str,
    inputs: &Inputs,
    of: &Correcting,
    arms: &[ArmSheet],
) -> Result<usize> {
    let mut widths = vec![58.0];
    widths.extend(vec![16.0; arms.len().max(4)]);
    let sheet = book.sheet(name, &widths);
    let page = Page {
        sheet,
        of,
        titles: inputs.arms.iter().map(|a| a.title.as_str()).collect(),
    };
    book.paragraph(at(sheet, 0, 0), 6, Style::Title, name);
    let about = text("workbook.correction-about", &[]);
    book.paragraph(at(sheet, 1, 0), 6, Style::Note, &about);
    page.heads(book, HEAD, text("workbook.k-arm", &[]));
    book.sheets[sheet].frozen = (HEAD + 1, 1);
    for row in ROWS.iter().filter(|r| inputs.minutes || **r != Minutes) {
        book.text(at(sheet, row.number(), 0), Style::Text, row.label());
    }
    page.values(book, arms)?;
    let beats = page.beats(book)?;
    let (falls, rises) = page.ends(book, beats)?;
    let table = page.table(book, rises + page.arms());
    for k in 0..page.arms() {
        let row = |square: u32| page.row_of(square, k);
        let counts = format!("1+SUM({})", row(beats));
        page.write(book, Compared, k, counts)?;
        let half_width = format!("INDEX({table},{})", page.own(Compared, k));
        page.write(book, Critical, k, half_width)?;
        page.write(book, Lower, k, format!("MAX({},-{FAR})", row(falls)))?;
        page.write(book, Upper, k, format!("MIN({},{FAR})", row(rises)))?;
    }
    page.steps(book, rises + 2 * page.arms() + 8)?;
    page.effects(book, inputs)?;
    Ok(sheet)
}

impl Page<'_> {
    fn arms(&self) -> u32 {
        self.titles.len() as u32
    }

    fn place(&self, row: Row, arm: u32) -> Place {
        at(self.sheet, row.number(), 1 + arm as u16)
    }

    /// A line of an arm, as formulas of the sheet name it.
    fn own(&self, row: Row, arm: u32) -> String {
        cell(row.number(), 1 + arm as u16)
    }

    fn write(&self, book: &mut Book, row: Row, arm: u32, formula: String) -> Result<()> {
        book.formula(self.place(row, arm), Style::Live(row.kind()), formula)
    }

    fn heads(&self, book: &mut Book, row: u32, first: String) {
        book.text(at(self.sheet, row, 0), Style::Head, first);
        for (k, title) in self.titles.iter().enumerate() {
            book.text(at(self.sheet, row, 1 + k as u16), Style::HeadRight, *title);
        }
    }

    /// Values, costs and standard errors.
    fn values(&self, book: &mut Book, arms: &[ArmSheet]) -> Result<()> {
        for (k, arm) in arms.iter().enumerate() {
            let spend = book.reference(arm.place(Figure::Spend));
            let npv = book.reference(arm.place(Figure::NpvEstimated));
            let observed = book.reference(arm.place(Figure::ObservedEstimated));
            let (se, contacts) = (self.of.priced_se[k], self.of.contacts_se[k]);
            let k = k as u32;
            self.write(book, Spend, k, spend)?;
            self.write(book, Npv, k, npv)?;
            self.write(book, Observed, k, observed)?;
            book.number(self.place(Se, k), Style::Fixed(Kind::Factor), se);
            let place = self.place(SeContacts, k);
            book.number(place, Style::Fixed(Kind::Factor), contacts);
            let formula = format!("saving_pv*{}", self.own(Se, k));
            self.write(book, SeNpv, k, formula)?;
        }
        Ok(())
    }

    /// First row of a square of pairs of arms, one a row, one a column, after its title and heads.
    fn square(&self, book: &mut Book, number: u32, title: String) -> u32 {
        let first = HEAD + ROWS.len() as u32 + 5 + number * (self.arms() + 4);
        book.text(at(self.sheet, first - 2, 0), Style::Heading, title);
        self.heads(book, first - 1, String::new());
        for (k, title) in self.titles.iter().enumerate() {
            book.text(at(self.sheet, first + k as u32, 0), Style::Text, *title);
        }
        first
    }

    fn row_of(&self, square: u32, k: u32) -> String {
        let row = square + k;
        format!("{}:{}", cell(row, 1), cell(row, self.arms() as u16))
    }

    fn pairs(&self) -> impl Iterator<Item = (u32, u32)> + use<> {
        let arms = self.arms();
        (0..arms).flat_map(move |k| (0..arms).filter(move |j| *j != k).map(move |j| (k, j)))
    }

    fn beats(&self, book: &mut Book) -> Result<u32> {
        let first = self.square(book, 0, text("workbook.k-beats", &[]));
        for (k, j) in self.pairs() {
            let place = at(self.sheet, first + k, 1 + j as u16);
            let (own, other) = (self.own(Npv, k), self.own(Npv, j));
            let formula = format!("IF({other}<={own},1,0)");
            book.formula(place, Style::Live(Kind::Whole), formula)?;
        }
        Ok(first)
    }

    /// 1/(1 − Σ_kj/Σ_kk); `None` where the two say nothing of each other, or the arm has no error.
    fn moves(&self, k: u32, j: u32) -> Option<f64> {
        let row = &self.of.covariance[k as usize];
        let (variance, shared) = (row[k as usize], row[j as usize]);
        let known = variance.is_finite() && variance > 0.0 && shared.is_finite();
        let moves =
            (known && !moves_along(variance, shared)).then(|| variance / (variance - shared));
        moves.filter(|m| m.is_finite())
    }

    /// The squares of how far an arm may fall and rise.
    fn ends(&self, book: &mut Book, beats: u32) -> Result<(u32, u32)> {
        let moves = self.square(book, 1, text("workbook.k-moves", &[]));
        let falls = self.square(book, 2, text("workbook.k-falls", &[]));
        let rises = self.square(book, 3, text("workbook.k-rises", &[]));
        for (k, j) in self.pairs() {
            let Some(factor) = self.moves(k, j) else {
                continue;
            };
            let column = 1 + j as u16;
            let style = Style::Fixed(Kind::Factor);
            book.number(at(self.sheet, moves + k, column), style, factor);
            let (square, far) = match factor > 0.0 {
                true => (falls, format!("-{FAR}")),
                false => (rises, FAR.to_owned()),
            };
            let formula = format!(
                "IF(AND({}=1,{se}>0),{}*({}-{})/{se},{far})",
                cell(beats + k, column),
                cell(moves + k, column),
                self.own(Npv, j),
                self.own(Npv, k),
                se = self.own(SeNpv, k),
            );
            let place = at(self.sheet, square + k, column);
            book.formula(place, Style::Live(Kind::Factor), formula)?;
        }
        Ok((falls, rises))
    }

    /// Half-widths by number of arms compared; gives their block.
    fn table(&self, book: &mut Book, row: u32) -> String {
        let title = text("workbook.k-table", &[]);
        book.text(at(self.sheet, row + 1, 0), Style::Heading, title);
        let first = row + 3;
        let head = text("workbook.k-number", &[]);
        book.text(at(self.sheet, first - 1, 0), Style::Head, head);
        let head = text("workbook.k-critical", &[]);
        book.text(at(self.sheet, first - 1, 1), Style::HeadRight, head);
        for m in 1..=self.arms() {
            let row = first + m - 1;
            book.number(at(self.sheet, row, 0), Style::Live(Kind::Whole), m.into());
            let half_width = critical(self.of.beta, m);
            book.number(
                at(self.sheet, row, 1),
                Style::Fixed(Kind::Factor),
                half_width,
            );
        }
        format!("$B${}:$B${}", first + 1, first + self.arms())
    }

    /// The μ under which the share of the truncated normal below the estimate is ½, a block an arm.
    fn steps(&self, book: &mut Book, row: u32) -> Result<()> {
        let title = text("workbook.k-steps", &[]);
        book.text(at(self.sheet, row, 0), Style::Heading, title);
        for (k, title) in self.titles.iter().enumerate() {
            let k = k as u32;
            let head = row + 1 + k * (STEPS + 3);
            book.text(at(self.sheet, head, 0), Style::Head, *title);
            let heads = [
                text("workbook.k-at", &[]),
                text("workbook.k-from", &[]),
                text("workbook.k-to", &[]),
                text("workbook.k-share", &[]),
            ];
            for (i, name) in heads.into_iter().enumerate() {
                book.text(at(self.sheet, head, 1 + i as u16), Style::HeadRight, name);
            }
            for step in 0..=STEPS {
                self.step(book, head + 1 + step, step, k)?;
            }
            let shift = format!(
                "IF(AND({}>0,{}>1),{},0)",
                self.own(SeNpv, k),
                self.own(Compared, k),
                cell(head + 1 + STEPS, 1)
            );
            self.write(book, Shift, k, shift)?;
        }
        Ok(())
    }

    fn step(&self, book: &mut Book, row: u32, step: u32, k: u32) -> Result<()> {
        let name = text("workbook.k-step", &[("number", &step.to_string())]);
        book.text(at(self.sheet, row, 0), Style::Text, name);
        let (mean, from, to) = (cell(row, 1), cell(row, 2), cell(row, 3));
        let half_width = self.own(Critical, k);
        let formulas = [
            match step {
                0 => "0".to_owned(),
                _ => format!(
                    "{}+IF({}>0.5,1,-1)*{half_width}/2^{step}",
                    cell(row - 1, 1),
                    cell(row - 1, 4),
                ),
            },
            format!("MAX({}-{mean},-{half_width})", self.own(Lower, k)),
            format!("MIN({}-{mean},{half_width})", self.own(Upper, k)),
            // Of two tails the one in which differences keep their digits.
            format!(
                "IF(-{mean}<={from},0,IF(-{mean}>={to},1,IF({from}>0,\
                 (NORMSDIST(-{from})-NORMSDIST({mean}))/(NORMSDIST(-{from})-NORMSDIST(-{to})),\
                 (NORMSDIST(-{mean})-NORMSDIST({from}))/(NORMSDIST({to})-NORMSDIST({from})))))"
            ),
        ];
        for (i, formula) in formulas.into_iter().enumerate() {
            let place = at(self.sheet, row, 1 + i as u16);
            book.formula(place, Style::Live(Kind::Small), formula)?;
        }
        Ok(())
    }

    /// The effects that count, by name.
    fn effects(&self, book: &mut Book, inputs: &Inputs) -> Result<()> {
        for (k, arm) in inputs.arms.iter().enumerate() {
            let number = arm.number;
            let k = k as u32;
            let mut put = |row: Row, se: Row, name: &str| -> Result<()> {
                let formula = format!(
                    "arm{number}_{name}_estimated+{}*{}",
                    self.own(Shift, k),
                    self.own(se, k)
                );
                let place = self.place(row, k);
                book.formula(place, Style::Strong(row.kind()), formula)?;
                book.define(&format!("arm{number}_{name}"), place);
                Ok(())
            };
            put(Contacts, SeContacts, "contacts")?;
            if inputs.minutes {
                put(Minutes, Se, "minutes")?;
            }
        }
        Ok(())
    }
}
