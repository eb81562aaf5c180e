//! Amounts that are assumptions: numbers, distributions, costs, half-lives.

use toml::de::{DeTable, DeValue};

use crate::error::nearest;
use crate::experiment::grammar::Range;
use crate::experiment::model::{Assumption, HalfLife, UnitCost};
use crate::experiment::value::{Mismatch, Read, number, shown};

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

pub(super) fn assumption(found: &DeValue<'_>, range: &Range) -> Read<Assumption> {
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

pub(super) fn half_life(found: &DeValue<'_>) -> Read<HalfLife> {
    let hint = "months, for example 6, { low = 3, mode = 6, high = 12 }, or \"none\" for no fade";
    match found {
        DeValue::String(text) if text == "none" => Ok(HalfLife::None),
        DeValue::String(text) => Err(Mismatch::new(format!(
            "expected months or \"none\", found \"{}\"",
            shown(text)
        ))
        .hint(hint)),
        other => assumption(other, &Range::HALF_LIFE)
            .map(HalfLife::Months)
            .map_err(|m| match m.hint {
                Some(_) => m,
                None => m.hint(hint),
            }),
    }
}

pub(super) fn cost(found: &DeValue<'_>) -> Read<UnitCost> {
    let hint =
        "for example { variable = 0.4, labour = { low = 3, mode = 4, high = 6 } }, or a number";
    let with_hint = |m: Mismatch| match m.hint {
        Some(_) => m,
        None => m.hint(hint),
    };
    let DeValue::Table(table) = found else {
        // Average cost is not avoidable cost: a bare number counts as labour,
        // of which only the realised share becomes cash.
        let labour = number(found, &Range::COST).map_err(with_hint)?;
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
        assumption(found.get_ref(), &Range::COST)
            .map_err(|m| with_hint(m.within(found.span().start)))
    };
    Ok(UnitCost {
        variable: part("variable")?,
        labour: part("labour")?,
    })
}
