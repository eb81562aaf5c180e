//! One value: from TOML to the form that its key holds.

use std::collections::BTreeSet;

use jiff::civil::Date;
use toml::Spanned;
use toml::de::{DeArray, DeInteger, DeValue};

use crate::error::{Error, Result, nearest};
use crate::experiment::amount;
use crate::experiment::grammar::{Holds, Range};
use crate::experiment::model::{Assumption, HalfLife, UnitCost};

/// A value of the form that its key holds, within its range.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Text(String),
    Byte(u8),
    Whole(u64),
    Number(f64),
    Flag(bool),
    Day(Date),
    Days((Date, Date)),
    /// Texts with their places.
    Texts(Vec<(String, usize)>),
    Numbers(Vec<f64>),
    DayList(Vec<Date>),
    Assumption(Assumption),
    HalfLife(HalfLife),
    Cost(UnitCost),
    /// Texts by arm, with the arm's place.
    ByArm(Vec<(String, usize, Vec<String>)>),
}

/// Why a value does not fit its key.
#[derive(Debug)]
pub(super) struct Mismatch {
    pub message: String,
    pub hint: Option<String>,
    /// The place, where it is inside the value.
    pub at: Option<usize>,
}

impl Mismatch {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Mismatch {
            message: message.into(),
            hint: None,
            at: None,
        }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(super) fn within(mut self, at: usize) -> Self {
        self.at.get_or_insert(at);
        self
    }

