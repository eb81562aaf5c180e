//! The log as a relation (unit, time, outcomes, handling, channel): one row a contact that counts.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayBuilder, ArrayRef, Int32Builder, Int64Builder, StringViewBuilder,
};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::prelude::DataFrame;

use crate::engine::Request;
use crate::engine::ledger::Ledger;
use crate::engine::log::{self, Contact};
use crate::engine::repeats::{Place, Unit};
use crate::engine::source::{Part, expand};
use crate::engine::tally::NONE;
use crate::engine::trail::Channels;
use crate::engine::windows::Calendar;
use crate::error::Result;
use crate::experiment::{ContactsFile, Experiment};

use super::counts::sort_by_place;
use super::hashes::{Hashes, hash, repeated};
use super::parts::{divide, fold};
use super::relation::{BATCH, Emit, Producer, Tick, batch, relation, text};
use super::session::{Session, threads};

/// A log of which every row was seen once.
pub struct Log {
    shared: Arc<Shared>,
    parts: Arc<Vec<Part>>,
    /// First contacts of identifiers that may occur twice.
    firsts: Vec<Owned>,
    /// Rows read and set aside.
    pub ledger: Ledger,
    /// Contacts with an identifier seen before; `None` without identifiers.
    pub duplicates: Option<u64>,
    /// Contacts that repeat an earlier row exactly; `None` with identifiers.
    pub repeats: Option<u64>,
    /// The last instant.
    pub last: Option<i64>,
}

struct Shared {
    experiment: Experiment,
    root: PathBuf,
    file: ContactsFile,
    calendar: Calendar,
    /// Hashes of identifiers, or of whole rows, that may occur twice.
    repeated: HashSet<u64>,
    /// The log's channels in order of their names; `None` where they are too many.
    channels: Option<Vec<String>>,
}

impl Shared {
    /// A channel's number.
    fn channel(&self, name: Option<&str>) -> Option<u32> {
        let (list, name) = (self.channels.as_ref()?, name?);
        let place = list.binary_search_by(|known| known.as_str().cmp(name));
        place.ok().map(|place| place as u32)
    }
}

/// A contact that outlives its row.
struct Owned {
    unit: Unit,
    time: i64,
    outcomes: u64,
    handling: i64,
    channel: Option<u32>,
}

/// What tells whether a contact was seen before.
fn identity<'a>(contact: &Contact<'a>, has_id: bool) -> Option<&'a [u8]> {
    if has_id {
        contact.id
    } else {
        Some(contact.used)
    }
}

/// What one thread saw of the log.
struct Survey {
    ledger: Ledger,
    identities: Hashes,
    last: Option<i64>,
    channels: Channels,
}

/// Visits the log: which rows can be read, and which repeat.
///
/// # Errors
/// As [`log::read`].
pub fn survey(
    session: &Session<'_>,
    request: &Request<'_>,
    file: &ContactsFile,
    calendar: Calendar,
) -> Result<Log> {
    let inputs = expand(request.root, &file.format.path)?;
    let parts = divide(&inputs, &file.format)?;
    let has_id = file.id.is_some();
    let surveys = fold(
        request,
        &parts,
        || Survey {
            ledger: Ledger::default(),
            identities: Hashes::new(session.reservation("contacts")),
            last: None,
            channels: Channels::default(),
        },
        |own, request, part| {
            let parts = std::slice::from_ref(part);
            let ledger = &mut own.ledger;
            log::read(
                request,
                file,
                parts,
                &calendar,
                ledger,
                &mut |contact, _| {
                    own.last = own.last.max(Some(contact.time));
                    if let Some(name) = contact.channel {
                        own.channels.id(name);
                    }
                    match identity(&contact, has_id) {
                        Some(identity) => own.identities.add(identity),
                        None => Ok(()),
                    }
                },
            )
        },
    )?;
    let mut ledger = Ledger::default();
    let (mut last, mut identities) = (None, Vec::new());
    let mut channels = Channels::default();
    for own in surveys {
        channels.merge(&own.channels);
        ledger.append(own.ledger);
        last = last.max(own.last);
        identities.push(own.identities);
    }
    sort_by_place(&mut ledger, &inputs);
    let mut log = Log {
        parts: Arc::new(parts),
        firsts: Vec::new(),
        ledger,
        duplicates: has_id.then_some(0),
        repeats: (!has_id).then_some(0),
        last,
        shared: Arc::new(Shared {
            experiment: request.experiment.clone(),
            root: request.root.to_path_buf(),
            file: file.clone(),
            calendar,
            repeated: repeated(threads(request), identities),
            channels: channels.sorted(),
        }),
    };
    log.settle(request)?;
    Ok(log)
}

