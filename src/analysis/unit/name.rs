//! The names of units in JSON and CSV, the same in every language.

use std::fmt;

use super::{Counted, Mean, Over, Score, Time, Unit, Whom};

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unit::Ratio => f.write_str("ratio"),
            Unit::Probability => f.write_str("probability"),
            Unit::Mean(mean) => mean.fmt(f),
            Unit::Score(Score { what, of_takers }) => match of_takers {
                true => write!(f, "mean {what}{TAKERS}"),
                false => write!(f, "mean {what}"),
            },
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
            other => mean(other)
                .map(Unit::Mean)
                .or_else(|| score(other).map(Unit::Score)),
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

/// Behind the unit of a score on those who take the intervention up.
const TAKERS: &str = " of customers who took it up";

fn score(name: &str) -> Option<Score> {
    let rest = name.strip_prefix("mean ")?;
    let (what, of_takers) = match rest.strip_suffix(TAKERS) {
        Some(what) => (what, true),
        None => (rest, false),
    };
    let what = what.to_owned();
    Some(Score { what, of_takers })
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
}