    /// "expected a number, found text".
    pub(super) fn form(expected: &str, found: &DeValue<'_>) -> Self {
        let found = match found {
            DeValue::String(_) => "text",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a number",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date or time",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        Mismatch::new(format!("expected {expected}, found {found}"))
    }
}

/// A Rust type that a value can be read as.
pub(super) trait Held: Sized {
    fn held(value: &Value) -> Option<Self>;
}

macro_rules! held {
    ($($variant:ident => $type:ty),* $(,)?) => {
        $(impl Held for $type {
            fn held(value: &Value) -> Option<Self> {
                match value {
                    Value::$variant(x) => Some(x.clone()),
                    _ => None,
                }
            }
        })*
    };
}

held! {
    Text => String,
    Byte => u8,
    Whole => u64,
    Number => f64,
    Flag => bool,
    Day => Date,
    Days => (Date, Date),
    Numbers => Vec<f64>,
    DayList => Vec<Date>,
    Assumption => Assumption,
    HalfLife => HalfLife,
    Cost => UnitCost,
    ByArm => Vec<(String, usize, Vec<String>)>,
}

impl Held for Vec<String> {
    fn held(value: &Value) -> Option<Self> {
        match value {
            Value::Texts(items) => Some(items.iter().map(|(text, _)| text.clone()).collect()),
            _ => None,
        }
    }
}

impl Held for u32 {
    fn held(value: &Value) -> Option<Self> {
        u64::held(value).and_then(|x| u32::try_from(x).ok())
    }
}

pub(super) type Read<T> = std::result::Result<T, Mismatch>;

/// The value of a default, which is written as TOML.
pub(super) fn default(holds: &Holds, text: &str) -> Result<Value> {
    DeValue::parse(text)
        .map_err(|e| e.message().to_owned())
        .and_then(|v| read(holds, v.get_ref()).map_err(|m| m.message))
        .map_err(|why| Error::internal(format!("the default `{text}`: {why}")))
}

/// Reads a value that is not a table of keys.
pub(super) fn read(holds: &Holds, found: &DeValue<'_>) -> Read<Value> {
    match holds {
        Holds::Text { max, lines } => text(found, *max, *lines).map(Value::Text),
        Holds::Delimiter => delimiter(found).map(Value::Byte),
        Holds::Name => name(found).map(Value::Text),
        Holds::Choice(words) => choice(found, words).map(Value::Text),
        Holds::Flag => match found {
            DeValue::Boolean(b) => Ok(Value::Flag(*b)),
            other => Err(Mismatch::form("true or false", other).hint("without quotes")),
        },
        Holds::Whole(min, max) => whole(found, *min, *max).map(Value::Whole),
        Holds::Number(range) => number(found, range).map(Value::Number),
        Holds::Day => day(found).map(Value::Day),
        Holds::Days => days(found).map(Value::Days),
        Holds::Texts(max) => texts(found, *max).map(Value::Texts),
        Holds::Numbers(count, range) => numbers(found, *count, range).map(Value::Numbers),
        Holds::NumberList(max, range) => number_list(found, *max, range).map(Value::Numbers),
        Holds::DayList(max) => day_list(found, *max).map(Value::DayList),
        Holds::Assumption(range) => amount::assumption(found, range).map(Value::Assumption),
        Holds::HalfLife => amount::half_life(found).map(Value::HalfLife),
        Holds::Cost => amount::cost(found).map(Value::Cost),
        Holds::ByArm => by_arm(found).map(Value::ByArm),
        Holds::Table(_) | Holds::Tables(..) => Err(Mismatch::new("a table is not a value")),
    }
}

fn text(found: &DeValue<'_>, max: usize, lines: bool) -> Read<String> {
    let DeValue::String(text) = found else {
        return Err(Mismatch::form("text", found).hint("put it in quotes"));
    };
    if text.trim().is_empty() {
        return Err(Mismatch::new("the text is blank").hint("say something, or take the key out"));
    }
    if text.chars().count() > max {
        return Err(Mismatch::new(format!(
            "the text is longer than {max} characters"
        )));
    }
    let odd = |c: char| c.is_control() && !(lines && matches!(c, '\n' | '\r' | '\t'));
    if let Some(c) = text.chars().find(|c| odd(*c)) {
        return Err(Mismatch::new(format!(
            "the text holds the control character U+{:04X}",
            u32::from(c)
        ))
        .hint("take it out"));
    }
    Ok(text.to_string())
}

fn name(found: &DeValue<'_>) -> Read<String> {
    let DeValue::String(text) = found else {
        return Err(Mismatch::form("a name", found).hint("put it in quotes"));
    };
    if is_name(text) {
        return Ok(text.to_string());
    }
    let shown = shown(text);
    let message = if text.contains(['/', '\\']) || text.starts_with('.') {
        format!("\"{shown}\" is a path, not a name")
    } else {
        format!("\"{shown}\" cannot be a name")
    };
    let rule = "names are 1 to 64 of a-z, 0-9 and -, and begin with a letter or digit";
    let hint = match slug(text) {
        Some(slug) => format!("{rule}, for example \"{slug}\""),
        None => rule.to_owned(),
    };
    Err(Mismatch::new(message).hint(hint))
}

/// Whether a text is a name: `[a-z0-9][a-z0-9-]{0,63}`.
pub(super) fn is_name(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    text.len() <= 64
        && text.bytes().next().is_some_and(plain)
        && text.bytes().all(|b| plain(b) || b == b'-')
}

/// The nearest name to a text, if it has letters or digits.
fn slug(text: &str) -> Option<String> {
    let words: Vec<String> = text
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|w| !w.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    let slug: String = words.join("-").chars().take(64).collect();
    is_name(&slug).then_some(slug)
}

/// A text as it can stand in a message: short, without control characters.
pub(super) fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(60).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown.escape_debug().to_string().replace("\\'", "'")
}

fn choice(found: &DeValue<'_>, words: &[&'static str]) -> Read<String> {
    let list = words
        .iter()
        .map(|w| format!("\"{w}\""))
        .collect::<Vec<_>>()
        .join(", ");
    let DeValue::String(text) = found else {
        return Err(Mismatch::form(&format!("one of {list}"), found).hint("put the word in quotes"));
    };
    if words.contains(&text.as_ref()) {
        return Ok(text.to_string());
    }
    let m = Mismatch::new(format!("\"{}\" is not one of {list}", shown(text)));
    Err(match nearest(text, words.iter().copied()) {
        Some(near) => m.hint(format!("did you mean \"{near}\"?")),
        None => m.hint(format!("choose one of {list}")),
    })
}

