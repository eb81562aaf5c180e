//! Units of estimates and means: what is counted, of whom, over what time.
//!
//! A unit has two faces: its name, the same in every language, in `analysis.json` and CSV
//! (`Display`, and `From<String>` back), and its words from the catalogue, in reports
//! ([`words`](Unit::words) and the like). In English both are alike.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use crate::texts::text;

mod name;

/// The unit of a value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Unit {
    /// A mean over another.
    Ratio,
    /// The chance of a random customer to have less than one of control.
    Probability,
    /// A mean, or a difference of two.
    Mean(Mean),
    /// The mean of a quantity that each customer has once, as a score, or a difference of two.
    Score(Score),
    /// A name that this version does not know; it stays as it is.
    Other(String),
}

/// The unit of a mean: "contacts", per customer, per 30 days.
#[derive(Debug, Clone, PartialEq)]
pub struct Mean {
    /// What is counted or measured.
    pub what: Counted,
    /// Whose.
    pub whom: Whom,
    /// Over what time.
    pub over: Over,
}

/// What each customer has once, however long it was observed.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// What it is.
    pub what: String,
    /// Whether it is that of customers who take the intervention up.
    pub of_takers: bool,
}

/// What is counted or measured.
#[derive(Debug, Clone, PartialEq)]
pub enum Counted {
    /// Contacts of a log.
    Contacts,
    /// Their handling time.
    Seconds,
    /// Whether something happened, 0 or 1.
    Share,
    /// What only the outcome's name tells.
    Own(String),
}

/// Whose mean it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whom {
    /// A customer's.
    Customer,
    /// That of a customer who takes the intervention up.
    Taker,
    /// A region's.
    Region,
}

/// The time that a mean is over.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Over {
    /// A rate, per so many days.
    Days(u32),
    /// A rate, per week.
    Week,
    /// A rate, per window of unknown length.
    Window,
    /// All of a customer's time.
    Time(Time),
}

/// How long customers were observed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Time {
    /// Days.
    Days(f64),
    /// Weeks.
    Weeks(f64),
    /// Months.
    Months(f64),
    /// The after window, so many days.
    WindowOf(f64),
    /// The after window of unknown length.
    Window,
    /// Not all equally long.
    Observed,
}

impl Counted {
    /// What an outcome of this name counts where nothing else tells.
    pub fn named(outcome: &str) -> Self {
        Counted::from(outcome.replace('-', " "))
    }

    fn words(&self) -> String {
        match self {
            Counted::Contacts => text!("unit.contacts"),
            Counted::Seconds => text!("unit.seconds"),
            Counted::Share => text!("unit.share"),
            Counted::Own(name) => name.clone(),
        }
    }
}

impl Over {
    fn words(self) -> String {
        match self {
            Over::Days(1) => text!("unit.per-day"),
            Over::Days(days) => text!("unit.per-days", days),
            Over::Week => text!("unit.per-week"),
            Over::Window => text!("unit.per-window"),
            Over::Time(time) => text!("unit.over", time = time.words()),
        }
    }
}

impl Time {
    fn words(self) -> String {
        match self {
            Time::Days(1.0) => text!("unit.day"),
            Time::Weeks(1.0) => text!("unit.week"),
            Time::Months(1.0) => text!("unit.month"),
            Time::Days(n) => text!("unit.days", n),
            Time::Weeks(n) => text!("unit.weeks", n),
            Time::Months(n) => text!("unit.months", n),
            Time::WindowOf(1.0) => text!("unit.window-day"),
            Time::WindowOf(days) => text!("unit.window-days", days),
            Time::Window => text!("unit.window"),
            Time::Observed => text!("unit.time-observed"),
        }
    }
}

impl Mean {
    /// Whether it is read as a share of all customers; a rate of such shares is not.
    fn of_all(&self) -> bool {
        self.what == Counted::Share
            && self.whom != Whom::Region
            && matches!(self.over, Over::Time(_) | Over::Week)
    }

    /// Whether it is the mean of so many things a customer.
    fn each_customer(&self) -> bool {
        self.whom != Whom::Region && !self.of_all()
    }

    fn words(&self) -> String {
        let (what, over) = (self.what.words(), self.over.words());
        match (self.whom, self.of_all()) {
            (Whom::Taker, true) => text!("unit.share-of-takers", over),
            (_, true) => text!("unit.share-of-customers", over),
            (Whom::Customer, _) => text!("unit.per-customer", what, over),
            (Whom::Taker, _) => text!("unit.per-taker", what, over),
            (Whom::Region, _) => text!("unit.per-region", what, over),
        }
    }
}

impl Unit {
    /// In words: "contacts per customer per 30 days".
    pub fn words(&self) -> String {
        match self {
            Unit::Ratio => text!("unit.ratio"),
            Unit::Probability => text!("unit.probability"),
            Unit::Mean(mean) => mean.words(),
            Unit::Score(Score { what, of_takers }) => match of_takers {
                true => text!("unit.score-of-takers", what),
                false => what.clone(),
            },
            Unit::Other(name) => name.clone(),
        }
    }

