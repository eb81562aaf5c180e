//! `pilot design NAME-2 --second-stage-of NAME`: the first stage's question, for other customers.

use jiff::Span;
use jiff::civil::Date;

use crate::analysis::{self, Analysis, NextStage};
use crate::error::{Error, Result};
use crate::experiment::{
    self, Better, Data, Design, Experiment, PlannedEstimand, Windows, template,
};
use crate::number::{count, percent_with};
use crate::report::Document;
use crate::workspace::write_new;

use super::Global;
use super::design::{Args, dates, drawn_seed};
use super::first_stage::{self, First, days};
use super::pilot;
use super::ui::Ui;

/// Writes the plan of a second stage.
///
/// # Errors
/// A first stage that cannot be combined; arms that it did not have; no dates.
pub fn run(args: &Args, name: &str, g: &Global, ui: &Ui) -> Result<()> {
    let workspace = pilot::workspace(g)?;
    let place = workspace.pilot(&args.name)?.plan_path();
    if place.exists() {
        return Err(Error::workspace("there is a plan of this name already")
            .file(&place)
            .hint("choose another name, or edit the plan; nothing is overwritten"));
    }
    if name == args.name {
        return Err(Error::usage("a pilot is no second stage of itself")
            .key("--second-stage-of")
            .hint(format!(
                "for example: pilot design {name}-2 --second-stage-of {name}"
            )));
    }
    let first = first_stage::named(&workspace, name)?;
    let experiment = second(args, &first)?;
    let sizes = sizes(args, &first, &experiment)?;
    let notes = notes(&first, &sizes);
    let text = template(&Design {
        experiment,
        notes: notes.clone(),
    });
    let plan = experiment::parse(&text, &place)?;
    if g.dry_run {
        ui.say(&text)?;
    } else {
        write_new(&place, text.as_bytes())?;
    }
    if ui.json {
        return ui.document(&serde_json::json!({
            "plan": place, "seed": plan.experiment.seed, "plan_sha256": plan.sha256,
            "first_stage": first.record, "sizes": sizes,
        }));
    }
    if !g.dry_run {
        ui.say(format!("wrote {}", place.display()))?;
    }
    for line in notes {
        ui.say(line)?;
    }
    for w in experiment::warnings(&plan.experiment) {
        ui.warn(w.message);
    }
    let customers = match &plan.experiment.data {
        Some(Data::Counts(_)) => "data.counts.path",
        Some(Data::Cells(_)) => "data.cells.path",
        _ => "data.customers.path",
    };
    ui.next(format!(
        "name the second stage's own customers in {customers}, then pilot check {}",
        args.name
    ))
}

/// The first stage's approved plan, for other customers.
fn second(args: &Args, first: &First) -> Result<Experiment> {
    let mut e = first.plan.clone();
    e.second_stage_of = Some(e.name.clone());
    e.title = args
        .title
        .clone()
        .unwrap_or_else(|| format!("{}, second stage", e.title));
    e.name.clone_from(&args.name);
    e.seed = args.seed.unwrap_or_else(drawn_seed);
    e.analysis.sequential = None;
    if !args.arms.is_empty() {
        choose_arms(&mut e, &args.arms)?;
    }
    if let Some(Data::Log { contacts, .. }) = &mut e.data {
        contacts.complete_until = None;
    }
    move_windows(&mut e, args)?;
    Ok(e)
}

/// Control, and those of the first stage's arms that go on.
fn choose_arms(e: &mut Experiment, wanted: &[String]) -> Result<()> {
    let wrong = |message: String| {
        let known: Vec<&str> = e.arms.iter().map(|a| a.name.as_str()).collect();
        Err(Error::usage(message)
            .key("--arms")
            .hint(format!("the first stage's arms are {}", known.join(", "))))
    };
    if let Some(new) = wanted
        .iter()
        .find(|w| !e.arms.iter().any(|a| &a.name == *w))
    {
        return wrong(format!("the first stage had no arm \"{new}\""));
    }
    let control = &e.arms[e.control()].name;
    if !wanted.contains(control) {
        return wrong(format!("the control arm, \"{control}\", always goes on"));
    }
    if wanted.len() < 2 {
        return wrong("a second stage needs an arm besides control".into());
    }
    let kept: Vec<usize> = (0..e.arms.len())
        .filter(|i| wanted.contains(&e.arms[*i].name))
        .collect();
    let place = |i: &mut usize| kept.iter().position(|k| k == i).map(|p| *i = p).is_some();
    let values = match &mut e.data {
        Some(Data::Log { customers, .. }) => Some(&mut customers.arm_values),
        Some(Data::Counts(file)) => Some(&mut file.arm_values),
        _ => None,
    };
    if let Some(values) = values {
        values.retain(|_, arm| place(arm));
    }
    e.arms.retain(|a| wanted.contains(&a.name));
    Ok(())
}

