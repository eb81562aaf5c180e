//! A page of rows: its columns as numbers, times and text.

use std::cell::OnceCell;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, Float64Array, Int64Array, RecordBatch, StringArray,
    StringBuilder,
};
use datafusion::arrow::buffer::{NullBuffer, ScalarBuffer};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{
    DataType, Date32Type, Date64Type, Float16Type, Float32Type, Float64Type, TimeUnit,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType,
};
use datafusion::arrow::util::display::array_value_to_string;
use jiff::civil::Date;
use jiff::tz::Offset;
use jiff::{Span, Timestamp};

use crate::engine::windows::Moment;

/// Stands where a value cannot be written as text, so that the row is set aside.
const NO_TEXT: &str = "\u{FFFD}";

/// Some rows of some columns.
#[derive(Default)]
pub struct Page {
    columns: Vec<Option<PageColumn>>,
    /// How many rows.
    pub rows: usize,
}

struct PageColumn {
    array: ArrayRef,
    values: Values,
    text: OnceCell<Text>,
}

/// What a column's values can be read as without a detour over text.
enum Values {
    Text,
    Integers(Int64Array),
    Floats(Float64Array),
    Times(Times),
    Other,
}

struct Times {
    values: ScalarBuffer<i64>,
    nulls: Option<NullBuffer>,
    unit: TimeUnit,
    zoned: bool,
}

impl Page {
    /// A page from a batch whose columns stand at `places` of a header with `width` names.
    pub fn new(batch: &RecordBatch, places: impl Iterator<Item = usize>, width: usize) -> Self {
        let mut columns: Vec<_> = (0..width).map(|_| None).collect();
        for (place, array) in places.zip(batch.columns()) {
            columns[place] = Some(PageColumn::new(array));
        }
        Page {
            columns,
            rows: batch.num_rows(),
        }
    }

    fn column(&self, index: usize) -> Option<&PageColumn> {
        self.columns.get(index).and_then(Option::as_ref)
    }

    /// The text of a value; empty where it is null.
    pub fn bytes(&self, index: usize, row: usize) -> &[u8] {
        match self.column(index) {
            Some(c) => c.text().bytes(row),
            None => &[],
        }
    }

    /// The text of a value, where no value of the page needs to be looked at more closely.
    pub fn sound_text(&self, index: usize, row: usize) -> Option<&str> {
        match self.column(index)?.text() {
            Text::Sound(text) => Some(text.value(row)),
            _ => None,
        }
    }

    /// The value of an integer column, `None` inside where it is null; `None` for other columns.
    pub fn integer(&self, index: usize, row: usize) -> Option<Option<i64>> {
        match &self.column(index)?.values {
            Values::Integers(values) => Some(values.is_valid(row).then(|| values.value(row))),
            _ => None,
        }
    }

    /// The value of a column of 64-bit floating-point numbers in millionths, where it has at
    /// most six decimals.
    ///
    /// Fewer than 2^49 millionths have at most 15 digits, and no two decimals of 15 digits
    /// share a floating-point number; so if the quotient is the value, its shortest digits
    /// are those of the quotient.
    pub fn micros(&self, index: usize, row: usize) -> Option<i64> {
        match &self.column(index)?.values {
            Values::Floats(values) if values.is_valid(row) => {
                let value = values.value(row);
                let micros = (value * 1e6).round();
                (micros.abs() < (1i64 << 49) as f64 && micros / 1e6 == value)
                    .then_some(micros as i64)
            }
            _ => None,
        }
    }

    /// The value of a timestamp column; `None` for other columns.
    pub fn moment(&self, index: usize, row: usize) -> Option<Moment<'static>> {
        match &self.column(index)?.values {
            Values::Times(times) => Some(times.moment(row)),
            _ => None,
        }
    }

    /// Whether a column holds something other than text.
    pub fn is_typed(&self, index: usize) -> bool {
        self.column(index)
            .is_some_and(|c| !matches!(c.values, Values::Text))
    }
}

impl PageColumn {
    fn text(&self) -> &Text {
        self.text.get_or_init(|| Text::of(&self.array))
    }

    fn new(array: &ArrayRef) -> Self {
        use DataType::{
            Binary, BinaryView, Int8, Int16, Int32, Int64, LargeBinary, LargeUtf8, UInt8, UInt16,
            UInt32, Utf8, Utf8View,
        };
        let array = plain(array);
        let values = match array.data_type() {
            Utf8 | LargeUtf8 | Utf8View | Binary | LargeBinary | BinaryView => Values::Text,
            Int8 | Int16 | Int32 | Int64 | UInt8 | UInt16 | UInt32 => match cast(&array, &Int64) {
                Ok(integers) => Values::Integers(integers.as_primitive().clone()),
                Err(_) => Values::Other,
            },
            DataType::Float64 => Values::Floats(array.as_primitive().clone()),
            DataType::Timestamp(unit, zone) => Values::Times(Times {
                values: timestamps(&array, *unit),
                nulls: array.nulls().cloned(),
                unit: *unit,
                zoned: zone.is_some(),
            }),
            _ => Values::Other,
        };
        PageColumn {
            array,
            values,
            text: OnceCell::new(),
        }
    }
}

/// A dictionary's values in place of its keys.
fn plain(array: &ArrayRef) -> ArrayRef {
    match array.data_type() {
        DataType::Dictionary(_, values) => cast(array, values).unwrap_or_else(|_| array.clone()),
        _ => array.clone(),
    }
}

