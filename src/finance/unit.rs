//! Units of assumptions: a stable name in JSON and CSV, words of the catalogue in reports.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use crate::texts::text;

/// The unit of an assumption.
///
/// `Display` writes its name, the same in every language, and `From<String>` reads it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum AssumptionUnit {
    /// An amount of money.
    Money {
        /// ISO 4217.
        currency: String,
        /// What it is the price of.
        price: Price,
    },
    /// A share, 0 to 1 or, of a rate, above.
    Share(Share),
    /// A number of something.
    Number(Number),
    /// A name that this version does not know; it stays as it is.
    Other(String),
}

/// What an amount of money is the price of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // its name says it
pub enum Price {
    Contact,
    Minute,
    Year,
    Once,
    Delivery,
    Month,
}

/// What a share is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // its name says it
pub enum Share {
    FreedLabour,
    Customers,
    CustomersPerMonth,
    PerYear,
    Time,
    PaidTime,
    Contacts,
    Budget,
}

/// What there is a number of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // its name says it
pub enum Number {
    Months,
    Seconds,
    Minutes,
    Customers,
    CustomersPerMonth,
    CalendarMonth,
    MonthOfYear,
    HoursPerYear,
    ContactsPerInterval,
    SecondsPerContact,
    ContactsAvoided,
    MinutesAvoided,
}

const PRICES: [(Price, &str); 6] = [
    (Price::Contact, "per contact"),
    (Price::Minute, "per minute"),
    (Price::Year, "per year"),
    (Price::Once, "once"),
    (Price::Delivery, "per customer and delivery"),
    (Price::Month, "per month"),
];

const SHARES: [(Share, &str); 8] = [
    (Share::FreedLabour, "share of freed labour"),
    (Share::Customers, "share of customers"),
    (Share::CustomersPerMonth, "share of customers per month"),
    (Share::PerYear, "share per year"),
    (Share::Time, "share of time"),
    (Share::PaidTime, "share of paid time"),
    (Share::Contacts, "share of contacts"),
    (Share::Budget, "share of the service budget"),
];

const NUMBERS: [(Number, &str); 12] = [
    (Number::Months, "months"),
    (Number::Seconds, "seconds"),
    (Number::Minutes, "minutes"),
    (Number::Customers, "customers"),
    (Number::CustomersPerMonth, "customers per month"),
    (Number::CalendarMonth, "factor of the calendar month"),
    (Number::MonthOfYear, "calendar month, 1 is January"),
    (Number::HoursPerYear, "paid hours per year"),
    (Number::ContactsPerInterval, "contacts per interval"),
    (Number::SecondsPerContact, "seconds per contact"),
    (
        Number::ContactsAvoided,
        "contacts avoided per customer-month",
    ),
    (Number::MinutesAvoided, "minutes avoided per customer-month"),
];

impl AssumptionUnit {
    /// In words.
    pub fn words(&self) -> String {
        match self {
            AssumptionUnit::Money { currency, price } => match price {
                Price::Contact => text!("assumption.per-contact", currency),
                Price::Minute => text!("assumption.per-minute", currency),
                Price::Year => text!("assumption.per-year", currency),
                Price::Once => text!("assumption.once", currency),
                Price::Delivery => text!("assumption.per-delivery", currency),
                Price::Month => text!("assumption.per-month", currency),
            },
            AssumptionUnit::Share(share) => match share {
                Share::FreedLabour => text!("assumption.share-of-freed-labour"),
                Share::Customers => text!("assumption.share-of-customers"),
                Share::CustomersPerMonth => text!("assumption.share-per-month"),
                Share::PerYear => text!("assumption.share-per-year"),
                Share::Time => text!("assumption.share-of-time"),
                Share::PaidTime => text!("assumption.share-of-paid-time"),
                Share::Contacts => text!("assumption.share-of-contacts"),
                Share::Budget => text!("assumption.share-of-budget"),
            },
            AssumptionUnit::Number(number) => match number {
                Number::Months => text!("assumption.months"),
                Number::Seconds => text!("assumption.seconds"),
                Number::Minutes => text!("assumption.minutes"),
                Number::Customers => text!("assumption.customers"),
                Number::CustomersPerMonth => text!("assumption.customers-per-month"),
                Number::CalendarMonth => text!("assumption.calendar-month"),
                Number::MonthOfYear => text!("assumption.month-of-year"),
                Number::HoursPerYear => text!("assumption.hours-per-year"),
                Number::ContactsPerInterval => text!("assumption.contacts-per-interval"),
                Number::SecondsPerContact => text!("assumption.seconds-per-contact"),
                Number::ContactsAvoided => text!("assumption.effect-contacts"),
                Number::MinutesAvoided => text!("assumption.effect-minutes"),
            },
            AssumptionUnit::Other(name) => name.clone(),
        }
    }

