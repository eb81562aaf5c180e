//! Switchback and stepped wedge: regions that get an arm for blocks of days.

mod files;

use crate::error::Result;
use crate::experiment::advice::days;
use crate::experiment::model::{
    Arm, Assignment, Data, Experiment, Method, OutcomeKind, ScheduleKind, SchedulePlan, Windows,
};
use crate::experiment::raw::Raw;
use crate::experiment::value::shown;
use crate::stats::Estimator;

pub(super) use files::data;

/// The name of the one region of a plan without a region column.
const EVERYWHERE: &str = "everywhere";
/// Region-blocks of a schedule; more are customers or clusters.
const MOST_CELLS: usize = 100_000;

/// Reads the keys of `[assignment]` that make a schedule.
pub(super) fn read(raw: &Raw<'_>, assignment: &Assignment) -> Result<Option<SchedulePlan>> {
    let Some(design) = raw.get::<ScheduleKind>("design")? else {
        let stray = ["regions", "block_days", "washout_days"];
        return match stray.into_iter().find(|key| raw.states(key)) {
            Some(key) => Err(raw
                .wrong(
                    key,
                    format!("`{key}` is about a schedule of regions, and the plan has none"),
                )
                .hint("write design = \"switchback\" or \"stepped-wedge\", or take it out")),
            None => Ok(None),
        };
    };
    if assignment.method != Method::Complete {
        return Err(raw
            .wrong(
                "method",
                format!(
                    "method = \"{}\" assigns customers, and a {} assigns regions and blocks of days",
                    assignment.method.name(),
                    design.name()
                ),
            )
            .hint("take `method` out: `pilot assign` draws the schedule"));
    }
    if !assignment.strata.is_empty() {
        return Err(raw
            .wrong("strata", format!("a {} has no strata", design.name()))
            .hint("take `strata` out: every region is compared with itself"));
    }
    let Some(block_days) = raw.get::<u32>("block_days")? else {
        return Err(raw.missing(
            "block_days",
            Some("say for how many days a region keeps its arm; whole weeks keep weekdays alike: block_days = 14"),
        ));
    };
    let washout_days = raw.get("washout_days")?.unwrap_or(0);
    if washout_days >= block_days {
        return Err(raw
            .wrong(
                "washout_days",
                format!("{washout_days} days of washout leave nothing of a block of {block_days}"),
            )
            .hint("make block_days longer, or washout_days shorter"));
    }
    Ok(Some(SchedulePlan {
        design,
        regions: regions(raw, assignment, design)?,
        block_days,
        washout_days,
    }))
}

/// The regions in the order of their names, so that no draw depends on the order in the plan.
fn regions(raw: &Raw<'_>, assignment: &Assignment, design: ScheduleKind) -> Result<Vec<String>> {
    let mut regions: Vec<String> = raw.get("regions")?.unwrap_or_default();
    regions.sort_unstable();
    match (&assignment.cluster, regions.len()) {
        (None, 0) if design == ScheduleKind::Switchback => return Ok(vec![EVERYWHERE.to_owned()]),
        (None, 0) => Err(raw.missing(
            "cluster",
            Some("a stepped wedge needs regions that cross one after the other: name their column, for example cluster = \"region\", and list them under `regions`"),
        )),
        (None, _) => Err(raw.missing(
            "cluster",
            Some("name the column of the data that holds the region, for example cluster = \"region\""),
        )),
        (Some(column), 0) => Err(raw.missing(
            "regions",
            Some(&format!(
                "list the values of \"{}\" that take part, for example regions = [\"north\", \"south\"]",
                shown(column)
            )),
        )),
        (Some(_), 1) if design == ScheduleKind::SteppedWedge => Err(raw
            .wrong("regions", "one region cannot cross step by step")
            .hint("name at least two regions, or write design = \"switchback\"")),
        _ => Ok(()),
    }?;
    Ok(regions)
}

/// Whether windows, arms, outcomes and analysis suit the schedule.
pub(super) fn fits(plan: &Raw<'_>, e: &Experiment) -> Result<()> {
    let Some(schedule) = &e.assignment.schedule else {
        return files::no_columns_of_days(plan);
    };
    let blocks = whole_blocks(plan, e, schedule)?;
    arms(plan, schedule, &e.arms, blocks)?;
    outcomes(plan, e)?;
    analysis(plan, e)
}

