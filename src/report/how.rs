//! How a pilot was analysed: what stands at the end of the memo, for whoever wants to know.

use crate::analysis::EstimateRow;
use crate::report::document::{ApprovalRow, Deviation, Document};
use crate::report::finding::{arm_title, beside};
use crate::report::memo::{Block, Section};
use crate::report::number;
use crate::report::text::{isolate, plain};
use crate::report::{schedule, stages};
use crate::stats::DetailValue;
use crate::texts::text;

/// Adds the section to the memo.
pub fn section(doc: &Document, out: &mut Vec<Block>) {
    let mut items = Vec::new();
    if let Some(problem) = &doc.experiment.problem {
        items.push(text!("how.problem", problem = plain(problem)));
    }
    if let Some([first, last]) = &doc.experiment.after {
        items.push(text!(
            "how.period",
            first = plain(first),
            last = plain(last)
        ));
    }
    if let Some(number) = doc.analysis_number {
        items.push(text!("how.analysis", number));
    }
    items.extend(stages::how(doc));
    if let (Some(look), None) = (doc.look, &doc.boundaries) {
        items.push(text!("how.look", look));
    }
    if let Some(b) = &doc.boundaries {
        let (look, made) = (b.look, b.looks_made);
        items.push(match b.looks_planned {
            Some(planned) => text!("how.look-of-planned", look, planned, made),
            None => text!("how.look-made", look, made),
        });
    }
    let primary = doc
        .estimates
        .iter()
        .find(|e| e.primary && e.outcome == doc.experiment.primary_outcome);
    if let Some(row) = primary {
        let (outcome, estimator) = (plain(&row.outcome), row.estimator.name());
        items.push(text!("how.outcome", outcome, estimator));
        items.extend(clusters(row));
    }
    items.extend(schedule::how(doc));
    items.extend(skipped(doc));
    items.extend(approvals(doc));
    let changes = doc.deviations.iter();
    items.extend(changes.map(|d| text!("how.changed", change = deviation(d))));
    if !items.is_empty() {
        out.push(Block::Heading(Section::How));
        out.push(Block::List(items));
    }
}

/// Who approved the plan when, and which approval it is compared with where there are several.
pub fn approvals(doc: &Document) -> Vec<String> {
    let said = |a: &ApprovalRow| {
        let by = a.by.as_ref().map(|by| isolate(&plain(by)));
        let by = by.unwrap_or_else(|| text!("how.nobody-named"));
        let by = beside(by, a.role.as_ref().map(|role| isolate(&plain(role))));
        let (number, day, seal) = (a.number, plain(&a.day), plain(&a.seal));
        match (&a.why, a.late) {
            (Some(why), _) => {
                let why = plain(why);
                text!("how.approval-enlarged", number, by, day, why, seal)
            }
            (None, true) => text!("how.approval-late", number, by, day, seal),
            (None, false) => text!("how.approval", number, by, day, seal),
        }
    };
    let mut items: Vec<String> = doc.approvals.iter().map(said).collect();
    let compared = doc.approvals.iter().find(|a| a.compared);
    if let Some(a) = compared.filter(|_| items.len() > 1) {
        items.push(match a.late {
            true => text!("how.compared-late", number = a.number),
            false => text!("how.compared", number = a.number),
        });
    }
    items
}

/// A change of the plan since its approval.
pub fn deviation(d: &Deviation) -> String {
    let shown = |v: &Option<String>| {
        v.as_ref()
            .map_or_else(|| text!("how.nothing"), |v| plain(v).into_owned())
    };
    let (approved, now) = (shown(&d.approved), shown(&d.now));
    let matters = match &d.why {
        Some(why) => Some(plain(why).into_owned()),
        None => d.material.then(|| text!("how.material")),
    };
    beside(
        text!("how.change", key = plain(&d.key), approved, now),
        matters,
    )
}

/// How many whole clusters stand behind an estimate, where clusters were assigned.
fn clusters(row: &EstimateRow) -> Option<String> {
    let number = |key: &str| match row.detail.get(key) {
        Some(DetailValue::Count(n)) => Some(number::count(*n)),
        _ => None,
    };
    let (treated, others) = (number("clusters_treatment")?, number("clusters_control")?);
    let (arm, control) = (plain(&row.arm), plain(&row.control));
    Some(text!("how.clusters", treated, arm, others, control))
}

/// What could not be estimated, a line for each outcome and set of arms.
fn skipped(doc: &Document) -> Vec<String> {
    struct Group<'a> {
        outcome: &'a str,
        why: &'a str,
        estimators: Vec<&'static str>,
        arms: Vec<&'a str>,
    }
    let mut groups: Vec<Group> = Vec::new();
    for s in &doc.skipped {
        // What the plan or the data lack is said once, not for every outcome.
        let said = |g: &Group| {
            g.outcome != s.outcome && g.why == s.why && g.estimators.contains(&s.estimator.name())
        };
        if groups.iter().any(said) {
            continue;
        }
        let known = groups
            .iter_mut()
            .position(|g| g.outcome == s.outcome && g.why == s.why);
        let at = known.unwrap_or_else(|| {
            groups.push(Group {
                outcome: &s.outcome,
                why: &s.why,
                estimators: Vec::new(),
                arms: Vec::new(),
            });
            groups.len() - 1
        });
        let group = &mut groups[at];
        if !group.estimators.contains(&s.estimator.name()) {
            group.estimators.push(s.estimator.name());
        }
        if let Some(arm) = &s.arm
            && !group.arms.contains(&arm.as_str())
        {
            group.arms.push(arm);
        }
    }
    let treatments = doc.experiment.arms.iter().filter(|a| !a.control).count();
    let whose = |g: &Group| {
        let arms: Vec<String> = g.arms.iter().map(|a| isolate(&arm_title(doc, a))).collect();
        let some = !arms.is_empty() && arms.len() != treatments;
        let arms = some.then(|| arms.join(&text!("how.and")));
        (plain(g.outcome).into_owned(), arms)
    };
    let mut said = Vec::new();
    let mut reasons: Vec<Vec<String>> = Vec::new();
    for g in &groups {
        let (whose, estimators) = (whose(g), g.estimators.join(", "));
        let reason = text!("how.skipped-because", estimators, why = plain(g.why));
        match said.iter().position(|known| *known == whose) {
            Some(at) => reasons[at].push(reason),
            None => {
                said.push(whose);
                reasons.push(vec![reason]);
            }
        }
    }
    let line = |((outcome, arms), reasons): ((String, Option<String>), Vec<String>)| {
        let reasons = reasons.join("; ");
        match arms {
            Some(arms) => text!("how.skipped-for", outcome, arms, reasons),
            None => text!("how.skipped", outcome, reasons),
        }
    };
    said.into_iter().zip(reasons).map(line).collect()
}
