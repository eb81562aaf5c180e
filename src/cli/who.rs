//! Who approves or signs.

use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::workspace::Draft;

/// A person, a role, and a key.
#[derive(Debug, Clone, clap::Args)]
pub struct Who {
    /// In which role, for example finance or owner
    #[arg(long)]
    pub role: String,
    /// The person's name
    #[arg(long, value_name = "NAME")]
    pub by: String,
    /// Sign the ledger's entry with this OpenSSH key (through ssh-keygen)
    #[arg(long, value_name = "KEY")]
    ssh_key: Option<PathBuf>,
}

impl Who {
    /// Whether name and role can stand in a line.
    ///
    /// # Errors
    /// They are empty, long or hold control characters.
    pub fn check(&self) -> Result<()> {
        line("--role", &self.role)?;
        line("--by", &self.by)
    }

    /// An entry by this person, to be signed with the key.
    pub fn sign(&self, draft: Draft) -> Draft {
        draft
            .by(&self.by, &self.role)
            .signed_with(self.ssh_key.clone())
    }
}

/// Whether a flag's text is one readable line.
///
/// # Errors
/// It is empty, over 200 characters, or holds control characters or ones that turn the direction.
pub fn line(flag: &str, text: &str) -> Result<()> {
    let turns = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}');
    let unfit = |c: char| c.is_control() || turns(c);
    if text.trim().is_empty() || text.chars().count() > 200 || text.chars().any(unfit) {
        return Err(Error::usage("write 1 to 200 characters without control characters").key(flag));
    }
    Ok(())
}
