//! Sets of files made beside their place, to appear there in one step.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Component, Path, PathBuf};

use tempfile::{Builder, TempDir};

use crate::error::{Error, Result};
use crate::workspace::digest::{FileDigest, Hashing};
use crate::workspace::manifest::{MANIFEST, Manifest};
use crate::workspace::write::{make_dirs, parent, sync_dir, temporary_prefix};

/// A folder in the making, beside the place where it will be.
///
/// Dropped, it is removed; after a kill, the next [`Lock`](crate::workspace::Lock) removes it where
/// it belongs to the pilot's own folders.
pub struct Staged {
    dir: TempDir,
    files: BTreeMap<String, FileDigest>,
}

impl Staged {
    /// Begins a folder that will be at `target`.
    pub fn begin(target: &Path) -> Result<Self> {
        crate::interrupt::check()?;
        let beside = parent(target)?;
        make_dirs(beside)?;
        let mut builder = Builder::new();
        let prefix = temporary_prefix(target)?;
        builder.prefix(&prefix);
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777));
        let dir = builder
            .tempdir_in(beside)
            .map_err(|cause| Error::io("make a folder beside", target, &cause))?;
        Ok(Staged {
            dir,
            files: BTreeMap::new(),
        })
    }

    /// The folder while it is in the making.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Writes a file. Names are relative, with `/` between folders.
    ///
    /// # Errors
    /// A name that leaves the folder, begins with a dot, or was written before.
    pub fn write(&mut self, name: &str, bytes: &[u8]) -> Result<FileDigest> {
        let mut file = self.create(name)?;
        let path = file.path.clone();
        file.write_all(bytes)
            .map_err(|cause| Error::io("write", &path, &cause))?;
        file.finish()
    }

    /// Begins a file to be written in pieces; it counts once it is finished.
    ///
    /// # Errors
    /// Those of [`Staged::write`].
    pub fn create(&mut self, name: &str) -> Result<StagedFile<'_>> {
        crate::interrupt::check()?;
        let path = self.new_path(name)?;
        make_dirs(parent(&path)?)?;
        let file = File::create_new(&path).map_err(|cause| Error::io("write", &path, &cause))?;
        Ok(StagedFile {
            name: name.to_owned(),
            path,
            to: BufWriter::with_capacity(1 << 16, Hashing::new(file)),
            files: &mut self.files,
            finished: false,
        })
    }

    /// Takes in a file that something else wrote under [`Staged::path`].
    ///
    /// # Errors
    /// Those of [`Staged::write`]; no such file.
    pub fn adopt(&mut self, name: &str) -> Result<FileDigest> {
        crate::interrupt::check()?;
        let path = self.new_path(name)?;
        let digest = FileDigest::of_file(&path)?;
        File::open(&path)
            .and_then(|file| file.sync_all())
            .map_err(|cause| Error::io("sync", &path, &cause))?;
        self.files.insert(name.to_owned(), digest);
        Ok(digest)
    }

    /// Names and digests of the files so far.
    pub fn files(&self) -> &BTreeMap<String, FileDigest> {
        &self.files
    }

    /// Writes the manifest, last of all, and makes the folder durable.
    pub(crate) fn seal(&mut self) -> Result<FileDigest> {
        let manifest = Manifest::new(self.files.clone()).to_bytes()?;
        let folders: BTreeSet<PathBuf> = (self.files.keys())
            .filter_map(|name| Path::new(name).parent())
            .flat_map(Path::ancestors)
            .map(|dir| self.path().join(dir))
            .collect();
        let digest = self.write(MANIFEST, &manifest)?;
        self.files.remove(MANIFEST);
        folders.iter().try_for_each(|dir| sync_dir(dir))?;
        sync_dir(self.path())?;
        Ok(digest)
    }

    /// Renames the sealed folder to `target`, where nothing is.
    pub(crate) fn place(self, target: &Path) -> Result<()> {
        std::fs::rename(self.path(), target)
            .map_err(|cause| Error::io("rename to", target, &cause))?;
        // The path is free again: nothing is left for the guard to remove.
        let _ = self.dir.keep();
        sync_dir(parent(target)?)
    }

    fn new_path(&self, name: &str) -> Result<PathBuf> {
        check_relative(name)?;
        if self.files.contains_key(name) {
            return Err(Error::internal(format!("`{name}` is written twice")));
        }
        Ok(self.path().join(name))
    }
}

/// A file of a [`Staged`] folder that is being written.
pub struct StagedFile<'a> {
    name: String,
    path: PathBuf,
    to: BufWriter<Hashing<File>>,
    files: &'a mut BTreeMap<String, FileDigest>,
    finished: bool,
}

impl StagedFile<'_> {
    /// Syncs the file and enters it in the folder's manifest.
    pub fn finish(mut self) -> Result<FileDigest> {
        let failed = |cause: io::Error| Error::io("write", &self.path, &cause);
        self.to.flush().map_err(failed)?;
        let hashing = self.to.get_ref();
        hashing.inner().sync_all().map_err(failed)?;
        let digest = hashing.digest();
        self.files.insert(std::mem::take(&mut self.name), digest);
        self.finished = true;
        Ok(digest)
    }
}

impl Write for StagedFile<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.to.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

impl Drop for StagedFile<'_> {
    fn drop(&mut self) {
        if !self.finished {
            // A file that cannot be removed is not in the manifest, and goes with the folder.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Refuses names that leave their folder, hide, or mean different things on different systems.
pub(crate) fn check_relative(name: &str) -> Result<()> {
    let plain = !name.is_empty()
        && !name.contains(['\\', ':', '\0'])
        && name
            .split('/')
            .all(|part| !part.is_empty() && !part.starts_with('.'))
        && Path::new(name)
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
    match plain {
        true => Ok(()),
        false => Err(Error::internal(format!(
            "`{name}` is no plain relative file name"
        ))),
    }
}
