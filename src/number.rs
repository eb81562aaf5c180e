//! Numbers as people read them: as many digits as the uncertainty allows.

use crate::texts::text;

/// The minus sign of text and charts (CSV and JSON keep the hyphen).
pub const MINUS: char = '−';

/// From here on digits stop helping a reader: powers of ten instead.
const HUGE: f64 = 1e15;

/// Decimals that show `uncertainty` (half the width of an interval, or a standard error)
/// with one or two significant digits; negative rounds to tens, hundreds …
///
/// *Formula* — the rule of the Particle Data Group: of its three leading digits, 100-354
/// keep two, 355-949 keep one, 950-999 round up to 1000 and keep two. `None` where there is
/// no uncertainty to go by.
pub fn decimals(uncertainty: f64) -> Option<i32> {
    if !uncertainty.is_finite() || uncertainty <= 0.0 {
        return None;
    }
    let exponent = uncertainty.log10().floor() as i32;
    let leading = (uncertainty / 10f64.powi(exponent - 2)).round();
    Some(if leading < 355.0 {
        1 - exponent
    } else {
        -exponent
    })
}

/// Decimals for a value with its interval: those of [`decimals`], and more where an end
/// would otherwise look as if it touched the null value.
///
/// Without an end that can be used, the value gets three significant digits.
pub fn interval_decimals(value: f64, lower: Option<f64>, upper: Option<f64>, null: f64) -> i32 {
    let half_width = match (lower, upper) {
        (Some(l), Some(u)) => (u - l) / 2.0,
        (Some(end), None) | (None, Some(end)) => (value - end).abs(),
        (None, None) => 0.0,
    };
    let start = decimals(half_width).unwrap_or_else(|| significant(value, 3));
    let touches = |d: i32| {
        [lower, upper]
            .into_iter()
            .flatten()
            .any(|end| end != null && fixed(end, d) == fixed(null, d))
    };
    (start..start + 4).find(|d| !touches(*d)).unwrap_or(start)
}

/// Decimals that give `value` so many significant digits.
fn significant(value: f64, digits: i32) -> i32 {
    if value == 0.0 || !value.is_finite() {
        return 0;
    }
    digits - 1 - value.abs().log10().floor() as i32
}

