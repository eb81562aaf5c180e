//! Looking before the planned end: which looks, by which rule.

use jiff::Span;
use jiff::civil::Date;

use crate::error::Result;
use crate::experiment::model::{
    Experiment, GroupSequential, PlannedFutility, Sequential, SequentialKind, Windows,
};
use crate::experiment::raw::Raw;
use crate::stats::Estimator;
use crate::stats::sequential::{Boundary, Spending};

/// A look that adds less than this share is refused here; the numerics stop at a hundredth of it.
const LEAST_STEP: f64 = 0.01;

pub(super) fn read(raw: &Raw<'_>) -> Result<Sequential> {
    let kind: SequentialKind = raw.need("kind")?;
    let looks = looks(raw)?;
    let information = information(raw)?;
    if let (Some(days), Some(shares)) = (&looks, &information)
        && days.len() != shares.len()
    {
        return Err(raw
            .wrong(
                "information",
                format!("{} shares for {} looks", shares.len(), days.len()),
            )
            .hint("one for each look, or only one of the two keys"));
    }
    let rule = match kind {
        SequentialKind::GroupSequential => {
            if looks.is_none() && information.is_none() {
                return Err(raw.missing(
                    "looks",
                    Some("name the days of the looks, or their information = [0.4, 0.7, 1.0]"),
                ));
            }
            Some(rule(raw, looks.is_some() && information.is_none())?)
        }
        SequentialKind::ConfidenceSequence => {
            let unfit = [
                "spending",
                "spending_parameter",
                "futility",
                "extension_weights",
            ];
            if let Some(key) = unfit.into_iter().find(|key| raw.states(key)) {
                return Err(raw
                    .wrong(key, format!("a confidence sequence has no `{key}`"))
                    .hint("it holds at every moment; take the key out, or kind = \"group-sequential\""));
            }
            None
        }
    };
    Ok(Sequential {
        looks: looks.unwrap_or_default(),
        information: information.unwrap_or_default(),
        rule,
        information_max: raw.get("information_max")?,
        extension_weights: raw
            .get::<Vec<f64>>("extension_weights")?
            .and_then(|w| Some((*w.first()?, *w.get(1)?))),
    })
}

fn looks(raw: &Raw<'_>) -> Result<Option<Vec<Date>>> {
    let Some(days) = raw.get::<Vec<Date>>("looks")? else {
        return Ok(None);
    };
    enough(raw, "looks", days.len())?;
    if let Some(pair) = days.windows(2).find(|pair| pair[0] >= pair[1]) {
        return Err(raw
            .wrong(
                "looks",
                format!("{} does not come after {}", pair[1], pair[0]),
            )
            .hint("write the looks in the order of their days"));
    }
    Ok(Some(days))
}

fn information(raw: &Raw<'_>) -> Result<Option<Vec<f64>>> {
    let Some(shares) = raw.get::<Vec<f64>>("information")? else {
        return Ok(None);
    };
    enough(raw, "information", shares.len())?;
    let mut before = 0.0;
    for share in &shares {
        if share - before < LEAST_STEP * share {
            return Err(raw
                .wrong(
                    "information",
                    format!("{share} is not above {before} by 1 % or more"),
                )
                .hint("write the shares in ascending order"));
        }
        before = *share;
    }
    if before != 1.0 {
        return Err(raw
            .wrong(
                "information",
                format!("the last look has {before} of the information"),
            )
            .hint("the last look is the planned end: end the list with 1.0"));
    }
    Ok(Some(shares))
}

fn enough(raw: &Raw<'_>, key: &str, looks: usize) -> Result<()> {
    // The end alone is a look where a second stage may follow it.
    if looks >= 2 || (looks == 1 && raw.states("extension_weights")) {
        return Ok(());
    }
    Err(raw
        .wrong(key, "a plan with looks has two or more, the end included")
        .hint("without looks before the end, take [analysis.sequential] out; with extension_weights the end alone is enough"))
}

