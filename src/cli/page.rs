//! The plan as a page for whoever approves it.

use std::fs;

use crate::error::{Error, Kind, Result};
use crate::experiment::{self, Plan};
use crate::workspace::{Approval, Ledger, Pilot};

use super::ui::Ui;

/// Whether this build makes the page.
pub const CAN_BE_MADE: bool = cfg!(feature = "pdf");

/// The page of the plan as it stands, under an approval where there is one; `None` in a build
/// without the feature `pdf`.
///
/// # Errors
/// Internal ones only.
#[cfg(feature = "pdf")]
pub fn of_plan(plan: &Plan, approval: Option<&Approval>, ui: &Ui) -> Result<Option<Vec<u8>>> {
    use crate::report;

    let words = experiment::in_words(&plan.experiment);
    let texts = approval.map(|a| {
        let name = |text: &Option<String>| text.clone().unwrap_or_default();
        let day = a.at.strftime("%Y-%m-%d").to_string();
        [a.seal.to_string(), name(&a.by), name(&a.role), day]
    });
    let page = report::PlanPage {
        words: &words,
        sha256: &plan.sha256,
        approval: texts.as_ref().map(|t| t.each_ref().map(String::as_str)),
    };
    let file = report::plan_page(&page)?;
    ui.boxes(std::slice::from_ref(&file));
    Ok(Some(file.bytes))
}

/// The page of the plan; this build has none.
///
/// # Errors
/// None.
#[cfg(not(feature = "pdf"))]
pub fn of_plan(_: &Plan, _: Option<&Approval>, _: &Ui) -> Result<Option<Vec<u8>>> {
    Ok(None)
}

/// Makes the kept page of every approval again from the kept plan and compares them; tells which
/// could not be compared.
///
/// # Errors
/// Of [`Kind::Check`]: a page is not as it is made from its plan.
pub fn compared(pilot: &Pilot, ledger: &Ledger, ui: &Ui) -> Result<Vec<String>> {
    let mut notes = Vec::new();
    for approval in ledger.approvals()? {
        let plan_path = pilot.approved_path(approval.number);
        let path = plan_path.with_extension("pdf");
        let entry = ledger.entries().iter().find(|e| e.number == approval.entry);
        let fact = |name: &str| entry.and_then(|e| e.facts.get(name));
        let found = match fs::read(&path) {
            Ok(found) => found,
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
                if fact("page") == Some(&true.into()) {
                    notes.push(format!(
                        "{} is not here and was not checked",
                        path.display()
                    ));
                }
                continue;
            }
            Err(cause) => return Err(Error::io("read", &path, &cause)),
        };
        let version = fact("pilot_version").and_then(|v| v.as_str());
        if let Some(other) = version.filter(|v| *v != env!("CARGO_PKG_VERSION")) {
            notes.push(format!(
                "{} was not compared: it was made by pilot {}",
                path.display(),
                crate::report::text::plain(other)
            ));
            continue;
        }
        let text = String::from_utf8_lossy(&pilot.approved_plan(&approval)?).into_owned();
        let plan = experiment::parse_copy(&text, &plan_path)?;
        match of_plan(&plan, Some(&approval), ui)? {
            Some(made) if made == found => {}
            Some(_) => {
                return Err(Error::new(
                    Kind::Check,
                    "the page is not as it is made from the approved plan",
                )
                .file(path)
                .hint("what holds is the kept plan beside it; remove the page, and read that"));
            }
            None => notes.push(format!(
                "{} was not compared: this build of pilot makes no PDF",
                path.display()
            )),
        }
    }
    Ok(notes)
}
