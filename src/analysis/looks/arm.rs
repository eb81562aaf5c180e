//! One comparison at a look: how much information, which boundary, where it stands.

use crate::analysis::model::EstimateRow;
use crate::experiment::{Experiment, Outcome, Sequential};
use crate::stats::dist::normal_sf;
use crate::stats::sequential::{
    ConfidenceSequence, Monitor, Now, Passed, StageWise, Standard, stage_fractions,
};
use crate::stats::{DetailValue, Refusal};
use crate::table::ContactTable;

use super::Asked;
use super::fraction::{self, Projection};
use super::model::{ArmLooks, LookRow, LookState};

impl LookRow {
    /// As a look that did not stop the pilot.
    pub(super) fn passed(&self) -> Passed {
        Passed {
            information: self.information,
            fraction: self.fraction,
            critical: self.critical,
        }
    }
}

/// What a comparison is judged by.
pub(super) struct Comparing<'a> {
    pub plan: &'a Experiment,
    pub sequential: &'a Sequential,
    pub outcome: &'a Outcome,
    pub table: &'a ContactTable,
    /// `None` is a confidence sequence.
    pub monitor: Option<&'a Monitor>,
    /// Error rate of this comparison.
    pub alpha: f64,
    pub sides: u8,
    /// Comparisons that share the error rate.
    pub comparisons: f64,
    pub asked: &'a Asked<'a>,
}

/// Boundary and inference at this look.
struct Judged {
    critical: f64,
    nominal_p: f64,
    spent: Option<f64>,
    futility: Option<f64>,
    last: bool,
    repeated_p: Option<f64>,
    information: f64,
}