    /// In words, of a share in percentage points: "percentage points over the window". `None` where
    /// it is no share of customers.
    pub fn points(&self) -> Option<String> {
        let mean = self.mean().filter(|m| m.of_all())?;
        let over = mean.over.words();
        Some(match mean.whom {
            Whom::Taker => text!("unit.points-of-takers", over),
            _ => text!("unit.points", over),
        })
    }

    /// Of which outcome a customer has so many, in words: "contacts". `None` where nothing is
    /// counted per customer.
    pub fn noun(&self) -> Option<String> {
        Some(self.per_customer()?.what.words())
    }

    /// The unit behind a sentence that has named what is counted: "per customer per 30 days".
    /// `None` where nothing is counted per customer.
    pub fn without_noun(&self) -> Option<String> {
        let mean = self.per_customer()?;
        let over = mean.over.words();
        Some(match mean.whom {
            Whom::Taker => text!("unit.each-taker", over),
            _ => text!("unit.each", over),
        })
    }

    /// The same for a thousand customers: "contacts per 1,000 customers per 30 days". `None` where
    /// nothing is counted per customer.
    pub fn per_thousand(&self) -> Option<String> {
        let mean = self.per_customer()?;
        let (what, over) = (mean.what.words(), mean.over.words());
        Some(match mean.whom {
            Whom::Taker => text!("unit.per-thousand-takers", what, over),
            _ => text!("unit.per-thousand", what, over),
        })
    }

    /// The unit of an effect on those who take the intervention up.
    pub fn of_takers(self) -> Self {
        match self {
            Unit::Mean(mean) => Unit::Mean(Mean {
                whom: Whom::Taker,
                ..mean
            }),
            Unit::Score(score) => Unit::Score(Score {
                of_takers: true,
                ..score
            }),
            other => other,
        }
    }

    /// Whether a value is a share, 0 to 1.
    pub fn is_share(&self) -> bool {
        self.mean().is_some_and(|m| m.what == Counted::Share)
    }

    /// Whether it is the mean of what each customer has once.
    pub fn is_score(&self) -> bool {
        matches!(self, Unit::Score(_))
    }

    /// Whether nobody can have less than none of it, so that no mean of it is below 0.
    pub fn is_amount(&self) -> bool {
        matches!(self, Unit::Mean(_))
    }

    /// Whether contacts are counted.
    pub fn counts_contacts(&self) -> bool {
        self.mean().is_some_and(|m| m.what == Counted::Contacts)
    }

    fn mean(&self) -> Option<&Mean> {
        match self {
            Unit::Mean(mean) => Some(mean),
            _ => None,
        }
    }

    fn per_customer(&self) -> Option<&Mean> {
        self.mean().filter(|m| m.each_customer())
    }
}

impl JsonSchema for Unit {
    fn schema_name() -> Cow<'static, str> {
        String::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }

    fn inline_schema() -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_read_in_points_and_a_count_by_the_thousand() {
        let share = Unit::from("share of customers over the window");
        assert_eq!(share.points().unwrap(), "percentage points over the window");
        assert_eq!((share.noun(), share.per_thousand()), (None, None));
        assert!(share.is_share());
        let count = Unit::from("contacts per customer per 30 days");
        assert_eq!(
            count.per_thousand().unwrap(),
            "contacts per 1,000 customers per 30 days"
        );
        assert_eq!(count.without_noun().unwrap(), "per customer per 30 days");
        assert!(count.counts_contacts() && count.points().is_none());
        let region = Unit::from("contacts per region per 30 days");
        assert_eq!((region.noun(), region.per_thousand()), (None, None));
        // The name of an outcome is no unit.
        let own = Unit::from("share price per customer over 8 weeks");
        assert!(!own.is_share());
    }

    #[test]
    fn one_day_is_no_days_and_a_score_has_no_time() {
        for (name, words) in [
            (
                "contacts per customer per 1 days",
                "contacts per customer per day",
            ),
            (
                "contacts per customer over 1 weeks",
                "contacts per customer over 1 week",
            ),
            (
                "calls per customer over the window of 1 days",
                "calls per customer over the window of 1 day",
            ),
            ("mean satisfaction", "satisfaction"),
            (
                "mean wait of customers who took it up",
                "wait, of those who took it up",
            ),
        ] {
            let unit = Unit::from(name);
            assert_eq!(
                (unit.words(), unit.to_string()),
                (words.into(), name.into())
            );
        }
        let score = Unit::from("mean satisfaction");
        assert!(score.is_score() && score.per_thousand().is_none() && !score.is_amount());
        assert_eq!(
            score.of_takers().to_string(),
            "mean satisfaction of customers who took it up"
        );
        // An outcome whose own name begins so is still counted per customer.
        assert!(!Unit::from("mean calls per customer over 8 weeks").is_score());
    }
}
