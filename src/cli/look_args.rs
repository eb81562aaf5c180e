//! Flags for looks before the end, as `power` and `design` take them.

use crate::error::{Error, Result};
use crate::experiment::{GroupSequential, Sequential};
use crate::stats::power::Looks;
use crate::stats::sequential::Boundary;

/// The flags.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Looking early")]
pub struct LookArgs {
    /// Looks at the data, evenly spaced, with the last
    #[arg(long, value_name = "N")]
    looks: Option<usize>,
    /// Looks at these shares of the information; the last is 1
    #[arg(long, value_delimiter = ',', value_name = "SHARE,…")]
    information: Vec<f64>,
    /// How the looks spend the error rate (default: obrien-fleming)
    #[arg(long, value_parser = Boundary::NAMES, value_name = "NAME")]
    spending: Option<String>,
    /// Parameter of hwang-shih-decani, kim-demets or wang-tsiatis
    #[arg(long, value_name = "NUMBER")]
    spending_parameter: Option<f64>,
}

/// Looks that were asked for.
pub struct Planned {
    information: Vec<f64>,
    spending: String,
    parameter: Option<f64>,
}

impl LookArgs {
    /// What the flags ask for; `None` without looks.
    ///
    /// # Errors
    /// Flags that contradict each other, or a spending without looks.
    pub fn planned(&self) -> Result<Option<Planned>> {
        let wrong =
            |key: &str, message: String, hint: &str| Err(Error::usage(message).key(key).hint(hint));
        let information = match (self.looks, self.information.len()) {
            (None, 0) if self.spending.is_none() && self.spending_parameter.is_none() => {
                return Ok(None);
            }
            (None, 0) => {
                return wrong(
                    "--spending",
                    "there are no looks to spend on".into(),
                    "add --looks N or --information 0.4,0.7,1",
                );
            }
            (Some(n), _) if !(1..=50).contains(&n) => {
                return wrong(
                    "--looks",
                    format!("{n} looks cannot be planned"),
                    "1 to 50, with the last",
                );
            }
            (Some(n), 0) => (1..=n).map(|k| k as f64 / n as f64).collect(),
            (Some(n), given) if n != given => {
                return wrong(
                    "--information",
                    format!("{given} shares for {n} looks"),
                    "one share for each look; or leave --looks out",
                );
            }
            _ => self.information.clone(),
        };
        let spending = self.spending.as_deref().unwrap_or("obrien-fleming");
        Ok(Some(Planned {
            information,
            spending: spending.into(),
            parameter: self.spending_parameter,
        }))
    }
}

impl Planned {
    /// For sizing.
    ///
    /// # Errors
    /// As [`Boundary::from_name`].
    pub fn looks(&self) -> Result<Looks> {
        let boundary = Boundary::from_name(&self.spending, self.parameter);
        Ok(Looks {
            information: self.information.clone(),
            boundary: boundary.map_err(|r| Error::usage(r.why).key("--spending-parameter"))?,
        })
    }

    /// For the plan.
    pub fn sequential(self) -> Sequential {
        Sequential {
            looks: Vec::new(),
            information: self.information,
            rule: Some(GroupSequential {
                spending: self.spending,
                parameter: self.parameter,
                futility: None,
            }),
            information_max: None,
            extension_weights: None,
        }
    }
}

/// The looks of a plan, for sizing; `None` where it has none, or no planned shares.
///
/// # Errors
/// As [`Boundary::from_name`].
pub fn looks_of(plan: Option<&Sequential>) -> Result<Option<Looks>> {
    let Some((plan, rule)) = plan.and_then(|p| Some((p, p.rule.as_ref()?))) else {
        return Ok(None);
    };
    if plan.information.is_empty() {
        return Ok(None);
    }
    let planned = Planned {
        information: plan.information.clone(),
        spending: rule.spending.clone(),
        parameter: rule.parameter,
    };
    planned.looks().map(Some)
}
