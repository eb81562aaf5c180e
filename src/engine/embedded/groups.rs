//! Parquet counts in one GROUP BY: the distinct rows as they stand, each judged once.

use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::array::{AsArray, RecordBatch};
use datafusion::arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use datafusion::common::Column as Name;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{
    ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl,
};
use datafusion::functions_aggregate::count::count;
use datafusion::logical_expr::lit;
use datafusion::prelude::{DataFrame, Expr};

use crate::engine::arms::ArmNames;
use crate::engine::clusters::Names;
use crate::engine::columns::{Column, Table};
use crate::engine::counts::Judge;
use crate::engine::finish::{CountsTally, finish_counts};
use crate::engine::ledger::Ledger;
use crate::engine::parquet::{Page, footer};
use crate::engine::row::Row;
use crate::engine::segments;
use crate::engine::source::{Input, Part, whole};
use crate::engine::tally::{CLUSTER, NONE, RowKey};
use crate::engine::{Request, Scan};
use crate::error::{Error, Result};
use crate::experiment::CountsFile;

use super::hashes::{Hashes, repeated};
use super::parts::{divide, fold};
use super::session::{Session, error, threads};

/// Scans Parquet counts whose rows are all plain; `None` where one is not: it
/// cannot be read, its arm is not known, or its customer may have another row.
///
/// # Errors
/// Missing columns, unreadable files.
pub fn scan(
    session: &Session<'_>,
    request: &Request<'_>,
    file: &CountsFile,
    inputs: &[Input],
) -> Result<Option<Scan>> {
    let parts = whole(inputs.to_vec());
    let Some(layout) = Layout::of(request, file, &parts)? else {
        return Ok(None);
    };
    let Some(frame) = layout.rows(session, inputs)? else {
        return Ok(None);
    };
    let groups = session.collect(layout.grouped(frame)?)?;
    let Some(judged) = layout.judge(request, file, &groups)? else {
        return Ok(None);
    };
    // Which lines disagree only a visit to the rows can tell.
    if judged.names.clusters.torn(&judged.rows).is_some() {
        return Ok(None);
    }
    if file.unit.is_some() && !units_are_single(session, request, file, inputs)? {
        return Ok(None);
    }
    let tally = CountsTally {
        rows: judged.rows,
        unassigned: 0,
        duplicates: 0,
        double_assigned: 0,
    };
    finish_counts(request, file, None, &judged.names, tally, judged.ledger).map(Some)
}

/// The columns that matter, the same in all files.
struct Layout<'a> {
    judge: Judge<'a>,
    /// Columns of the first file's header, each once.
    columns: Vec<Column>,
    /// Width of that header.
    width: usize,
    schema: SchemaRef,
    unit: Option<DataType>,
}

/// Groups as rows of the tables.
struct Judged {
    names: Names,
    rows: Vec<(RowKey, u64)>,
    ledger: Ledger,
}

impl<'a> Layout<'a> {
    /// `None` where files type their columns differently.
    fn of(request: &Request<'a>, file: &CountsFile, parts: &[Part]) -> Result<Option<Self>> {
        let mut layout: Option<Self> = None;
        for part in parts {
            let table = Table::open(part, &file.format)?;
            let judge = Judge::new(&table, request.experiment, file, false)?;
            let mut columns: Vec<Column> = judge.value_columns().cloned().collect();
            columns.sort_by(|a, b| a.name.cmp(&b.name));
            columns.dedup_by(|a, b| a.name == b.name);
            let footer = footer(&part.input)?;
            let fields = columns.iter().map(|c| {
                let field = footer.schema().field(c.index);
                Field::new(field.name(), grouped_as(field.data_type()), true)
            });
            let schema = SchemaRef::from(Schema::new(fields.collect::<Vec<_>>()));
            let unit = judge.unit_column();
            let unit = unit.map(|c| footer.schema().field(c.index).data_type().clone());
            match &layout {
                Some(first) if first.schema != schema || first.unit != unit => return Ok(None),
                Some(_) => {}
                None => {
                    layout = Some(Layout {
                        judge,
                        columns,
                        width: table.header().len(),
                        schema,
                        unit,
                    });
                }
            }
        }
        Ok(layout)
    }

    /// The relation of all rows; `None` where a path cannot be written as a URL.
    fn rows(&self, session: &Session<'_>, inputs: &[Input]) -> Result<Option<DataFrame>> {
        let mut urls = Vec::new();
        for input in inputs {
            let Some(url) = url(&input.path) else {
                return Ok(None);
            };
            urls.push(ListingTableUrl::parse(url).map_err(error)?);
        }
        let options =
            ListingOptions::new(Arc::new(ParquetFormat::default())).with_file_extension("");
        let config = ListingTableConfig::new_with_multi_paths(urls)
            .with_listing_options(options)
            .with_schema(self.schema.clone());
        let table = ListingTable::try_new(config).map_err(error)?;
        session
            .context()
            .read_table(Arc::new(table))
            .map(Some)
            .map_err(error)
    }

