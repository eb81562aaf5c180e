//! Values as TOML text.

use toml_writer::{ToTomlKey, ToTomlValue, TomlKeyBuilder, TomlStringBuilder};

use crate::experiment::model::{Assumption, UnitCost};

/// A text in double quotes on one line.
pub(super) fn text(text: &str) -> String {
    TomlStringBuilder::new(text).as_basic().to_toml_value()
}

/// A key, quoted where it has to be.
pub(super) fn key(name: &str) -> String {
    let key = TomlKeyBuilder::new(name);
    match key.as_unquoted() {
        Some(bare) => bare.to_toml_key(),
        None => key.as_basic().to_toml_key(),
    }
}

/// A list of texts.
pub(super) fn texts<'t>(list: impl IntoIterator<Item = &'t String>) -> String {
    let items: Vec<String> = list.into_iter().map(|t| text(t)).collect();
    format!("[{}]", items.join(", "))
}

/// A number, exact when read again; whole numbers without a point.
pub(super) fn number(x: f64) -> String {
    // Below 2^53 every whole number is itself in f64.
    if x.fract() == 0.0 && x.abs() < 9e15 {
        format!("{}", x as i64)
    } else {
        format!("{x:?}")
    }
}

/// An assumption in the form that it was given in.
pub(super) fn assumption(a: &Assumption) -> String {
    match a {
        Assumption::Fixed(x) => number(*x),
        Assumption::Triangular { low, mode, high } => format!(
            "{{ low = {}, mode = {}, high = {} }}",
            number(*low),
            number(*mode),
            number(*high)
        ),
        Assumption::Normal { mean, sd } => {
            format!("{{ mean = {}, sd = {} }}", number(*mean), number(*sd))
        }
    }
}

/// A unit cost with both its parts.
pub(super) fn cost(c: &UnitCost) -> String {
    format!(
        "{{ variable = {}, labour = {} }}",
        assumption(&c.variable),
        assumption(&c.labour)
    )
}
