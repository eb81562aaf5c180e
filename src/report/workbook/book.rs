//! A workbook while it is being written: cells in memory, each formula with its result.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};

use crate::error::{Error, Result};
use crate::report::text::{columns, wrap};

use super::formula::{Cells, Place, Value, evaluate};
use super::style::{Rule, Style};

/// What stands in a cell.
#[derive(Debug, Clone)]
pub enum Content {
    /// Text, never read as a formula.
    Text(String),
    /// A number.
    Number(f64),
    /// A formula without `=`, and what it comes to.
    Formula(String, Value),
}

/// A text over several columns of its row.
#[derive(Debug, Clone)]
pub struct Paragraph {
    pub first: u16,
    pub last: u16,
}

/// Row and column of a cell, from 0.
pub type Corner = (u32, u16);

/// A sheet.
#[derive(Debug, Default)]
pub struct Sheet {
    pub name: String,
    pub cells: BTreeMap<(u32, u16), (Content, Style)>,
    pub paragraphs: BTreeMap<u32, Paragraph>,
    pub rules: Vec<(u32, u16, Rule)>,
    pub widths: Vec<f64>,
    /// First row and column that scroll.
    pub frozen: (u32, u16),
    /// Whether it is printed on one page.
    pub one_page: bool,
    /// Rows that stand on every printed page.
    pub repeated: Option<(u32, u32)>,
    /// Rows and columns that are grey from the row where the formula holds.
    pub greyed: Option<(Corner, Corner, String)>,
}

impl Sheet {
    /// Height in points of each row in which a text breaks into lines; no program works them out for
    /// cells over several columns, and some not at all.
    pub fn heights(&self) -> BTreeMap<u32, f64> {
        let mut heights = BTreeMap::new();
        for ((row, column), (content, style)) in &self.cells {
            let Content::Text(text) = content else {
                continue;
            };
            let over = self.paragraphs.get(row).filter(|p| p.first == *column);
            let last = over.map_or(*column, |p| p.last);
            let lines = match style.wraps() {
                true => self.lines(text, *style, *column, last),
                false => 1,
            };
            let height = (style.size() * 1.36).ceil() * lines as f64 + 2.0;
            let row_height = heights.entry(*row).or_insert(0.0);
            *row_height = height.max(*row_height);
        }
        heights.retain(|_, height| *height > 17.0);
        heights
    }

    fn lines(&self, text: &str, style: Style, first: u16, last: u16) -> usize {
        let of = |c: u16| self.widths.get(usize::from(c)).copied().unwrap_or(9.0);
        let width: f64 = (first..=last).map(of).sum();
        // A column's width counts digits; the letters of a sentence are a little narrower on average.
        let wide = |t: &str| columns(t) as f64 * 0.95 * style.size() / 11.0;
        wrap(&text[..first_chars(text)], width - 1.0, wide)
            .len()
            .clamp(1, 20)
    }
}

/// Bytes of the characters that any row could show.
fn first_chars(text: &str) -> usize {
    text.char_indices()
        .nth(4_000)
        .map_or(text.len(), |(i, _)| i)
}

/// All sheets, in the order in which they were begun.
#[derive(Debug, Default)]
pub struct Book {
    pub sheets: Vec<Sheet>,
    pub names: BTreeMap<String, Place>,
    by_name: HashMap<String, usize>,
    /// Cells that a formula found empty: nothing may be written there afterwards.
    empty: RefCell<HashSet<Place>>,
    /// The first that was.
    late: Option<Place>,
}

impl Book {
    /// Begins a sheet, or goes on with the one that has this name.
    pub fn sheet(&mut self, name: &str, widths: &[f64]) -> usize {
        let next = self.sheets.len();
        let sheet = *self.by_name.entry(name.to_owned()).or_insert(next);
        if sheet == next {
            self.sheets.push(Sheet {
                name: name.to_owned(),
                ..Sheet::default()
            });
        }
        self.sheets[sheet].widths = widths.to_vec();
        sheet
    }

