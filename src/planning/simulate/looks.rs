//! Looking early: the same simulated pilots, looked at several times.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::analysis::{self, Phase, look_design, normal_score};
use crate::error::{Error, Kind, Result};
use crate::experiment::{Better, Experiment, OutcomeKind, Sequential};
use crate::stats::random::Stream;
use crate::stats::sampling::LogFactorials;
use crate::stats::sequential::{ConfidenceSequence, Monitor, Now, Passed, roster_fraction};
use crate::stats::{Estimand, Estimator, Refusal};
use crate::table::{Decimals, Evidence};

use super::draw::Drawing;
use super::replay::{BATCH, Replay};
use super::tally::Sums;

/// ln k! up to here from a table.
const TABLE: u64 = 4096;
/// What the draws of earlier looks are for.
const LOOKS: &str = "simulate/looks";

/// When a pilot is looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LooksAt {
    /// Shares of the window that have passed, ascending to 1.
    pub times: Vec<f64>,
    /// Share of the information that is planned for each.
    pub information: Vec<f64>,
}

/// What looking did over replays of one scenario, under one rule.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LookTally {
    /// Whether any look crossed the boundary, in any arm.
    pub crossed: Sums,
    /// Whether any look had p ≤ α by itself, in any arm: looking without a boundary.
    pub unplanned: Sums,
    /// Whether the last look had p ≤ α by itself, in any arm: looking once.
    pub once: Sums,
    /// Share of the window that had passed when the pilot stopped, or ended.
    pub stopped_at: Sums,
    /// Replays that crossed first at each look.
    pub stops: Vec<u64>,
    /// Replays that stopped at each look because success had become unlikely.
    pub futile: Vec<u64>,
    /// Looks at an arm without an estimate or without new information, which stop nothing.
    pub without: u64,
}

impl LookTally {
    /// Adds later replays of the same scenario.
    pub fn merge(&mut self, other: LookTally) {
        self.crossed.merge(&other.crossed);
        self.unplanned.merge(&other.unplanned);
        self.once.merge(&other.once);
        self.stopped_at.merge(&other.stopped_at);
        self.without += other.without;
        for (mine, theirs) in [
            (&mut self.stops, other.stops),
            (&mut self.futile, other.futile),
        ] {
            mine.resize(mine.len().max(theirs.len()), 0);
            mine.iter_mut().zip(theirs).for_each(|(m, t)| *m += t);
        }
    }
}

impl LooksAt {
    /// `count` looks equally far apart in time, the last at the end.
    ///
    /// # Errors
    /// As [`LooksAt::at`].
    pub fn equal_times(count: u32, replay: &Replay<'_>) -> Result<Self> {
        let times = (1..=count).map(|k| f64::from(k) / f64::from(count));
        Self::at(times.collect(), replay)
    }

    /// Looks after these shares of the window; what will be known by then follows from mean and
    /// dispersion of the counts, arms apart from nobody.
    ///
    /// # Errors
    /// No contact at all; fewer than two looks; an outcome that is no count.
    pub fn at(times: Vec<f64>, replay: &Replay<'_>) -> Result<Self> {
        let (mean, dispersion) = blinded(replay)?;
        let of = |share: &f64| {
            roster_fraction(mean, dispersion, *share)
                .map_err(|r| Error::new(Kind::Usage, r.why).key("--looks"))
        };
        let information = times.iter().map(of).collect::<Result<Vec<f64>>>()?;
        Ok(LooksAt { times, information })
    }

    /// Looks when these shares of the information are in.
    ///
    /// *Formula* — [`roster_fraction`] turned round: t = 1/(μ((1/μ + φ)/f − φ)).
    ///
    /// # Errors
    /// As [`LooksAt::at`].
    pub fn informed(information: Vec<f64>, replay: &Replay<'_>) -> Result<Self> {
        let (mean, dispersion) = blinded(replay)?;
        let time = |f: &f64| 1.0 / (mean * ((1.0 / mean + dispersion) / f - dispersion));
        let mut times: Vec<f64> = information.iter().map(time).collect();
        if let Some(last) = times.last_mut() {
            *last = 1.0;
        }
        Ok(LooksAt { times, information })
    }
}

