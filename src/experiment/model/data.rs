//! Where the data of a pilot are, and how to read them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::civil::Date;

/// Where the data are.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// A row a customer, contacts already counted.
    Counts(CountsFile),
    /// A roster of customers and a log of contacts.
    Log {
        /// The roster.
        customers: CustomersFile,
        /// The log.
        contacts: ContactsFile,
    },
    /// Cells made elsewhere.
    Cells(CellsSource),
    /// A row a region and day, contacts already counted.
    Days(DaysFile),
    /// A log of contacts that names the region of each.
    RegionLog {
        /// The log; its unit is the region's column (the time's, where there is one region).
        contacts: ContactsFile,
        /// Customers by region.
        regions: Option<RegionsFile>,
    },
}

/// Path pattern and how to read the files.
#[derive(Debug, Clone, PartialEq)]
pub struct FileFormat {
    /// Path or glob relative to the workspace; .csv, .csv.gz or .parquet.
    pub path: String,
    /// Field delimiter; one ASCII character. Default comma.
    pub delimiter: u8,
    /// WHATWG encoding label; `None` is UTF-8 (a byte-order mark is obeyed).
    pub encoding: Option<String>,
    /// Decimal mark, '.' or ','.
    pub decimal: char,
    /// strptime format of dates and times; `None` is ISO 8601 / RFC 3339.
    pub time_format: Option<String>,
    /// Zone of local times; `None` is the zone of the periods.
    pub timezone: Option<String>,
    /// Share of rows that may be set aside before the run stops. Default .01.
    pub max_bad_rows: f64,
}

/// Ready-made counts: a row a customer.
#[derive(Debug, Clone, PartialEq)]
pub struct CountsFile {
    /// The files.
    pub format: FileFormat,
    /// Customer identifier; without it duplicates cannot be seen.
    pub unit: Option<String>,
    /// Arm; `None` where the assignment file has it.
    pub arm: Option<String>,
    /// Values of the arm column that mean an arm: value → arm index.
    pub arm_values: BTreeMap<String, usize>,
    /// Exposure after; `None` where it is the whole window.
    pub exposure: Option<String>,
    /// Exposure before.
    pub before_exposure: Option<String>,
    /// Cluster identifier.
    pub cluster: Option<String>,
    /// 1 or 0: whether the customer took the intervention up.
    pub uptake: Option<String>,
    /// Unit of the exposure columns.
    pub exposure_unit: CountsExposure,
}

/// How many customers the regions have: a row a region.
#[derive(Debug, Clone, PartialEq)]
pub struct RegionsFile {
    /// The files.
    pub format: FileFormat,
    /// Customers of the region.
    pub customers: String,
}

/// Ready-made counts: a row a region and day.
#[derive(Debug, Clone, PartialEq)]
pub struct DaysFile {
    /// The files.
    pub format: FileFormat,
    /// The day.
    pub day: String,
    /// Customers of the region on that day; `None`: contacts are by region, not by customer.
    pub customers: Option<String>,
}

/// Unit of a counts file's exposure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CountsExposure {
    /// No exposure column: everyone was observed for the window.
    Window,
    /// Days.
    Day,
    /// Weeks.
    Week,
    /// Months.
    Month,
}

/// The roster: a row a customer.
#[derive(Debug, Clone, PartialEq)]
pub struct CustomersFile {
    /// The files.
    pub format: FileFormat,
    /// Customer identifier.
    pub unit: String,
    /// Arm, for `existing`.
    pub arm: Option<String>,
    /// Values of the arm column that mean an arm: value → arm index.
    pub arm_values: BTreeMap<String, usize>,
    /// The customer's own start (date or time).
    pub start: Option<String>,
    /// 1 or 0: whether the customer took the intervention up.
    pub uptake: Option<String>,
}

/// The contact log: a row a contact.
#[derive(Debug, Clone, PartialEq)]
pub struct ContactsFile {
    /// The files.
    pub format: FileFormat,
    /// Customer identifier, as in the roster.
    pub unit: String,
    /// When the contact was made.
    pub time: String,
    /// Reason, where outcomes select reasons.
    pub reason: Option<String>,
    /// Contact identifier; without it duplicates stay.
    pub id: Option<String>,
    /// Channel.
    pub channel: Option<String>,
    /// Handling time in seconds.
    pub handling_seconds: Option<String>,
    /// Last day that the log holds completely.
    pub complete_until: Option<Date>,
}

/// A folder or file of cells, the exchange format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellsSource {
    /// Path relative to the workspace.
    pub path: PathBuf,
}
