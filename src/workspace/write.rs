//! Files that are written whole or not at all.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use crate::error::{Error, Result};
use crate::workspace::digest::{FileDigest, Hashing};

/// A file that appears whole, when [`WholeFile::finish`] returns, or not at all.
///
/// The bytes go to a temporary file in the same folder, which is synced and renamed. Dropped
/// before that, it is removed; after a kill, the next [`Lock`](crate::workspace::Lock) removes it.
pub struct WholeFile {
    target: PathBuf,
    to: BufWriter<Hashing<NamedTempFile>>,
}

impl WholeFile {
    /// Begins a file; makes its folder where there is none.
    pub fn create(target: impl Into<PathBuf>) -> Result<Self> {
        let target = target.into();
        let dir = parent(&target)?;
        make_dirs(dir)?;
        let mut builder = Builder::new();
        let prefix = temporary_prefix(&target)?;
        builder.prefix(&prefix);
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let file = builder
            .tempfile_in(dir)
            .map_err(|cause| Error::io("write", &target, &cause))?;
        Ok(WholeFile {
            target,
            to: BufWriter::with_capacity(1 << 16, Hashing::new(file)),
        })
    }

    /// Where the file will be.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Puts the file in its place, over an older one.
    pub fn finish(self) -> Result<FileDigest> {
        let target = self.target.clone();
        self.finish_as(&target)
    }

    /// Puts the file in its place, never over another.
    ///
    /// # Errors
    /// A file of that name exists.
    pub fn finish_new(self) -> Result<FileDigest> {
        let (file, digest, target) = self.synced()?;
        file.persist_noclobber(&target).map_err(|e| {
            if e.error.kind() == io::ErrorKind::AlreadyExists {
                return Error::workspace("the file exists and is left as it is")
                    .file(&target)
                    .hint("choose another name, or move the file away");
            }
            Error::io("write", &target, &e.error)
        })?;
        sync_dir(parent(&target)?)?;
        Ok(digest)
    }

    /// Puts the file under another name in the same folder.
    pub(crate) fn finish_as(self, path: &Path) -> Result<FileDigest> {
        let (file, digest, _) = self.synced()?;
        file.persist(path)
            .map_err(|e| Error::io("write", path, &e.error))?;
        sync_dir(parent(path)?)?;
        Ok(digest)
    }

    fn synced(self) -> Result<(NamedTempFile, FileDigest, PathBuf)> {
        let target = self.target;
        let failed = |cause: io::Error| Error::io("write", &target, &cause);
        let hashing = self.to.into_inner().map_err(|e| failed(e.into_error()))?;
        let (file, digest) = hashing.into_parts();
        file.as_file().sync_all().map_err(failed)?;
        Ok((file, digest, target))
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.to.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Writes a file whole, over an older one.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<FileDigest> {
    let mut file = WholeFile::create(path)?;
    file.write_all(bytes)
        .map_err(|cause| Error::io("write", path, &cause))?;
    file.finish()
}

/// Writes a file whole, never over another.
///
/// # Errors
/// A file of that name exists.
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<FileDigest> {
    let mut file = WholeFile::create(path)?;
    file.write_all(bytes)
        .map_err(|cause| Error::io("write", path, &cause))?;
    file.finish_new()
}

/// The prefix of temporary files and folders beside `target`: `.<its name>.tmp-`.
///
/// Names of pilots have no dot, so one pilot's leftovers are never taken for another's.
pub(crate) fn temporary_prefix(target: &Path) -> Result<String> {
    match target.file_name().and_then(|name| name.to_str()) {
        Some(name) => Ok(format!(".{name}.tmp-")),
        None => Err(Error::workspace("the path has no file name in UTF-8").file(target)),
    }
}

/// The folder of a path.
pub(crate) fn parent(path: &Path) -> Result<&Path> {
    match path.parent() {
        Some(dir) if dir.as_os_str().is_empty() => Ok(Path::new(".")),
        Some(dir) => Ok(dir),
        None => Err(Error::workspace("the path has no folder").file(path)),
    }
}

/// Makes a folder and those above it.
pub(crate) fn make_dirs(dir: &Path) -> Result<()> {
    std::fs::create_dir_all(dir).map_err(|cause| Error::io("make the folder", dir, &cause))
}

/// Makes renames in a folder durable; folders cannot be synced on Windows, whose renames are journalled.
pub(crate) fn sync_dir(dir: &Path) -> Result<()> {
    if cfg!(unix) {
        File::open(dir)
            .and_then(|dir| dir.sync_all())
            .map_err(|cause| Error::io("sync the folder", dir, &cause))?;
    }
    Ok(())
}

/// Renames within a folder and makes it durable.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<()> {
    std::fs::rename(from, to).map_err(|cause| Error::io("rename to", to, &cause))?;
    sync_dir(parent(to)?)
}

/// Removes a file, a link or a folder with all in it, also where folders are read-only.
pub(crate) fn remove_tree(path: &Path) -> Result<()> {
    let failed = |cause: io::Error| Error::io("remove", path, &cause);
    let kind = std::fs::symlink_metadata(path).map_err(failed)?;
    if !kind.is_dir() {
        return std::fs::remove_file(path).map_err(failed);
    }
    open_folders(path, kind).map_err(failed)?;
    std::fs::remove_dir_all(path).map_err(failed)
}

/// Gives the owner the right to remove what is in a folder; files stay as they are, since a
/// hard link may share them.
fn open_folders(dir: &Path, meta: std::fs::Metadata) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mut permissions = meta.permissions();
        if permissions.mode() & 0o700 != 0o700 {
            permissions.set_mode(permissions.mode() | 0o700);
            std::fs::set_permissions(dir, permissions)?;
        }
    }
    #[cfg(not(unix))]
    drop(meta);
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        let meta = std::fs::symlink_metadata(&path)?;
        if meta.is_dir() {
            open_folders(&path, meta)?;
        }
    }
    Ok(())
}
