//! The one integration-test binary; a module a subject.
mod rooms;

mod plan;
mod assign;

mod decision;
mod finance;
