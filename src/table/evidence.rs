//! Evidence: everything that one scan brings back, and nothing by customer.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cells::ContactTable;
use super::clusters::Clusters;
use super::panel::Panel;
use super::segments::Segments;
use super::spillover::Spillover;
use super::weekly::Weekly;

/// What the scan of a pilot's data found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// What compression destroys, counted.
    pub audit: Audit,
    /// One table an outcome, in the plan's order.
    pub outcomes: Vec<OutcomeEvidence>,
    /// Contacts for other reasons and by channel; `None` without a log.
    pub spillover: Option<Spillover>,
    /// Where it came from.
    pub provenance: Provenance,
}

/// The table of one outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutcomeEvidence {
    /// The outcome's name in the plan.
    pub outcome: String,
    /// Its cells.
    pub table: ContactTable,
    /// Its weeks; `None` where the data do not tell when contacts were made.
    pub weekly: Option<Weekly>,
    /// Its customers apart by each of the plan's segment columns, as far as their values are known.
    pub segments: Vec<Segments>,
    /// Its clusters, where the plan names them and the data tell them.
    pub clusters: Option<Clusters>,
    /// Its regions by block of days, in pilots that assign those; a cell is then a region-block.
    pub panel: Option<Panel>,
}

impl OutcomeEvidence {
    /// An outcome of which only the cells are known.
    pub fn of_cells(outcome: impl Into<String>, table: ContactTable) -> Self {
        OutcomeEvidence {
            outcome: outcome.into(),
            table,
            weekly: None,
            segments: Vec::new(),
            clusters: None,
            panel: None,
        }
    }
}

/// Counts of what did not become a cell, or became one with a remark.
///
/// `None` means that the input could not tell (for example duplicates without an id column).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Audit {
    /// Data rows read, header excluded, over all files.
    pub rows_read: u64,
    /// Customers in the tables, over all arms.
    pub customers: u64,
    /// Customers by arm, in the plan's order.
    pub customers_by_arm: Vec<u64>,
    /// Contacts that counted (both windows, all outcomes' reasons together), where there is a log.
    pub contacts: Option<u64>,
    /// Rows set aside: they could not be read as data.
    pub set_aside: u64,
    /// Repeats of the same customer with the same values; one was kept.
    pub duplicate_customers: Option<u64>,
    /// Customers found in two arms.
    pub double_assigned: Option<u64>,
    /// Contacts with an id seen before; the first was kept.
    pub duplicate_contacts: Option<u64>,
    /// Contacts without an id column that repeat an earlier row exactly; all were kept.
    pub repeated_contacts: Option<u64>,
    /// Contacts of customers who were never assigned.
    pub unassigned_contacts: Option<UnassignedContacts>,
    /// Rows of a counts file whose customer is in no arm.
    pub unassigned_customers: Option<u64>,
    /// Assigned customers without a row in the counts file; no contact is 0.
    pub assigned_without_row: Option<u64>,
    /// Customers who started outside the enrolment dates; they are in no table.
    pub outside_enrolment: Option<u64>,
    /// Contacts outside both windows.
    pub outside_windows: Option<u64>,
    /// Contacts about reasons that no outcome counts.
    pub other_reasons: Option<u64>,
    /// Customers without a before value, by outcome in the plan's order.
    pub without_before: Vec<u64>,
    /// Customers whose outcome was not observed, by outcome in the plan's order.
    pub missing_after: Vec<u64>,
    /// Days of a region without a row although another region has one, washout days left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing_region_days: Option<u64>,
    /// Days on which no region has a row, washout days left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_days: Option<u64>,
    /// Region-days that do not count: the first of each block, by the plan's washout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub washout_region_days: Option<u64>,
    /// Values with more than six decimals, rounded to six.
    pub rounded_values: u64,
    /// Unassigned customers of the log who would be known if case, blanks around or
    /// leading zeros were ignored.
    pub near_matches: Option<u64>,
    /// Last instant seen in a contact log, as UTC RFC 3339.
    pub last_contact: Option<String>,
    /// Last day of the last customer's after window, ISO 8601, where the data tell it.
    pub last_window_day: Option<String>,
}

/// Contacts of customers who are in no arm.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct UnassignedContacts {
    /// Contacts.
    pub contacts: u64,
    /// Distinct customers who made them.
    pub customers: u64,
}

/// Where evidence came from: enough to see that an input changed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Provenance {
    /// Input files, paths relative to the workspace.
    pub files: Vec<SourceFile>,
    /// SHA-256 of the plan's data-affecting keys.
    pub data_plan_sha256: String,
}

/// One input file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFile {
    /// Path relative to the workspace.
    pub path: PathBuf,
    /// Bytes.
    pub bytes: u64,
    /// SHA-256 of the bytes, hexadecimal.
    pub sha256: String,
}
