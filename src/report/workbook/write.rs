//! From cells in memory to the bytes of an XLSX file, the same for the same cells.

use std::collections::HashMap;

use rust_xlsxwriter::{
    ConditionalFormatFormula, DocProperties, ExcelDateTime, Format, Formula, ProtectionOptions,
    Workbook, Worksheet, XlsxError,
};

use crate::error::{Error, Result};

use super::book::{Book, Content, Sheet, cell};
use super::formula::Value;
use super::style::{GREY, Style};

/// Characters that a cell can hold.
const LONGEST: usize = 32_767;

/// What the file says of itself.
pub struct About<'a> {
    /// Title of the pilot.
    pub title: &'a str,
    /// The day of the analysis, ISO 8601.
    pub day: &'a str,
    /// The source line, at the foot of every page.
    pub source: &'a str,
    /// Minor digits of the currency.
    pub minor_digits: u8,
}

/// The file; `order` says which sheet stands where.
pub fn write(book: &Book, order: &[usize], about: &About) -> Result<Vec<u8>> {
    book.check()?;
    let mut file = Workbook::new();
    file.set_properties(&properties(about));
    let mut formats = Formats {
        minor_digits: about.minor_digits,
        made: HashMap::new(),
    };
    for (i, sheet) in order.iter().map(|i| &book.sheets[*i]).enumerate() {
        let page = file.add_worksheet();
        fill(page, sheet, &mut formats).map_err(failed)?;
        for (row, column, rule) in &sheet.rules {
            let rule = rule.validation(&cell(*row, *column))?;
            page.add_data_validation(*row, *column, *row, *column, &rule)
                .map_err(failed)?;
        }
        set_up(page, sheet, about).map_err(failed)?;
        page.set_active(i == 0);
    }
    for (name, place) in &book.names {
        let target = format!("={}", book.reference(*place));
        file.define_name(name.as_str(), &target).map_err(failed)?;
    }
    file.save_to_buffer().map_err(failed)
}

/// An error of the writer: none is the user's.
pub fn failed(error: XlsxError) -> Error {
    Error::internal(format!("business-case.xlsx: {error}"))
}

/// Text as a cell can hold it.
pub fn held(text: &str) -> String {
    // Excel counts UTF-16 units.
    let mut units = 0;
    let kept = |c: &char| {
        units += c.len_utf16();
        units <= LONGEST
    };
    text.chars().take_while(kept).collect()
}

/// The moment of making is the day of the analysis, so that the bytes are the same tomorrow.
fn properties(about: &About) -> DocProperties {
    let title: String = about.title.chars().take(200).collect();
    let properties = DocProperties::new().set_title(title);
    let day = ExcelDateTime::parse_from_str(about.day);
    let epoch = || ExcelDateTime::from_ymd(2000, 1, 1);
    match day.or_else(|_| epoch()) {
        Ok(day) => properties.set_creation_datetime(&day),
        Err(_) => properties,
    }
}

struct Formats {
    minor_digits: u8,
    made: HashMap<Style, Format>,
}

impl Formats {
    fn of(&mut self, style: Style) -> &Format {
        let digits = self.minor_digits;
        let made = self.made.entry(style);
        made.or_insert_with(|| style.format(digits))
    }
}

fn fill(
    page: &mut Worksheet,
    sheet: &Sheet,
    formats: &mut Formats,
) -> std::result::Result<(), XlsxError> {
    page.set_name(&sheet.name)?;
    for (row, height) in sheet.heights() {
        page.set_row_height(row, height)?;
    }
    for (column, width) in sheet.widths.iter().enumerate() {
        page.set_column_width(column as u16, *width)?;
    }
    for ((row, column), (content, style)) in &sheet.cells {
        let (row, column) = (*row, *column);
        let format = formats.of(*style);
        match content {
            Content::Text(text) => {
                let text = held(text);
                match sheet.paragraphs.get(&row) {
                    Some(p) if p.first == column => {
                        page.merge_range(row, p.first, row, p.last, &text, format)?;
                    }
                    _ => {
                        page.write_string_with_format(row, column, text, format)?;
                    }
                }
            }
            Content::Number(n) if n.is_finite() => {
                page.write_number_with_format(row, column, *n, format)?;
            }
            Content::Number(_) => {
                page.write_blank(row, column, format)?;
            }
            Content::Formula(formula, value) => {
                let formula = Formula::new(format!("={formula}")).set_result(cached(value));
                page.write_formula_with_format(row, column, formula, format)?;
            }
        }
    }
    Ok(())
}

fn cached(value: &Value) -> String {
    match value {
        Value::Empty => "0".into(),
        Value::Number(n) => format!("{n:?}"),
        Value::Text(text) => text.clone(),
        Value::Truth(true) => "TRUE".into(),
        Value::Truth(false) => "FALSE".into(),
        Value::Error(name) => (*name).into(),
    }
}

fn set_up(
    page: &mut Worksheet,
    sheet: &Sheet,
    about: &About,
) -> std::result::Result<(), XlsxError> {
    page.set_landscape().set_paper_size(9);
    page.set_print_fit_to_pages(1, u16::from(sheet.one_page));
    page.set_margins(0.5, 0.5, 0.6, 0.7, 0.3, 0.3);
    page.set_screen_gridlines(false);
    // In a footer "&" begins a code; header and footer hold 255 characters.
    let source: String = about.source.replace('&', "&&").chars().take(180).collect();
    page.set_footer(format!("&L&8{source}&R&8&P / &N"));
    let (row, column) = sheet.frozen;
    if row > 0 || column > 0 {
        page.set_freeze_panes(row, column)?;
    }
    if let Some((first, last)) = sheet.repeated {
        page.set_repeat_rows(first, last)?;
    }
    if let Some(((row, column), (last_row, last_column), holds)) = &sheet.greyed {
        let grey = ConditionalFormatFormula::new()
            .set_rule(format!("={holds}").as_str())
            .set_format(Format::new().set_font_color(GREY));
        page.add_conditional_format(*row, *column, *last_row, *last_column, &grey)?;
    }
    // Against slips only: no password, and widths may be changed.
    page.protect_with_options(&ProtectionOptions {
        format_columns: true,
        format_rows: true,
        ..ProtectionOptions::default()
    });
    Ok(())
}
