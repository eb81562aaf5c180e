//! Whether the machine's clock can be right.

use std::time::SystemTime;

use jiff::Timestamp;

use crate::error::{Error, Result};

/// Checks that the clock shows a time of the calendar, as everything that asks for it takes for granted.
///
/// # Errors
/// A year before −9999 or after 9999.
pub fn check() -> Result<()> {
    in_calendar(SystemTime::now())
}

fn in_calendar(time: SystemTime) -> Result<()> {
    match Timestamp::try_from(time) {
        Ok(_) => Ok(()),
        Err(_) => Err(Error::workspace(
            "the clock of this machine shows a year that no calendar has",
        )
        .hint("set the clock; the test period and the ledger go by it")),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_clock_out_of_range_is_told() {
        let year = Duration::from_secs(31_556_952);
        let far = SystemTime::UNIX_EPOCH + year * 285_000;
        assert_eq!(in_calendar(far).unwrap_err().kind().exit_code(), 2);
        assert!(in_calendar(SystemTime::UNIX_EPOCH + year * 56).is_ok());
    }
}
