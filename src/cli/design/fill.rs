//! From flags and answers to the plan's keys.

use dialoguer::{Confirm, Input};
use jiff::civil::Date;

use crate::cli::defaults::Defaults;
use crate::error::{Error, Result};
use crate::experiment::{
    self, Design, Experiment, Method, Periods, PlannedEstimand, RootCause, Windows,
};

use super::Args;
use super::ask::{answer, asked, figure, question};

/// The arms, control first.
///
/// # Errors
/// The question was not answered.
pub fn arms(args: &Args, asks: bool) -> Result<Vec<String>> {
    if !args.arms.is_empty() {
        return Ok(args.arms.clone());
    }
    if !asks {
        return Ok(vec!["control".into(), "treatment".into()]);
    }
    let text: String = Input::new()
        .with_prompt("Arms, control first, with commas")
        .default("control,tip-sheet".into())
        .interact_text()
        .map_err(asked)?;
    Ok(text
        .split(',')
        .map(|a| a.trim().to_string())
        .filter(|a| !a.is_empty())
        .collect())
}

/// Fills the plan from the flags, and from answers where `asks`.
///
/// # Errors
/// A flag that is no such thing, a question that was not answered.
pub fn fill(e: &mut Experiment, args: &Args, defaults: &Defaults, asks: bool) -> Result<()> {
    if let Some(title) = question("Title", &args.title, asks)? {
        e.title = title;
    }
    e.problem = question("The customers' problem, in a sentence", &args.problem, asks)?;
    e.owner = question("Who owns the pilot", &args.owner, asks)?;
    e.root_cause = match answer(
        "Root cause (expectation, process, customer-error, employee-readiness)",
        &args.root_cause,
        asks,
        |word| root_cause(word).map(|_| ()),
    )? {
        None => None,
        Some(word) => Some(root_cause(&word)?),
    };
    if let Some(word) = &args.method {
        e.assignment.method = method(word)?;
    }
    if !args.strata.is_empty() {
        e.assignment.strata.clone_from(&args.strata);
    }
    if args.cluster.is_some() {
        e.assignment.cluster.clone_from(&args.cluster);
    }
    args.regions.apply(e);
    let timezone = args.timezone.as_ref().or(defaults.timezone.as_ref());
    let timezone = timezone.cloned().unwrap_or_else(|| "UTC".into());
    let windows = match args.after_days {
        Some(after_days) => Some(Windows::Relative {
            start: args.start.clone(),
            before_days: args.before_days,
            after_days,
            enrol: args
                .enrol
                .as_deref()
                .map(|t| dates(t, "--enrol"))
                .transpose()?,
        }),
        None => fixed_windows(args, asks)?,
    };
    let has_before = match &windows {
        Some(Windows::Fixed { before, .. }) => before.is_some(),
        Some(Windows::Relative { before_days, .. }) => *before_days > 0,
        None => false,
    };
    e.periods = windows
        .map(|windows| Periods { windows, timezone })
        .or(e.periods.take());
    if let Some(planned) = args.looks.planned()? {
        e.analysis.sequential = Some(planned.sequential());
    }
    e.analysis.alpha = args.alpha.unwrap_or(e.analysis.alpha);
    e.analysis.power = args.power.unwrap_or(e.analysis.power);
    if let Some(word) = &args.estimand {
        e.analysis.estimand = estimand(word)?;
    }
    if let Some(name) = &args.estimator {
        e.analysis.estimator = Some(name.clone());
    } else if e.analysis.estimator.is_none() {
        let name = match (e.analysis.estimand, has_before) {
            _ if e.assignment.cluster.is_some() => "cluster",
            (_, true) => "lin",
            (PlannedEstimand::Ratio, false) => "delta",
            (PlannedEstimand::Difference, false) => "welch",
        };
        e.analysis.estimator = Some(name.into());
    }
    business(e, args, asks)
}

