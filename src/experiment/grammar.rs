//! What a key of a plan can hold: the terms in which [`keys`](super::keys) are written.

/// A key of a table.
#[derive(Debug)]
pub(super) struct Key {
    pub name: &'static str,
    pub holds: Holds,
    /// What it means, in few words.
    pub about: &'static str,
    pub required: bool,
    /// The value that holds where the plan is silent, as TOML.
    pub default: Option<&'static str>,
    /// A table that is there, with its defaults, also where the plan is silent.
    pub implied: bool,
    /// What to do about a value of the wrong form.
    pub hint: Option<&'static str>,
}

/// What a key holds.
#[derive(Debug)]
pub(super) enum Holds {
    /// Text of at most so many characters; several lines where allowed.
    Text { max: usize, lines: bool },
    /// One ASCII character that can part fields.
    Delimiter,
    /// `[a-z0-9][a-z0-9-]{0,63}`.
    Name,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// true or false.
    Flag,
    /// A whole number, bounds included.
    Whole(u64, u64),
    /// A finite number.
    Number(Range),
    /// A day.
    Day,
    /// First and last day.
    Days,
    /// A list of at most so many texts, none twice.
    Texts(usize),
    /// A list of exactly so many numbers.
    Numbers(usize, Range),
    /// A list of at most so many numbers.
    NumberList(usize, Range),
    /// A list of at most so many days.
    DayList(usize),
    /// A number, `{ low, mode, high }` or `{ mean, sd }`.
    Assumption(Range),
    /// An assumption in months, or "none".
    HalfLife,
    /// A number, or `{ variable, labour }`, each an assumption.
    Cost,
    /// Lists of texts by arm.
    ByArm,
    /// A table.
    Table(&'static [Key]),
    /// A list of tables, at most so many.
    Tables(&'static [Key], usize),
}

/// Bounds of a number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Range {
    pub min: f64,
    pub max: f64,
    /// Whether the least value itself is allowed.
    pub min_in: bool,
    /// Whether the largest value itself is allowed.
    pub max_in: bool,
}

impl Range {
    /// Months until half an effect is left.
    pub(super) const HALF_LIFE: Range = Range::above(0.0, 1200.0);
    /// Cost of a contact or a minute.
    pub(super) const COST: Range = Range::from_to(0.0, 1e9);

    pub(super) const fn from_to(min: f64, max: f64) -> Self {
        Range {
            min,
            max,
            min_in: true,
            max_in: true,
        }
    }

    pub(super) const fn above(min: f64, max: f64) -> Self {
        Range {
            min,
            max,
            min_in: false,
            max_in: true,
        }
    }

    pub(super) const fn below(min: f64, max: f64) -> Self {
        Range {
            min,
            max,
            min_in: true,
            max_in: false,
        }
    }

    pub(super) const fn between(min: f64, max: f64) -> Self {
        Range {
            min,
            max,
            min_in: false,
            max_in: false,
        }
    }

    pub(super) fn holds(&self, x: f64) -> bool {
        (x > self.min || (self.min_in && x == self.min))
            && (x < self.max || (self.max_in && x == self.max))
    }

    /// "from 0 to 1", "above 0 and at most .5".
    pub(super) fn words(&self) -> String {
        let Range { min, max, .. } = *self;
        if self.max >= HUGE {
            return match (self.min_in, min) {
                (true, 0.0) => "0 or more".to_owned(),
                (true, _) => format!("{min} or more"),
                (false, _) => format!("above {min}"),
            };
        }
        match (self.min_in, self.max_in) {
            (true, true) => format!("from {min} to {max}"),
            (false, true) => format!("above {min} and at most {max}"),
            (true, false) => format!("at least {min} and below {max}"),
            (false, false) => format!("above {min} and below {max}"),
        }
    }
}

/// Amounts beyond it lose whole cents in f64, and no pilot has them.
pub(super) const HUGE: f64 = 1e13;

pub(super) const fn key(name: &'static str, holds: Holds, about: &'static str) -> Key {
    Key {
        name,
        holds,
        about,
        required: false,
        default: None,
        implied: false,
        hint: None,
    }
}

impl Key {
    pub(super) const fn required(self) -> Self {
        Key {
            required: true,
            ..self
        }
    }

    pub(super) const fn or(self, default: &'static str) -> Self {
        Key {
            default: Some(default),
            ..self
        }
    }

    pub(super) const fn implied(self) -> Self {
        Key {
            implied: true,
            ..self
        }
    }

    pub(super) const fn hint(self, hint: &'static str) -> Self {
        Key {
            hint: Some(hint),
            ..self
        }
    }
}
