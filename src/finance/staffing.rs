//! Hours and agents: two readings of the labour in the savings, never added to them.

use crate::experiment::Staffing;
use crate::stats::erlang::{Queue, Target, Traffic, scheduled};

use super::cohort::DAYS_PER_MONTH;
use super::lines::Lines;
use super::model::{AgentsCase, Line, Priced, Staffed, StaffingCase};

impl Lines<'_> {
    /// Hours and agents of an arm in a steady year, the horizon's last twelve months.
    ///
    /// *Formula* — handling hours = minutes avoided/60, or contacts avoided × handling seconds/3600
    /// where minutes are not known; paid hours = handling hours/(occupancy·(1 − shrinkage)).
    /// Share avoided = contacts avoided/(customers × control's rate × season), of the customers of each
    /// month, reached or not: N_t = (1 − churn)·N_{t−1} + new, N_0 the customers at roll-out.
    /// Agents by Erlang C on the plan's interval as it is and with that share fewer contacts (and their
    /// handling time changed as the minutes are).
    ///
    /// *Assumes* — the interval's contacts are those that the primary outcome counts, and fall by the
    /// same share in every interval.
    pub fn staffing(&self, k: usize) -> Option<StaffingCase> {
        let staffing = self.model.business.staffing?;
        self.model.business.half_life?;
        let (contacts, minutes) = self.shares(k)?;
        let handling = staffing
            .handling_seconds
            .or_else(|| self.measured_seconds());
        let yearly = |o: &super::cash::Outcome| match (self.priced, handling) {
            (Priced::Minutes, _) => Some(o.yearly_avoided.priced / 60.0),
            (Priced::Contacts, Some(seconds)) => Some(o.yearly_avoided.contacts * seconds / 3600.0),
            (Priced::Contacts, None) => None,
        };
        let hours = yearly(&self.base.outcomes[k])
            .is_some()
            .then(|| self.line(k, |o| yearly(o).unwrap_or(0.0)));
        let scaled = |line: Option<Line>, by: Option<f64>| {
            let (line, by) = (line?, by?);
            Some(Line {
                value: line.value * by,
                lower: line.lower.map(|v| v * by),
                upper: line.upper.map(|v| v * by),
            })
        };
        let logged_in = staffing.shrinkage.map(|s| 1.0 - s);
        let per_handling = staffing
            .occupancy
            .zip(logged_in)
            .map(|(occupancy, rest)| 1.0 / (occupancy * rest));
        let paid = scaled(hours, per_handling);
        Some(StaffingCase {
            hours_per_year: hours,
            paid_hours_per_year: paid,
            full_time_agents: scaled(paid, staffing.hours_per_agent_year.map(|h| 1.0 / h)),
            contacts_avoided: contacts,
            minutes_avoided: minutes,
            agents: agents(&staffing, handling, contacts, minutes),
        })
    }

    /// Shares of contacts and of minutes avoided at base; those of contacts where minutes are not known.
    fn shares(&self, k: usize) -> Option<(f64, f64)> {
        let base = self.base;
        let season = self.model.timetable.season();
        let first = season.len().saturating_sub(12);
        let (mut customers, mut exposed, mut avoided) = (base.values.units, 0.0, 0.0);
        for (t, season) in season.iter().enumerate() {
            customers = match t {
                0 => customers + base.values.new_customers,
                _ => customers * (1.0 - base.values.churn) + base.values.new_customers,
            };
            if t >= first {
                exposed += customers * season;
                avoided += base.profile.avoided[t];
            }
        }
        let of = base.outcomes[k].avoided;
        let share = |per_month: f64, rate: f64| {
            let baseline = exposed * rate * DAYS_PER_MONTH;
            (baseline > 0.0).then(|| per_month * avoided / baseline)
        };
        let contacts = share(of.contacts, self.effect.control_rate)?;
        let minutes = match (&self.effect.minutes, self.priced) {
            (Some(minutes), Priced::Minutes) => share(of.priced, minutes.control_rate)?,
            _ => contacts,
        };
        Some((contacts, minutes))
    }

    /// Mean handling seconds of control's contacts, where minutes are known.
    fn measured_seconds(&self) -> Option<f64> {
        let minutes = self.effect.minutes.as_ref()?;
        (self.effect.control_rate > 0.0)
            .then(|| 60.0 * minutes.control_rate / self.effect.control_rate)
            .filter(|seconds| *seconds > 0.0)
    }
}

fn agents(
    staffing: &Staffing,
    handling: Option<f64>,
    contacts: f64,
    minutes: f64,
) -> Option<AgentsCase> {
    let before = Traffic {
        contacts: staffing.contacts_per_interval?,
        interval_seconds: staffing.interval_minutes? * 60.0,
        handling_seconds: handling?,
    };
    let service = staffing.service_level.zip(staffing.answer_seconds);
    if staffing.occupancy.is_none() && service.is_none() {
        return None;
    }
    let after = Traffic {
        contacts: before.contacts * (1.0 - contacts),
        handling_seconds: before.handling_seconds * (1.0 - minutes) / (1.0 - contacts),
        ..before
    };
    let target = Target {
        occupancy: staffing.occupancy,
        service,
    };
    let shrinkage = staffing.shrinkage.unwrap_or(0.0);
    let staffed = |queue: Queue| Staffed {
        agents: queue.agents,
        positions: scheduled(queue.agents, shrinkage),
        occupancy: queue.occupancy,
        service_level: service.map(|(_, seconds)| queue.service_level(seconds)),
        mean_wait_seconds: queue.mean_wait,
    };
    let needed = before.needed(&target).ok()?;
    Some(AgentsCase {
        before: staffed(needed),
        fewer_agents: staffed(after.needed(&target).ok()?),
        // More contacts than before may be more than these agents can handle.
        lower_occupancy: staffed(after.with(needed.agents)?),
    })
}