/// Windows as long as the first stage's, on the days that the flags name.
fn move_windows(e: &mut Experiment, args: &Args) -> Result<()> {
    let Some(periods) = &mut e.periods else {
        return Ok(());
    };
    let of = |text: &Option<String>, flag: &str| -> Result<Option<(Date, Date)>> {
        text.as_deref().map(|t| dates(t, flag)).transpose()
    };
    match &mut periods.windows {
        Windows::Fixed { before, after, .. } => {
            let length = days(*after).unwrap_or_default();
            let Some(new) = of(&args.after, "--after")? else {
                return Err(
                    Error::usage("the second stage needs a test period of its own")
                        .key("--after")
                        .hint(format!(
                            "{length} days, as in the first stage: --after FROM..TO"
                        )),
                );
            };
            if days(new) != Some(length) {
                return Err(Error::usage(format!(
                    "the test period has {} days, that of the first stage {length}",
                    days(new).unwrap_or_default()
                ))
                .key("--after")
                .hint("both stages measure the same: choose windows of the same length"));
            }
            let shift = after.0.until(new.0).map_or(0, |s| s.get_days());
            let moved = |day: Date| day.checked_add(Span::new().days(shift)).ok();
            *before = match (of(&args.before, "--before")?, *before) {
                (Some(own), _) => Some(own),
                (None, Some((from, to))) => moved(from).zip(moved(to)),
                (None, None) => None,
            };
            *after = new;
        }
        Windows::Relative {
            after_days, enrol, ..
        } => {
            if args.after_days.is_some_and(|d| d != *after_days) {
                return Err(Error::usage(format!(
                    "the first stage observed each customer for {after_days} days"
                ))
                .key("--after-days")
                .hint("both stages measure the same: leave the flag out"));
            }
            match of(&args.enrol, "--enrol")? {
                Some(new) => *enrol = Some(new),
                None => {
                    return Err(Error::usage("the second stage needs days of enrolment of its own")
                        .key("--enrol")
                        .hint(format!(
                            "customers who start on other days than those of the first stage: --after-days {after_days} --enrol FROM..TO"
                        )));
                }
            }
        }
    }
    Ok(())
}

/// What each arm that goes on needs.
fn sizes(args: &Args, first: &First, e: &Experiment) -> Result<Vec<NextStage>> {
    let document = &first.document;
    let analysis = Analysis {
        estimates: document.estimates.clone(),
        ..Analysis::default()
    };
    let sought = match args.size.reduction {
        None => None,
        Some(r) if r > 0.0 && r < 1.0 => Some(sought(r, first)?),
        Some(_) => {
            return Err(Error::usage("a reduction lies between 0 and 1")
                .key("--reduction")
                .hint("for example 0.2 for 20 %"));
        }
    };
    let all = analysis::next_stages(
        &first.plan,
        &analysis,
        document.boundaries.as_ref(),
        customers(document),
        first_day(e).unwrap_or_else(|| pilot::today(e)),
        sought,
    );
    let goes_on = |n: &NextStage| e.arms.iter().any(|a| a.name == n.arm);
    Ok(all.into_iter().filter(goes_on).collect())
}

/// The first stage's customers; those with an outcome, where the others may not be told.
fn customers(document: &Document) -> u64 {
    let primary = &document.experiment.primary_outcome;
    let after = document.levels.iter();
    let after = after.filter(|l| l.outcome == *primary && l.period == "after");
    match &document.evidence.audit {
        Some(audit) => audit.customers,
        None => after.map(|l| l.n).sum(),
    }
}

fn first_day(e: &Experiment) -> Option<Date> {
    analysis::first_day(&e.periods.as_ref()?.windows)
}

/// A reduction of control's contacts as a good effect on the scale of the estimate that decides.
fn sought(reduction: f64, first: &First) -> Result<f64> {
    let wrong = |message: &str| {
        Err(Error::usage(message)
            .key("--reduction")
            .hint("leave it out: the size for the estimated effect is shown all the same"))
    };
    let outcome = first.plan.primary_outcome();
    if outcome.better != Better::Lower {
        return wrong("the outcome that decides is to rise, so a reduction is no benefit");
    }
    if first.plan.analysis.estimand == PlannedEstimand::Ratio {
        return Ok(-(1.0 - reduction).ln());
    }
    let document = &first.document;
    let row = document
        .estimates
        .iter()
        .find(|r| r.primary && r.outcome == outcome.name);
    let level = row.and_then(|row| {
        document.levels.iter().find(|l| {
            l.outcome == row.outcome
                && l.arm == row.control
                && l.period == "after"
                && l.unit == row.unit
        })
    });
    match level.filter(|l| l.mean > 0.0) {
        Some(level) => Ok(reduction * level.mean),
        None => wrong("the first stage does not tell control's mean in the unit of the estimate"),
    }
}

/// Lines at the plan's head, also shown.
fn notes(first: &First, sizes: &[NextStage]) -> Vec<String> {
    let mut lines = vec![format!(
        "Second stage of {}: combined with its analysis {:04} of {} by the weights of its plan.",
        first.record.name, first.record.analysis, first.record.as_of
    )];
    for next in sizes {
        for size in &next.sizes {
            let effect = match size.effect_from.as_str() {
                "estimated" => "the effect is as large as estimated",
                "planned" => "the effect is as large as planned",
                _ => "the reduction is the one sought",
            };
            let mut line = format!(
                "{}: {} customers, and {} in control, show it with {} power if {effect}",
                next.arm,
                count(size.customers_arm),
                count(size.customers_control),
                percent_with(next.power, 0),
            );
            if let Some(days) = size.enrolment_days {
                line += &format!("; {} days of arrivals", count(days));
            }
            lines.push(line + ".");
        }
    }
    if sizes.is_empty() {
        lines.push(
            "No arm that goes on has an effect to size for: what is shown already needs no second stage, and \
             what points the wrong way has no size; --reduction names an effect."
                .into(),
        );
    } else {
        lines.push(
            "Estimates that led to a second stage tend to be too large: plan for less than the estimated effect."
                .into(),
        );
    }
    lines
}
