//! Relations whose rows are made while a plan runs, by threads that read parts of files.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::arrow::array::{ArrayRef, RecordBatch};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::error::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchReceiverStream;
use datafusion::physical_plan::streaming::PartitionStream;
use datafusion::prelude::DataFrame;

use crate::engine::Request;
use crate::engine::source::Part;
use crate::error::{Error, Kind, Result};

use super::session::{Session, error, threads};

/// Rows of a batch.
pub const BATCH: usize = 8192;

/// Hands a batch to the plan; an error where the plan has ended.
pub type Emit<'a> = dyn FnMut(RecordBatch) -> Result<()> + 'a;

/// Says whether the plan still wants rows.
pub type Tick<'a> = dyn Fn(u64) -> Result<()> + Sync + 'a;

/// Makes the rows of the parts that it is given, one after another.
pub trait Producer: Send {
    /// Reads a part.
    ///
    /// # Errors
    /// Files that cannot be read, or whatever `tick` and `emit` return.
    fn part(&mut self, part: &Part, tick: &Tick<'_>, emit: &mut Emit<'_>) -> Result<()>;

    /// Emits what is left.
    ///
    /// # Errors
    /// Whatever `emit` returns.
    fn end(&mut self, emit: &mut Emit<'_>) -> Result<()>;
}

/// Makes a producer for a thread.
pub type Factory = Arc<dyn Fn() -> Box<dyn Producer> + Send + Sync>;

/// A relation of the rows that producers make of `parts`, and of `more`.
///
/// # Errors
/// Batches whose columns differ.
pub fn relation(
    session: &Session<'_>,
    request: &Request<'_>,
    schema: &SchemaRef,
    parts: &Arc<Vec<Part>>,
    factory: Factory,
    more: Vec<RecordBatch>,
) -> Result<DataFrame> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut partitions: Vec<Arc<dyn PartitionStream>> = Vec::new();
    for _ in 0..threads(request).min(parts.len()) {
        partitions.push(Arc::new(Reading {
            schema: schema.clone(),
            parts: parts.clone(),
            next: next.clone(),
            factory: factory.clone(),
        }));
    }
    partitions.push(Arc::new(Ready {
        schema: schema.clone(),
        batches: more,
    }));
    let table = StreamingTable::try_new(schema.clone(), partitions).map_err(error)?;
    session.context().read_table(Arc::new(table)).map_err(error)
}

/// One of several streams that share a queue of parts.
struct Reading {
    schema: SchemaRef,
    parts: Arc<Vec<Part>>,
    next: Arc<AtomicUsize>,
    factory: Factory,
}

impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} parts", self.parts.len())
    }
}

impl PartitionStream for Reading {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let mut builder = RecordBatchReceiverStream::builder(self.schema.clone(), 2);
        let sender = builder.tx();
        let (parts, next, mut producer) = (self.parts.clone(), self.next.clone(), (self.factory)());
        builder.spawn_blocking(move || {
            let ended = || Error::new(Kind::Interrupted, "the plan ended");
            let tick = |_| match sender.is_closed() {
                true => Err(ended()),
                false => Ok(()),
            };
            let mut emit = |batch| sender.blocking_send(Ok(batch)).map_err(|_| ended());
            let mut run = || {
                while let Some(part) = parts.get(next.fetch_add(1, Ordering::Relaxed)) {
                    producer.part(part, &tick, &mut emit)?;
                }
                producer.end(&mut emit)
            };
            run().map_err(|e: Error| DataFusionError::External(Box::new(e)))
        });
        builder.build()
    }
}

/// Rows that are there already.
struct Ready {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} batches", self.batches.len())
    }
}

impl PartitionStream for Ready {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let batches = futures::stream::iter(self.batches.clone().into_iter().map(Ok));
        Box::pin(
            datafusion::physical_plan::stream::RecordBatchStreamAdapter::new(
                self.schema.clone(),
                batches,
            ),
        )
    }
}

/// A batch of equally long columns.
///
/// # Errors
/// Columns that do not fit the schema.
pub fn batch(schema: SchemaRef, columns: Vec<ArrayRef>) -> Result<RecordBatch> {
    RecordBatch::try_new(schema, columns).map_err(|e| Error::internal(e.to_string()))
}

/// A unit as text, which it is by the time that it is a unit.
///
/// # Errors
/// Bytes that are no text, from an assignment file that was changed.
pub fn text(unit: &[u8]) -> Result<&str> {
    std::str::from_utf8(unit).map_err(|_| Error::data("a customer's identifier is not UTF-8"))
}
