//! How much of the error rate may be spent by when.

use crate::stats::dist::{normal_isf, normal_sf};
use crate::stats::estimate::Refusal;

/// A spending function (Lan and DeMets).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Spending {
    /// Nearly nothing early: close to O'Brien and Fleming's boundary.
    ObrienFleming,
    /// Nearly evenly: close to Pocock's boundary.
    Pocock,
    /// Exponential family with parameter γ; −4 is near O'Brien-Fleming, 1 near Pocock.
    HwangShihDecani(f64),
    /// Power family with parameter ρ > 0; 3 is near O'Brien-Fleming, 1 even.
    KimDemets(f64),
}

/// γ beyond which exp overflows or the function is a jump.
const MOST_GAMMA: f64 = 100.0;
/// ρ beyond which nothing is left for looks before the last.
const MOST_RHO: f64 = 50.0;

impl Spending {
    /// Names in plans and flags.
    pub const NAMES: [&str; 4] = [
        "obrien-fleming",
        "pocock",
        "hwang-shih-decani",
        "kim-demets",
    ];

    /// The function of a plan's name and parameter.
    ///
    /// # Errors
    /// An unknown name; a parameter that is missing, not wanted, or out of range.
    pub fn from_name(name: &str, parameter: Option<f64>) -> Result<Self, Refusal> {
        let plain = |spending| match parameter {
            None => Ok(spending),
            Some(_) => Err(Refusal::new(format!("\"{name}\" takes no parameter"))),
        };
        let within = |range: std::ops::RangeInclusive<f64>, usual: &str| match parameter {
            None => Err(Refusal::new(format!(
                "\"{name}\" needs a parameter; {usual}"
            ))),
            Some(x) if range.contains(&x) && x != 0.0 => Ok(x),
            Some(x) => Err(Refusal::new(format!(
                "the parameter {x} of \"{name}\" must lie from {} to {} and not be 0",
                range.start(),
                range.end()
            ))),
        };
        match name {
            "obrien-fleming" => plain(Spending::ObrienFleming),
            "pocock" => plain(Spending::Pocock),
            "hwang-shih-decani" => {
                within(-MOST_GAMMA..=MOST_GAMMA, "-4 spends late, 1 spends evenly")
                    .map(Spending::HwangShihDecani)
            }
            "kim-demets" => {
                within(0.0..=MOST_RHO, "3 spends late, 1 spends evenly").map(Spending::KimDemets)
            }
            _ => Err(Refusal::new(format!(
                "unknown spending function \"{name}\""
            ))),
        }
    }

    /// Error rate spent when the fraction `t` of the information is in; all of it from t = 1 on.
    ///
    /// *Formula* — with a = `alpha`/`sides`, times `sides`:
    /// O'Brien-Fleming 2(1 − Φ(z_{1−a/2}/√t)); Pocock a·ln(1 + (e − 1)t);
    /// Hwang-Shih-DeCani a(1 − e^{−γt})/(1 − e^{−γ}); Kim-DeMets a·t^ρ.
    ///
    /// *Source* — Lan, K. and DeMets, D. (1983), Biometrika 70, 659-663; Hwang, I., Shih, W. and
    /// DeCani, J. (1990), Statist. Med. 9, 1439-1445; Kim, K. and DeMets, D. (1987), Biometrika 74, 149-154.
    pub fn spent(&self, alpha: f64, sides: u8, t: f64) -> f64 {
        if t <= 0.0 {
            return 0.0;
        }
        if t >= 1.0 {
            return alpha;
        }
        let sides = f64::from(sides);
        let a = alpha / sides;
        sides
            * match *self {
                Spending::ObrienFleming => 2.0 * normal_sf(normal_isf(a / 2.0) / t.sqrt()),
                Spending::Pocock => a * ((std::f64::consts::E - 1.0) * t).ln_1p(),
                Spending::HwangShihDecani(gamma) => a * (-gamma * t).exp_m1() / (-gamma).exp_m1(),
                Spending::KimDemets(rho) => a * t.powf(rho),
            }
    }
}
