//! The sheet of months that all arms share: customers, what is left of the effect, prices, discounting;
//! per contact (or minute) avoided per customer-month in the pilot.

use crate::error::{Error, Result};
use crate::texts::text;

use super::book::{Book, at, cell, letters};
use super::formula::Place;
use super::inputs::Inputs;
use super::style::{Kind, Style};

/// Row of the first month; the header stands above, the sums below the last.
const FIRST: u32 = 4;

/// Columns of the sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    Month,
    Counts,
    Ramp,
    Reached,
    Delivered,
    Active,
    Young,
    Season,
    Avoided,
    Observed,
    Realised,
    End,
    Start,
    Saving,
    SavingPv,
    ObservedPv,
    LastYear,
    Customers,
    Window,
    Left,
}

use Column::*;

const ALL: [Column; 20] = [
    Month, Counts, Ramp, Reached, Delivered, Active, Young, Season, Avoided, Observed, Realised,
    End, Start, Saving, SavingPv, ObservedPv, LastYear, Customers, Window, Left,
];

impl Column {
    fn index(self) -> u16 {
        ALL.iter().position(|c| *c == self).unwrap_or(0) as u16
    }

    fn head(self) -> String {
        match self {
            Month => text("workbook.month", &[]),
            Counts => text("workbook.m-counts", &[]),
            Ramp => text("workbook.m-ramp", &[]),
            Reached => text("workbook.m-reached", &[]),
            Delivered => text("workbook.m-delivered", &[]),
            Active => text("workbook.m-active", &[]),
            Young => text("workbook.m-young", &[]),
            Season => text("workbook.m-season", &[]),
            Avoided => text("workbook.m-avoided", &[]),
            Observed => text("workbook.m-observed", &[]),
            Realised => text("workbook.m-realised", &[]),
            End => text("workbook.m-end", &[]),
            Start => text("workbook.m-start", &[]),
            Saving => text("workbook.m-saving", &[]),
            SavingPv => text("line.savings", &[]),
            ObservedPv => text("workbook.m-observed-pv", &[]),
            LastYear => text("workbook.m-last-year", &[]),
            Customers => text("workbook.m-customers", &[]),
            Window => text("workbook.m-window", &[]),
            Left => text("workbook.m-left", &[]),
        }
    }

    fn kind(self) -> Kind {
        match self {
            Month | Counts => Kind::Whole,
            Ramp | Realised => Kind::Share,
            Reached | Delivered | Active | Young | Avoided | Observed | Customers => Kind::Count,
            Season | End | Start | LastYear | Window | Left => Kind::Factor,
            Saving => Kind::Price,
            SavingPv | ObservedPv => Kind::Money,
        }
    }
}

/// Where the months stand.
pub struct Months {
    sheet: usize,
    last: u32,
    /// The twelve factors of the calendar months.
    seasons: String,
}

impl Months {
    /// A cell of month 1, 2 … as formulas of other sheets name it.
    pub fn cell(&self, book: &Book, column: Column, month: u32) -> String {
        let place = at(self.sheet, FIRST + month - 1, column.index());
        book.reference(place).replace('$', "")
    }
}

/// Writes the sheet; gives where its months stand.
pub fn sheet(book: &mut Book, name: &str, inputs: &Inputs) -> Result<(usize, Months)> {
    let mut widths = vec![13.0; ALL.len()];
    widths[0] = 9.0;
    let sheet = book.sheet(name, &widths);
    let months = Months {
        sheet,
        last: FIRST + inputs.months - 1,
        seasons: seasons(book)?,
    };
    book.paragraph(at(sheet, 0, 0), 13, Style::Title, name);
    let about = text("workbook.months-about", &[]);
    book.paragraph(at(sheet, 1, 0), 13, Style::Note, &about);
    for column in ALL {
        let place = at(sheet, FIRST - 1, column.index());
        book.text(place, Style::HeadRight, column.head());
    }
    for row in FIRST..=months.last {
        for column in [Month, Window, Left] {
            put(book, &months, row, column)?;
        }
    }
    let row = months.last + 3;
    let mean = format!(
        "SUMPRODUCT({},{})/window_months",
        of(&months, Window),
        of(&months, Left)
    );
    figure(
        book,
        sheet,
        row,
        text("workbook.mean-left", &[]),
        "mean_left",
        mean,
        Kind::Factor,
    )?;
    let ordered = ALL.iter().filter(|c| !matches!(c, Month | Window | Left));
    for row in FIRST..=months.last {
        for column in ordered.clone() {
            put(book, &months, row, *column)?;
        }
    }
    let title = text("workbook.sums", &[]);
    book.text(at(sheet, months.last + 2, 0), Style::Heading, title);
    sums(book, &months)?;
    let sheet_mut = &mut book.sheets[sheet];
    sheet_mut.frozen = (FIRST, 1);
    sheet_mut.repeated = Some((FIRST - 1, FIRST - 1));
    sheet_mut.greyed = Some((
        (FIRST, 0),
        (months.last, ALL.len() as u16 - 1),
        format!("$A{}>horizon_months", FIRST + 1),
    ));
    Ok((sheet, months))
}

fn seasons(book: &Book) -> Result<String> {
    let named = |name: &str| {
        let place = book.names.get(name).copied();
        place.ok_or_else(|| Error::internal(format!("the workbook has no {name}")))
    };
    Ok(book.column(named("season_1")?, named("season_12")?.row))
}

fn of(months: &Months, column: Column) -> String {
    let letter = letters(column.index());
    format!("{letter}${}:{letter}${}", FIRST + 1, months.last + 1)
}

