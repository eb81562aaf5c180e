//! Looks of `pilot simulate`: the plan's own, or as many as asked.

use jiff::civil::Date;

use crate::analysis::{first_day, last_day};
use crate::error::{Error, Result};
use crate::experiment::{Experiment, GroupSequential, Sequential};
use crate::planning::simulate::{Looking, Looks, LooksAt, Replay, looks_summary};
use crate::stats::sequential::Boundary;

use super::ui::Ui;

/// The rule where neither plan nor flags name one.
const RULE: &str = "obrien-fleming";

/// Looking before the end.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Looking early")]
pub struct LookArgs {
    /// Looks at the data equally far apart, the last at the end (default: the plan's own looks)
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(2..=50))]
    looks: Option<u32>,
    /// Boundary of the looks (default: the plan's, else obrien-fleming)
    #[arg(long, value_parser = Boundary::NAMES, value_name = "NAME")]
    spending: Option<String>,
    /// Parameter of the boundary, where it has one
    #[arg(long, value_name = "X", requires = "spending")]
    spending_parameter: Option<f64>,
}

/// Looks to be simulated.
pub struct Asked {
    rule: Sequential,
    looking: Looking,
}

impl LookArgs {
    /// The first of these flags that is given.
    pub fn given(&self) -> Option<&'static str> {
        let flags = [
            ("--looks", self.looks.is_some()),
            ("--spending", self.spending.is_some()),
        ];
        flags.into_iter().find(|f| f.1).map(|f| f.0)
    }

    /// The looks asked for, or the plan's; `None` where there are none.
    ///
    /// # Errors
    /// A boundary without looks; looks that the plan's rule cannot have.
    pub fn of(&self, plan: &Experiment, replay: &Replay<'_>) -> Result<Option<Asked>> {
        let own = plan.analysis.sequential.as_ref();
        let at = match (self.looks, own) {
            (Some(count), _) => LooksAt::equal_times(count, replay)?,
            (None, Some(own)) if own.number().is_some() => planned(plan, own, replay)?,
            (None, _) if self.spending.is_some() => {
                return Err(Error::usage("a boundary is for looks, and there are none")
                    .key("--spending")
                    .hint("--looks 5, or looks in the plan: `pilot explain looking-early`"));
            }
            (None, _) => return Ok(None),
        };
        let mut rule = own.cloned().unwrap_or(Sequential {
            looks: Vec::new(),
            information: Vec::new(),
            rule: Some(named(RULE, None)),
            information_max: None,
            extension_weights: None,
        });
        if let Some(name) = &self.spending {
            rule.rule = Some(named(name, self.spending_parameter));
        }
        let looking = Looking::new(plan, &rule, at)?;
        Ok(Some(Asked { rule, looking }))
    }
}

fn named(spending: &str, parameter: Option<f64>) -> GroupSequential {
    GroupSequential {
        spending: spending.into(),
        parameter,
        futility: None,
    }
}

/// The plan's looks as shares of its window, or those at which its shares of the information are in.
fn planned(plan: &Experiment, own: &Sequential, replay: &Replay<'_>) -> Result<LooksAt> {
    let windows = plan.periods.as_ref().map(|p| &p.windows);
    let ends = windows.and_then(|w| first_day(w).zip(last_day(w)));
    let (Some((first, last)), false) = (ends, own.looks.is_empty()) else {
        return LooksAt::informed(own.information.clone(), replay);
    };
    let days = |to: Date| {
        let days = first.until(to).map_or(0, |s| s.get_days());
        f64::from(days) + 1.0
    };
    let share = |day: &Date| (days(*day) / days(last)).min(1.0);
    let mut at = LooksAt::at(own.looks.iter().map(share).collect(), replay)?;
    if !own.information.is_empty() {
        at.information.clone_from(&own.information);
    }
    Ok(at)
}

impl Asked {
    /// Looks at simulated pilots without effect and, where asked, with it.
    ///
    /// # Errors
    /// As [`Replay::looks`].
    pub fn replay(
        &self,
        none: &Replay<'_>,
        with: Option<&Replay<'_>>,
        replicates: u64,
        ui: &Ui,
    ) -> Result<Looks> {
        let rules = std::slice::from_ref(&self.looking);
        let of = |replay: &Replay<'_>, what: &'static str| {
            let progress = ui.progress_to(what, replicates);
            let tallies = replay.looks((0, replicates), rules, &|done| progress.tick(done))?;
            progress.done();
            Ok::<_, Error>(tallies.into_iter().next().unwrap_or_default())
        };
        let without = of(none, "looks without effect")?;
        let with = with.map(|r| of(r, "looks with the effect")).transpose()?;
        let rule = self.rule.rule.as_ref();
        let name = rule.map_or("confidence-sequence".into(), |r| r.spending.clone());
        Ok(looks_summary(name, &self.looking, &without, with.as_ref()))
    }
}
