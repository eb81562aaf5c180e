//! What a formula of the workbook comes to, so that each carries its result.
//!
//! Only what the workbook's formulas use, with the meaning that spreadsheet programs give it: a
//! sign binds tighter than `^`, an empty cell counts 0, an error in an argument is the result.

use crate::error::{Error, Result};
use crate::stats::dist::normal_cdf;

/// What a cell holds, or a formula comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing.
    Empty,
    /// A finite number.
    Number(f64),
    /// Text.
    Text(String),
    /// TRUE or FALSE.
    Truth(bool),
    /// An error by its name in spreadsheets.
    Error(&'static str),
}

/// A cell; rows and columns from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    /// Number of the sheet in the book.
    pub sheet: usize,
    /// Row.
    pub row: u32,
    /// Column.
    pub column: u16,
}

/// The cells that a formula can name.
pub trait Cells {
    /// The sheet of a name.
    fn sheet(&self, name: &str) -> Option<usize>;
    /// The cell of a defined name.
    fn named(&self, name: &str) -> Option<Place>;
    /// What a cell holds.
    fn value(&self, place: Place) -> Value;
}

/// A text as a formula holds it.
pub fn literal(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// What `formula` (without `=`) on sheet `home` comes to.
///
/// # Errors
/// An internal error where the formula cannot be read or names what is not there.
pub fn evaluate(formula: &str, home: usize, cells: &dyn Cells) -> Result<Value> {
    let mut reader = Reader {
        all: formula,
        rest: formula,
        home,
        cells,
    };
    let value = reader.comparison()?;
    match reader.rest.is_empty() {
        true => Ok(reader.single(value)),
        false => Err(reader.unreadable()),
    }
}

const VALUE: Value = Value::Error("#VALUE!");
const NUM: Value = Value::Error("#NUM!");
const DIV0: Value = Value::Error("#DIV/0!");
const NA: Value = Value::Error("#N/A");

/// An operand: a value, or a block of cells from its first to its last corner.
enum Operand {
    One(Value),
    Block(Place, Place),
}

struct Reader<'a> {
    all: &'a str,
    rest: &'a str,
    home: usize,
    cells: &'a dyn Cells,
}

impl<'a> Reader<'a> {
    fn unreadable(&self) -> Error {
        Error::internal(format!("the formula {} cannot be read", self.all))
    }

    fn takes(&mut self, token: &str) -> bool {
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn while_some(&mut self, holds: fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !holds(c)).unwrap_or(self.rest.len());
        let (found, rest) = self.rest.split_at(end);
        self.rest = rest;
        found
    }

    fn comparison(&mut self) -> Result<Operand> {
        let mut left = self.sum()?;
        type Holds = fn(f64, f64) -> bool;
        let signs: [(&str, Holds); 6] = [
            ("<=", |a, b| a <= b),
            (">=", |a, b| a >= b),
            ("<>", |a, b| a != b),
            ("<", |a, b| a < b),
            (">", |a, b| a > b),
            ("=", |a, b| a == b),
        ];
        while let Some((_, holds)) = signs.iter().find(|(sign, _)| self.takes(sign)) {
            let right = self.sum()?;
            left = self.pair(left, right, |a, b| Value::Truth(holds(a, b)));
        }
        Ok(left)
    }

    fn sum(&mut self) -> Result<Operand> {
        let mut left = self.product()?;
        loop {
            let sign = if self.takes("+") {
                1.0
            } else if self.takes("-") {
                -1.0
            } else {
                return Ok(left);
            };
            let right = self.product()?;
            left = self.pair(left, right, |a, b| finite(a + sign * b));
        }
    }

    fn product(&mut self) -> Result<Operand> {
        let mut left = self.power()?;
        loop {
            if self.takes("*") {
                let right = self.power()?;
                left = self.pair(left, right, |a, b| finite(a * b));
            } else if self.takes("/") {
                let right = self.power()?;
                left = self.pair(left, right, |a, b| match b == 0.0 {
                    true => DIV0,
                    false => finite(a / b),
                });
            } else {
                return Ok(left);
            }
        }
    }