fn figure(
    book: &mut Book,
    sheet: usize,
    row: u32,
    label: String,
    name: &str,
    formula: String,
    kind: Kind,
) -> Result<()> {
    book.paragraph(at(sheet, row, 0), 5, Style::Text, &label);
    let place = at(sheet, row, 6);
    book.formula(place, Style::Live(kind), formula)?;
    book.define(name, place);
    book.text(at(sheet, row, 7), Style::Name, name);
    Ok(())
}

/// What all arms' sums are made of.
fn sums(book: &mut Book, months: &Months) -> Result<()> {
    let of = |column| of(months, column);
    let lines = [
        (
            text("workbook.sum-avoided", &[]),
            "avoided_sum",
            format!("SUM({})", of(Avoided)),
            Kind::Count,
        ),
        (
            text("workbook.sum-avoided-pv", &[]),
            "avoided_pv",
            format!("SUMPRODUCT({},{})", of(Avoided), of(End)),
            Kind::Count,
        ),
        (
            text("workbook.sum-saving-pv", &[]),
            "saving_pv",
            format!("SUM({})", of(SavingPv)),
            Kind::Money,
        ),
        (
            text("workbook.sum-observed-pv", &[]),
            "observed_pv",
            format!("SUM({})", of(ObservedPv)),
            Kind::Money,
        ),
        (
            text("workbook.year-avoided", &[]),
            "year_avoided",
            format!("SUMPRODUCT({},{})", of(Avoided), of(LastYear)),
            Kind::Count,
        ),
        (
            text("workbook.year-saving", &[]),
            "year_saving",
            format!(
                "SUMPRODUCT({},{},{})",
                of(Avoided),
                of(LastYear),
                of(Saving)
            ),
            Kind::Money,
        ),
        (
            text("workbook.year-unrealised", &[]),
            "year_unrealised",
            "year_avoided*(variable_cost+labour_cost)".into(),
            Kind::Money,
        ),
        (
            text("workbook.year-customers", &[]),
            "year_customers",
            format!(
                "SUMPRODUCT({},{},{})",
                of(Customers),
                of(LastYear),
                of(Season)
            ),
            Kind::Count,
        ),
    ];
    for (i, (label, name, formula, kind)) in lines.into_iter().enumerate() {
        figure(
            book,
            months.sheet,
            months.last + 4 + i as u32,
            label,
            name,
            formula,
            kind,
        )?;
    }
    Ok(())
}

fn put(book: &mut Book, months: &Months, row: u32, column: Column) -> Result<()> {
    let place = at(months.sheet, row, column.index());
    let style = Style::Live(column.kind());
    if column == Month {
        book.number(place, style, f64::from(row - FIRST + 1));
        return Ok(());
    }
    let formula = formula(place, column, &months.seasons);
    book.formula(place, style, formula)
}

fn formula(place: Place, column: Column, seasons: &str) -> String {
    let row = place.row;
    let begins = row == FIRST;
    let here = |c: Column| cell(row, c.index());
    let above = |c: Column| cell(row - 1, c.index());
    // From the first month to this row or the one above; `$` keeps the first where it is.
    let since = |c: Column, last: u32| {
        let letter = letters(c.index());
        format!("{letter}${}:{letter}{}", FIRST + 1, last + 1)
    };
    let month = cell(row, Month.index());
    let earlier = |c: Column| format!("INDEX({},{month}-repeat_months)", since(c, row - 1));
    let again = |times: &str| {
        format!(
            "IF(AND(repeat_months>0,{month}>repeat_months),{times}*{},0)",
            earlier(Delivered)
        )
    };
    let left_window = format!(
        "IF({month}>window_full,window_left*INDEX({},{month}-window_full),0)",
        since(Reached, row)
    );
    match column {
        Month => String::new(),
        Counts => format!("IF({month}<=horizon_months,1,0)"),
        Ramp => format!("IF(ramp_months=0,1,MIN(1,{month}/ramp_months))"),
        Reached if begins => format!("offered*({}*units+new_customers)", here(Ramp)),
        Reached => format!(
            "offered*(({}-{})*units+new_customers)",
            here(Ramp),
            above(Ramp)
        ),
        Delivered if begins => here(Reached),
        Delivered => format!("{}+{}", here(Reached), again("repeat_stay")),
        Active if begins => here(Reached),
        Active => format!(
            "stay*kept*{}+{}+{}",
            above(Active),
            here(Reached),
            again("repeat_restores")
        ),
        Young if begins => format!("{}-{left_window}", here(Reached)),
        Young => format!("stay*kept*{}+{}-{left_window}", above(Young), here(Reached)),
        Season => format!("INDEX({seasons},MOD(start_month+{month}-2,12)+1)"),
        Avoided => format!(
            "{}*{}/mean_left*{}",
            here(Counts),
            here(Season),
            here(Active)
        ),
        Observed => format!(
            "{}*{}/mean_left*({}+window_part*{left_window})",
            here(Counts),
            here(Season),
            here(Young)
        ),
        Realised => format!("realisation*MAX(0,MIN(1,{month}-lag_months))"),
        End => format!("(1+discount_rate)^(-{month}/12)"),
        Start => format!("(1+discount_rate)^(-({month}-1)/12)"),
        Saving => format!("variable_cost+labour_cost*{}", here(Realised)),
        SavingPv => format!("{}*{}*{}", here(Avoided), here(Saving), here(End)),
        ObservedPv => format!("{}*{}*{}", here(Observed), here(Saving), here(End)),
        LastYear => format!(
            "IF(AND({month}<=horizon_months,{month}>horizon_months-year_months),12/year_months,0)"
        ),
        Customers if begins => "units+new_customers".into(),
        Customers => format!("{}*stay+new_customers", above(Customers)),
        Window => format!("MAX(0,MIN(1,window_months-({month}-1)))"),
        Left if begins => "1".into(),
        Left => format!("{}*kept", above(Left)),
    }
}
