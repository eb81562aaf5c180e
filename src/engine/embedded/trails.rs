//! Trails of customers as aggregate functions: a caller's contacts → a trail, trails → sums.
//!
//! Both travel as bytes: a trail as (code u32, amount i64) each, sums as (key u64, sum i128)
//! each, little-endian. A state is the same bytes, so parts merge by adding.

use std::hash::Hash;
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BinaryBuilder, BooleanArray, Int32Array, Int64Array,
};
use datafusion::arrow::datatypes::{DataType, Int32Type, Int64Type};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::function::AccumulatorArgs;
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, Volatility,
};
use datafusion::prelude::Expr;

use crate::engine::tally::NONE;
use crate::engine::trail::{Entry, Rules, Sums, add};
use crate::error::Error;

/// The trail of a caller, from (week, outcomes, handling, channel) of each contact; week −1
/// outside the after window.
pub fn trail(rules: Rules, contact: [Expr; 4]) -> Expr {
    let function = Function {
        name: "trail",
        kind: Kind::Contacts,
        rules,
        signature: Signature::any(4, Volatility::Immutable),
    };
    AggregateUDF::from(function).call(contact.into())
}

/// The sums over customers' trails.
pub fn trail_sums(rules: Rules, trail: Expr) -> Expr {
    let function = Function {
        name: "trail_sums",
        kind: Kind::Customers,
        rules,
        signature: Signature::any(1, Volatility::Immutable),
    };
    AggregateUDF::from(function).call(vec![trail])
}

/// Sums as the plan returned them.
///
/// # Errors
/// Bytes that are none.
pub fn read_sums(bytes: &[u8]) -> crate::error::Result<Vec<(u64, i128)>> {
    let chunks = bytes.chunks_exact(SUM);
    if !chunks.remainder().is_empty() {
        return Err(damaged());
    }
    chunks
        .map(|chunk| {
            Some((
                u64::from_le_bytes(part(chunk, 0)?),
                i128::from_le_bytes(part(chunk, 8)?),
            ))
        })
        .map(|sum| sum.ok_or_else(damaged))
        .collect()
}

const ENTRY: usize = 12;
const SUM: usize = 24;

fn damaged() -> Error {
    Error::internal("the data engine's trails are damaged")
}

fn part<const N: usize>(bytes: &[u8], from: usize) -> Option<[u8; N]> {
    bytes.get(from..from + N)?.try_into().ok()
}

fn read_trail(bytes: &[u8], into: &mut Vec<Entry>) -> crate::error::Result<()> {
    let chunks = bytes.chunks_exact(ENTRY);
    if !chunks.remainder().is_empty() {
        return Err(damaged());
    }
    for chunk in chunks {
        let entry = part(chunk, 0).zip(part(chunk, 4));
        let (code, amount) = entry.ok_or_else(damaged)?;
        add(into, u32::from_le_bytes(code), i64::from_le_bytes(amount));
    }
    Ok(())
}

fn ours(error: Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Contacts,
    Customers,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Function {
    name: &'static str,
    kind: Kind,
    rules: Rules,
    signature: Signature,
}

impl AggregateUDFImpl for Function {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Binary)
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Err(ours(Error::internal("trails are only added up by group")))
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs) -> bool {
        true
    }

    fn create_groups_accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        let rules = self.rules.clone();
        Ok(match self.kind {
            Kind::Contacts => Box::new(Groups::<OfContacts>::new(rules)),
            Kind::Customers => Box::new(Groups::<OfCustomers>::new(rules)),
        })
    }
}

/// What one group holds, and how rows add to it.
trait Held: Default + Send + 'static {
    /// The rows' columns, as they come.
    type Columns<'a>;

    fn columns(values: &[ArrayRef]) -> Result<Self::Columns<'_>>;
    fn row(
        &mut self,
        rules: &Rules,
        columns: &Self::Columns<'_>,
        row: usize,
    ) -> crate::error::Result<()>;
    fn merge(&mut self, bytes: &[u8]) -> crate::error::Result<()>;
    fn write(&self, bytes: &mut Vec<u8>);
    /// Bytes on the heap.
    fn size(&self) -> usize;
}

#[derive(Default)]
struct OfContacts(Vec<Entry>);

struct ContactColumns<'a> {
    weeks: &'a Int64Array,
    outcomes: &'a Int64Array,
    handling: &'a Int64Array,
    channels: &'a Int32Array,
}

impl Held for OfContacts {
    type Columns<'a> = ContactColumns<'a>;

