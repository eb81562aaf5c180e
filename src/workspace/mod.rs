//! Paths, locks, whole-or-not writes, numbered folders and the ledger.
//!
//! Knows names, bytes and digests; nothing of what is in a plan, and no statistics.
//!
//! - [`Workspace`] and [`Pilot`] say where things are. Reading needs no more.
//! - [`Lock`] is needed to write: one exclusive lock per pilot. Taking it repairs what a killed
//!   run left.
//! - [`WholeFile`], [`Staged`], [`NumberedSet`] and [`swap_folder`] write whole or not at all.
//! - [`Ledger`] is the chain of entries; [`verify()`] says whether everything still fits it.

mod digest;
mod folder;
mod init;
mod known;
mod ledger;
mod lock;
mod manifest;
mod numbered;
mod paths;
mod record;
mod recover;
mod seal;
mod ssh;
mod staging;
mod swap;
mod verify;
mod walk;
mod write;

pub use digest::{Digest, FileDigest};
pub use folder::Folder;
pub use init::Initialised;
pub use ledger::{Approval, Draft, Entry, Facts, Ledger, kind};
pub use lock::{Holder, Lock};
pub use manifest::Manifest;
pub use numbered::{Ignored, Listing, NumberedSet, Series, Set};
pub use paths::{Pilot, Plans, Workspace, check_name};
pub use recover::Repair;
pub use seal::Seal;
pub use ssh::Signature;
pub use staging::{Staged, StagedFile};
pub use swap::swap_folder;
pub use verify::{Note, Verified, verify};
pub use write::{WholeFile, write_new, write_whole};
