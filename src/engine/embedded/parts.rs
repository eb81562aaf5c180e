//! Files in parts, read side by side.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};

use crate::engine::Request;
use crate::engine::parquet::footer;
use crate::engine::records::TextRecords;
use crate::engine::source::{Extent, Input, Part, Storage, whole};
use crate::error::{Error, Kind, Result};
use crate::experiment::FileFormat;

use super::session::{HEARTBEAT, threads};

/// Bytes of text, and rows of Parquet, below which a file is not divided further.
const TEXT_PART: u64 = 8 << 20;
const PARQUET_PART: i64 = 1 << 17;

/// The parts of the files, in the order of their rows; the same on every machine.
///
/// # Errors
/// Files that cannot be read.
pub fn divide(inputs: &[Input], format: &FileFormat) -> Result<Vec<Part>> {
    let mut parts = Vec::new();
    for mut part in whole(inputs.to_vec()) {
        match part.input.storage()? {
            Storage::Parquet => divide_parquet(part, &mut parts)?,
            Storage::Csv if format.encoding.is_none() => divide_text(part, format, &mut parts)?,
            _ => {
                part.extent = Extent::Whole;
                parts.push(part);
            }
        }
    }
    Ok(parts)
}

fn divide_parquet(part: Part, parts: &mut Vec<Part>) -> Result<()> {
    let footer = footer(&part.input)?;
    let groups = footer.metadata().row_groups();
    let mut start = 0;
    let mut rows = 0;
    for (g, group) in groups.iter().enumerate() {
        rows += group.num_rows();
        if rows >= PARQUET_PART || g + 1 == groups.len() {
            parts.push(Part {
                extent: Extent::Groups {
                    footer: footer.clone(),
                    groups: start..g + 1,
                },
                ..part.clone()
            });
            (start, rows) = (g + 1, 0);
        }
    }
    if groups.is_empty() {
        parts.push(part);
    }
    Ok(())
}

/// Divides a text file where lines end, if every line end ends a row: without
/// quotes, in UTF-8, and with line feeds. Any other file stays whole.
fn divide_text(part: Part, format: &FileFormat, parts: &mut Vec<Part>) -> Result<()> {
    let input = &part.input;
    let fail = |e: std::io::Error| Error::io("read", &input.name, &e);
    let bytes = std::fs::metadata(&input.path).map_err(fail)?.len();
    if bytes < 2 * TEXT_PART {
        parts.push(part);
        return Ok(());
    }
    let (records, _) = TextRecords::open(&part, format)?;
    let (first, mut line) = records.position();
    let mut file = File::open(&input.path).map_err(fail)?;
    let mut head = [0; 3];
    file.read_exact(&mut head).map_err(fail)?;
    let marked = encoding_rs::Encoding::for_bom(&head).is_some();
    file.seek(SeekFrom::Start(first)).map_err(fail)?;
    let mut reader = BufReader::with_capacity(1 << 20, file);
    let (mut start, mut at) = (first, first);
    let mut pieces = Vec::new();
    let mut plain = !marked && format.delimiter != b'"';
    let mut lines = 0;
    let mut after_return = false;
    while plain {
        let block = reader.fill_buf().map_err(fail)?;
        let Some(last) = block.last() else { break };
        let returns_alone =
            after_return && block[0] != b'\n' || block.contains(&b'\r') && has_lone_return(block);
        plain = !block.contains(&b'"') && !returns_alone;
        after_return = *last == b'\r';
        let enough = (start + TEXT_PART).saturating_sub(at) as usize;
        let end = block
            .iter()
            .skip(enough)
            .position(|b| *b == b'\n')
            .map(|i| enough + i + 1);
        if let Some(end) = end {
            pieces.push((start, at + end as u64, line));
            line += lines + newlines(&block[..end]);
            lines = newlines(&block[end..]);
            start = at + end as u64;
        } else {
            lines += newlines(block);
        }
        let length = block.len();
        at += length as u64;
        reader.consume(length);
    }
    if !plain {
        parts.push(part);
        return Ok(());
    }
    if start < at {
        pieces.push((start, at, line));
    }
    parts.extend(pieces.into_iter().map(|(start, end, line)| Part {
        extent: Extent::Bytes { start, end, line },
        ..part.clone()
    }));
    Ok(())
}

fn newlines(block: &[u8]) -> u64 {
    block.iter().filter(|b| **b == b'\n').count() as u64
}

/// Whether a carriage return ends a line by itself; one at the block's end is not judged.
fn has_lone_return(block: &[u8]) -> bool {
    block.windows(2).any(|w| w[0] == b'\r' && w[1] != b'\n')
}

/// Works through `parts` on all threads; one accumulator a thread.
///
/// `work` gets a request whose tick stops it when the run is to stop. Of
/// several errors, that of the earliest part is returned.
///
/// # Errors
/// The tick's, or the first of `work`.
pub fn fold<A: Send>(
    request: &Request<'_>,
    parts: &[Part],
    start: impl Fn() -> A + Sync,
    work: impl Fn(&mut A, &Request<'_>, &Part) -> Result<()> + Sync,
) -> Result<Vec<A>> {
    (request.tick)(0)?;
    let workers = threads(request).min(parts.len()).max(1);
    let next = AtomicUsize::new(0);
    let stopped = AtomicBool::new(false);
    let failed = Mutex::new((usize::MAX, None::<Error>));
    let rows: Vec<AtomicU64> = (0..workers).map(|_| AtomicU64::new(0)).collect();
    std::thread::scope(|scope| {
        let (sender, receiver) = channel();
        for own in &rows {
            let sender = sender.clone();
            let (next, stopped, failed) = (&next, &stopped, &failed);
            let (start, work) = (&start, &work);
            scope.spawn(move || {
                let tick = |n: u64| {
                    own.store(n, Ordering::Relaxed);
                    if stopped.load(Ordering::Relaxed) {
                        return Err(Error::new(Kind::Interrupted, "interrupted"));
                    }
                    Ok(())
                };
                let request = Request {
                    tick: &tick,
                    ..*request
                };
                let mut own = start();
                loop {
                    let i = next.fetch_add(1, Ordering::Relaxed);
                    let (Some(part), false) = (parts.get(i), stopped.load(Ordering::Relaxed))
                    else {
                        break;
                    };
                    if let Err(error) = work(&mut own, &request, part) {
                        // Later parts need not be read any more; earlier ones are already under way.
                        next.store(parts.len(), Ordering::Relaxed);
                        if let Ok(mut failed) = failed.lock()
                            && i < failed.0
                        {
                            *failed = (i, Some(error));
                        }
                        break;
                    }
                }
                // The receiver is gone only when the run stops.
                let _ = sender.send(own);
            });
        }
        drop(sender);
        let mut done = Vec::with_capacity(workers);
        while done.len() < workers {
            match receiver.recv_timeout(HEARTBEAT) {
                Ok(own) => done.push(own),
                Err(RecvTimeoutError::Timeout) => {
                    let read = rows.iter().map(|r| r.load(Ordering::Relaxed)).sum();
                    if let Err(stop) = (request.tick)(read) {
                        stopped.store(true, Ordering::Relaxed);
                        return Err(stop);
                    }
                }
                // A worker panicked; the scope passes the panic on.
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Error::internal("a thread of the data engine stopped"));
                }
            }
        }
        match failed.lock().ok().and_then(|mut f| f.1.take()) {
            Some(error) => Err(error),
            None => Ok(done),
        }
    })
}
