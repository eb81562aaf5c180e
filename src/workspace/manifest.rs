//! The manifest of a set: its files with their digests, written last.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Kind, Result};
use crate::workspace::digest::{Digest, FileDigest};
use crate::workspace::staging::check_relative;

/// Name of the file that lists the others.
pub(crate) const MANIFEST: &str = "MANIFEST.json";

const SCHEMA: &str = "pilot.manifest/1";

/// The files of a set, with their digests; written last, so that a set without one is not whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    schema: String,
    files: BTreeMap<String, FileDigest>,
}

impl Manifest {
    pub(crate) fn new(files: BTreeMap<String, FileDigest>) -> Self {
        Manifest {
            schema: SCHEMA.to_owned(),
            files,
        }
    }

    /// Names, digests and lengths.
    pub fn files(&self) -> &BTreeMap<String, FileDigest> {
        &self.files
    }

    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec_pretty(self)
            .map_err(|e| Error::internal(format!("cannot write a manifest: {e}")))?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Reads the manifest of a folder, with its own digest.
    pub(crate) fn read(dir: &Path) -> Result<(Self, Digest)> {
        let path = dir.join(MANIFEST);
        let bytes = fs::read(&path).map_err(|cause| Error::io("read", &path, &cause))?;
        let unfit = |why: String| Error::new(Kind::Check, why).file(&path);
        let manifest: Manifest = serde_json::from_slice(&bytes)
            .map_err(|e| unfit(format!("not a manifest: {e}")).line(e.line() as u64))?;
        if manifest.schema != SCHEMA {
            return Err(unfit(format!("not a manifest of `{SCHEMA}`")));
        }
        for name in manifest.files.keys() {
            check_relative(name).map_err(|e| unfit(e.message().to_owned()))?;
        }
        Ok((manifest, Digest::of(&bytes)))
    }
}