    /// Distinct rows and how often each occurs.
    fn grouped(&self, frame: DataFrame) -> Result<DataFrame> {
        let keys = self
            .columns
            .iter()
            .map(|c| Expr::Column(Name::from_name(&c.name)))
            .collect();
        let mut rows = String::from("rows");
        while self.columns.iter().any(|c| c.name == rows) {
            rows.push('_');
        }
        frame
            .aggregate(keys, vec![count(lit(1)).alias(rows)])
            .map_err(error)
    }

    /// What each group means; `None` where one is no plain row.
    fn judge(
        &self,
        request: &Request<'_>,
        file: &CountsFile,
        groups: &[RecordBatch],
    ) -> Result<Option<Judged>> {
        let arms = ArmNames::new(request.experiment, &file.arm_values);
        let mut judged = Judged {
            names: Names::default(),
            rows: Vec::new(),
            ledger: Ledger::default(),
        };
        let mut key = vec![NONE; segments::key_length(request.experiment)];
        for batch in groups {
            (request.tick)(judged.ledger.rows)?;
            let counts = batch
                .columns()
                .last()
                .and_then(|c| c.as_primitive_opt::<Int64Type>())
                .ok_or_else(|| Error::internal("the data engine's groups have no count"))?;
            let places = self.columns.iter().map(|c| c.index);
            let page = Page::new(batch, places, self.width);
            for (i, customers) in counts.values().iter().enumerate() {
                let row = Row::Page(&page, i);
                let customers = customers.unsigned_abs();
                let parts = self.judge.values(&row, &mut key).and_then(|rounded| {
                    key[1] = self.judge.stratum(&row, &mut judged.names.strata)?;
                    key[CLUSTER] = self.judge.cluster(&row, &mut judged.names.clusters)?;
                    self.judge
                        .segments(&row, &mut judged.names.strata, &mut key)?;
                    Ok((rounded, self.judge.arm(&row)?))
                });
                let Ok((rounded, Some(value))) = parts else {
                    return Ok(None);
                };
                let Some(arm) = arms.find(value) else {
                    return Ok(None);
                };
                key[0] = i64::from(arm);
                judged.ledger.rows += customers;
                judged.ledger.rounded += rounded * customers;
                judged.rows.push((key.as_slice().into(), customers));
            }
        }
        Ok(Some(judged))
    }
}

/// The type by which values are grouped: text as views, dictionaries as their values.
fn grouped_as(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
        DataType::Binary | DataType::LargeBinary => DataType::BinaryView,
        DataType::Dictionary(_, values) => grouped_as(values),
        other => other.clone(),
    }
}

/// Whether every row names a customer, and none twice.
fn units_are_single(
    session: &Session<'_>,
    request: &Request<'_>,
    file: &CountsFile,
    inputs: &[Input],
) -> Result<bool> {
    let parts = divide(inputs, &file.format)?;
    let name = file.unit.as_deref().unwrap_or_default();
    struct Seen {
        hashes: Hashes,
        plain: bool,
        rows: u64,
    }
    let seen = fold(
        request,
        &parts,
        || Seen {
            hashes: Hashes::new(session.reservation("units")),
            plain: true,
            rows: 0,
        },
        |seen, request, part| {
            let mut table = Table::open(part, &file.format)?;
            let column = table.column(name, "data.counts.columns.unit")?;
            while seen.plain && table.advance()? {
                seen.rows += 1;
                if seen.rows.is_multiple_of(65_536) {
                    (request.tick)(seen.rows)?;
                }
                let Ok(row) = table.row() else {
                    seen.plain = false;
                    continue;
                };
                match row.integer(&column) {
                    Some(Some(unit)) => seen.hashes.add_number(unit)?,
                    Some(None) => seen.plain = false,
                    None => match row.text(&column) {
                        Ok(unit) if !unit.trim().is_empty() => seen.hashes.add(unit.as_bytes())?,
                        _ => seen.plain = false,
                    },
                }
            }
            Ok(())
        },
    )?;
    if seen.iter().any(|s| !s.plain) {
        return Ok(false);
    }
    let hashes = seen.into_iter().map(|s| s.hashes).collect();
    Ok(repeated(threads(request), hashes).is_empty())
}

/// A file's URL, every byte that could mean something else escaped.
fn url(path: &Path) -> Option<String> {
    let path = std::path::absolute(path).ok()?;
    let mut url = String::from("file://");
    for byte in path.to_str()?.bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
                url.push(byte as char);
            }
            _ => url.push_str(&format!("%{byte:02X}")),
        }
    }
    Some(url)
}
