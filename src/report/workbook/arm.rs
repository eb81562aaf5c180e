//! The sheet of an arm: its cash month by month, and what it comes to.

use crate::error::Result;
use crate::finance::DAYS_PER_MONTH;
use crate::texts::text;

use super::book::{Book, at, letters};
use super::figure::Figure;
use super::formula::{Place, literal};
use super::inputs::{ArmInput, Inputs};
use super::months::{Column as Shared, Months};
use super::style::{Kind, Style};

/// Row of month 0; the header stands above, the figures below the last month.
const FIRST: u32 = 4;
/// Column of the figures' values.
const VALUE: u16 = 5;

use Figure::*;

/// Where an arm's figures stand.
pub struct ArmSheet {
    pub sheet: usize,
    figures: Vec<Figure>,
    /// Row of the first figure.
    begins: u32,
}

impl ArmSheet {
    /// The cell of a figure.
    pub fn place(&self, figure: Figure) -> Place {
        let at_row = self.figures.iter().position(|f| *f == figure).unwrap_or(0);
        at(self.sheet, self.begins + at_row as u32, VALUE)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Month,
    Contacts,
    Minutes,
    Variable,
    Labour,
    Delivery,
    Running,
    Fixed,
    Net,
    Cumulative,
    SavingsPv,
    SpendPv,
    Discounted,
    Short,
    ShortDiscounted,
}

impl Column {
    /// What the arm costs, whatever its effect.
    fn costs(self) -> bool {
        use Column::*;
        matches!(self, Month | Delivery | Running | Fixed | SpendPv)
    }

    /// What rests on the sums of the others.
    fn looks_back(self) -> bool {
        matches!(self, Column::Short | Column::ShortDiscounted)
    }

    fn head(self) -> String {
        match self {
            Column::Month => text("workbook.month", &[]),
            Column::Contacts => text("line.contacts", &[]),
            Column::Minutes => text("workbook.a-minutes", &[]),
            Column::Variable => text("workbook.a-variable", &[]),
            Column::Labour => text("workbook.a-labour", &[]),
            Column::Delivery => text("workbook.a-delivery", &[]),
            Column::Running => text("workbook.a-running", &[]),
            Column::Fixed => text("workbook.a-fixed", &[]),
            Column::Net => text("workbook.a-net", &[]),
            Column::Cumulative => text("workbook.a-cumulative", &[]),
            Column::SavingsPv => text("line.savings", &[]),
            Column::SpendPv => text("line.spend", &[]),
            Column::Discounted => text("workbook.a-discounted", &[]),
            Column::Short => text("workbook.a-short", &[]),
            Column::ShortDiscounted => text("workbook.a-short-discounted", &[]),
        }
    }

    fn kind(self) -> Kind {
        match self {
            Column::Month | Column::Short | Column::ShortDiscounted => Kind::Whole,
            Column::Contacts | Column::Minutes => Kind::Count,
            _ => Kind::Money,
        }
    }
}

/// What one arm's sheet is written from.
struct Page<'a> {
    months: &'a Months,
    number: usize,
    minutes: bool,
    columns: Vec<Column>,
    /// Row of month 0.
    first: u32,
    last: u32,
    at: &'a ArmSheet,
}

fn page<'a>(inputs: &Inputs, arm: &ArmInput, months: &'a Months, at: &'a ArmSheet) -> Page<'a> {
    Page {
        months,
        number: arm.number,
        minutes: inputs.minutes,
        columns: columns(inputs),
        first: FIRST,
        last: FIRST + inputs.months,
        at,
    }
}

fn columns(inputs: &Inputs) -> Vec<Column> {
    let mut columns = vec![Column::Month, Column::Contacts];
    if inputs.minutes {
        columns.push(Column::Minutes);
    }
    columns.extend([
        Column::Variable,
        Column::Labour,
        Column::Delivery,
        Column::Running,
        Column::Fixed,
        Column::Net,
        Column::Cumulative,
        Column::SavingsPv,
        Column::SpendPv,
        Column::Discounted,
        Column::Short,
        Column::ShortDiscounted,
    ]);
    columns
}

/// Begins the sheet with what the arm costs and comes to as estimated, which is what the choice rests
/// on; gives where its figures stand.
pub fn costs(
    book: &mut Book,
    name: &str,
    inputs: &Inputs,
    arm: &ArmInput,
    months: &Months,
) -> Result<ArmSheet> {
    let mut widths = vec![15.0; columns(inputs).len()];
    widths[0] = 9.0;
    let sheet = ArmSheet {
        sheet: book.sheet(name, &widths),
        figures: Figure::all(inputs),
        begins: FIRST + inputs.months + 3,
    };
    let page = page(inputs, arm, months, &sheet);
    let wide = page.columns.len() as u16 - 1;
    book.paragraph(at(sheet.sheet, 0, 0), wide, Style::Title, &arm.title);
    let currency = crate::report::text::plain(&inputs.case.currency).into_owned();
    let about = text("workbook.arm-about", &[("currency", &currency)]);
    book.paragraph(at(sheet.sheet, 1, 0), wide, Style::Note, &about);
    page.heads(book);
    page.table(book, Column::costs)?;
    let title = text("workbook.arm-figures", &[]);
    book.text(at(sheet.sheet, sheet.begins - 1, 0), Style::Heading, title);
    page.figures(book, Figure::is_before_the_choice)?;
    let (first, last) = (page.first, page.last);
    let page_sheet = &mut book.sheets[sheet.sheet];
    page_sheet.frozen = (first, 1);
    page_sheet.repeated = Some((first - 1, first - 1));
    page_sheet.greyed = Some((
        (first, 0),
        (last, wide),
        format!("$A{}>horizon_months", first + 1),
    ));
    Ok(sheet)
}

