//! Whether the report folder is what `pilot` renders from the last analysis.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Kind, Result};
use crate::report::{self, Document};
use crate::workspace::{Folder, Ledger, Pilot, Series, kind};

/// Files that only `pilot` writes into a report folder: where one of them is, the whole report must be.
const OURS: [&str; 6] = [
    "summary.md",
    "report.html",
    "sign-off.pdf",
    "business-case.xlsx",
    "estimates.csv",
    "effect.svg",
];

/// What a build without the feature `pdf` cannot render.
const NOT_RENDERED: &[&str] = match cfg!(feature = "pdf") {
    true => &[],
    false => &["sign-off.pdf"],
};

const ANALYSIS: &str = "analysis.json";

/// The number of the last analysis whose report went to the pilot's folder.
pub fn reported(ledger: &Ledger, series: &Series) -> Option<u64> {
    let made = |kind: &str| kind == kind::ANALYZE || kind == kind::WAIT;
    let entry = (ledger.entries().iter().rev())
        .find(|e| made(&e.kind) && e.facts.get("report") != Some(&false.into()))?;
    entry.number_fact(series.number_fact())
}

/// Compares the report folder with the analysis that it is of, file by file, and tells what to know
/// besides: a newer analysis without a report, and files that `pilot` did not write.
///
/// # Errors
/// Of [`Kind::Check`]: a file is missing or not as `pilot` renders it; the analysis is none that the
/// ledger knows, or an older one though the last has a report.
pub fn notes(pilot: &Pilot, ledger: &Ledger) -> Result<Vec<String>> {
    let folder = Folder::read(&pilot.report_dir(), &pilot.signed())?;
    let check = Check {
        pilot,
        ledger,
        folder,
    };
    let mut notes = Vec::new();
    if !check.has(ANALYSIS) {
        let ours =
            |name: &&String| OURS.contains(&name.as_str()) || check.folder.manifest_lists(name);
        if check.folder.manifest.is_some() || check.folder.files.iter().any(|n| ours(&n)) {
            return check.misfit(
                "the report's analysis.json is missing, so nothing shows what the other files are of",
                &check.path(ANALYSIS),
            );
        }
        if let Some(number) = reported(ledger, &pilot.analyses()) {
            notes.push(format!(
                "there is no report of analysis {number:04} in {}",
                pilot.report_dir().display()
            ));
        }
        notes.extend(check.foreign(&[]));
        return Ok(notes);
    }
    let path = check.path(ANALYSIS);
    let bytes = fs::read(&path).map_err(|cause| Error::io("read", &path, &cause))?;
    notes.extend(check.of_the_last(&bytes)?);
    let document = Document::from_json(&bytes).map_err(|e| e.file(&path))?;
    notes.extend(check.rendered(&document)?);
    Ok(notes)
}

struct Check<'a> {
    pilot: &'a Pilot,
    ledger: &'a Ledger,
    folder: Folder,
}

impl Check<'_> {
    fn has(&self, name: &str) -> bool {
        self.folder.files.iter().any(|n| n == name)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.pilot.report_dir().join(name)
    }

    fn misfit<T>(&self, why: impl Into<String>, file: &Path) -> Result<T> {
        Err(Error::new(Kind::Check, why).file(file).hint(format!(
            "`pilot report {}` renders the report of the last analysis again",
            self.pilot.name()
        )))
    }

    /// A note where newer analyses were made without a report.
    fn of_the_last(&self, bytes: &[u8]) -> Result<Option<String>> {
        let series = self.pilot.analyses();
        let mut of = None;
        for set in series.list()?.sets {
            if self.ledger.knows(&series, &set)? && set.read(ANALYSIS)? == bytes {
                of = Some(set.number);
            }
        }
        let path = self.path(ANALYSIS);
        let Some(of) = of else {
            return self.misfit("the report is of no analysis of this pilot", &path);
        };
        if let Some(last) = reported(self.ledger, &series).filter(|last| of < *last) {
            let why = format!("the report is of analysis {of:04}, and analysis {last:04} is later");
            return self.misfit(why, &path);
        }
        let later = self.ledger.entries().iter().rev();
        let last = later
            .filter(|e| e.kind == kind::ANALYZE || e.kind == kind::WAIT)
            .find_map(|e| e.number_fact(series.number_fact()));
        Ok(last.filter(|last| of < *last).map(|last| {
            format!(
                "the report is of analysis {of:04}; analysis {last:04} is later, and was made without a report in this folder"
            )
        }))
    }

    /// Compares every file with what is rendered from the analysis, and the manifest with both.
    fn rendered(&self, document: &Document) -> Result<Vec<String>> {
        let place = self.path(Folder::MANIFEST);
        let Some(manifest) = &self.folder.manifest else {
            return self.misfit("the report's MANIFEST.json is missing", &place);
        };
        if document.pilot_version != env!("CARGO_PKG_VERSION") {
            for (name, digest) in manifest.files() {
                if self.folder.digest(name)? != Some(*digest) {
                    let why = "the file is not the one that the report's manifest lists";
                    return self.misfit(why, &self.path(name));
                }
            }
            let mut notes = vec![format!(
                "the report was rendered by pilot {}; only its analysis was compared",
                report::text::plain(&document.pilot_version)
            )];
            notes.extend(self.foreign(&[]));
            return Ok(notes);
        }
        let files = report::render(document)?;
        let names: Vec<&str> = files.iter().map(|f| f.name.as_str()).collect();
        for file in &files {
            let path = self.path(&file.name);
            match fs::read(&path) {
                Ok(found) if found == file.bytes => {}
                Ok(_) => return self.misfit("the file is not as it was rendered", &path),
                Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
                    return self.misfit("the file is missing from the report", &path);
                }
                Err(cause) => return Err(Error::io("read", &path, &cause)),
            }
        }
        let listed = |name: &str| manifest.files().get(name).copied();
        let mut notes = Vec::new();
        for (name, digest) in manifest.files() {
            let known = names.contains(&name.as_str());
            let beyond = NOT_RENDERED.contains(&name.as_str());
            if !known && !beyond || self.folder.digest(name)? != Some(*digest) {
                let why = format!("it lists `{name}`, which is not so in the report as rendered");
                return self.misfit(why, &place);
            }
            if beyond {
                notes.push(format!(
                    "{name} was not compared: this build of pilot makes no PDF"
                ));
            }
        }
        if let Some(name) = names.iter().find(|name| listed(name).is_none()) {
            return self.misfit(format!("it does not list `{name}`"), &place);
        }
        notes.extend(self.foreign(&names));
        Ok(notes)
    }

    /// Files that are not of the report.
    fn foreign(&self, rendered: &[&str]) -> Option<String> {
        let listed = |name: &str| rendered.contains(&name) || self.folder.manifest_lists(name);
        let names: Vec<_> = (self.folder.files.iter())
            .filter(|name| *name != Folder::MANIFEST && !listed(name))
            .map(|name| report::text::plain(name).into_owned())
            .collect();
        (!names.is_empty()).then(|| {
            format!(
                "not of the report, and not checked: {} in {}",
                names.join(", "),
                self.pilot.report_dir().display()
            )
        })
    }
}