/// A number with fixed decimals, thousands separators and a true minus sign; ties go to even.
///
/// "–" where the number is not finite. Zero has no sign.
pub fn fixed(value: f64, decimals: i32) -> String {
    if !value.is_finite() {
        return "–".into();
    }
    if value.abs() >= HUGE || decimals > 15 {
        return format!("{value:.2e}").replace('-', &MINUS.to_string());
    }
    // `format!` rounds the exact binary value, ties to even.
    let digits = if decimals >= 0 {
        format!("{:.*}", decimals as usize, value.abs())
    } else {
        let unit = 10f64.powi(-decimals);
        format!("{:.0}", (value.abs() / unit).round_ties_even() * unit)
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, ""));
    let mut out = String::new();
    if value < 0.0 && digits.bytes().any(|b| matches!(b, b'1'..=b'9')) {
        out.push(MINUS);
    }
    out.push_str(&grouped(whole));
    if !fraction.is_empty() {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

/// A whole number with thousands separators.
pub fn count(n: u64) -> String {
    grouped(&n.to_string())
}

fn grouped(digits: &str) -> String {
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// "1 month", "36 months".
pub fn months(n: u32) -> String {
    match n {
        1 => text!("count.month-one"),
        n => text!("count.month-many", n = count(n.into())),
    }
}

/// A number as it was given: up to four significant digits, whole numbers in full.
pub fn general(value: f64) -> String {
    if value.fract() == 0.0 {
        return fixed(value, 0);
    }
    let text = fixed(value, significant(value, 4).max(0));
    if text.contains('e') || !text.contains('.') {
        return text;
    }
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

/// A number with all the digits that it was given with.
pub fn given(value: f64) -> String {
    match stated_decimals(value) {
        decimals @ 0..=15 => fixed(value, decimals),
        // Of computing, not of a person.
        _ => general(value),
    }
}

fn stated_decimals(value: f64) -> i32 {
    let shown = value.to_string();
    shown.split_once('.').map_or(0, |(_, end)| end.len() as i32)
}

/// A share as a percentage: 0.214 → "21 %", small shares with one decimal; "0 %" and "100 %" only
/// where it is exactly that.
pub fn percent(share: f64) -> String {
    if share != 0.0 && share.abs() < 0.0005 {
        return match share > 0.0 {
            true => text!("number.under", limit = percent_with(0.001, 1)),
            false => text!("number.over", limit = percent_with(-0.001, 1)),
        };
    }
    if (0.995..1.0).contains(&share) {
        return match share > 0.9994 {
            true => text!("number.over", limit = percent_with(0.999, 1)),
            false => percent_with(share, 1),
        };
    }
    let decimals = if share != 0.0 && share.abs() < 0.0995 {
        1
    } else {
        0
    };
    percent_with(share, decimals)
}

/// A simulated chance as a percentage: never "0 %" or "100 %", which no simulation shows.
pub fn chance(share: f64) -> String {
    if share < 0.001 {
        text!("number.under", limit = percent_with(0.001, 1))
    } else if share > 0.999 {
        text!("number.over", limit = percent_with(0.999, 1))
    } else {
        // "100 %" and "0 %" would be a claim that the simulation does not make.
        percent_with(share, i32::from(!(0.0995..0.995).contains(&share)))
    }
}

/// A level or limit as a percentage: so many decimals, and more where it would read as 0 % or 100 %
/// without being that.
pub fn percent_apart(share: f64, decimals: i32) -> String {
    let end = |d: i32| {
        let shown = fixed(share * 100.0, d);
        shown == fixed(0.0, d) && share != 0.0 || shown == fixed(100.0, d) && share != 1.0
    };
    let decimals = (decimals..decimals + 12).find(|d| !end(*d));
    percent_with(share, decimals.unwrap_or(12))
}

/// A share as a percentage with fixed decimals.
pub fn percent_with(share: f64, decimals: i32) -> String {
    format!("{} %", fixed(share * 100.0, decimals))
}

/// A share as a percentage, as it was given: a small one with four significant digits, others with
/// at most one decimal.
pub fn percent_given(share: f64) -> String {
    match share.abs() < 0.1 {
        true => format!("{} %", general(share * 100.0)),
        false => percent_apart(share, 1).replace(".0 %", " %"),
    }
}

/// "p < 0.001", "p = 0.034", "p = 0.21".
pub fn p_value(p: f64) -> String {
    match p_number(p) {
        text if text.starts_with(['<', '>']) => format!("p {text}"),
        text => format!("p = {text}"),
    }
}

/// A p-value for a table: "< 0.001", "0.034", "0.21".
pub fn p_number(p: f64) -> String {
    if !p.is_finite() {
        return "–".into();
    }
    if p < 0.001 {
        return "< 0.001".into();
    }
    if p > 0.99 {
        return "> 0.99".into();
    }
    if p >= 0.0995 {
        return fixed(p, 2);
    }
    // "0.050" would leave open on which side of the usual level it lies.
    let near_level = fixed(p, 3) == "0.050" && p != 0.05;
    fixed(p, if near_level { 4 } else { 3 })
}

/// Money in full: rounded half-even to the currency's minor digits, "EUR 1,234.50".
pub fn money(value: f64, currency: &str, minor_digits: u8) -> String {
    signed_money(value, currency, i32::from(minor_digits))
}

/// Money in a sentence: whole units from a thousand on.
pub fn money_short(value: f64, currency: &str, minor_digits: u8) -> String {
    let decimals = if value.abs() >= 1000.0 {
        0
    } else {
        i32::from(minor_digits)
    };
    signed_money(value, currency, decimals)
}

/// Money as it was given: all its digits, and those of the minor unit unless it is whole.
pub fn money_given(value: f64, currency: &str, minor_digits: u8) -> String {
    match stated_decimals(value) {
        0 => signed_money(value, currency, 0),
        decimals @ 1..=15 => signed_money(value, currency, decimals.max(minor_digits.into())),
        _ => signed_money(value, currency, minor_digits.into()),
    }
}

fn signed_money(value: f64, currency: &str, decimals: i32) -> String {
    let text = fixed(value, decimals);
    match text.strip_prefix(MINUS) {
        Some(rest) => format!("{MINUS}{currency} {rest}"),
        None => format!("{currency} {text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_fit_the_uncertainty() {
        assert_eq!(decimals(0.09), Some(2));
        assert_eq!(decimals(0.02), Some(3));
        assert_eq!(decimals(0.0355), Some(2));
        assert_eq!(decimals(0.0354), Some(3));
        assert_eq!(decimals(0.96), Some(1));
        assert_eq!(decimals(840.0), Some(-2));
        assert_eq!(decimals(0.0), None);
        assert_eq!(decimals(f64::NAN), None);
        let d = interval_decimals(-0.21, Some(-0.30), Some(-0.12), 0.0);
        assert_eq!(fixed(-0.21, d), "−0.21");
    }

    #[test]
    fn an_end_near_the_null_keeps_its_distance() {
        let d = interval_decimals(-0.31, Some(-0.619), Some(-0.001), 0.0);
        assert_eq!(fixed(-0.001, d), "−0.001");
        let d = interval_decimals(0.8, Some(0.604), Some(0.9996), 1.0);
        assert_ne!(fixed(0.9996, d), fixed(1.0, d));
    }

    #[test]
    fn numbers_have_separators_a_minus_and_no_negative_zero() {
        assert_eq!(fixed(-1234567.891, 2), "−1,234,567.89");
        assert_eq!(fixed(-0.001, 2), "0.00");
        assert_eq!(fixed(-0.0, 0), "0");
        assert_eq!(fixed(12_345.0, -2), "12,300");
        assert_eq!(fixed(f64::INFINITY, 2), "–");
        assert_eq!(fixed(-1e300, 2), "−1.00e300");
        assert_eq!(count(1_000_000), "1,000,000");
        assert_eq!(count(999), "999");
        assert_eq!(general(4.2), "4.2");
        assert_eq!(general(0.083_333_3), "0.08333");
        assert_eq!(general(1_200_000.0), "1,200,000");
        assert_eq!(general(1234.56), "1,235");
        assert_eq!(given(1234.56), "1,234.56");
        assert_eq!(given(-0.000_25), "−0.00025");
        assert_eq!(given(0.1 + 0.2), "0.3");
        assert_eq!(given(1e20), "1.00e20");
    }

    #[test]
    fn money_rounds_half_even() {
        assert_eq!(money(0.125, "EUR", 2), "EUR 0.12");
        assert_eq!(money(0.375, "EUR", 2), "EUR 0.38");
        assert_eq!(money(2.5, "JPY", 0), "JPY 2");
        assert_eq!(money(3.5, "JPY", 0), "JPY 4");
        assert_eq!(money(-1234.5, "EUR", 2), "−EUR 1,234.50");
        assert_eq!(money(1.0005, "KWD", 3), "KWD 1.000");
        assert_eq!(money_short(128_412.37, "EUR", 2), "EUR 128,412");
        assert_eq!(money_given(1200.0, "EUR", 2), "EUR 1,200");
        assert_eq!(money_given(4.4, "EUR", 2), "EUR 4.40");
        assert_eq!(money_given(0.9333, "EUR", 2), "EUR 0.9333");
        assert_eq!(money_given(0.35, "JPY", 0), "JPY 0.35");
        assert_eq!(money_given(0.1 + 0.2, "KWD", 3), "KWD 0.300");
    }

    #[test]
    fn p_values_and_percentages() {
        assert_eq!(p_value(1e-9), "p < 0.001");
        assert_eq!(p_value(0.0341), "p = 0.034");
        assert_eq!(p_value(0.0496), "p = 0.0496");
        assert_eq!(p_value(0.05), "p = 0.050");
        assert_eq!(p_value(0.214), "p = 0.21");
        assert_eq!(p_value(0.999), "p > 0.99");
        assert_eq!(percent(0.214), "21 %");
        assert_eq!(percent(-0.034), "−3.4 %");
        assert_eq!(percent(0.0), "0 %");
        assert_eq!(percent(1.0), "100 %");
        assert_eq!(percent(0.000_04), "under 0.1 %");
        assert_eq!(percent(-0.000_04), "over −0.1 %");
        assert_eq!(percent(0.997), "99.7 %");
        assert_eq!(percent(0.999_96), "over 99.9 %");
        assert_eq!(percent(1.004), "100 %");
        assert_eq!(percent_apart(0.000_1, 1), "0.01 %");
        assert_eq!(percent_apart(0.999_9, 0), "99.99 %");
        assert_eq!(percent_apart(0.95, 0), "95 %");
        assert_eq!(percent_given(0.012_5), "1.25 %");
        assert_eq!(percent_given(0.000_4), "0.04 %");
        assert_eq!(percent_given(0.07), "7 %");
        assert_eq!(percent_given(1.0 / 3.0), "33.3 %");
        assert_eq!(percent_given(0.9997), "99.97 %");
        assert_eq!(chance(0.0), "under 0.1 %");
        assert_eq!(chance(0.9995), "over 99.9 %");
    }
}
