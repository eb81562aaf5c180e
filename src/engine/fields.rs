//! One field of text → a number, exactly.

/// Fixed-point factor of every number in a scan: six decimals.
pub const MICRO: i64 = 1_000_000;

/// Largest magnitude of a value; 10^12 in six decimals fits an i64 with room for sums in i128.
pub const LARGEST: i64 = 1_000_000_000_000;

/// A number in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fixed {
    /// The value times 10^6.
    pub micros: i64,
    /// Whether more than six decimals were rounded away.
    pub rounded: bool,
}

impl Fixed {
    /// A whole number.
    ///
    /// # Errors
    /// In words: too large.
    pub fn whole(value: i64) -> Result<Self, String> {
        if value.unsigned_abs() > LARGEST.unsigned_abs() {
            return Err(too_large());
        }
        Ok(Fixed {
            micros: value * MICRO,
            rounded: false,
        })
    }
}

/// Reads a decimal number such as `12`, `-3.50`, `1,5` (with `decimal` ',') or `1e+05`.
///
/// Blanks around it are ignored. More than six decimals are rounded half to even.
///
/// # Errors
/// In words: not a number, not finite, too large.
pub fn number(text: &str, decimal: char) -> Result<Fixed, String> {
    let text = text.trim();
    let not_a_number = || "not a number".to_string();
    let (negative, rest) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let (body, exponent) = match rest.find(['e', 'E']) {
        Some(at) => {
            let e: i32 = rest[at + 1..].parse().map_err(|_| not_a_number())?;
            (&rest[..at], e)
        }
        None => (rest, 0),
    };
    let (whole, fraction) = body.split_once(decimal).unwrap_or((body, ""));
    if whole.is_empty() && fraction.is_empty()
        || !whole
            .bytes()
            .chain(fraction.bytes())
            .all(|b| b.is_ascii_digit())
    {
        return Err(not_a_number());
    }
    if exponent.abs() > 1000 {
        return Err("larger or smaller than any count".into());
    }
    // The digits as an integer D with the value D · 10^(exponent − |fraction|).
    let shift = i64::from(exponent) - fraction.len() as i64 + 6;
    let digits = whole
        .bytes()
        .chain(fraction.bytes())
        .map(|b| i128::from(b - b'0'));
    let keep = (whole.len() + fraction.len()) as i64 + shift.min(0);
    let mut value: i128 = 0;
    let (mut round_digit, mut sticky, mut dropped) = (0, false, false);
    for (i, d) in digits.enumerate() {
        let i = i as i64;
        if i < keep {
            value = value * 10 + d;
            if value > i128::from(LARGEST) * i128::from(MICRO) {
                return Err(too_large());
            }
        } else if i == keep {
            round_digit = d;
            dropped |= d != 0;
        } else {
            sticky |= d != 0;
            dropped |= d != 0;
        }
    }
    if shift > 0 && value != 0 {
        if shift > 19 {
            return Err(too_large());
        }
        value *= 10i128.pow(shift as u32);
    }
    if round_digit > 5 || round_digit == 5 && (sticky || value % 2 == 1) {
        value += 1;
    }
    if value > i128::from(LARGEST) * i128::from(MICRO) {
        return Err(too_large());
    }
    let micros = value as i64;
    Ok(Fixed {
        micros: if negative { -micros } else { micros },
        rounded: dropped,
    })
}

fn too_large() -> String {
    "larger than 1,000,000,000,000".into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ok(text: &str) -> i64 {
        number(text, '.').unwrap().micros
    }

    #[test]
    fn reads_what_programs_write() {
        assert_eq!(ok("0"), 0);
        assert_eq!(ok(" 12 "), 12_000_000);
        assert_eq!(ok("-3.50"), -3_500_000);
        assert_eq!(ok("+.5"), 500_000);
        assert_eq!(ok("5."), 5_000_000);
        assert_eq!(ok("1e+05"), 100_000_000_000);
        assert_eq!(ok("2.5E-3"), 2_500);
        assert_eq!(ok("9930.045898"), 9_930_045_898);
        assert_eq!(number("1,5", ',').unwrap().micros, 1_500_000);
    }

    #[test]
    fn rounds_half_to_even_and_says_so() {
        assert_eq!(
            number("0.0000005", '.'),
            Ok(Fixed {
                micros: 0,
                rounded: true
            })
        );
        assert_eq!(
            number("0.0000015", '.'),
            Ok(Fixed {
                micros: 2,
                rounded: true
            })
        );
        assert_eq!(
            number("0.00000250", '.'),
            Ok(Fixed {
                micros: 2,
                rounded: true
            })
        );
        assert_eq!(
            number("0.00000251", '.'),
            Ok(Fixed {
                micros: 3,
                rounded: true
            })
        );
        assert_eq!(
            number("0.1000000", '.'),
            Ok(Fixed {
                micros: 100_000,
                rounded: false
            })
        );
        assert_eq!(
            number("1e-30", '.'),
            Ok(Fixed {
                micros: 0,
                rounded: true
            })
        );
    }

    #[test]
    fn refuses_what_is_not_a_number() {
        for bad in [
            "", " ", "x", "1 000", "1,000", "1.2.3", "--1", "NaN", "inf", "0x10", "١٢", "1e", "e5",
            ".",
        ] {
            assert!(number(bad, '.').is_err(), "{bad:?}");
        }
        assert!(number("1e999999999999", '.').is_err());
        assert!(number("99999999999999999999999999999999999999999999", '.').is_err());
        assert!(number("1e13", '.').is_err());
        assert_eq!(
            number("1000000000000", '.').unwrap().micros,
            LARGEST * MICRO
        );
        assert_eq!(number(&"0".repeat(5000), '.').unwrap().micros, 0);
    }
}