/// The boundary; `days_only` where nothing says how much information each look was planned to have.
fn rule(raw: &Raw<'_>, days_only: bool) -> Result<GroupSequential> {
    let spending: String = raw.need("spending")?;
    let parameter: Option<f64> = raw.get("spending_parameter")?;
    let boundary = Boundary::from_name(&spending, parameter).map_err(|refusal| {
        let key = match parameter {
            Some(_) => "spending_parameter",
            None => "spending",
        };
        raw.wrong(key, refusal.why)
            .hint("`pilot explain looking-early` lists the boundaries and their parameters")
    })?;
    if boundary.is_classical() && days_only {
        return Err(raw
            .wrong(
                "spending",
                format!("\"{spending}\" needs to know how much information each look will have"),
            )
            .hint("add information = [0.5, 1.0], one share for each look; or use a spending function such as \"obrien-fleming\""));
    }
    let futility = match raw.sub("futility") {
        None => None,
        Some(raw) => {
            let spending: String = raw.need("spending")?;
            let parameter: Option<f64> = raw.get("spending_parameter")?;
            Spending::from_name(&spending, parameter)
                .map_err(|refusal| raw.wrong("spending", refusal.why))?;
            Some(PlannedFutility {
                spending,
                parameter,
                beta: raw.need("beta")?,
            })
        }
    };
    Ok(GroupSequential {
        spending,
        parameter,
        futility,
    })
}

/// Whether looks, windows, estimator and arms go together.
pub(super) fn fits(raw: &Raw<'_>, e: &Experiment) -> Result<()> {
    let (Some(raw), Some(plan)) = (raw.sub("sequential"), &e.analysis.sequential) else {
        return Ok(());
    };
    let named = e
        .analysis
        .estimator
        .as_deref()
        .and_then(Estimator::from_name);
    if let Some(estimator @ (Estimator::Permutation | Estimator::Bootstrap | Estimator::Bayes)) =
        named
    {
        return Err(raw
            .wrong_table(format!(
                "looking early needs a primary with a standard error, and \"{estimator}\" has none that grows with the data"
            ))
            .hint("name another estimator, such as \"lin\", \"rate\" or \"poisson\"; or take [analysis.sequential] out"));
    }
    days_fit(raw, plan, e)?;
    let alpha = e.analysis.alpha;
    if let Some(futility) = plan.rule.as_ref().and_then(|r| r.futility.as_ref())
        && futility.beta >= 1.0 - alpha
    {
        return Err(raw
            .wrong(
                "futility",
                format!("beta = {} leaves no power above alpha", futility.beta),
            )
            .hint("usual is beta = 0.2, which goes with power = 0.8"));
    }
    Ok(())
}

fn days_fit(raw: &Raw<'_>, plan: &Sequential, e: &Experiment) -> Result<()> {
    let (Some(first), Some(last)) = (plan.looks.first(), plan.looks.last()) else {
        return Ok(());
    };
    let window = match e.periods.as_ref().map(|p| &p.windows) {
        Some(Windows::Fixed { after, .. }) => Some(*after),
        Some(Windows::Relative {
            after_days,
            enrol: Some((from, to)),
            ..
        }) => to
            .checked_add(Span::new().days(i64::from(*after_days) - 1))
            .ok()
            .map(|end| (*from, end)),
        _ => None,
    };
    let Some((start, end)) = window else {
        return Err(raw
            .wrong("looks", "the plan has no dates for these days to lie in")
            .hint("add periods.after, or periods.enrol; or say information = [0.4, 0.7, 1.0] instead of days"));
    };
    if *first < start || *last > end {
        return Err(raw
            .wrong(
                "looks",
                format!("the looks, {first} to {last}, leave the after period, {start} to {end}"),
            )
            .hint("each look counts contacts up to and including its day"));
    }
    if *last != end {
        return Err(raw
            .wrong(
                "looks",
                format!("the last look is on {last}, and the after period ends on {end}"),
            )
            .hint("the last look is the planned end"));
    }
    Ok(())
}
