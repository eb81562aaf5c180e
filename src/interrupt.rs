//! Interruption: one flag that the signal handler sets and long loops read.
//!
//! A loop that sees it returns an error like any other, so that temporary
//! files and locks go with the values that own them.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, Kind, Result};

static REQUESTED: AtomicBool = AtomicBool::new(false);

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
    if requested() {
        return Err(Error::new(
            Kind::Interrupted,
            "interrupted; nothing was half-written",
        ));
    }
    Ok(())
}