impl Comparing<'_> {
    /// Where the comparison stands, put into its row too; and where fractions come from.
    pub fn stand(&self, row: &mut EstimateRow) -> Result<(ArmLooks, &'static str), Refusal> {
        let scored = self.scored(row)?;
        let information = (self.common_unit(row)? / self.se(row)?).powi(2);
        let mut looks: Vec<LookRow> = self
            .asked
            .earlier
            .iter()
            .flat_map(|b| &b.arms)
            .filter(|a| a.arm == row.arm && a.outcome == row.outcome)
            .filter_map(|a| a.looks.last().cloned())
            .collect();
        let (maximum, source) = self.maximum(information, looks.first());
        let fraction = if self.asked.ended {
            self.stage_share()
        } else {
            (information / maximum).min(1.0) * self.stage_share()
        };
        let crossed = looks
            .iter()
            .position(|l| l.z.abs() >= l.critical && self.counts(l.z));
        let passed: Vec<Passed> = looks.iter().map(LookRow::passed).collect();
        let judged = self.judge(&passed, information, fraction, maximum, scored.z)?;
        let reach = judged.critical * scored.se;
        let repeated = self.shown(row.estimand, scored.effect - reach, scored.effect + reach);
        looks.push(LookRow {
            look: self.asked.number,
            until: self.asked.until.map(|d| d.to_string()),
            information: judged.information,
            information_max: maximum,
            fraction,
            z: scored.z,
            critical: judged.critical,
            nominal_p: judged.nominal_p,
            spent: judged.spent,
            futility: judged.futility,
            value: row.value,
            repeated_lower: repeated.0,
            repeated_upper: repeated.1,
            repeated_p: judged.repeated_p,
            days: self.days_seen(row),
        });
        let now = looks.len() - 1;
        let crossed =
            crossed.or((scored.z.abs() >= judged.critical && self.counts(scored.z)).then_some(now));
        let state = match crossed {
            Some(at) if looks[at].z > 0.0 => LookState::Effect,
            Some(_) => LookState::Harm,
            None if self.asked.ended || judged.last => LookState::NotShown,
            None if judged.futility.is_some_and(|a| scored.z < a) => LookState::Futility,
            None => LookState::GoOn,
        };
        let stopped = crossed.unwrap_or(now);
        // An earlier look counted fewer days: its figures are put on those of the estimate now.
        let factor = self.since(&looks[stopped], &looks[now]);
        let on_now = |end: Option<f64>| end.map(|v| v * factor);
        let over = matches!(
            state,
            LookState::Effect | LookState::Harm | LookState::NotShown
        );
        let staged = self.monitor.is_some()
            && over
            && (crossed.is_some() || self.sequential.extension_weights.is_none());
        let mut arm = ArmLooks {
            outcome: row.outcome.clone(),
            arm: row.arm.clone(),
            state,
            crossed_at: crossed.map(|at| looks[at].look),
            p: looks[stopped].repeated_p,
            median_unbiased: None,
            ci_lower: on_now(looks[stopped].repeated_lower),
            ci_upper: on_now(looks[stopped].repeated_upper),
            looks,
        };
        let mut two_sided = (arm.ci_lower, arm.ci_upper);
        if staged {
            let at = &arm.looks[stopped];
            let order = StageWise::new(&passed[..stopped], at.information, at.z, self.sides)?;
            let se = if stopped == now {
                scored.se
            } else {
                // The look's own scale, from its interval: half-width over boundary.
                let past = self.past_se(row.estimand, at);
                past.map_or(scored.se, |se| se * factor)
            };
            if let (true, Some(own)) = (stopped < now, row.se) {
                let stopping = DetailValue::Number(own * se / scored.se);
                row.detail.insert("stopping_se".into(), stopping);
            }
            arm.p = Some(order.p());
            let median = order.drift(0.5)? * se;
            arm.median_unbiased = self.shown(row.estimand, median, median).0;
            two_sided = self.shown(
                row.estimand,
                order.drift(self.alpha / 2.0)? * se,
                order.drift(1.0 - self.alpha / 2.0)? * se,
            );
            (arm.ci_lower, arm.ci_upper) = match self.sides {
                2 => two_sided,
                _ => self.one_sided(row.estimand, order.drift(self.alpha)? * se),
            };
        } else if self.sides == 1 {
            (arm.ci_lower, arm.ci_upper) = match self.upper_is_bad() {
                true => (None, arm.ci_upper),
                false => (arm.ci_lower, None),
            };
        }
        self.put_into(row, &arm, two_sided);
        Ok((arm, source))
    }

    /// Whether a statistic on this side can cross.
    fn counts(&self, z: f64) -> bool {
        self.sides == 2 || z > 0.0
    }

    /// The row's own figures over all looks.
    pub(super) fn put_into(
        &self,
        row: &mut EstimateRow,
        arm: &ArmLooks,
        two_sided: (Option<f64>, Option<f64>),
    ) {
        row.p_adjusted = arm.p.map(|p| (p * self.comparisons).min(1.0));
        row.ci_adjusted_lower = arm.ci_lower;
        row.ci_adjusted_upper = arm.ci_upper;
        row.detail.remove("dunnett");
        if let (1, (Some(low), Some(high))) = (self.sides, two_sided) {
            row.detail.insert(
                "ci_adjusted_two_sided".into(),
                DetailValue::Numbers(vec![low, high]),
            );
        }
        if let Some(median) = arm.median_unbiased {
            row.detail
                .insert("median_unbiased".into(), DetailValue::Number(median));
        }
        let count = |n: u32| DetailValue::Count(u64::from(n));
        row.detail.insert("look".into(), count(self.asked.number));
        if let Some(at) = arm.crossed_at {
            row.detail.insert("crossed_at_look".into(), count(at));
        }
    }

    /// Information planned for the end, and where it comes from.
    fn maximum(&self, information: f64, first: Option<&LookRow>) -> (f64, &'static str) {
        if let Some(maximum) = self.sequential.information_max {
            return (maximum, "plan");
        }
        if self.asked.ended && self.monitor.is_some() {
            return (information, "plan");
        }
        // A confidence sequence keeps the tuning of its first look.
        if let (None, Some(first)) = (self.monitor, first) {
            return (first.information_max, "projected");
        }
        let planned = self
            .sequential
            .information
            .get(self.asked.number as usize - 1)
            .copied();
        if let Some(planned) = planned {
            return (information / planned, "planned");
        }
        let Some(until) = self.asked.until else {
            return (information, "days");
        };
        let projection = Projection::new(self.plan, self.outcome, self.table, until);
        match projection.and_then(|p| p.fraction(until)) {
            Some(f) => (information / f, "projected"),
            None => match fraction::of_days(self.plan, until) {
                Some(f) => (information / f, "days"),
                None => (information, "days"),
            },
        }
    }

    /// Share of the information that this stage has, where a second may follow.
    fn stage_share(&self) -> f64 {
        match (self.monitor, self.sequential.extension_weights) {
            (Some(_), Some((first, second))) => stage_fractions(&[first, second])[0],
            _ => 1.0,
        }
    }

    fn judge(
        &self,
        passed: &[Passed],
        information: f64,
        fraction: f64,
        maximum: f64,
        z: f64,
    ) -> Result<Judged, Refusal> {
        let Some(monitor) = self.monitor else {
            let sequence = ConfidenceSequence::new(self.alpha, maximum)?;
            let (Some(critical), p) = (sequence.critical(information), sequence.p(information, z))
            else {
                return Err(Refusal::new("there is no information yet"));
            };
            return Ok(Judged {
                critical,
                nominal_p: f64::from(self.sides) * normal_sf(critical),
                spent: None,
                futility: None,
                last: self.asked.ended,
                repeated_p: p,
                information,
            });
        };
        let now = Now {
            number: self.asked.number as usize,
            information,
            fraction,
            ending: self.asked.ended,
        };
        let Standard {
            critical,
            nominal_p,
            spent,
            futility,
            last,
            information,
            ..
        } = monitor.standard(passed, now)?;
        Ok(Judged {
            critical,
            nominal_p,
            spent: Some(spent),
            futility,
            last,
            repeated_p: Some(monitor.repeated_p(passed, now, z)?),
            information,
        })
    }
}
