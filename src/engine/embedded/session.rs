//! The DataFusion session of one scan: threads, memory, progress, interruption.

use std::future::Future;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use datafusion::execution::memory_pool::{FairSpillPool, MemoryConsumer, MemoryReservation};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::physical_plan::{ExecutionPlan, collect};
use datafusion::prelude::{DataFrame, SessionConfig, SessionContext};
use tokio::runtime::{Builder, Runtime};

use crate::engine::Request;
use crate::error::{Error, Kind, Result};

/// How often a waiting thread looks whether to go on.
pub const HEARTBEAT: Duration = Duration::from_millis(50);

/// A running data engine; dropping it abandons what still runs.
pub struct Session<'a> {
    request: &'a Request<'a>,
    runtime: Option<Runtime>,
    context: SessionContext,
}

impl<'a> Session<'a> {
    /// Starts the engine with the request's threads and memory.
    ///
    /// # Errors
    /// Threads that cannot be started.
    pub fn new(request: &'a Request<'a>) -> Result<Self> {
        let threads = threads(request);
        let mut config = SessionConfig::new().with_target_partitions(threads);
        // Statistics would be one more pass over footers that are read anyway.
        config.options_mut().execution.collect_statistics = false;
        let mut environment = RuntimeEnvBuilder::new();
        if let Some(memory) = request.memory {
            let bytes = usize::try_from(memory).unwrap_or(usize::MAX);
            environment = environment.with_memory_pool(Arc::new(FairSpillPool::new(bytes)));
            // A hash join cannot spill to disk; a sort-merge join can.
            config.options_mut().optimizer.prefer_hash_join = false;
        }
        let environment = environment.build_arc().map_err(error)?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name("pilot-engine")
            .build()
            .map_err(|e| Error::new(Kind::Io, format!("threads cannot be started: {e}")))?;
        Ok(Session {
            request,
            runtime: Some(runtime),
            context: SessionContext::new_with_config_rt(config, environment),
        })
    }

    /// The context in which plans are made.
    pub fn context(&self) -> &SessionContext {
        &self.context
    }

    /// Memory of our own under the same limit, initially none.
    pub fn reservation(&self, what: &str) -> MemoryReservation {
        MemoryConsumer::new(what).register(&self.context.runtime_env().memory_pool)
    }

    /// Runs a plan to its end; all its rows.
    ///
    /// # Errors
    /// Whatever the request's tick returns, a memory limit, unreadable files.
    pub fn collect(&self, frame: DataFrame) -> Result<Vec<RecordBatch>> {
        let tasks = Arc::new(frame.task_ctx());
        let plan = self.wait(async move { frame.create_physical_plan().await }, &|| 0)?;
        let running = plan.clone();
        self.wait(collect(running, tasks), &|| rows_read(&plan))
    }

    fn wait<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, DataFusionError>> + Send + 'static,
        rows: &dyn Fn() -> u64,
    ) -> Result<T> {
        let runtime = self
            .runtime
            .as_ref()
            .ok_or_else(|| Error::internal("the data engine was stopped"))?;
        (self.request.tick)(rows())?;
        let (sender, receiver) = sync_channel(1);
        let task = runtime.spawn(async move {
            // The receiver is gone only when nobody waits any more.
            let _ = sender.send(work.await);
        });
        loop {
            match receiver.recv_timeout(HEARTBEAT) {
                Ok(result) => return result.map_err(error),
                Err(RecvTimeoutError::Timeout) => {
                    if let Err(stop) = (self.request.tick)(rows()) {
                        task.abort();
                        return Err(stop);
                    }
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Error::internal("the data engine stopped without a result"));
                }
            }
        }
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Threads of a request; as many as the machine has where it names none.
pub fn threads(request: &Request<'_>) -> usize {
    request
        .threads
        .or_else(|| std::thread::available_parallelism().ok().map(usize::from))
        .unwrap_or(1)
        .max(1)
}

/// Rows that the leaves of a plan have produced so far.
fn rows_read(plan: &Arc<dyn ExecutionPlan>) -> u64 {
    let children = plan.children();
    if children.is_empty() {
        let metrics = plan.metrics();
        return metrics.and_then(|m| m.output_rows()).unwrap_or(0) as u64;
    }
    children.into_iter().map(rows_read).sum()
}

/// An error of the engine as ours: our own come back as they were.
pub fn error(cause: DataFusionError) -> Error {
    match cause.find_root() {
        DataFusionError::ResourcesExhausted(why) => Error::new(
            Kind::Usage,
            format!("the scan needs more memory than it may use: {why}"),
        )
        .key("--memory")
        .hint("allow more memory, or fewer threads"),
        DataFusionError::External(ours) => match ours.downcast_ref::<Error>() {
            Some(ours) => ours.clone(),
            None => Error::internal(format!("the data engine failed: {ours}")),
        },
        DataFusionError::ParquetError(why) => damaged(why),
        DataFusionError::ArrowError(why, _) if matches!(**why, ArrowError::ParquetError(_)) => {
            damaged(why)
        }
        other => Error::internal(format!("the data engine failed: {other}")),
    }
}

fn damaged(why: &dyn std::fmt::Display) -> Error {
    Error::data(format!("a Parquet file cannot be read: {why}"))
        .hint("export it again; it may be cut off or damaged")
}
