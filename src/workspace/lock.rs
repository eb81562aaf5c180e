//! One exclusive lock per pilot.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::workspace::paths::Pilot;
use crate::workspace::recover::{Repair, recover};
use crate::workspace::write::make_dirs;

/// The exclusive right to write a pilot's files, held until it is dropped.
///
/// It is the operating system's lock on `experiments/.NAME.lock`, so it goes with the process
/// however that ends, `kill -9` included. Taking it removes or completes what a killed run left;
/// see [`Lock::repairs`].
#[derive(Debug)]
pub struct Lock {
    pilot: Pilot,
    path: PathBuf,
    repairs: Vec<Repair>,
    file: File,
}

/// Who holds a lock, as it says in the lock's file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Process number.
    pub pid: u32,
    /// What it does.
    pub command: String,
    /// Since when.
    pub since: String,
}

impl Lock {
    pub(crate) fn acquire(pilot: &Pilot, command: &str, since: Timestamp) -> Result<Self> {
        pilot.refuse_links()?;
        make_dirs(&pilot.workspace().experiments())?;
        let path = pilot.lock_path();
        let failed = |cause: std::io::Error| Error::io("lock", &path, &cause);
        let file = loop {
            let file = open(&path).map_err(failed)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(taken(pilot, &path)),
                Err(TryLockError::Error(cause)) => return Err(failed(cause)),
            }
            // The holder before may have removed the file between opening and locking it.
            if still_there(&file, &path) {
                break file;
            }
        };
        let mut lock = Lock {
            pilot: pilot.clone(),
            path: path.clone(),
            repairs: Vec::new(),
            file,
        };
        let holder = Holder {
            pid: std::process::id(),
            command: command.to_owned(),
            since: since.to_string(),
        };
        let text = serde_json::to_vec(&holder)
            .map_err(|e| Error::internal(format!("cannot write the lock's holder: {e}")))?;
        lock.file.set_len(0).map_err(failed)?;
        lock.file.write_all(&text).map_err(failed)?;
        lock.repairs = recover(pilot)?;
        Ok(lock)
    }

    /// The locked pilot.
    pub fn pilot(&self) -> &Pilot {
        &self.pilot
    }

    /// What a killed run had left, and what was done about it.
    pub fn repairs(&self) -> &[Repair] {
        &self.repairs
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if cfg!(unix) {
            // Removed while it is held, so nobody can hold a lock on a removed file unnoticed. A
            // file that stays does no harm: the lock is on it, not in it.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn open(path: &Path) -> std::io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
}

#[cfg(unix)]
fn still_there(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), std::fs::symlink_metadata(path)) {
        (Ok(held), Ok(named)) => held.dev() == named.dev() && held.ino() == named.ino(),
        _ => false,
    }
}

/// Elsewhere the file is never removed.
#[cfg(not(unix))]
fn still_there(_: &File, _: &Path) -> bool {
    true
}

fn taken(pilot: &Pilot, path: &Path) -> Error {
    // A holder that has just begun writes its name within this time.
    std::thread::sleep(Duration::from_millis(20));
    let holder = File::open(path).ok().and_then(|mut file| {
        let mut text = String::new();
        file.read_to_string(&mut text).ok()?;
        serde_json::from_str::<Holder>(&text).ok()
    });
    let by = match holder {
        Some(Holder {
            pid,
            command,
            since,
        }) => format!("process {pid}, `{command}`, since {since}"),
        None => "another process".to_owned(),
    };
    Error::workspace(format!("pilot `{}` is in use by {by}", pilot.name()))
        .hint("wait until it has ended, or end it; a lock never outlives its process")
}
