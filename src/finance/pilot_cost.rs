//! What the pilot itself cost: spent, shown, and in no value.

use crate::experiment::{Arm, Experiment};

use super::assumption::mean;
use super::cohort::DAYS_PER_MONTH;
use super::model::{BusinessCase, PilotCost};

/// Adds what delivering to the pilot's own customers cost, arm by arm; `customers` are those of the
/// plan's arms, as far as they may be told.
///
/// *Formula* — cost per customer × customers of the arm + running cost × months of the after window,
/// each at its mean. Every customer of the arm counts once, whatever was delivered.
///
/// *Assumes* — fixed cost is the roll-out's: it counts there, and not a second time here.
///
/// Of customers who may not be told there is no cost of any arm: the amount would tell them.
pub fn add_pilot_cost(case: &mut BusinessCase, plan: &Experiment, customers: &[Option<u64>]) {
    let months = case.pilot.window_days / DAYS_PER_MONTH;
    let cost = |arm: &Arm, customers: u64| {
        let delivery = mean(&arm.cost_per_customer) * customers as f64;
        let running = mean(&arm.running_cost_per_month) * months;
        PilotCost {
            delivery,
            running,
            total: delivery + running,
        }
    };
    let of_arm = |name: &str| {
        let place = plan.arms.iter().position(|arm| arm.name == name)?;
        let customers = *customers.get(place)?;
        Some(cost(&plan.arms[place], customers?))
    };
    let costs: Option<Vec<PilotCost>> = case.arms.iter().map(|arm| of_arm(&arm.arm)).collect();
    let finite = |costs: &Vec<PilotCost>| costs.iter().all(|cost| cost.total.is_finite());
    let Some(costs) = costs.filter(finite).filter(|costs| !costs.is_empty()) else {
        return;
    };
    case.pilot_cost = Some(costs.iter().map(|cost| cost.total).sum());
    for (arm, cost) in case.arms.iter_mut().zip(costs) {
        arm.pilot_cost = Some(cost);
    }
}
