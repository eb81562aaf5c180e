//! One value: from TOML to the form that its key holds.

use std::collections::BTreeSet;

use jiff::civil::Date;
use toml::Spanned;
use toml::de::{DeArray, DeInteger, DeTable, DeValue};

use crate::error::{Error, Result, nearest};
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
    fn new(message: impl Into<String>) -> Self {
        Mismatch {
            message: message.into(),
            hint: None,
            at: None,
        }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    fn within(mut self, at: usize) -> Self {
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

type Read<T> = std::result::Result<T, Mismatch>;

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
        Holds::Assumption(range) => assumption(found, range).map(Value::Assumption),
        Holds::HalfLife => half_life(found).map(Value::HalfLife),
        Holds::Cost => cost(found).map(Value::Cost),
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

fn number(found: &DeValue<'_>, range: &Range) -> Read<f64> {
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

/// The numbers of an inline table with exactly these keys.
fn parts<const N: usize>(
    table: &DeTable<'_>,
    names: [&str; N],
    read: impl Fn(&DeValue<'_>) -> Read<f64>,
) -> Read<[f64; N]> {
    let wanted = || format!("{{ {} }}", names.join(", "));
    if let Some(stranger) = table
        .keys()
        .find(|k| !names.contains(&k.get_ref().as_ref()))
    {
        return Err(Mismatch::new(format!(
            "unknown key `{}`; expected {}",
            shown(stranger.get_ref()),
            wanted()
        ))
        .within(stranger.span().start));
    }
    let mut out = [0.0; N];
    for (slot, name) in out.iter_mut().zip(names) {
        let Some(found) = table.get(name) else {
            return Err(Mismatch::new(format!(
                "`{name}` is missing; expected {}",
                wanted()
            )));
        };
        *slot = read(found.get_ref()).map_err(|m| m.within(found.span().start))?;
    }
    Ok(out)
}

fn assumption(found: &DeValue<'_>, range: &Range) -> Read<Assumption> {
    let DeValue::Table(table) = found else {
        return match found {
            DeValue::Integer(_) | DeValue::Float(_) => number(found, range).map(Assumption::Fixed),
            other => Err(Mismatch::form("a number or a distribution", other)),
        };
    };
    if table.contains_key("mean") || table.contains_key("sd") {
        let [mean, sd] = parts(table, ["mean", "sd"], |v| number(v, &ANY))?;
        return normal(mean, sd, range);
    }
    let [low, mode, high] = parts(table, ["low", "mode", "high"], |v| number(v, range))?;
    if !(low <= mode && mode <= high) {
        return Err(Mismatch::new(format!(
            "low {low}, mode {mode}, high {high} are out of order"
        ))
        .hint("low ≤ mode ≤ high"));
    }
    Ok(Assumption::Triangular { low, mode, high })
}

const ANY: Range = Range {
    min: f64::MIN,
    max: f64::MAX,
    min_in: true,
    max_in: true,
};

/// Both tails up to three standard deviations have to make sense.
fn normal(mean: f64, sd: f64, range: &Range) -> Read<Assumption> {
    if sd < 0.0 {
        return Err(Mismatch::new(format!(
            "the standard deviation {sd} is negative"
        )));
    }
    if !range.holds(mean) {
        return Err(Mismatch::new(format!(
            "expected a mean {}, found {mean}",
            range.words()
        )));
    }
    // 3·sd rather than mean/3: 0.3 and 0.1 must pass, and 0.3/3 < 0.1 in f64.
    let slack = 1e-9 * mean.abs();
    if 3.0 * sd > mean + slack {
        return Err(Mismatch::new(format!(
            "the standard deviation {sd} is more than a third of the mean {mean}"
        ))
        .hint("use { low, mode, high } for a wide or lopsided range"));
    }
    if mean + 3.0 * sd > range.max + slack {
        return Err(Mismatch::new(format!(
            "three standard deviations above the mean reach {}, past {}",
            mean + 3.0 * sd,
            range.max
        ))
        .hint("use { low, mode, high } for a wide or lopsided range"));
    }
    Ok(Assumption::Normal { mean, sd })
}

fn half_life(found: &DeValue<'_>) -> Read<HalfLife> {
    let hint = "months, for example 6, { low = 3, mode = 6, high = 12 }, or \"none\" for no fade";
    let range = Range {
        min: 0.0,
        max: 1200.0,
        min_in: false,
        max_in: true,
    };
    match found {
        DeValue::String(text) if text == "none" => Ok(HalfLife::None),
        DeValue::String(text) => Err(Mismatch::new(format!(
            "expected months or \"none\", found \"{}\"",
            shown(text)
        ))
        .hint(hint)),
        other => assumption(other, &range)
            .map(HalfLife::Months)
            .map_err(|m| match m.hint {
                Some(_) => m,
                None => m.hint(hint),
            }),
    }
}

fn cost(found: &DeValue<'_>) -> Read<UnitCost> {
    let hint =
        "for example { variable = 0.4, labour = { low = 3, mode = 4, high = 6 } }, or a number";
    let range = Range {
        min: 0.0,
        max: 1e9,
        min_in: true,
        max_in: true,
    };
    let with_hint = |m: Mismatch| match m.hint {
        Some(_) => m,
        None => m.hint(hint),
    };
    let DeValue::Table(table) = found else {
        // Average cost is not avoidable cost: a bare number counts as labour,
        // of which only the realised share becomes cash.
        let labour = number(found, &range).map_err(with_hint)?;
        return Ok(UnitCost {
            variable: Assumption::Fixed(0.0),
            labour: Assumption::Fixed(labour),
        });
    };
    let names = ["variable", "labour"];
    if let Some(stranger) = table
        .keys()
        .find(|k| !names.contains(&k.get_ref().as_ref()))
    {
        let m = Mismatch::new(format!("unknown key `{}`", shown(stranger.get_ref())))
            .within(stranger.span().start);
        return Err(match nearest(stranger.get_ref(), names) {
            Some(near) => m.hint(format!("did you mean `{near}`?")),
            None => m.hint(hint),
        });
    }
    let part = |name: &str| {
        let Some(found) = table.get(name) else {
            return Err(Mismatch::new(format!("`{name}` is missing"))
                .hint("give both; write 0 where there is none"));
        };
        assumption(found.get_ref(), &range).map_err(|m| with_hint(m.within(found.span().start)))
    };
    Ok(UnitCost {
        variable: part("variable")?,
        labour: part("labour")?,
    })
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
