//! The plan as a page for whoever approves it.

use crate::error::Result;
use crate::workspace::Approval;

use super::pilot::Opened;
use super::ui::Ui;

/// The page of the plan as it stands, under an approval where there is one; `None` in a build
/// without the feature `pdf`.
///
/// # Errors
/// Internal ones only.
#[cfg(feature = "pdf")]
pub fn of_plan(opened: &Opened, approval: Option<&Approval>, ui: &Ui) -> Result<Option<Vec<u8>>> {
    use crate::experiment;
    use crate::report;

    let words = experiment::in_words(opened.experiment());
    let texts = approval.map(|a| {
        let name = |text: &Option<String>| text.clone().unwrap_or_default();
        let day = a.at.strftime("%Y-%m-%d").to_string();
        [a.seal.to_string(), name(&a.by), name(&a.role), day]
    });
    let page = report::PlanPage {
        words: &words,
        sha256: &opened.plan.sha256,
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
pub fn of_plan(_: &Opened, _: Option<&Approval>, _: &Ui) -> Result<Option<Vec<u8>>> {
    Ok(None)
}