    /// In words behind a number of percent: "% of customers". `None` of what is no share.
    pub fn percent(&self) -> Option<String> {
        let AssumptionUnit::Share(share) = self else {
            return None;
        };
        Some(match share {
            Share::FreedLabour => text!("assumption.percent-of-freed-labour"),
            Share::Customers => text!("assumption.percent-of-customers"),
            Share::CustomersPerMonth => text!("assumption.percent-per-month"),
            Share::PerYear => text!("assumption.percent-per-year"),
            Share::Time => text!("assumption.percent-of-time"),
            Share::PaidTime => text!("assumption.percent-of-paid-time"),
            Share::Contacts => text!("assumption.percent-of-contacts"),
            Share::Budget => text!("assumption.percent-of-budget"),
        })
    }

    /// Whether a value is a share.
    pub fn is_share(&self) -> bool {
        matches!(self, AssumptionUnit::Share(_))
    }
}

/// What a table calls a variant; each table has every variant of its own.
fn name<T: PartialEq>(table: &[(T, &'static str)], of: &T) -> &'static str {
    table.iter().find(|t| t.0 == *of).map_or("", |t| t.1)
}

impl fmt::Display for AssumptionUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AssumptionUnit::Money { currency, price } => {
                write!(f, "{currency} {}", name(&PRICES, price))
            }
            AssumptionUnit::Share(share) => f.write_str(name(&SHARES, share)),
            AssumptionUnit::Number(number) => f.write_str(name(&NUMBERS, number)),
            AssumptionUnit::Other(name) => f.write_str(name),
        }
    }
}

impl From<String> for AssumptionUnit {
    /// The unit of a name; whatever is not written exactly so is [`AssumptionUnit::Other`].
    fn from(name: String) -> Self {
        if let Some(share) = SHARES.iter().find(|s| s.1 == name) {
            return AssumptionUnit::Share(share.0);
        }
        if let Some(number) = NUMBERS.iter().find(|n| n.1 == name) {
            return AssumptionUnit::Number(number.0);
        }
        let code = |c: &str| c.len() == 3 && c.bytes().all(|b| b.is_ascii_uppercase());
        let money = name.split_once(' ').filter(|m| code(m.0));
        let price = money.and_then(|(currency, of)| {
            let price = PRICES.iter().find(|p| p.1 == of)?.0;
            Some((currency.to_owned(), price))
        });
        match price {
            Some((currency, price)) => AssumptionUnit::Money { currency, price },
            None => AssumptionUnit::Other(name),
        }
    }
}

impl From<&str> for AssumptionUnit {
    fn from(name: &str) -> Self {
        AssumptionUnit::from(name.to_owned())
    }
}

impl From<AssumptionUnit> for String {
    fn from(unit: AssumptionUnit) -> Self {
        unit.to_string()
    }
}

impl From<Share> for AssumptionUnit {
    fn from(share: Share) -> Self {
        AssumptionUnit::Share(share)
    }
}

impl From<Number> for AssumptionUnit {
    fn from(number: Number) -> Self {
        AssumptionUnit::Number(number)
    }
}

impl JsonSchema for AssumptionUnit {
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

    fn all() -> impl Iterator<Item = AssumptionUnit> {
        let money = PRICES.iter().map(|p| AssumptionUnit::Money {
            currency: "EUR".into(),
            price: p.0,
        });
        let shares = SHARES.iter().map(|s| AssumptionUnit::from(s.0));
        let numbers = NUMBERS.iter().map(|n| AssumptionUnit::from(n.0));
        money.chain(shares).chain(numbers)
    }

    #[test]
    fn names_lead_back_and_are_the_english_words() {
        for unit in all() {
            assert_eq!(AssumptionUnit::from(unit.to_string()), unit);
            assert_eq!(unit.words(), unit.to_string());
            let percent = unit.percent().map(|p| p.replacen('%', "share", 1));
            assert_eq!(percent, unit.is_share().then(|| unit.to_string()));
        }
    }

    proptest! {
        #[test]
        fn a_file_keeps_every_name(name in "\\PC{0,40}|[A-Z]{2,4} (per month|once|per hour)") {
            prop_assert_eq!(AssumptionUnit::from(name.clone()).to_string(), name);
        }
    }
}
