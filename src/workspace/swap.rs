//! Report folders: staged beside their place and swapped in one step.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Kind, Result};
use crate::workspace::manifest::{MANIFEST, Manifest};
use crate::workspace::staging::Staged;
use crate::workspace::walk::names_in;
use crate::workspace::write::{parent, remove_tree, rename, sync_dir};

/// Puts a staged folder in the place of `target`, whole.
///
/// What the older folder holds and its `MANIFEST.json` does not list was not written by `pilot`,
/// for instance `signed-0001/` or a user's notes: it is kept, as hard links to the same files
/// (copies where the file system has none), unless the new folder has a file of that name.
///
/// Where the system can exchange two names (Linux, macOS), `target` is at every moment the old
/// folder or the new one. Elsewhere the old one is renamed to `.<name>.old` first; a kill before
/// the second rename leaves no `target`, and the next lock puts the old one back.
///
/// # Errors
/// `target` is a file or a link, or cannot be written beside. Then it is as it was.
pub fn swap_folder(mut staged: Staged, target: &Path) -> Result<()> {
    crate::interrupt::check()?;
    let old = match fs::symlink_metadata(target) {
        Ok(meta) if meta.is_dir() => true,
        Ok(_) => {
            return Err(Error::workspace("it is no folder, and is left as it is")
                .file(target)
                .hint("move it away, or choose another folder"));
        }
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => false,
        Err(cause) => return Err(Error::io("read", target, &cause)),
    };
    staged.seal()?;
    if !old {
        return staged.place(target);
    }
    keep_foreign(target, &staged)?;
    match exchange(staged.path(), target) {
        Ok(()) => {
            sync_dir(parent(target)?)?;
            // The staged path is the old folder now. What cannot be removed, the next lock removes.
            let _ = remove_tree(staged.path());
            Ok(())
        }
        Err(cause) if cannot_exchange(&cause) => swap_by_renames(staged, target),
        Err(cause) => Err(Error::io("replace", target, &cause)),
    }
}

fn swap_by_renames(staged: Staged, target: &Path) -> Result<()> {
    let old = old_path(target)?;
    rename(target, &old)?;
    if let Err(error) = staged.place(target) {
        rename(&old, target)?;
        return Err(error);
    }
    let _ = remove_tree(&old);
    Ok(())
}

/// Where an old folder waits where names cannot be exchanged.
pub(crate) fn old_path(target: &Path) -> Result<PathBuf> {
    match target.file_name().and_then(|name| name.to_str()) {
        Some(name) => Ok(target.with_file_name(format!(".{name}.old"))),
        None => Err(Error::workspace("the path has no file name in UTF-8").file(target)),
    }
}

/// Links into the staged folder what `pilot` did not write into the old one.
fn keep_foreign(old: &Path, staged: &Staged) -> Result<()> {
    let ours = match old.join(MANIFEST).exists() {
        true => {
            let read = Manifest::read(old);
            let (manifest, _) = read.map_err(|e| {
                e.hint("move the report folder away and run the command again; it says which files are pilot's own")
            })?;
            Some(manifest)
        }
        false => None,
    };
    let is_ours = |name: &str| {
        name == MANIFEST
            || staged.files().contains_key(name)
            || ours.as_ref().is_some_and(|m| m.files().contains_key(name))
    };
    for name in names_in(old)? {
        keep(old, staged.path(), &name, &is_ours)?;
    }
    Ok(())
}

fn keep(old: &Path, new: &Path, name: &str, is_ours: &impl Fn(&str) -> bool) -> Result<()> {
    crate::interrupt::check()?;
    let (from, to) = (old.join(name), new.join(name));
    let failed = |cause: std::io::Error| Error::io("keep", &from, &cause);
    let meta = fs::symlink_metadata(&from).map_err(failed)?;
    if meta.is_dir() {
        let inside = names_in(&from)?;
        if inside.is_empty() {
            fs::create_dir_all(&to).map_err(failed)?;
        }
        for inner in &inside {
            keep(old, new, &format!("{name}/{inner}"), is_ours)?;
        }
        if to.is_dir() {
            sync_dir(&to)?;
            // A signed set is read-only; its folder is again, once all is in it.
            fs::set_permissions(&to, meta.permissions()).map_err(failed)?;
        }
        return Ok(());
    }
    if is_ours(name) || to.symlink_metadata().is_ok() {
        return Ok(());
    }
    let dir = parent(&to)?;
    fs::create_dir_all(dir).map_err(failed)?;
    if fs::hard_link(&from, &to).is_err() {
        if meta.is_symlink() {
            return Err(Error::new(
                Kind::Workspace,
                "a link in the report folder cannot be kept",
            )
            .file(&from)
            .hint("move it away and run the command again"));
        }
        fs::copy(&from, &to).map_err(failed)?;
        fs::File::open(&to)
            .and_then(|file| file.sync_all())
            .map_err(failed)?;
    }
    Ok(())
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn exchange(a: &Path, b: &Path) -> std::io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    Ok(renameat_with(CWD, a, CWD, b, RenameFlags::EXCHANGE)?)
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn exchange(_: &Path, _: &Path) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}

/// Some file systems (NFS, older FUSE) and kernels know no exchange.
fn cannot_exchange(cause: &std::io::Error) -> bool {
    use std::io::ErrorKind::{InvalidInput, Unsupported};
    matches!(cause.kind(), InvalidInput | Unsupported)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::{Repair, Workspace};

    fn staged(target: &Path, text: &[u8]) -> Staged {
        let mut staged = Staged::begin(target).unwrap();
        staged.write("summary.md", text).unwrap();
        staged.seal().unwrap();
        staged
    }

    #[test]
    fn two_renames_replace_the_folder_and_every_state_between_is_repaired() {
        let dir = tempfile::tempdir().unwrap();
        let (workspace, _) = Workspace::init(dir.path(), &[]).unwrap();
        let pilot = workspace.pilot("fees").unwrap();
        let target = pilot.report_dir();
        swap_folder(staged_unsealed(&target, b"one"), &target).unwrap();
        swap_by_renames(staged(&target, b"two"), &target).unwrap();
        let summary = target.join("summary.md");
        assert_eq!(fs::read(&summary).unwrap(), b"two");
        assert_eq!(names_in(&workspace.reports()).unwrap(), ["fees"]);

        // Killed after the first rename: the old folder comes back.
        let old = old_path(&target).unwrap();
        let _left = staged(&target, b"three").path().to_owned();
        fs::rename(&target, &old).unwrap();
        let lock = pilot.lock("test", jiff::Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(lock.repairs(), [Repair::Restored(target.clone())]);
        assert_eq!(fs::read(&summary).unwrap(), b"two");
        drop(lock);

        // Killed after the second: the old folder goes.
        fs::create_dir(&old).unwrap();
        let lock = pilot.lock("test", jiff::Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(lock.repairs(), [Repair::Removed(old)]);
        assert_eq!(names_in(&workspace.reports()).unwrap(), ["fees"]);
    }

    fn staged_unsealed(target: &Path, text: &[u8]) -> Staged {
        let mut staged = Staged::begin(target).unwrap();
        staged.write("summary.md", text).unwrap();
        staged
    }
}