    fn columns(values: &[ArrayRef]) -> Result<ContactColumns<'_>> {
        let [weeks, outcomes, handling, channels] = values else {
            return Err(ours(damaged()));
        };
        let long = |c: &'_ ArrayRef| c.as_primitive_opt::<Int64Type>().is_some();
        if !(long(weeks) && long(outcomes) && long(handling)) {
            return Err(ours(damaged()));
        }
        Ok(ContactColumns {
            weeks: weeks.as_primitive(),
            outcomes: outcomes.as_primitive(),
            handling: handling.as_primitive(),
            channels: channels
                .as_primitive_opt::<Int32Type>()
                .ok_or_else(|| ours(damaged()))?,
        })
    }

    fn row(
        &mut self,
        rules: &Rules,
        c: &ContactColumns<'_>,
        row: usize,
    ) -> crate::error::Result<()> {
        if c.weeks.is_null(row) || c.weeks.value(row) < 0 {
            return Ok(());
        }
        let handling = match c.handling.is_null(row) {
            true => NONE,
            false => c.handling.value(row),
        };
        let channel = (!c.channels.is_null(row)).then(|| c.channels.value(row).unsigned_abs());
        // The same 64 bits, read without a sign.
        let outcomes = c.outcomes.value(row) as u64;
        rules.entries(
            c.weeks.value(row),
            outcomes,
            handling,
            channel,
            |code, amount| {
                add(&mut self.0, code, amount);
            },
        );
        Ok(())
    }

    fn merge(&mut self, bytes: &[u8]) -> crate::error::Result<()> {
        read_trail(bytes, &mut self.0)
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        for (code, amount) in &self.0 {
            bytes.extend_from_slice(&code.to_le_bytes());
            bytes.extend_from_slice(&amount.to_le_bytes());
        }
    }

    fn size(&self) -> usize {
        self.0.capacity() * size_of::<Entry>()
    }
}

#[derive(Default)]
struct OfCustomers {
    sums: Sums,
    trail: Vec<Entry>,
}

impl Held for OfCustomers {
    type Columns<'a> = &'a BinaryArray;

    fn columns(values: &[ArrayRef]) -> Result<&BinaryArray> {
        values
            .first()
            .and_then(|c| c.as_binary_opt::<i32>())
            .ok_or_else(|| ours(damaged()))
    }

    fn row(
        &mut self,
        rules: &Rules,
        trails: &&BinaryArray,
        row: usize,
    ) -> crate::error::Result<()> {
        if trails.is_null(row) {
            return Ok(());
        }
        self.trail.clear();
        read_trail(trails.value(row), &mut self.trail)?;
        self.sums.customer(rules, &self.trail)
    }

    fn merge(&mut self, bytes: &[u8]) -> crate::error::Result<()> {
        self.sums.merge(read_sums(bytes)?)
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        for (key, sum) in self.sums.iter() {
            bytes.extend_from_slice(&key.to_le_bytes());
            bytes.extend_from_slice(&sum.to_le_bytes());
        }
    }

    fn size(&self) -> usize {
        // A hash table is at most half empty after it grew.
        2 * self.sums.iter().len() * (SUM + 8) + self.trail.capacity() * size_of::<Entry>()
    }
}

/// One [`Held`] a group.
struct Groups<H> {
    rules: Rules,
    held: Vec<H>,
    /// Bytes on the heap of all.
    heap: usize,
}

impl<H: Held> Groups<H> {
    fn new(rules: Rules) -> Self {
        Groups {
            rules,
            held: Vec::new(),
            heap: 0,
        }
    }

    fn change(
        &mut self,
        group: usize,
        change: impl FnOnce(&mut H, &Rules) -> crate::error::Result<()>,
    ) -> Result<()> {
        let held = &mut self.held[group];
        let before = held.size();
        change(held, &self.rules).map_err(ours)?;
        self.heap = self.heap + held.size() - before;
        Ok(())
    }

    fn emit(&mut self, emit_to: EmitTo) -> ArrayRef {
        let held = emit_to.take_needed(&mut self.held);
        self.heap = self.heap.saturating_sub(held.iter().map(Held::size).sum());
        written(&held)
    }
}

/// The bytes of each; null where there is nothing.
fn written<H: Held>(held: &[H]) -> ArrayRef {
    let mut builder = BinaryBuilder::with_capacity(held.len(), held.len());
    let mut bytes = Vec::new();
    for own in held {
        bytes.clear();
        own.write(&mut bytes);
        builder.append_option((!bytes.is_empty()).then_some(&bytes));
    }
    Arc::new(builder.finish())
}

fn passes(filter: Option<&BooleanArray>, row: usize) -> bool {
    filter.is_none_or(|f| f.is_valid(row) && f.value(row))
}

impl<H: Held> GroupsAccumulator for Groups<H> {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.held.resize_with(total, H::default);
        let columns = H::columns(values)?;
        for (row, group) in groups.iter().enumerate() {
            if passes(filter, row) {
                self.change(*group, |held, rules| held.row(rules, &columns, row))?;
            }
        }
        Ok(())
    }

    fn merge_batch(&mut self, values: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.held.resize_with(total, H::default);
        let states = values.first().and_then(|c| c.as_binary_opt::<i32>());
        let states = states.ok_or_else(|| ours(damaged()))?;
        for (row, group) in groups.iter().enumerate() {
            if !states.is_null(row) {
                self.change(*group, |held, _| held.merge(states.value(row)))?;
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        Ok(self.emit(emit_to))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.emit(emit_to)])
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let columns = H::columns(values)?;
        let rows = values.first().map_or(0, |c| c.len());
        let states = (0..rows).map(|row| {
            let mut held = H::default();
            if passes(filter, row) {
                held.row(&self.rules, &columns, row).map_err(ours)?;
            }
            Ok(held)
        });
        Ok(vec![written(&states.collect::<Result<Vec<H>>>()?)])
    }

    fn size(&self) -> usize {
        self.heap + self.held.capacity() * size_of::<H>()
    }
}