    fn power(&mut self) -> Result<Operand> {
        let mut left = self.signed()?;
        while self.takes("^") {
            let right = self.signed()?;
            left = self.pair(left, right, |a, b| match a == 0.0 && b <= 0.0 {
                true => NUM,
                false => finite(a.powf(b)),
            });
        }
        Ok(left)
    }

    fn signed(&mut self) -> Result<Operand> {
        if !self.takes("-") {
            return self.operand();
        }
        let value = self.signed()?;
        Ok(self.pair(value, Operand::One(Value::Number(0.0)), |a, _| finite(-a)))
    }

    fn operand(&mut self) -> Result<Operand> {
        if self.takes("(") {
            let value = self.comparison()?;
            return match self.takes(")") {
                true => Ok(value),
                false => Err(self.unreadable()),
            };
        }
        if self.takes("\"") {
            let mut text = String::new();
            loop {
                text += self.while_some(|c| c != '"');
                if !self.takes("\"") {
                    return Err(self.unreadable());
                }
                // Twice it stands for itself.
                if !self.takes("\"") {
                    return Ok(Operand::One(Value::Text(text)));
                }
                text.push('"');
            }
        }
        if self.rest.starts_with(|c: char| c.is_ascii_digit()) {
            let digits = self.while_some(|c| c.is_ascii_digit() || c == '.');
            let number = digits.parse().map_err(|_| self.unreadable())?;
            return Ok(Operand::One(Value::Number(number)));
        }
        let mut sheet = self.home;
        if self.takes("'") {
            let name = self.while_some(|c| c != '\'');
            let found = self.cells.sheet(name).filter(|_| self.takes("'!"));
            sheet = found.ok_or_else(|| self.unreadable())?;
        }
        let word = self.while_some(|c| c.is_ascii_alphanumeric() || "_.$".contains(c));
        if let Some((row, column)) = corner(word) {
            let first = Place { sheet, row, column };
            if !self.takes(":") {
                return Ok(Operand::One(self.cells.value(first)));
            }
            let word = self.while_some(|c| c.is_ascii_alphanumeric() || c == '$');
            let (row, column) = corner(word).ok_or_else(|| self.unreadable())?;
            return Ok(Operand::Block(first, Place { sheet, row, column }));
        }
        if self.takes("(") {
            return self.function(word);
        }
        let place = self.cells.named(word).ok_or_else(|| self.unreadable())?;
        Ok(Operand::One(self.cells.value(place)))
    }

    fn function(&mut self, name: &str) -> Result<Operand> {
        let mut arguments = vec![self.comparison()?];
        while self.takes(",") {
            arguments.push(self.comparison()?);
        }
        if !self.takes(")") {
            return Err(self.unreadable());
        }
        let all = || {
            let every = arguments.iter().flat_map(|a| self.values(a));
            every.collect::<Vec<_>>()
        };
        let value = match (name, arguments.as_slice()) {
            ("IF", [test, yes, no]) => match truth(&self.of(test)) {
                Ok(true) => self.of(yes),
                Ok(false) => self.of(no),
                Err(error) => error,
            },
            ("AND", _) => logic(&all(), |t| t.iter().all(|t| *t)),
            ("OR", _) => logic(&all(), |t| t.iter().any(|t| *t)),
            ("ISNUMBER", [one]) => Value::Truth(matches!(self.of(one), Value::Number(_))),
            ("COUNT", _) => {
                let numbers = all().into_iter().filter(|v| matches!(v, Value::Number(_)));
                Value::Number(numbers.count() as f64)
            }
            ("SUM", _) => fold(&all(), |n| n.iter().sum()),
            ("MAX", _) => fold(&all(), |n| {
                n.iter().copied().reduce(f64::max).unwrap_or(0.0)
            }),
            ("MIN", _) => fold(&all(), |n| {
                n.iter().copied().reduce(f64::min).unwrap_or(0.0)
            }),
            ("NORMSDIST", [one]) => self.with(one, normal_cdf),
            ("ABS", [one]) => self.with(one, f64::abs),
            ("EXP", [one]) => self.with(one, f64::exp),
            ("INT", [one]) => self.with(one, f64::floor),
            // Only of amounts that are not negative.
            ("ROUNDUP", [one, _]) => self.with(one, f64::ceil),
            ("MOD", [one, by]) => self.both(one, by, |a, b| match b == 0.0 {
                true => DIV0,
                false => finite(a - b * (a / b).floor()),
            }),
            ("SUMPRODUCT", _) => self.sum_of_products(&arguments),
            ("INDEX", [Operand::Block(first, last), at]) => match number(&self.of(at)) {
                Ok(at) => self.at(*first, *last, at),
                Err(error) => error,
            },
            ("MATCH", [sought, Operand::Block(..), _]) => {
                let sought = self.of(sought);
                let found = self.values(&arguments[1]).iter().position(|v| *v == sought);
                found.map_or(NA, |i| Value::Number((i + 1) as f64))
            }
            _ => {
                return Err(Error::internal(format!("no function {name} for formulas")));
            }
        };
        Ok(Operand::One(value))
    }