    /// Writes text.
    pub fn text(&mut self, at: Place, style: Style, text: impl Into<String>) {
        self.put(at, style, Content::Text(text.into()));
    }

    /// Writes a number.
    pub fn number(&mut self, at: Place, style: Style, number: f64) {
        self.put(at, style, Content::Number(number));
    }

    /// Writes a number where it is known, else nothing.
    pub fn maybe(&mut self, at: Place, style: Style, number: Option<f64>) {
        if let Some(number) = number {
            self.number(at, style, number);
        }
    }

    /// Writes a formula (without `=`) with its result. Every cell that it names stands already.
    ///
    /// # Errors
    /// An internal error where it cannot be read.
    pub fn formula(&mut self, at: Place, style: Style, formula: impl Into<String>) -> Result<()> {
        let formula = formula.into();
        let value = evaluate(&formula, at.sheet, self)?;
        self.put(at, style, Content::Formula(formula, value));
        Ok(())
    }

    /// Writes text over the columns `first` to `last` of a row, broken into lines.
    pub fn paragraph(&mut self, at: Place, last: u16, style: Style, text: &str) {
        let paragraph = Paragraph {
            first: at.column,
            last,
        };
        self.sheets[at.sheet].paragraphs.insert(at.row, paragraph);
        self.text(at, style, text);
    }

    /// Defines a name for a cell.
    pub fn define(&mut self, name: &str, at: Place) {
        self.names.insert(name.to_owned(), at);
    }

    /// A cell of another sheet, as formulas name it.
    pub fn reference(&self, at: Place) -> String {
        let column = letters(at.column);
        let name = &self.sheets[at.sheet].name;
        format!("'{name}'!${column}${}", at.row + 1)
    }

    /// A column of another sheet from one row to another, as formulas name it.
    pub fn column(&self, first: Place, last_row: u32) -> String {
        let column = letters(first.column);
        format!("{}:${column}${}", self.reference(first), last_row + 1)
    }

    /// What a cell holds or comes to.
    pub fn result(&self, at: Place) -> Value {
        let cells = &self.sheets[at.sheet].cells;
        match cells.get(&(at.row, at.column)) {
            None => Value::Empty,
            Some((Content::Text(text), _)) => Value::Text(text.clone()),
            Some((Content::Number(n), _)) => Value::Number(*n),
            Some((Content::Formula(_, value), _)) => value.clone(),
        }
    }

    /// # Errors
    /// An internal error where a formula took a cell for empty in which something stands now.
    pub fn check(&self) -> Result<()> {
        let Some(late) = self.late else {
            return Ok(());
        };
        let (name, cell) = (&self.sheets[late.sheet].name, cell(late.row, late.column));
        Err(Error::internal(format!(
            "a formula read {name}!{cell} before it was written"
        )))
    }

    fn put(&mut self, at: Place, style: Style, content: Content) {
        if self.late.is_none() && self.empty.borrow().contains(&at) {
            self.late = Some(at);
        }
        let cells = &mut self.sheets[at.sheet].cells;
        cells.insert((at.row, at.column), (content, style));
    }
}

impl Cells for Book {
    fn sheet(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    fn named(&self, name: &str) -> Option<Place> {
        self.names.get(name).copied()
    }

    fn value(&self, place: Place) -> Value {
        let value = self.result(place);
        if value == Value::Empty {
            self.empty.borrow_mut().insert(place);
        }
        value
    }
}

/// "A", "B" … of a column.
pub fn letters(column: u16) -> String {
    let mut left = u32::from(column) + 1;
    let mut out = Vec::new();
    while left > 0 {
        left -= 1;
        out.push(char::from(b'A' + (left % 26) as u8));
        left /= 26;
    }
    out.iter().rev().collect()
}

/// "B5" of a row and a column.
pub fn cell(row: u32, column: u16) -> String {
    format!("{}{}", letters(column), row + 1)
}

/// A cell of a sheet.
pub fn at(sheet: usize, row: u32, column: u16) -> Place {
    Place { sheet, row, column }
}
