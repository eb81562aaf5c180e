//! Interruption: one flag that the signal handler sets and long loops read.
//!
//! A loop that sees it returns an error like any other, so that temporary
//! files and locks go with the values that own them.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::error::{Error, Kind, Result};

static REQUESTED: AtomicBool = AtomicBool::new(false);
static HELD: AtomicU32 = AtomicU32::new(0);

/// Asks the run to stop; safe to call from a signal handler's thread.
pub fn request() {
    REQUESTED.store(true, Ordering::Relaxed);
}

/// Whether the run was asked to stop.
pub fn requested() -> bool {
    REQUESTED.load(Ordering::Relaxed)
}

/// Returns an error of [`Kind::Interrupted`] once the run was asked to stop.
pub fn check() -> Result<()> {
    if requested() && HELD.load(Ordering::Relaxed) == 0 {
        return Err(Error::new(
            Kind::Interrupted,
            "interrupted; nothing was half-written",
        ));
    }
    Ok(())
}

/// While it lives, [`check`] lets a run go on: for the steps that belong together once the first
/// of them has been taken.
#[must_use]
pub struct Held(());

/// Checks once more, then holds interruptions off until the guard is dropped.
///
/// # Errors
/// The run was asked to stop before.
pub fn hold() -> Result<Held> {
    check()?;
    HELD.fetch_add(1, Ordering::Relaxed);
    Ok(Held(()))
}

impl Drop for Held {
    fn drop(&mut self) {
        HELD.fetch_sub(1, Ordering::Relaxed);
    }
}