    fn at(&self, first: Place, last: Place, at: f64) -> Value {
        let rows = last.row - first.row + 1;
        if !(1.0..f64::from(rows) + 1.0).contains(&at) {
            return Value::Error("#REF!");
        }
        let row = first.row + at as u32 - 1;
        self.cells.value(Place { row, ..first })
    }

    fn sum_of_products(&self, arguments: &[Operand]) -> Value {
        let columns: Vec<Vec<Value>> = arguments.iter().map(|a| self.values(a)).collect();
        let rows = columns.iter().map(Vec::len).min().unwrap_or(0);
        let mut total = 0.0;
        for row in 0..rows {
            let mut product = 1.0;
            for column in &columns {
                match &column[row] {
                    Value::Number(n) => product *= n,
                    Value::Error(_) => return column[row].clone(),
                    _ => product = 0.0,
                }
            }
            total += product;
        }
        finite(total)
    }

    fn values(&self, operand: &Operand) -> Vec<Value> {
        let (first, last) = match operand {
            Operand::One(value) => return vec![value.clone()],
            Operand::Block(first, last) => (*first, *last),
        };
        let rows = first.row..=last.row;
        rows.flat_map(|row| (first.column..=last.column).map(move |column| (row, column)))
            .map(|(row, column)| {
                self.cells.value(Place {
                    sheet: first.sheet,
                    row,
                    column,
                })
            })
            .collect()
    }

    fn of(&self, operand: &Operand) -> Value {
        match operand {
            Operand::One(value) => value.clone(),
            Operand::Block(..) => VALUE,
        }
    }

    fn single(&self, operand: Operand) -> Value {
        match self.of(&operand) {
            Value::Empty => Value::Number(0.0),
            value => value,
        }
    }

    fn pair(&self, a: Operand, b: Operand, of: impl Fn(f64, f64) -> Value) -> Operand {
        Operand::One(self.both(&a, &b, of))
    }

    fn both(&self, a: &Operand, b: &Operand, of: impl Fn(f64, f64) -> Value) -> Value {
        match (number(&self.of(a)), number(&self.of(b))) {
            (Ok(a), Ok(b)) => of(a, b),
            (Err(error), _) | (_, Err(error)) => error,
        }
    }

    fn with(&self, a: &Operand, of: fn(f64) -> f64) -> Value {
        number(&self.of(a)).map_or_else(|error| error, |a| finite(of(a)))
    }
}

fn finite(n: f64) -> Value {
    match n.is_finite() {
        // No −0: spreadsheets have one zero.
        true => Value::Number(n + 0.0),
        false => NUM,
    }
}

fn number(value: &Value) -> std::result::Result<f64, Value> {
    match value {
        Value::Number(n) => Ok(*n),
        Value::Truth(t) => Ok(f64::from(u8::from(*t))),
        Value::Empty => Ok(0.0),
        Value::Text(_) => Err(VALUE),
        Value::Error(_) => Err(value.clone()),
    }
}

