//! What the design names and a later version builds.
//!
//! The one list: whoever builds an entry removes it here (and adds a table's
//! own keys to the grammar).

/// Keys, by path without list positions.
pub(super) const KEYS: &[&str] = &[];

/// Whether interventions outside the catalogue can be described in `interventions.toml`.
pub(super) const OWN_INTERVENTIONS: bool = true;
