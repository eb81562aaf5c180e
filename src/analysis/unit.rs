//! Units of estimates and means: what is counted, of whom, over what time.
//!
//! A unit has two faces: its name, the same in every language, in `analysis.json` and CSV
//! (`Display`, and `From<String>` back), and its words from the catalogue, in reports
//! ([`words`](Unit::words) and the like). In English both are alike.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use crate::texts::text;

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
            Time::Days(n) => text!("unit.days", n),
            Time::Weeks(n) => text!("unit.weeks", n),
            Time::Months(n) => text!("unit.months", n),
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
            other => other,
        }
    }

    /// Whether a value is a share, 0 to 1.
    pub fn is_share(&self) -> bool {
        self.mean().is_some_and(|m| m.what == Counted::Share)
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

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unit::Ratio => f.write_str("ratio"),
            Unit::Probability => f.write_str("probability"),
            Unit::Mean(mean) => mean.fmt(f),
            Unit::Other(name) => f.write_str(name),
        }
    }
}

impl fmt::Display for Mean {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Mean { what, whom, over } = self;
        match (whom, self.of_all()) {
            (Whom::Taker, true) => write!(f, "share of customers {over}, of those who took it up"),
            (_, true) => write!(f, "share of customers {over}"),
            (Whom::Customer, _) => write!(f, "{what} per customer {over}"),
            (Whom::Taker, _) => write!(f, "{what} per customer who took it up {over}"),
            (Whom::Region, _) => write!(f, "{what} per region {over}"),
        }
    }
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Counted::Contacts => "contacts",
            Counted::Seconds => "seconds of handling",
            Counted::Share => "share",
            Counted::Own(name) => name,
        })
    }
}

impl fmt::Display for Over {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Over::Days(days) => write!(f, "per {days} days"),
            Over::Week => f.write_str("per week"),
            Over::Window => f.write_str("per window"),
            Over::Time(time) => write!(f, "over {time}"),
        }
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Time::Days(n) => write!(f, "{n} days"),
            Time::Weeks(n) => write!(f, "{n} weeks"),
            Time::Months(n) => write!(f, "{n} months"),
            Time::WindowOf(days) => write!(f, "the window of {days} days"),
            Time::Window => f.write_str("the window"),
            Time::Observed => f.write_str("the time observed"),
        }
    }
}

impl From<Unit> for String {
    fn from(unit: Unit) -> Self {
        unit.to_string()
    }
}

impl From<String> for Unit {
    /// The unit of a name; whatever is not written exactly so is [`Unit::Other`].
    fn from(name: String) -> Self {
        let known = match name.as_str() {
            "ratio" => Some(Unit::Ratio),
            "probability" => Some(Unit::Probability),
            other => mean(other).map(Unit::Mean),
        };
        known
            .filter(|unit| unit.to_string() == name)
            .unwrap_or(Unit::Other(name))
    }
}

impl From<&str> for Unit {
    fn from(name: &str) -> Self {
        Unit::from(name.to_owned())
    }
}

impl From<String> for Counted {
    fn from(name: String) -> Self {
        match name.as_str() {
            "contacts" => Counted::Contacts,
            "seconds of handling" => Counted::Seconds,
            _ => Counted::Own(name),
        }
    }
}

fn mean(name: &str) -> Option<Mean> {
    if let Some(rest) = name.strip_prefix("share of customers ") {
        let (whom, over) = match rest.strip_suffix(", of those who took it up") {
            Some(over) => (Whom::Taker, over),
            None => (Whom::Customer, rest),
        };
        if let Some(over) = self::over(over) {
            let what = Counted::Share;
            return Some(Mean { what, whom, over });
        }
    }
    // An outcome may have such words in its name: the last ones count.
    let of = |between: &str, whom| {
        let (what, over) = name.rsplit_once(between)?;
        let over = self::over(over)?;
        let share = Mean {
            what: Counted::Share,
            whom,
            over,
        };
        Some(match what {
            "share" if !share.of_all() => share,
            _ => Mean {
                what: Counted::from(what.to_owned()),
                ..share
            },
        })
    };
    of(" per customer who took it up ", Whom::Taker)
        .or_else(|| of(" per customer ", Whom::Customer))
        .or_else(|| of(" per region ", Whom::Region))
}