fn truth(value: &Value) -> std::result::Result<bool, Value> {
    number(value).map(|n| n != 0.0)
}

fn logic(values: &[Value], of: fn(&[bool]) -> bool) -> Value {
    let truths: std::result::Result<Vec<bool>, Value> = values.iter().map(truth).collect();
    truths.map_or_else(|error| error, |t| Value::Truth(of(&t)))
}

/// Over the numbers among `values`; of text and empty cells spreadsheets take no notice here.
fn fold(values: &[Value], of: fn(&[f64]) -> f64) -> Value {
    let mut numbers = Vec::with_capacity(values.len());
    for value in values {
        match value {
            Value::Number(n) => numbers.push(*n),
            Value::Error(_) => return value.clone(),
            _ => {}
        }
    }
    finite(of(&numbers))
}

/// Row and column of `B5` or `$B$5`.
fn corner(word: &str) -> Option<(u32, u16)> {
    let word = word.strip_prefix('$').unwrap_or(word);
    let letters = word.find(|c: char| !c.is_ascii_uppercase())?;
    if !(1..=3).contains(&letters) {
        return None;
    }
    let (letters, digits) = word.split_at(letters);
    let digits = digits.strip_prefix('$').unwrap_or(digits);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let column = letters
        .bytes()
        .fold(0u32, |n, b| n * 26 + u32::from(b - b'A') + 1);
    let row: u32 = digits.parse().ok()?;
    Some((row.checked_sub(1)?, u16::try_from(column - 1).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Column A: 1, 2, empty, "x"; `rate` is A2.
    struct Four;

    impl Cells for Four {
        fn sheet(&self, name: &str) -> Option<usize> {
            (name == "It's not")
                .then_some(1)
                .or((name == "One").then_some(0))
        }
        fn named(&self, name: &str) -> Option<Place> {
            let (sheet, row, column) = (0, 1, 0);
            (name == "rate").then_some(Place { sheet, row, column })
        }
        fn value(&self, place: Place) -> Value {
            match place.row {
                0 => Value::Number(1.0),
                1 => Value::Number(2.0),
                2 => Value::Empty,
                _ => Value::Text("x".into()),
            }
        }
    }

    fn result(formula: &str) -> Value {
        evaluate(formula, 0, &Four).unwrap()
    }

    #[test]
    fn formulas_mean_what_spreadsheets_mean() {
        for (formula, number) in [
            ("1+2*3", 7.0),
            ("-2^2", 4.0),
            ("4^(-1/2)*9^(1/2)", 1.5),
            ("10-4-3", 3.0),
            ("'One'!$A$2*rate", 4.0),
            ("SUM(A1:A4)", 3.0),
            ("MAX(A1:A4,2.5)", 2.5),
            ("SUMPRODUCT(A1:A2,A1:A2)", 5.0),
            ("IF(ISNUMBER(A4),A4,A3+1)", 1.0),
            ("IF(AND(A1<A2,A1<>A2),INDEX(A1:A2,2),A4*1)", 2.0),
            ("MATCH(2,A1:A4,0)", 2.0),
            ("MOD(0-1,12)", 11.0),
            ("ROUNDUP(2.1,0)+INT(2.9)", 5.0),
            ("NORMSDIST(0)+NORMSDIST(-99)", 0.5),
        ] {
            assert_eq!(result(formula), Value::Number(number), "{formula}");
        }
        assert_eq!(result("1/A3"), DIV0);
        assert_eq!(result("0^0"), NUM);
        assert_eq!(result("A4+1"), VALUE);
        assert_eq!(result("MATCH(9,A1:A4,0)"), NA);
        assert_eq!(result("INDEX(A1:A2,3)"), Value::Error("#REF!"));
        assert_eq!(result("A4"), Value::Text("x".into()));
        for wrong in ["1+", "nobody", "SUM(A1", "'Two'!A1", "LAMBDA(1)", "1 2"] {
            assert!(evaluate(wrong, 0, &Four).is_err(), "{wrong}");
        }
    }
}
