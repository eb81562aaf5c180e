//! The seal: sixteen characters that stand for the ledger up to an entry.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::workspace::digest::Digest;

/// Crockford's base 32: no I, L, O or U, so that it survives the telephone.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Sixteen characters of Crockford's base 32: the first 80 bits of the digest of an entry's line,
/// most significant first.
///
/// Since each entry holds the digest of the one before, it stands for the whole ledger up to its
/// entry. Reading it back takes either case, I and L for 1, O for 0, and passes over hyphens and
/// spaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Seal([u8; 10]);

impl Seal {
    /// The seal of an entry with this digest.
    pub fn of(entry: &Digest) -> Self {
        let mut bits = [0; 10];
        bits.copy_from_slice(&entry.as_bytes()[..10]);
        Seal(bits)
    }
}

impl fmt::Display for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = self
            .0
            .iter()
            .fold(0u128, |bits, &b| bits << 8 | u128::from(b));
        let text: String = (0..16)
            .rev()
            .map(|place| char::from(ALPHABET[(bits >> (5 * place)) as usize & 31]))
            .collect();
        f.pad(&text)
    }
}

impl FromStr for Seal {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || {
            Error::usage("this is no seal")
                .hint("a seal has 16 characters, 0-9 and A-Z without I, L, O and U")
        };
        let mut bits = 0u128;
        let mut places = 0;
        for c in text.chars().filter(|c| !matches!(c, '-' | ' ')) {
            let c = match c.to_ascii_uppercase() {
                'I' | 'L' => '1',
                'O' => '0',
                c => c,
            };
            let value = ALPHABET.iter().position(|&a| char::from(a) == c);
            bits = bits << 5 | value.ok_or_else(wrong)? as u128;
            places += 1;
            if places > 16 {
                return Err(wrong());
            }
        }
        if places != 16 {
            return Err(wrong());
        }
        let mut bytes = [0; 10];
        bytes.copy_from_slice(&bits.to_be_bytes()[6..]);
        Ok(Seal(bytes))
    }
}
