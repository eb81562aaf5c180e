//! Signatures of ledger entries, made and checked by OpenSSH's `ssh-keygen -Y` (8.2 or later).

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::error::{Error, Kind, Result};
use crate::workspace::ledger::Entry;

/// The fact that holds an entry's signature, as armoured text.
pub(crate) const SIGNATURE: &str = "ssh_signature";

/// What the signatures are for; OpenSSH refuses a signature made for another purpose.
const NAMESPACE: &str = "pilot-ledger";

/// The name under which a public key is looked up; the key decides, not the name.
const SIGNER: &str = "signer";

/// What is known of an entry's signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signature {
    /// There is none.
    Unsigned,
    /// It fits the entry; the text is OpenSSH's, with the key's fingerprint. Whose key that is, is
    /// for the reader to say.
    Fits(String),
    /// It fits the entry and is by one of the keys that were presented.
    Known(String),
}

/// Signs an entry's line with a private key, or with the agent's where `key` is a public one.
///
/// # Errors
/// No `ssh-keygen`, no such key, a wrong passphrase.
pub(crate) fn sign(line: &[u8], key: &Path) -> Result<String> {
    if !key.is_file() {
        return Err(Error::usage("there is no such key")
            .file(key)
            .key("--ssh-key")
            .hint("name a private key, for example ~/.ssh/id_ed25519"));
    }
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-Y", "sign", "-n", NAMESPACE, "-f"]);
    let made = run(command.arg(key), line)?;
    let text = String::from_utf8_lossy(&made.stdout).into_owned();
    if !made.status.success() || !text.starts_with("-----BEGIN SSH SIGNATURE-----") {
        return Err(Error::usage(format!(
            "ssh-keygen did not sign: {}",
            complaint(&made)
        ))
        .file(key)
        .key("--ssh-key")
        .hint("try `ssh-keygen -y -f KEY`, which asks for the passphrase; nothing was written"));
    }
    Ok(text)
}

/// Checks an entry's signature; against the public keys of `keys`, where given.
///
/// `keys` is a public key (`id_ed25519.pub`) or a file with one a line.
///
/// # Errors
/// Of [`Kind::Check`]: the signature does not fit the entry, or is by none of the keys. A signature
/// that cannot be checked, for want of `ssh-keygen`, is an error too, never a pass.
pub(crate) fn check(entry: &Entry, keys: Option<&Path>) -> Result<Signature> {
    let Some(signature) = entry.facts.get(SIGNATURE) else {
        return Ok(Signature::Unsigned);
    };
    let misfit = |why: String| {
        Error::new(Kind::Check, format!("entry {} {why}", entry.number)).line(entry.number)
    };
    let Some(signature) = signature.as_str() else {
        return Err(misfit("has a signature that is no text".into()));
    };
    let line = entry.unsigned_line()?;
    let dir = tempfile::tempdir()
        .map_err(|cause| Error::io("make a folder in", &std::env::temp_dir(), &cause))?;
    let place = dir.path().join("signature");
    fs::write(&place, signature).map_err(|cause| Error::io("write", &place, &cause))?;
    let plain = |verb: &str| {
        let mut command = Command::new("ssh-keygen");
        command
            .args(["-Y", verb, "-n", NAMESPACE, "-s"])
            .arg(&place);
        command
    };
    let fits = run(&mut plain("check-novalidate"), &line)?;
    if !fits.status.success() {
        return Err(misfit(format!(
            "does not bear its signature: {}",
            complaint(&fits)
        )));
    }
    let said = String::from_utf8_lossy(&fits.stdout).trim().to_owned();
    let Some(keys) = keys else {
        return Ok(Signature::Fits(said));
    };
    let allowed = allowed_signers(keys, dir.path())?;
    let mut command = plain("verify");
    let known = run(command.args(["-I", SIGNER, "-f"]).arg(allowed), &line)?;
    match known.status.success() {
        true => Ok(Signature::Known(said)),
        false => Err(misfit(format!(
            "is signed with a key that is not in {} ({said})",
            keys.display()
        ))),
    }
}

/// OpenSSH's list of allowed signers, made of public keys.
fn allowed_signers(keys: &Path, dir: &Path) -> Result<PathBuf> {
    let text = fs::read_to_string(keys)
        .map_err(|cause| Error::io("read", keys, &cause).key("--ssh-key"))?;
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty() && !l.starts_with('#'))
        .collect();
    let is_public = |line: &&str| {
        line.starts_with("ssh-") || line.starts_with("ecdsa-") || line.starts_with("sk-")
    };
    if lines.is_empty() || !lines.iter().all(is_public) {
        return Err(Error::usage("this is no list of public keys")
            .file(keys)
            .key("--ssh-key")
            .hint("name the .pub file, or a file with one public key a line"));
    }
    let list: String = lines
        .iter()
        .map(|key| format!("{SIGNER} {key}\n"))
        .collect();
    let place = dir.join("allowed_signers");
    fs::write(&place, list).map_err(|cause| Error::io("write", &place, &cause))?;
    Ok(place)
}

fn run(command: &mut Command, input: &[u8]) -> Result<Output> {
    let failed = |cause: std::io::Error| {
        Error::usage(format!("ssh-keygen cannot be run: {cause}"))
            .key("--ssh-key")
            .hint("install OpenSSH 8.2 or later")
    };
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        match stdin.write_all(input) {
            // It refused before it read: its own words say why.
            Err(cause) if cause.kind() != std::io::ErrorKind::BrokenPipe => {
                return Err(failed(cause));
            }
            _ => {}
        }
    }
    child.wait_with_output().map_err(failed)
}

/// What ssh-keygen says, on one line.
fn complaint(output: &Output) -> String {
    let text = [&output.stderr[..], &output.stdout[..]].concat();
    let text = String::from_utf8_lossy(&text);
    let said: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty())
        .collect();
    match said.is_empty() {
        true => output.status.to_string(),
        false => said.join("; "),
    }
}
