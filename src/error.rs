//! Errors: what went wrong, where, and what to do about it.
//!
//! Every failure carries a [`Kind`], which alone decides the exit code, and as
//! much of the place (file, line, column, key) as is known. The hint says how
//! to mend it.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

/// Shorthand for results of this library.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What sort of failure this is; it decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A flag or argument is wrong.
    Usage,
    /// The plan is wrong.
    Plan,
    /// A data file is wrong.
    Data,
    /// The workspace is not in a state that allows this (locked, missing, already there).
    Workspace,
    /// Known to the design, not yet built.
    NotYetBuilt,
    /// A health check stopped the run.
    Check,
    /// The user interrupted the run.
    Interrupted,
    /// Reading or writing failed for a reason outside the user's files.
    Io,
    /// A defect of `pilot` itself.
    Internal,
}

impl Kind {
    /// Exit code: 1 our failure, 2 the user's to mend, 3 a check stopped it, 130 interrupted.
    pub fn exit_code(self) -> u8 {
        match self {
            Kind::Usage | Kind::Plan | Kind::Data | Kind::Workspace | Kind::NotYetBuilt => 2,
            Kind::Check => 3,
            Kind::Interrupted => 130,
            Kind::Io | Kind::Internal => 1,
        }
    }
}

/// One failure with its place and a hint.
///
/// Serialises to the `error` object of `--json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Error(Box<Parts>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Parts {
    kind: Kind,
    message: String,
    file: Option<PathBuf>,
    line: Option<u64>,
    column: Option<u64>,
    key: Option<String>,
    hint: Option<String>,
    #[serde(skip)]
    shown: bool,
}

impl Error {
    /// A failure of `kind`; the message starts lower-case and has no full stop.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Error(Box::new(Parts {
            kind,
            message: message.into(),
            file: None,
            line: None,
            column: None,
            key: None,
            hint: None,
            shown: false,
        }))
    }

    /// A wrong flag or argument.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// A wrong plan.
    pub fn plan(message: impl Into<String>) -> Self {
        Self::new(Kind::Plan, message)
    }

    /// A wrong data file.
    pub fn data(message: impl Into<String>) -> Self {
        Self::new(Kind::Data, message)
    }

    /// A workspace that does not allow this.
    pub fn workspace(message: impl Into<String>) -> Self {
        Self::new(Kind::Workspace, message)
    }

    /// Something the design names that a later version builds.
    pub fn not_yet_built(what: impl fmt::Display) -> Self {
        Self::new(
            Kind::NotYetBuilt,
            format!("{what} is known, but not yet built"),
        )
    }

    /// A defect of `pilot` itself.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Kind::Internal, message)
    }

    /// An operating-system error met while doing `what` (for example "read") to `path`.
    ///
    /// Missing files, missing permission and a full disk are the user's to mend.
    pub fn io(what: &str, path: &Path, cause: &std::io::Error) -> Self {
        use std::io::ErrorKind as Os;
        let (kind, hint) = match cause.kind() {
            Os::NotFound => (
                Kind::Data,
                Some("check the path; relative paths start at the workspace"),
            ),
            Os::PermissionDenied => (Kind::Data, Some("check who may read and write there")),
            Os::IsADirectory => (Kind::Data, Some("name a file, not a folder")),
            Os::StorageFull | Os::QuotaExceeded => (
                Kind::Workspace,
                Some("free some space and run the command again; nothing was half-written"),
            ),
            Os::ReadOnlyFilesystem => (
                Kind::Workspace,
                Some("choose a workspace that can be written to"),
            ),
            _ => (Kind::Io, None),
        };
        let error = Self::new(kind, format!("cannot {what}: {cause}")).file(path);
        match hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }

    /// Names the file.
    pub fn file(mut self, file: impl Into<PathBuf>) -> Self {
        self.0.file = Some(file.into());
        self
    }

    /// Names the line, counted from 1.
    pub fn line(mut self, line: u64) -> Self {
        self.0.line = Some(line);
        self
    }

    /// Names the column, counted from 1 (characters in a plan, fields in a table).
    pub fn column(mut self, column: u64) -> Self {
        self.0.column = Some(column);
        self
    }

    /// Names the key of the plan, the flag, or the column's name.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.0.key = Some(key.into());
        self
    }

    /// Says what to do.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Marks it as part of a result that was already printed.
    pub fn shown(mut self) -> Self {
        self.0.shown = true;
        self
    }

    /// Whether a printed result already holds it.
    pub fn is_shown(&self) -> bool {
        self.0.shown
    }

    /// The kind.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// The message without place and hint.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The hint, where there is one.
    pub fn hint_text(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// The line, where known.
    pub fn line_number(&self) -> Option<u64> {
        self.0.line
    }

    /// The column, where known.
    pub fn column_number(&self) -> Option<u64> {
        self.0.column
    }

    /// The key, where known.
    pub fn key_name(&self) -> Option<&str> {
        self.0.key.as_deref()
    }

    /// The file, where known.
    pub fn file_path(&self) -> Option<&Path> {
        self.0.file.as_deref()
    }
}