fn over(name: &str) -> Option<Over> {
    match name.split_once(' ')? {
        ("per", "week") => Some(Over::Week),
        ("per", "window") => Some(Over::Window),
        ("per", days) => Some(Over::Days(days.strip_suffix(" days")?.parse().ok()?)),
        ("over", time) => self::time(time).map(Over::Time),
        _ => None,
    }
}

fn time(name: &str) -> Option<Time> {
    let number = |n: &str| n.parse().ok().filter(|n: &f64| n.is_finite());
    match name {
        "the window" => return Some(Time::Window),
        "the time observed" => return Some(Time::Observed),
        _ => {}
    }
    let (n, unit) = name.rsplit_once(' ')?;
    match (n.strip_prefix("the window of "), unit) {
        (Some(days), "days") => number(days).map(Time::WindowOf),
        (_, "days") => number(n).map(Time::Days),
        (_, "weeks") => number(n).map(Time::Weeks),
        (_, "months") => number(n).map(Time::Months),
        _ => None,
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
    use proptest::prelude::*;

    use super::*;

    fn counted() -> impl Strategy<Value = Counted> {
        prop_oneof![
            Just(Counted::Contacts),
            Just(Counted::Seconds),
            Just(Counted::Share),
            "[a-z0-9][a-z0-9-]{0,63}".prop_map(|name| Counted::named(&name)),
            Just(Counted::named("calls-per-customer-over-8-weeks")),
            Just(Counted::named("calls-per-region-per-7-days")),
            Just(Counted::named("share-of-customers-over-the-window")),
            Just(Counted::named("share-of-calls")),
        ]
    }

    fn over() -> impl Strategy<Value = Over> {
        let length = prop_oneof![(1..1000u32).prop_map(f64::from), 0.01..1e6];
        let time = prop_oneof![
            length.clone().prop_map(Time::Days),
            length.clone().prop_map(Time::Weeks),
            length.clone().prop_map(Time::Months),
            length.prop_map(Time::WindowOf),
            Just(Time::Window),
            Just(Time::Observed),
        ];
        prop_oneof![
            any::<u32>().prop_map(Over::Days),
            Just(Over::Week),
            Just(Over::Window),
            time.prop_map(Over::Time),
        ]
    }

    fn unit() -> impl Strategy<Value = Unit> {
        let whom = prop_oneof![Just(Whom::Customer), Just(Whom::Taker), Just(Whom::Region)];
        let mean = (counted(), whom, over());
        prop_oneof![
            1 => Just(Unit::Ratio),
            1 => Just(Unit::Probability),
            20 => mean.prop_map(|(what, whom, over)| Unit::Mean(Mean { what, whom, over })),
        ]
    }

    proptest! {
        #[test]
        fn a_name_leads_back_to_its_unit(unit in unit()) {
            prop_assert_eq!(Unit::from(unit.to_string()), unit);
        }

        #[test]
        fn a_file_keeps_every_name(name in "\\PC{0,60}") {
            prop_assert_eq!(Unit::from(name.clone()).to_string(), name);
        }

        #[test]
        fn english_words_are_the_names(unit in unit()) {
            prop_assert_eq!(unit.words(), unit.to_string());
        }
    }

    #[test]
    fn names_of_files_are_read() {
        for name in [
            "contacts per customer per 30 days",
            "contacts per customer who took it up per 30 days",
            "repeat visits per region per 30 days",
            "share of customers over the window, of those who took it up",
            "share per customer per 30 days",
            "share per customer over 8 weeks",
            "seconds of handling per customer over the window of 61 days",
            "seizures per customer over 8 weeks",
            "share of customers per week",
        ] {
            let unit = Unit::from(name);
            assert!(matches!(unit, Unit::Mean(_)), "{name}: {unit:?}");
            assert_eq!(unit.to_string(), name);
        }
        for name in [
            "",
            "contacts per customer",
            "contacts per customer per 030 days",
            "EUR",
        ] {
            assert_eq!(Unit::from(name), Unit::Other(name.into()));
        }
    }

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
}
