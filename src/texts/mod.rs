//! The words of reports, all in one file a language, so that another language is another file.
//!
//! `en.toml` holds them by section and key; `{name}` in a text is a gap that is filled where the
//! text is used, by [`text!`](text) or, where the gaps' fillings are at hand as `&str`, by the
//! function of that name. A test compares the file with every use in the source, gaps included.

#[cfg(test)]
pub(crate) mod foreign;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

type Sections = BTreeMap<String, BTreeMap<String, String>>;

static ENGLISH: LazyLock<Sections> = LazyLock::new(|| {
    // The file is compiled in, and a test reads it.
    let file = toml::Deserializer::parse(include_str!("en.toml")).expect("en.toml");
    let sections = Sections::deserialize(file).expect("en.toml");
    #[cfg(test)]
    let sections = foreign::where_spoken(sections);
    sections
});

/// The text `section.key` with its gaps filled: `text("interval.to", &[("low", "1"), ("high", "2")])`.
///
/// What fills a gap is never searched for gaps itself. A key that is not in the catalogue shows as
/// itself.
pub fn text(key: &'static str, gaps: &[(&'static str, &str)]) -> String {
    let found = key
        .split_once('.')
        .and_then(|(section, name)| ENGLISH.get(section)?.get(name));
    let Some(template) = found else {
        return key.to_owned();
    };
    let mut out = String::with_capacity(template.len());
    let mut rest = template.as_str();
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let Some((name, tail)) = after.split_once('}') else {
            out.push('{');
            rest = after;
            continue;
        };
        match gaps.iter().find(|gap| gap.0 == name) {
            Some((_, filling)) => out.push_str(filling),
            None => out.extend(["{", name, "}"]),
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// The text `section.key` with its gaps filled by anything that can be shown:
/// `text!("memo.look-of", look = b.look, planned)`; a name alone is filled by the variable of that name.
macro_rules! filled {
    ($key:literal $(, $gap:ident $(= $value:expr)?)* $(,)?) => {
        $crate::texts::text(
            $key,
            &[$((
                stringify!($gap),
                ::std::string::ToString::to_string(&$crate::texts::filled!(@ $gap $($value)?)).as_str(),
            )),*],
        )
    };
    (@ $gap:ident) => { $gap };
    (@ $gap:ident $value:expr) => { $value };
}
pub(crate) use filled;
pub(crate) use filled as text;

/// All keys with their gaps, each in the order of the file.
pub fn keys() -> Vec<(String, Vec<String>)> {
    let gaps = |text: &str| -> Vec<String> {
        let inside = text.split('{').skip(1);
        inside
            .filter_map(|part| Some(part.split_once('}')?.0.to_owned()))
            .collect()
    };
    let all = ENGLISH.iter();
    all.flat_map(|(section, texts)| {
        let texts = texts.iter();
        texts.map(move |(key, text)| (format!("{section}.{key}"), gaps(text)))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_filled_once() {
        let gaps = [("low", "{high} <b>"), ("high", "2")];
        assert_eq!(text("interval.to", &gaps), "{high} <b> to 2");
        assert_eq!(text("no.such", &[]), "no.such");
        let high = 2.5;
        assert_eq!(text!("interval.to", low = 1, high), "1 to 2.5");
    }
}