/// A text that a terminal shows and does not obey: what could colour it, move the cursor, name the
/// window or turn the line round stands as its code. Ends of lines stay.
pub fn inert(text: &str) -> Cow<'_, str> {
    let acts = |c: char| match c {
        '\n' | '\t' => false,
        // They turn the direction of what follows, so that a line reads as another; marks that
        // isolate a name, as reports use them, do not.
        '\u{202a}'..='\u{202e}' => true,
        c => c.is_control(),
    };
    if !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match acts(c) {
            true => shown.extend(c.escape_unicode()),
            false => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let p = &self.0;
        if let Some(file) = &p.file {
            // A name of a file may even hold an end of line.
            let file = file.display().to_string().replace('\n', "\\n");
            write!(f, "{}", inert(&file))?;
            if let Some(line) = p.line {
                write!(f, ":{line}")?;
                if let Some(column) = p.column {
                    write!(f, ":{column}")?;
                }
            }
            write!(f, ": ")?;
        } else if let Some(line) = p.line {
            write!(f, "line {line}: ")?;
        }
        write!(f, "{}", inert(&p.message))?;
        if let Some(hint) = &p.hint {
            write!(f, "\n\nhint: {}", inert(hint))?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

/// The candidate nearest to `word`, when one is near enough to be a slip of the hand.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    candidates
        .into_iter()
        .map(|c| (strsim::jaro_winkler(&word, &c.to_lowercase()), c))
        .filter(|(score, _)| *score >= 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.cmp(a.1)))
        .map(|(_, c)| c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_names_place_then_message_then_hint() {
        let e = Error::data("unknown arm")
            .file("a.csv")
            .line(3)
            .column(2)
            .hint("name it in the plan");
        assert_eq!(
            e.to_string(),
            "a.csv:3:2: unknown arm\n\nhint: name it in the plan"
        );
    }

    #[test]
    fn what_is_shown_never_acts_on_a_terminal() {
        let evil = "a\u{1b}[31m\u{1b}]0;x\u{7}\r\u{9b}2J\u{202e}b";
        let e = Error::data(evil).file(format!("{evil}\nx.csv")).hint(evil);
        let shown = e.to_string();
        assert!(!shown.contains(|c: char| c != '\n' && (c.is_control() || c == '\u{202e}')));
        assert!(shown.starts_with("a\\u{1b}[31m"), "{shown}");
        assert_eq!(shown.lines().count(), 3, "{shown}");
        assert_eq!(e.message(), evil);
        assert_eq!(inert("Größe\t1\n"), "Größe\t1\n");
    }

    #[test]
    fn a_missing_file_is_the_users_to_mend() {
        let cause = std::io::Error::from(std::io::ErrorKind::NotFound);
        assert_eq!(
            Error::io("read", Path::new("x"), &cause).kind().exit_code(),
            2
        );
    }

    #[test]
    fn nearest_finds_slips_and_leaves_strangers() {
        assert_eq!(nearest("custmer", ["customer", "arm"]), Some("customer"));
        assert_eq!(nearest("zzz", ["customer", "arm"]), None);
    }
}
