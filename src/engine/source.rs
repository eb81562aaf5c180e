//! Paths and globs → the files to read, in an order that does not depend on the machine.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::table::SourceFile;

/// One input file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// Path as shown and recorded: relative to the root.
    pub name: PathBuf,
    /// Path to open.
    pub path: PathBuf,
}

/// A stretch of a file that can be read on its own.
#[derive(Debug, Clone)]
pub struct Part {
    /// The file.
    pub input: Input,
    /// Its place among the input's files.
    pub file: usize,
    /// Which of its rows.
    pub extent: Extent,
}

/// Which rows of a file.
#[derive(Debug, Clone)]
pub enum Extent {
    /// All.
    Whole,
    /// Those of a text file that start in a range of bytes, which ends where a row ends.
    Bytes {
        /// First byte.
        start: u64,
        /// First byte after.
        end: u64,
        /// Line of the first byte, from 1.
        line: u64,
    },
    /// Those of some row groups of a Parquet file.
    #[cfg(feature = "engine")]
    Groups {
        /// The file's footer, read once for all parts.
        footer: super::parquet::Footer,
        /// The row groups.
        groups: std::ops::Range<usize>,
    },
}

/// Each file as one part.
pub fn whole(inputs: Vec<Input>) -> Vec<Part> {
    inputs
        .into_iter()
        .enumerate()
        .map(|(file, input)| Part {
            input,
            file,
            extent: Extent::Whole,
        })
        .collect()
}

/// How a file is stored, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    /// Delimited text.
    Csv,
    /// Delimited text, gzip.
    CsvGz,
    /// Parquet.
    Parquet,
}

impl Input {
    /// How the file is stored.
    ///
    /// # Errors
    /// A name that ends in none of .csv, .tsv, .txt, .csv.gz, .parquet.
    pub fn storage(&self) -> Result<Storage> {
        let name = self.name.to_string_lossy().to_lowercase();
        if name.ends_with(".parquet") {
            Ok(Storage::Parquet)
        } else if name.ends_with(".gz") {
            Ok(Storage::CsvGz)
        } else if [".csv", ".tsv", ".txt"].iter().any(|e| name.ends_with(e)) {
            Ok(Storage::Csv)
        } else {
            Err(Error::data("the kind of file is not known")
                .file(&self.name)
                .hint("name it .csv, .csv.gz or .parquet"))
        }
    }
}

/// The files that `pattern` names, sorted by name.
///
/// A pattern without `*`, `?` or `[`, or that names an existing file, is a plain path.
///
/// # Errors
/// No such file, a folder, or a malformed pattern.
pub fn expand(root: &Path, pattern: &str) -> Result<Vec<Input>> {
    let plain = root.join(pattern);
    let is_glob = pattern.contains(['*', '?', '[']);
    if !is_glob || plain.is_file() {
        let meta =
            std::fs::metadata(&plain).map_err(|e| Error::io("read", Path::new(pattern), &e))?;
        if meta.is_dir() {
            return Err(Error::data("this is a folder, not a file")
                .file(pattern)
                .hint(format!(
                    "name a file in it, or all of them as \"{pattern}/*.csv\""
                )));
        }
        return Ok(vec![Input {
            name: PathBuf::from(pattern),
            path: plain,
        }]);
    }
    let inputs = matching(root, pattern)?;
    if inputs.is_empty() {
        return Err(Error::data("no file matches this pattern")
            .file(pattern)
            .hint("relative paths start at the workspace, the folder with pilot.toml"));
    }
    Ok(inputs)
}

/// The files that a pattern matches, sorted by name.
fn matching(root: &Path, pattern: &str) -> Result<Vec<Input>> {
    let escaped_root = glob::Pattern::escape(&root.to_string_lossy());
    let full = if Path::new(pattern).is_absolute() {
        pattern.to_string()
    } else {
        format!("{escaped_root}/{pattern}")
    };
    let paths = glob::glob(&full).map_err(|e| {
        Error::plan(format!("the path pattern is malformed: {}", e.msg)).key(pattern)
    })?;
    let mut inputs = Vec::new();
    for path in paths {
        let path = path.map_err(|e| Error::io("read", e.path(), e.error()))?;
        if path.is_file() {
            let name = path.strip_prefix(root).unwrap_or(&path).to_path_buf();
            inputs.push(Input { name, path });
        }
    }
    inputs.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(inputs)
}

/// Whether a path or pattern names anything.
///
/// # Errors
/// A malformed pattern.
pub fn is_there(root: &Path, pattern: &str) -> Result<bool> {
    if root.join(pattern).exists() {
        return Ok(true);
    }
    if !pattern.contains(['*', '?', '[']) {
        return Ok(false);
    }
    matching(root, pattern).map(|inputs| !inputs.is_empty())
}

/// Size and SHA-256 of each file.
///
/// # Errors
/// A file that cannot be read.
pub fn digest_files(inputs: &[Input]) -> Result<Vec<SourceFile>> {
    inputs.iter().map(digest_file).collect()
}

fn digest_file(input: &Input) -> Result<SourceFile> {
    let fail = |e: std::io::Error| Error::io("read", &input.name, &e);
    let mut file = File::open(&input.path).map_err(fail)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    let mut bytes = 0u64;
    loop {
        let n = file.read(&mut buffer).map_err(fail)?;
        if n == 0 {
            break;
        }
        hasher.update(&buffer[..n]);
        bytes += n as u64;
    }
    let sha256 = hasher
        .finalize()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    Ok(SourceFile {
        path: input.name.clone(),
        bytes,
        sha256,
    })
}
