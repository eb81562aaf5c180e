//! Contacts avoided → money: the business case, with its uncertainty.

mod model;

pub use model::*;