/// The same windows for everyone, by flag or asked for.
fn fixed_windows(args: &Args, asks: bool) -> Result<Option<Windows>> {
    let before = answer(
        "Before window, for example 2026-08-01..2026-09-30 (empty: none)",
        &args.before,
        // Regions are compared with themselves.
        asks && !args.regions.given(),
        |text| dates(text, "--before").map(|_| ()),
    )?;
    let after = answer(
        "After window, the test period (empty: not known yet)",
        &args.after,
        asks,
        |text| dates(text, "--after").map(|_| ()),
    )?;
    let parsed = |text: Option<&str>, flag| text.map(|t| dates(t, flag)).transpose();
    match parsed(after.as_deref(), "--after")? {
        Some(after) => Ok(Some(Windows::Fixed {
            before: parsed(before.as_deref(), "--before")?,
            after,
            start: None,
        })),
        None if before.is_some() => {
            Err(Error::usage("a before window needs an after window").key("--after"))
        }
        None => Ok(None),
    }
}

fn business(e: &mut Experiment, args: &Args, asks: bool) -> Result<()> {
    let wanted = match &args.currency {
        Some(c) => Some(c.clone()),
        None if asks
            && Confirm::new()
                .with_prompt("Add a business case?")
                .default(false)
                .wait_for_newline(true)
                .interact()
                .map_err(asked)? =>
        {
            let code: String = Input::new()
                .with_prompt("Currency, ISO 4217")
                .default("EUR".into())
                .validate_with(|code: &String| match Design::business(code) {
                    Ok(_) => Ok(()),
                    Err(e) => Err(format!("{}: {}", e.message(), e.hint_text().unwrap_or(""))),
                })
                .interact_text()
                .map_err(asked)?;
            Some(code)
        }
        None => None,
    };
    let Some(currency) = wanted else {
        return Ok(());
    };
    let mut b = Design::business(&currency)?;
    let fixed = experiment::Assumption::Fixed;
    let variable = figure(
        "Variable cost of a contact, saved in full",
        args.cost_variable,
        asks,
    )?;
    let labour = figure(
        "Labour cost of a contact, saved as far as it becomes cash",
        args.cost_labour,
        asks,
    )?;
    let units = figure("Customers at roll-out", args.units_at_rollout, asks)?;
    if variable.is_some() || labour.is_some() {
        b.cost = Some(experiment::CostBasis::PerContact(experiment::UnitCost {
            variable: fixed(variable.unwrap_or(0.0)),
            labour: fixed(labour.unwrap_or(0.0)),
        }));
    }
    b.units_at_rollout = units.map(fixed).or(b.units_at_rollout);
    e.business = Some(b);
    Ok(())
}

fn method(word: &str) -> Result<Method> {
    match word {
        "complete" => Ok(Method::Complete),
        "hashed" => Ok(Method::Hashed),
        "existing" => Ok(Method::Existing),
        other => Err(Error::usage(format!("no method is called \"{other}\""))
            .key("--method")
            .hint("complete, hashed or existing")),
    }
}

fn estimand(word: &str) -> Result<PlannedEstimand> {
    match word {
        "difference" => Ok(PlannedEstimand::Difference),
        "ratio" => Ok(PlannedEstimand::Ratio),
        other => Err(Error::usage(format!("no estimand is called \"{other}\""))
            .key("--estimand")
            .hint("difference or ratio")),
    }
}

fn root_cause(word: &str) -> Result<RootCause> {
    match word.trim() {
        "expectation" => Ok(RootCause::Expectation),
        "process" => Ok(RootCause::Process),
        "customer-error" => Ok(RootCause::CustomerError),
        "employee-readiness" => Ok(RootCause::EmployeeReadiness),
        other => Err(Error::usage(format!("no root cause is called \"{other}\""))
            .key("--root-cause")
            .hint("expectation, process, customer-error or employee-readiness")),
    }
}

/// A window written as `first..last`.
///
/// # Errors
/// No two days, or not in this order.
pub fn dates(text: &str, flag: &str) -> Result<(Date, Date)> {
    let wrong = || {
        Error::usage("a window is its first and its last day, in this order")
            .key(flag)
            .hint("for example 2026-08-01..2026-09-30")
    };
    let (from, to) = text.split_once("..").ok_or_else(wrong)?;
    let (from, to): (Date, Date) = (
        from.trim().parse().map_err(|_| wrong())?,
        to.trim().parse().map_err(|_| wrong())?,
    );
    if to < from {
        return Err(wrong());
    }
    Ok((from, to))
}
