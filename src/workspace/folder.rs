//! A report folder as it lies there: its manifest, and the files of it and beside it.

use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::workspace::digest::FileDigest;
use crate::workspace::manifest::{MANIFEST, Manifest};
use crate::workspace::numbered::Series;
use crate::workspace::walk::files_in;

/// What a folder holds, without the numbered sets that are kept in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    path: PathBuf,
    /// Its manifest; `None` where there is none.
    pub manifest: Option<Manifest>,
    /// All files by their path from the folder, sorted.
    pub files: Vec<String>,
}

impl Folder {
    /// Name of the file that lists the others.
    pub const MANIFEST: &'static str = MANIFEST;

    /// Reads a folder, whether or not it exists; sets of `kept` are left out.
    ///
    /// # Errors
    /// A manifest that is none.
    pub fn read(path: &Path, kept: &Series) -> Result<Self> {
        let is_kept = |name: &String| {
            let first = name.split('/').next();
            first.and_then(|name| kept.number_of(name)).is_some()
        };
        let mut files = files_in(path)?;
        files.retain(|name| !is_kept(name));
        let manifest = match files.iter().any(|name| name == MANIFEST) {
            true => Some(Manifest::read(path)?.0),
            false => None,
        };
        Ok(Folder {
            path: path.to_owned(),
            manifest,
            files,
        })
    }

    /// Whether the manifest lists a file.
    pub fn manifest_lists(&self, name: &str) -> bool {
        let lists = |manifest: &Manifest| manifest.files().contains_key(name);
        self.manifest.as_ref().is_some_and(lists)
    }

    /// The digest of a file; `None` where it is not there.
    pub fn digest(&self, name: &str) -> Result<Option<FileDigest>> {
        match self.files.iter().any(|n| n == name) {
            true => FileDigest::of_file(&self.path.join(name)).map(Some),
            false => Ok(None),
        }
    }
}