/// Writes the rest of the sheet, once the effect that counts stands.
pub fn cash(
    book: &mut Book,
    inputs: &Inputs,
    arm: &ArmInput,
    months: &Months,
    sheet: &ArmSheet,
) -> Result<()> {
    let page = page(inputs, arm, months, sheet);
    page.table(book, |c| !c.costs() && !c.looks_back())?;
    page.table(book, Column::looks_back)?;
    page.figures(book, |f| !f.is_before_the_choice())
}

impl Page<'_> {
    fn letter(&self, column: Column) -> String {
        let index = self.columns.iter().position(|c| *c == column);
        letters(index.unwrap_or(0) as u16)
    }

    fn of(&self, column: Column) -> String {
        let letter = self.letter(column);
        format!("{letter}{}:{letter}{}", self.first + 1, self.last + 1)
    }

    fn figure(&self, figure: Figure) -> String {
        let place = self.at.place(figure);
        format!("${}${}", letters(place.column), place.row + 1)
    }

    /// A defined name of this arm.
    fn named(&self, name: &str) -> String {
        format!("arm{}_{name}", self.number)
    }

    fn heads(&self, book: &mut Book) {
        for (i, column) in self.columns.iter().enumerate() {
            let place = at(self.at.sheet, self.first - 1, i as u16);
            book.text(place, Style::HeadRight, column.head());
        }
    }

    /// Writes the columns that are `wanted`.
    fn table(&self, book: &mut Book, wanted: fn(Column) -> bool) -> Result<()> {
        for month in 0..=(self.last - self.first) {
            for (i, column) in self.columns.iter().enumerate() {
                if !wanted(*column) {
                    continue;
                }
                let place = at(self.at.sheet, self.first + month, i as u16);
                let style = Style::Live(column.kind());
                match (column, self.formula(book, month, *column)) {
                    (Column::Month, _) => book.number(place, style, month.into()),
                    (_, Some(formula)) => book.formula(place, style, formula)?,
                    (_, None) => book.number(place, style, 0.0),
                }
            }
        }
        Ok(())
    }

    /// `None` is 0: month 0 has the fixed cost only, and no other month has it.
    fn formula(&self, book: &Book, month: u32, column: Column) -> Option<String> {
        let row = self.first + month;
        let here = |c: Column| format!("{}{}", self.letter(c), row + 1);
        let above = |c: Column| format!("{}{row}", self.letter(c));
        let shared = |c: Shared| self.months.cell(book, c, month.max(1));
        let avoided = |name: &str| format!("{}*{}", self.named(name), shared(Shared::Avoided));
        let priced = match self.minutes {
            true => Column::Minutes,
            false => Column::Contacts,
        };
        let starts = month == 0;
        let short = |of: Column, spent: Figure| {
            format!(
                "IF(AND({month}<=horizon_months,{of}<-0.000000001*{spent}),{month},0)",
                month = here(Column::Month),
                of = here(of),
                spent = self.figure(spent),
            )
        };
        Some(match column {
            Column::Month => return None,
            Column::Net => format!(
                "{}+{}-{}-{}-{}",
                here(Column::Variable),
                here(Column::Labour),
                here(Column::Delivery),
                here(Column::Running),
                here(Column::Fixed)
            ),
            Column::Cumulative if starts => here(Column::Net),
            Column::Cumulative => format!("{}+{}", above(Column::Cumulative), here(Column::Net)),
            Column::Discounted => {
                let now = format!("{}-{}", here(Column::SavingsPv), here(Column::SpendPv));
                match starts {
                    true => now,
                    false => format!("{}+{now}", above(Column::Discounted)),
                }
            }
            Column::Short => short(Column::Cumulative, Spent),
            Column::ShortDiscounted => short(Column::Discounted, Spend),
            Column::Fixed if starts => self.named("fixed"),
            Column::SpendPv if starts => here(Column::Fixed),
            _ if starts => return None,
            Column::Fixed => return None,
            Column::Contacts => avoided("contacts"),
            Column::Minutes => avoided("minutes"),
            Column::Variable => format!("{}*variable_cost", here(priced)),
            Column::Labour => {
                let realised = shared(Shared::Realised);
                format!("{}*labour_cost*{realised}", here(priced))
            }
            Column::Delivery => format!(
                "{}*{}*{}",
                self.named("delivery"),
                shared(Shared::Delivered),
                shared(Shared::Counts)
            ),
            Column::Running => format!("{}*{}", self.named("running"), shared(Shared::Counts)),
            Column::SavingsPv => format!(
                "({}+{})*{}",
                here(Column::Variable),
                here(Column::Labour),
                shared(Shared::End)
            ),
            Column::SpendPv => format!(
                "({}+{})*{}",
                here(Column::Delivery),
                here(Column::Running),
                shared(Shared::Start)
            ),
        })
    }

    /// Writes the figures that are `wanted`.
    fn figures(&self, book: &mut Book, wanted: fn(Figure) -> bool) -> Result<()> {
        for figure in self.at.figures.iter().filter(|f| wanted(**f)) {
            let place = self.at.place(*figure);
            let label = figure.label(self.minutes);
            book.paragraph(
                at(place.sheet, place.row, 0),
                VALUE - 1,
                Style::Text,
                &label,
            );
            let style = match figure {
                Npv | ObservedOnly => Style::Strong(figure.kind()),
                _ => Style::Live(figure.kind()),
            };
            book.formula(place, style, self.figure_formula(*figure))?;
        }
        Ok(())
    }

    fn figure_formula(&self, figure: Figure) -> String {
        let (effect, control) = match self.minutes {
            true => ("minutes", "control_minutes"),
            false => ("contacts", "control_contacts"),
        };
        let at = |f: Figure| self.figure(f);
        let none = literal(&text!("workbook.none"));
        let if_any = |test: &str, formula: String| format!("IF({test}>0,{formula},{none})");
        // A horizon below twelve months has no steady year.
        let of_budget = |saved: String| {
            format!("IF(AND(service_budget>0,horizon_months>=12),{saved}/service_budget,{none})")
        };
        let payback = |short: Column| {
            let last = format!("MAX({})", self.of(short));
            let spent = self.figure(Spend);
            let nothing = literal(&text!("worth.nothing-spent"));
            format!("IF({spent}=0,{nothing},IF({last}+1<=horizon_months,{last}+1,{none}))")
        };
        match figure {
            Effect => self.named("contacts"),
            Minutes => self.named("minutes"),
            Contacts => format!("SUM({})", self.of(Column::Contacts)),
            MinutesAvoided => format!("SUM({})", self.of(Column::Minutes)),
            Savings => format!("SUM({})", self.of(Column::SavingsPv)),
            Spend => format!("SUM({})", self.of(Column::SpendPv)),
            Spent => {
                let first = self.letter(Column::Delivery);
                let last = self.letter(Column::Fixed);
                format!("SUM({first}{}:{last}{})", self.first + 1, self.last + 1)
            }
            Npv => format!("{}-{}", at(Savings), at(Spend)),
            ObservedOnly => format!("{}*observed_pv-{}", self.named(effect), at(Spend)),
            // It moves as far as the correction moves what the primary outcome counts.
            EveryReason => format!(
                "({}+{}-{})*saving_pv-{}",
                self.named("every_reason"),
                self.named(effect),
                self.named(&format!("{effect}_estimated")),
                at(Spend)
            ),
            Beyond => if_any("saving_pv", "1-observed_pv/saving_pv".into()),
            NpvBeyond => if_any(
                &at(Npv),
                format!("({}-{})/{}", at(Npv), at(ObservedOnly), at(Npv)),
            ),
            Roi => if_any(&at(Spend), format!("{}/{}-1", at(Savings), at(Spend))),
            Payback => payback(Column::Short),
            PaybackDiscounted => payback(Column::ShortDiscounted),
            CostPerContact => if_any(
                &format!("{}*avoided_pv", self.named("contacts")),
                format!("{}/({}*avoided_pv)", at(Spend), self.named("contacts")),
            ),
            BreakEven => format!(
                "IF(AND(saving_pv>0,{control}>0),{}/saving_pv/{control},{none})",
                at(Spend)
            ),
            BreakEvenDay => if_any(
                "saving_pv",
                format!("{}/saving_pv/{DAYS_PER_MONTH}", at(Spend)),
            ),
            YearlySaving => format!("{}*year_saving", self.named(effect)),
            BudgetShare => of_budget(at(YearlySaving)),
            BudgetShareUnrealised => of_budget(format!("{}*year_unrealised", self.named(effect))),
            NpvEstimated => format!(
                "{}*saving_pv-{}",
                self.named(&format!("{effect}_estimated")),
                at(Spend)
            ),
            ObservedEstimated => format!(
                "{}*observed_pv-{}",
                self.named(&format!("{effect}_estimated")),
                at(Spend)
            ),
            ContactsPvEstimated => format!("{}*avoided_pv", self.named("contacts_estimated")),
        }
    }
}