/// Mean and dispersion of the counts of a first simulated pilot, all arms together.
fn blinded(replay: &Replay<'_>) -> Result<(f64, f64)> {
    if replay.experiment.primary_outcome().kind != OutcomeKind::Count {
        return Err(Error::usage(
            "looks are simulated for counts: nothing says how a mean or a share grows over the window",
        )
        .key("--looks"));
    }
    let (_, evidence) = replay.pilot(0)?;
    let table = &evidence.outcomes[0].table;
    let unit = Decimals::unit(table.decimals().after);
    let (mut n, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for cell in table.cells() {
        let Some(y) = cell.after else { continue };
        let (w, y) = (cell.customers as f64, y as f64 * unit);
        n += w;
        sum += w * y;
        squares += w * y * y;
    }
    if sum <= 0.0 {
        return Err(Error::data("there is no contact to look at").key("--looks"));
    }
    let mean = sum / n;
    let variance = squares / n - mean * mean;
    Ok((mean, ((variance - mean) / (mean * mean)).max(0.0)))
}

/// A rule of looking, ready.
pub struct Looking {
    /// The rule as planned for one comparison; `None` is a confidence sequence.
    monitor: Option<Monitor>,
    at: LooksAt,
    /// Error rate over all looks and comparisons, and of each comparison.
    alpha: (f64, f64),
    sides: u8,
    better: Better,
}

impl Looking {
    /// The plan's error rate and sides under a rule; each comparison has its share of alpha.
    ///
    /// # Errors
    /// A rule that has no boundary at these looks.
    pub fn new(plan: &Experiment, rule: &Sequential, mut at: LooksAt) -> Result<Self> {
        let refused = |r: Refusal| Error::new(Kind::Usage, r.why).key("--looks");
        let each = plan.analysis.alpha / plan.treatments().count().max(1) as f64;
        let sides = if plan.analysis.one_sided { 1 } else { 2 };
        let design = look_design(rule, each, sides, at.information.clone()).map_err(refused)?;
        if let Some(design) = &design {
            // Where a second stage may follow, this one has a part of the information.
            at.information = design.information[..at.times.len()].to_vec();
        }
        Ok(Looking {
            monitor: design.map(Monitor::new).transpose().map_err(refused)?,
            at,
            alpha: (plan.analysis.alpha, each),
            sides,
            better: plan.primary_outcome().better,
        })
    }

    /// When it looks.
    pub fn at(&self) -> &LooksAt {
        &self.at
    }

    /// Error rate of one comparison over all looks.
    pub fn alpha_each(&self) -> f64 {
        self.alpha.1
    }

    /// The boundary as planned, a look each; empty of a confidence sequence.
    pub fn boundary(&self) -> Vec<crate::stats::sequential::Look> {
        let looks = self.monitor.as_ref().map(|m| m.design().looks());
        looks.and_then(|l| l.ok()).unwrap_or_default()
    }
}

/// One arm at one look: z as the estimator's own test has it, positive is more; and 1/SE².
#[derive(Debug, Clone, Copy, PartialEq)]
struct Seen {
    z: f64,
    information: f64,
}

/// By look and treatment arm; `None` where there is no estimate.
type Looks = Vec<Vec<Option<Seen>>>;

impl Replay<'_> {
    /// Looks at replays number `from` up to, not with, `to`, under each rule; all rules look at the
    /// same times. Only the plan's estimator is looked at.
    ///
    /// *Formula* — contacts come evenly over the window: of a customer's y contacts by one look,
    /// those by the look before, at the share s of its time, are Binomial(y, s). z and information
    /// as `analyze --look` has them; the error rate is spent by the planned information. A pilot
    /// stops when an arm crosses, or when all arms are below a futility bound.
    ///
    /// # Errors
    /// As [`Replay::run`]; rules that look at different times.
    pub fn looks(
        &self,
        (from, to): (u64, u64),
        rules: &[Looking],
        tick: &(dyn Fn(u64) -> Result<()> + Sync),
    ) -> Result<Vec<LookTally>> {
        let times = rules.first().map(|r| r.at.times.clone());
        let times = times.unwrap_or_default();
        if rules.iter().any(|r| r.at.times != times) {
            return Err(Error::internal("rules look at different times"));
        }
        let drawing = Drawing::new(self.population, self.scenario, self.experiment)?;
        let plan = self.plan();
        let factorials = LogFactorials::new(TABLE);
        let mut all = vec![LookTally::default(); rules.len()];
        let mut next = from;
        while next < to {
            let end = to.min(next + BATCH);
            let seen: Vec<Result<Looks>> = (next..end)
                .into_par_iter()
                .map(|i| self.statistics(i, &plan, &drawing, &times, &factorials))
                .collect();
            for looks in seen {
                let looks = looks?;
                for (tally, rule) in all.iter_mut().zip(rules) {
                    tally.merge(rule.judge(&looks)?);
                }
            }
            next = end;
            tick(next - from)?;
        }
        Ok(all)
    }

    /// The plan and the evidence of replay `i` at the first of these looks.
    ///
    /// # Errors
    /// As [`Replay::pilot`].
    pub fn first_look(&self, i: u64, at: &LooksAt) -> Result<(Experiment, Evidence)> {
        let drawing = Drawing::new(self.population, self.scenario, self.experiment)?;
        let (plan, mut drawn) = self.draw(i, &self.plan(), &drawing)?;
        let factorials = LogFactorials::new(TABLE);
        let mut g = Stream::new(LOOKS, &plan.name, self.seed).generator(i);
        for pair in at.times.windows(2).rev() {
            drawn = drawn.earlier(pair[0] / pair[1], &factorials, &mut g);
        }
        let evidence = drawn.evidence(&plan, &drawing)?;
        Ok((plan, evidence))
    }

    fn statistics(
        &self,
        i: u64,
        plan: &Experiment,
        drawing: &Drawing<'_>,
        times: &[f64],
        factorials: &LogFactorials,
    ) -> Result<Looks> {
        let (mut plan, mut drawn) = self.draw(i, plan, drawing)?;
        plan.analysis.permutations = 0;
        plan.analysis.bootstrap = 0;
        let mut g = Stream::new(LOOKS, &plan.name, self.seed).generator(i);
        let mut looks = Vec::with_capacity(times.len());
        for (k, time) in times.iter().enumerate().rev() {
            looks.push(seen(&plan, &drawn.evidence(&plan, drawing)?, *time)?);
            if k > 0 {
                drawn = drawn.earlier(times[k - 1] / time, factorials, &mut g);
            }
        }
        looks.reverse();
        Ok(looks)
    }
}