/// How many blocks the after window holds.
fn whole_blocks(plan: &Raw<'_>, e: &Experiment, schedule: &SchedulePlan) -> Result<usize> {
    let Some(periods) = plan.sub("periods") else {
        return Err(plan.missing(
            "periods",
            Some("add [periods] with `after`: the days that are cut into blocks"),
        ));
    };
    let Some(Windows::Fixed { before, after, .. }) = e.periods.as_ref().map(|p| &p.windows) else {
        return Err(periods
            .wrong("start", "regions have no start of their own")
            .hint("write `after`: the first and last day of the experiment"));
    };
    if before.is_some() {
        return Err(periods
            .wrong(
                "before",
                "every region is compared with itself, so a before period has no use here",
            )
            .hint("take `before` out; days before `after` in the data are left out and counted"));
    }
    let (all, each) = (days(*after), i64::from(schedule.block_days));
    let (blocks, over) = (all / each, all % each);
    if over != 0 {
        return Err(periods
            .wrong(
                "after",
                format!("{all} days are not a whole number of blocks of {each} days"),
            )
            .hint(format!("take {over} days off, or add {}", each - over)));
    }
    let (least, why) = match (schedule.design, schedule.regions.len()) {
        (ScheduleKind::SteppedWedge, _) => (
            3,
            "a stepped wedge begins with a block of control and needs two steps",
        ),
        (ScheduleKind::Switchback, 1) => (4, "one region needs two blocks of each arm"),
        (ScheduleKind::Switchback, _) => (2, "a switchback needs two blocks"),
    };
    if blocks < least {
        return Err(periods
            .wrong("after", format!("the window holds {blocks} blocks: {why}"))
            .hint("make `after` longer, or assignment.block_days shorter"));
    }
    let blocks = usize::try_from(blocks).unwrap_or(usize::MAX);
    let cells = blocks.saturating_mul(schedule.regions.len());
    if cells > MOST_CELLS {
        return Err(periods
            .wrong(
                "after",
                format!("{cells} regions × blocks, and {MOST_CELLS} is the most"),
            )
            .hint("make assignment.block_days longer"));
    }
    let steps = blocks - 1;
    if schedule.design == ScheduleKind::SteppedWedge && steps > schedule.regions.len() {
        return Err(periods
            .wrong(
                "after",
                format!(
                    "{blocks} blocks make {steps} steps, and only {} regions can cross",
                    schedule.regions.len()
                ),
            )
            .hint("at each step at least one region crosses: make assignment.block_days longer, or `after` shorter"));
    }
    Ok(blocks)
}

fn arms(plan: &Raw<'_>, schedule: &SchedulePlan, arms: &[Arm], blocks: usize) -> Result<()> {
    let list = plan.list("arms");
    if let Some(extra) = list.get(2) {
        return Err(extra
            .wrong_table(format!(
                "a {} compares one treatment with control, and this is a third arm",
                schedule.design.name()
            ))
            .hint("keep one treatment; test the other in a plan of its own, afterwards"));
    }
    if schedule.design == ScheduleKind::SteppedWedge
        && let Some(at) = arms.iter().position(|a| a.weight != Some(1))
    {
        return Err(list[at]
            .wrong(
                "weight",
                "in a stepped wedge every region crosses, so arms have no weights",
            )
            .hint("take `weight` out"));
    }
    let weights: Vec<u64> = arms.iter().filter_map(|a| a.weight).collect();
    let common = weights.iter().copied().fold(0, gcd).max(1);
    let round: u64 = weights.iter().map(|w| w / common).sum();
    if schedule.design == ScheduleKind::Switchback && round > blocks as u64 {
        return Err(plan
            .wrong(
                "arms",
                format!("these weights need {round} blocks for one round of the arms, and there are {blocks}"),
            )
            .hint("bring the weights nearer to each other, or make assignment.block_days shorter"));
    }
    Ok(())
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn outcomes(plan: &Raw<'_>, e: &Experiment) -> Result<()> {
    for (raw, outcome) in plan.list("outcomes").iter().zip(&e.outcomes) {
        if outcome.kind != OutcomeKind::Count {
            return Err(raw
                .wrong(
                    "kind",
                    "regions' days hold counts of contacts, no means or shares",
                )
                .hint("write kind = \"count\", or take the outcome out"));
        }
        for key in ["cap", "before", "before_kind"] {
            if raw.states(key) {
                return Err(raw
                    .wrong(
                        key,
                        format!("`{key}` is about customers, and regions get the arms here"),
                    )
                    .hint("take it out"));
            }
        }
        match &e.data {
            Some(Data::Days(_)) if raw.states("reasons") => {
                return Err(raw
                    .wrong("reasons", "ready-made counts hold no reasons")
                    .hint("name the column that counts these reasons: after = \"…\""));
            }
            Some(Data::RegionLog { .. }) if raw.states("after") => {
                return Err(raw
                    .wrong("after", "`after` is about a column of [data.counts]")
                    .hint("take it out: every row of the log is a contact"));
            }
            Some(Data::RegionLog { contacts, .. })
                if !outcome.reasons.is_empty() && contacts.reason.is_none() =>
            {
                return Err(raw
                    .wrong("reasons", "the log names no column with the reason")
                    .hint("add reason = \"…\" to data.contacts.columns"));
            }
            _ => {}
        }
    }
    Ok(())
}

fn analysis(plan: &Raw<'_>, e: &Experiment) -> Result<()> {
    let raw = plan.need_sub("analysis")?;
    let named = e
        .analysis
        .estimator
        .as_deref()
        .and_then(Estimator::from_name);
    if let Some(estimator) = named
        && !matches!(estimator, Estimator::Cluster | Estimator::Permutation)
    {
        return Err(raw
            .wrong(
                "estimator",
                format!("\"{estimator}\" takes customers for the units, and regions and blocks of days got the arms"),
            )
            .hint("write estimator = \"cluster\"; \"permutation\" redraws the schedule and gives no interval"));
    }
    if e.analysis.sequential.is_some() {
        return Err(raw
            .wrong("sequential", "looking early is not built for a schedule of regions: its information does not grow as the looks assume")
            .hint("take [analysis.sequential] out"));
    }
    if !e.analysis.segments.is_empty() {
        return Err(raw
            .wrong(
                "segments",
                "counts by region and day hold no customers to show by segment",
            )
            .hint("take `segments` out"));
    }
    if e.analysis.prior.is_some() {
        return Err(raw
            .wrong(
                "prior",
                "`bayes` takes customers for the units, so a prior has no use here",
            )
            .hint("take `prior` out"));
    }
    Ok(())
}