fn delimiter(found: &DeValue<'_>) -> Read<u8> {
    let hint = "one ASCII character, for example \",\", \";\" or \"\\t\"";
    let DeValue::String(text) = found else {
        return Err(Mismatch::form("text", found).hint(hint));
    };
    match text.as_bytes() {
        [b] if b.is_ascii() && !b.is_ascii_alphanumeric() && !b"\0\r\n\"+-".contains(b) => Ok(*b),
        _ => Err(Mismatch::new(format!("\"{}\" cannot part fields", shown(text))).hint(hint)),
    }
}

/// The value of an integer; `None` where it is too large for any key.
fn integer(found: &DeInteger<'_>) -> Option<i128> {
    i128::from_str_radix(found.as_str(), found.radix()).ok()
}

fn whole(found: &DeValue<'_>, min: u64, max: u64) -> Read<u64> {
    let wanted = match (min, max) {
        (min, max) if min == max => format!("{min}"),
        (min, u64::MAX) => format!("a whole number of at least {min}"),
        (min, max) => format!("a whole number from {min} to {max}"),
    };
    match found {
        DeValue::Integer(i) => integer(i)
            .and_then(|i| u64::try_from(i).ok())
            .filter(|i| (min..=max).contains(i))
            .ok_or_else(|| {
                Mismatch::new(format!("expected {wanted}, found {}", shown(i.as_str())))
            }),
        DeValue::Float(f) => Err(Mismatch::new(format!(
            "expected {wanted}, found {}",
            shown(f.as_str())
        ))),
        other => Err(Mismatch::form(&wanted, other)),
    }
}

/// Numbers nearer to 0 than this mean nothing in a plan, and quotients with them leave f64's range.
const TINY: f64 = 1e-12;

pub(super) fn number(found: &DeValue<'_>, range: &Range) -> Read<f64> {
    let (x, text) = match found {
        DeValue::Integer(i) => (integer(i).map_or(f64::INFINITY, |i| i as f64), i.as_str()),
        DeValue::Float(f) => (f.as_str().parse().unwrap_or(f64::NAN), f.as_str()),
        other => return Err(Mismatch::form("a number", other)),
    };
    if !x.is_finite() {
        return Err(Mismatch::new(format!(
            "expected a finite number, found {}",
            shown(text)
        )));
    }
    if !range.holds(x) {
        return Err(Mismatch::new(format!(
            "expected a number {}, found {}",
            range.words(),
            shown(text)
        )));
    }
    if x != 0.0 && x.abs() < TINY {
        return Err(
            Mismatch::new(format!("{} is too near to 0 to compute with", shown(text))).hint(
                format!("write 0 where the key allows it, or at least {TINY:e}"),
            ),
        );
    }
    Ok(x)
}

fn day(found: &DeValue<'_>) -> Read<Date> {
    let hint = "write a day as \"2026-08-01\"";
    let text = match found {
        DeValue::String(text) => text.to_string(),
        DeValue::Datetime(d) if d.time.is_none() => d.to_string(),
        DeValue::Datetime(_) => {
            return Err(Mismatch::new("expected a day, found a time").hint(hint));
        }
        other => return Err(Mismatch::form("a day", other).hint(hint)),
    };
    let form = text.len() == 10
        && text.bytes().enumerate().all(|(i, b)| match i {
            4 | 7 => b == b'-',
            _ => b.is_ascii_digit(),
        });
    if !form {
        return Err(
            Mismatch::new(format!("expected a day, found \"{}\"", shown(&text))).hint(hint),
        );
    }
    let date: Date = text.parse().map_err(|_| {
        Mismatch::new(format!("there is no day {text}")).hint("check month and day")
    })?;
    if !(1900..=2200).contains(&date.year()) {
        return Err(Mismatch::new(format!(
            "the year of {text} is not from 1900 to 2200"
        )));
    }
    Ok(date)
}

