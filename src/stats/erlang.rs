//! Waiting in a service centre: how many agents answer so many contacts so fast.

use super::estimate::Refusal;

/// Most agents that are tried.
const MOST_AGENTS: u32 = 1_000_000;

/// What an interval of a service centre brings, and how long each contact takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Traffic {
    /// Contacts that arrive in an interval.
    pub contacts: f64,
    /// Length of the interval in seconds.
    pub interval_seconds: f64,
    /// Mean handling time in seconds.
    pub handling_seconds: f64,
}

/// What has to hold.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Target {
    /// Most of the agents' time that contacts may take.
    pub occupancy: Option<f64>,
    /// Share of contacts to be answered within so many seconds.
    pub service: Option<(f64, f64)>,
}

/// How a number of agents copes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Queue {
    /// Agents.
    pub agents: u32,
    /// Share of their time that contacts take, A/n.
    pub occupancy: f64,
    /// P(a contact waits).
    pub waits: f64,
    /// Mean wait of all contacts, in seconds.
    pub mean_wait: f64,
    /// Handling rate that is left over, (n − A)/handling seconds: how fast a queue drains.
    drain: f64,
}

impl Traffic {
    /// A, in erlangs: agents who are busy on average.
    pub fn load(&self) -> f64 {
        self.contacts * self.handling_seconds / self.interval_seconds
    }

    /// How `agents` agents cope; `None` where they do not (n ≤ A: the queue grows without end).
    ///
    /// *Formula* — B_0 = 1, 1/B_k = 1 + (k/A)/B_{k−1} (Erlang B, a recurrence of positive terms, so
    /// stable for any load); P(wait) = B_n/(1 − (A/n)(1 − B_n)) (Erlang C); mean wait
    /// P(wait)·h/(n − A).
    ///
    /// *Units* — seconds, agents.
    ///
    /// *Assumes* — Poisson arrivals, exponential handling times, nobody hangs up.
    ///
    /// *Source* — Erlang, A. K. (1917), Elektroteknikeren 13, 5-13.
    pub fn with(&self, agents: u32) -> Option<Queue> {
        let load = self.load();
        let mut inverse_b = 1.0;
        for k in 1..=agents {
            inverse_b = 1.0 + f64::from(k) / load * inverse_b;
        }
        self.queue(agents, 1.0 / inverse_b)
    }

    fn queue(&self, agents: u32, blocked: f64) -> Option<Queue> {
        let (load, n) = (self.load(), f64::from(agents));
        if n <= load {
            return None;
        }
        let occupancy = load / n;
        let waits = blocked / (1.0 - occupancy * (1.0 - blocked));
        Some(Queue {
            agents,
            occupancy,
            waits,
            mean_wait: waits * self.handling_seconds / (n - load),
            drain: (n - load) / self.handling_seconds,
        })
    }

    /// The fewest agents with which the target holds.
    ///
    /// # Errors
    /// A load that is not finite or not positive, a target outside 0 to 1 (a service level of 1 is
    /// never reached), or over a million agents.
    pub fn needed(&self, target: &Target) -> Result<Queue, Refusal> {
        let load = self.load();
        if !(load.is_finite() && load > 0.0) {
            return Err(Refusal::new(
                "the load must be a finite number of agents above 0",
            ));
        }
        let outside = |share: f64| !(share > 0.0 && share <= 1.0);
        if target.occupancy.is_some_and(outside)
            || target
                .service
                .is_some_and(|(level, _)| outside(level) || level == 1.0)
        {
            return Err(Refusal::new(
                "occupancy and service level are shares above 0 that can be reached",
            ));
        }
        let mut inverse_b = 1.0;
        for agents in 1..=MOST_AGENTS {
            inverse_b = 1.0 + f64::from(agents) / load * inverse_b;
            if let Some(queue) = self.queue(agents, 1.0 / inverse_b)
                && target.occupancy.is_none_or(|most| queue.occupancy <= most)
                && target
                    .service
                    .is_none_or(|(level, seconds)| queue.service_level(seconds) >= level)
            {
                return Ok(queue);
            }
        }
        Err(Refusal::new("more than a million agents would be needed"))
    }
}

impl Queue {
    /// Share of contacts answered within `seconds`: 1 − P(wait)·e^(−(n − A)·seconds/h).
    pub fn service_level(&self, seconds: f64) -> f64 {
        1.0 - self.waits * (-self.drain * seconds).exp()
    }
}

/// Paid positions for `agents` who are logged in, of whose paid time a share is not.
///
/// *Formula* — ⌈n/(1 − shrinkage)⌉; a part of 1e-9 of a position is rounding.
pub fn scheduled(agents: u32, shrinkage: f64) -> f64 {
    (f64::from(agents) / (1.0 - shrinkage) - 1e-9).ceil()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// pyworkforce's example: 100 calls in 30 minutes, 180 s each, 80 % within 20 s.
    const EXAMPLE: Traffic = Traffic {
        contacts: 100.0,
        interval_seconds: 1800.0,
        handling_seconds: 180.0,
    };

    /// The published figures have ten digits.
    const PRINTED: f64 = 5e-11;

    #[test]
    fn the_published_example() {
        let target = |occupancy| Target {
            occupancy: Some(occupancy),
            service: Some((0.8, 20.0)),
        };
        let queue = EXAMPLE.needed(&target(0.85)).unwrap();
        assert_eq!(queue.agents, 14);
        assert_eq!(scheduled(14, 0.3), 20.0);
        assert!((queue.waits - 0.174_131_933_6).abs() < PRINTED);
        assert!((queue.service_level(20.0) - 0.888_350_019_2).abs() < PRINTED);
        assert!((queue.occupancy - 0.714_285_714_3).abs() < PRINTED);
        assert!((queue.mean_wait - 7.836).abs() < 5e-4);
        let easier = EXAMPLE.needed(&target(0.7)).unwrap();
        assert_eq!((easier.agents, scheduled(15, 0.3)), (15, 22.0));
        assert_eq!(EXAMPLE.with(14), Some(queue));
        assert_eq!(EXAMPLE.with(10), None);
    }

    #[test]
    fn large_loads_keep_their_digits() {
        // 50,000 erlangs: B_n by the textbook sum overflows from 700 on.
        let large = Traffic {
            contacts: 500_000.0,
            ..EXAMPLE
        };
        let target = Target {
            occupancy: None,
            service: Some((0.8, 20.0)),
        };
        let queue = large.needed(&target).unwrap();
        assert!(queue.agents > 50_000 && queue.agents < 50_500);
        assert!(queue.waits > 0.0 && queue.waits < 1.0);
        let one_less = large.with(queue.agents - 1);
        assert!(one_less.is_none_or(|q| q.service_level(20.0) < 0.8));
    }

    #[test]
    fn what_cannot_be_staffed_is_refused() {
        let nothing = Traffic {
            contacts: 0.0,
            ..EXAMPLE
        };
        assert!(nothing.needed(&Target::default()).is_err());
        let perfect = Target {
            occupancy: None,
            service: Some((1.0, 20.0)),
        };
        assert!(EXAMPLE.needed(&perfect).is_err());
    }
}
