//! What is in a folder.

use std::fs;
use std::path::Path;

use crate::error::{Error, Result};

/// The names in a folder; none where there is no folder. Names that are not UTF-8 are shown lossily.
pub(crate) fn names_in(dir: &Path) -> Result<Vec<String>> {
    let failed = |cause: std::io::Error| Error::io("list the folder", dir, &cause);
    let entries = match fs::read_dir(dir) {
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    entries
        .map(|entry| {
            Ok(entry
                .map_err(failed)?
                .file_name()
                .to_string_lossy()
                .into_owned())
        })
        .collect()
}

/// The files in a folder and the folders in it, by their path from there, sorted; links count as files.
pub(crate) fn files_in(dir: &Path) -> Result<Vec<String>> {
    fn walk(dir: &Path, above: &str, into: &mut Vec<String>) -> Result<()> {
        for name in names_in(dir)? {
            let path = dir.join(&name);
            let folder = path.is_dir() && !path.is_symlink();
            match folder {
                true => walk(&path, &format!("{above}{name}/"), into)?,
                false => into.push(format!("{above}{name}")),
            }
        }
        Ok(())
    }
    let mut files = Vec::new();
    walk(dir, "", &mut files)?;
    files.sort();
    Ok(files)
}
