//! What a boundary follows.

use super::spending::Spending;
use crate::stats::estimate::Refusal;

/// What the boundary follows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Boundary {
    /// A spending function; looks may fall at other times than planned.
    Spending(Spending),
    /// Wang and Tsiatis' family z_k = C·t_k^{Δ − ½}: Δ = 0 is O'Brien and Fleming's boundary,
    /// ½ Pocock's. Its constant holds for the planned looks only.
    WangTsiatis(f64),
}

impl Boundary {
    /// Names in plans and flags.
    pub const NAMES: [&str; 7] = [
        "obrien-fleming",
        "pocock",
        "hwang-shih-decani",
        "kim-demets",
        "classic-obrien-fleming",
        "classic-pocock",
        "wang-tsiatis",
    ];

    /// The boundary of a plan's `spending` and `spending_parameter`.
    ///
    /// # Errors
    /// As [`Spending::from_name`]; Δ outside −1 to 1.
    pub fn from_name(name: &str, parameter: Option<f64>) -> Result<Self, Refusal> {
        match (name, parameter) {
            ("classic-obrien-fleming" | "classic-pocock", Some(_)) => {
                Err(Refusal::new(format!("\"{name}\" takes no parameter")))
            }
            ("classic-obrien-fleming", None) => Ok(Boundary::WangTsiatis(0.0)),
            ("classic-pocock", None) => Ok(Boundary::WangTsiatis(0.5)),
            ("wang-tsiatis", None) => Err(Refusal::new(
                "\"wang-tsiatis\" needs a parameter; 0 is O'Brien-Fleming, 0.5 Pocock",
            )),
            ("wang-tsiatis", Some(delta)) if (-1.0..=1.0).contains(&delta) => {
                Ok(Boundary::WangTsiatis(delta))
            }
            ("wang-tsiatis", Some(delta)) => Err(Refusal::new(format!(
                "the parameter {delta} of \"wang-tsiatis\" must lie from -1 to 1"
            ))),
            _ => Spending::from_name(name, parameter).map(Boundary::Spending),
        }
    }

    /// Whether the looks must fall when they were planned.
    pub fn is_classical(&self) -> bool {
        matches!(self, Boundary::WangTsiatis(_))
    }
}
