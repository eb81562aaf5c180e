//! What people read: tables, charts, summaries. All from one [`Document`].

mod document;

pub use document::*;
