//! What the values of an arm column mean, for arms that are already in the data.

use std::collections::{BTreeMap, HashMap};

use crate::assign::problem::Problem;
use crate::error::nearest;

/// Which arm each value of an arm column means.
///
/// A value that the plan's `arm_values` lists means that arm. An arm for which it lists nothing
/// is meant by its own name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArmValues {
    arms: HashMap<String, usize>,
}

impl ArmValues {
    /// From the arms' names in the plan's order and the plan's `arm_values`.
    ///
    /// # Errors
    /// A listed value that is also the name of another arm that lists nothing, and an arm index
    /// that is not among the names.
    pub fn new<S: AsRef<str>>(
        names: &[S],
        listed: &BTreeMap<String, usize>,
    ) -> Result<Self, Problem> {
        let mut arms = HashMap::new();
        for (value, &arm) in listed {
            if arm >= names.len() {
                return Err(Problem::plan(format!(
                    "`arm_values` lists `{value}` for an arm that the plan does not have"
                )));
            }
            arms.insert(value.clone(), arm);
        }
        for (arm, name) in names.iter().enumerate() {
            let name = name.as_ref();
            if listed.values().any(|&listed| listed == arm) {
                continue;
            }
            if arms.insert(name.to_owned(), arm).is_some() {
                return Err(Problem::plan(format!(
                    "`arm_values` lists `{name}`, which is the name of another arm"
                ))
                .hint(format!("list the values of arm `{name}` as well")));
            }
        }
        Ok(ArmValues { arms })
    }

    /// The arm that a value means, compared byte for byte; `None` where it means none.
    pub fn arm(&self, value: &str) -> Option<usize> {
        self.arms.get(value).copied()
    }

    /// What to say of a value that means no arm; the hint names the values that do, never this one.
    pub fn unknown(&self, value: &str) -> Problem {
        let mut known: Vec<&str> = self.arms.keys().map(String::as_str).collect();
        known.sort_unstable();
        let problem = Problem::data("the value of the arm column means no arm of the plan");
        match nearest(value, known.iter().copied()) {
            Some(near) => problem.hint(format!("did you mean `{near}`?")),
            None => problem.hint(format!("values with a meaning: {}", known.join(", "))),
        }
    }
}