impl Log {
    /// Decides on contacts that may have been seen before.
    fn settle(&mut self, request: &Request<'_>) -> Result<()> {
        let shared = &self.shared;
        if shared.repeated.is_empty() {
            return Ok(());
        }
        let has_id = shared.file.id.is_some();
        let kept = fold(request, &self.parts, Vec::new, |kept, request, part| {
            shared.read(part, request.tick, &mut |contact, place| {
                if let Some(identity) = identity(&contact, has_id)
                    && shared.repeated.contains(&hash(identity))
                {
                    let contact = has_id.then(|| Owned {
                        unit: contact.unit.into(),
                        time: contact.time,
                        outcomes: contact.outcomes,
                        handling: contact.handling,
                        channel: shared.channel(contact.channel),
                    });
                    kept.push((place, Unit::from(identity), contact));
                }
                Ok(())
            })
        })?;
        let mut kept: Vec<_> = kept.into_iter().flatten().collect();
        kept.sort_by_key(|(place, ..)| *place);
        let mut seen = HashSet::new();
        let mut again = 0;
        for (_, identity, contact) in kept {
            if seen.insert(identity) {
                self.firsts.extend(contact);
            } else {
                again += 1;
            }
        }
        for count in [&mut self.duplicates, &mut self.repeats] {
            *count = count.map(|_| again);
        }
        Ok(())
    }

    /// The log's channels by their numbers; `None` where they are too many.
    pub fn channels(&self) -> Option<&[String]> {
        self.shared.channels.as_deref()
    }

    /// The relation of all contacts but those whose identifier was seen before.
    ///
    /// # Errors
    /// Batches that cannot be made.
    pub fn relation(&self, session: &Session<'_>, request: &Request<'_>) -> Result<DataFrame> {
        let mut firsts = Vec::new();
        let mut keep = |batch| {
            firsts.push(batch);
            Ok(())
        };
        let mut rows = Rows::default();
        for first in &self.firsts {
            rows.add(
                &Contact {
                    unit: &first.unit,
                    time: first.time,
                    outcomes: first.outcomes,
                    id: None,
                    handling: first.handling,
                    channel: None,
                    used: &[],
                },
                first.channel,
                &mut keep,
            )?;
        }
        rows.flush(&mut keep)?;
        let shared = self.shared.clone();
        let factory = Arc::new(move || {
            Box::new(ContactRows {
                shared: shared.clone(),
                rows: Rows::default(),
            }) as Box<dyn Producer>
        });
        relation(session, request, &schema(), &self.parts, factory, firsts)
    }
}

impl Shared {
    fn read(
        &self,
        part: &Part,
        tick: &Tick<'_>,
        sink: &mut dyn FnMut(Contact<'_>, Place) -> Result<()>,
    ) -> Result<()> {
        log::read(
            &Request::new(&self.experiment, &self.root, tick),
            &self.file,
            std::slice::from_ref(part),
            &self.calendar,
            &mut Ledger::blind(),
            &mut |contact, table| sink(contact, table.place()),
        )
    }
}

/// Makes the relation's rows from the log's.
struct ContactRows {
    shared: Arc<Shared>,
    rows: Rows,
}

impl Producer for ContactRows {
    fn part(&mut self, part: &Part, tick: &Tick<'_>, emit: &mut Emit<'_>) -> Result<()> {
        let (shared, rows) = (&self.shared, &mut self.rows);
        shared.read(part, tick, &mut |contact, _| {
            // Without identifiers every row counts, also one that repeats another.
            match contact.id {
                Some(id) if shared.repeated.contains(&hash(id)) => Ok(()),
                _ => rows.add(&contact, shared.channel(contact.channel), emit),
            }
        })
    }

    fn end(&mut self, emit: &mut Emit<'_>) -> Result<()> {
        self.rows.flush(emit)
    }
}

fn schema() -> SchemaRef {
    Schema::new(vec![
        Field::new("unit", DataType::Utf8View, false),
        Field::new("time", DataType::Int64, false),
        Field::new("outcomes", DataType::Int64, false),
        Field::new("handling", DataType::Int64, true),
        Field::new("channel", DataType::Int32, true),
    ])
    .into()
}

/// Rows of the relation on their way into a batch.
#[derive(Default)]
struct Rows {
    units: StringViewBuilder,
    times: Int64Builder,
    outcomes: Int64Builder,
    handling: Int64Builder,
    channels: Int32Builder,
}

impl Rows {
    fn add(
        &mut self,
        contact: &Contact<'_>,
        channel: Option<u32>,
        emit: &mut Emit<'_>,
    ) -> Result<()> {
        self.units.append_value(text(contact.unit)?);
        self.times.append_value(contact.time);
        // The same 64 bits, read with a sign.
        self.outcomes.append_value(contact.outcomes as i64);
        self.handling
            .append_option((contact.handling != NONE).then_some(contact.handling));
        self.channels.append_option(channel.map(|c| c as i32));
        if self.times.len() >= BATCH {
            self.flush(emit)?;
        }
        Ok(())
    }

    fn flush(&mut self, emit: &mut Emit<'_>) -> Result<()> {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.units.finish()),
            Arc::new(self.times.finish()),
            Arc::new(self.outcomes.finish()),
            Arc::new(self.handling.finish()),
            Arc::new(self.channels.finish()),
        ];
        emit(batch(schema(), columns)?)
    }
}