/// The deciding estimate of each treatment arm after a share of the window.
fn seen(plan: &Experiment, evidence: &Evidence, time: f64) -> Result<Vec<Option<Seen>>> {
    let analysis = match analysis::analyze(plan, evidence, Phase::Ended) {
        Ok(analysis) => analysis,
        // The plan's estimator cannot be computed on so few contacts.
        Err(e) if e.kind() == Kind::Data => return Ok(vec![None; plan.treatments().count()]),
        Err(e) => return Err(e),
    };
    let constant = evidence.outcomes[0].table.constant_exposure().is_some();
    let of_arm = |arm: usize| {
        let name = &plan.arms[arm].name;
        let mut rows = analysis.estimates.iter();
        let row = rows.find(|r| r.primary && r.segment.is_none() && &r.arm == name)?;
        let se = row.se.filter(|se| *se > 0.0 && se.is_finite())?;
        let (value, unit) = match row.estimand {
            // Differences so far, in the unit of the whole window.
            Estimand::Difference if constant && row.estimator != Estimator::Rate => {
                (row.value, time)
            }
            Estimand::Difference => (row.value, 1.0),
            Estimand::Ratio => (row.value.ln(), 1.0),
            Estimand::Probability => return None,
        };
        Some(Seen {
            z: normal_score(value / se, row.df),
            information: (unit / se).powi(2),
        })
    };
    Ok(plan.treatments().map(of_arm).collect())
}