fn timestamps(array: &ArrayRef, unit: TimeUnit) -> ScalarBuffer<i64> {
    match unit {
        TimeUnit::Second => array.as_primitive::<TimestampSecondType>().values().clone(),
        TimeUnit::Millisecond => array
            .as_primitive::<TimestampMillisecondType>()
            .values()
            .clone(),
        TimeUnit::Microsecond => array
            .as_primitive::<TimestampMicrosecondType>()
            .values()
            .clone(),
        TimeUnit::Nanosecond => array
            .as_primitive::<TimestampNanosecondType>()
            .values()
            .clone(),
    }
}

fn timestamp(value: i64, unit: TimeUnit) -> Option<Timestamp> {
    match unit {
        TimeUnit::Second => Timestamp::from_second(value),
        TimeUnit::Millisecond => Timestamp::from_millisecond(value),
        TimeUnit::Microsecond => Timestamp::from_microsecond(value),
        TimeUnit::Nanosecond => Timestamp::from_nanosecond(i128::from(value)),
    }
    .ok()
}

impl Times {
    fn moment(&self, row: usize) -> Moment<'static> {
        if self.nulls.as_ref().is_some_and(|n| n.is_null(row)) {
            return Moment::Iso("");
        }
        match timestamp(self.values[row], self.unit) {
            None => Moment::Iso(NO_TEXT),
            Some(t) if self.zoned => Moment::Instant(t.as_microsecond()),
            Some(t) => Moment::Local(t.as_nanosecond().div_euclid(1000) as i64),
        }
    }
}

/// Every value as text, null as none.
pub enum Text {
    /// Without NUL and U+FFFD.
    Sound(StringArray),
    /// Perhaps with them.
    Other(StringArray),
    /// Perhaps not UTF-8.
    Bytes(BinaryArray),
}

impl Text {
    /// A value's bytes.
    pub fn bytes(&self, row: usize) -> &[u8] {
        match self {
            Text::Sound(text) | Text::Other(text) => text.value(row).as_bytes(),
            Text::Bytes(bytes) => bytes.value(row),
        }
    }

    /// The text of an array.
    pub fn of(array: &ArrayRef) -> Self {
        let array = plain(array);
        let text = match array.data_type() {
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView => {
                return Text::Bytes(match cast(&array, &DataType::Binary) {
                    Ok(bytes) => bytes.as_binary::<i32>().clone(),
                    Err(_) => BinaryArray::from(no_text(array.len())),
                });
            }
            // Rust writes the shortest digits that read back as the same number, and 1 for 1.0.
            DataType::Float16 => {
                let values = array.as_primitive::<Float16Type>();
                each(&array, |i| values.value(i).to_f32())
            }
            DataType::Float32 => {
                let values = array.as_primitive::<Float32Type>();
                each(&array, |i| values.value(i))
            }
            DataType::Float64 => {
                let values = array.as_primitive::<Float64Type>();
                each(&array, |i| values.value(i))
            }
            DataType::Date32 => {
                let values = array.as_primitive::<Date32Type>();
                each(&array, |i| date(i64::from(values.value(i))))
            }
            DataType::Date64 => {
                let values = array.as_primitive::<Date64Type>();
                each(&array, |i| date(values.value(i).div_euclid(86_400_000)))
            }
            DataType::Timestamp(unit, zone) => {
                let values = timestamps(&array, *unit);
                each(&array, |i| match timestamp(values[i], *unit) {
                    None => NO_TEXT.to_string(),
                    Some(t) if zone.is_some() => t.to_string(),
                    Some(t) => Offset::UTC.to_datetime(t).to_string(),
                })
            }
            DataType::FixedSizeBinary(16) => {
                let values = array.as_fixed_size_binary();
                each(&array, |i| uuid(values.value(i)))
            }
            // Integers, decimals, booleans, times of day: as Arrow writes them.
            _ => match cast(&array, &DataType::Utf8) {
                Ok(text) => text.as_string::<i32>().clone(),
                Err(_) => each(&array, |i| {
                    array_value_to_string(&array, i).unwrap_or_else(|_| NO_TEXT.to_string())
                }),
            },
        };
        let whole = std::str::from_utf8(text.values()).unwrap_or("\0");
        if whole.contains('\0') || whole.contains(NO_TEXT) {
            Text::Other(text)
        } else {
            Text::Sound(text)
        }
    }
}

fn each<T: std::fmt::Display>(array: &ArrayRef, value: impl Fn(usize) -> T) -> StringArray {
    use std::fmt::Write;
    let mut text = StringBuilder::with_capacity(array.len(), 8 * array.len());
    for i in 0..array.len() {
        if array.is_null(i) {
            text.append_null();
        } else {
            // Writing to memory cannot fail.
            let _ = write!(text, "{}", value(i));
            text.append_value("");
        }
    }
    text.finish()
}

fn no_text(rows: usize) -> StringArray {
    StringArray::from_iter_values(std::iter::repeat_n(NO_TEXT, rows))
}

fn date(days: i64) -> String {
    Span::new()
        .try_days(days)
        .and_then(|s| Date::constant(1970, 1, 1).checked_add(s))
        .map_or_else(|_| NO_TEXT.to_string(), |d| d.to_string())
}

fn uuid(bytes: &[u8]) -> String {
    use std::fmt::Write;
    let mut text = String::with_capacity(36);
    for (i, byte) in bytes.iter().enumerate() {
        if matches!(i, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        let _ = write!(text, "{byte:02x}");
    }
    text
}
