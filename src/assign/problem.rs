//! Why an assignment cannot be made, and which rows show it.

use crate::error::{Error, Kind};

/// Why an assignment cannot be made.
///
/// Rows are positions in the [`Roster`](crate::assign::Roster), from 0. Who knows the files turns
/// them into lines with [`Problem::at`]; `?` turns them into data row numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    kind: Kind,
    message: String,
    rows: Vec<usize>,
    hint: Option<String>,
}

impl Problem {
    pub(crate) fn data(message: impl Into<String>) -> Self {
        Problem {
            kind: Kind::Data,
            message: message.into(),
            rows: Vec::new(),
            hint: None,
        }
    }

    pub(crate) fn plan(message: impl Into<String>) -> Self {
        Problem {
            kind: Kind::Plan,
            ..Self::data(message)
        }
    }

    pub(crate) fn check(message: impl Into<String>) -> Self {
        Problem {
            kind: Kind::Check,
            ..Self::data(message)
        }
    }

    pub(crate) fn rows(mut self, rows: impl IntoIterator<Item = usize>) -> Self {
        self.rows = rows.into_iter().collect();
        self
    }

    /// Counts the rows from `start`, leaving out those before it.
    pub(crate) fn counted_from(mut self, start: usize) -> Self {
        self.rows = (self.rows.iter())
            .filter_map(|row| row.checked_sub(start))
            .collect();
        self
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The rows that show it, from 0, in ascending order; empty where it is about the whole.
    pub fn row_indices(&self) -> &[usize] {
        &self.rows
    }

    /// The error, with the line of each row as `line` gives it; its place is the last of them.
    pub fn at(self, line: impl Fn(usize) -> u64) -> Error {
        let lines: Vec<u64> = self.rows.iter().map(|&row| line(row)).collect();
        let last = lines.last().copied();
        let error = self.into_error("line", &lines);
        match last {
            Some(last) => error.line(last),
            None => error,
        }
    }

    fn into_error(self, noun: &str, numbers: &[u64]) -> Error {
        let place = match numbers {
            [] => String::new(),
            [one] => format!(" ({noun} {one})"),
            [first @ .., last] => {
                let first: Vec<String> = first.iter().map(u64::to_string).collect();
                format!(" ({noun}s {} and {last})", first.join(", "))
            }
        };
        let error = Error::new(self.kind, format!("{}{place}", self.message));
        match self.hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        let numbers: Vec<u64> = problem.rows.iter().map(|&row| row as u64 + 1).collect();
        problem.into_error("data row", &numbers)
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Problem {
            kind: error.kind(),
            message: error.message().to_owned(),
            rows: Vec::new(),
            hint: error.hint_text().map(str::to_owned),
        }
    }
}