impl Looking {
    /// Where a pilot stops: by the rule, and by p ≤ α at any look.
    fn judge(&self, looks: &Looks) -> Result<LookTally> {
        let arms = looks.first().map_or(0, Vec::len);
        let each = crate::stats::dist::normal_isf(self.alpha.0 / f64::from(self.sides));
        // One-sided plans look for what is better alone.
        let good = |z: f64| match self.better {
            Better::Lower => -z,
            Better::Higher => z,
        };
        let size = |z: f64| if self.sides == 1 { good(z) } else { z.abs() };
        let mut tally = LookTally {
            stops: vec![0; looks.len()],
            futile: vec![0; looks.len()],
            ..LookTally::default()
        };
        let (mut stopped, mut unplanned) = (None, false);
        let mut passed: Vec<Vec<Passed>> = vec![Vec::new(); arms];
        for (k, look) in looks.iter().enumerate() {
            let (mut crosses, mut hopeless) = (false, arms > 0);
            for (passed, seen) in passed.iter_mut().zip(look) {
                let Some(seen) = *seen else {
                    tally.without += 1;
                    hopeless = false;
                    continue;
                };
                unplanned |= size(seen.z) >= each;
                // A pilot that has stopped is not looked at again.
                if stopped.is_some() {
                    continue;
                }
                let Some((critical, futility, as_passed)) = self.standard(passed, k, seen)? else {
                    tally.without += 1;
                    hopeless = false;
                    continue;
                };
                crosses |= size(seen.z) >= critical;
                hopeless &= futility.is_some_and(|bound| good(seen.z) < bound);
                passed.push(as_passed);
            }
            if stopped.is_none() && crosses {
                stopped = Some(k);
                tally.stops[k] += 1;
            } else if stopped.is_none() && hopeless && k + 1 < looks.len() {
                stopped = Some(k);
                tally.futile[k] += 1;
            }
        }
        let yes = |b: bool| f64::from(u8::from(b));
        let last = looks.last().into_iter().flatten().flatten();
        let once = last.into_iter().any(|seen| size(seen.z) >= each);
        tally.once.add(yes(once));
        tally.unplanned.add(yes(unplanned));
        tally.crossed.add(yes(tally.stops.iter().any(|n| *n > 0)));
        let at = stopped.unwrap_or(looks.len().saturating_sub(1));
        tally.stopped_at.add(self.at.times[at]);
        Ok(tally)
    }

    /// Critical z, futility bound, and the look as one that was passed; `None` where it brings no information.
    fn standard(
        &self,
        passed: &[Passed],
        k: usize,
        seen: Seen,
    ) -> Result<Option<(f64, Option<f64>, Passed)>> {
        let fraction = self.at.information[k];
        let Some(monitor) = &self.monitor else {
            // Tuned to what the first look says the end will have.
            let first = passed.first();
            let (information, share) = first.map_or((seen.information, fraction), |p| {
                (p.information, p.fraction)
            });
            let sequence = ConfidenceSequence::new(self.alpha.1, information / share);
            let critical = sequence.ok().and_then(|s| s.critical(seen.information));
            return Ok(critical.map(|critical| {
                let now = Passed {
                    information: seen.information,
                    fraction,
                    critical,
                };
                (critical, None, now)
            }));
        };
        let now = Now {
            number: k + 1,
            information: seen.information,
            fraction,
            ending: k + 1 == self.at.times.len(),
        };
        let Ok(standard) = monitor.standard(passed, now) else {
            return Ok(None);
        };
        let as_passed = Passed {
            information: standard.information,
            fraction: standard.fraction,
            critical: standard.critical,
        };
        Ok(Some((standard.critical, standard.futility, as_passed)))
    }
}