fn days(found: &DeValue<'_>) -> Read<(Date, Date)> {
    let list = list(found, "two days")?;
    let [first, last] = list.iter().collect::<Vec<_>>()[..] else {
        return Err(Mismatch::new(format!(
            "expected two days, found {}",
            list.len()
        )));
    };
    let first_day = day(first.get_ref()).map_err(|m| m.within(first.span().start))?;
    let last_day = day(last.get_ref()).map_err(|m| m.within(last.span().start))?;
    if last_day < first_day {
        return Err(Mismatch::new(format!(
            "the last day, {last_day}, is before the first, {first_day}"
        )));
    }
    Ok((first_day, last_day))
}

fn list<'v, 'i>(found: &'v DeValue<'i>, of: &str) -> Read<&'v DeArray<'i>> {
    match found {
        DeValue::Array(list) => Ok(list),
        other => Err(Mismatch::form(&format!("a list of {of}"), other)),
    }
}

fn texts(found: &DeValue<'_>, max: usize) -> Read<Vec<(String, usize)>> {
    let list = list(found, "texts").map_err(|m| m.hint("write [\"one\", \"two\"]"))?;
    if list.len() > max {
        return Err(Mismatch::new(format!(
            "{} entries, and {max} is the most",
            list.len()
        )));
    }
    let mut seen = BTreeSet::new();
    let mut texts = Vec::with_capacity(list.len());
    for item in list {
        let at = item.span().start;
        let text = text(item.get_ref(), 300, false).map_err(|m| m.within(at))?;
        if !seen.insert(text.clone()) {
            return Err(
                Mismatch::new(format!("\"{}\" stands here twice", shown(&text)))
                    .hint("keep one")
                    .within(at),
            );
        }
        texts.push((text, at));
    }
    Ok(texts)
}

fn numbers(found: &DeValue<'_>, count: usize, range: &Range) -> Read<Vec<f64>> {
    let list = list(found, "numbers")?;
    if list.len() != count {
        return Err(Mismatch::new(format!(
            "expected {count} numbers, found {}",
            list.len()
        )));
    }
    list.iter()
        .map(|x| number(x.get_ref(), range).map_err(|m| m.within(x.span().start)))
        .collect()
}

/// The items of a list of at most `max`.
fn items<'v, 'i>(found: &'v DeValue<'i>, of: &str, max: usize) -> Read<&'v DeArray<'i>> {
    let list = list(found, of)?;
    if list.len() > max {
        return Err(Mismatch::new(format!(
            "{} entries, and {max} is the most",
            list.len()
        )));
    }
    Ok(list)
}

fn number_list(found: &DeValue<'_>, max: usize, range: &Range) -> Read<Vec<f64>> {
    items(found, "numbers", max)?
        .iter()
        .map(|x| number(x.get_ref(), range).map_err(|m| m.within(x.span().start)))
        .collect()
}

fn day_list(found: &DeValue<'_>, max: usize) -> Read<Vec<Date>> {
    items(found, "days", max)?
        .iter()
        .map(|x| day(x.get_ref()).map_err(|m| m.within(x.span().start)))
        .collect()
}

fn by_arm(found: &DeValue<'_>) -> Read<Vec<(String, usize, Vec<String>)>> {
    let DeValue::Table(table) = found else {
        return Err(Mismatch::form("a table of lists by arm", found));
    };
    let mut entries: Vec<(&Spanned<_>, &Spanned<DeValue<'_>>)> = table.iter().collect();
    entries.sort_by_key(|(name, _)| name.span().start);
    entries
        .into_iter()
        .map(|(name, list): (&Spanned<toml::de::DeString<'_>>, _)| {
            let values = texts(list.get_ref(), 1000).map_err(|m| m.within(list.span().start))?;
            let values = values.into_iter().map(|(v, _)| v).collect();
            Ok((name.get_ref().to_string(), name.span().start, values))
        })
        .collect()
}

/// A key as TOML writes it.
pub(super) fn bare_or_quoted(key: &str) -> String {
    let bare = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if !key.is_empty() && key.bytes().all(bare) {
        key.to_owned()
    } else {
        format!("\"{}\"", key.escape_debug())
    }
}
